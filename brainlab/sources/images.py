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
from pathlib import Path

import numpy as np
from PIL import Image

from brainlab.errors import InputError
from brainlab.slices import About, Slices
from brainlab.sources.pictures import Layout, OnDemand, Picture, as_slices

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
    if not any(row.get("subject") or row.get("group") for row in rows):
        warnings.warn(
            f"{folder / 'index.csv'} has neither a subject nor a group column, so every picture counts as a person: a "
            "random split would put slices of one person on both sides. Add a column, or split by file.",
            stacklevel=2,
        )
    return as_slices(OnDemand(lambda row: _read(folder, row, layout), rows), layout, size)


def _read(folder: Path, row: Mapping[str, str], layout: Layout) -> Picture:
    """The picture of one row, with its mask."""
    path = folder / row["file"]
    grey = _picture(path, layout)
    return Picture(
        name=str(path),
        grey=grey,
        subject=_subject(row),
        label=row.get("class") or row.get("label") or None,
        mask=_mask(folder, row, layout, grey.shape) if row.get("mask") else None,
        level=float(row.get("level") or 0),
    )


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
    """The row's mask as 0 and 1, (H, W)."""
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
