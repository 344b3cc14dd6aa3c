"""The autoencoder: squeeze an image through a few numbers, and rebuild it from them.

    z = encoder(x)        (B, latent_dim), the bottleneck
    x_hat = decoder(z)    (B, 1, H, W), what those few numbers can say of x

Trained on healthy brains alone to make x_hat like x, the numbers come to mean what healthy brains differ in. A lesion
is not among it: the network has no word for it and leaves it out, so it lights up in the residual x - x_hat (Baur et
al. 2021, Medical Image Analysis 69:101952). How wide the bottleneck is decides everything: too narrow, and sulci light
up too; too wide, and the lesion is copied.
"""

from torch import Tensor, nn

from brainlab.models import blocks
from brainlab.models.config import ModelConfig


class Autoencoder(nn.Module):
    """A dense autoencoder: every latent number sees the whole image, and no copy of it passes the bottleneck."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = blocks.encoder(config, outputs=config.latent_dim)
        self.decoder = blocks.decoder(config)

    def embed(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) to latent vectors (B, latent_dim)."""
        return self.encoder(x)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latent vectors (B, latent_dim) to images (B, C, H, W)."""
        return self.decoder(z)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) through the bottleneck and back."""
        return self.decode(self.embed(x, condition), condition)

    forward = reconstruct
