"""How far a reconstruction x̂ is from its image x, pixel by pixel."""

import math
from collections.abc import Callable

from torch import Tensor


def squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Sum of squared pixel differences, averaged over the batch: E ‖x − x̂‖². A scalar, in squared intensity."""
    return (x - x_hat).square().flatten(1).sum(dim=1).mean()


def absolute_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Sum of absolute pixel differences, averaged over the batch: E ‖x − x̂‖₁ (L1). A scalar, in intensity.

    Divided by b it is −log Laplace(x | x̂, b) but for a constant. The squared error's best guess at a pixel is the mean
    of what may be there, this one's is the median: edges stay sharper, and a few odd pixels count for less.
    """
    return (x - x_hat).abs().flatten(1).sum(dim=1).mean()


def gaussian_nll(x: Tensor, x_hat: Tensor, sigma: float) -> Tensor:
    """−log N(x | x̂, σ²I) in nats an image: ‖x − x̂‖² / 2σ² + D/2 · log(2πσ²), averaged over the batch.

    ``sigma`` is the decoder's fixed standard deviation in intensity units: the noise we expect between an image and its
    reconstruction. It sets the exchange rate between pixels and, in a VAE, the KL term (Kingma and Welling 2014,
    appendix C.2).
    """
    pixels = x[0].numel()
    return squared_error(x, x_hat) / (2 * sigma**2) + pixels / 2 * math.log(2 * math.pi * sigma**2)


def denoising(reconstruct: Callable[[Tensor], Tensor], x: Tensor, x_soiled: Tensor, sigma: float) -> Tensor:
    """−log N(x | x̂(x_soiled), σ²I) in nats an image: what a denoiser is asked for is the *clean* image x.

    Vincent et al. 2008 (ICML). Comparing with ``x_soiled`` instead would teach it to copy: published code has slipped
    there.
    """
    return gaussian_nll(x, reconstruct(x_soiled), sigma)
