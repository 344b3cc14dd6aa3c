"""Paths in latent space: from images to vectors z, along a line, an arc or a principal axis, and back to images.

    z = embed(model, images)                      (N, d), one row an image
    decode(model, interpolate(z[0], z[1], 8))     eight pictures from the first image to the second
    decode(model, traverse(principal_axes(z), 0)) what the images vary most in
    mahalanobis(principal_axes(z), some_z)        how far from the data vectors lie, in standard deviations

Vectors are (d,) or (N, d) float32 on the CPU. A path has its points as rows, ends included.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab.errors import InputError
from brainlab.models.batched import check_images, in_batches
from brainlab.models.protocols import Decodes, Embeds
from brainlab.models.spatial import SpatialAutoencoder
from brainlab.vectors import checked

LEAST_SPREAD = 1e-3
"""A direction in which the data hardly move counts as having this share of their average variance."""


class Axes(NamedTuple):
    """The principal axes of N data vectors, the one of largest variance first."""

    mean: Tensor  # (d,)
    directions: (
        Tensor  # (d, d), row k the unit vector of axis k; rows are orthogonal, each one's largest entry positive
    )
    std: Tensor  # (d,) standard deviation of the data along each axis (N - 1 below); 0 where they do not vary
    spread: Tensor  # (d,) the same after shrinkage and never 0: the unit of mahalanobis


def embed(model: nn.Module, images: Tensor, batch: int = 256) -> Tensor:
    """Images (N, C, H, W) to latent vectors (N, latent_dim), on the CPU, in eval mode and without gradients."""
    if not isinstance(model, Embeds):
        raise InputError(f"{type(model).__name__} cannot embed an image; use an autoencoder, a VAE or a VAE-GAN.")
    _has_vectors(model)
    check_images(model.config, images)
    return in_batches(model, model.embed, images, batch)


def decode(model: nn.Module, z: Tensor, batch: int = 256) -> Tensor:
    """Latent vectors (N, latent_dim) to images (N, C, H, W), on the CPU, in eval mode and without gradients."""
    if not isinstance(model, Decodes):
        raise InputError(f"{type(model).__name__} cannot decode a vector; use an autoencoder, a VAE or a GAN.")
    _has_vectors(model)
    checked(z, "z", least=0, dim=model.config.latent_dim)
    dtype = next((p.dtype for p in model.parameters()), z.dtype)
    return in_batches(model, model.decode, z.to(dtype), batch)


def interpolate(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    """``n`` points on the straight line from z0 (d,) to z1 (d,), evenly spaced, (n, d)."""
    t = _steps(z0, z1, n)
    return torch.lerp(z0.double(), z1.double(), t).to(z0.dtype)


def slerp(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    """``n`` points on the arc from z0 (d,) to z1 (d,), evenly spaced in angle, (n, d). White 2016, arXiv:1609.04468.

    Draws from N(0, I) in many dimensions all lie near a sphere of radius √d; the straight line between two of them cuts
    through its empty inside, the arc stays on it. Length goes linearly from ‖z0‖ to ‖z1‖: for equal lengths this is
    White's formula. A zero vector has no direction and takes the other's. Opposite vectors have many arcs between them:
    one is chosen, always the same.
    """
    t = _steps(z0, z1, n)
    a, b = z0.double(), z1.double()
    length = torch.lerp(a.norm(), b.norm(), t)  # (n, 1)
    u, v = F.normalize(a if a.any() else b, dim=0), F.normalize(b if b.any() else a, dim=0)
    across = v - (u @ v) * u  # the part of v at a right angle to u; its length is the angle's sine
    angle = torch.atan2(across.norm(), u @ v)
    if across.norm() < 1e-6:  # parallel or opposite: leave u by the coordinate axis that it leans on least
        across = F.one_hot(u.abs().argmin(), len(u)).double()
        across = across - (u @ across) * u
    return (length * (torch.cos(t * angle) * u + torch.sin(t * angle) * F.normalize(across, dim=0))).to(z0.dtype)


def principal_axes(z: Tensor) -> Axes:
    """Mean and principal axes of data vectors z (N, d), N at least 2 and fewer than d allowed.

    ``spread`` is for distances: with few points the smallest variances come out far too small and the largest too
    large, so every variance is drawn toward their mean by the share of Ledoit and Wolf 2004 (Journal of Multivariate
    Analysis 88:365), which vanishes as N grows.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    x = checked(z, "z", least=2)
    mean, average = x.mean(dim=0), x.var(dim=0).mean()
    if average == 0:
        raise InputError("All vectors are the same, so they have no axes; give images of more than one person.")
    variance, columns = torch.linalg.eigh((x - mean).T @ (x - mean) / (len(x) - 1))  # rising
    variance, directions = variance.flip(0).clamp(min=0), columns.T.flip(0)
    largest = directions.gather(
        1, directions.abs().argmax(dim=1, keepdim=True)
    )  # (d, 1); an axis has no sign of its own
    share = ledoit_wolf_shrinkage(x.numpy())
    spread = ((1 - share) * variance + share * average).clamp(min=LEAST_SPREAD * average)
    return Axes(*(one.to(z.dtype) for one in (mean, directions * largest.sign(), variance.sqrt(), spread.sqrt())))


def traverse(axes: Axes, k: int, sigmas: Sequence[float] = (-3, -2, -1, 0, 1, 2, 3)) -> Tensor:
    """A path along axis ``k`` through the mean, one point (row) a number of standard deviations, (len(sigmas), d).

    Beyond ±3 σ lie 0.3 % of Gaussian data: there a decoder makes up what it has never seen.
    """
    if not 0 <= k < len(axes.std):
        raise InputError(f"There are axes 0 to {len(axes.std) - 1}, got k = {k}.")
    return axes.mean + torch.tensor(sigmas)[:, None] * axes.std[k] * axes.directions[k]


def prior_samples(n: int, latent_dim: int, seed: int = 0) -> Tensor:
    """``n`` draws z ~ N(0, I) of the prior, (n, latent_dim) float32; the same for the same seed."""
    return torch.randn(n, latent_dim, generator=torch.Generator().manual_seed(seed))


def mahalanobis(axes: Axes, z: Tensor) -> Tensor:
    """Distance of vectors z (N, d) from the data's mean, in standard deviations of the data in that direction, (N,).

    √((z − mean)ᵀ C⁻¹ (z − mean)), C being the data's covariance after shrinkage (``Axes.spread``), so also with fewer
    points than dimensions or with a constant dimension. For Gaussian data its square is χ² distributed with d degrees
    of freedom: about √d is *usual*, 0 is not. Mahalanobis 1936, Proc. National Institute of Sciences of India 2:49.
    """
    away = checked(z, "z", dim=len(axes.mean)) - axes.mean
    return (away @ axes.directions.double().T / axes.spread).norm(dim=1).to(z.dtype)


def percentile(distances: Tensor, usual: Tensor) -> Tensor:
    """How unusual each distance (N,) is: the percentage of the ``usual`` ones (M,) that are smaller, (N,) 0 to 100.

    Take the usual ones from healthy images that the axes were *not* computed from: those they were lie too near.
    """
    return 100 * (usual < distances[:, None]).float().mean(dim=1)


def _has_vectors(model: nn.Module) -> None:
    if isinstance(model, SpatialAutoencoder):
        raise InputError(
            "A SpatialAutoencoder's z is a map, not a vector, and has no paths: use a bl.Autoencoder, or "
            "the model's own embed and decode."
        )


def _steps(z0: Tensor, z1: Tensor, n: int) -> Tensor:
    """t from 0 to 1 as a column (n, 1), once the ends of the path are known to be two finite vectors of one length."""
    if z0.ndim != 1 or z0.shape != z1.shape:
        raise InputError(f"The ends of a path are two vectors (d,), got {tuple(z0.shape)} and {tuple(z1.shape)}.")
    if n < 2:
        raise InputError(f"A path has at least 2 points, its ends, got n = {n}.")
    checked(torch.stack([z0, z1]), "z0 and z1")
    return torch.linspace(0, 1, n, dtype=torch.float64)[:, None]
