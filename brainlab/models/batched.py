"""Running a trained model over more images than fit through it at once."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from brainlab.errors import InputError
from brainlab.models.config import ModelConfig


@torch.no_grad()
def in_batches(model: nn.Module, function: Callable[[Tensor], Tensor], inputs: Tensor, batch: int = 256) -> Tensor:
    """``function`` of the model (its ``embed``, its ``decode``) over ``inputs`` (N, ...), joined on the CPU.

    Without gradients, in eval mode, on the device that the model is on; every layer is left in the mode it was in.
    """
    if batch < 1:
        raise InputError(f"batch must be at least 1, got {batch}.")
    device = next((p.device for p in model.parameters()), inputs.device)
    training = {layer: layer.training for layer in model.modules()}  # each: a frozen layer may differ from its model
    model.eval()
    try:
        return torch.cat([function(x.to(device)).cpu() for x in inputs.split(batch)])
    finally:
        for layer, mode in training.items():
            layer.training = mode


def check_images(config: ModelConfig, images: Tensor) -> None:
    """Raises InputError unless images are (N, C, H, W) of the channels and size that the model was built for."""
    wanted = (config.channels, config.image_size, config.image_size)
    if images.ndim != 4 or images.shape[1:] != wanted:
        raise InputError(
            f"This model takes images (N, {', '.join(map(str, wanted))}), got {tuple(images.shape)}; "
            f"load data with size={config.image_size}."
        )
