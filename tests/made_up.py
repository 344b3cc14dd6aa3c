"""A brain made up of formulas, seen through grids of every orientation: the truth is known in mm."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

MARKER = np.array([-35.0, 20.0, 15.0])  # in the patient's left, front and upper half
CENTRE = np.array([4.0, -12.0, 6.0])  # of the brain
HALF = np.array([65.0, 85.0, 60.0])  # its half axes


def turned(degrees_x: float, degrees_z: float, mm: float) -> np.ndarray:
    x, z = np.radians([degrees_x, degrees_z])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return about_x @ about_z * mm


# From voxels to mm, by the directions that the file's axes run in.
GRIDS = {
    "RAS": np.diag([3.0, 3.0, 3.0]),
    "LAS": np.diag([-3.0, 3.0, 3.0]),
    "LPI": np.diag([-3.0, -3.0, -3.0]),
    "SAR, permuted": np.array([[0, 0, 3.0], [0, 3.0, 0], [3.0, 0, 0]]),
    "PIR, uneven voxels": np.array([[0, 0, 4.0], [-2.0, 0, 0], [0, -3.0, 0]]),
    "oblique": turned(20, 12, 3.0),
    "oblique and flipped": turned(-25, -10, 3.0) @ np.diag([-1, -1, 1]),
}


def made_up(axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A brain of 130 x 170 x 120 mm with texture and one bright marker, seen through a grid; (data, affine)."""
    shape = np.ceil(np.abs(np.linalg.inv(axes)) @ [170, 200, 160]).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, CENTRE - axes @ ((shape - 1) / 2)
    x, y, z = np.moveaxis(
        np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) @ axes.T + affine[:3, 3], -1, 0
    )
    inside = (((np.stack([x, y, z], -1) - CENTRE) / HALF) ** 2).sum(-1) < 1
    texture = 100 + 20 * np.sin(x / 9) * np.cos(y / 11) + 10 * np.sin(z / 7)
    marker = (x - MARKER[0]) ** 2 + (y - MARKER[1]) ** 2 + (z - MARKER[2]) ** 2 < 9**2
    return np.where(inside, np.where(marker, 300, texture), 0).astype(np.float32), affine


def saved(path: Path, data: np.ndarray, affine: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def load(path: Path) -> Any:
    """nibabel's image, read independently of brainlab."""
    return nib.load(path)


def centre_of(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """World mm (3,) of a mask's middle."""
    return affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3]
