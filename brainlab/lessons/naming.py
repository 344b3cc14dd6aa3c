"""The slices of lesson 01: people whose findings have names, and a kind of lesson that is kept out of training."""

from collections.abc import Sequence

import numpy as np

from brainlab import data
from brainlab.errors import InputError
from brainlab.slices import Slices

UNMET = 8  # a population of phantoms: the shipped classifier met 0 to 7, and a start is judged on people new to it


def labelled(name: str, contrast: str) -> Slices:
    """Slices with names to learn from: the split ``labelled``, or healthy people who are given lesions.

    Of the phantom these are people whom the shipped classifier has not met, those of population ``UNMET``.
    Of a set without any finding that has a mask, every fourth healthy training slice is taken, with a bright and a dark
    lesion of each kind put in (``data.with_lesions``).
    """
    seed = UNMET if str(name) == "phantom" else 0
    found = data.load(name, split="labelled", contrast=contrast, seed=seed)
    if found.masks.any():
        return found
    made = data.with_lesions(data.load(name, split="train", contrast=contrast)[::4])
    return made[[not visit.endswith("-iso") for visit in made.visit]]


def others(name: str, contrast: str) -> Slices | None:
    """``dev``, with lesions put into healthy people if need be; None, and a sentence, where nobody is healthy."""
    try:
        return data.with_lesions(data.load(name, split="dev", contrast=contrast))
    except InputError:
        print("Nobody in these data is healthy: our patient is one of theirs, and the table of tumours is passed over.")
        return None


def names(s: Slices) -> tuple[tuple[str, ...], str]:
    """The classes to learn, "healthy" first, and the kind of lesion kept out: plaques, else the last by name."""
    kinds = sorted(set(s.labels) - {"healthy", "unknown"}, reverse=True)
    healthy = ["healthy"] if _well(s).any() else []
    if len(healthy) + len(kinds) < 3:
        beside = "beside healthy people" if healthy else "and healthy people, or three kinds"
        raise InputError(f"This lesson needs two kinds of lesion by name, {beside}, and these data have {kinds}.")
    out = "ms" if "ms" in kinds else kinds[0]
    return (*healthy, *(kind for kind in kinds if kind != out)), out


def large(s: Slices, classes: Sequence[str], mm2: float) -> Slices:
    """Slices of healthy scans, and those of the named lesions whose cut measures at least ``mm2``."""
    area = s.masks.flatten(1).sum(1).numpy() * s.spacing**2
    lesion = (np.array(s.labels) != "healthy") & (area >= mm2)
    return s[np.isin(s.labels, classes) & (_well(s) | lesion)]


def _well(s: Slices) -> np.ndarray:
    """Which slices are of a scan in which nothing was found, (N,) bool, whatever its source calls that visit."""
    scans = list(zip(s.subjects, s.visit, strict=True))
    ill = {scan for scan, label in zip(scans, s.labels, strict=True) if label != "healthy"}
    return np.array([scan not in ill for scan in scans], dtype=bool)
