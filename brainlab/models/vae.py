"""The variational autoencoder: an image is not one point in latent space but a small cloud, and the clouds fill it.

    q(z|x) = N(mu, sigma²),  mu, log sigma² = encoder(x)
    z = mu + sigma · eps,    eps ~ N(0, I)                  the reparameterization trick
    x_hat = decoder(z)

Trained to maximise E log p(x|z) − KL(q(z|x) ‖ N(0, I)) (``losses.elbo``): the first term wants small clouds far apart,
the second wants each like N(0, I). Together they are meant to leave no gaps, so that a z drawn from N(0, I) decodes to
a brain, and a straight line between two brains passes through others (Kingma and Welling 2014, ICLR; Rezende et al.
2014, ICML). On slices of brains gaps remain: compare the clouds' mixture with the prior before you trust a draw.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from brainlab.models import blocks
from brainlab.models.config import ModelConfig

LOGVAR_RANGE = (-14.0, 4.0)
"""log σ² stays within. Above, exp overflows in the first steps of an unlucky run and every weight becomes NaN. Below,
nothing overflows, but where a bound binds the gradient is 0 and a cloud cannot find its own size: with a small β it
wants to be tiny. At −14 σ is 0.001, a point for every purpose, and the KL of a number stays below 7 nats but for μ²."""


class Posterior(NamedTuple):
    """q(z|x) = N(mu, exp(logvar)), each (B, latent_dim)."""

    mu: Tensor
    logvar: Tensor


class VAEOutput(NamedTuple):
    """One pass through the network, and all that the ELBO asks for."""

    x_hat: Tensor  # (B, C, H, W)
    mu: Tensor  # (B, latent_dim)
    logvar: Tensor  # (B, latent_dim)
    z: Tensor  # (B, latent_dim)


def reparameterize(mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A draw z ~ N(mu, exp(logvar)) that gradients flow through: z = mu + sigma · eps, and only eps is random.

    Drawing z directly would cut the gradient: a random number does not say how it depends on mu. ``eps`` is drawn on
    the CPU, so that a seed means the same numbers on every device. Kingma and Welling 2014, section 2.4.
    """
    eps = torch.randn(mu.shape, generator=generator).to(mu)
    return mu + torch.exp(logvar / 2) * eps


class VAE(nn.Module):
    """The dense autoencoder with twice the outputs: a mean and a log variance for each latent number."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = blocks.encoder(config, outputs=2 * config.latent_dim)
        self.decoder = blocks.decoder(config)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Posterior:
        """Images (B, C, H, W) to q(z|x)."""
        mu, logvar = self.encoder(x).chunk(2, dim=1)  # each (B, latent_dim)
        return Posterior(mu, logvar.clamp(*LOGVAR_RANGE))

    def forward(
        self, x: Tensor, condition: Tensor | None = None, generator: torch.Generator | None = None
    ) -> VAEOutput:
        """Encode, draw one z an image, decode: what training needs. In use, call ``reconstruct``."""
        mu, logvar = self.encode(x, condition)
        z = reparameterize(mu, logvar, generator)
        return VAEOutput(self.decode(z, condition), mu, logvar, z)

    def embed(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) to mu (B, latent_dim): in use z is the middle of the cloud, the same every time."""
        return self.encode(x, condition).mu

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Latent vectors (B, latent_dim), an image's or drawn from N(0, I), to images (B, C, H, W)."""
        return self.decoder(z)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) as the decoder would draw them from mu."""
        return self.decode(self.embed(x, condition), condition)
