"""What is done to every map and guess alike before it is judged: lone pixels and the brain's rim say little of lesions.

Every size here is a share of the image, so that the same anatomy counts at any resolution.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from brainlab.anomaly.checks import check_bool, check_region
from brainlab.errors import InputError

EROSION = 25
"""The rim that is not scored is image width // 25 pixels wide (2 at 64 px): a fraction of the image, so that the same
part of the cortex counts at any resolution (Behrendt et al. 2025)."""
MEDIAN = 128
"""The median's window reaches image width // 128 pixels to each side, at least 1: 3 across below 256 px, 5 from there
on. What it removes is a pixel's noise, which does not grow with the image as a lesion does."""
COMPONENT = 2048
"""Fewer connected pixels than the image's area / 2048 are no lesion: 2 at 64 px, 8 at 128, where published protocols
drop up to 7 voxels (Baur et al. 2021; Behrendt et al. 2025)."""
MOST_VALUES = 2**25
"""Neighbourhoods are sorted in parts of at most this many values, 128 MB: those of thousands of maps take gigabytes."""


def median(maps: Tensor, width: int | None = None) -> Tensor:
    """The median of each pixel's width × width neighbourhood, (N, C, H, W): removes lone pixels, keeps edges.

    The default width is 3 up to 255 px and 5 at 256 px (``MEDIAN``).
    """
    if width is None:
        width = 2 * max(1, maps.shape[-1] // MEDIAN) + 1
    if width < 1 or width % 2 == 0:
        raise InputError(f"width must be odd, such as 3, so that the window has a middle, got {width}.")
    padded = F.pad(maps, [width // 2] * 4, mode="replicate")
    few = padded.split(max(1, MOST_VALUES // max(1, maps[:1].numel() * width**2)))
    return torch.cat([x.unfold(2, width, 1).unfold(3, width, 1).flatten(-2).median(dim=-1).values for x in few])


def erode(brain: Tensor, radius: int | None = None) -> Tensor:
    """The brain without its rim, (N, 1, H, W) bool: a pixel stays if no pixel within ``radius`` steps lies outside.

    The default radius is the image width // 25, at least 1. Residuals pile up along the brain's edge in every model.
    """
    check_bool(brain)
    outside = (~brain).float()
    for _ in range(max(1, brain.shape[-1] // EROSION) if radius is None else radius):
        outside = F.max_pool2d(outside, 3, stride=1, padding=1)
    return outside == 0


def clean(maps: Tensor, brain: Tensor) -> Tensor:
    """Anomaly maps (N, C, H, W) after a median filter, with score 0 on the brain's rim. The truth is never eroded."""
    check_region(maps, brain)
    return median(maps) * erode(brain)


def small_components(prediction: Tensor, least: int | None = None) -> Tensor:
    """A guess (N, C, H, W) bool without its connected pieces of fewer than ``least`` pixels; a new tensor.

    Pieces are those of one slice, and pixels that touch by a corner belong together. The default is the image's area
    / 2048, rounded, at least 1: 2 pixels at 64 px, 8 at 128 px.
    """
    from scipy import ndimage

    if prediction.dtype != torch.bool or prediction.ndim != 4:
        raise InputError(
            f"small_components takes a boolean guess (N, C, H, W), got {prediction.dtype} of shape "
            f"{tuple(prediction.shape)}: cut maps first: maps > threshold."
        )
    height, width = prediction.shape[2:]
    least = max(1, round(height * width / COMPONENT)) if least is None else least
    touching = np.zeros((3, 3, 3), dtype=bool)
    touching[1] = True  # all eight neighbours within a slice, none in the next
    pieces = np.zeros((len(prediction) * prediction.shape[1], height, width), dtype=np.int32)
    ndimage.label(prediction.flatten(0, 1).cpu().numpy(), touching, output=pieces)
    large = np.bincount(pieces.ravel()) >= least
    large[:1] = False  # piece 0 is all that is not called
    return torch.from_numpy(large[pieces]).view(prediction.shape).to(prediction.device)
