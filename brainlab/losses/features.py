"""How far a reconstruction is from its image in the eyes of a discriminator: compare what it sees, not pixels."""

from torch import Tensor

from brainlab.losses.reconstruction import squared_error


def feature_matching(d: Tensor, d_tilde: Tensor) -> Tensor:
    """−log N(D_l(x) | D_l(x̃), I) but for its constant: ½ ‖D_l(x) − D_l(x̃)‖², features (B, ...). Nats an image.

    Larsen et al. 2016 (ICML), equation 7. Beside a shift, a blur costs more here than pixel by pixel, though by little
    in the weights that ship: there a shift by one pixel costs 3.2 times as much as a 3 × 3 blur, in pixels 3.5 times.
    """
    return squared_error(d, d_tilde) / 2


def inversion(x: Tensor, x_hat: Tensor, f: Tensor, f_hat: Tensor, kappa: float = 1.0) -> Tensor:
    """What f-AnoGAN's encoder minimises: ‖x − x̂‖² + κ · n/n_d · ‖f(x) − f(x̂)‖², with n pixels and n_d features.

    Schlegl et al. 2019 (Medical Image Analysis 54:30), L_izi_f, times n: there both terms are means, here as everywhere
    in the kit they are sums over an image, and the weight between them is the paper's.
    """
    n, n_d = x[0].numel(), f[0].numel()
    return squared_error(x, x_hat) + kappa * n / n_d * squared_error(f, f_hat)
