"""The slope of what a VAE minimises, as a score: which pixels would have to change for the image to be more usual?

No reconstruction is compared. KL(q(z|x) ‖ N(0, I)) is large for an image whose z lies far from where healthy ones lie,
and its gradient with respect to the *image* says which pixels are to blame.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab import losses
from brainlab.anomaly.checks import check_region
from brainlab.anomaly.residuals import anomaly_map
from brainlab.errors import InputError
from brainlab.models.batched import check_images, in_batches
from brainlab.models.vae import VAE

SMOOTHNESS = 32
"""The Gaussian that ``combined`` smooths a gradient with has the standard deviation image width / 32, 2 px at 64."""


def kl_gradient(model: nn.Module, images: Tensor, brain: Tensor) -> Tensor:
    """|∂KL(q(z|x) ‖ N(0, I)) / ∂x| inside the brain and 0 outside, (N, C, H, W), in nats a unit of intensity.

    The KL term alone (Zimmerer et al. 2019, MICCAI, "Unsupervised anomaly localization using variational
    auto-encoders"). An encoder that says N(0, I) of every image has slope 0.
    """
    check_region(images, brain)
    return _slope(model, images) * brain


def combined(model: nn.Module, images: Tensor, brain: Tensor) -> Tensor:
    """|x − x̂| · smooth |∂KL/∂x| inside the brain and 0 outside, (N, C, H, W), in nats: both must be large.

    The product is Zimmerer et al. 2018's (arXiv:1812.05941, ceVAE). Gradients are grainy, so their size is smoothed by
    a Gaussian first, one of the kit's choosing (``SMOOTHNESS``), over the whole image; the residual is not smoothed,
    nothing is rescaled, and the brain is cut out last. Published code also takes (x − x̂)², and rescales gradients by
    the least and largest of a whole batch: then an image's map depends on its company.
    """
    check_region(images, brain)
    return anomaly_map(model, images, brain) * smooth(_slope(model, images), images.shape[-1] / SMOOTHNESS)


def smooth(maps: Tensor, sigma: float) -> Tensor:
    """Maps (N, C, H, W) under a Gaussian of ``sigma`` pixels, cut at 3 σ; beyond the border the last pixel repeats."""
    if not sigma > 0:
        raise InputError(f"sigma is a width in pixels above 0, got {sigma}.")
    radius = max(1, min(round(3 * sigma), *maps.shape[2:]))
    place = torch.arange(-radius, radius + 1, dtype=maps.dtype)
    weights = torch.exp(-(place**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    for axis in (2, 3):
        line = maps.movedim(axis, -1)
        flat = F.pad(line.flatten(0, 1), [radius, radius], mode="replicate").flatten(0, 1)  # (N · C · other side, L)
        maps = F.conv1d(flat[:, None], weights[None, None]).view(line.shape).movedim(-1, axis)
    return maps


def encoding(model: nn.Module, what: str) -> VAE:
    """The model, if it is one with a cloud q(z|x) for each image; else InputError, naming what was asked of it."""
    if not isinstance(model, VAE):
        raise InputError(
            f"{what} needs q(z|x), which a {type(model).__name__} does not have: use a bl.VAE or a bl.VAEGAN."
        )
    return model


def _slope(model: nn.Module, images: Tensor) -> Tensor:
    """|∂KL/∂x| everywhere, (N, C, H, W)."""
    vae = encoding(model, "A gradient of the KL")
    check_images(vae.config, images)

    def slope(x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            total = len(x) * losses.kl(*vae.encode(x))  # the loss is a mean: an image's slope must not know its company
            return torch.autograd.grad(total, x)[0].abs()  # of x alone: no parameter's grad is touched

    return in_batches(vae, slope, images)
