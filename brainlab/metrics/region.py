"""The truth at another resolution: a mask resampled by area, and what is lost on the way."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab.errors import InputError
from brainlab.metrics.checks import boolean
from brainlab.metrics.lesionwise import components


class Resampled(NamedTuple):
    """A mask (N, 1, h, w) bool, and how many lesions have no pixel left in it."""

    mask: Tensor
    lost: int


def resample_mask(mask: Tensor, size: int | tuple[int, int]) -> Resampled:
    """A mask (N, 1, H, W) bool at ``size`` pixels (h, w), or square: lesion where lesion covers at least half a pixel.

    Areas are exact, for sizes that do not divide each other too. Taking the nearest pixel instead would keep or drop a
    small lesion by chance. One that covers half of no pixel vanishes, and a method cannot be asked to find it: ``lost``
    counts those components, over none of whose pixels lies a lesion pixel of the new mask. Report it.
    """
    boolean("Resampling", mask=mask)
    h, w = (size, size) if isinstance(size, int) else size
    if mask.ndim != 4 or not mask.numel():
        raise InputError(f"Resampling needs masks (N, 1, H, W) with a pixel, got {tuple(mask.shape)}.")
    if h < 1 or w < 1:
        raise InputError(f"size counts the pixels of a side and is at least 1, got {size}.")
    rows, columns = _overlap(mask.shape[2], h), _overlap(mask.shape[3], w)
    area = rows @ mask.cpu().double() @ columns.T  # whole numbers, so exact; a pixel that is all lesion has H·W
    new = 2 * area >= mask.shape[2] * mask.shape[3]
    over = (rows.T @ new.double() @ columns > 0).numpy()  # old pixels that a new lesion pixel lies over
    lesions, count = components(mask)
    kept = np.unique(lesions[over & (lesions > 0)])
    return Resampled(new, count - len(kept))


def _overlap(old: int, new: int) -> Tensor:
    """(new, old) float64: the length that two pixels share, where a new one is ``old`` long and an old one ``new``."""
    i, j = torch.arange(new)[:, None], torch.arange(old)
    shared = torch.minimum((i + 1) * old, (j + 1) * new) - torch.maximum(i * old, j * new)
    return shared.clamp(min=0).double()
