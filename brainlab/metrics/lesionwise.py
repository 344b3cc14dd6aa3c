"""Lesions found and false alarms raised, each counted as one, whatever its size."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from torch import Tensor

from brainlab.errors import InputError
from brainlab.metrics.checks import a_name_each, boolean, same_shape

TOUCHED = 10
"""Per cent of a lesion's pixels that must be called for it to count as found."""


class LesionRecall(NamedTuple):
    """The share of lesions that were found, and the two numbers that it is made of."""

    recall: float
    found: int
    lesions: int


def lesion_recall(prediction: Tensor, mask: Tensor) -> LesionRecall:
    """How many of the lesions in ``mask`` the prediction calls in at least 10 % of their pixels; (N, C, *spatial) each.

    A lesion is a connected component, of one pixel too; pixels that share a corner are connected. Slices (N, 1, H, W)
    do not know each other, so what shows in three of them counts three times; a volume (1, 1, D, H, W) counts it once.
    Dice is won by large lesions; this asks for each of them. It falls for a prediction that calls everything, so read
    it beside ``false_positives_per_scan``. The 10 % are those of the 2016 challenge on multiple sclerosis (Commowick et
    al. 2018, Sci Rep 8:13650), which also bounds how far a prediction may spill. Raises InputError without a lesion.
    """
    _check("Lesion recall", prediction, mask)
    lesions, count = components(mask)
    if not count:
        raise InputError("Lesion recall needs at least one lesion; this mask is empty.")
    size = np.bincount(lesions.ravel(), minlength=count + 1)[1:]  # 0 is what lies between lesions
    called = np.bincount(lesions[prediction.cpu().numpy()], minlength=count + 1)[1:]
    found = int((100 * called >= TOUCHED * size).sum())
    return LesionRecall(found / count, found, count)


def false_positives_per_scan(prediction: Tensor, mask: Tensor, scans: Sequence[str]) -> float:
    """How many components of the prediction touch no lesion, a scan; (N, C, *spatial) each, the mean over scans.

    ``scans`` names each slice's, (N,): one visit of one subject. Scans without a lesion or without an alarm count too.
    Pixels outside the brain are not left out: give ``prediction & brain``.
    """
    _check("False positives per scan", prediction, mask)
    a_name_each(scans, len(mask), "scans")
    if not len(mask):
        raise InputError("False positives per scan need at least one scan, got none.")
    alarms, count = components(prediction)
    right = np.bincount(alarms[mask.cpu().numpy()], minlength=count + 1)[1:]
    return float((right == 0).sum() / len(set(scans)))


def components(mask: Tensor) -> tuple[np.ndarray, int]:
    """The connected components of a mask (N, C, *spatial), numbered from 1 and 0 elsewhere, and how many there are.

    Pixels that share a corner are connected (8 neighbours in a slice, 26 in a volume), those of different n or c never.
    """
    near = np.zeros((3,) * mask.ndim, dtype=bool)
    near[1, 1] = True
    labels = np.asarray(ndimage.label(mask.cpu().numpy(), near)[0])  # type: ignore[index]  # its type forgets the pair
    return labels, int(labels.max(initial=0))


def _check(measure: str, prediction: Tensor, mask: Tensor) -> None:
    same_shape(prediction, mask)
    boolean(measure, prediction=prediction, mask=mask)
    if mask.ndim < 3:
        raise InputError(f"{measure} needs slices (N, 1, H, W) or volumes (N, 1, D, H, W), got {tuple(mask.shape)}.")
