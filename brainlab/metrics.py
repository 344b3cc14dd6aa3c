"""Every measure once, as a pure function; each is tested against a case worked by hand.

Scores are higher where a method suspects a lesion; ``mask`` is the truth and ``prediction`` a guess, both boolean;
``brain`` marks the pixels that count. Shapes agree, (N, 1, H, W) or any other. Results are plain floats.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab.errors import InputError

LEAST_SUBJECTS = 10
"""With fewer, an interval would promise what it cannot hold."""


class Interval(NamedTuple):
    """A value with the low and high end of its 95 % interval."""

    value: float
    low: float
    high: float


def dice(prediction: Tensor, mask: Tensor) -> float:
    """Overlap 2·|P ∩ M| / (|P| + |M|) of two boolean masks, 0 to 1; nan where both are empty, since nothing was asked.

    Dice 1945, Ecology 26:297.
    """
    _same_shape(prediction, mask)
    if prediction.dtype != torch.bool or mask.dtype != torch.bool:
        raise InputError(
            f"Dice compares boolean masks, got {prediction.dtype} and {mask.dtype}: cut scores first: scores > 0.5."
        )
    together = int(prediction.sum()) + int(mask.sum())
    return 2 * int((prediction & mask).sum()) / together if together else float("nan")


def false_positive_rate(prediction: Tensor, mask: Tensor, brain: Tensor) -> float:
    """Share of the *healthy* brain pixels that are called a lesion: FP / (FP + TN).

    Not FP / (FP + TP): that is the false discovery rate, and published code has taken one for the other.
    """
    _same_shape(prediction, mask, brain)
    healthy = brain & ~mask
    return float((prediction & healthy).sum() / healthy.sum())


def prevalence(mask: Tensor, brain: Tensor) -> float:
    """Share of brain pixels that are lesion: the average precision of a guess, its chance line."""
    _same_shape(mask, brain)
    return float(mask[brain].double().mean())


def average_precision(scores: Tensor, mask: Tensor, brain: Tensor) -> float:
    """Area under the precision-recall curve, Σ (Rₙ − Rₙ₋₁)·Pₙ over falling thresholds, pooled over all brain pixels.

    Equal scores enter together, as one threshold, so the order of the pixels does not matter. No interpolation: that
    would flatter (Davis and Goadrich 2006, ICML). Raises InputError where no brain pixel is lesion.
    """
    _check_ranked(scores, mask, brain)
    score, lesion = scores[brain].double(), mask[brain]
    order = score.argsort(descending=True)
    score, hits = score[order], lesion[order].double().cumsum(0)
    last_of_ties = torch.cat([score[1:] != score[:-1], torch.ones(1, dtype=torch.bool)])
    called = torch.arange(1, len(score) + 1, dtype=torch.float64)[last_of_ties]
    hits = hits[last_of_ties]
    precision, recall = hits / called, hits / hits[-1]
    return float((torch.diff(recall, prepend=torch.zeros(1, dtype=torch.float64)) * precision).sum())


def psnr(x: Tensor, x_hat: Tensor) -> float:
    """Peak signal-to-noise ratio 10·log₁₀(1 / MSE) of images in [0, 1] (N, C, H, W), in dB, averaged over the N.

    Higher is better; 20 dB is an error of 0.1 a pixel, 30 dB of 0.03; inf where an image is met exactly. Every pixel
    counts, and background is easy: where the brain fills half the picture, that alone is worth 3 dB.
    """
    _same_shape(x, x_hat)
    mse = (x.double() - x_hat.double()).square().flatten(1).mean(dim=1)  # (N,)
    return float((-10 * mse.log10()).mean())


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


def average_precision_interval(
    scores: Tensor, mask: Tensor, brain: Tensor, subjects: Sequence[str], draws: int = 200, seed: int = 0
) -> Interval:
    """``average_precision`` of slices (N, ...) with the interval that ``bootstrap`` gives it, sorting once only.

    How many pixels of each subject lie at or above a lesion pixel's score does not depend on who is drawn; a draw only
    says how often each subject counts. ``subjects`` names each slice's, (N,).
    """
    _check_ranked(scores, mask, brain)
    names = list(dict.fromkeys(subjects))
    owner = np.array([names.index(name) for name in subjects])
    rows = [torch.from_numpy(np.flatnonzero(owner == i)) for i in range(len(names))]
    pixels = [(scores[i][brain[i]].numpy(), mask[i][brain[i]].numpy()) for i in rows]
    thresholds = np.unique(np.concatenate([score[lesion] for score, lesion in pixels]))[::-1]  # elsewhere recall rests

    def above(values: np.ndarray) -> np.ndarray:
        return len(values) - np.searchsorted(np.sort(values), thresholds)

    called = np.stack([above(score) for score, _ in pixels]).astype(float)  # (subjects, thresholds)
    hits = np.stack([above(score[lesion]) for score, lesion in pixels]).astype(float)

    def drawn(pick: np.ndarray) -> float:
        times = np.bincount(pick, minlength=len(names)).astype(float)
        n, found = times @ called, times @ hits
        recall = found / found[-1] if found[-1] else np.full_like(found, np.nan)
        return float((np.diff(recall, prepend=0) * found / np.maximum(n, 1)).sum())

    return interval(drawn(np.arange(len(names))), [drawn(pick) for pick in _picks(len(names), draws, seed)])


def interval(value: float, values: Sequence[float]) -> Interval:
    """A value and the middle 95 % of what repetitions gave; no repetitions, no interval: low and high are nan."""
    low, high = np.nanpercentile(values, [2.5, 97.5]) if len(values) else (np.nan, np.nan)
    return Interval(value, float(low), float(high))


def _picks(subjects: int, draws: int, seed: int) -> list[np.ndarray]:
    """Which subjects each draw holds, by number; none where there are too few subjects for an interval."""
    rng = np.random.default_rng(seed)
    return [rng.integers(subjects, size=subjects) for _ in range(draws if subjects >= LEAST_SUBJECTS else 0)]


def _check_ranked(scores: Tensor, mask: Tensor, brain: Tensor) -> None:
    _same_shape(scores, mask, brain)
    if not mask[brain].any():
        raise InputError("Average precision needs at least one lesion pixel inside the brain; this mask has none.")
    if not torch.isfinite(scores[brain]).all():
        raise InputError("Average precision needs finite scores; some are NaN or infinite.")


def _same_shape(*arrays: Tensor) -> None:
    if len({tuple(one.shape) for one in arrays}) > 1:
        raise InputError(f"Shapes must agree, got {' and '.join(str(tuple(one.shape)) for one in arrays)}.")
