"""Contrast-enhanced T1 slices of three kinds of brain tumour, each tumour outlined: Cheng's set.

3,064 slices of 233 patients of two Chinese hospitals (Nanfang, Guangzhou; Tianjin Medical University): 708 with a
meningioma, 1,426 with a glioma, 930 with a pituitary tumour; axial, coronal and sagittal mixed, skull present.

Traps. No slice is healthy, and which plane a slice is cut in is not recorded: a classifier may learn the plane, which
goes with the kind of tumour. Slices of one patient are near copies: split by patient, the ``subjects`` here. Files
are MATLAB 7.3, that is HDF5: arrays come out transposed. A few pictures are of 256 x 256 px. The paper gives 0.49 mm a
pixel; a head with its neck would not fit the field of view at that size, so every picture is shrunk to fill it:
``spacing`` and ``affine`` are nominal, no patient is placed in millimetres.

Each of the four archives is a usable part by itself: whatever lies in the folder is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from brainlab.downloads.catalogue import Download, File
from brainlab.errors import InputError
from brainlab.slices import About, Slices
from brainlab.sources import Source
from brainlab.sources.pictures import Layout, OnDemand, Picture, as_slices

ARCHIVES = (  # first and last number, figshare's id, bytes, SHA-256
    ("1-766", 3381290, 214401279, "cdac0a7f4152cb34dd79b13543da96c37a6928ad8cb823e2662150b1a73ade54"),
    ("767-1532", 3381296, 217848429, "d18e896d14f7af791cdd3d9b9342f9f974742a06132effde5a5219209862b4ce"),
    ("1533-2298", 3381293, 215563856, "612d9f506c55c54db5f2f38b6d50741ef97a6d7c32b3e1be76e789674a97aefb"),
    ("2299-3064", 3381302, 231679762, "9a673c55d139133cfbc57097bf155b5ac9f33684ee97f40bf2afba332d416a3a"),
)

DOWNLOAD = Download(
    name="cheng-tumours",
    title="Cheng's brain tumours: contrast-enhanced T1 slices of meningioma, glioma and pituitary tumour",
    files=tuple(
        File(
            url=f"https://ndownloader.figshare.com/files/{number}",
            name=f"brainTumorDataPublic_{part}.zip",
            checksum=f"sha256:{digest}",
            bytes=size,
        )
        for part, number, size, digest in ARCHIVES
    ),
    licence="CC BY 4.0",
    citation="Cheng et al. 2015, PLoS ONE 10:e0140381; Cheng et al. 2016, PLoS ONE 11:e0157112",
    page="https://doi.org/10.6084/m9.figshare.1512427",
    note="Reading it needs h5py: pip install 'brainlab[mat]'.",
)

KINDS = {1: "meningioma", 2: "glioma", 3: "pituitary"}
SIDES = (512, 256)  # a picture's width and height in px

LAYOUT = Layout(
    About(
        source="Cheng's brain tumour set, contrast-enhanced T1, skull present, mixed planes",
        licence=DOWNLOAD.licence,
        citation=DOWNLOAD.citation,
        synthetic=False,
    ),
    contrast="T1ce",
)


def read(folder: Path, size: int = 64) -> Slices:
    """Every slice in the unpacked ``folder``, patient by patient: (N, 1, size, size), labelled by kind of tumour."""
    files = [path for path in Path(folder).rglob("[!.]*.mat") if path.name != "cvind.mat"]  # which lists folds
    for path in files:
        if not path.stem.isdigit():
            raise InputError(f"{path} should be named by a number, as 1.mat is; take it out of the folder.")
    if not files:
        raise InputError(f"{folder} should hold the files 1.mat to 3064.mat, and holds none; fetch it again.")
    files.sort(key=lambda path: (_patient(path), int(path.stem)))
    return as_slices(OnDemand(_picture, files), LAYOUT, size)


def _picture(path: Path) -> Picture:
    with _opened(path) as data:
        return _checked(path, data)


def _checked(path: Path, data: Any) -> Picture:
    grey, mask = (_array(path, data, field).T for field in ("image", "tumorMask"))  # MATLAB's columns are HDF5's rows
    if grey.shape not in [(side, side) for side in SIDES] or mask.shape != grey.shape:
        raise InputError(
            f"{path} should hold an image and a tumorMask of 512 x 512 or 256 x 256, and holds {grey.shape} and "
            f"{mask.shape}."
        )
    if not np.isfinite(grey).all() or not np.isin(mask, (0, 1)).all() or not mask.any():
        raise InputError(f"{path} should hold a finite image and a tumorMask of 0 and 1 with a tumour in it.")
    label = _array(path, data, "label").ravel().tolist()
    if len(label) != 1 or label[0] not in KINDS:
        raise InputError(f"{path} should have one label, 1, 2 or 3, and has {label}.")
    return Picture(str(path), grey.astype(np.float32), _pid(path, data), KINDS[int(label[0])], mask)


def _patient(path: Path) -> str:
    with _opened(path) as data:
        return _pid(path, data)


def _pid(path: Path, data: Any) -> str:
    """The patient's id, which is kept as a column of character codes."""
    codes = _array(path, data, "PID").ravel().tolist()
    name = "".join(chr(int(code)) for code in codes).strip() if all(32 <= code < 127 for code in codes) else ""
    if not name:
        raise InputError(f"{path} should name its patient in cjdata/PID as letters' codes, and has {codes[:8]}.")
    return name


def _array(path: Path, data: Any, field: str) -> np.ndarray:
    try:
        return np.asarray(data[f"cjdata/{field}"])
    except (KeyError, TypeError, ValueError, OSError):
        raise InputError(f"{path} should hold cjdata/{field}, and does not; fetch the collection again.") from None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A .mat file, open for reading; InputError where h5py is missing or the file is damaged."""
    try:
        import h5py
    except ImportError:
        raise InputError("Cheng's files are HDF5, which needs h5py: pip install 'brainlab[mat]'.") from None
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} cannot be opened as HDF5 ({error}); fetch the collection again.") from None
    with file:
        yield file


SOURCE = Source(DOWNLOAD, read)
