"""Slices that lie in an ``.npz`` of someone's own, distrusted: nothing is unpickled, and no claim is believed.

Keys: ``images`` (N, H, W) or (N, 1, H, W), floats in [0, 1], or uint8 or uint16 (which become 0 to 1); optional
``masks`` and ``brain`` of the same shape, bool or numbers (above 0.5 is true; without ``brain`` it is the largest piece
that is not black), ``subjects``, ``labels`` and ``visit`` (N,) texts, ``position_mm`` (N,), ``affine`` (N, 4, 4),
``spacing`` (mm a pixel; without it the affine's, or else the longer side fills the field of view) and ``contrast``.
Others are ignored. An image without a brain is refused.
"""

import io
import math
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy

from brainlab import geometry
from brainlab.errors import InputError
from brainlab.imagefile import plainly
from brainlab.slices import About, Slices
from brainlab.sources import classes
from brainlab.sources.pictures import area_resample, foreground

KEYS = ("images", "masks", "brain", "subjects", "labels", "visit", "position_mm", "affine", "spacing", "contrast")
MOST_BYTES = 2**31  # in all arrays together, once unpacked
PART = 2**20  # bytes unpacked at a time, and more than any header has
SCALES = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


def load(path: Path, size: int = 64) -> Slices:
    """The file as ``Slices`` at ``size`` px, averaged by area where its pixels are not of that size already.

    Raises InputError that names the file for whatever is damaged, missing, of another shape, not finite or not in
    [0, 1]; warns where the file does not say whose the slices are.
    """
    with plainly(path):
        arrays = _arrays(path)
        images = _images(arrays, path)
        n, shape = len(images), images.shape
        masks = _marks(arrays, "masks", shape, path)
        brain = _marks(arrays, "brain", shape, path)
        affine = _numbers(arrays, "affine", (n, 4, 4), path)
        step = _number(arrays, "spacing", path) or _step(affine, path) or geometry.FIELD_OF_VIEW_MM / max(shape[1:])
        if affine is not None:
            arrays["affine"] = affine @ _from_new(shape[1:], step, size)
        fitted, sick = np.zeros((3, n, size, size), np.float32), np.zeros(n, dtype=bool)
        for k, image in enumerate(images):
            image = _grey(image)
            inside = foreground(image) if brain is None else brain[k] > 0.5
            if not (image[inside] > 0).any():
                raise InputError(f"{path} shows no brain in images[{k}], only black or specks; leave it out.")
            marked = np.zeros_like(inside) if masks is None else (masks[k] > 0.5) & inside
            sick[k] = marked.any()  # as stored: a lesion too small for the pixels here is one all the same
            fitted[:, k] = [_fitted(one, step, size) for one in (image, marked, inside)]
        return _slices(arrays, fitted, None if masks is None else sick, n, size, path)


def _slices(arrays: dict[str, np.ndarray], fitted: Any, sick: Any, n: int, size: int, path: Path) -> Slices:
    images, masks, brain = fitted
    brain = brain >= 0.5
    masks = (masks >= 0.5) & brain
    guess = ("unknown",) * n if sick is None else tuple(np.where(sick, "lesion", "healthy").tolist())
    labels = tuple(map(classes.label, _texts(arrays, "labels", n, path) or guess))
    subjects = _texts(arrays, "subjects", n, path)
    if subjects is None:
        warnings.warn(
            f"{path} has no subjects, so every slice counts as a person: a split would put slices of one person on "
            f"both sides. Save an array subjects with one name a slice.",
            stacklevel=3,
        )
        subjects = tuple(f"slice-{k:05d}" for k in range(n))
    height = _numbers(arrays, "position_mm", (n,), path)
    height = np.zeros(n) if height is None else height
    affine = arrays.get("affine")
    if affine is None:
        affine = np.stack([geometry.slice_affine(size, (0, 0, z)) for z in height])
    contrast = _texts(arrays, "contrast", 1, path)
    return Slices(
        images=torch.from_numpy(np.clip(images, 0, 1) * brain).float()[:, None],
        masks=torch.from_numpy(masks)[:, None],
        brain=torch.from_numpy(brain)[:, None],
        subjects=subjects,
        labels=labels,
        position_mm=height,
        visit=_texts(arrays, "visit", n, path) or labels,
        affine=affine,
        contrast=contrast[0] if contrast else None,
        spacing=geometry.pixel_mm(size),
        about=About(path.name, "not known; ask where the file came from", "", synthetic=False),
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The known arrays of the file, none larger than its bytes, all together no more than ``MOST_BYTES``."""
    try:
        with zipfile.ZipFile(path) as file:
            there = {one.filename.removesuffix(".npy"): one for one in file.infolist()}
            claimed = sum(there[key].file_size for key in KEYS if key in there)
            if claimed > MOST_BYTES:
                raise InputError(
                    f"{path} claims {claimed:,} bytes, more than the {MOST_BYTES:,} that brainlab opens; save fewer "
                    f"slices in a file, or as uint8."
                )
            return {key: _array(file, there[key], path) for key in KEYS if key in there}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise InputError(f"{path} is not a sound .npz file; save it anew with numpy.savez_compressed.") from None


def _array(file: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> np.ndarray:
    key = member.filename.removesuffix(".npy")
    raw = bytearray()
    with file.open(member) as stream:
        while part := stream.read(PART):  # in one go zipfile would hold it three times
            raw += part
    block = io.BytesIO(raw[:PART])
    version = npy.read_magic(block)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read_header is None:
        raise InputError(f"{path} has {key} in a version of .npy that is not read; save it anew with numpy.")
    shape, is_fortran, dtype = read_header(block)
    if dtype.hasobject:
        raise InputError(f"{path} holds Python objects as {key}, which are not opened; save them as text or numbers.")
    if math.prod(shape) * max(1, dtype.itemsize) > len(raw):
        raise InputError(f"{path} claims more of {key} than it holds; it is damaged or cut short, get it again.")
    if not dtype.itemsize or 0 in shape:
        return np.empty(shape, dtype)
    flat = np.frombuffer(raw, dtype, math.prod(shape), block.tell())  # no second copy in memory
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _images(arrays: dict[str, np.ndarray], path: Path) -> np.ndarray:
    """(N, H, W) as stored, looked at slice by slice; ``_grey`` gives float32 in [0, 1]."""
    if "images" not in arrays:
        raise InputError(f"{path} has no array called images; save it with numpy.savez(path, images=...).")
    found = arrays["images"]
    flat = found[:, 0] if found.ndim == 4 and found.shape[1] == 1 else found
    if flat.ndim != 3 or min(flat.shape) < 1 or min(flat.shape[1:]) < 8 or max(flat.shape[1:]) > 4096:
        raise InputError(f"{path} has images of shape {found.shape}; they must be (N, H, W) or (N, 1, H, W).")
    if flat.dtype in SCALES:
        return flat
    if flat.dtype.kind != "f" or not all(np.isfinite(one).all() for one in flat):
        raise InputError(f"{path} has images of {flat.dtype} or with NaN; save finite floats in [0, 1], or uint8.")
    if flat.min() < 0 or flat.max() > 1:
        raise InputError(
            f"{path} has images from {flat.min():g} to {flat.max():g}; scale them to [0, 1] (brainlab.intensity)."
        )
    return flat


def _grey(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / np.float32(SCALES.get(image.dtype, 1))


def _marks(arrays: dict[str, np.ndarray], key: str, shape: tuple[int, ...], path: Path) -> np.ndarray | None:
    """Masks (N, H, W) as stored, above 0.5 where true, or None."""
    if key not in arrays:
        return None
    found = arrays[key]
    flat = found[:, 0] if found.ndim == 4 and found.shape[1] == 1 else found
    if flat.shape != shape or flat.dtype.kind not in "biuf":
        raise InputError(f"{path} has {key} of shape {found.shape} and {found.dtype}; they must be as the images are.")
    return flat


def _fitted(picture: np.ndarray, step: float, size: int) -> np.ndarray:
    """(size, size) float32 in the kit's field of view."""
    height, width = picture.shape
    if height == width == size and math.isclose(step, geometry.pixel_mm(size), rel_tol=1e-6):
        return picture.astype(np.float32)
    return area_resample(picture, step, ((height - 1) / 2, (width - 1) / 2), size)


def _from_new(shape: tuple[int, ...], step: float, size: int) -> np.ndarray:
    """(4, 4) from a new pixel's (row, column) to the old one's that lies there, see ``_fitted``."""
    wide = geometry.pixel_mm(size) / step  # a new pixel's width, in old ones
    back = np.diag([wide, wide, 1, 1])
    back[:2, 3] = [(n - 1) / 2 - wide * (size - 1) / 2 for n in shape]
    return back


def _step(affine: np.ndarray | None, path: Path) -> float | None:
    """A pixel's width by the affine, in mm; InputError unless all pixels are equal squares."""
    if affine is None:
        return None
    sides = np.linalg.norm(affine[:, :3, :2], axis=1)
    if not 0.01 <= sides.min() <= sides.max() <= 1.01 * sides.min() or sides.max() > 100:
        raise InputError(
            f"{path} has an affine whose pixels are not equal squares; resample the slices, or leave it out."
        )
    return float(sides.mean())


def _texts(arrays: dict[str, np.ndarray], key: str, n: int, path: Path) -> tuple[str, ...] | None:
    if key not in arrays:
        return None
    found = arrays[key].ravel()
    if len(found) != n or found.dtype.kind not in "Uiu":
        raise InputError(f"{path} has {key} of shape {arrays[key].shape} and {found.dtype}; it needs {n} texts.")
    return tuple(str(one) for one in found)


def _numbers(arrays: dict[str, np.ndarray], key: str, shape: tuple[int, ...], path: Path) -> np.ndarray | None:
    if key not in arrays:
        return None
    found = arrays[key]
    if found.shape != shape or found.dtype.kind not in "iuf" or not np.isfinite(found).all():
        raise InputError(f"{path} has {key} of shape {found.shape}; it needs {shape}, finite numbers.")
    return found.astype(float)


def _number(arrays: dict[str, np.ndarray], key: str, path: Path) -> float | None:
    found = _numbers({k: v.reshape(-1) for k, v in arrays.items() if k == key}, key, (1,), path)
    if found is not None and not 0.01 <= found[0] <= 100:
        raise InputError(f"{path} has a {key} of {found[0]:g} mm; a pixel's width must be from 0.01 to 100 mm.")
    return None if found is None else float(found[0])
