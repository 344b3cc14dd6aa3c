"""Whatever people have on disk, by its path: which kind it is, and its slices, all together or one after another.

One file: a NIfTI, Analyze or MGH volume, or an ``.npz``. A folder: pictures with an ``index.csv`` (``images``), volumes
as BIDS has them (``bids``) or anyhow (``niftis``), or pictures without a table (``untold``). Nothing is passed over in
silence: one bad file ends the reading, in a sentence that names it.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from brainlab import imagefile
from brainlab.errors import InputError
from brainlab.filenames import subject_and_contrast
from brainlab.slices import Slices, joined
from brainlab.sources import bids, images, niftis, npz, picturefile, scans, untold
from brainlab.sources.pairing import Item, Scan

DICOM = (".dcm", ".ima")


def load(path: str | Path, size: int = 64, contrast: str | None = None) -> Slices:
    """Every slice of a file or a folder, in the order of names; see ``stream``, which takes less memory."""
    return joined(list(stream(path, size, contrast)))


def stream(path: str | Path, size: int = 64, contrast: str | None = None) -> Iterator[Slices]:
    """Slices of one volume after the other (a folder of pictures, or a file, comes as one piece).

    A folder's names are read at once, headers and voxels only when their turn comes, two volumes at a time.
    ``contrast`` picks among scans of several; of files whose names tell none it says which it is. Raises InputError
    that names the file for what is empty, mixed, unknown or damaged, and where a skull is still on.
    """
    path = _existing(path)
    found = _scans(path, contrast)
    if found is None:
        whole = _pieces(path, size, contrast)
        return iter([of_contrast(whole, contrast)])
    about = scans.named(path) if path.is_dir() else None
    return (of_contrast(one, contrast) for one in scans.stream(found, size, about))


def _scans(path: Path, contrast: str | None) -> list[Scan] | None:
    """The scans at a path; None where there are pictures or arrays instead."""
    if not path.is_dir():
        is_scan = path.suffix.lower() not in (".npz", *picturefile.ENDINGS)
        return [Scan(Item(path, *subject_and_contrast(path)), None)] if is_scan else None
    if (path / "index.csv").is_file():
        return None
    if bids.is_bids(path):
        return bids.find(path, contrast)
    volumes, pictures = niftis.image_files(path), untold.picture_files(path)
    if volumes and pictures:
        raise InputError(
            f"{path} has both volumes ({volumes[0].name}, …) and pictures ({pictures[0].name}, …); give the folder of "
            f"one kind, or move the other elsewhere."
        )
    if volumes:
        return niftis.find(path, contrast)
    if not pictures:
        raise _nothing(path)
    return None


def _pieces(path: Path, size: int, contrast: str | None) -> Slices:
    if path.suffix.lower() == ".npz" and path.is_file():
        return npz.load(path, size)
    if path.is_file():
        raise InputError(f"{path} is a single picture; give the folder that it lies in.")
    return images.load(path, size) if (path / "index.csv").is_file() else images.load_untold(path, size, contrast)


def of_contrast(found: Slices, contrast: str | None) -> Slices:
    """Slices that must be of a contrast, or are said to be where nobody knows; InputError where they are of another."""
    if contrast and found.contrast and contrast != found.contrast:
        raise InputError(f"{found.about.source} is {found.contrast}, and {contrast} was asked for; leave contrast out.")
    return replace(found, contrast=found.contrast or contrast)


def _existing(path: str | Path) -> Path:
    if "\0" in str(path):
        raise InputError(f"{str(path)!r} has a null byte in its name, which no file can have; type the name anew.")
    here = Path(path).expanduser()
    if here.name in ("", ".."):  # "." has no name, and names tell layouts, subjects and sources
        here = Path(os.path.abspath(here))
    with imagefile.plainly(here):
        here.stat()
    return here


def _nothing(path: Path) -> InputError:
    """What to say of a folder without anything to read."""
    names = [one.name.lower() for one in path.rglob("*") if one.is_file()]
    if any(name.endswith(DICOM) for name in names):
        return InputError(
            f"{path} holds DICOM files: read one series with dicom.read, or convert the folder to NIfTI with dcm2niix."
        )
    if any(name.endswith(".npz") for name in names):
        return InputError(f"{path} holds .npz files and no images; name one of them, not the folder.")
    what = f"{len(names)} files, none of them" if names else "no file, so no"
    return InputError(
        f"{path} holds {what} volume ({', '.join(imagefile.ENDINGS)}) or picture ({', '.join(picturefile.ENDINGS)}); "
        f"check the spelling, or convert the files."
    )
