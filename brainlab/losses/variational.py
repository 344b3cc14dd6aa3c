"""What a variational autoencoder maximises: the evidence lower bound.

    log p(x) ≥ ELBO = E_q(z|x) log p(x|z) − KL(q(z|x) ‖ N(0, I))

Kingma and Welling 2014 (ICLR), equation 3; with a weight β on the KL term, Higgins et al. 2017 (ICLR).
"""

from typing import NamedTuple

from torch import Tensor

from brainlab.losses.reconstruction import gaussian_nll


class Elbo(NamedTuple):
    """The two terms of the bound and what is made of them; scalars in nats an image."""

    loss: Tensor  # reconstruction + β·kl: minimised
    elbo: Tensor  # −(reconstruction + kl), the true bound whatever β is: it rises
    reconstruction: Tensor  # −log p(x|z)
    kl: Tensor


def kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) = −½ Σ (1 + log σ² − μ² − σ²) in nats an image; μ and log σ² are (B, latent_dim).

    Kingma and Welling 2014, appendix B.
    """
    return -0.5 * (1 + logvar - mu.square() - logvar.exp()).flatten(1).sum(dim=1).mean()


def elbo(x: Tensor, x_hat: Tensor, mu: Tensor, logvar: Tensor, sigma: float, beta: float = 1.0) -> Elbo:
    """The bound for images x (B, C, *spatial), decoded to ``x_hat`` from one z ~ N(μ, σ_q²) each.

    ``sigma`` is the decoder's fixed standard deviation, see ``gaussian_nll``.
    """
    reconstruction, divergence = gaussian_nll(x, x_hat, sigma), kl(mu, logvar)
    return Elbo(reconstruction + beta * divergence, -(reconstruction + divergence).detach(), reconstruction, divergence)
