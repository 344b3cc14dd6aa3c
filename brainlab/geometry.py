"""One geometry for every picture: which way a brain lies in an image, and how many millimetres it shows.

World coordinates are NIfTI's RAS+ in millimetres: x grows to the patient's right, y to anterior, z to superior.
Images are *radiological*: as if the viewer stood at the patient's feet, so the patient's LEFT is on the image's RIGHT.
Axial slices have anterior at the top; coronal and sagittal slices have superior at the top; in a sagittal slice
anterior is on the image's left. In short: along every image axis, from the first pixel to the last, the world
coordinate falls.
"""

from typing import Literal, NamedTuple

import numpy as np

from brainlab.errors import InputError

FIELD_OF_VIEW_MM = 208.0
"""Width and height of every slice in millimetres, centred on the brain's bounding box, whatever its size in pixels.

208 mm holds every adult brain with a margin, and divides well: 64 px of 3.25 mm, 104 px of 2 mm, 208 px of 1 mm.
"""

Plane = Literal["axial", "coronal", "sagittal"]


class PlaneAxes(NamedTuple):
    """Which world axis (0 = x, 1 = y, 2 = z) runs along an image's rows, its columns, and through it."""

    rows: int  # the axis that changes from one image row to the next
    columns: int
    through: int


PLANES: dict[Plane, PlaneAxes] = {
    "axial": PlaneAxes(rows=1, columns=0, through=2),
    "coronal": PlaneAxes(rows=2, columns=0, through=1),
    "sagittal": PlaneAxes(rows=2, columns=1, through=0),
}

EDGES: dict[Plane, tuple[str, str, str, str]] = {
    "axial": ("A", "P", "R", "L"),
    "coronal": ("S", "I", "R", "L"),
    "sagittal": ("S", "I", "A", "P"),
}
"""Letters to print at an image's top, bottom, left and right edge; R and L are the *patient's* right and left."""


def pixel_mm(size: int) -> float:
    """Width of one pixel in millimetres when the field of view is drawn at ``size`` px."""
    return FIELD_OF_VIEW_MM / size


def slice_affine(size: int, centre_mm, plane: Plane = "axial", thickness_mm: float = 1.0) -> np.ndarray:
    """Affine (4, 4) from (row, column, 0, 1) of a slice to world millimetres (x, y, z, 1); integers are pixel centres.

    ``centre_mm`` (3,) is the world point in the middle of the image: the slice lies in the plane through it.
    """
    axes, step = PLANES[plane], pixel_mm(size)
    affine = np.zeros((4, 4))
    affine[axes.rows, 0] = affine[axes.columns, 1] = -step
    affine[axes.through, 2] = thickness_mm
    affine[:3, 3] = np.asarray(centre_mm, dtype=float)
    affine[[axes.rows, axes.columns], 3] += (size - 1) / 2 * step
    affine[3, 3] = 1.0
    return affine


def bounding_box(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Lowest and highest world mm (2, 3) of the voxel centres in a boolean volume (X, Y, Z) with its affine (4, 4).

    The box lies along the world's axes, so a brain has the same box however obliquely it was scanned.
    """
    if not mask.any():
        raise InputError("The mask is empty, so it has no bounding box; check that it marks the brain.")
    columns = mask.any(axis=2)  # (X, Y): only the first and the last voxel of a column can lie on the box
    ends = mask.argmax(axis=2), mask.shape[2] - 1 - mask[:, :, ::-1].argmax(axis=2)
    xy = np.argwhere(columns)
    voxels = np.concatenate([np.column_stack([xy, end[columns]]) for end in ends])
    world = voxels @ affine[:3, :3].T + affine[:3, 3]
    return np.stack([world.min(axis=0), world.max(axis=0)])


def bounding_box_centre(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """World millimetres (3,) of the middle of the box that holds a boolean volume (X, Y, Z) with its affine (4, 4)."""
    return bounding_box(mask, affine).mean(axis=0)


AXIAL_SPAN = (0.25, 0.85)
"""The part of the brain's height that axial slices are taken from, as fractions from its lowest to its highest point.

Below it lie cerebellum, brainstem and temporal poles, above it mere caps of cortex; between, every slice is cerebrum.
"""


def axial_positions(mask: np.ndarray, affine: np.ndarray, n: int = 16) -> np.ndarray:
    """Heights (n,) in world mm, rising, of ``n`` evenly spaced axial slices over ``AXIAL_SPAN`` of a brain mask."""
    low, high = bounding_box(mask, affine)[:, 2]
    return low + (high - low) * np.linspace(*AXIAL_SPAN, n)
