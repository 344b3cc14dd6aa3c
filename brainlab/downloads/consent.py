"""Nothing is downloaded before a person has seen what it is, and said yes."""

import sys
from pathlib import Path

from brainlab.downloads.catalogue import Download
from brainlab.errors import InputError


def ask(download: Download, folder: Path) -> None:
    """Show what would be downloaded, from where, under which licence and to where; return if the answer is yes.

    Raises InputError, and nothing is downloaded, if it is not yes, or if nobody is there to give one: in a script, or
    where a notebook runs by itself.
    """
    print(described(download, folder), flush=True)
    if not _somebody_is_there():
        raise InputError(f"Nobody can be asked here, so nothing was downloaded: {without_asking(download)}.")
    try:
        answer = input(f"Download {download.name} and agree to its licence? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise InputError(
            f"Nothing was downloaded, for the answer was not yes: ask again, or {without_asking(download)}."
        )


def described(download: Download, folder: Path) -> str:
    """What a person is shown, a line each."""
    unpacked = ", unpacked" if any(file.is_archive for file in download.files) else ""
    lines = {
        "Size": download.size,
        "Licence": download.licence,
        "Please cite": download.citation,
        "Page": download.page,
        "Note": download.note,
        "To": f"{folder}{unpacked}",
    }
    return "\n".join([download.title, *(f"  {name + ':':<13}{text}" for name, text in lines.items() if text)])


def without_asking(download: Download) -> str:
    """How to say yes beforehand."""
    return f"run `brainlab data get {download.name} --yes`, or give yes=True, to agree to its licence"


def _somebody_is_there() -> bool:
    """Whether a question gets an answer: at a terminal, or in a notebook whose page takes input."""
    if "IPython" in sys.modules:
        kernel = getattr(sys.modules["IPython"].get_ipython(), "kernel", None)
        if kernel is not None:
            return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
