"""Any plane of any volume as an image in the kit's geometry, and images back into a volume.

A pixel shows the mean of the tissue under it, not the one voxel that happens to lie at its centre: where a pixel is
larger than a voxel, as in 64 px slices of a 1 mm scan (3.25 mm a pixel), it is sampled at several points (trilinear, at
most a voxel apart) which are averaged. Point sampling would alias: fine structure and noise would turn into false
texture. Across the slice nothing is averaged: an image shows the plane at its position, interpolated between the
volume's two nearest slices. Outside the volume is 0.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from brainlab import geometry
from brainlab.errors import InputError
from brainlab.geometry import PLANES, Plane


def plane(
    data: np.ndarray,
    affine: np.ndarray,
    plane: Plane = "axial",
    position_mm: float | None = None,
    size: int = 64,
    centre_mm=None,
) -> np.ndarray:
    """One plane of ``data`` (X, Y, Z), as (size, size) in geometry's orientation.

    ``affine`` (4, 4) leads from voxels to world mm; voxels may have any size and lie obliquely. ``position_mm`` is the
    plane's world coordinate along the axis that runs through it. ``centre_mm`` (3,) is the world point in the middle
    of the field of view: by default the volume's own middle, for models the middle of the brain's box
    (``geometry.bounding_box_centre``). Returns float32; for a boolean volume bool, true where at least half of a
    pixel's area is. Raises InputError for an unknown plane, an impossible size, or data that is not a volume.
    """
    if plane not in PLANES:
        raise InputError(f"plane must be one of {', '.join(PLANES)}, got {plane!r}.")
    if not isinstance(size, (int, np.integer)) or not 8 <= size <= 1024:
        raise InputError(f"size must be a whole number of pixels from 8 to 1024, got {size!r}.")
    data, affine = np.asarray(data), np.asarray(affine, dtype=float)
    if data.ndim != 3:
        raise InputError(f"A plane is cut from a volume of 3 dimensions (X, Y, Z), got an array of shape {data.shape}.")
    centre = affine[:3, :3] @ ((np.array(data.shape) - 1) / 2) + affine[:3, 3] if centre_mm is None else centre_mm
    centre = np.array(centre, dtype=float)
    if position_mm is not None:
        centre[PLANES[plane].through] = position_mm
    cut = _straight_cut if _is_straight(affine, data.shape) else _oblique_cut
    image = cut(data, affine, plane, size, centre)
    return image >= 0.5 if data.dtype == bool else image


def axial(volume: Tensor, affine: np.ndarray, positions_mm: Iterable[float], size: int, centre_mm) -> Tensor:
    """Axial slices (N, 1, size, size) float32 of a volume (X, Y, Z), one at each of ``positions_mm``; see ``plane``.

    A boolean volume gives the share of each pixel that is true: at least 0.5 is what ``plane`` would call true.
    """
    data = volume.float().numpy()
    return torch.from_numpy(np.stack([plane(data, affine, "axial", z, size, centre_mm) for z in positions_mm]))[:, None]


def _is_straight(affine: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether the grid runs along the world's axes, to within 0.01 mm over the whole volume."""
    slant = affine[:3, :3] - np.diag(np.diag(affine[:3, :3]))
    return bool((np.abs(slant) @ np.array(shape) < 0.01).all())


def _straight_cut(data: np.ndarray, affine: np.ndarray, plane: Plane, size: int, centre: np.ndarray) -> np.ndarray:
    """Along the world's axes trilinear sampling comes apart into one small matrix an axis: rows @ slab @ columns.T."""
    axes = PLANES[plane]
    slab = _between(
        data, axes.through, (centre[axes.through] - affine[axes.through, 3]) / affine[axes.through, axes.through]
    )
    rows, columns = (
        _weights(data.shape[a], affine[a, a], affine[a, 3], size, centre[a]) for a in (axes.rows, axes.columns)
    )
    # torch multiplies here because numpy's own threads spin: with a browser beside them a plane took 16 ms, not 1.
    rows, slab, columns = (torch.from_numpy(one) for one in (rows, slab, columns))
    return (rows @ slab.T @ columns.T).numpy()  # the slab is (columns, rows): everywhere the row axis is the higher one


def _between(data: np.ndarray, axis: int, index: float) -> np.ndarray:
    """The slice at a fractional ``index`` along ``axis``, fading to 0 over one voxel beyond the volume."""
    below = math.floor(index)
    mix = np.zeros([n for a, n in enumerate(data.shape) if a != axis], dtype=np.float32)
    for k, weight in ((below, below + 1 - index), (below + 1, index - below)):
        if 0 <= k < data.shape[axis] and weight > 0:
            mix += np.float32(weight) * data.take(k, axis=axis)
    return mix


def _weights(voxels: int, step: float, origin: float, size: int, centre: float) -> np.ndarray:
    """Matrix (size, voxels): how much of each voxel a pixel shows along one axis; rows sum to 1 inside the volume."""
    pixel = geometry.pixel_mm(size)
    points = max(1, math.ceil(pixel / abs(step)))
    world = centre + ((size - 1) / 2 - _offsets(size, points)) * pixel  # falls along the image, see geometry
    distance = np.abs((world - origin)[:, None] / step - np.arange(voxels))
    return np.clip(1 - distance, 0, 1).reshape(size, points, voxels).mean(1).astype(np.float32)


def _offsets(size: int, points: int) -> np.ndarray:
    """Where ``points`` samples a pixel lie along ``size`` pixels, in pixels; integers are pixel centres."""
    return (np.arange(size * points) + 0.5) / points - 0.5


def _oblique_cut(data: np.ndarray, affine: np.ndarray, plane: Plane, size: int, centre: np.ndarray) -> np.ndarray:
    """The same samples for a grid that lies at an angle, looked up point by point."""
    voxel = np.linalg.norm(affine[:3, :3], axis=0).min()
    points = max(1, math.ceil(geometry.pixel_mm(size) / voxel))
    to_voxel = np.linalg.inv(affine) @ geometry.slice_affine(size, centre, plane)
    along = _offsets(size, points)
    row, column = to_voxel[:3, 0, None, None] * along[:, None], to_voxel[:3, 1, None, None] * along
    where = row + column + to_voxel[:3, 3, None, None]  # (3, size * points, size * points)
    source = data.astype(np.float32, copy=False)
    samples = ndimage.map_coordinates(source, where, order=1, mode="grid-constant", prefilter=False)
    return samples.reshape(size, points, size, points).mean((1, 3))


def fill(
    maps: np.ndarray, slice_affine: np.ndarray, positions_mm: np.ndarray, shape: tuple[int, ...], affine: np.ndarray
) -> np.ndarray:
    """A volume (X, Y, Z) of ``shape`` and ``affine``, any grid, filled from axial ``maps`` (N, H, W); float32.

    ``slice_affine`` (4, 4) is one map's (row, column) to world mm, ``positions_mm`` (N,) the maps' heights, all
    different, in any order. Between two maps a voxel is interpolated; beyond the first and the last map by more than
    half a voxel, and beside the maps, it is 0. Where voxels are larger than pixels the maps are averaged first.
    """
    order = np.argsort(positions_mm)
    heights, stack = np.asarray(positions_mm, dtype=float)[order], np.asarray(maps, dtype=np.float32)[order]
    box = _box(np.linalg.norm(affine[:3, :3], axis=0).min() / np.linalg.norm(slice_affine[:3, 0]))
    for axis in (1, 2):
        stack = ndimage.correlate1d(stack, box, axis=axis, mode="constant")
    to_pixel = np.linalg.inv(slice_affine) @ affine
    reach = np.abs(affine[2, :3]).sum() / 2  # half of what a voxel spans in height
    j, k = np.meshgrid(np.arange(shape[1]), np.arange(shape[2]), indexing="ij")
    filled = np.zeros(shape, dtype=np.float32)
    for i in range(shape[0]):  # a layer at a time: coordinates of all voxels at once would fill the memory
        row, column, height = (m[0] * i + m[1] * j + m[2] * k + m[3] for m in (*to_pixel[:2], affine[2]))
        covered = (height >= heights[0] - reach) & (height <= heights[-1] + reach)
        level = np.interp(height[covered], heights, np.arange(len(heights)))
        where = np.stack([level, row[covered], column[covered]])
        filled[i][covered] = ndimage.map_coordinates(stack, where, order=1, mode="grid-constant", prefilter=False)
    return filled


def _box(width: float) -> np.ndarray:
    """Weights of the mean over ``width`` pixels, centred on one: [1] up to a pixel, [0.25, 0.5, 0.25] over two."""
    beside = max(0.0, (width - 1) / 2)  # pixels on each side of the middle one
    weights = np.clip(beside + 1 - np.abs(np.arange(-math.ceil(beside), math.ceil(beside) + 1)), 0, 1)
    return weights / weights.sum()
