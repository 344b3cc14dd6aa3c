"""Unpack an archive as if it were hostile: whole, inside its folder, and within bounds, or not at all."""

from pathlib import Path
from typing import Any

from brainlab.downloads import members, names
from brainlab.errors import InputError

RATIO = 60  # times its own size that an archive may unpack to; masks and label maps reach some 40
FLOOR, CAP = 16_000_000, 64_000_000_000  # bytes allowed to the smallest archive, and to the largest
MOST_MEMBERS = 100_000  # files and folders together


def unpack(archive: Path, into: Path) -> None:
    """Write the files of a tar, tar.gz or zip into the empty folder ``into``.

    Raises InputError, naming the member at fault, for a name that is absolute, leads out of the folder, that some
    system cannot hold or takes for another's; for links, devices, encryption; and for more bytes or members than are
    likely. OSErrors of the disk pass through. Either way ``into`` is then half full, and for the caller to remove.
    """
    most = min(max(FLOOR, RATIO * archive.stat().st_size), CAP)
    taken = _Taken()
    for member in members.of(archive, most):
        if member.is_folder and names.tidy(member.name) in ("", "."):
            continue  # the folder that was packed, as tar writes it
        if why := member.trouble or names.trouble(member.name) or taken.clash(member.name, member.is_folder):
            fault = f"its member {members.shown(member.name)} {why}"
            raise InputError(f"{archive.name} was refused and removed: {fault}; tell its makers.")
        if taken.count > MOST_MEMBERS:
            raise InputError(
                f"{archive.name} was refused and removed: it has more than {MOST_MEMBERS} members; tell its makers."
            )
        path = into / names.tidy(member.name)
        (path if member.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        if not member.is_folder:
            with path.open("xb") as file:
                while data := member.read(members.PIECE):
                    write(file, data)


def write(file: Any, data: bytes) -> None:
    """Write a piece; by itself, so that a test can fill the disk."""
    file.write(data)


class _Taken:
    """The names in use, as the least particular system sees them."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.folders: set[str] = set()

    @property
    def count(self) -> int:
        return len(self.files) + len(self.folders)

    def clash(self, name: str, is_folder: bool) -> str | None:
        """Take a name; returns why it cannot be, as the end of "its member …"."""
        folded = names.folded(name)
        above = ["/".join(folded.split("/")[:depth]) for depth in range(1, folded.count("/") + 1)]
        if folded in self.files or (not is_folder and folded in self.folders):
            return "is there twice, or again with other capitals"
        if any(one in self.files for one in above):
            return "lies in a folder that is a file"
        self.folders.update(above)
        (self.folders if is_folder else self.files).add(folded)
        return None
