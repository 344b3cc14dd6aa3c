"""The spatial autoencoder: an autoencoder whose bottleneck is still a picture, and what that costs.

    z = encoder(x)        (B, latent_dim, H/8, W/8): a small map, latent_dim numbers at *each* of its places
    x_hat = decoder(z)    (B, C, H, W)

It reconstructs better than the dense autoencoder, and finds lesions worse: each place of z describes the few pixels
around it, whatever they show, so a lesion is copied like anything else and leaves no residual. No number has to know
what a whole healthy brain looks like. Kept as the counterexample: a good reconstruction is not the aim (Baur et al.
2021, Medical Image Analysis 69:101952, table 3). Count fairly: at 64 px z has 64 places, 64 · latent_dim numbers
in all against the dense autoencoder's latent_dim.
"""

from torch import Tensor, nn

from brainlab.models import blocks
from brainlab.models.config import ModelConfig


class SpatialAutoencoder(nn.Module):
    """Convolutions only, three halvings and back; same ``width`` as its dense sibling at every resolution it has."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        c, w1, w2, w3, _ = blocks.widths(config)
        self.encoder = nn.Sequential(*blocks.halvings(config)[:3], nn.Conv2d(w3, config.latent_dim, 1))
        self.decoder = nn.Sequential(
            nn.Conv2d(config.latent_dim, w3, 1), nn.ReLU(),
            blocks.up(w3, w2), blocks.up(w2, w1), nn.ConvTranspose2d(w1, c, 4, stride=2, padding=1),
        )  # fmt: skip

    def embed(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) to latent maps (B, latent_dim, H/8, W/8)."""
        return self.encoder(x)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latent maps (B, latent_dim, H/8, W/8) to images (B, C, H, W)."""
        return self.decoder(z)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) through the map and back."""
        return self.decode(self.embed(x, condition), condition)

    forward = reconstruct
