"""A residual is a difference of intensity: a lesion as bright as healthy tissue is invisible to a *perfect* model.

    x = healthy slice with a disk of intensity t
    x_hat = the same slice without the disk, slightly blurred       no model could know the person better
    score = |x − x_hat|

Where t lies among the intensities of healthy tissue, average precision falls towards chance (Meissen, Kaissis and
Rueckert 2022, "On the pitfalls of using the residual error as anomaly score", MIDL, experiment 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn

from brainlab import anomaly, metrics
from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.fields import generator
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure

BINS = 50
RADIUS = 5 / 64  # of the disk, as a share of the image's width: the paper's 20 pixels, at 64 px


class ContrastSweep(NamedTuple):
    """How well disks of each intensity are found, beside how common that intensity is in healthy brain."""

    intensities: np.ndarray  # (K,) in [0, 1]
    average_precision: np.ndarray  # (K,)
    prevalence: float  # the chance line: share of brain pixels that the disks cover
    histogram: np.ndarray  # (50,) share of healthy brain pixels in each fiftieth of [0, 1]
    told: str  # what x_hat is

    def figure(self) -> Figure:
        """Average precision against the disk's intensity, above the healthy intensities."""
        figure, ((top,), (bottom,)) = drawing.chart(5.6, 4.2, 2, sharex=True, height_ratios=(2, 1))
        top.plot(self.intensities, self.average_precision, color=drawing.BLUE, marker="o", markersize=3.5)
        top.axhline(self.prevalence, color=drawing.GREY, linestyle=":")
        drawing.name(top, 0, self.prevalence, f"chance, {self.prevalence:.2f}", drawing.GREY, (2, 8))
        top.set(ylabel="average precision", ylim=(0, 1.05))
        middles = (np.arange(BINS) + 0.5) / BINS
        bottom.fill_between(middles, 100 * self.histogram, step="mid", color="0.7", linewidth=0)
        bottom.set(xlabel="intensity of the disk, and of healthy tissue", ylabel="% of healthy\nbrain pixels")
        bottom.set(xlim=(-0.01, 1.01), ylim=(0, None))
        worst = int(self.average_precision.argmin())
        alt = (
            f"Average precision of |x − x̂| against the intensity of a disk, where x̂ is {self.told}: "
            f"{self.average_precision[0]:.2f} for black disks, {self.average_precision[-1]:.2f} for white ones, and "
            f"{self.average_precision[worst]:.2f} at intensity {self.intensities[worst]:.2f}, amid the healthy "
            f"intensities shown below; chance is {self.prevalence:.2f}."
        )
        return drawing.finish(figure, f"As bright as healthy tissue, a lesion is missed\n(x̂: {self.told})", alt)


def contrast_sweep(
    slices: Slices | None = None,
    blur_px: float = 1.0,
    intensities: int = 21,
    *,
    radius_px: int | None = None,
    model: nn.Module | None = None,
    seed: int = 0,
) -> ContrastSweep:
    """Put a disk of every intensity from 0 to 1 into healthy slices, and ask how well |x − x̂| finds it.

    x̂ is the healthy slice after a Gaussian blur with a standard deviation of ``blur_px`` pixels; or, with ``model``,
    what that model makes of the slice with the disk. Each slice has one disk, of ``radius_px`` pixels (5 at 64 px), in
    a place drawn from ``seed``; those too small for it are left out. ``slices`` defaults to half of the dev split.
    Scores are not cleaned, as in the paper.
    """
    material.whole("intensities", intensities, 3)
    if not 0 <= blur_px < np.inf:
        raise InputError(f"blur_px must be 0 or more pixels, got {blur_px}.")
    slices = material.healthy(material.half() if slices is None else slices)
    radius = round(RADIUS * slices.images.shape[-1]) if radius_px is None else radius_px
    material.whole("radius_px", radius, 1)
    masks = _disks(slices.brain, radius, seed)
    fits = masks.flatten(1).any(dim=1)
    if not fits.any():
        raise InputError(f"No slice has room for a disk of radius {radius} px: choose a smaller radius_px.")
    x, masks, brain = slices.images[fits], masks[fits], slices.brain[fits]
    blurred = torch.from_numpy(ndimage.gaussian_filter(x.numpy(), (0, 0, blur_px, blur_px)))
    levels = np.linspace(0, 1, intensities)
    found = []
    for t in levels:
        ill = x.masked_fill(masks, t)
        x_hat = blurred if model is None else anomaly.reconstruct(model, ill)
        found.append(metrics.average_precision((ill - x_hat).abs(), masks, brain))
    counts, _ = np.histogram(x[brain].numpy(), bins=BINS, range=(0, 1))
    told = f"the healthy slice, blurred by {blur_px:g} px" if model is None else f"by a {type(model).__name__}"
    return ContrastSweep(levels, np.array(found), metrics.prevalence(masks, brain), counts / counts.sum(), told)


def _disks(brain: Tensor, radius: int, seed: int) -> Tensor:
    """One disk inside each brain (N, 1, H, W), bool; none where there is no room."""
    rng = generator(seed, "disks")
    rows, columns = np.indices(brain.shape[-2:])
    masks = torch.zeros_like(brain)
    for i, inside in enumerate(brain[:, 0].numpy()):
        places = np.argwhere(np.asarray(ndimage.distance_transform_edt(inside)) > radius)
        if len(places):
            row, column = places[int(torch.randint(len(places), (), generator=rng))]
            masks[i, 0] = torch.from_numpy((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)
    return masks
