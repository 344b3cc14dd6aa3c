"""Single pictures of brains, with what is known of each, as slices in the kit's geometry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage

from brainlab import geometry
from brainlab.errors import InputError
from brainlab.intensity import normalise
from brainlab.slices import About, Slices


@dataclass(frozen=True)
class Layout:
    """What the files of one collection do not say of themselves."""

    about: About
    spacing_mm: float | None = None  # width of a pixel; None: the longer side fills the field of view
    anterior_at_bottom: bool = False
    contrast: str | None = None
    origin_px: tuple[float, float] | None = None  # row and column of world (x, y) = (0, 0), in the upright picture
    first_level_mm: float = 0.0  # world height of level 0
    level_mm: float = 1.0  # from one level to the next


class Picture(NamedTuple):
    """One slice as it lies in a file, upright."""

    name: str  # its file, for sentences about it
    grey: np.ndarray  # (H, W), in whatever unit the file has
    subject: str
    label: str | None = None  # "healthy", or what is wrong; None: not known
    mask: np.ndarray | None = None  # (H, W), 0 and 1; None: no mask
    level: float = 0.0  # the slice's place in its stack


def as_slices(pictures: Sequence[Picture], layout: Layout, size: int = 64) -> Slices:
    """Pictures as ``Slices``: (N, 1, size, size), in their order.

    Each is averaged by area into the 208 mm field of view, centred on the subject's foreground, and scaled on its own:
    percentiles 1 and 99 inside the brain become 0 and ``intensity.BRIGHT``. ``brain`` is the largest piece that is not
    black, with its holes filled: the brain where the skull was removed, else the head. Where there are masks and no
    labels, slices are labelled "lesion" or "healthy" by their mask; without either, "unknown". Raises InputError naming
    the picture that shows no brain.
    """
    brains = [foreground(one.grey) for one in pictures]
    for one, inside in zip(pictures, brains, strict=True):
        _check_brain(inside, one.name)
    subjects = [one.subject for one in pictures]
    centres = _centres(brains, subjects)
    mm = [layout.spacing_mm or geometry.FIELD_OF_VIEW_MM / max(one.grey.shape) for one in pictures]
    images, brain, lesion = [], [], []
    for one, inside, centre, step in zip(pictures, brains, centres, mm, strict=True):
        mask = np.zeros(one.grey.shape, dtype=np.float32) if one.mask is None else one.mask
        small, region, truth = (area_resample(a, step, centre, size) for a in (one.grey, inside, mask))
        brain.append(region >= 0.5)
        images.append(_scaled(small, brain[-1], one.name))
        lesion.append(truth >= 0.5)
    height = np.array([layout.first_level_mm + layout.level_mm * one.level for one in pictures])
    labels = _labels(pictures, lesion)
    return Slices(
        images=torch.from_numpy(np.stack(images))[:, None],
        masks=torch.from_numpy(np.stack(lesion))[:, None],
        brain=torch.from_numpy(np.stack(brain))[:, None],
        subjects=tuple(subjects),
        labels=labels,
        position_mm=height,
        visit=labels,
        affine=np.stack(
            [
                _affine(one.grey.shape, step, centre, z, layout, size)
                for one, step, centre, z in zip(pictures, mm, centres, height, strict=True)
            ]
        ),
        contrast=layout.contrast,
        spacing=geometry.pixel_mm(size),
        about=layout.about,
    )


def _labels(pictures: Sequence[Picture], lesion: list[np.ndarray]) -> tuple[str, ...]:
    """Each picture's label; by the mask, as ``volumes.slices`` does it, where there are masks and no labels."""
    if not any(one.label for one in pictures) and any(one.mask is not None for one in pictures):
        return tuple("lesion" if mask.any() else "healthy" for mask in lesion)
    return tuple(one.label or "unknown" for one in pictures)


def foreground(picture: np.ndarray) -> np.ndarray:
    """The largest connected piece of a grey picture (H, W) that is not black, holes filled, bool.

    "Black" is under 5 % of the bright end (percentile 99) of what is above 0: low enough for fluid, above JPEG's
    ringing.
    """
    lit = picture > 0
    if not lit.any():
        return lit
    bright = ndimage.binary_opening(picture > 0.05 * np.percentile(picture[lit], 99))
    if not bright.any():
        return bright
    pieces = np.asarray(ndimage.label(bright)[0])  # pyright: ignore[reportIndexIssue] - scipy's own hint is too wide
    largest = np.bincount(pieces.ravel())[1:].argmax() + 1
    return np.asarray(ndimage.binary_fill_holes(pieces == largest))


def area_resample(picture: np.ndarray, step_mm: float, centre: tuple[float, float], size: int) -> np.ndarray:
    """A picture (H, W) of pixels ``step_mm`` wide in the field of view at (size, size): means over each pixel's area.

    ``centre`` is the (row, column) that comes to lie in the middle; beyond the picture is 0. Returns float32.
    """
    rows, columns = (_overlap(n, step_mm, c, size) for n, c in zip(picture.shape, centre, strict=True))
    return (rows @ picture.astype(np.float32) @ columns.T).astype(np.float32)


def _overlap(n: int, step_mm: float, centre: float, size: int) -> np.ndarray:
    """Matrix (size, n): the share of each new pixel that each old one covers, along one axis."""
    wide = geometry.pixel_mm(size) / step_mm  # a new pixel's width, in old ones
    edges = centre + (np.arange(size + 1) - size / 2) * wide  # old pixel k reaches from k - 0.5 to k + 0.5
    old = np.arange(n)
    shared = np.minimum(edges[1:, None], old + 0.5) - np.maximum(edges[:-1, None], old - 0.5)
    return np.clip(shared, 0, None) / wide


def _check_brain(brain: np.ndarray, name: str) -> None:
    if not brain.any():
        raise InputError(
            f"{name} shows no brain, only specks on black; leave it out, by removing its row where there is a table."
        )


def _scaled(image: np.ndarray, brain: np.ndarray, name: str) -> np.ndarray:
    """A picture on the kit's scale of brightness; what is wrong with it is said with its name."""
    _check_brain(brain, name)
    try:
        return normalise(image, brain)
    except InputError as error:
        raise InputError(f"{name} cannot be used: {error}") from None


def _centres(brains: list[np.ndarray], subjects: list[str]) -> list[tuple[float, float]]:
    """Middle (row, column) of the box that holds all of a subject's slices, so that they stay aligned with each
    other."""
    boxes: dict[tuple, np.ndarray] = {}
    for name, brain in zip(subjects, brains, strict=True):
        lines = [np.flatnonzero(brain.any(axis=other))[[0, -1]] for other in (1, 0)]
        key, box = (name, brain.shape), np.array(lines)
        old = boxes.setdefault(key, box)
        boxes[key] = np.stack([np.minimum(old[:, 0], box[:, 0]), np.maximum(old[:, 1], box[:, 1])], axis=1)
    middles = {key: (float(box[0].mean()), float(box[1].mean())) for key, box in boxes.items()}
    return [middles[name, brain.shape] for name, brain in zip(subjects, brains, strict=True)]


def _affine(shape: tuple[int, ...], step_mm: float, centre, height: float, layout: Layout, size: int) -> np.ndarray:
    origin = layout.origin_px or [(n - 1) / 2 for n in shape]
    y, x = ((o - c) * step_mm for o, c in zip(origin, centre, strict=True))
    return geometry.slice_affine(size, (x, y, height), "axial")
