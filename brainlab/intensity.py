"""The one brightness scale of the kit: percentiles inside the brain become 0 and ``BRIGHT``; outside the brain is 0.

MRI has no units: the same tissue may read 80 in one scan and 900 in the next, so every image, phantom or real, comes
through here before a model sees it. Whole volumes are scaled once (a slice on its own would lose how bright it is
beside its neighbours); only slices that come without their volume are scaled one by one.
"""

from typing import NamedTuple

import numpy as np

from brainlab.errors import InputError

BRIGHT = 0.8
"""Where the brightest healthy tissue lands. The headroom above it belongs to lesions: a plaque on FLAIR is brighter
than any healthy voxel, and clipping both to the same 1 would hide from every method what it is asked to find."""


class Range(NamedTuple):
    """The intensities that become 0 and ``BRIGHT``."""

    low: float
    high: float


def intensity_range(data: np.ndarray, brain: np.ndarray, low: float = 1, high: float = 99) -> Range:
    """Percentiles ``low`` and ``high`` of ``data`` inside ``brain`` (bool, of the same shape; 2-D, 3-D or any).

    Apart from ``rescale`` so that a scale can be lent: a sick subject is shown on its healthy twin's scale, or else a
    bright lesion would darken every other voxel. Raises InputError where the brain is empty or all of one intensity.
    """
    data, brain = np.asarray(data), np.asarray(brain, dtype=bool)
    if data.shape != brain.shape:
        raise InputError(
            f"The brain mask has shape {brain.shape} and the image {data.shape}; give a mask of its shape."
        )
    inside = data[brain]
    if inside.size == 0:
        raise InputError("The brain mask is empty, so there is nothing to scale the intensities by; check the mask.")
    if not np.isfinite(inside).all():
        raise InputError(
            "The image has NaN or infinite values inside the brain; replace them (numpy.nan_to_num) first."
        )
    found = Range(*np.percentile(inside, (low, high)).tolist())
    if found.high <= found.low:
        raise InputError(
            f"The image is constant inside the brain (percentiles {low} and {high} are both {found.low:g}), so it "
            f"cannot be scaled to [0, 1]; check that it is an MRI and not a mask."
        )
    return found


def rescale(data: np.ndarray, brain: np.ndarray, scale: Range) -> np.ndarray:
    """``data`` as float32 with ``scale`` mapped to [0, BRIGHT], clipped to [0, 1], 0 outside ``brain``; a new array."""
    data, brain = np.asarray(data), np.asarray(brain, dtype=bool)
    low, high = np.float32(scale.low), np.float32(scale.high)
    unit = np.zeros(data.shape, dtype=np.float32)
    unit[brain] = np.clip((data[brain] - low) / (high - low) * np.float32(BRIGHT), 0, 1)
    return unit


def normalise(data: np.ndarray, brain: np.ndarray, low: float = 1, high: float = 99) -> np.ndarray:
    """``data`` as float32: percentile ``low`` inside the brain becomes 0, ``high`` becomes BRIGHT, and outside is 0."""
    return rescale(data, brain, intensity_range(data, brain, low, high))
