"""From a model to a mask: reconstruct, take the residual, clean it, cut it at a threshold from healthy slices.

x_hat = reconstruct(model, x)             what the model believes a healthy brain like this looks like
anomaly_map = |x − x_hat| inside the brain
prediction = clean(anomaly_map) > threshold_at_fpr(clean(healthy maps), ...)
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab.errors import InputError
from brainlab.models.batched import check_images, in_batches
from brainlab.models.protocols import Decodes, Embeds, Reconstructs

EROSION = 25
"""The rim that is not scored is image width // 25 pixels wide (2 at 64 px): a fraction of the image, so that the same
part of the cortex counts at any resolution (Behrendt et al. 2025)."""


def reconstruct(model: nn.Module, images: Tensor) -> Tensor:
    """Images (N, C, H, W) as the model rebuilds them, same shape, on the CPU, in batches and without gradients.

    Uses the model's own ``reconstruct``, else ``decode(embed(x))``; the model is left in the mode it was in.
    """
    if isinstance(model, Reconstructs):
        rebuild = model.reconstruct
    elif isinstance(model, Embeds) and isinstance(model, Decodes):
        rebuild = lambda x: model.decode(model.embed(x))  # noqa: E731 - the formula reads better than a def
    else:
        raise InputError(
            f"{type(model).__name__} cannot reconstruct an image: it has neither reconstruct nor embed and decode."
        )
    check_images(model.config, images)
    return in_batches(model, rebuild, images)


def anomaly_map(model: nn.Module, images: Tensor, brain: Tensor) -> Tensor:
    """|x − x̂| inside the brain and 0 outside, (N, C, H, W) float32: how far each pixel is from what was expected."""
    return (images - reconstruct(model, images)).abs() * brain


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
    _check_bool(brain)
    outside = (~brain).float()
    for _ in range(max(1, brain.shape[-1] // EROSION) if radius is None else radius):
        outside = F.max_pool2d(outside, 3, stride=1, padding=1)
    return outside == 0


def clean(maps: Tensor, brain: Tensor) -> Tensor:
    """Anomaly maps (N, C, H, W) after a median filter, with score 0 on the brain's rim. The truth is never eroded."""
    return median(maps) * erode(brain)


def threshold_at_fpr(maps: Tensor, brain: Tensor, fpr: float) -> float:
    """The lowest threshold at which at most a share ``fpr`` of the brain pixels of *healthy* maps score above it.

    Nothing but healthy slices goes in: a threshold chosen with the test masks is an oracle, and reports a number that
    nobody can reach on a new patient. Call a pixel a lesion where ``score > threshold``.
    """
    if not 0 < fpr < 1:
        raise InputError(f"fpr is a share between 0 and 1, such as 0.05 for 5 %, got {fpr}.")
    _check_bool(brain)
    scores = np.sort(maps[brain].numpy())
    if len(scores) == 0:
        raise InputError("There is no brain pixel to take a threshold from: brain is False everywhere.")
    if not np.isfinite(scores).all():
        raise InputError("A threshold needs finite maps, but some scores are NaN or infinite; look at the model first.")
    allowed = int(fpr * len(scores))  # this many pixels may lie above
    return float(scores[len(scores) - 1 - allowed])


def _check_bool(brain: Tensor) -> None:
    if brain.dtype != torch.bool:
        raise InputError(f"brain must be a boolean mask, got {brain.dtype}: use brain > 0.")
