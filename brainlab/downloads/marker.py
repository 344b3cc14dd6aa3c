"""The small file that says what a source's folder holds, and whether that is all of it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brainlab.downloads.catalogue import Download, File

NAME = "brainlab-download.json"


def complete(folder: Path, download: Download) -> bool:
    """Whether a folder holds every file of a download, as it is in the catalogue now."""
    said = _read(folder)
    if said.get("complete") is not True or done(folder) != wanted(download):
        return False
    return count(folder) >= said.get("holds", 0)  # a file that somebody has removed is fetched again


def wanted(download: Download) -> set[tuple[str, str]]:
    """Name and checksum of every file of a download."""
    return {(file.name, file.checksum) for file in download.files}


def done(folder: Path) -> set[tuple[str, str]]:
    """Name and checksum of every file that a folder holds."""
    try:
        return {(file["name"], file["checksum"]) for file in _read(folder).get("files", [])}
    except (TypeError, KeyError, AttributeError):  # somebody has edited it
        return set()


def count(folder: Path) -> int:
    """How many files a folder holds, in folders of its own too, this one aside."""
    return sum(len(files) for _, _, files in os.walk(folder)) - (folder / NAME).is_file()


def write(folder: Path, download: Download, files: list[File], complete: bool) -> None:
    """Note what a folder holds now; written beside and renamed, so that it is never half there."""
    said = {
        "name": download.name,
        "title": download.title,
        "licence": download.licence,
        "citation": download.citation,
        "page": download.page,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [{"url": file.url, "name": file.name, "checksum": file.checksum} for file in files],
        "complete": complete,
        "holds": count(folder),
    }
    new = folder / f"{NAME}.new"
    new.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(new, folder / NAME)


def _read(folder: Path) -> dict[str, Any]:
    try:
        said = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
