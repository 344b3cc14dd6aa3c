"""Measures of whole images: how well one was rebuilt."""

from torch import Tensor

from brainlab.metrics.checks import same_shape


def psnr(x: Tensor, x_hat: Tensor) -> float:
    """Peak signal-to-noise ratio 10·log₁₀(1 / MSE) of images in [0, 1] (N, C, H, W), in dB, averaged over the N.

    Higher is better; 20 dB is an error of 0.1 a pixel, 30 dB of 0.03; inf where an image is met exactly. Every pixel
    counts, and background is easy: where the brain fills half the picture, that alone is worth 3 dB.
    """
    same_shape(x, x_hat)
    mse = (x.double() - x_hat.double()).square().flatten(1).mean(dim=1)  # (N,)
    return float((-10 * mse.log10()).mean())
