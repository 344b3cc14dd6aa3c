"""What is done to every map alike before it is judged: lone pixels and the brain's rim say little of lesions."""

import torch
from torch import Tensor
from torch.nn import functional as F

from brainlab.anomaly.checks import check_bool
from brainlab.errors import InputError

EROSION = 25
"""The rim that is not scored is image width // 25 pixels wide (2 at 64 px): a fraction of the image, so that the same
part of the cortex counts at any resolution (Behrendt et al. 2025)."""


def median(maps: Tensor, width: int = 3) -> Tensor:
    """The median of each pixel's width × width neighbourhood, (N, C, H, W): removes lone pixels, keeps edges."""
    if width < 1 or width % 2 == 0:
        raise InputError(f"width must be odd, such as 3, so that the window has a middle, got {width}.")
    padded = F.pad(maps, [width // 2] * 4, mode="replicate")
    few = padded.split(256)  # all neighbourhoods of thousands of maps would take gigabytes
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
    return median(maps) * erode(brain)
