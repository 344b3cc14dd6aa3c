"""Going through a folder of someone's own: links are followed, but never in a circle, and no file is seen twice."""

import os
from collections.abc import Iterator
from pathlib import Path

from brainlab.errors import InputError


def walk(top: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder below ``top``, itself first, with the names of its files; in the order of names, without hidden ones.

    A link to a folder is followed where it leads out of ``top`` to what no other link has led to.
    """
    root = os.path.realpath(top)
    seen = {root}
    for here, below, names in os.walk(top, followlinks=True):
        below[:] = [one for one in sorted(below) if not one.startswith(".") and _is_new(Path(here, one), root, seen)]
        yield here, sorted(names)


def _is_new(folder: Path, root: str, seen: set[str]) -> bool:
    real = os.path.realpath(folder)
    inside, above = (real + os.sep).startswith(root + os.sep), (root + os.sep).startswith(real + os.sep)
    if real in seen or (folder.is_symlink() and (inside or above)):
        return False
    seen.add(real)
    return True


def check_fetched(path: Path) -> None:
    """InputError for a link whose file is elsewhere, as DataLad and git-annex leave it."""
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path} is a link to a file that was not fetched: datalad get (or git annex get) fetches it.")
