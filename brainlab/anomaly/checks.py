"""What every part of ``anomaly`` asks of the tensors it is given: a mistake is named before anything is computed."""

import torch
from torch import Tensor

from brainlab.errors import InputError


def check_bool(brain: Tensor) -> None:
    """Raises InputError unless the region is a boolean mask."""
    if brain.dtype != torch.bool:
        raise InputError(f"brain must be a boolean mask, got {brain.dtype}: use brain > 0.")


def check_region(maps: Tensor, brain: Tensor, what: str = "images") -> None:
    """Raises InputError unless ``brain`` (N, 1, H, W) is a boolean mask of the same slices as ``maps`` (N, C, H, W)."""
    check_bool(brain)
    if maps.ndim != 4 or tuple(brain.shape) != (len(maps), 1, *maps.shape[2:]):
        raise InputError(
            f"brain must be (N, 1, H, W) for {what} (N, C, H, W), got {tuple(brain.shape)} for {tuple(maps.shape)}."
        )


def check_finite(maps: Tensor, brain: Tensor, what: str) -> None:
    """Raises InputError, naming who needs it, if a score inside the brain is NaN or infinite."""
    if not torch.isfinite(maps[brain.expand_as(maps)]).all():
        raise InputError(f"{what} needs finite maps, but some scores are NaN or infinite; look at the model first.")
