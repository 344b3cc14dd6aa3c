"""Restoration: change an image as little as its healing needs, by descending toward where the VAE finds it likely.

    x* = argmin  −ELBO(x) + λ · TV(x − x₀)          by gradient descent from x₀, the image itself
    score = |x₀ − x*|

A reconstruction is blurred everywhere, and its residual lights up at every fold. Here the image is the unknown: what
the VAE has no quarrel with stays, and the total variation asks that the change be of few pieces, as a lesion is (You,
Tezcan, Chen and Konukoglu 2019, MIDL; Chen et al. 2020, Medical Image Analysis 64:101713).
"""

import torch
from torch import Tensor, nn

from brainlab import losses
from brainlab.anomaly.checks import check_region
from brainlab.anomaly.gradients import encoding
from brainlab.errors import InputError
from brainlab.models.batched import check_images, in_batches
from brainlab.models.vae import VAE

SIGMA = 0.05
"""The decoder's standard deviation, as in training."""
LR, TV = 5e-4, 4.0
"""Step size and λ. At σ = 0.05 a residual r pulls at its pixel with r/σ² = 400 r nats a unit of intensity, so steps
beyond 2/400 would overshoot; and four neighbours that all differ hold it with 4 λ."""


def restoration(
    model: nn.Module,
    images: Tensor,
    brain: Tensor,
    *,
    steps: int = 100,
    lr: float = LR,
    tv: float = TV,
    sigma: float = SIGMA,
) -> Tensor:
    """|x₀ − x*| inside the brain and 0 outside, (N, C, H, W), in intensity, for a VAE or VAE-GAN; see ``restore``."""
    check_region(images, brain)
    return (images - restore(model, images, steps=steps, lr=lr, tv=tv, sigma=sigma)).abs() * brain


def restore(
    model: nn.Module, images: Tensor, *, steps: int = 100, lr: float = LR, tv: float = TV, sigma: float = SIGMA
) -> Tensor:
    """Images (N, C, H, W) in [0, 1], healed: ``steps`` of size ``lr`` down ``restoration_objective``, in [0, 1] again.

    Plain gradient descent, each image by its own slope. No steps give the images back.
    """
    vae = encoding(model, "Restoration")
    check_images(vae.config, images)
    if steps < 0 or not lr > 0 or not tv >= 0 or not sigma > 0:
        raise InputError(
            "steps and tv must be at least 0, lr and sigma above 0, "
            f"got steps={steps}, tv={tv}, lr={lr}, sigma={sigma}."
        )

    def descend(x0: Tensor) -> Tensor:
        x = x0
        for _ in range(steps):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                total = len(x) * restoration_objective(vae, x, x0, tv, sigma)  # a mean times its number: a sum
                (slope,) = torch.autograd.grad(total, x)
            x = (x.detach() - lr * slope).clamp(0, 1)
        return x

    return in_batches(vae, descend, images)


def restoration_objective(vae: VAE, x: Tensor, x0: Tensor, tv: float = TV, sigma: float = SIGMA) -> Tensor:
    """−ELBO(x) + λ · TV(x − x₀) in nats an image, averaged over the batch, with z = mu in place of a draw."""
    mu, logvar = vae.encode(x)
    return losses.elbo(x, vae.decode(mu), mu, logvar, sigma).loss + tv * total_variation(x - x0)


def total_variation(x: Tensor) -> Tensor:
    """Σ |x(i+1, j) − x(i, j)| + |x(i, j+1) − x(i, j)| over an image (B, C, H, W), averaged over the batch.

    The anisotropic form of Rudin, Osher and Fatemi 1992 (Physica D 60:259): small for few flat pieces.
    """
    down, across = x.diff(dim=2).abs(), x.diff(dim=3).abs()
    return (down.flatten(1).sum(dim=1) + across.flatten(1).sum(dim=1)).mean()
