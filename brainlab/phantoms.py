"""A synthetic subject from a seed, and what a scanner would make of it."""

from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from brainlab import anatomy, cortex, intensity
from brainlab import contrast as mr
from brainlab.errors import InputError
from brainlab.fields import generator, lattice, one_thread, sample, smooth_noise

BOX_MM = ((-90.0, 90.0), (-126.0, 90.0), (-84.0, 96.0))  # holds every head, symmetric about x = 0
VENTRICLE_HALF_WIDTH_MM = 5.0


@dataclass(frozen=True)
class Factors:
    """The known causes of a subject's picture: what a latent space can later be scored against."""

    ventricle_size: float  # width of the lateral ventricles, atlas = 1; about 0.8 to 3
    head_shape: float  # log of breadth over length against the atlas; 0.1 is a head 10 % broader for its length
    cortical_thinning: float  # mm of cortex given way to sulcal fluid; 0 (young) to 1.5 (old)
    asymmetry: float  # 0: left mirrors right exactly; 1: the sides vary independently
    rotation: float  # degrees in the axial plane; positive turns the nose to the patient's left
    tissue_contrast: float  # difference between white and grey matter, signal equation = 1
    bias: float  # half the range of the coil's smooth shading, as a fraction; 0 to 0.3
    noise: float  # standard deviation of the noise, as a fraction of the brighter of grey and white matter


@dataclass(frozen=True, eq=False)
class Subject:
    """What a head is made of, before any scanner has looked at it."""

    tissues: Tensor  # (K, X, Y, Z) float32, the fraction of each voxel; their sum is 0 outside the brain
    names: tuple[str, ...]  # K tissues, as in contrast.TISSUES
    brain: Tensor  # (X, Y, Z) bool
    affine: np.ndarray  # (4, 4) from voxel to world millimetres, RAS+
    factors: Factors
    seed: int
    healthy: "Subject | None" = None  # the same head without its lesion, where it has one


def draw_factors(seed: int) -> Factors:
    """The causes that belong to a seed."""
    u = torch.rand(7, generator=generator(seed, "factors"), dtype=torch.float64).tolist()
    n = torch.randn(2, generator=generator(seed, "factors of form"), dtype=torch.float64).clamp(-2.5, 2.5).tolist()
    return Factors(
        ventricle_size=0.9 + 1.8 * u[0],
        head_shape=0.04 * n[0],
        cortical_thinning=1.5 * u[1],
        asymmetry=0.3 + 0.7 * u[2],
        rotation=3.0 * n[1],
        tissue_contrast=0.6 + 0.7 * u[3],
        bias=0.01 + 0.11 * u[4],
        noise=0.01 + 0.025 * u[5],
    )


def subject(seed: int, *, factors: Factors | None = None, spacing_mm: float = 2.0, **named: float) -> Subject:
    """Grow a subject. ``factors`` replaces what the seed would draw, a factor by name replaces that one alone.

    ``spacing_mm`` (0.5 to 4) is the voxel width: 2 mm serves slices of 64 px, 1 mm those of 128 px and more.
    """
    unknown = set(named) - {one.name for one in fields(Factors)}
    if unknown:
        raise InputError(f"factors are {', '.join(one.name for one in fields(Factors))}; got {', '.join(unknown)}.")
    if not 0.5 <= spacing_mm <= 4:
        raise InputError(f"spacing_mm must be from 0.5 to 4, got {spacing_mm}.")
    factors = replace(factors or draw_factors(seed), **named)
    with one_thread(), torch.no_grad():
        return _grow(seed, factors, float(spacing_mm))


def shape_of(seed: int, factors: Factors) -> anatomy.Shape:
    """The way from this subject's millimetres into the atlas."""
    return anatomy.shape(
        seed,
        head_shape=factors.head_shape,
        rotation=factors.rotation,
        asymmetry=factors.asymmetry,
        ventricle_growth_mm=VENTRICLE_HALF_WIDTH_MM * (factors.ventricle_size - 1),
    )


def _grow(seed: int, factors: Factors, spacing_mm: float) -> Subject:
    affine, grid = _grid(spacing_mm)
    person = shape_of(seed, factors)
    points = lattice(affine[:3, 3].tolist(), grid, spacing_mm)
    every = max(int(4 / spacing_mm), 1)  # 4 mm are enough to find the brain
    rough = anatomy.near_brain(person, points[::every, ::every, ::every]).float()
    near = F.interpolate(rough[None, None], size=grid)[0, 0] > 0
    at = anatomy.to_atlas(person, points[near])
    found = sample(anatomy.atlas().maps, at, anatomy.atlas().origin, 1.0).clamp_(min=0)
    inside = found.sum(dim=0) > 0.5
    near[near.clone()] = inside
    tissues = torch.zeros(3, *grid)
    folds = cortex.folds(seed, factors.asymmetry)
    tissues[:, near] = cortex.tissues(folds, factors.cortical_thinning, at[inside], found[:, inside])
    return Subject(tissues, ("gm", "wm", "csf"), tissues.sum(dim=0) > 0.5, affine, factors, seed)


def _grid(spacing_mm: float) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Affine and shape of a subject's grid; its middle is x = 0, so that a mirrored head has mirrored voxels."""
    counts = [round((high - low) / spacing_mm) + 1 for low, high in BOX_MM]
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = [(low + high) / 2 - spacing_mm * (n - 1) / 2 for (low, high), n in zip(BOX_MM, counts, strict=True)]
    return affine, (counts[0], counts[1], counts[2])


def render(
    subject: Subject, contrast: str = "T1w", *, field: float = 3.0, override: dict[str, float] | None = None
) -> Tensor:
    """The picture (X, Y, Z), float32 in [0, 1], that a scanner makes of a subject.

    Signal equation → tissue contrast and texture → coil shading → Rician noise → the kit's brightness scale
    (``intensity``), outside the brain 0. Shading and noise belong to the seed, and the scale is that of the head
    without its lesion: two pictures of one seed differ only where their tissues do. ``override`` sets the signal of a
    tissue relative to grey matter (1.0 is iso-intense with cortex).
    """
    with one_thread(), torch.no_grad():
        scale = _scale(subject.healthy or subject, contrast, field)
        seen = _scan(subject, contrast, field, override or {})
        return torch.from_numpy(intensity.rescale(seen.numpy(), subject.brain.numpy(), scale))


@lru_cache(maxsize=8)
def _scale(subject: Subject, contrast: str, field: float) -> intensity.Range:
    return intensity.intensity_range(_scan(subject, contrast, field, {}).numpy(), subject.brain.numpy())


def _scan(subject: Subject, contrast: str, field: float, override: dict[str, float]) -> Tensor:
    """Magnitude (X, Y, Z) with shading and noise, the brighter of grey and white matter being about 1."""
    f = subject.factors
    value = {name: mr.signal(name, contrast, field) for name in {*subject.names, "gm", "wm"}}
    full = max(value["gm"], value["wm"])
    value["wm"] = max(value["gm"] + f.tissue_contrast * (value["wm"] - value["gm"]), 0.0)
    value |= {name: times * value["gm"] for name, times in override.items()}
    levels = torch.tensor([value[name] / full for name in subject.names])
    gain, real, imaginary = _scanner(subject.seed, f.bias, tuple(subject.brain.shape), float(subject.affine[0, 0]))
    clean = torch.einsum("k,kxyz->xyz", levels, subject.tissues) * gain
    return torch.hypot(clean + f.noise * real, f.noise * imaginary)


@lru_cache(maxsize=4)
def _scanner(seed: int, bias: float, grid: tuple[int, int, int], spacing_mm: float) -> tuple[Tensor, Tensor, Tensor]:
    """Gain and the two channels of unit noise, each (X, Y, Z): everything that belongs to the scan, not to the head."""
    shading = smooth_noise(grid, 60 / spacing_mm, generator(seed, "bias"))[0]
    shading = shading / shading.abs().max()
    texture = smooth_noise(grid, 5 / spacing_mm, generator(seed, "texture"))[0]
    grain = smooth_noise(grid, max(2 / spacing_mm, 1.0), generator(seed, "grain"))[0]
    rng = generator(seed, "noise")
    real, imaginary = torch.randn(2, *grid, generator=rng)
    return (1 + bias * shading) * (1 + 0.02 * texture + 0.02 * grain), real, imaginary
