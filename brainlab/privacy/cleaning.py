"""A copy of a scan with the same voxels in the same place, and not a word besides."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from brainlab import headers, imagefile
from brainlab.errors import InputError


def clean_copy(path: str | os.PathLike, out: str | os.PathLike) -> Path:
    """Write the scan at ``path`` to ``out`` (.nii or .nii.gz) with its voxels, affine and voxel sizes, nothing else.

    Fields of text, extensions, times, intent and, of a 4-D file, its time step are left out, and the gzip header has
    neither name nor time. Voxels keep their number type and scaling, so that they are equal bit by bit. The original
    stays as it is. The picture itself is not changed: see ``shows_face``. Raises InputError for a damaged scan, for
    another ending and where ``out`` exists.
    """
    target = Path(out).expanduser()
    if not target.name.lower().endswith((".nii", ".nii.gz")):
        raise InputError(f"{target} must end in .nii or .nii.gz.")
    found = imagefile.claim(path)
    header = headers.bare(found)
    with _new(target) as file:
        file.write(header.binaryblock.ljust(header.single_vox_offset, b"\0"))
        for plane in imagefile.stored(found):
            file.write(plane.astype(found.dtype.newbyteorder("<")).tobytes(order="F"))
    return target


@contextmanager
def _new(target: Path) -> Iterator[IO[bytes]]:
    """A file that is not there yet, gzipped where its name says so, and gone again if writing it fails."""
    try:
        raw = open(target, "xb")  # noqa: SIM115 - closed below, and only a file made here is removed
    except FileExistsError:
        raise InputError(f"{target} exists already; name a file that does not, nothing is overwritten.") from None
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error.strerror or error}); name another folder.") from None
    try:
        with raw:
            if target.suffix.lower() == ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as zipped:
                    yield zipped  # type: ignore[misc]  # it writes bytes, which is all that is asked
            else:
                yield raw
    except BaseException as error:  # an interrupt leaves nothing half-written either
        target.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise InputError(f"{target} cannot be written ({reason}); make room, or name another folder.") from None
        raise
