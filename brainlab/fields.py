"""Random smooth fields that are the same on every run: the clay that phantoms and lesions are shaped from."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread inside, so that a result does not depend on how a sum was shared out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def generator(seed: int, stream: str) -> torch.Generator:
    """A random generator for one purpose of one subject: what one stream draws never shifts another."""
    digest = hashlib.blake2b(f"{seed}/{stream}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))


def spline_weights(n: int, spacing: float) -> Tensor:
    """Matrix (n, m) that reads a cubic B-spline with a knot every ``spacing`` samples; each row has unit norm."""
    at = (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) / spacing
    knots = int(at[-1].ceil()) + 2
    u = (at[:, None] - torch.arange(-knots, knots + 1)).abs()
    inner, outer = 2 / 3 - u**2 + u**3 / 2, (2 - u).clamp(min=0) ** 3 / 6
    weights = torch.where(u < 1, inner, outer)
    return (weights / weights.norm(dim=1, keepdim=True)).float()


def smooth_noise(shape: Sequence[int], spacing: float, rng: torch.Generator, channels: int = 1) -> Tensor:
    """Gaussian noise (channels, X, Y, Z) of mean 0 and variance 1, smooth over about ``spacing`` voxels."""
    wx, wy, wz = (spline_weights(n, spacing) for n in shape)
    knots = torch.randn(channels, wx.shape[1], wy.shape[1], wz.shape[1], generator=rng)
    along_z = knots @ wz.T  # (c, i, j, Z)
    along_y = (along_z.transpose(2, 3) @ wy.T).transpose(2, 3)  # (c, i, Y, Z)
    return torch.einsum("ai,cijk->cajk", wx, along_y).contiguous()


def sample(field: Tensor, points: Tensor, origin: Sequence[float], step: float) -> Tensor:
    """Read a field (C, X, Y, Z) at ``points`` (..., 3) in mm; returns (C, ...).

    The field's first node lies at ``origin`` mm, the nodes ``step`` mm apart. Trilinear; outside, the edge goes on.
    """
    size = torch.tensor(field.shape[1:], dtype=torch.float32)
    unit = (points - torch.as_tensor(origin, dtype=torch.float32)) * (2 / step) / (size - 1) - 1
    grid = unit.flip(-1).reshape(1, 1, 1, -1, 3)  # grid_sample's last axis comes first
    read = F.grid_sample(field[None], grid, padding_mode="border", align_corners=True)
    return read.reshape(len(field), *points.shape[:-1])


def lattice(origin: Sequence[float], shape: Sequence[int], step: float) -> Tensor:
    """World millimetres (X, Y, Z, 3) of a lattice's nodes."""
    axes = [o + step * torch.arange(n, dtype=torch.float32) for o, n in zip(origin, shape, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def flow(velocity: Tensor, origin: Sequence[float], step: float, squarings: int = 5) -> Tensor:
    """Displacement (3, X, Y, Z) in mm after following a steady velocity (3, X, Y, Z) for unit time.

    Scaling and squaring (Arsigny et al., "A log-Euclidean framework for statistics on diffeomorphisms", MICCAI 2006):
    a flow never folds space, however far it carries.
    """
    nodes = lattice(origin, velocity.shape[1:], step)
    moved = velocity / 2**squarings
    for _ in range(squarings):
        moved = moved + sample(moved, nodes + moved.movedim(0, -1), origin, step)
    return moved
