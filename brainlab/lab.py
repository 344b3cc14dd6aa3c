"""Copies of the lessons for a student to work in, and JupyterLab to open them."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from brainlab.errors import InputError

CHECKOUT = Path(__file__).resolve().parent.parent
FIRST_LESSON = "00_meet_the_brain.ipynb"
RECORD = ".copied.json"  # in the folder of copies: the fingerprint of each lesson as it was last handed out


def copy_lessons(lessons: Path, copies: Path) -> list[str]:
    """Bring the student's ``copies`` up to date with ``lessons``, notebooks and glossary; returns what to tell her.

    A copy that is as it was handed out is replaced. One that the student has changed or run is never touched: the new
    version is put beside it, once, under a name that says so.
    """
    copies.mkdir(exist_ok=True)
    handed_out, said = _read_record(copies / RECORD), []
    for lesson in sorted([*lessons.glob("*.ipynb"), *lessons.glob("*.md")]):
        mine, content = copies / lesson.name, lesson.read_bytes()
        new, now = fingerprint(content), fingerprint(mine.read_bytes()) if mine.exists() else None
        if now != new and now in (None, handed_out.get(lesson.name)):
            _write(mine, content)
        elif new not in (now, handed_out.get(lesson.name)):
            beside = _free_name(copies, lesson)
            _write(beside, content)
            said.append(f"{lesson.name} has a new version. Yours is as you left it; the new one is {beside.name}.")
        handed_out[lesson.name] = new
    _write(copies / RECORD, json.dumps(handed_out, indent=1).encode())
    return said


def fingerprint(content: bytes) -> str:
    """A hash of a notebook's cells and outputs, without what JupyterLab adds on merely opening it."""
    try:
        cells = json.loads(content)["cells"]
        kept = [[cell["cell_type"], "".join(cell["source"]), cell.get("outputs", [])] for cell in cells]
        content = json.dumps(kept, sort_keys=True).encode()
    except (ValueError, KeyError, TypeError):  # no notebook any more: then the bytes themselves
        pass
    return hashlib.sha256(content).hexdigest()


def serve(arguments: Sequence[str] = ()) -> int:
    """Copy the lessons to ``my_lessons`` and open the first in JupyterLab; returns JupyterLab's exit code.

    ``arguments`` go to ``jupyter lab`` as they are. Raises InputError where the lessons are not beside the package.
    """
    lessons, copies = CHECKOUT / "notebooks", CHECKOUT / "my_lessons"
    if not (lessons / FIRST_LESSON).is_file():
        raise InputError(
            f"{lessons} has no lessons: install brainlab from a clone of its repository with pip install -e ."
        )
    for line in [*copy_lessons(lessons, copies), "The lessons are in my_lessons/. Ctrl-C, twice, stops JupyterLab."]:
        print(line)
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # this environment's kernel, whatever else is installed
    return _run([sys.executable, "-m", "jupyterlab", *_settings(copies / FIRST_LESSON), *arguments])


def _settings(notebook: Path) -> list[str]:
    """Jupyter's arguments: this computer only, behind the token that Jupyter draws, and no questions at the start."""
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": CHECKOUT,  # so that the lessons find the pictures in assets/
        "LabApp.default_url": f"/lab/tree/{notebook.relative_to(CHECKOUT).as_posix()}",
        "LabApp.app_settings_dir": CHECKOUT / "assets" / "jupyterlab",  # asks for no news: nothing leaves the computer
        "Application.log_level": "WARN",  # of Jupyter's many lines, those that matter: the address, and troubles
        "ServerApp.allow_root": _is_root(),
    }
    return [f"--{name}={value}" for name, value in settings.items()]


def _run(command: list[str]) -> int:
    if os.name == "posix":  # become JupyterLab: it answers Ctrl-C itself, and torch's memory is given back
        sys.stdout.flush()
        os.execv(command[0], command)
    server = subprocess.Popen(command)
    while True:
        try:
            return server.wait()
        except KeyboardInterrupt:  # JupyterLab has had it too, and asks whether to stop
            continue


def _is_root() -> bool:
    """In a container one is root, and JupyterLab would refuse to start."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _read_record(path: Path) -> dict[str, str]:
    """What was handed out; nothing where the record is lost, so that every copy counts as changed."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def _free_name(folder: Path, lesson: Path) -> Path:
    name, count = f"{lesson.stem} (new {date.today()})", 1
    while (folder / f"{name}{lesson.suffix}").exists():
        count += 1
        name = f"{lesson.stem} (new {date.today()}, {count})"
    return folder / f"{name}{lesson.suffix}"
