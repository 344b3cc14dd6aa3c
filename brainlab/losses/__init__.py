"""Every objective once, as a pure function.

The kit's one convention: a loss sums over an image's pixels (and a latent vector's entries) and averages over the
batch, so its unit is nats an image, and it is minimised. Codes that average over pixels *and* latents quietly change
the weight between the two terms by a factor of D/d; sums keep the formulas as the papers write them.
All accept any shape (B, C, *spatial).
"""

from brainlab.losses.adversarial import (
    GAMES,
    Game,
    called_fake,
    called_real,
    discriminator,
    gradient_penalty,
    hinge_discriminator,
    least_squares_discriminator,
    least_squares_generator,
    minimax,
    non_saturating,
    wasserstein_discriminator,
    wasserstein_generator,
)
from brainlab.losses.features import feature_matching, inversion
from brainlab.losses.reconstruction import absolute_error, denoising, gaussian_nll, squared_error
from brainlab.losses.similarity import ssim, ssim_loss
from brainlab.losses.variational import Elbo, elbo, kl

__all__ = [
    "GAMES",
    "Elbo",
    "Game",
    "absolute_error",
    "called_fake",
    "called_real",
    "denoising",
    "discriminator",
    "elbo",
    "feature_matching",
    "gaussian_nll",
    "gradient_penalty",
    "hinge_discriminator",
    "inversion",
    "kl",
    "least_squares_discriminator",
    "least_squares_generator",
    "minimax",
    "non_saturating",
    "squared_error",
    "ssim",
    "ssim_loss",
    "wasserstein_discriminator",
    "wasserstein_generator",
]
