"""Healthy people who are given lesions, as further visits of theirs: a set without any lesion then serves a lesson."""

from dataclasses import replace

import numpy as np
import torch

from brainlab import insertion, lesions
from brainlab.errors import InputError
from brainlab.slices import Slices, joined

STRENGTH = 0.3  # about the step from grey to white matter
LEVELS: dict[str, str | float] = {"hypo": -STRENGTH, "iso": "iso", "hyper": STRENGTH}
"""Darker or brighter than the tissue that a lesion replaces, or like grey matter; by the phantom's names for them."""
SMALLEST_MM2 = 1000.0  # of brain in a slice: into less no lesion fits


def with_lesions(slices: Slices, seed: int = 0) -> Slices:
    """Healthy people as they are, and again with a tumour, plaques and an infarct, each at three brightnesses.

    Visits are called as the phantom's are: "healthy", "tumour-hypo", … Place and shape are the same at each brightness,
    and follow from ``seed``; whose slices have a finding already, and slices with too little brain, are left out. Where
    lesions stand in every slice's visit already, as in the phantom, nothing is changed. Raises InputError where nobody
    is healthy.
    """
    if any("-" in visit and visit.partition("-")[2] in LEVELS for visit in slices.visit):
        return slices
    ill = {
        who for who, label in zip(slices.subjects, slices.labels, strict=True) if label not in ("healthy", "unknown")
    }
    area = slices.brain.flatten(1).sum(1).numpy() * slices.spacing**2
    well = slices[~np.isin(slices.subjects, sorted(ill)) & (area >= SMALLEST_MM2)]
    if not len(well):
        raise InputError("There is nobody healthy to put lesions into: give slices of healthy people.")
    n = len(well)
    well = replace(well, visit=("healthy",) * n, labels=("healthy",) * n, factors=None)
    made = [visit(well, kind, level, seed) for kind in lesions.KINDS for level in LEVELS]
    about = replace(well.about, source=f"{well.about.source}; with invented lesions put in")
    return replace(joined([well, *made]), about=about)


def visit(healthy: Slices, kind: str, level: str, seed: int = 0) -> Slices:
    """Every slice with one lesion of a kind (``insertion.insert``), at one of ``LEVELS``."""
    made = [
        insertion.insert(x, brain, kind, seed * len(healthy) + i, LEVELS[level])
        for i, (x, brain) in enumerate(zip(healthy.images, healthy.brain, strict=True))
    ]
    return painted(healthy, kind, level, made)


def painted(healthy: Slices, kind: str, level: str, made: list[insertion.Inserted]) -> Slices:
    """The visit that these pictures are, one a slice."""
    return replace(
        healthy,
        images=torch.stack([one.image for one in made]),
        masks=torch.stack([one.mask for one in made]),
        labels=tuple(kind if one.mask.any() else "healthy" for one in made),
        visit=(f"{kind}-{level}",) * len(made),
    )
