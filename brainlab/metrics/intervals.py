"""What a number is worth: 95 % intervals over subjects, since slices of one person are not independent."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab.errors import InputError
from brainlab.metrics.checks import a_name_each
from brainlab.metrics.counting import brain_pixels
from brainlab.metrics.ranking import step_area

LEAST_SUBJECTS = 10
"""With fewer, an interval would promise what it cannot hold."""


class Interval(NamedTuple):
    """A value with the low and high end of its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap(
    statistic: Callable[[np.ndarray], float], subjects: Sequence[str], draws: int = 200, seed: int = 0
) -> Interval:
    """A statistic with its 95 % percentile interval over *subjects*: slices of one person are not independent.

    ``statistic`` receives the indices (n,) of the slices drawn: whole subjects, with replacement. Under ten subjects
    low and high are nan. Efron and Tibshirani 1993, chapter 13.
    """
    owner = np.asarray(subjects)
    rows = [np.flatnonzero(owner == name) for name in dict.fromkeys(subjects)]
    values = [statistic(np.concatenate([rows[i] for i in pick])) for pick in _picks(len(rows), draws, seed)]
    return interval(statistic(np.arange(len(owner))), values)


def mean_interval(values: Mapping[str, float], draws: int = 200, seed: int = 0) -> Interval:
    """The mean of one value a subject, by name, with the interval that ``bootstrap`` gives it.

    For example the second part of ``dice_by_subject``. Raises InputError where there is none, or one is not finite.
    """
    each = np.array(list(values.values()), dtype=float)
    if not len(each):
        raise InputError("A mean over subjects needs at least one, got none.")
    if not np.isfinite(each).all():
        unknown = ", ".join(name for name, value in values.items() if not np.isfinite(value))
        raise InputError(f"A mean over subjects needs finite values; leave out {unknown}, and say so.")
    return bootstrap(lambda i: float(each[i].mean()), list(values), draws, seed)


def average_precision_interval(
    scores: Tensor, mask: Tensor, brain: Tensor, subjects: Sequence[str], draws: int = 200, seed: int = 0
) -> Interval:
    """``average_precision`` of slices (N, ...) with the interval that ``bootstrap`` gives it, sorting once only.

    How many pixels of each subject lie at or above a lesion pixel's score does not depend on who is drawn; a draw only
    says how often each subject counts. ``subjects`` names each slice's, (N,).
    """
    a_name_each(subjects, len(mask), "subjects")
    score, lesion = brain_pixels(scores, mask, brain, "Average precision")
    names = list(dict.fromkeys(subjects))
    of_slice = torch.tensor([names.index(name) for name in subjects])
    owner = of_slice.repeat_interleave(brain.reshape(len(brain), -1).sum(dim=1).cpu()).numpy()  # (pixels,)
    thresholds = np.unique(score[lesion])[::-1]  # elsewhere recall rests

    def above(those: np.ndarray) -> np.ndarray:
        return those.sum() - np.searchsorted(np.sort(score[those]), thresholds)

    called = np.stack([above(owner == i) for i in range(len(names))]).astype(float)  # (subjects, thresholds)
    hits = np.stack([above((owner == i) & lesion) for i in range(len(names))]).astype(float)

    def drawn(pick: np.ndarray) -> float:
        times = np.bincount(pick, minlength=len(names)).astype(float)
        n, found = times @ called, times @ hits
        recall = found / found[-1] if found[-1] else np.full_like(found, np.nan)
        return step_area(found / np.maximum(n, 1), recall)

    return interval(drawn(np.arange(len(names))), [drawn(pick) for pick in _picks(len(names), draws, seed)])


def interval(value: float, values: Sequence[float]) -> Interval:
    """A value and the middle 95 % of what repetitions gave; no repetitions, no interval: low and high are nan."""
    low, high = np.nanpercentile(values, [2.5, 97.5]) if len(values) else (np.nan, np.nan)
    return Interval(value, float(low), float(high))


def _picks(subjects: int, draws: int, seed: int) -> list[np.ndarray]:
    """Which subjects each draw holds, by number; none where there are too few subjects for an interval."""
    rng = np.random.default_rng(seed)
    return [rng.integers(subjects, size=subjects) for _ in range(draws if subjects >= LEAST_SUBJECTS else 0)]
