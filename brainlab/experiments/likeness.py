"""Who rebuilds a brain best does not find most: reconstruction against detection, a point for every shipped model.

A model is chosen by its loss, and the loss is reconstruction. Over families of models it tells little of how well the
residual ranks lesion pixels (Cai et al. 2025, "MedIAnomaly", Medical Image Analysis; Meissen et al. 2022, MIDL).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats
from torch import nn

from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.metrics import Interval
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure

MODELS = (
    *(f"ae-latent-{size}" for size in (2, 4, 8, 16)),
    "ae",
    *(f"ae-latent-{size}" for size in (64, 128)),
    "ae-spatial",
    "vae-beta-0.1",
    "vae",
    "vae-beta-4",
    "vae-beta-16",
    "dae",
    "vaegan",
    "fanogan",
)
"""All that ship for T1w at 64 px and rebuild an image, each once: ae-latent-32 is ae, and vae-beta-1 is vae."""


class ReconstructionVsDetection(NamedTuple):
    """One entry a model, and how well one order tells the other."""

    names: tuple[str, ...]
    psnr: tuple[float, ...]  # dB, of healthy slices
    average_precision: tuple[Interval, ...]
    correlation: float  # Spearman's, of the two over models: 1 the same order, 0 no relation
    p_value: float  # that models without any relation come out so far from 0
    contrast: str

    def figure(self) -> Figure:
        """Average precision against PSNR, each model by its name."""
        figure, ((axis,),) = drawing.chart(7.2, 4.4)
        values = [ap.value for ap in self.average_precision]
        error = drawing.bars(self.average_precision)
        axis.errorbar(self.psnr, values, error, fmt="none", ecolor="0.8", elinewidth=1, zorder=1)
        families = list(dict.fromkeys(name.split("-")[0] for name in self.names))
        colours = [drawing.COLOURS[families.index(name.split("-")[0]) % len(drawing.COLOURS)] for name in self.names]
        axis.scatter(self.psnr, values, c=colours, s=36, zorder=2)
        axis.set(xlabel="PSNR of healthy slices (dB)", ylim=(0, None))
        axis.set_ylabel(f"average precision, {material.BRIGHTNESS[self.contrast]} lesions")
        axis.margins(x=0.12)
        drawing.name_points(axis, self.psnr, values, self.names, colours)
        order = np.argsort(self.psnr)
        each = ", ".join(f"{self.names[i]} {self.psnr[i]:.1f} dB and {values[i]:.2f}" for i in order)
        alt = (
            f"Average precision of {material.BRIGHTNESS[self.contrast]} lesions against PSNR of healthy slices for "
            f"{len(values)} models; rank correlation {self.correlation:.2f}. From the worst reconstruction up: {each}."
        )
        title = (
            f"Reconstruction and detection: rank correlation {self.correlation:.2f} (p = {self.p_value:.2f})".replace(
                "-", "−"
            )
        )
        return drawing.finish(figure, title, alt)


def reconstruction_vs_detection(
    models: Mapping[str, nn.Module] | None = None,
    slices: Slices | None = None,
    *,
    contrast: str = "hypo",
    draws: int = material.DRAWS,
) -> ReconstructionVsDetection:
    """PSNR of healthy slices against average precision, and the rank correlation of the two over at least 3 models.

    Without ``models``, by name, those that ship (``MODELS``). ``slices`` defaults to half of the dev split, whose
    lesions of one ``contrast`` ("hypo", "iso" or "hyper") are looked for in cleaned maps. The models are relatives, not
    draws from all models, so the p-value is a rough guide.
    """
    models = material.shipped(*MODELS) if models is None else models
    if len(models) < 3:
        raise InputError(f"A rank correlation needs at least 3 models, got {len(models)}.")
    slices = material.half() if slices is None else slices
    found = [material.worth(model, slices, contrast, draws) for model in models.values()]
    psnr, ap = tuple(w.psnr for w in found), tuple(w.average_precision for w in found)
    rho, p = stats.spearmanr(psnr, [one.value for one in ap])
    return ReconstructionVsDetection(tuple(models), psnr, ap, float(rho), float(p), contrast)  # pyright: ignore[reportArgumentType] - scipy's hint
