"""A lesion put into a finished real image, where the tissue maps that a phantom has are not known."""

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from brainlab import geometry
from brainlab.errors import InputError
from brainlab.fields import generator, smooth_noise
from brainlab.growth import ovoid_mm

TEXTURE_MM = 4.0
"""Detail finer than this is texture and noise, and survives in the lesion; what is coarser, the lesion replaces."""

TEXTURE = 0.08
"""Detail up to about this strength is texture and noise and passes as it is; the folds of the cortex are stronger."""


AROUND_MM = 8.0
"""What a lesion that is "so much brighter than the tissue around" is compared with: a Gaussian mean this wide."""


class Inserted(NamedTuple):
    """A picture with a lesion, and where it is."""

    image: Tensor  # like the picture given, float32 in [0, 1]
    mask: Tensor  # bool, of the picture's shape: where the lesion makes up half or more


def insert(
    image: Tensor,
    brain: Tensor,
    kind: str = "tumour",
    seed: int = 0,
    contrast: str | float = "hyper",
    *,
    spacing_mm: float | None = None,
) -> Inserted:
    """Put a lesion into a real image (1, H, W) or volume (X, Y, Z) in [0, 1]; ``brain`` is a bool mask of its shape.

    ``kind``: "tumour", one irregular mass of 7 to 16 mm radius; "ms", three to eight ovals 4 to 8 mm long that point at
    the middle of the brain; "infarct", a wedge with its base on the brain's surface. ``contrast`` is "hypo" (darker
    than grey matter), "iso" (the brain's median, on T1w close to grey matter) or "hyper" (brighter than nine tenths of
    the brain); or a number from -1 to 1, how much brighter the lesion is than the tissue it replaces: 0.3 turns grey
    matter as bright as white, so brightness alone does not tell it from a healthy brain.
    ``spacing_mm`` is the width of a pixel: the field of view's for a slice, to be given for a volume.

    Inside a soft-edged shape the local mean is replaced; what is finer than 4 mm and weak stays, so no missing texture
    betrays the lesion. Stronger detail, and that near black or white, is compressed by a tanh, so nothing needs to be
    clipped. Outside the shape the image is unchanged to the bit. Raises InputError for an unknown kind or contrast, or
    a brain too small.
    """
    grid, inside, step = _as_grid(image, brain, spacing_mm)
    if kind not in _SHAPES:
        raise InputError(f"kind must be one of {', '.join(_SHAPES)}, got {kind!r}.")
    _check_contrast(contrast)
    if inside.sum() * step**grid.ndim < 1000:
        raise InputError("The brain in this image is too small to hold a lesion; take a slice nearer the middle.")
    rng = generator(seed, f"insert {kind}")
    depth = np.asarray(ndimage.distance_transform_edt(inside)) * step  # mm from the brain's surface
    where = np.stack(np.meshgrid(*(np.arange(n) * step for n in grid.shape), indexing="ij"))  # (2 or 3, ...) mm
    mean = _local_mean(grid, inside, TEXTURE_MM / step)
    low, high = np.percentile(mean[inside], (25, 97))  # lesions start in tissue, not in the fluid of a ventricle
    outside_by = _SHAPES[kind](where, depth, (mean > low) & (mean < high) & inside, rng)  # mm, below 0 in the lesion
    share = np.clip(0.5 - outside_by / (2 * _edge_mm(where)), 0, 1) * inside
    if not (share >= 0.5).any():  # a shape thinner than a pixel: let its innermost pixel be lesion
        share[np.unravel_index(np.where(inside, outside_by, np.inf).argmin(), share.shape)] = 1.0
    return _painted(image, grid, inside, share, contrast, step)


def paint(
    image: Tensor, brain: Tensor, shape: Tensor, contrast: str | float = "hyper", *, spacing_mm: float | None = None
) -> Inserted:
    """``insert`` with a ``shape`` of one's own, bool like the picture, such as what a reader outlined in a patient.

    Only what lies inside ``brain`` is painted: the mask may be empty. The rest is as in ``insert``.
    """
    grid, inside, step = _as_grid(image, brain, spacing_mm)
    _check_contrast(contrast)
    if shape.dtype != torch.bool or shape.shape != image.shape:
        raise InputError(f"paint takes a boolean shape {tuple(image.shape)}, got {shape.dtype} {tuple(shape.shape)}.")
    hard = shape.reshape(grid.shape).numpy() & inside
    soft = ndimage.gaussian_filter(hard.astype(np.float32), 0.5)  # an edge half a pixel soft, as a scanner would see
    share = np.where(hard, np.maximum(soft, 0.5), np.minimum(soft, 0.49)) * inside
    return _painted(image, grid, inside, share, contrast, step)


def _painted(
    image: Tensor, grid: np.ndarray, inside: np.ndarray, share: np.ndarray, contrast: str | float, step: float
) -> Inserted:
    """The picture with its local mean replaced by the lesion's in each pixel's ``share``, 0 to 1."""
    mean = _local_mean(grid, inside, TEXTURE_MM / step)
    target = _level(grid, inside, contrast, AROUND_MM / step)
    room = np.minimum(np.minimum(target, 1 - target), TEXTURE)
    lesion = target + room * np.tanh((grid - mean) / room)
    part, level = (torch.from_numpy(one.astype(np.float32)).reshape(image.shape) for one in (share, lesion))
    return Inserted(torch.where(part > 0, torch.lerp(image, level, part), image), part >= 0.5)


def _check_contrast(contrast: str | float) -> None:
    if not (contrast in ("hypo", "iso", "hyper") if isinstance(contrast, str) else 0 < abs(contrast) <= 1):
        raise InputError(f"contrast must be hypo, iso, hyper, or a number from -1 to 1 but 0, got {contrast!r}.")


def _as_grid(image: Tensor, brain: Tensor, spacing_mm: float | None) -> tuple[np.ndarray, np.ndarray, float]:
    if image.ndim != 3 or image.shape != brain.shape:
        shapes = f"{tuple(image.shape)} and {tuple(brain.shape)}"
        raise InputError(f"insert takes an image (1, H, W) or (X, Y, Z) and a brain of its shape, got {shapes}.")
    if image.min() < 0 or image.max() > 1:
        raise InputError("insert takes an image in [0, 1]; scale it with volumes.normalise first.")
    if len(image) == 1:
        return image[0].numpy(), brain[0].numpy(), spacing_mm or geometry.pixel_mm(image.shape[-1])
    if spacing_mm is None:
        raise InputError("Give insert the volume's voxel width, such as spacing_mm=1.0.")
    return image.numpy(), brain.numpy(), spacing_mm


def _level(grid: np.ndarray, inside: np.ndarray, contrast: str | float, around: float) -> np.ndarray:
    """The lesion's local mean: one level from the intensities inside the brain, or relative to the tissue around."""
    if isinstance(contrast, str):
        middle, bright = np.percentile(grid[inside], (50, 90))
        level = {"hypo": 0.4 * middle, "iso": middle, "hyper": bright + 0.75 * (1 - bright)}[contrast]
    else:
        level = _local_mean(grid, inside, around) + contrast
    return np.clip(level, 0.05, 0.95)


def _local_mean(image: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean over the brain alone, so that the black around it does not count."""
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma)
    return ndimage.gaussian_filter(image * inside, sigma) / np.maximum(weight, 1e-3)


def _tumour(where: np.ndarray, depth: np.ndarray, tissue: np.ndarray, rng: torch.Generator) -> np.ndarray:
    radius = _uniform(rng, 7, 16)
    rho = np.linalg.norm(where - _place(where, tissue & (depth >= min(radius, 0.7 * depth.max())), rng), axis=0)
    return _in_one_piece(where, rho - radius * np.exp(0.22 * _noise(where, 0.8 * radius, rng)))


def _ms(where: np.ndarray, depth: np.ndarray, tissue: np.ndarray, rng: torch.Generator) -> np.ndarray:
    middle = _middle(where, depth)
    off_centre = np.linalg.norm(where - middle, axis=0)
    allowed = tissue & (depth > 10) & (off_centre > 12) & (off_centre < 45)
    plaques = []
    for _ in range(int(_uniform(rng, 3, 9))):
        centre = _place(where, allowed, rng)
        long, short = _uniform(rng, 4, 8), _uniform(rng, 3, 4.5)
        along, across = _cylinder(where - centre, centre - middle)
        plaques.append(ovoid_mm(along, across, long, short))
    return np.minimum.reduce(plaques)


def _infarct(where: np.ndarray, depth: np.ndarray, tissue: np.ndarray, rng: torch.Generator) -> np.ndarray:
    middle = _middle(where, depth)
    apex = _place(where, tissue & (depth > min(18, 0.5 * depth.max())) & (depth < 36), rng)
    sideways = torch.randn(len(where), generator=rng).numpy().reshape(middle.shape)
    axis = (apex - middle) / np.linalg.norm(apex - middle) + 0.2 * sideways  # outwards, roughly
    along, across = _cylinder(where - apex, axis)
    half_angle = np.radians(_uniform(rng, 18, 35)) * np.exp(0.2 * _noise(where, 12, rng))
    return _in_one_piece(where, across * np.cos(half_angle) - (along + 4) * np.sin(half_angle))


def _middle(where: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The brain's centre of mass, as a column of mm."""
    return where[:, depth > 0].mean(axis=1).reshape(-1, *[1] * depth.ndim)


def _cylinder(offset: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance along an axis, and from it, of offsets (2 or 3, ...)."""
    along = (axis * offset).sum(axis=0) / max(np.linalg.norm(axis), 1e-6)
    return along, np.sqrt(np.maximum((offset**2).sum(axis=0) - along**2, 0))


def _in_one_piece(where: np.ndarray, outside_by: np.ndarray) -> np.ndarray:
    """The same, with only the largest piece and its soft edge left: noise can tear drops off a shape."""
    pieces = np.asarray(ndimage.label(outside_by < _edge_mm(where))[0])  # pyright: ignore[reportIndexIssue] - scipy's hint
    largest = np.bincount(pieces[outside_by < 0], minlength=2).argmax()
    return np.where(pieces == largest, outside_by, np.inf)


def _step_mm(where: np.ndarray) -> float:
    return float(where[0].flat[-1]) / (where.shape[1] - 1)


def _edge_mm(where: np.ndarray) -> float:
    """Half the width of the soft edge: a pixel, or 1.5 mm where pixels are finer."""
    return max(_step_mm(where), 1.5)


_SHAPES = {"tumour": _tumour, "ms": _ms, "infarct": _infarct}


def _uniform(rng: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=rng))


def _noise(where: np.ndarray, smooth_mm: float, rng: torch.Generator) -> np.ndarray:
    """Noise of variance 1 on the grid, smooth over ``smooth_mm``."""
    shape = where.shape[1:]
    return smooth_noise((*shape, 1)[:3], max(smooth_mm / _step_mm(where), 1.0), rng)[0].numpy().reshape(shape)


def _place(where: np.ndarray, allowed: np.ndarray, rng: torch.Generator) -> np.ndarray:
    """A random point of ``allowed``, as a column (2 or 3, 1, ...) of mm."""
    found = where[:, allowed]  # (2 or 3, points)
    if not found.size:
        raise InputError("This image has no place for such a lesion; take a slice nearer the middle of the brain.")
    chosen = int(torch.randint(found.shape[1], (), generator=rng))
    return found[:, chosen].reshape(-1, *[1] * allowed.ndim)
