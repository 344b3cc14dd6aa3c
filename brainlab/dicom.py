"""A folder of DICOM files, as a scanner or a CD gives it, read as a volume that knows nothing of the person.

dcm2niix converts (it knows what vendors do differently), in a temporary folder that is gone afterwards; of what DICOM
says, only voxels, their size and their place come through. Reading checks first what a converter cannot: which series
is meant, and whether a slice is missing.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from brainlab import dicomfile, headers, imagefile, volumes
from brainlab.dicomseries import Series, check, found_in
from brainlab.errors import InputError
from brainlab.slices import About
from brainlab.volumes import Volume

MOST_SECONDS = 300  # a bound on what hangs in a damaged file; a head takes one or two


def read(folder: str | os.PathLike, series: int | None = None, volume: int | None = None) -> Volume:
    """Read one DICOM series from a folder, and those below it, whatever its files are called and however ordered.

    ``series``: its number, where the folder holds several (the InputError lists them). ``volume``: one of a series of
    many volumes, from 0. The result's ``path`` is a made-up name, "dicom/series-2_T1w.nii", and its header has no text:
    name, dates and ids stay in the folder. Raises InputError where the optional packages dcm2niix and pydicom are
    missing, no DICOM is there, a slice is missing, or the series is no grey-valued volume.
    """
    dicomfile.require()
    where = Path(folder).expanduser()
    chosen = _chosen(found_in(where), series, where)
    check(chosen, where)
    with dicomfile.carefully(where), tempfile.TemporaryDirectory(prefix="brainlab-dicom-") as temporary:
        converted = _converted(chosen, Path(temporary), where)
        return _nameless(_read(converted, volume, chosen, where), converted, chosen)


def _chosen(there: list[Series], series: int | None, where: Path) -> Series:
    listing = "; ".join(str(one) for one in there)
    if series is None and len(there) > 1:
        raise InputError(
            f"{where} holds {len(there)} series: {listing}. Name one by its number, as in "
            f"dicom.read(folder, series={there[0].number})."
        )
    chosen = [one for one in there if series is None or one.number == series]
    if not chosen:
        raise InputError(f"{where} has no series {series!r}; it holds {listing}.")
    return chosen[0]


def _converted(series: Series, temporary: Path, where: Path) -> Path:
    """The one NIfTI file that dcm2niix makes of a series, from copies with names that say nothing."""
    import dcm2niix

    slices, made = temporary / "slices", temporary / "made"
    slices.mkdir()
    made.mkdir()
    for k, file in enumerate(series.files):
        shutil.copyfile(file, slices / f"{k:05d}.dcm")
    options = ["-g", "i", "-b", "n", "-f", "scan", "-x", "i", "-z", "n", "-o", str(made), str(slices)]
    try:
        subprocess.run(  # what it prints stays unseen: it may quote names
            [dcm2niix.bin, *options], capture_output=True, timeout=MOST_SECONDS, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{where} was not converted within {MOST_SECONDS} s; its series {series.number} may be damaged: copy it "
            f"again."
        ) from None
    images = [one for one in sorted(made.glob("*.nii")) if "_ROI" not in one.name]  # overlays get files of their own
    if len(images) != 1:
        raise InputError(
            f"{where} was not read: dcm2niix makes {len(images) or 'no'} images of series {series.number}, where one "
            f"is wanted; convert it with dcm2niix on the command line and read the NIfTI that you need."
        )
    return images[0]


def _read(converted: Path, volume: int | None, series: Series, where: Path) -> Volume:
    """The volume; what is wrong with it is said of the folder, since the converted file is gone by then."""
    try:
        return volumes.read(converted, volume)
    except InputError as error:
        raise InputError(str(error).replace(str(converted), f"Series {series.number} of {where}")) from None


def _nameless(volume: Volume, converted: Path, series: Series) -> Volume:
    """The volume under a made-up name, with a header of numbers only."""
    claim = imagefile.claim(converted)
    name = f"series-{series.number}" + (f"_{series.contrast}" if series.contrast else "")
    header = headers.bare(claim)
    header.set_data_shape(claim.shape[:3])
    header.set_slope_inter(1, 0)
    original = volume.original._replace(affine=np.array(volume.original.affine), header=header)
    about = About(f"DICOM series {series.number}", volume.about.licence, "", synthetic=False)
    return replace(volume, path=Path("dicom") / f"{name}.nii", original=original, about=about)
