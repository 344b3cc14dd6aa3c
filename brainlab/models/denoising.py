"""The denoising autoencoder: soil a healthy brain with coarse blotches, and learn to wash them off.

    n = coarse noise, x_soiled = x + σ·n inside the brain
    x_hat = unet(x_soiled)                  trained so that x_hat is like the clean x

A blotch is as large as a lesion, so the network learns what no healthy brain has there, and at test time, when no noise
is added, it washes lesions off too: they light up in x - x_hat (Kascenas, Pugeault and O'Neil 2022, MIDL; the noise's
coarseness is the whole trick: Kascenas et al. 2023, Medical Image Analysis 90:102963). There is no bottleneck: skip
connections carry fine detail past the deep layers, so sulci stay sharp. The price is that no small z describes the
image: this family only reconstructs.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab.models.config import ModelConfig

COARSENESS = 8
"""Pixels from one independent noise value to the next: a grid of 8 × 8 values at 64 px, of 16 × 16 at 128 px."""


def coarse_noise(shape: torch.Size | tuple[int, ...], generator: torch.Generator | None = None) -> Tensor:
    """Blotchy noise of an image batch's ``shape`` (B, C, H, W): standard normal on a coarse grid, smooth in between.

    A fresh grid of independent N(0, 1) values an image, one every ``COARSENESS`` pixels, upsampled bilinearly, then
    rolled by a random number of rows and columns (around the edge), so that grid points fall everywhere. Multiply by σ
    (0.2) and by the brain mask, and add it: ``x + 0.2 * noise * brain``. Its mean is 0, its standard
    deviation about 0.7, for a mix of neighbours varies less than they. (A much-copied
    implementation, in MedIAnomaly's ``dae_worker.py``, rescales this noise like an image in [0, 1], by 2n - 1: then
    training images are a whole unit darker than anything seen at test time, with twice the noise.)
    """
    b, c, height, width = shape
    grid = torch.randn(b, c, height // COARSENESS, width // COARSENESS, generator=generator)
    noise = F.interpolate(grid, size=(height, width), mode="bilinear", align_corners=False)  # (B, C, H, W)
    rows = torch.randint(height, (b,), generator=generator).tolist()
    columns = torch.randint(width, (b,), generator=generator).tolist()
    return torch.stack([n.roll((r, k), dims=(-2, -1)) for n, r, k in zip(noise, rows, columns, strict=True)])


class DenoisingAutoencoder(nn.Module):
    """A small U-Net, three resolutions deep; ``width`` feature maps at the finest of them, half the image's own.

    Its first layer folds each 2 × 2 block of pixels into channels, its last unfolds them (pixel unshuffle): a quarter
    of the work and, measured on phantoms, *better* at spotting lesions that are as bright as grey matter. BatchNorm was
    measured better than Group- or InstanceNorm here; call ``eval()`` before use, as ``anomaly`` does.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        c, w = config.channels, config.width
        self.fold = nn.PixelUnshuffle(2)  # (B, C, H, W) -> (B, 4C, H/2, W/2)
        self.down1 = convolutions(4 * c, w)
        self.down2 = convolutions(w, 2 * w)
        self.deepest = convolutions(2 * w, 4 * w)
        self.widen2 = nn.ConvTranspose2d(4 * w, 2 * w, 2, stride=2)
        self.up2 = convolutions(4 * w, 2 * w)
        self.widen1 = nn.ConvTranspose2d(2 * w, w, 2, stride=2)
        self.up1 = convolutions(2 * w, w)
        self.last = nn.Conv2d(w, 4 * c, 1)
        self.unfold = nn.PixelShuffle(2)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Images (B, C, H, W) as they would look without blotches, same shape."""
        fine = self.down1(self.fold(x))  # (B, w, H/2, W/2)
        middle = self.down2(F.max_pool2d(fine, 2))  # (B, 2w, H/4, W/4)
        deep = self.deepest(F.max_pool2d(middle, 2))  # (B, 4w, H/8, W/8)
        h = self.up2(torch.cat([middle, self.widen2(deep)], dim=1))  # the skip: fine detail beside deep context
        h = self.up1(torch.cat([fine, self.widen1(h)], dim=1))
        return self.unfold(self.last(h))  # linear: a pixel may leave [0, 1]

    forward = reconstruct


def convolutions(c_in: int, c_out: int) -> nn.Sequential:
    """Two convolutions at one resolution: (B, c_in, H, W) -> (B, c_out, H, W)."""
    layers: list[nn.Module] = []
    for c in (c_in, c_out):
        layers += [nn.Conv2d(c, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()]
    return nn.Sequential(*layers)
