"""A folder of ordinary pictures (PNG, JPEG) with an ``index.csv``, as slices in the kit's geometry.

``index.csv`` has one row a picture. Columns: ``file`` (or ``image``), a path inside the folder; optional ``mask`` (a
picture, white where the lesion is), ``class`` (or ``label``), ``subject``, ``group`` (pictures that belong together
where subjects are not known) and ``level`` (the slice's place in its stack). Other columns are ignored.

A picture file does not say how wide a pixel is, which way the head lies or at which height it was cut. For the
collections in ``LAYOUTS`` this is known; any other is taken to lie upright, as geometry.py draws it, and to fill the
field of view.
"""

import csv
import warnings
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
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


LAYOUTS: dict[str, Layout] = {
    # Slices of the T88 atlas space, 1 mm. The files lie with the occiput on top. The patient's left is on the image's
    # right: in the mean of the 80 healthy subjects that side has the longer occipital pole, the other the longer
    # frontal pole, and in 74 % of them the larger lateral ventricle, all three as in most people. Place and height were
    # found by fitting the mean of each level to MNI152 (correlation 0.98): MNI = (1.058 x, 1.058 y, z), and level 5
    # lies at z = 0, to within some 2 mm. World coordinates here are the T88 millimetres, with heights from that fit.
    "oasis_t1_slices": Layout(
        About(
            source="OASIS-1, axial T1-weighted slices in T88 space",
            licence="OASIS-1 Data Use Agreement",
            citation="Marcus et al. 2007, Journal of Cognitive Neuroscience 19:1498",
            synthetic=False,
        ),
        spacing_mm=1.0,
        anterior_at_bottom=True,
        contrast="T1w",
        origin_px=(88.0, 86.6),
        first_level_mm=-5.0,
    ),
    "cheng_t1ce_tumours": Layout(
        About(
            source="Cheng's brain tumour set, contrast-enhanced T1, skull present, mixed planes",
            licence="CC BY 4.0",
            citation="Cheng et al. 2015, PLoS ONE 10:e0140381",
            synthetic=False,
        ),
        contrast="T1ce",
    ),
}
"""By the folder's name."""


def load(folder: str | Path, size: int = 64, *, where: Mapping[str, Container[str]] | None = None) -> Slices:
    """Every picture that a folder's ``index.csv`` names as ``Slices``, or those that ``where={"class": ["healthy"]}``
    lists.

    Each is averaged by area into the 208 mm field of view at ``size`` px, centred on the subject's foreground, and
    scaled on its own: percentiles 1 and 99 inside the brain become 0 and ``intensity.BRIGHT``. ``brain`` is the largest
    piece that is not black, with its holes filled: the brain where the skull was removed, else the head. Where there
    are masks and no classes, slices are labelled "lesion" or "healthy" by their mask; without either, "unknown".
    Raises InputError naming what is missing.
    """
    folder = Path(folder)
    rows = [row for row in _index(folder) if all(row.get(k, "") in v for k, v in (where or {}).items())]
    if not rows:
        raise InputError(
            f"{folder / 'index.csv'} has no row that is {dict(where or {})}; look at its columns and values."
        )
    layout = LAYOUTS.get(folder.name) or Layout(About(folder.name, "not stated", "not stated", synthetic=False))
    subjects = [_subject(row) for row in rows]
    if not any(row.get("subject") or row.get("group") for row in rows):
        warnings.warn(
            f"{folder / 'index.csv'} has neither a subject nor a group column, so every picture counts as a person: a "
            "random split would put slices of one person on both sides. Add a column, or split by file.",
            stacklevel=2,
        )
    pictures = [_picture(folder / row["file"], layout) for row in rows]
    brains = [foreground(picture) for picture in pictures]
    for row, inside in zip(rows, brains, strict=True):
        _check_brain(inside, folder / row["file"])
    centres = _centres(brains, subjects)
    mm = [layout.spacing_mm or geometry.FIELD_OF_VIEW_MM / max(p.shape) for p in pictures]
    masks = [_mask(folder, row, layout, p.shape) for row, p in zip(rows, pictures, strict=True)]
    images, brain, lesion = [], [], []
    for row, picture, inside, mask, centre, step in zip(rows, pictures, brains, masks, centres, mm, strict=True):
        small, region, truth = (area_resample(a, step, centre, size) for a in (picture, inside, mask))
        brain.append(region >= 0.5)
        images.append(_scaled(small, brain[-1], folder / row["file"]))
        lesion.append(truth >= 0.5)
    height = np.array([layout.first_level_mm + layout.level_mm * float(row.get("level") or 0) for row in rows])
    labels = _labels(rows, lesion)
    return Slices(
        images=torch.from_numpy(np.stack(images))[:, None],
        masks=torch.from_numpy(np.stack(lesion))[:, None],
        brain=torch.from_numpy(np.stack(brain))[:, None],
        subjects=tuple(subjects),
        labels=labels,
        position_mm=height,
        visit=labels,
        affine=np.stack(
            [_affine(p.shape, s, c, z, layout, size) for p, s, c, z in zip(pictures, mm, centres, height, strict=True)]
        ),
        contrast=layout.contrast,
        spacing=geometry.pixel_mm(size),
        about=layout.about,
    )


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


def _index(folder: Path) -> list[dict[str, str]]:
    path = folder / "index.csv"
    if not path.is_file():
        raise InputError(f"{folder} has no index.csv; write one with a row a picture and a column named file.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}); save it as comma-separated UTF-8.") from error
    if not rows:
        raise InputError(f"{path} has no rows; write one a picture below the line of column names.")
    for number, row in enumerate(rows, start=2):
        row["file"] = row.get("file") or row.get("image") or ""
        if not row["file"]:
            raise InputError(f"{path}, line {number}, names no picture; it needs a column named file (or image).")
        if "level" in row and not _is_number(row["level"]):
            raise InputError(f"{path}, line {number}: level must be a number, got {row['level']!r}.")
    return rows


def _is_number(text: str | None) -> bool:
    try:
        return text in (None, "") or np.isfinite(float(text))
    except ValueError:
        return False


def _subject(row: Mapping[str, str]) -> str:
    return row.get("subject") or row.get("group") or row["file"]


def _labels(rows: list[dict[str, str]], lesion: list[np.ndarray]) -> tuple[str, ...]:
    """Each row's class; by the mask, as ``volumes.slices`` does it, where the table has masks and no classes."""
    named = [row.get("class") or row.get("label") for row in rows]
    if not any(named) and any(row.get("mask") for row in rows):
        return tuple("lesion" if mask.any() else "healthy" for mask in lesion)
    return tuple(name or "unknown" for name in named)


def _check_brain(brain: np.ndarray, path: Path) -> None:
    if not brain.any():
        raise InputError(f"{path} shows no brain, only specks on black; remove its row from index.csv.")


def _scaled(image: np.ndarray, brain: np.ndarray, path: Path) -> np.ndarray:
    """A picture on the kit's scale of brightness; what is wrong with it is said with its file's name."""
    _check_brain(brain, path)
    try:
        return normalise(image, brain)
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from None


def _picture(path: Path, layout: Layout) -> np.ndarray:
    """A picture as grey float32 (H, W), upright."""
    try:
        with Image.open(path) as image:
            grey = np.asarray(
                image.convert("F") if image.mode.startswith("I") else image.convert("L"), dtype=np.float32
            )
    except FileNotFoundError as error:
        raise InputError(f"{path} is named in index.csv but is not there; correct the row or add the file.") from error
    except Exception as error:  # Pillow raises many kinds, OSError and SyntaxError among them, for a damaged file
        raise InputError(
            f"{path} cannot be read as a picture ({error}); replace the file or remove its row."
        ) from error
    if np.ptp(grey) < 2:
        raise InputError(f"{path} is of one shade: there is no brain in it; remove its row from index.csv.")
    return grey[::-1] if layout.anterior_at_bottom else grey


def _mask(folder: Path, row: Mapping[str, str], layout: Layout, shape: tuple[int, ...]) -> np.ndarray:
    """The row's mask as 0 and 1, (H, W); all 0 where there is none."""
    if not row.get("mask"):
        return np.zeros(shape, dtype=np.float32)
    path = folder / row["mask"]
    try:
        with Image.open(path) as image:
            mask = np.asarray(image.convert("L"))
    except Exception as error:
        raise InputError(
            f"{path}, the mask of {row['file']}, cannot be read ({error}); correct the row or the file."
        ) from error
    if mask.shape != shape:
        raise InputError(f"{path} is {mask.shape} and its picture {tuple(shape)}; a mask needs its picture's size.")
    mask = (mask > mask.max() / 2).astype(np.float32)  # masks are written as 0 and 1 as often as 0 and 255
    return mask[::-1] if layout.anterior_at_bottom else mask


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
