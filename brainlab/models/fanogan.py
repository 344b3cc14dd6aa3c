"""f-AnoGAN: give a trained GAN the encoder that it lacks, by asking which z would have made this image.

    z = encoder(x),   x_hat = generator(z)          (izi: image, z, image)

The GAN is finished and stays as it is; only the encoder learns, to make x_hat like x both in pixels and in what the
discriminator sees (``losses.inversion``). The generator can draw healthy brains and nothing else, so a lesion cannot
come back (Schlegl et al. 2019, Medical Image Analysis 54:30; their GAN is a WGAN-GP, this one a DCGAN).

The encoder ends in a linear layer. Published versions end in tanh, so that every |z| < 1; but the generator learned
from N(0, I), where one number in three lies outside: with 32 of them, such an encoder can name next to no brain.
"""

from torch import Tensor, nn

from brainlab.errors import InputError
from brainlab.models import blocks
from brainlab.models.config import ModelConfig
from brainlab.models.gan import GAN


class FAnoGAN(nn.Module):
    """A GAN and its inverse, one model to save and load. Build it around a trained GAN: ``FAnoGAN.around(gan)``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = blocks.encoder(config, outputs=config.latent_dim)
        self.gan = GAN(config).requires_grad_(False).eval()

    @classmethod
    def around(cls, gan: GAN) -> "FAnoGAN":
        """A new encoder for a copy of ``gan``, which itself may be trained on."""
        if type(gan) is not GAN:
            raise InputError(f"f-AnoGAN inverts a bl.GAN here, got a {type(gan).__name__}.")
        model = cls(gan.config)
        model.gan.load_state_dict(gan.state_dict())
        return model

    def train(self, mode: bool = True) -> "FAnoGAN":
        """As for every module, but the GAN stays in eval mode: its BatchNorm has learned all it should."""
        super().train(mode)
        self.gan.eval()
        return self

    def embed(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) to the z (B, latent_dim) that the generator would have made them from."""
        return self.encoder(x)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latent vectors (B, latent_dim) to images (B, C, H, W) in [0, 1], as the GAN does."""
        return self.gan.decode(z, condition)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) as the generator can best draw them."""
        return self.decode(self.embed(x, condition), condition)

    forward = reconstruct
