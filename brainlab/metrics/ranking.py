"""How well scores rank lesion pixels above healthy ones, whatever the threshold."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from brainlab.errors import InputError
from brainlab.metrics.checks import boolean, same_shape
from brainlab.metrics.counting import brain_pixels, ranked, roc_area


class PrecisionRecall(NamedTuple):
    """A curve over falling thresholds, from the first pixels called to all of them; (n,) each."""

    precision: np.ndarray  # share of what is called that is lesion
    recall: np.ndarray  # share of the lesion that is called
    threshold: np.ndarray  # lesion is called where score > threshold; at last −inf


def prevalence(mask: Tensor, brain: Tensor) -> float:
    """Share of brain pixels that are lesion: the average precision of a guess, its chance line."""
    same_shape(mask, brain)
    boolean("Prevalence", mask=mask, brain=brain)
    if not brain.any():
        raise InputError("Prevalence is a share of the brain's pixels, and brain is False everywhere.")
    return float(mask[brain].double().mean())


def precision_recall(scores: Tensor, mask: Tensor, brain: Tensor) -> PrecisionRecall:
    """The precision-recall curve of all brain pixels pooled, one point for every distinct score.

    Equal scores enter together: points between them would depend on the order of the pixels. Draw it as steps. Raises
    InputError where no brain pixel is lesion.
    """
    called, hits, threshold = ranked(*brain_pixels(scores, mask, brain, "A precision-recall curve"))
    return PrecisionRecall(hits / called, hits / hits[-1], threshold)


def average_precision(scores: Tensor, mask: Tensor, brain: Tensor) -> float:
    """Area under the precision-recall curve, Σ (Rₙ − Rₙ₋₁)·Pₙ over falling thresholds, pooled over all brain pixels.

    Equal scores enter together, as one threshold, so the order of the pixels does not matter. No interpolation: that
    would flatter (Davis and Goadrich 2006, ICML). Raises InputError where no brain pixel is lesion.
    """
    called, hits, _ = ranked(*brain_pixels(scores, mask, brain, "Average precision"))
    return step_area(hits / called, hits / hits[-1])


def step_area(precision: np.ndarray, recall: np.ndarray) -> float:
    """Σ (Rₙ − Rₙ₋₁)·Pₙ of points (n,) with rising recall."""
    return float((np.diff(recall, prepend=0) * precision).sum())


def auroc(scores: Tensor, mask: Tensor, brain: Tensor) -> float:
    """Probability that a lesion pixel scores higher than a healthy one, ties counted half; all brain pixels pooled.

    **Do not judge by it alone.** Where 1 % of the pixels are lesion it is close to 1 for methods that are of no use,
    since ten false pixels for every true one are still only a tenth of the healthy ones: a plain brightness threshold
    reaches 0.99 on multiple sclerosis, at an average precision of 0.27 (Meissen et al. 2021). Report the average
    precision beside its prevalence. Raises InputError where the brain holds no lesion pixel, or nothing else.
    """
    score, lesion = brain_pixels(scores, mask, brain, "AUROC")
    if lesion.all():
        raise InputError("AUROC compares lesion with healthy pixels, and this mask leaves no healthy one in the brain.")
    return roc_area(ranked(score, lesion))
