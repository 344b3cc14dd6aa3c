"""``brainlab data``: what data is here, and what can be downloaded, fetched and removed."""

import argparse
from pathlib import Path

from brainlab import cache, data, downloads, sources
from brainlab.errors import InputError

TASKS = ("list", "get", "where", "remove")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A task, a source's name, and ``--yes``."""
    parser.description = "Without a task: where built data is kept, and how much of it."
    tasks = parser.add_subparsers(dest="task", metavar="task")
    tasks.add_parser("list", help="the sources there are, and which of them are here")
    get = tasks.add_parser("get", help="download a source, or grow the phantoms")
    get.add_argument("name")
    get.add_argument("--yes", action="store_true", help="agree to the licence beforehand, for scripts")
    where = tasks.add_parser("where", help="the folder of a source, or of all that are here")
    where.add_argument("name", nargs="?")
    remove = tasks.add_parser("remove", help="remove what was downloaded of a source")
    remove.add_argument("name")


def run(arguments: argparse.Namespace) -> int:
    """Do the task that was asked for."""
    if arguments.task == "list":
        return show()
    if arguments.task == "get":
        return get(arguments.name, arguments.yes)
    if arguments.task == "where":
        return where(arguments.name)
    return remove(arguments.name) if arguments.task == "remove" else built()


def built() -> int:
    """Print the cache's folder and what lies in it. It may be removed: a lesson builds again what it needs."""
    folder = cache.cache_dir()
    print(folder)
    sizes: dict[str, int] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        parts = path.relative_to(folder).parts
        name = Path(*(parts[:2] if parts[0] == "downloads" else parts))  # a source has thousands of files
        sizes[str(name)] = sizes.get(str(name), 0) + path.stat().st_size
    for name, size in sizes.items():
        print(f"{size / 1e6:8.1f} MB  {name}")
    return 0


def show() -> int:
    """Print every source: its name, size, what it is, its licence, and whether it is here."""
    rows = [("name", "size", "here", "licence", "what")]
    rows.append(("phantom", "grown", "-", "free (MNI notice)", "the synthetic population, grown on this computer"))
    for name, source in sources.known().items():
        one = source.download
        rows.append((name, one.size, "yes" if downloads.where(one) else "no", one.licence, one.title))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([text.ljust(width) for text, width in zip(row[:4], widths, strict=True)] + [row[4]]))
    return 0


def get(name: str, yes: bool) -> int:
    """Download a source, and print its folder; an interrupt is no error, for the next try goes on from there."""
    try:
        print(data.get(name, yes=yes))
    except KeyboardInterrupt:
        print(f"\nStopped; `brainlab data get {name}` goes on from here.")
        return 130
    return 0


def where(name: str | None) -> int:
    """Print the folder of one source, or of all that are here."""
    if name is None:
        for one, source in sources.known().items():
            if folder := downloads.where(source.download):
                print(f"{one}  {folder}")
        return 0
    if name == "phantom":
        print(cache.shared("phantom") or cache.cache_dir() / "phantom")
        return 0
    folder = downloads.where(sources.find(name).download)
    if folder is None:
        raise InputError(f"{name} is not here: `brainlab data get {name}` downloads it.")
    print(folder)
    return 0


def remove(name: str) -> int:
    """Remove a source's folder, and say how much that freed."""
    freed = downloads.remove(sources.find(name).download)
    print(f"{downloads.amount(freed)} freed." if freed else f"{name} was not here.")
    return 0
