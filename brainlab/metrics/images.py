"""Measures of whole images: how well one was rebuilt, and whether a score an image tells the diseased ones."""

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from brainlab.errors import InputError
from brainlab.metrics.checks import same_shape
from brainlab.metrics.counting import ranked, roc_area


def psnr(x: Tensor, x_hat: Tensor) -> float:
    """Peak signal-to-noise ratio 10·log₁₀(1 / MSE) of images in [0, 1] (N, C, H, W), in dB, averaged over the N.

    Higher is better; 20 dB is an error of 0.1 a pixel, 30 dB of 0.03; inf where an image is met exactly. Every pixel
    counts, and background is easy: where the brain fills half the picture, that alone is worth 3 dB.
    """
    same_shape(x, x_hat)
    mse = (x.double() - x_hat.double()).square().flatten(1).mean(dim=1)  # (N,)
    return float((-10 * mse.log10()).mean())


def image_auroc(scores: ArrayLike, diseased: ArrayLike) -> float:
    """Probability that a diseased image scores higher than a healthy one, ties counted half; (N,) and (N,) bool.

    Say how a map became one score: its mean and its maximum rank methods differently. Raises InputError unless there
    are images of both kinds.
    """
    score, sick = np.asarray(scores), np.asarray(diseased)
    if score.ndim != 1 or score.shape != sick.shape:
        raise InputError(f"Give one score and one truth an image, (N,) both, got {score.shape} and {sick.shape}.")
    if sick.dtype != bool:
        raise InputError(f"diseased must be boolean, got {sick.dtype}: compare labels first: labels != 'healthy'.")
    if sick.all() or not sick.any():
        raise InputError("An image AUROC compares diseased with healthy images, and here are not both.")
    if not np.isfinite(score).all():
        raise InputError("An image AUROC needs finite scores; some are NaN or infinite: look at the model first.")
    return roc_area(ranked(score.astype(float), sick))
