"""A folder of ordinary pictures (PNG, JPEG, TIFF) with an ``index.csv``, as slices in the kit's geometry.

``index.csv`` has one row a picture. Columns: ``file`` (or ``image``), a path inside the folder; optional ``mask`` (a
picture, white where the lesion is), ``class`` (or ``label``), ``subject``, ``group`` (pictures that belong together
where subjects are not known), ``level`` (the slice's place in its stack) and ``page`` (of a TIFF of several, from 0).
Headings may be in capitals, and columns parted by commas, semicolons or tabs, as Excel does. Classes that mean that
nothing was found (``classes.HEALTHY``) become "healthy". Other columns are ignored. A folder without a table is read by
``untold``.

A picture file does not say how wide a pixel is, which way the head lies or at which height it was cut. For the
collections in ``LAYOUTS`` this is known; any other is taken to lie upright, as geometry.py draws it, and to fill the
field of view.
"""

import csv
import warnings
from collections.abc import Container, Mapping
from pathlib import Path

from brainlab.errors import InputError
from brainlab.slices import About, Slices
from brainlab.sources import classes, folders, picturefile, untold
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
    if not any(row.get("subject") or row.get("group") for row in rows):
        warnings.warn(
            f"{folder / 'index.csv'} has neither a subject nor a group column, so every picture counts as a person: a "
            "random split would put slices of one person on both sides. Add a column, or split by file.",
            stacklevel=2,
        )
    return _slices(folder, rows, size)


def load_untold(folder: str | Path, size: int = 64, contrast: str | None = None) -> Slices:
    """The same of a folder without a table: ``untold.rows`` says whose each picture is, and warns where it guesses."""
    folder = Path(folder)
    return _slices(folder, untold.rows(folder, contrast), size)


def _slices(folder: Path, rows: list[dict[str, str]], size: int) -> Slices:
    layout = LAYOUTS.get(folder.name) or Layout(About(folder.name, "not stated", "not stated", synthetic=False))
    return as_slices(OnDemand(lambda row: _read(folder, row, layout), rows), layout, size)


def _read(folder: Path, row: Mapping[str, str], layout: Layout) -> Picture:
    """The picture of one row, with its mask."""
    table = str(folder / "index.csv")
    path = picturefile.inside(folder, row["file"], table)
    folders.check_fetched(path)
    page = int(row["page"]) if row.get("page") else None
    turn = slice(None, None, -1 if layout.anterior_at_bottom else 1)
    grey = picturefile.grey(path, page)
    mask = None
    if row.get("mask"):
        mask = picturefile.mask(picturefile.inside(folder, row["mask"], table), path, grey.shape, page)[turn]
    return Picture(
        name=str(path) if page is None else f"{path}, page {page},",
        grey=grey[turn],
        subject=row.get("subject") or row.get("group") or row["file"],
        label=classes.label(row.get("class") or row.get("label") or "") or None,
        mask=mask,
        level=float(row.get("level") or 0),
    )


def _index(folder: Path) -> list[dict[str, str]]:
    path = folder / "index.csv"
    if not path.is_file():
        raise InputError(f"{folder} has no index.csv; write one with a row a picture and a column named file.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            heads = file.readline()
            file.seek(0)
            parted = max(",;\t", key=heads.count)
            table = csv.DictReader(file, restkey="", restval="", delimiter=parted)
            rows = [{str(k).strip().lower(): str(v or "").strip() for k, v in row.items() if k} for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}); save it as comma-separated UTF-8.") from error
    if not rows:
        raise InputError(f"{path} has no rows; write one a picture below the line of column names.")
    for number, row in enumerate(rows, start=2):
        row["file"] = row.get("file") or row.get("image") or ""
        if not row["file"]:
            raise InputError(f"{path}, line {number}, names no picture; it needs a column named file (or image).")
        for column in ("file", "mask"):
            if row.get(column):
                picturefile.inside(folder, row[column], f"{path}, line {number},")
        for column, is_good in (("level", _is_number), ("page", _is_page)):
            if row.get(column) and not is_good(row[column]):
                raise InputError(f"{path}, line {number}: {column} must be a number, got {row[column][:80]!r}.")
    _check_rows(path, rows)
    return rows


def _check_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """InputError where only some rows say whose they are, or where two are of one picture."""
    whose = [bool(row.get("subject") or row.get("group")) for row in rows]
    if any(whose) and not all(whose):
        line = whose.index(False) + 2
        raise InputError(
            f"{path}, line {line}, has no subject, and others have; write whose each picture is, or a group."
        )
    lines: dict[tuple[Path, int], int] = {}
    for number, row in enumerate(rows, start=2):
        here = picturefile.inside(path.parent, row["file"], str(path)), int(row.get("page") or 0)
        if here in lines:
            raise InputError(
                f"{path}, line {number}, names {row['file'][:80]} again, as line {lines[here]} does; keep one of them."
            )
        lines[here] = number


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < 1e6
    except ValueError:
        return False


def _is_page(text: str) -> bool:
    return text.isdecimal() and len(text) < 7
