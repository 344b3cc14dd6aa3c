"""Where images come from: one file a source, each returning Slices.

A source that can be downloaded is one new file in this folder: a module with ``SOURCE = Source(Download(…), read)``.
"""

import importlib
import pkgutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from brainlab.cache import cache_dir
from brainlab.downloads.catalogue import Download
from brainlab.errors import InputError
from brainlab.slices import Slices


class Source(NamedTuple):
    """What can be downloaded, and how its folder is read."""

    download: Download
    read: Callable[[Path, int], Slices]  # read(folder, size): size is the width in pixels


def known() -> dict[str, Source]:
    """Every source that can be downloaded, by name: each module in this folder that has an attribute ``SOURCE``.

    A module that cannot be imported is left out with a warning, so that one broken file does not hide the others.
    """
    found, broken = _found()
    for module, error in broken.items():
        warnings.warn(f"The source in {module} is left out, for it cannot be imported: {error!r}", stacklevel=2)
    return found


def find(name: str) -> Source:
    """The source of a name. Raises InputError where there is none, and a broken module's own error if it may be it."""
    if name == "phantom":
        place = cache_dir() / "phantom"
        raise InputError(f"The phantoms are grown, not downloaded; they lie in {place}, which you may remove yourself.")
    found, broken = _found()
    if name in found:
        return found[name]
    for error in broken.values():
        raise error
    raise InputError(f"There is no source called {name!r} to download; there are {', '.join(['phantom', *found])}.")


def _found() -> tuple[dict[str, Source], dict[str, Exception]]:
    """The sources by their names, and the errors of what could not be imported, by module."""
    found: dict[str, Source] = {}
    broken: dict[str, Exception] = {}
    for module in sorted(one.name for one in pkgutil.iter_modules(__path__, f"{__name__}.")):
        try:
            source = getattr(importlib.import_module(module), "SOURCE", None)
        except Exception as error:
            broken[module] = error
            continue
        if source is not None:
            found[source.download.name] = source
    return dict(sorted(found.items())), broken
