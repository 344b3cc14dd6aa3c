"""What a batch must be before a network is trained on it: said at once, in a sentence, rather than learned wrongly."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from brainlab.errors import InputError
from brainlab.models.batched import check_images
from brainlab.models.config import ModelConfig

LOWEST, HIGHEST = -1.0, 2.0
"""Images lie in [0, 1]; noise may carry a pixel a little outside, 0 to 255 or a z-score lies far beyond."""


def check_dict(batch: Any) -> None:
    """Raises InputError unless a batch is a dict of tensors, such as ``Batches`` gives."""
    if not isinstance(batch, dict):
        raise InputError(
            f'A batch must be a dict such as {{"x": images}}, got a {type(batch).__name__}: use data.Batches.'
        )
    if wrong := [name for name, value in batch.items() if not isinstance(value, Tensor)]:
        raise InputError(f"A batch must hold tensors only, but {wrong[0]!r} is none: leave it out, or make it one.")


def check(batch: dict[str, Tensor], needs: tuple[str, ...], model: nn.Module) -> None:
    """Raises InputError unless ``batch`` holds what a step ``needs``, as ``model`` takes it.

    That is "x", images of the model's size and type near [0, 1], and where needed "brain", masks of the images' shape,
    and "label", one whole number (int64) an image. Whether all is finite is for the step to find.
    """
    check_dict(batch)
    if missing := [name for name in needs if name not in batch]:
        raise InputError(f"A batch must hold {missing[0]!r} for this step, got only {list(batch)}: add it to Batches.")
    config = getattr(model, "config", None)
    if not isinstance(config, ModelConfig):
        return
    x, dtype = batch["x"], next(model.parameters()).dtype
    check_images(config, x)
    if x.dtype != dtype:
        raise InputError(f"This model is trained on {dtype} images, got {x.dtype}: convert them with .to({dtype}).")
    low, high = (float(end) for end in torch.aminmax(x.detach()))
    if math.isfinite(low + high) and (low < LOWEST or high > HIGHEST):
        raise InputError(f"Images must lie in [0, 1], got {low:.4g} to {high:.4g}: scale them, such as by 1/255.")
    if "brain" in needs:
        _check_brain(batch["brain"], x)
    if "label" in needs:
        _check_label(batch["label"], x, config)


def _check_brain(brain: Tensor, x: Tensor) -> None:
    if brain.shape not in (x.shape, x[:, :1].shape):
        raise InputError(f"brain must be one mask an image, {tuple(x[:, :1].shape)}, got {tuple(brain.shape)}.")


def _check_label(label: Tensor, x: Tensor, config: ModelConfig) -> None:
    if label.shape != (len(x),) or label.dtype != torch.int64:
        raise InputError(
            f"label must be one int64 an image, ({len(x)},), got {label.dtype} {tuple(label.shape)}: use label.long()."
        )
    if len(label) and not 0 <= int(label.min()) <= int(label.max()) < len(config.classes):
        raise InputError(
            f"label must be from 0 to {len(config.classes) - 1}, a place in {list(config.classes)}, "
            f"got {int(label.min())} to {int(label.max())}."
        )
