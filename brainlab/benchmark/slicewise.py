"""Slices as wholes: is one with a lesion told from the same person's healthy slice at the same height?"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from brainlab import metrics
from brainlab.metrics import Interval
from brainlab.slices import Slices

SliceScore = Callable[[Slices], Tensor]
"""Slices to one number each, (N,), higher where something is unusual."""


class Pairs(NamedTuple):
    """Slices with a lesion, and for each the same person's healthy one."""

    ill: Tensor  # (P,) which of the sick slices
    well: Tensor  # (P,) which of the healthy ones
    people: list[str]  # whose, P names


def pairs(sick: Slices, healthy: Slices) -> Pairs | None:
    """Every slice with a lesion that has a healthy twin; None where there is none.

    Paired, for lesions are not everywhere: against all healthy slices, height alone would tell ill from well.
    """
    at = {pair: i for i, pair in enumerate(zip(healthy.subjects, healthy.position_mm.tolist(), strict=True))}
    lesion = sick.masks.flatten(1).any(dim=1).tolist()
    found = [
        (i, at[pair])
        for i, pair in enumerate(zip(sick.subjects, sick.position_mm.tolist(), strict=True))
        if lesion[i] and pair in at
    ]
    if not found:
        return None
    ill, well = (torch.tensor(side) for side in zip(*found, strict=True))
    return Pairs(ill, well, [sick.subjects[i] for i, _ in found])


def auroc(ill: Tensor, well: Tensor, people: list[str], draws: int) -> Interval:
    """The AUROC of the scores of paired slices, each (P,), with its interval over people."""
    scores = torch.cat([ill, well])
    diseased = torch.arange(len(scores)) < len(ill)
    return metrics.bootstrap(
        lambda i: metrics.image_auroc(scores[torch.from_numpy(i)], diseased[torch.from_numpy(i)]), people * 2, draws
    )
