"""The games that a generator and a discriminator play: what each minimises, given the discriminator's logits.

``real`` and ``fake`` are logits (B,) of real and of generated images: positive where the discriminator thinks "real".
Its probability is D = sigmoid(logit), but that is never formed: log D from logits stays finite, log(sigmoid) does not.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


def called_real(logits: Tensor) -> Tensor:
    """−E log D: the cost, in nats, of calling these images real."""
    return F.softplus(-logits).mean()


def called_fake(logits: Tensor) -> Tensor:
    """−E log(1 − D): the cost, in nats, of calling these images fake."""
    return F.softplus(logits).mean()


def discriminator(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """−E log D(x) − E log(1 − D(x̃)): tell real from fake (Goodfellow et al. 2014, equation 1). At a draw, 2 log 2.

    With one-sided label ``smoothing`` s a real image is to be called real with probability 1 − s only: an overconfident
    discriminator has no gradient left to teach with (Salimans et al. 2016, section 3.4).
    """
    return (1 - smoothing) * called_real(real) + smoothing * called_fake(real) + called_fake(fake)


def minimax(fake: Tensor) -> Tensor:
    """E log(1 − D(x̃)): the generator's half of the same game. Flat where D is sure, at the start (ibid., section 3)."""
    return -called_fake(fake)


def non_saturating(fake: Tensor) -> Tensor:
    """−E log D(x̃): same fixed point, and steepest where the discriminator is sure (ibid., section 3)."""
    return called_real(fake)


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """½ E (D(x) − 1)² + ½ E D(x̃)², on logits as they are (Mao et al. 2017, equation 9)."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def least_squares_generator(fake: Tensor) -> Tensor:
    """½ E (D(x̃) − 1)² (ibid.): also an image that is too real for its own good is pulled back."""
    return (fake - 1).square().mean() / 2


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, 1 − D(x)) + E max(0, 1 + D(x̃)): no gain in being surer than ±1 (Lim and Ye 2017; Miyato 2018)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """E D(x̃) − E D(x): minus the distance that the critic measures (Arjovsky et al. 2017), given ‖∇D‖ ≤ 1."""
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor) -> Tensor:
    """−E D(x̃): push the critic's score up (ibid.). The hinge game's generator does the same."""
    return -fake.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], x: Tensor, x_tilde: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """E (‖∇D(x̂)‖₂ − 1)² at random points x̂ between real and generated images (Gulrajani et al. 2017, equation 3).

    The norm is over *all* values of an image, (C, *spatial) together: published code for brain MRI takes it over the
    rows of an image, which bounds something else. The critic must not mix the images of a batch: no BatchNorm.
    """
    u = torch.rand(len(x), *[1] * (x.ndim - 1), generator=generator).to(x)  # one a pair of images
    x_hat = (u * x + (1 - u) * x_tilde).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


class Game(NamedTuple):
    """What the two players minimise."""

    discriminator: Callable[[Tensor, Tensor], Tensor]  # (real, fake) -> scalar
    generator: Callable[[Tensor], Tensor]  # fake -> scalar


GAMES = {
    "non_saturating": Game(discriminator, non_saturating),
    "minimax": Game(discriminator, minimax),
    "least_squares": Game(least_squares_discriminator, least_squares_generator),
    "hinge": Game(hinge_discriminator, wasserstein_generator),
    "wgan_gp": Game(wasserstein_discriminator, wasserstein_generator),  # with gradient_penalty, weight 10
}
