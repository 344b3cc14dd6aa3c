"""Leaving out the brain's rim removes false alarms, and whatever lesion lies there: at 64 px soon half of the cortex.

Residuals pile up along the edge, so all protocols erode the brain mask before they look; one by twelve pixels at any
resolution (the code of Baur et al. 2021, Medical Image Analysis 69:101952), others by a share of the width (Behrendt et
al. 2025, whose width // 25 is this kit's). The truth stays whole here: a lesion pixel on the rim counts as missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from brainlab import anomaly, metrics
from brainlab.anomaly import Score
from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure


class Erosion(NamedTuple):
    """One entry a radius."""

    radii: tuple[int, ...]  # pixels
    average_precision: tuple[float, ...]
    lost: tuple[float, ...]  # share of lesion pixels on the rim, which can no longer be found
    brain_lost: tuple[float, ...]  # share of the brain that is rim
    usual: int  # the kit's own radius at this resolution
    contrast: str

    def figure(self) -> Figure:
        """Average precision, and what is lost, against the radius."""
        figure, ((left, right),) = drawing.chart(7.2, 3.2, 1, 2)
        left.plot(self.radii, self.average_precision, color=drawing.BLUE, marker="o", markersize=4)
        left.set(ylabel=f"average precision, {material.BRIGHTNESS[self.contrast]} lesions", ylim=(0, None))
        ends = drawing.spread([100 * self.brain_lost[-1], 100 * self.lost[-1]], 7)
        lines = (("of the brain", self.brain_lost, drawing.GREY), ("of the lesions", self.lost, drawing.ORANGE))
        for (told, values, colour), end in zip(lines, ends, strict=True):
            right.plot(self.radii, [100 * value for value in values], color=colour, marker="o", markersize=4)
            drawing.name(right, self.radii[-1], end, told, colour, (7, 0), annotation_clip=False)
        right.set(ylabel="pixels on the rim (%)", ylim=(0, None))
        for axis in (left, right):
            axis.set(xlabel="erosion (px)", xticks=self.radii)
            axis.axvline(self.usual, color=drawing.GREY, linestyle=":")
        drawing.name(left, self.usual, 0, f"this kit's, {self.usual} px", drawing.GREY, (4, 8))
        best = self.average_precision.index(max(self.average_precision))
        alt = (
            f"Average precision against erosion of the brain mask: {self.average_precision[0]:.2f} with "
            f"{self.radii[0]} px, highest, {self.average_precision[best]:.2f}, with {self.radii[best]} px, "
            f"{self.average_precision[-1]:.2f} with {self.radii[-1]} px, where {100 * self.lost[-1]:.0f} % of lesion "
            f"pixels and {100 * self.brain_lost[-1]:.0f} % of the brain are no longer looked at."
        )
        return drawing.finish(figure, "Erosion: false alarms go, and lesions with them", alt)


def erosion(
    score: Score | None = None,
    slices: Slices | None = None,
    *,
    radii: Sequence[int] = tuple(range(9)),
    contrast: str = "hypo",
) -> Erosion:
    """Average precision with the rim's scores at 0, and the lesion pixels lost on it, for every radius in pixels.

    ``score`` maps ``Slices`` to anomaly maps (N, 1, H, W), by default the residual of the shipped ae; it is median
    filtered first. ``slices`` defaults to half of the dev split, whose lesions of one ``contrast`` are looked for.
    """
    if not radii:
        raise InputError("Give at least one radius in pixels, such as radii=(0, 2, 4).")
    for radius in radii:
        material.whole("Every radius", radius, 0)
    slices = material.sick(material.half() if slices is None else slices, contrast)
    score = anomaly.scored(material.shipped("ae")["ae"]) if score is None else score
    maps = anomaly.median(score(slices))
    lesion = slices.masks & slices.brain
    found, lost, brain_lost = [], [], []
    for radius in radii:
        left = anomaly.erode(slices.brain, radius)
        found.append(metrics.average_precision(maps * left, slices.masks, slices.brain))
        lost.append(1 - float((lesion & left).sum() / lesion.sum()))
        brain_lost.append(1 - float((slices.brain & left).sum() / slices.brain.sum()))
    usual = max(1, slices.brain.shape[-1] // anomaly.EROSION)
    return Erosion(tuple(radii), tuple(found), tuple(lost), tuple(brain_lost), usual, contrast)
