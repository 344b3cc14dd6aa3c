"""Files from the web, fetched whole or not at all: with consent, resumed, checked, and unpacked with care."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from brainlab import cache
from brainlab.downloads import consent, marker, troubles
from brainlab.downloads.catalogue import Download, File, amount
from brainlab.errors import InputError

__all__ = ["Download", "File", "amount", "fetch", "remove", "where"]


def fetch(download: Download, *, yes: bool = False, out: str | Path | None = None) -> Path:
    """The folder of a source, complete, with archives unpacked; downloaded now unless it is here already.

    First shows what it is and asks for a yes, unless ``yes``. It is kept in the cache, or in a folder of the source's
    name inside ``out``. A second notebook that asks meanwhile waits for the first. Raises InputError, in a sentence
    that says what to do, where nothing is downloaded or something goes wrong; a later try goes on where it stopped.
    """
    from brainlab.downloads import assembling  # brings the network's libraries, which a phantom does not need

    folder = Path(out).expanduser().resolve() / download.name if out else _own(download)
    there = (folder if marker.complete(folder, download) else None) if out else where(download)
    if there:
        return there
    if not yes:
        consent.ask(download, folder)
    with _alone(download, folder):
        if not marker.complete(folder, download):  # else another notebook has fetched it meanwhile
            assembling.assemble(download, folder)
    return folder


def where(download: Download) -> Path | None:
    """The folder of a source if it is here and complete: the shared one's, else one's own. Writes nothing in either."""
    shared = cache.shared("downloads", download.name)
    if shared and marker.complete(shared, download):
        return shared
    own = _own(download)
    return own if marker.complete(own, download) else None


def remove(download: Download) -> int:
    """Remove what was downloaded of a source, whole or in part; returns the bytes that this freed.

    Raises InputError if it lies in the shared cache only, or is being downloaded just now.
    """
    from brainlab.downloads import assembling

    own = _own(download)
    part = assembling.work(own)
    shared = cache.shared("downloads", download.name)
    if shared and (shared.resolve() == own.resolve() or not (own.exists() or part.exists())):
        raise InputError(f"{shared} belongs to everybody, and is left alone: unset BRAINLAB_SHARED if it is yours.")
    if not own.parent.is_dir():
        return 0
    with _alone(download, own, wait=False):
        try:
            return assembling.discard(own) + assembling.discard(part)
        except OSError as error:
            raise InputError(troubles.disk(error, own)) from error


def _own(download: Download) -> Path:
    return cache.cache_dir() / "downloads" / download.name


@contextmanager
def _alone(download: Download, folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold a source's lock, so that only one notebook fetches or removes it; a second waits, and is told so."""
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except OSError as error:
        if not isinstance(error, Timeout):
            raise InputError(troubles.disk(error, folder.parent)) from error
        if not wait:
            raise InputError(f"{download.name} is being downloaded just now: wait until it is here.") from error
        print(f"Another notebook or program is downloading {download.name}: waiting for it.", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
