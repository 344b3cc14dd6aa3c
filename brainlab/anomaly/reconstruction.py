"""The healthy version of an image, as a model draws it."""

from torch import Tensor, nn

from brainlab.errors import InputError
from brainlab.models.batched import check_images, in_batches
from brainlab.models.protocols import Decodes, Embeds, Reconstructs


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
