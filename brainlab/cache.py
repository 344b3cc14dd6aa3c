"""Where things that are costly to make are kept: one folder outside the repository."""

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
