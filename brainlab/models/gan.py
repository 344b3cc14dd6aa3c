"""The GAN: a generator that has never seen a brain learns to draw them from a discriminator's objections.

    x = generator(z),   z ~ N(0, I)
    logit = discriminator(x)

No image is ever compared with another: the only teacher is whether the discriminator is fooled (Goodfellow et al. 2014,
NeurIPS). So its images tend not to blur, and nothing says which brain a z stands for: there is no encoder, this family
only decodes.
The networks are DCGAN's (Radford, Metz and Chintala 2016, ICLR): convolutions throughout, BatchNorm, weights that start
at N(0, 0.02²). Theirs ends in tanh for images in [−1, 1]; the kit's lie in [0, 1], and sigmoid(2a) is (tanh(a) + 1)/2.
"""

from torch import Tensor, nn

from brainlab.models import blocks
from brainlab.models.config import ModelConfig
from brainlab.models.discriminator import Discriminator


class GAN(nn.Module):
    """A DCGAN. Train it with ``training.gan_step``, which improves both networks, and call ``eval()`` before use."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = generator(config)
        self.discriminator = Discriminator(config, norm=nn.BatchNorm2d)
        self.apply(start)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latent vectors (B, latent_dim), drawn from N(0, I), to images (B, C, H, W) in [0, 1]."""
        return self.generator(z)

    forward = decode


class WGAN(GAN):
    """The same generator before a critic with GroupNorm, for ``gan_step(..., loss="wgan_gp")``.

    The gradient penalty asks how the critic's score of *one* image changes with that image; with BatchNorm the score
    depends on its neighbours too, and the question has no answer (Gulrajani et al. 2017, NeurIPS, section 4).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.discriminator = Discriminator(config, norm=blocks.normalise).apply(start)


def generator(config: ModelConfig) -> nn.Sequential:
    """Latent vectors (B, latent_dim) to images (B, C, H, W): a small map of 8 width channels, doubled four times."""
    n, side = config.width, config.image_size // 16
    project = nn.ConvTranspose2d(
        config.latent_dim, 8 * n, side, bias=False
    )  # (B, latent_dim, 1, 1) -> (B, 8n, side, side)
    first = nn.Sequential(nn.Unflatten(1, (config.latent_dim, 1, 1)), project, nn.BatchNorm2d(8 * n), nn.ReLU())
    layers = [double(8 * n, 4 * n), double(4 * n, 2 * n), double(2 * n, n)]
    return nn.Sequential(first, *layers, nn.ConvTranspose2d(n, config.channels, 4, stride=2, padding=1), nn.Sigmoid())


def double(c_in: int, c_out: int) -> nn.Sequential:
    """Double the resolution: (B, c_in, H, W) -> (B, c_out, 2H, 2W)."""
    conv = nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(c_out), nn.ReLU())


def start(module: nn.Module) -> None:
    """DCGAN's first weights: convolutions from N(0, 0.02²), the scale of a norm from N(1, 0.02²), biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
