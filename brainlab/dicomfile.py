"""DICOM files, distrusted: which files of a folder are some, and what their headers say.

The two libraries are an optional extra, for those who have a scan of this kind.
"""

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from brainlab import imagefile
from brainlab.errors import InputError

PACKAGES = ("dcm2niix", "pydicom")
LARGEST = 2**31  # bytes of one file
MOST_FILES = 20_000  # in one folder: more is an archive


def require() -> None:
    """InputError, with the command that installs them, unless both packages are there."""
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise InputError(
            f"Reading DICOM needs {' and '.join(missing)}, which {'are' if len(missing) > 1 else 'is'} not installed: "
            f'run pip install "dcm2niix>=1.0.20220715" "pydicom>=3" in brainlab\'s environment and restart the kernel.'
        )


def files(path: Path) -> list[Path]:
    """DICOM files in a folder and below it, or the file itself, known by content, not by name; InputError if none."""
    with imagefile.plainly(path):
        if not path.is_dir():
            path.stat()
            if not path.is_file() or not imagefile.is_dicom(path):
                raise InputError(f"{path} is not a DICOM file; name the folder that the scanner's files are in.")
            return [path]
        ordinary = []
        for one in path.rglob("*"):
            if one.is_file():
                ordinary.append(one)
            if len(ordinary) > MOST_FILES:
                raise InputError(f"{path} holds more than {MOST_FILES:,} files; name the folder of one examination.")
        found = sorted(one for one in ordinary if imagefile.is_dicom(one))
    if not found:
        raise InputError(
            f"{path} has no DICOM files in it (there are {len(ordinary)} others); name the folder that the scanner's "
            f"files are in."
        )
    return found


def header(file: Path, whole: bool = False) -> Any:
    """pydicom's data set of a file without its picture, or ``whole``; InputError for what is damaged."""
    require()
    import pydicom

    with carefully(file):
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file} is larger than any slice; name a folder of ordinary DICOM files.")
        return pydicom.dcmread(file, stop_before_pixels=not whole)


@contextmanager
def carefully(path: Path) -> Iterator[None]:
    """One InputError for whatever damaged DICOM raises, without its reason: that would quote values, perhaps names."""
    with imagefile.plainly(path), _quietly():
        try:
            yield
        except (InputError, OSError):
            raise
        except Exception:  # a parser may raise anything over damaged bytes
            raise InputError(f"{path} is damaged; copy it again from the scanner's archive or the CD.") from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Without pydicom's warnings, which quote the values that are wrong: they may be names."""
    import logging

    logger = logging.getLogger("pydicom")
    spoke = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = spoke
