"""Single pictures of brains, with what is known of each, as slices in the kit's geometry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import ndimage

from brainlab import geometry
from brainlab.errors import InputError
from brainlab.geometry import Plane
from brainlab.intensity import normalise
from brainlab.slices import About, Slices


@dataclass(frozen=True)
class Layout:
    """What the files of one collection do not say of themselves."""

    about: About
    spacing_mm: float | None = None  # width of a pixel; None: the longer side fills the field of view
    anterior_at_bottom: bool = False
    contrast: str | None = None
    origin_px: tuple[float, float] | None = None  # row and column of the world's origin, in the upright picture
    first_level_mm: float = 0.0  # world coordinate of level 0 along the axis through the slice, height for axial ones
    level_mm: float = 1.0  # from one level to the next
    plane: Plane = "axial"


class Picture(NamedTuple):
    """One slice as it lies in a file, upright."""

    name: str  # its file, for sentences about it
    grey: np.ndarray  # (H, W), in whatever unit the file has
    subject: str
    label: str | None = None  # "healthy", or what is wrong; None: not known
    mask: np.ndarray | None = None  # (H, W), 0 and 1; None: no mask
    level: float = 0.0  # the slice's place in its stack
    brain: np.ndarray | None = None  # (H, W) bool, where it is known; None: found as the picture's foreground


class OnDemand(Sequence):
    """Pictures read anew each time they are asked for: a folder of thousands then takes the memory of one."""

    def __init__(self, read: Callable[[Any], Picture], of: Sequence) -> None:
        """``read(one)`` is the picture of each ``one`` in ``of``: a row of a table, a path, a number."""
        self.read, self.of = read, of

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, index) -> Any:
        return OnDemand(self.read, self.of[index]) if isinstance(index, slice) else self.read(self.of[index])


class _Seen(NamedTuple):
    """What is kept of a picture until its subject's centre is known: a bit a pixel, and not the picture."""

    subject: str
    label: str | None
    sick: bool | None  # whether its mask, as it lies in the file, marks anything; None: no mask
    level: float
    shape: tuple[int, int]
    box: np.ndarray  # (2, 2): first and last row, first and last column of the brain
    bits: np.ndarray  # the brain inside the box

    def brain(self) -> np.ndarray:
        (top, bottom), (left, right) = self.box
        whole = np.zeros(self.shape, dtype=bool)
        inside = whole[top : bottom + 1, left : right + 1]
        inside[:] = np.unpackbits(self.bits, count=inside.size).reshape(inside.shape)
        return whole


def as_slices(pictures: Sequence[Picture], layout: Layout, size: int = 64) -> Slices:
    """Pictures as ``Slices``: (N, 1, size, size), in their order.

    Each is averaged by area into the 208 mm field of view, centred on the subject's foreground, and scaled on its own:
    percentiles 1 and 99 inside the brain become 0 and ``intensity.BRIGHT``. ``brain`` is the picture's own, or else the
    largest piece that is not black, with its holes filled: the brain where the skull was removed, else the head. Where
    there are masks and no labels, slices are labelled "lesion" or "healthy" by their mask; without either, "unknown".
    Every picture is asked for twice, one at a time (``OnDemand`` keeps none of them): a subject's centre is known only
    once all its slices have been seen. Raises InputError naming the picture that shows no brain.
    """
    seen = [_see(one) for one in pictures]
    n, centres = len(seen), _centres(seen)
    mm = [layout.spacing_mm or geometry.FIELD_OF_VIEW_MM / max(one.shape) for one in seen]
    images, brain, lesion = (np.zeros((n, 1, size, size), dtype=kind) for kind in (np.float32, bool, bool))
    for k, (one, known) in enumerate(zip(pictures, seen, strict=True)):
        small, region = (area_resample(a, mm[k], centres[k], size) for a in (one.grey, known.brain()))
        brain[k, 0] = region >= 0.5
        images[k, 0] = _scaled(small, brain[k, 0], one.name)
        if one.mask is not None:
            lesion[k, 0] = area_resample(one.mask, mm[k], centres[k], size) >= 0.5
    height = np.array([layout.first_level_mm + layout.level_mm * one.level for one in seen])
    labels = _labels(seen)
    where = zip(seen, mm, centres, height, strict=True)
    return Slices(
        images=torch.from_numpy(images),
        masks=torch.from_numpy(lesion),
        brain=torch.from_numpy(brain),
        subjects=tuple(one.subject for one in seen),
        labels=labels,
        position_mm=height,
        visit=labels,
        affine=np.stack([_affine(one.shape, step, centre, z, layout, size) for one, step, centre, z in where]),
        contrast=layout.contrast,
        spacing=geometry.pixel_mm(size),
        about=layout.about,
    )


def _see(one: Picture) -> _Seen:
    """A picture looked at for the first time."""
    brain = foreground(one.grey) if one.brain is None else one.brain
    _check_brain(brain, one.name)
    box = np.array([np.flatnonzero(brain.any(axis=other))[[0, -1]] for other in (1, 0)])
    bits = np.packbits(brain[box[0, 0] : box[0, 1] + 1, box[1, 0] : box[1, 1] + 1])
    height, width = brain.shape
    sick = None if one.mask is None else bool(one.mask.any())
    return _Seen(one.subject, one.label, sick, one.level, (height, width), box, bits)


def _labels(seen: Sequence[_Seen]) -> tuple[str, ...]:
    """Each picture's label; where it has none by its mask, as large as it lies in the file: a lesion that is too small
    for the pixels here is one all the same. Where nothing is labelled and some have masks, the others are healthy."""
    by_mask = not any(one.label for one in seen) and any(one.sick is not None for one in seen)
    other = "healthy" if by_mask else "unknown"
    given = {True: "lesion", False: "healthy", None: other}
    return tuple(one.label or given[one.sick] for one in seen)


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
    outside: Any = ndimage.label(pieces != largest)[0]  # pyright: ignore[reportIndexIssue]
    reaches_out = np.zeros(outside.max() + 1, dtype=bool)  # a hole is a piece of the outside that meets no edge
    for edge in (outside[0], outside[-1], outside[:, 0], outside[:, -1]):
        reaches_out[edge] = True
    reaches_out[0] = False
    return ~reaches_out[outside]


def area_resample(picture: np.ndarray, step_mm: float, centre: tuple[float, float], size: int) -> np.ndarray:
    """A picture (H, W) of pixels ``step_mm`` wide in the field of view at (size, size): means over each pixel's area.

    ``centre`` is the (row, column) that comes to lie in the middle; beyond the picture is 0. Returns float32.
    """
    rows, columns = (_overlap(n, step_mm, c, size) for n, c in zip(picture.shape, centre, strict=True))
    # torch multiplies here because numpy's own threads spin: beside another program a picture took 140 ms, not 7.
    # In double precision, so that what is of one shade stays of one shade.
    rows, grey, columns = (torch.from_numpy(one.astype(np.float64)) for one in (rows, picture, columns))
    return (rows @ grey @ columns.T).float().numpy()


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


def _centres(seen: Sequence[_Seen]) -> list[tuple[float, float]]:
    """Middle (row, column) of the box that holds all of a subject's slices, so that they stay aligned with each
    other."""
    boxes: dict[tuple, np.ndarray] = {}
    for one in seen:
        old = boxes.setdefault((one.subject, one.shape), one.box)
        both = np.minimum(old[:, 0], one.box[:, 0]), np.maximum(old[:, 1], one.box[:, 1])
        boxes[one.subject, one.shape] = np.stack(both, axis=1)
    middles = {key: (float(box[0].mean()), float(box[1].mean())) for key, box in boxes.items()}
    return [middles[one.subject, one.shape] for one in seen]


def _affine(shape: tuple[int, ...], step_mm: float, centre, height: float, layout: Layout, size: int) -> np.ndarray:
    origin = layout.origin_px or [(n - 1) / 2 for n in shape]
    axes, middle = geometry.PLANES[layout.plane], [height] * 3
    middle[axes.rows], middle[axes.columns] = ((o - c) * step_mm for o, c in zip(origin, centre, strict=True))
    return geometry.slice_affine(size, middle, layout.plane)
