"""SSIM: two images are alike if, window by window, they agree in brightness, contrast and structure.

    SSIM = (2 μ_x μ_y + c₁)(2 σ_xy + c₂) / ((μ_x² + μ_y² + c₁)(σ_x² + σ_y² + c₂)),   c₁ = (k₁L)², c₂ = (k₂L)²

Wang et al. 2004, IEEE Transactions on Image Processing 13:600, equation 13. A window is a Gaussian.
"""

import torch
from torch import Tensor

SIGMA = 1.5
"""Standard deviation of the Gaussian window in pixels, and the paper's."""
RADIUS = 5
"""The window ends this many pixels from its centre, 11 across, as in the paper."""
K1, K2, RANGE = 0.01, 0.03, 1.0
"""The paper's k₁ and k₂, which keep the quotient finite in flat regions, and L, the range of an image's values."""


def ssim(x: Tensor, x_hat: Tensor) -> Tensor:
    """SSIM of each pixel's window, same shape as the images (B, C, *spatial): 1 where they are equal, −1 at worst.

    Any spatial size and any number of axes. Where a window leaves the image, what lies inside is weighted to sum to 1
    again (its authors' code leaves such pixels out).
    """
    mu_x, mu_y = _blur(x), _blur(x_hat)
    var_x, var_y = _blur(x * x) - mu_x**2, _blur(x_hat * x_hat) - mu_y**2
    covariance = _blur(x * x_hat) - mu_x * mu_y
    c1, c2 = (K1 * RANGE) ** 2, (K2 * RANGE) ** 2
    return (2 * mu_x * mu_y + c1) * (2 * covariance + c2) / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2))


def ssim_loss(x: Tensor, x_hat: Tensor) -> Tensor:
    """Σ (1 − SSIM) over an image's pixels, averaged over the batch: 0 for a perfect copy. Not a likelihood."""
    return (1 - ssim(x, x_hat)).flatten(1).sum(dim=1).mean()


def _blur(x: Tensor) -> Tensor:
    """Every pixel's mean under the window: a Gaussian of many axes is one Gaussian after another, axis by axis."""
    for axis in range(2, x.ndim):
        x = (x.movedim(axis, -1) @ _window(x.shape[axis]).to(x).T).movedim(-1, axis)
    return x


def _window(n: int) -> Tensor:
    """Row i holds the weights of the n pixels of a line for the window around pixel i, (n, n); they sum to 1."""
    place = torch.arange(n, dtype=torch.float64)
    distance = (place[:, None] - place[None, :]).abs()
    weights = torch.exp(-(distance**2) / (2 * SIGMA**2)) * (distance <= RADIUS)
    return weights / weights.sum(dim=1, keepdim=True)
