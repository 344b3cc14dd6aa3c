"""The convolutions that every family is built from; the only file that knows a slice has two dimensions."""

from itertools import pairwise

from torch import nn

from brainlab.models.config import ModelConfig


def widths(config: ModelConfig) -> list[int]:
    """Feature maps at each resolution, from the image's own (its channels) to a sixteenth of it: 1, 16, 32, 64, 64."""
    w = config.width
    return [config.channels, w, 2 * w, 4 * w, 4 * w]


def normalise(channels: int) -> nn.GroupNorm:
    """GroupNorm of up to eight groups: unlike BatchNorm, what an image gives does not depend on its batch."""
    return nn.GroupNorm(next(groups for groups in (8, 4, 2, 1) if channels % groups == 0), channels)


def down(c_in: int, c_out: int) -> nn.Sequential:
    """Halve the resolution: (B, c_in, H, W) -> (B, c_out, H/2, W/2)."""
    return nn.Sequential(nn.Conv2d(c_in, c_out, 4, stride=2, padding=1, bias=False), normalise(c_out), nn.ReLU())


def up(c_in: int, c_out: int) -> nn.Sequential:
    """Double the resolution: (B, c_in, H, W) -> (B, c_out, 2H, 2W)."""
    conv = nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(conv, normalise(c_out), nn.ReLU())


def halvings(config: ModelConfig) -> list[nn.Sequential]:
    """The way down, a block a resolution: (B, C, H, W) -> (B, 4 width, H/16, W/16)."""
    return [down(c_in, c_out) for c_in, c_out in pairwise(widths(config))]


def encoder(config: ModelConfig, outputs: int) -> nn.Sequential:
    """Four halvings, then a dense layer: (B, C, H, W) -> (B, outputs)."""
    side = config.image_size // 16
    return nn.Sequential(*halvings(config), nn.Flatten(), nn.Linear(widths(config)[-1] * side**2, outputs))


def decoder(config: ModelConfig) -> nn.Sequential:
    """The encoder's mirror: (B, latent_dim) -> (B, C, H, W). The last layer is linear: a pixel may leave [0, 1]."""
    w, side = widths(config), config.image_size // 16
    wide = nn.Sequential(nn.Linear(config.latent_dim, w[-1] * side**2), nn.Unflatten(1, (w[-1], side, side)))
    layers = [up(w[4], w[3]), up(w[3], w[2]), up(w[2], w[1])]
    return nn.Sequential(wide, nn.ReLU(), *layers, nn.ConvTranspose2d(w[1], w[0], 4, stride=2, padding=1))
