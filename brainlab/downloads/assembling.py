"""A source's folder, put together beside its place and moved there when it is whole."""

import os
import shutil
from pathlib import Path
from typing import Any

import pooch

from brainlab.downloads import marker, troubles
from brainlab.downloads.catalogue import Download, File
from brainlab.downloads.resuming import Resuming
from brainlab.downloads.unpacking import unpack
from brainlab.errors import InputError


def assemble(download: Download, folder: Path) -> None:
    """Fetch, check and unpack every file of a download into ``folder``.

    What is whole so far, and the part of a file whose connection was cut, stay in ``work(folder)`` for the next try.
    """
    pooch.get_logger().setLevel("WARNING")  # the progress bar says it already
    there = work(folder)
    whole = there / "whole"
    try:
        if not marker.done(whole) <= marker.wanted(download):
            shutil.rmtree(there)  # of an older catalogue
        whole.mkdir(parents=True, exist_ok=True)
        had = [file for file in download.files if (file.name, file.checksum) in marker.done(whole)]
        for file in download.files:
            if file not in had:
                _add(file, there, whole, download.page)
                had.append(file)
                marker.write(whole, download, had, complete=False)
        if download.fetch_with:
            _fetch_with(download, whole)
        marker.write(whole, download, list(download.files), complete=True)
        _move(whole, folder)
        shutil.rmtree(there)
    except OSError as error:
        raise InputError(troubles.disk(error, folder.parent)) from error
    finally:
        _prune(there)


def work(folder: Path) -> Path:
    """Where a source's folder is put together."""
    return folder.with_name(f"{folder.name}.part")


def _add(file: File, there: Path, whole: Path, page: str) -> None:
    """One file of the source, into ``whole``; an archive is unpacked there, and removed."""
    arrived = _fetch(file, there / "incoming", page)
    if not file.is_archive:
        (whole / file.name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(arrived, whole / file.name)
        return
    unpacked = there / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)  # of a process that was killed
    unpacked.mkdir()
    try:
        print(f"Unpacking {file.name}", flush=True)
        unpack(arrived, unpacked)
        _merge(unpacked, whole)
    except InputError:
        arrived.unlink()
        raise
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    arrived.unlink()


def _fetch(file: File, incoming: Path, page: str) -> Path:
    """The file as it lies on the web, its checksum verified; what was resumed and is wrong is fetched once anew."""
    downloader: Any = Resuming(
        file.name, incoming / f"{file.name}.part", file.bytes
    )  # Any, for pooch's own type is not what it calls
    for _ in range(2):
        try:
            fetched = pooch.retrieve(file.url, file.checksum, file.name, incoming, downloader=downloader)
            downloader.forget()
            return Path(fetched)
        except InputError:
            raise
        except ValueError as error:  # pooch has compared the checksums, and removed the file
            downloader.forget()
            if not downloader.resumed:
                wrong = f"{file.url} is not the {file.name} that brainlab knows: its checksum is another"
                raise InputError(f"{wrong}; it was removed, so try again, or see {page} for a new version.") from error
    raise AssertionError("a file that was fetched anew cannot have been resumed")


def _fetch_with(download: Download, whole: Path) -> None:
    """Let a library fetch; what it raises becomes a sentence, and what it has fetched stays for the next try."""
    assert download.fetch_with is not None
    try:
        download.fetch_with(whole)
    except InputError:
        raise
    except Exception as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{download.name} could not be fetched ({why}): check the network connection, try again."
        ) from error
    if not any(whole.iterdir()):
        raise InputError(f"{download.name} brought no file at all: try again, or see {download.page}.")


def _merge(unpacked: Path, whole: Path) -> None:
    """Move every file, with its folders."""
    for path in sorted(unpacked.rglob("*")):
        target = whole / path.relative_to(unpacked)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            os.replace(path, target)


def _move(whole: Path, folder: Path) -> None:
    """Put the finished folder in its place; an older version that brainlab has put there makes way."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / marker.NAME).is_file():
            raise InputError(f"{folder} holds something else: move it away, then try again.")
        discard(folder)
    elif folder.exists():
        folder.rmdir()
    os.replace(whole, folder)


def discard(folder: Path) -> int:
    """Remove a folder, so that it is never seen half removed; returns the bytes that this freed."""
    size, away = weight(folder), folder.with_name(f"{folder.name}.removed")
    shutil.rmtree(away, ignore_errors=True)  # of a removal that was interrupted
    if folder.exists():
        os.replace(folder, away)
        shutil.rmtree(away)
    return size


def weight(folder: Path) -> int:
    """The bytes of all files in a folder; 0 where there is none."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def _prune(folder: Path) -> None:
    """Remove what is empty."""
    for path in sorted(folder.rglob("*"), reverse=True) if folder.is_dir() else ():
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
