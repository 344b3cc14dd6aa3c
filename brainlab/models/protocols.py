"""What a model can do, as three small Protocols: a type checker then says when a lesson asks for what it cannot."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from brainlab.models.config import ModelConfig


@runtime_checkable
class Embeds(Protocol):
    """Turns images (B, C, H, W) into latent vectors (B, latent_dim); a SpatialAutoencoder into maps instead.

    ``latent`` works on vectors alone, and refuses the maps (B, latent_dim, H/8, W/8).
    """

    config: ModelConfig

    def embed(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images to latent vectors."""
        ...


@runtime_checkable
class Decodes(Protocol):
    """Turns latent vectors (B, latent_dim), or a SpatialAutoencoder's maps, into images (B, C, H, W)."""

    config: ModelConfig

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latent vectors to images."""
        ...


@runtime_checkable
class Reconstructs(Protocol):
    """Turns images (B, C, H, W) into what it believes a healthy version of them to be, same shape."""

    config: ModelConfig

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images to reconstructions."""
        ...
