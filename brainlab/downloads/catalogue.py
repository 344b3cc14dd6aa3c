"""What can be downloaded: its files with their checksums, and all that must be known before saying yes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from brainlab.downloads import names
from brainlab.errors import InputError

CHECKSUM = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")


@dataclass(frozen=True)
class File:
    """One file on the web. An archive (.tar, .tar.gz, .tgz, .zip) is unpacked into the source's folder."""

    url: str
    name: str  # the path under the source's folder, "a/b.nii.gz"
    checksum: str  # "md5:…" or "sha256:…"
    bytes: int | None = None  # how large it is, where known

    def __post_init__(self) -> None:
        if not re.match(r"https?://", self.url):
            raise InputError(f"The address of {self.name} must start with https:// or http://, got {self.url!r}.")
        if trouble := names.trouble(self.name):
            raise InputError(f"{self.name!r} cannot name a file to download: it {trouble}; choose a plain name.")
        if not CHECKSUM.fullmatch(self.checksum):
            raise InputError(f'The checksum of {self.name} must read "md5:…" or "sha256:…", got {self.checksum!r}.')

    @property
    def is_archive(self) -> bool:
        """Whether it is unpacked."""
        return self.name.lower().endswith(ARCHIVES)


@dataclass(frozen=True)
class Download:
    """A source's files, and what a learner is shown before agreeing."""

    name: str  # the folder's name, too
    title: str
    files: tuple[File, ...]
    licence: str
    citation: str
    page: str  # where its makers describe it
    note: str = ""  # what else to know, in a sentence
    roughly: str = ""  # how much it is, in words, where the files' own sizes are not known: "about 70 MB"
    fetch_with: Callable[[Path], None] | None = None  # for what a library fetches itself; files is then ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name) or names.trouble(self.name):
            raise InputError(f"A source's name has small letters, digits and hyphens only, got {self.name!r}.")
        if bool(self.files) == bool(self.fetch_with):
            raise InputError(f"{self.name} needs either files or fetch_with: give one of them.")
        if len({names.folded(file.name) for file in self.files}) < len(self.files):
            raise InputError(f"Two files of {self.name} have the same name: give each its own.")

    @property
    def bytes(self) -> int | None:
        """The size of all files; None where one is not known."""
        sizes = [file.bytes for file in self.files]
        return sum(size for size in sizes if size) if sizes and None not in sizes else None

    @property
    def size(self) -> str:
        """The size in words."""
        return amount(self.bytes) if self.bytes else self.roughly or "size not stated"


def amount(size: float) -> str:
    """Bytes as a reader likes them: "214 MB"."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= one:
            return f"{size / one:.0f} {unit}" if size >= 10 * one else f"{size / one:.1f} {unit}"
    return f"{size:.0f} bytes"
