"""An image file on disk, distrusted: what its header claims is held against the file before a voxel is read.

Libraries believe a header: one that claims terabytes is allocated, one that is too small for its data gives a sheared
picture, a broken gzip stream ends in a traceback from zlib. Here each becomes one sentence that names the file.
"""

import math
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from nibabel import imageglobals

from brainlab import headers
from brainlab.errors import InputError
from brainlab.headers import Claim

try:  # unpacks three times as fast as Python's own
    from isal import igzip as gzip
    from isal import isal_zlib as zlib
except ImportError:  # Windows on ARM has no wheel of it
    import gzip
    import zlib

ENDINGS = (".nii.gz", ".nii", ".hdr", ".img", ".mgh", ".mgz")
MOST_VOXELS = 512**3  # in one volume: 0.5 GB as float32; a whole head at 0.5 mm has 80 million
MOST_BYTES = 2**34  # in one compressed file once unpacked, 16 GB: an hour of functional MRI
GZIP_RATIO = 1032  # deflate cannot pack tighter, whatever the data


@contextmanager
def plainly(path) -> Iterator[None]:
    """Turn whatever a missing or damaged file raises below into one InputError that names it and the mend."""
    try:
        yield
    except InputError:
        raise
    except PermissionError:
        raise InputError(f"{path} cannot be opened: permission denied; ask its owner, or change its rights.") from None
    except FileNotFoundError as error:
        raise InputError(f"{error.filename or path} does not exist; check the spelling and the folder.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):  # type: ignore[misc]  # isal types its error as a value
        raise InputError(f"{path} is damaged or cut short; download or copy it again.") from None
    except Exception as error:  # a decoder may raise anything over a damaged header
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} cannot be read as an image ({reason}); check it, or get it again.") from None


QUIET = threading.RLock()
"""Warnings are switched off for the whole process: two threads that did so at once would leave them off for good."""


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what nibabel and numpy say of a header that is mended or refused here anyhow."""
    with QUIET:
        spoke = imageglobals.logger.disabled
        imageglobals.logger.disabled = True
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                yield
        finally:
            imageglobals.logger.disabled = spoke


def claim(path: str | os.PathLike) -> Claim:
    """Read and check an image's header without reading a voxel; InputError for what could not become a picture."""
    with plainly(path), _quietly():
        file = _existing(path)
        ending = next((one for one in ENDINGS if file.name.lower().endswith(one)), None)
        if ending is None and is_dicom(file):
            raise InputError(f"{file} is a DICOM file, one slice of many; read its folder with brainlab.dicom.read.")
        if ending is None:
            raise InputError(f"{file} does not end in {', '.join(ENDINGS)}; convert it to NIfTI first.")
        if ending in (".hdr", ".img"):
            header, image = (_existing(_partner(file, one)) for one in (".hdr", ".img"))
            found = headers.pair(_first_bytes(header), header, image)
        else:
            decode = headers.mgh if ending in (".mgh", ".mgz") else headers.nifti
            found = decode(_first_bytes(file), file)
        _check_size(found)
        headers.check_affine(found)
        return found


def voxels(found: Claim, volume: int | None = None, mask: bool = False) -> np.ndarray:
    """The chosen volume (X, Y, Z) as float32 in the file's own grid, scaled; InputError unless finite and varied.

    A ``mask`` may be all 0: it marks nothing. Read slice by slice, so that a file never takes more memory than the
    volume it becomes.
    """
    x, y, z, n = found.shape
    chosen = _chosen(found, volume)
    slice_bytes = x * y * found.dtype.itemsize
    data = np.empty((x, y, z), dtype=np.float32, order="F")
    with plainly(found.path), unpacked(found.path) as stream, np.errstate(all="ignore"):
        stream.seek(found.offset + chosen * z * slice_bytes)
        for k in range(z):
            block = stream.read(slice_bytes)
            if len(block) < slice_bytes:
                raise EOFError
            plane = np.frombuffer(block, found.dtype).reshape(x, y, order="F")
            data[:, :, k] = plane if found.scale == (1, 0) else plane * found.scale[0] + found.scale[1]
        if chosen == n - 1:
            _check_end(stream, found)
    least, most = data.min(), data.max()  # either is NaN where any voxel is
    if not (np.isfinite(least) and np.isfinite(most)):
        bad = np.count_nonzero(~np.isfinite(data))
        raise InputError(f"{found.path} has {bad:,} voxels that are NaN or infinite; replace them (numpy.nan_to_num).")
    if least == most and not (mask and data.flat[0] == 0):
        empty = ", or read it with mask=True if it marks lesions and there are none" if data.flat[0] == 0 else ""
        raise InputError(
            f"{found.path} shows nothing, every voxel is {data.flat[0]:g}; check that it is the right file{empty}."
        )
    return data


def stored(found: Claim) -> Iterator[np.ndarray]:
    """Every plane (X, Y) of every volume, in order, in the file's own unscaled numbers; InputError if cut short."""
    x, y, z, n = found.shape
    with plainly(found.path), unpacked(found.path) as stream:
        stream.seek(found.offset)
        for _ in range(z * n):
            block = stream.read(x * y * found.dtype.itemsize)
            if len(block) < x * y * found.dtype.itemsize:
                raise EOFError
            yield np.frombuffer(block, found.dtype).reshape(x, y, order="F")
        _check_end(stream, found)


def is_dicom(file: Path) -> bool:
    """Whether a file starts as DICOM files do: 128 bytes of anything, then the letters DICM."""
    with open(file, "rb") as raw:
        return raw.read(132)[128:] == b"DICM"


def _existing(path: str | os.PathLike) -> Path:
    if "\0" in str(path):
        raise InputError(f"{str(path)!r} has a null byte in its name, which no file can have; type the name anew.")
    file = Path(path).expanduser()
    size = file.stat().st_size
    if file.is_dir():
        raise InputError(
            f"{file} is a folder; name one image file in it, or read a folder of DICOM files with brainlab.dicom.read."
        )
    if not file.is_file():
        raise InputError(f"{file} is not an ordinary file; copy the image to a disk first.")
    if size == 0:
        raise InputError(f"{file} is empty (0 bytes); download or copy it again.")
    return file


def _partner(file: Path, ending: str) -> Path:
    """The other half of a .hdr/.img pair, in the same case."""
    return file.with_suffix(ending.upper() if file.suffix.isupper() else ending)


@contextmanager
def unpacked(file: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, gunzipped where its name says so; InputError where name and content disagree."""
    with open(file, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if _named_gzip(file) and not zipped:
            raise InputError(f"{file} is not the gzip file that its name says; get it again, or mend its name.")
        if zipped and not _named_gzip(file):
            raise InputError(f"{file} is gzip-compressed, which its name does not say; add .gz to its name.")
        yield gzip.GzipFile(fileobj=raw) if zipped else raw  # type: ignore[misc]  # both read, seek and close


def _named_gzip(file: Path) -> bool:
    return file.suffix.lower() in (".gz", ".mgz")


def _first_bytes(file: Path) -> bytes:
    with unpacked(file) as stream:
        return stream.read(headers.BLOCK)


def _check_size(found: Claim) -> None:
    """Whether the file can hold what its header claims, and the kit what the file holds; nothing is allocated yet."""
    held, zipped = found.path.stat().st_size, _named_gzip(found.path)
    claimed = found.offset + math.prod(found.shape) * found.dtype.itemsize
    shape = found.shape if found.shape[3] > 1 else found.shape[:3]
    says = f"{found.path} has a header that claims {' x '.join(map(str, shape))} voxels ({_bytes(claimed)})"
    if claimed > held * (GZIP_RATIO if zipped else 1):
        raise InputError(f"{says}, more than its {_bytes(held)} can hold; it is damaged or cut short, get it again.")
    if claimed < held and not zipped and not found.loose:
        raise InputError(f"{says}, less than the {_bytes(held)} it holds; header and data disagree, get it again.")
    if math.prod(found.shape[:3]) > MOST_VOXELS or (zipped and claimed > MOST_BYTES):
        raise InputError(f"{says}, more than brainlab opens; resample the scan to 1 mm, or cut it into volumes.")


def _check_end(stream: IO[bytes], found: Claim) -> None:
    """Read on after the last voxel: there is nothing more, and a gzip stream's checksum is right."""
    for _ in range(16):  # an MGH footer is short; a stream that goes on for ever is left alone
        rest = stream.read(2**20)
        if rest and not found.loose:
            raise InputError(f"{found.path} holds more than its header claims; header and data disagree, get it again.")
        if not rest:
            return


def _chosen(found: Claim, volume: int | None) -> int:
    n = found.shape[3]
    if volume is None and n > 1:
        raise InputError(f"{found.path} holds {n} volumes; name one, volume=0 to volume={n - 1}.")
    if volume is None:
        return 0
    if isinstance(volume, bool) or not isinstance(volume, (int, np.integer)) or not 0 <= volume < n:
        raise InputError(f"{found.path} has no volume {volume!r}; name one from 0 to {n - 1}.")
    return int(volume)


def _bytes(n: int) -> str:
    """A number of bytes as one reads it: 29 MB, 2 TB."""
    power = min(int(math.log10(max(n, 1)) / 3), 6)
    return f"{n / 1000**power:.3g} {('bytes', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB')[power]}"
