"""Where things that are costly to make are kept: one folder outside the repository, and one that a class may share.

An instructor who wants thirty students to download and build nothing fills a folder once, and lets all read it:

    BRAINLAB_CACHE=/srv/brainlab brainlab data get phantom
    BRAINLAB_CACHE=/srv/brainlab brainlab data get NAME
    chmod -R a+rX /srv/brainlab

and sets ``BRAINLAB_SHARED=/srv/brainlab`` for the students. What is there is used from there, without a lock and
without writing; what is not goes to each student's own cache.
"""

import os
from pathlib import Path

import platformdirs

from brainlab.errors import InputError


def cache_dir() -> Path:
    """The folder for built data, made if need be: ``BRAINLAB_CACHE`` where set, else the system's place for caches.

    Raises InputError where it cannot be made or written.
    """
    folder = Path(
        os.environ.get("BRAINLAB_CACHE") or platformdirs.user_cache_dir("brainlab", appauthor=False)
    ).expanduser()
    mend = "make it writable, or set the environment variable BRAINLAB_CACHE to a folder that is"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The cache folder {folder} cannot be made ({error.strerror}): {mend}.") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"The cache folder {folder} cannot be written: {mend}.")
    return folder


def shared(*parts: str) -> Path | None:
    """A file or folder in the shared cache, which ``BRAINLAB_SHARED`` names; None where there is none.

    Raises InputError where the shared cache is not a folder, or what is asked for may not be read.
    """
    named = os.environ.get("BRAINLAB_SHARED")
    if not named:
        return None
    folder = Path(named).expanduser()
    mend = "ask whoever keeps it, or unset the environment variable BRAINLAB_SHARED to use your own cache"
    try:
        if not folder.is_dir():
            raise InputError(f"The shared cache {folder} is not a folder: {mend}.")
        path = folder.joinpath(*parts)
        if not path.exists():
            return None
    except OSError as error:
        raise InputError(f"The shared cache {folder} cannot be read ({error.strerror}): {mend}.") from error
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise InputError(f"{path} is shared, but you may not read it: {mend}.")
    return path
