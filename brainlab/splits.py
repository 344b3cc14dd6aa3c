"""Splits by subject: who learns, who sets thresholds and who is tested, drawn from a seed and from names alone.

People without any finding (H: every slice "healthy" or "unknown", not a pixel of a mask) go to train, val, labelled,
dev and test as 60, 10, 10, 10 and 10 %; those with findings (I) to labelled, dev and test as 40, 20 and 40 %. Where H
is empty, those of I who have healthy slices go to the five as 50, 10, 15, 10 and 15 %, and train and val keep only
their healthy slices: they are slices of patients, and a warning says so. Nobody is in two splits.

A subject's place follows from the hash of seed and name: it is the same in any order of files, on any computer and at
any size of image.
"""

import hashlib
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from brainlab.errors import InputError
from brainlab.slices import Slices

SPLITS = ("train", "val", "labelled", "dev", "test")
HEALTHY = {"train": 60, "val": 10, "labelled": 10, "dev": 10, "test": 10}
ILL = {"labelled": 40, "dev": 20, "test": 40}
PARTLY = {"train": 50, "val": 10, "labelled": 15, "dev": 10, "test": 15}
"""Per cent of the people of each kind."""

FIRST_SERVED = ("train", "test", "val", "dev", "labelled")
"""Who gets somebody first where there are fewer people than splits, and who wins where two are due the same."""

FREE = ("healthy", "unknown")  # labels that are not a finding


def by_subject(slices: Slices, split: str, seed: int = 0) -> Slices:
    """The slices of the subjects that ``split`` holds, in their order; ``train`` and ``val`` are free of lesions.

    A subject here is whatever ``subjects`` names: a person, or a group of pictures where persons are not known. Raises
    InputError for an unknown split, for a single subject, and where a split would have nobody or nothing healthy.
    """
    if split not in SPLITS:
        raise InputError(f"split must be one of {', '.join(SPLITS)}, got {split!r}.")
    found = _findings(slices)
    ill = {name for name, one in zip(slices.subjects, found, strict=True) if one}
    well = set(slices.subjects) - ill
    if len(ill | well) < 2:
        raise InputError(
            f"{slices.about.source} has {_counted(len(ill | well))}, which cannot be split; leave split out."
        )
    healthy = np.array([label == "healthy" for label in slices.labels], dtype=bool) & ~found
    partly = set() if well else {name for name, one in zip(slices.subjects, healthy, strict=True) if one}
    shares = [_shared(well, HEALTHY, seed), _shared(partly, PARTLY, seed), _shared(ill - partly, ILL, seed)]
    _check(slices, split, shares, well, partly)
    if split in ("train", "val"):
        _warn(slices, well)
    wanted = {name for share in shares for name in share[split]}
    keep = np.array([name in wanted for name in slices.subjects], dtype=bool)
    if split in ("train", "val") and partly:
        keep &= healthy
    return slices[keep]


def _findings(slices: Slices) -> np.ndarray:
    """(N,) bool: whether a slice shows a finding, by its label or its mask."""
    labelled = np.array([label not in FREE for label in slices.labels], dtype=bool)
    return labelled | slices.masks.flatten(1).any(1).numpy()


def _shared(people: set[str], percent: Mapping[str, int], seed: int) -> dict[str, list[str]]:
    """People drawn into splits, each split with at least one as far as they reach."""
    drawn = sorted(people, key=lambda name: (hashlib.sha256(f"{seed}:{name}".encode()).digest(), name))
    shares: dict[str, list[str]] = {name: [] for name in SPLITS}
    taken = 0
    for name, n in _sizes(len(drawn), percent).items():
        shares[name] = drawn[taken : taken + n]
        taken += n
    return shares


def _sizes(n: int, percent: Mapping[str, int]) -> dict[str, int]:
    """How many of ``n`` each split takes: one, then by the largest gap between its share and what it has."""
    order = [name for name in FIRST_SERVED if name in percent]
    sizes = dict.fromkeys(percent, 0)
    for name in order[:n]:
        sizes[name] = 1
    for _ in range(n - sum(sizes.values())):
        furthest = max(order, key=lambda name: percent[name] * n / 100 - sizes[name])
        sizes[furthest] += 1
    return sizes


def _check(
    slices: Slices, split: str, shares: Sequence[dict[str, list[str]]], well: set[str], partly: set[str]
) -> None:
    """InputError that says what is wanting where a split would have nobody."""
    if any(share[split] for share in shares):
        return
    source = slices.about.source
    if split in ("train", "val") and not well and not partly:
        there = sorted(set(slices.labels))
        labels = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise InputError(
            f"{source} has no healthy slice, which {split} is made of, only the labels {labels}; write healthy where "
            f"nothing was found, or take {split} from another source, and labelled, dev and test from this one."
        )
    if split in ("train", "val"):
        raise InputError(
            f"{source} has {_counted(len(well or partly))} with healthy slices, too few for a {split} of their own; "
            f"leave split out, or add people."
        )
    raise InputError(
        f"{source} has {_counted(len(set(slices.subjects)))}, too few for a {split} of their own; leave split out, or "
        f"add people."
    )


def _warn(slices: Slices, well: set[str]) -> None:
    """What train and val are worth, where they are not of people known to be healthy."""
    source = slices.about.source
    if not well:
        warnings.warn(
            f"{source} has nobody without a finding: train and val are lesion-free slices of patients, which need not "
            f"look as a healthy person's do.",
            stacklevel=3,
        )
        return
    unsaid = {name for name, label in zip(slices.subjects, slices.labels, strict=True) if label == "unknown"} & well
    if unsaid:
        warnings.warn(
            f"In {source} nothing says whether {_counted(len(unsaid))} of the {len(well)} without a finding are "
            f"healthy; train and val take them to be. Give them a mask of nothing but 0, or the class healthy.",
            stacklevel=3,
        )


def _counted(n: int) -> str:
    return "one subject" if n == 1 else f"{n} subjects"
