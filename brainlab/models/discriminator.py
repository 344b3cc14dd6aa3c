"""The discriminator: is this image real, or was it made by a network? A classifier that teaches by being fooled.

    D_l(x) = three halvings of x          (B, 4 width, H/8, W/8), what it sees
    logit = dense(one halving of D_l)     (B,), positive for "real"

Its gradient with respect to the *image* says what would make that image look more real; a generator follows it. The
layer D_l comes to hold what tells brains from imitations, so distances between images are worth measuring there.
"""

from collections.abc import Callable

from torch import Tensor, nn

from brainlab.models.config import ModelConfig


class Discriminator(nn.Module):
    """DCGAN's (Radford et al. 2016, ICLR): strided convolutions, LeakyReLU, and no norm in the first layer."""

    def __init__(self, config: ModelConfig, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        n, side = config.width, config.image_size // 16
        first = nn.Sequential(nn.Conv2d(config.channels, n, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
        self.body = nn.Sequential(first, halve(n, 2 * n, norm), halve(2 * n, 4 * n, norm))
        self.head = nn.Sequential(halve(4 * n, 8 * n, norm), nn.Conv2d(8 * n, 1, side), nn.Flatten())

    def features(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to D_l(x), (B, 4 width, H/8, W/8): 4,096 numbers an image at 64 px and width 16."""
        return self.body(x)

    def judge(self, features: Tensor) -> Tensor:
        """D_l(x) to logits (B,): where both are wanted, the body need not look twice."""
        return self.head(features).squeeze(1)  # (B, 1) -> (B,)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B,), positive for "real"."""
        return self.judge(self.features(x))


def halve(c_in: int, c_out: int, norm: Callable[[int], nn.Module]) -> nn.Sequential:
    """Halve the resolution: (B, c_in, H, W) -> (B, c_out, H/2, W/2). LeakyReLU passes a gradient on both sides of 0."""
    conv = nn.Conv2d(c_in, c_out, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, norm(c_out), nn.LeakyReLU(0.2))
