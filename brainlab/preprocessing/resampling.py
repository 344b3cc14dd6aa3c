"""Voxels of one size in every direction, so that a millimetre is a millimetre in every scan and along every axis."""

from dataclasses import replace

import numpy as np
from nibabel.nifti1 import Nifti1Image
from nibabel.processing import resample_to_output
from scipy import ndimage

from brainlab import volumes
from brainlab.errors import InputError
from brainlab.volumes import Volume

FINEST_MM, COARSEST_MM = 0.3, 8.0
SAME_MM = 1e-3


def is_isotropic(volume: Volume, mm: float) -> bool:
    """Whether the voxels are cubes of ``mm`` that lie along the world's axes."""
    return bool(np.abs(volume.affine[:3, :3] - mm * np.eye(3)).max() < SAME_MM)


def resample(volume: Volume, mm: float = 1.0) -> Volume:
    """The scan in cubes of ``mm`` along the world's axes; a point's world coordinates stay what they are.

    Trilinear (nibabel): splines would ring at a stripped brain's edge and leave the air not blank. To coarser voxels it
    is blurred first, or detail finer than the new voxels would turn into false texture; the Gaussian's width is that
    of Cardoso et al., "Scale factor point spread function matching", MICCAI 2015. In a stripped scan blank air does
    not bleed into the brain: only brain is averaged, and a voxel is brain where at least half of it is (0 elsewhere).
    Resampling adds no detail: thick slices stay blurred, they only get more voxels. Raises InputError for ``mm``
    outside 0.3 to 8.
    """
    _check(mm)
    if is_isotropic(volume, mm):
        return replace(volume)
    brain = stripped(volume)
    if brain is None:
        data, affine = _onto(volume.data, volume.affine, mm)
        return replace(volume, data=data, affine=affine)
    share, affine = _onto(brain.astype(np.float32), volume.affine, mm)
    data, _ = _onto(np.where(brain, volume.data, np.float32(0)), volume.affine, mm)
    inside = share >= 0.5
    data[inside] /= share[inside]
    data[~inside] = 0
    return replace(volume, data=data, affine=affine)


def resample_mask(mask: Volume, mm: float = 1.0) -> Volume:
    """A mask (``read(..., mask=True)``) in cubes of ``mm``: 1 where at least half of a voxel was marked, else 0.

    Never a value between, which would be no mask. What is smaller than half a new voxel is lost: lesions of a few
    voxels do not survive coarse grids, so count them before and after.
    """
    _check(mm)
    if is_isotropic(mask, mm):
        return replace(mask)
    share, affine = _onto((mask.data > 0.5).astype(np.float32), mask.affine, mm)
    return replace(mask, data=(share >= 0.5).astype(np.float32), affine=affine)


def stripped(volume: Volume) -> np.ndarray | None:
    """The brain (X, Y, Z) bool of a scan without its skull; None where the skull is still there."""
    try:
        return volumes.brain_mask(volume)
    except InputError:
        return None


def brain_ml(brain: np.ndarray, affine: np.ndarray) -> float:
    """What a mask (X, Y, Z) holds, in millilitres."""
    return float(brain.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000)


def _check(mm: float) -> None:
    if not isinstance(mm, (int, float)) or not FINEST_MM <= mm <= COARSEST_MM:
        raise InputError(f"mm must be a voxel width from {FINEST_MM} to {COARSEST_MM:g} mm, got {mm!r}.")


def _onto(data: np.ndarray, affine: np.ndarray, mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Float32 data blurred as far as ``mm`` asks for, in cubes of ``mm``; with their affine."""
    voxel = np.linalg.norm(affine[:3, :3], axis=0)
    coarser = np.maximum(mm / voxel, 1.0)
    sigma = np.sqrt((coarser**2 - 1) / (8 * np.log(2)))  # in voxels: the two point spreads' difference
    blurred = ndimage.gaussian_filter(data, sigma, mode="nearest", truncate=3) if sigma.max() > 0.05 else data
    image = resample_to_output(Nifti1Image(blurred, affine), (mm, mm, mm), order=1)  # 0 beyond the file's grid
    return np.asarray(image.dataobj, dtype=np.float32), np.asarray(image.affine)
