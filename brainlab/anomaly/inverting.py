"""AnoGAN: find the z that a GAN would have made an image from, by descending for each image anew.

    z* = argmin  ‖x − G(z)‖² + κ · n/n_d · ‖f(x) − f(G(z))‖²

The GAN has no encoder, so z is searched for. What it draws is healthy, so a lesion stays over (Schlegl et al. 2017,
IPMI). They add absolute differences, weigh features 0.1 to 0.9 for pixels, and draw one start; squares and κ = 1 are
f-AnoGAN's (``losses.inversion``), whose encoder answers at once what takes hundreds of steps here.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from brainlab import losses
from brainlab.anomaly.checks import check_region
from brainlab.anomaly.residuals import losses_of_each
from brainlab.errors import InputError
from brainlab.models.batched import check_images, in_batches
from brainlab.models.gan import GAN

STEPS, LR = 200, 0.05
"""Of Adam, on numbers z that are about 1 in size."""


class Inversion(NamedTuple):
    """What was found for each image."""

    z: Tensor  # (N, latent_dim)
    x_hat: Tensor  # (N, C, H, W), G(z)


def gan_inversion(
    gan: nn.Module,
    images: Tensor,
    *,
    steps: int = STEPS,
    lr: float = LR,
    seed: int = 0,
    starts: int = 1,
    kappa: float = 1.0,
) -> Inversion:
    """The z that a GAN draws each of the images (N, C, H, W) from most nearly, by ``steps`` of Adam from z ~ N(0, I).

    All images set out from the same ``starts`` points, which follow from ``seed``, so that what is found for one does
    not depend on its company; of several, the end of smallest loss is kept. For an f-AnoGAN give its ``model.gan``.
    """
    if not isinstance(gan, GAN):
        raise InputError(f"gan_inversion searches the z of a bl.GAN, got a {type(gan).__name__}: use its encoder.")
    check_images(gan.config, images)
    if steps < 0 or starts < 1 or not lr > 0 or not kappa >= 0:
        raise InputError(
            f"steps and kappa must be at least 0, starts at least 1 and lr above 0, got steps={steps}, kappa={kappa}, "
            f"starts={starts}, lr={lr}."
        )
    see, generator, d = gan.discriminator.features, torch.Generator().manual_seed(seed), gan.config.latent_dim

    def search(start: Tensor, x: Tensor) -> Tensor:
        z, f = start.to(x).expand(len(x), -1).clone(), see(x)
        with torch.enable_grad():
            z.requires_grad_()
            adam = torch.optim.Adam([z], lr=lr)  # each number has its own moments: rows do not mix
            for _ in range(steps):
                x_hat = gan.decode(z)
                total = len(x) * losses.inversion(x, x_hat, f, see(x_hat), kappa)
                (z.grad,) = torch.autograd.grad(total, z)  # backward() would fill the networks' gradients too
                adam.step()
        return z.detach()

    found: list[Inversion] = []
    f, values = in_batches(gan, see, images), []
    for start in torch.randn(starts, 1, d, generator=generator):
        z = in_batches(gan, lambda x, start=start: search(start, x), images)
        x_hat = in_batches(gan, gan.decode, z)
        found.append(Inversion(z, x_hat))
        values.append(losses_of_each(images, x_hat, f, in_batches(gan, see, x_hat), kappa))
    best, rows = torch.stack(values).argmin(dim=0), torch.arange(len(images))
    return Inversion(*(torch.stack(each)[best, rows] for each in zip(*found, strict=True)))


def inversion_map(
    gan: nn.Module, images: Tensor, brain: Tensor, *, steps: int = STEPS, lr: float = LR, seed: int = 0, starts: int = 1
) -> Tensor:
    """|x − G(z*)| inside the brain and 0 outside, (N, C, H, W), in intensity: an anomaly map for a bare GAN."""
    check_region(images, brain)
    return (images - gan_inversion(gan, images, steps=steps, lr=lr, seed=seed, starts=starts).x_hat).abs() * brain
