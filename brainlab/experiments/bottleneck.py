"""The wider the bottleneck, the better the reconstruction, the lesion's too: detection does not follow.

Autoencoders that differ in nothing but their number of latent numbers: reconstruction (PSNR of healthy slices) climbs
with every doubling, average precision has its best somewhere on the way (Cai et al. 2025, "MedIAnomaly", Medical Image
Analysis: the latent size decides, and a good reconstruction does not mean good detection).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from torch import nn

from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.metrics import Interval
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure

SIZES = (2, 4, 8, 16, 32, 64, 128)


class LatentSize(NamedTuple):
    """Both curves, one entry a latent size."""

    sizes: tuple[int, ...]
    psnr: tuple[float, ...]  # dB, of healthy slices
    average_precision: tuple[Interval, ...]
    contrast: str

    def figure(self) -> Figure:
        """PSNR and average precision against the latent size, side by side."""
        figure, ((left, right),) = drawing.chart(7.2, 3.2, 1, 2)
        left.plot(self.sizes, self.psnr, color=drawing.BLUE, marker="o", markersize=4)
        left.set(ylabel="PSNR of healthy slices (dB)")
        values = [ap.value for ap in self.average_precision]
        error = drawing.bars(self.average_precision)
        right.errorbar(self.sizes, values, error, color=drawing.ORANGE, marker="o", markersize=4, elinewidth=0.8)
        right.set(ylabel=f"average precision, {material.BRIGHTNESS[self.contrast]} lesions", ylim=(0, None))
        for axis in (left, right):
            axis.set_xscale("log", base=2)
            axis.set_xticks(self.sizes, [str(size) for size in self.sizes])
            axis.set(xlabel="latent numbers")
        best = values.index(max(values))
        alt = (
            f"Two curves against the number of latent numbers, {self.sizes[0]} to {self.sizes[-1]}. PSNR of healthy "
            f"slices goes from {self.psnr[0]:.1f} to {self.psnr[-1]:.1f} dB. Average precision of {self.contrast} "
            f"lesions goes from {values[0]:.2f} to {values[-1]:.2f}, and is highest, {values[best]:.2f}, with "
            f"{self.sizes[best]}."
        )
        return drawing.finish(figure, "Better reconstruction is not better detection", alt)


def latent_size(
    models: Mapping[int, nn.Module] | None = None,
    slices: Slices | None = None,
    *,
    contrast: str = "hypo",
    draws: int = material.DRAWS,
) -> LatentSize:
    """Reconstruction and detection against the size of the bottleneck, for autoencoders by their latent size.

    Without ``models``, the seven that ship as ae-latent-2 to ae-latent-128; ``slices`` defaults to half of the dev
    split, whose lesions of one ``contrast`` ("hypo", "iso" or "hyper") are looked for in cleaned maps. Intervals are
    95 % over people, by ``draws`` bootstraps.
    """
    if models is None:
        models = {size: material.shipped(f"ae-latent-{size}")[f"ae-latent-{size}"] for size in SIZES}
    if not models:
        raise InputError("Give at least one model, such as {32: model}, or leave models out for those that ship.")
    slices = material.half() if slices is None else slices
    sizes = tuple(sorted(models))
    found = [material.worth(models[size], slices, contrast, draws) for size in sizes]
    return LatentSize(sizes, tuple(w.psnr for w in found), tuple(w.average_precision for w in found), contrast)
