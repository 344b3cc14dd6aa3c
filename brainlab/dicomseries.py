"""Which series a folder of DICOM files holds, and whether one of them is a whole volume."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainlab import dicomfile, filenames
from brainlab.errors import InputError

GAP = 1.5  # times the usual step between slices: a larger one is a slice that is missing
PARALLEL = 1e-3  # how far the slices' directions may differ
SCREENSHOTS = "1.2.840.10008.5.1.4.1.1.7"  # secondary capture, as a storage class
SCANS = {"MR", "CT", "PT", "NM"}  # modalities; others are doses, outlines, photographs
NAMES = ("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "AccessionNumber", "ReferringPhysicianName")
AGENT = {"ce", "contrast", "gad", "gd", "km", "post"}  # words for a contrast agent


@dataclass(frozen=True, eq=False)
class Series:
    """The images of one acquisition in a folder."""

    number: int
    description: str  # as the scanner has it, without words that stand in the name or an id
    files: tuple[Path, ...]
    headers: tuple[Any, ...]  # pydicom's data sets, without pixels

    def __str__(self) -> str:
        count = f"{len(self.files)} image{'s' if len(self.files) > 1 else ''}"
        return f"{self.number} ({self.description + ', ' if self.description else ''}{count})"

    @property
    def contrast(self) -> str | None:
        """What the description says of it, "T1w" or "FLAIR"; None where it does not."""
        words = re.split(r"[^a-z0-9]+", self.description.lower())
        found = next((filenames.CONTRASTS[word] for word in words if word in filenames.CONTRASTS), None)
        return "T1ce" if found == "T1w" and AGENT.intersection(words) else found


def found_in(folder: Path) -> list[Series]:
    """Every series of images in a folder, or the one that a file belongs to; InputError where there is none."""
    alone = folder.is_file() and dicomfile.files(folder)
    grouped: dict[str, list[tuple[Path, Any]]] = {}
    for file in dicomfile.files(folder.parent if alone else folder):
        header = dicomfile.header(file)
        with dicomfile.carefully(file):
            if header.get("Rows") and header.get("Columns") and "SeriesInstanceUID" in header:
                grouped.setdefault(str(header.SeriesInstanceUID), []).append((file, header))
    if alone:
        grouped = {uid: one for uid, one in grouped.items() if any(file == folder for file, _ in one)}
    if not grouped:
        raise InputError(f"{folder} has DICOM files but no images in them (reports, or a list of files); name another.")
    with dicomfile.carefully(folder):
        return _numbered(list(grouped.values()))


def _numbered(groups: list[list[tuple[Path, Any]]]) -> list[Series]:
    """Series by the scanner's own numbers; where two share one, counted from 1."""
    said = [_integer(group[0][1].get("SeriesNumber")) for group in groups]
    distinct = None not in said and len(set(said)) == len(said)
    ordered = sorted(range(len(groups)), key=lambda k: (said[k] or 0, str(groups[k][0][0])))
    return [
        Series(
            (said[k] or 0) if distinct else count,
            _description(groups[k][0][1]),
            tuple(file for file, _ in groups[k]),
            tuple(header for _, header in groups[k]),
        )
        for count, k in enumerate(ordered, start=1)
    ]


def _integer(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _description(header: Any) -> str:
    """What the scanner calls a series, less what names the person: technicians type names anywhere."""
    names = " ".join(str(header.get(name, "")) for name in NAMES).lower()
    names = {word for word in re.split(r"[^\w]+", names) if len(word) > 1}
    words = re.split(r"([\W_]+)", str(header.get("SeriesDescription", "")))
    return " ".join("".join("…" if word.lower() in names else word for word in words).split())[:60]


def check(series: Series, where: Path) -> None:
    """InputError unless a series is a grey-valued volume with no slice missing."""
    with dicomfile.carefully(where):
        first, name = series.headers[0], f"{where} was not read: series {series.number}"
        if (modality := str(first.get("Modality") or "MR")) not in SCANS:
            raise InputError(f"{name} is no scan ({modality[:16]}); name a series that the scanner acquired.")
        if int(first.get("SamplesPerPixel") or 1) != 1:
            raise InputError(f"{name} is a colour picture (RGB); name the grey-valued series that it was made from.")
        if str(first.get("SOPClassUID", "")).startswith(SCREENSHOTS):
            raise InputError(f"{name} is a screenshot (secondary capture); name a series that the scanner acquired.")
        if len({(header.get("Rows"), header.get("Columns")) for header in series.headers}) > 1:
            raise InputError(f"{name} has images of different sizes; name a series of one size.")
        if int(first.get("NumberOfFrames") or 1) > 1:
            return  # enhanced DICOM: all slices in one file, which dcm2niix takes apart
        if len(series.files) == 1:
            raise InputError(f"{name} is a single slice; copy the whole folder, brainlab needs a volume.")
        _check_positions(series, name)


def _check_positions(series: Series, name: str) -> None:
    try:
        places = np.array([header.ImagePositionPatient for header in series.headers], dtype=float)
        turns = np.array([header.ImageOrientationPatient for header in series.headers], dtype=float)
    except (AttributeError, TypeError, ValueError):
        raise InputError(
            f"{name} does not say where its slices lie; name a series that the scanner acquired."
        ) from None
    if not np.isfinite(places).all() or np.abs(turns - turns[0]).max() > PARALLEL:
        raise InputError(f"{name} has slices in several directions, as a localiser has; name another series.")
    heights = np.sort(places @ np.cross(turns[0, :3], turns[0, 3:]))
    distinct = heights[np.r_[True, np.diff(heights) > 1e-2]]
    if len(distinct) < 2:
        raise InputError(f"{name} shows one slice again and again; brainlab needs a volume of several.")
    steps = np.diff(distinct)
    if steps.max() > GAP * np.median(steps) or len(heights) % len(distinct):
        missing = int(np.round(steps / np.median(steps) - 1).clip(0).sum()) or len(distinct) - len(heights) % len(
            distinct
        )
        raise InputError(
            f"{name} lacks {missing} of its slices between others ({len(heights)} are there); copy it again from the "
            f"scanner's archive or the CD."
        )
