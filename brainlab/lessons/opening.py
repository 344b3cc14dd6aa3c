"""Whatever ``SCAN`` names, as one volume to follow through lesson 07: nothing, a file, a DICOM or a BIDS folder."""

import os
from pathlib import Path
from typing import NamedTuple

from brainlab import dicom, imagefile, volumes
from brainlab.errors import InputError
from brainlab.filenames import role, subject_and_contrast
from brainlab.lessons.practice import practice_scan
from brainlab.sources import bids, niftis
from brainlab.volumes import Volume

NETWORKS = ("T1w", "FLAIR")  # contrasts that trained networks ship for
LOOKED_AT = 50  # files of a folder, to tell DICOM from anything else


class Opened(NamedTuple):
    """One scan, what it shows, and, where somebody has drawn its lesions, the mask."""

    volume: Volume
    contrast: str  # "T1w" or "FLAIR"
    truth: Volume | None
    path: Path  # the file, or the DICOM folder
    practice: bool  # whether it is the practice scan: invented, and its lesion known


def open_scan(named: str | os.PathLike | None = None, contrast: str | None = None) -> Opened:
    """The scan at a path: a file (``volumes.read``), a folder of DICOM files, or a BIDS or other folder of volumes.

    Without a path it is the practice scan. Of a folder's volumes the first is taken, of those whose name says
    ``contrast`` where that is given; which one, ``path`` tells. A mask of its lesions is found by name. ``contrast``
    also says what a file shows whose name does not. Nothing is written beside the scan. Raises InputError for what
    cannot be read, and for contrasts that no network ships for.
    """
    if not named:
        return _opened(*practice_scan(), contrast, practice=True)
    path = Path(named).expanduser()
    if path.is_dir():
        if _is_dicom(path):
            return _checked(Opened(dicom.read(path), contrast or "", None, path, False), contrast)
        found = (bids.find if bids.is_bids(path) else niftis.find)(path, contrast)[0]
        return _opened(found.item.path, found.mask, contrast or found.item.contrast)
    return _opened(path, _mask_beside(path), contrast)


def _opened(path: Path, mask: Path | None, contrast: str | None, practice: bool = False) -> Opened:
    truth = None if mask is None else volumes.read(mask, mask=True)
    return _checked(Opened(volumes.read(path), contrast or "", truth, path, practice), contrast)


def _checked(one: Opened, said: str | None) -> Opened:
    """The same with its contrast, given or by its name; InputError where that is none of ``NETWORKS``."""
    contrast = said or subject_and_contrast(one.volume.path)[1]
    if contrast in NETWORKS:
        return one._replace(contrast=contrast)
    if contrast is None:
        raise InputError(
            f'The name of {one.path} does not tell what it shows; say so: open_scan(SCAN, contrast="T1w") or '
            f'"FLAIR", as it stands in the scanner\'s report.'
        )
    raise InputError(
        f"{one.path} is {contrast}, and networks ship for {' and '.join(NETWORKS)} only; take such a scan."
    )


def _is_dicom(folder: Path) -> bool:
    with imagefile.plainly(folder):
        files = [one for one in sorted(folder.rglob("*"))[: 10 * LOOKED_AT] if one.is_file()]
        return any(imagefile.is_dicom(one) for one in files[:LOOKED_AT])


def _mask_beside(path: Path) -> Path | None:
    """The only file beside a scan whose name says that it marks lesions of the same person; None for several."""
    with imagefile.plainly(path):
        beside = [one for one in sorted(path.parent.glob("*")) if one.name.lower().endswith(imagefile.ENDINGS)]
    whose = subject_and_contrast(path)[0]
    masks = [one for one in beside if role(Path(one.name)) == "lesion" and subject_and_contrast(one)[0] == whose]
    return masks[0] if len(masks) == 1 and masks[0] != path else None
