"""How many pixels, and how many lesion pixels, a method calls at every threshold: what all curves are made of."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab.errors import InputError
from brainlab.metrics.checks import boolean, same_shape


class Counts(NamedTuple):
    """For falling thresholds, one entry each, from the first pixel called to all of them; (n,) each."""

    called: np.ndarray  # pixels that score above the threshold
    hits: np.ndarray  # lesion pixels among them
    threshold: np.ndarray  # a score that occurs; at last −inf, above which is everything


def ranked(score: np.ndarray, lesion: np.ndarray) -> Counts:
    """The counts at every threshold that makes a difference, from scores and truth (pixels,).

    Equal scores enter together, so the order of the pixels does not matter. The pixels themselves stay where they are:
    scores are quicker to sort than pixels by their score, and the lesion's scores, sorted alone, tell the hits.
    """
    order, of_lesion = np.sort(score), np.sort(score[lesion])
    first_of_ties = np.flatnonzero(np.append(True, order[1:] != order[:-1]))[::-1]
    level = order[first_of_ties]  # distinct scores, falling
    hits = len(of_lesion) - np.searchsorted(of_lesion, level)
    return Counts(len(order) - first_of_ties, hits, np.append(level[1:], -np.inf).astype(level.dtype))


def roc_area(counts: Counts) -> float:
    """Area under hit rate over false alarm rate: P(lesion scores higher than healthy) + ½ P(equal).

    Trapezia give the ties their half. Mann and Whitney 1947, Ann Math Stat 18:50; Hanley and McNeil 1982, Radiology
    143:29.
    """
    hits = np.append(0.0, counts.hits)
    false_alarms = np.append(0.0, counts.called - counts.hits)
    under = (np.diff(false_alarms) * (hits[1:] + hits[:-1]) / 2).sum()
    return float(under / (hits[-1] * false_alarms[-1]))


def brain_pixels(scores: Tensor, mask: Tensor, brain: Tensor, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """The scores and the truth of all brain pixels, (pixels,) each, once both are known to be usable.

    Raises InputError, in the measure's name, where shapes differ, no brain pixel is lesion, or a score is not finite.
    """
    same_shape(scores, mask, brain)
    boolean(measure, mask=mask, brain=brain)
    score, lesion = scores[brain].detach().cpu(), mask[brain].cpu().numpy()
    if not lesion.any():
        raise InputError(f"{measure} needs at least one lesion pixel inside the brain; this mask has none.")
    if not torch.isfinite(score).all():
        raise InputError(f"{measure} needs finite scores; some are NaN or infinite: look at the model first.")
    return (score if score.dtype == torch.float32 else score.double()).numpy(), lesion
