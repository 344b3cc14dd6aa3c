"""What scores are worth at every threshold of a slider at once, so that a browser reads it off without a kernel."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import anomaly, metrics

FPR = 0.01  # of healthy people's brain pixels: where the honest mark stands
PLACES = (np.arange(1, 256) - 0.5) / 255  # thresholds between the bytes: what is drawn is what is counted


class Pool(NamedTuple):
    """Brain pixels that are judged together."""

    scores: Tensor  # (pixels,)
    lesion: Tensor  # (pixels,) bool


class Normal(NamedTuple):
    """What a method calls in healthy people."""

    cut: float  # the threshold that calls a share ``FPR`` of their brain
    rate: np.ndarray  # (255,) the share that each place of the slider calls


class Worth(NamedTuple):
    """What a method's scores are worth in a pool, at every place of the slider and at the two marks."""

    precision: np.ndarray  # (255,) nan where nothing is called
    recall: np.ndarray  # (255,)
    dice: np.ndarray  # (255,)
    fpr: np.ndarray  # (255,) share of healthy people's brain pixels that are called
    average_precision: float
    honest: tuple[float, float, float, float]  # threshold at FPR and its recall, precision, Dice
    oracle: tuple[float, float, float, float]  # the same at the best threshold, read off the truth


def judged(pool: Pool, places: np.ndarray, normal: Normal) -> Worth:
    """A pool's worth at thresholds ``places`` (255,), at the honest cut and at the oracle's."""
    scores, lesion = pool
    inside = torch.ones_like(lesion)
    curve, oracle = metrics.precision_recall(scores, lesion, inside), metrics.oracle_dice(scores, lesion, inside)
    at = [_point(curve, float(scores.max()), t) for t in (*places, normal.cut, oracle.threshold)]
    recall, precision = np.array(at).T
    dice = [metrics.dice(scores > t, lesion) for t in (*places, normal.cut)]
    return Worth(
        precision[:-2],
        recall[:-2],
        np.array(dice[:-1]),
        normal.rate,
        metrics.average_precision(scores, lesion, inside),
        (normal.cut, *at[-2], dice[-1]),
        (oracle.threshold, *at[-1], oracle.dice),
    )


def opened(maps: Tensor, least: int | None = None) -> Tensor:
    """Maps (N, 1, H, W) ≥ 0 whose guess at *every* threshold is ``anomaly.small_components`` of the old one's.

    From each pixel a region grows, always by its brightest neighbour, until it has ``least`` pixels: the faintest of
    them is the highest threshold at which the pixel still lies in a piece that large (an area opening).
    """
    least = max(1, round(maps.shape[-2] * maps.shape[-1] / anomaly.COMPONENT)) if least is None else least
    padded = torch.nn.functional.pad(maps, [1] * 4).flatten()  # a frame of 0: no region leaves its slice
    around = torch.tensor([row * (maps.shape[-1] + 2) + column for row in (-1, 0, 1) for column in (-1, 0, 1)])
    new, bright = torch.zeros_like(padded), padded.nonzero()[:, 0]
    for start in bright.split(2**16):
        region, low = start[:, None], padded[start]
        for _ in range(least - 1):
            beside = (region[:, :, None] + around).flatten(1)  # (pixels, 9 · size), members of the region among them
            values = padded[beside].masked_fill((beside[:, :, None] == region[:, None]).any(dim=2), -1.0)
            value, k = values.max(dim=1)
            low, region = low.minimum(value), torch.cat([region, beside.gather(1, k[:, None])], dim=1)
            # who has left the slice has low = 0 already; it only must not leave the tensor
            region = region.clamp(1 + maps.shape[-1] + 2, len(padded) - maps.shape[-1] - 4)
        new[start] = low.clamp(min=0)
    return new.view(*maps.shape[:2], maps.shape[2] + 2, maps.shape[3] + 2)[..., 1:-1, 1:-1]


def _point(curve: metrics.PrecisionRecall, highest: float, threshold: float) -> tuple[float, float]:
    """Recall and precision where ``score > threshold``: the curve's first point whose threshold is no higher."""
    if threshold >= highest:
        return 0.0, float("nan")  # nothing is called
    k = int(np.searchsorted(-curve.threshold, -threshold, side="left"))
    return float(curve.recall[k]), float(curve.precision[k])
