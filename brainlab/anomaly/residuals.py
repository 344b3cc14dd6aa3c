"""How far an image is from its reconstruction: by each pixel's value, its surroundings, or what a discriminator sees.

Every score is high where image and reconstruction disagree, never negative, and 0 outside the brain.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from brainlab import losses
from brainlab.anomaly.checks import check_region
from brainlab.anomaly.reconstruction import reconstruct
from brainlab.errors import InputError
from brainlab.models.batched import in_batches
from brainlab.models.discriminator import Discriminator
from brainlab.models.fanogan import FAnoGAN
from brainlab.models.vaegan import VAEGAN


def anomaly_map(model: nn.Module, images: Tensor, brain: Tensor) -> Tensor:
    """|x − x̂| inside the brain and 0 outside, (N, C, H, W) float32: how far each pixel is from what was expected."""
    check_region(images, brain)
    return (images - reconstruct(model, images)).abs() * brain


def squared(model: nn.Module, images: Tensor, brain: Tensor) -> Tensor:
    """(x − x̂)² inside the brain and 0 outside, (N, C, H, W), in squared intensity.

    It ranks pixels as |x − x̂| does; means over a region, and products with other scores, weigh large residuals more.
    """
    check_region(images, brain)
    return (images - reconstruct(model, images)).square() * brain


def dissimilarity(model: nn.Module, images: Tensor, brain: Tensor) -> Tensor:
    """1 − SSIM(x, x̂) inside the brain and 0 outside, (N, C, H, W): 0 where windows are alike, 2 at worst.

    It sees texture that is lost or new, also where brightness hardly changes: what a residual of intensities overlooks
    (Meissen et al. 2022, MIDL). ``losses.ssim`` has the formula.
    """
    check_region(images, brain)
    return (1 - losses.ssim(images, reconstruct(model, images))).clamp(min=0) * brain


def feature_residual(model: nn.Module, images: Tensor, brain: Tensor) -> Tensor:
    """‖D_l(x) − D_l(x̂)‖² at each place of the discriminator's layer, upsampled to the brain's pixels, (N, 1, H, W).

    The sum is over the layer's channels, (N, H/8, W/8); bilinear interpolation makes pixels of it, so a map is eight
    pixels coarse. For a VAE-GAN, whose training minimises it (Larsen et al. 2016, ICML, equation 7, without the ½), and
    an f-AnoGAN (Schlegl et al. 2019, Medical Image Analysis 54:30, who sum it over the whole image).
    """
    check_region(images, brain)
    see, x_hat = discriminator(model).features, reconstruct(model, images)
    apart = in_batches(model, see, images) - in_batches(model, see, x_hat)  # (N, 4 width, H/8, W/8)
    coarse = apart.square().sum(dim=1, keepdim=True)
    return F.interpolate(coarse, size=images.shape[2:], mode="bilinear", align_corners=False) * brain


def fanogan_score(model: nn.Module, images: Tensor, kappa: float = 1.0) -> Tensor:
    """A(x) = mean (x − x̂)² + κ · mean (f(x) − f(x̂))², one number an image, (N,): how unusual it is as a whole.

    f is the discriminator's layer, means are over the image and the features. Schlegl et al. 2019; their encoder
    minimises the same in training. All of the image counts, so it is for slices without skull. Also for a VAE-GAN.
    """
    see, x_hat = discriminator(model).features, reconstruct(model, images)
    f, f_hat = in_batches(model, see, images), in_batches(model, see, x_hat)
    return losses_of_each(images, x_hat, f, f_hat, kappa) / images[:1].numel()


def losses_of_each(x: Tensor, x_hat: Tensor, f: Tensor, f_hat: Tensor, kappa: float) -> Tensor:
    """``losses.inversion`` of each image by itself, (N,)."""
    rows = zip(x.split(1), x_hat.split(1), f.split(1), f_hat.split(1), strict=True)
    return x.new_tensor([float(losses.inversion(*row, kappa)) for row in rows])


def discriminator(model: nn.Module) -> Discriminator:
    """The discriminator of a model that has one beside its encoder; raises InputError for any other."""
    if isinstance(model, VAEGAN):
        return model.discriminator
    if isinstance(model, FAnoGAN):
        return model.gan.discriminator
    raise InputError(
        f"{type(model).__name__} has no discriminator to compare reconstructions by: use a bl.VAEGAN or a bl.FAnoGAN."
    )
