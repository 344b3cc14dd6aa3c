"""What a phantom has to beat: an atlas that is merely warped, and an ellipse of smooth noise.

Both fill the frame as a brain does, and neither has what makes one person's brain unlike another's: cortical folds,
ventricles and fluid of their own. If a model trained on them were worth as much on real brains as one trained on
phantoms, the anatomy in the phantoms would be for nothing, or the test too easy to tell.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import anatomy, fields

ORIGIN_MM, GRID, STEP_MM = (-90.0, -126.0, -84.0), (91, 109, 91), 2.0
WARP = ((4.0, 20.0), (1.6, 6.0), (0.9, 3.0))  # mm: standard deviation, and over how far it is smooth
SHARPNESS = 2.2  # power of the tissue probabilities: an average of many brains is blurred
LEVELS = (0.65, 1.0, 0.25)  # grey matter, white matter, fluid, as on a T1-weighted image
SHADING, NOISE = 0.08, 0.02


class Head(NamedTuple):
    """A picture in three dimensions and what of it is brain."""

    image: Tensor  # (X, Y, Z) float32
    brain: Tensor  # (X, Y, Z) bool
    affine: np.ndarray  # (4, 4) from voxel to world millimetres


def warped_atlas(seed: int) -> Head:
    """The average brain bent at random, with a scanner's shading and noise."""
    rng = fields.generator(seed, "warped atlas")
    bend = sum(mm * fields.smooth_noise(GRID, smooth / STEP_MM, rng, channels=3) for mm, smooth in WARP)
    at = fields.lattice(ORIGIN_MM, GRID, STEP_MM) + torch.as_tensor(bend).movedim(0, -1)
    maps = fields.sample(anatomy.atlas().maps, at, anatomy.atlas().origin, 1.0).clamp(min=0)
    tissues = maps**SHARPNESS
    tissues = tissues / tissues.sum(dim=0).clamp(min=1e-6)
    return _scanned(torch.einsum("k,kxyz->xyz", torch.tensor(LEVELS), tissues), maps.sum(dim=0) > 0.5, rng)


def noisy_ellipse(seed: int) -> Head:
    """An ellipsoid the size of a brain, filled with smooth noise."""
    rng = fields.generator(seed, "noisy ellipse")
    half = torch.tensor([66.0, 85.0, 72.0]) * (1 + 0.05 * torch.randn(3, generator=rng))
    out = (fields.lattice(ORIGIN_MM, GRID, STEP_MM) - torch.tensor(anatomy.CENTRE_MM)) / half
    coarse, fine = (fields.smooth_noise(GRID, mm / STEP_MM, rng)[0] for mm in (8.0, 4.0))
    return _scanned((0.6 + 0.2 * coarse + 0.1 * fine).clamp(min=0.05), out.square().sum(dim=-1) < 1, rng)


def _scanned(clean: Tensor, brain: Tensor, rng: torch.Generator) -> Head:
    shading = fields.smooth_noise(GRID, 60 / STEP_MM, rng)[0]
    real, imaginary = NOISE * torch.randn(2, *GRID, generator=rng)
    seen = torch.hypot(clean * (1 + SHADING * shading / shading.abs().max()) + real, imaginary)
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = ORIGIN_MM
    return Head(seen * brain, brain, affine)
