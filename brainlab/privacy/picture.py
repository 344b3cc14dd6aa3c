"""Whether the picture in a file shows a face; where that was not looked at, the table says so."""

import warnings
from pathlib import Path

import numpy as np

from brainlab import dicom, volumes
from brainlab.dicomseries import Series, found_in
from brainlab.errors import InputError
from brainlab.privacy import face
from brainlab.privacy.finding import Finding
from brainlab.volumes import Volume

HEAD = Finding("picture", "a whole head, perhaps with its face", "directly", face.FACE)
LOOK = "look at it yourself, and remove the face before you pass it on"
UNSEEN = Finding("picture", "not looked at for a face", "perhaps", LOOK)
OTHERS = Finding("picture", "one series shows no face; the others were not looked at", "perhaps", LOOK)
MOST_VOXELS = 20_000_000  # that are looked at one by one; a head at 1 mm has 12 million and takes seconds
MOST_SERIES = 3  # of a DICOM folder that are tried until one is a volume


def in_image(file: Path) -> list[Finding]:
    """What the first volume of an image file shows."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # which side is left does not matter here
            return _seen(volumes.read(file, volume=0, mask=True))  # a mask without lesions is blank, and no head
    except InputError:
        return [UNSEEN]


def in_dicom(path: Path) -> list[Finding]:
    """What the largest series of a folder shows that is a volume, or the series that a file belongs to."""
    try:
        there = sorted(found_in(path), key=_images, reverse=True)
    except InputError:  # reports, or a list of files
        return []
    for series in there[:MOST_SERIES]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                volume = dicom.read(path, series=series.number, volume=0)
        except InputError:  # a localiser, a screenshot
            continue
        return _seen(volume) or ([OTHERS] if len(there) > 1 else [])
    return [UNSEEN]


def _images(series: Series) -> int:
    try:
        return sum(int(header.get("NumberOfFrames") or 1) for header in series.headers)
    except (AttributeError, TypeError, ValueError):  # damaged
        return len(series.files)


def _seen(volume: Volume) -> list[Finding]:
    return [HEAD] if face.shows_face(_thinned(volume)) else []


def _thinned(volume: Volume) -> Volume:
    """Every second voxel along each axis of a large volume: a head is still one."""
    if volume.data.size <= MOST_VOXELS:
        return volume
    affine = volume.affine.copy()
    affine[:3, :3] *= 2
    data = np.ascontiguousarray(volume.data[::2, ::2, ::2])
    return Volume(data, affine, volume.path, volume.original, volume.about)
