"""Every objective once, as a pure function.

The kit's one convention: a loss sums over an image's pixels (and a latent vector's entries) and averages over the
batch, so its unit is nats an image, and it is minimised. Codes that average over pixels *and* latents quietly change
the weight between the two terms by a factor of D/d; sums keep the formulas as the papers write them.
All accept any shape (B, C, *spatial).
"""

import math

from torch import Tensor


def squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Sum of squared pixel differences, averaged over the batch: E ‖x − x̂‖². A scalar, in squared intensity."""
    return (x - x_hat).square().flatten(1).sum(dim=1).mean()


def gaussian_nll(x: Tensor, x_hat: Tensor, sigma: float) -> Tensor:
    """−log N(x | x̂, σ²I) in nats an image: ‖x − x̂‖² / 2σ² + D/2 · log(2πσ²), averaged over the batch.

    ``sigma`` is the decoder's fixed standard deviation in intensity units: the noise we expect between an image and its
    reconstruction. It sets the exchange rate between pixels and, in a VAE, the KL term (Kingma and Welling 2014,
    appendix C.2).
    """
    pixels = x[0].numel()
    return squared_error(x, x_hat) / (2 * sigma**2) + pixels / 2 * math.log(2 * math.pi * sigma**2)
