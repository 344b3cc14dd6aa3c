"""What an archive holds, member by member, read without trusting what its headers claim.

Python's own readers take a header's word for sizes; here every byte that comes out of the decompressor is counted.
"""

import gzip
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from brainlab.errors import InputError

HEADER = 1 << 16  # bytes of one member's headers: long names and attributes take hundreds
PIECE = 1 << 16
PLAIN_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
TAR_KINDS = {
    tarfile.SYMTYPE: "is a link",
    tarfile.LNKTYPE: "is a link",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a pipe",
}
NOT_PLAIN = "is not a plain file"


class Member(NamedTuple):
    """One entry of an archive."""

    name: str
    is_folder: bool
    trouble: str | None  # why it is not taken, as the end of "its member …"
    read: Callable[[int], bytes]  # up to so many bytes more; b"" at the end


def of(archive: Path, most: int) -> Iterator[Member]:
    """The members of a tar, tar.gz or zip in their order; each must be read before the next is asked for.

    Raises InputError where the archive is damaged, or gives more than ``most`` bytes in all.
    """
    walk = _zip_members if archive.name.lower().endswith(".zip") else _tar_members
    members = walk(archive, most)
    while True:
        try:
            member = next(members, None)
        except InputError:
            raise
        except Exception as error:  # tarfile and zipfile raise many kinds for damaged headers
            raise InputError(damaged(archive, error)) from error
        if member is None:
            return
        yield member


def damaged(archive: Path, error: Exception) -> str:
    """The sentence for an archive that cannot be read."""
    why = " ".join(str(error).split())[:120] or type(error).__name__
    return f"{archive.name} was refused and removed: it is damaged ({why}); tell its makers."


class _Counted:
    """A decompressed stream, read forwards only, that ends in an InputError above its bounds."""

    def __init__(self, archive: Path, file: Any, most: int) -> None:
        self.archive, self.file, self.most = archive, file, most
        self.position = 0
        self.member = ""  # whose bytes are read, for the sentence
        self.header: int | None = None  # bytes that the headers before the next member may still take

    def tell(self) -> int:
        return self.position

    def seek(self, position: int) -> None:
        header, self.header = self.header, None
        while self.position < position and self.read(min(PIECE, position - self.position)):
            pass
        self.header = header

    def read(self, size: int) -> bytes:
        if self.header is not None:
            self.header -= size
            if size < 0 or self.header < 0:  # a size below nothing would mean all that is left
                raise InputError(f"{self.archive.name} was refused and removed: a member's header has no likely size.")
        try:
            data = self.file.read(size)
        except Exception as error:  # zlib.error, EOFError, BadGzipFile: all mean the same here
            raise InputError(damaged(self.archive, error)) from error
        self.position += len(data)
        if self.position > self.most:
            why = f"its member {shown(self.member)} makes it unpack to more than {self.most / 1e6:.0f} MB, far too much"
            raise InputError(f"{self.archive.name} was refused and removed: {why}; tell its makers.")
        return data


def shown(name: str) -> str:
    """A name as a sentence can hold it."""
    return repr(name if len(name) <= 80 else f"{name[:80]}…")


def _tar_members(archive: Path, most: int) -> Iterator[Member]:
    with archive.open("rb") as start:
        is_gz = start.read(2) == b"\x1f\x8b"
    with gzip.open(archive) if is_gz else archive.open("rb") as file:
        stream = _Counted(archive, file, most)
        stream.header = HEADER
        with tarfile.open(fileobj=stream, mode="r:") as tar:  # type: ignore[arg-type] - it has what tarfile uses
            while True:
                stream.header = HEADER
                info = tar.next()
                stream.header = None
                if info is None:
                    return
                tar.members = []  # else a hundred thousand headers stay in memory
                plain = info.type in PLAIN_FILES and not info.issparse()
                stream.member = info.name
                trouble = None if plain or info.isdir() else TAR_KINDS.get(info.type, NOT_PLAIN)
                trouble = "is smaller than nothing" if info.size < 0 else trouble
                yield Member(info.name, info.isdir(), trouble, _reader(stream, info.size if plain else 0, archive))


def _reader(stream: _Counted, size: int, archive: Path) -> Callable[[int], bytes]:
    """Reads the ``size`` bytes that follow in a stream."""
    end = stream.tell() + size

    def read(most: int) -> bytes:
        wanted = min(most, end - stream.tell())
        data = stream.read(wanted) if wanted > 0 else b""
        if wanted > 0 and not data:
            raise InputError(damaged(archive, EOFError("it ends within a member")))
        return data

    return read


def _zip_members(archive: Path, most: int) -> Iterator[Member]:
    before = 0  # bytes read of earlier members
    with zipfile.ZipFile(archive) as whole:
        for info in whole.infolist():
            name = info.orig_filename  # zipfile shortens the other at a zero byte
            trouble = _zip_trouble(info)
            if trouble or info.is_dir():
                yield Member(name, info.is_dir(), trouble, lambda _: b"")
                continue
            with whole.open(info) as file:
                stream = _Counted(archive, file, most)
                stream.position, stream.member = before, name
                yield Member(name, False, None, stream.read)
                before = stream.tell()


def _zip_trouble(info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & 1:
        return "is encrypted"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link" if kind == stat.S_IFLNK else NOT_PLAIN
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in a way that brainlab does not read"
    return None
