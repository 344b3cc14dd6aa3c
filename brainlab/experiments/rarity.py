"""AUROC does not see how rare a lesion is, average precision does.

AUROC is the chance that a lesion pixel scores above a healthy one; how many healthy ones there are does not matter.
Whoever looks at what was called meets mostly false alarms as soon as lesions are rare (Saito and Rehmsmeier 2015, PLOS
ONE 10:e0118432; in brain MRI, an AUROC of 0.991 beside an average precision of 0.271, Meissen et al. 2021, "Challenging
current semi-supervised anomaly segmentation methods for brain MRI").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import anomaly, metrics
from brainlab.anomaly import Score
from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure

APART = 2.33  # standard deviations between the two Gaussians: an AUROC of Φ(2.33 / √2) = 0.95
PIXELS = 400_000  # of each, simulated
LEAST = 20  # lesion pixels, for a value that is more than chance


class Rarity(NamedTuple):
    """The same scores with lesions made rarer, one entry a prevalence."""

    prevalences: tuple[float, ...]
    auroc: tuple[float, ...]
    average_precision: tuple[float, ...]
    told: str  # where the scores are from

    def figure(self) -> Figure:
        """Both against prevalence, from common to rare."""
        figure, ((axis,),) = drawing.chart(5.8, 3.6)
        x = 100 * np.array(self.prevalences)
        lines = (("AUROC", self.auroc, drawing.BLUE), ("average precision", self.average_precision, drawing.ORANGE))
        for told, values, colour in lines:
            axis.plot(x, values, color=colour, marker="o", markersize=4)
            middle = len(x) // 2
            drawing.name(axis, x[middle], values[middle], told, colour, (6, 9))
        axis.plot(x, self.prevalences, color=drawing.GREY, linestyle=":")
        drawing.name(axis, x[0], self.prevalences[0], "average precision of a guess", drawing.GREY, (12, 0))
        axis.set_xscale("log")
        axis.set_xticks(x, [f"{value:g}" for value in x])
        axis.minorticks_off()
        axis.invert_xaxis()
        axis.set(xlabel="lesion pixels (% of the brain), from common to rare", ylim=(0, 1.05))
        alt = (
            f"As lesion pixels go from {x[0]:g} to {x[-1]:g} % of the brain, AUROC goes from {self.auroc[0]:.2f} to "
            f"{self.auroc[-1]:.2f} and average precision from {self.average_precision[0]:.2f} to "
            f"{self.average_precision[-1]:.2f}. Scores: {self.told}."
        )
        return drawing.finish(figure, f"The same scores, rarer lesions ({self.told})", alt)


def auroc_vs_ap(
    score: Score | None = None,
    slices: Slices | None = None,
    prevalences: Sequence[float] = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001),
    *,
    contrast: str = "hypo",
    seed: int = 0,
) -> Rarity:
    """AUROC and average precision of one and the same scores, while lesion pixels are thinned out.

    Without ``score``, scores are drawn from two Gaussians of standard deviation 1, whose means lie 2.33 apart. With it,
    they are the cleaned maps that it makes of ``slices``, by default half of the dev split with lesions of one
    ``contrast``. For each prevalence as many pixels as there are, lesion and healthy, are drawn from ``seed``.
    """
    if not prevalences or not all(0 < p < 1 for p in prevalences):
        raise InputError(f"prevalences are shares between 0 and 1, such as (0.5, 0.01), got {tuple(prevalences)}.")
    if score is None and slices is not None:
        raise InputError("slices need a score, such as score=lambda s: anomaly.anomaly_map(model, s.images, s.brain).")
    lesion, healthy = _simulated(seed) if score is None else _measured(score, slices, contrast)
    rng = torch.Generator().manual_seed(seed)
    lesion, healthy = (pool[torch.randperm(len(pool), generator=rng)] for pool in (lesion, healthy))
    order = tuple(sorted(prevalences, reverse=True))
    rows = [_worth(lesion, healthy, p) for p in order]
    told = "two Gaussians" if score is None else f"{material.BRIGHTNESS[contrast]} lesions"
    return Rarity(order, tuple(a for a, _ in rows), tuple(b for _, b in rows), told)


def _worth(lesion: Tensor, healthy: Tensor, prevalence: float) -> tuple[float, float]:
    odds = prevalence / (1 - prevalence)
    n = min(len(lesion), int(len(healthy) * odds))
    if n < LEAST:
        raise InputError(f"At a prevalence of {prevalence:g} only {n} lesion pixels are left: give more slices.")
    few = healthy[: round(n / odds)]
    scores = torch.cat([lesion[:n], few])
    mask = torch.arange(len(scores)) < n
    brain = torch.ones_like(mask)
    return metrics.auroc(scores, mask, brain), metrics.average_precision(scores, mask, brain)


def _simulated(seed: int) -> tuple[Tensor, Tensor]:
    healthy, lesion = torch.randn(2, PIXELS, generator=torch.Generator().manual_seed(seed))
    return lesion + APART, healthy


def _measured(score: Score, slices: Slices | None, contrast: str) -> tuple[Tensor, Tensor]:
    slices = material.sick(material.half() if slices is None else slices, contrast)
    maps = anomaly.clean(score(slices), slices.brain)
    return maps[slices.masks & slices.brain], maps[~slices.masks & slices.brain]
