"""The learner's own file: every prediction, answer and check, one JSON object a line, on this machine only.

The file is ``answers.jsonl`` in the nearest ``my_lessons`` folder (the environment variable ``BRAINLAB_ANSWERS`` names
another file). Lines are only ever added, each with one locked write: a re-run, an update, two notebooks at once or a
power cut in mid-line never cost what was there before. Nothing is sent anywhere.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

Record = dict[str, Any]


def path() -> Path:
    """Where the learner's answers are kept; the file need not exist yet."""
    if named := os.environ.get("BRAINLAB_ANSWERS"):
        return Path(named).expanduser()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if folder.name == "my_lessons":
            return folder / "answers.jsonl"
        if (folder / "my_lessons").is_dir():
            return folder / "my_lessons" / "answers.jsonl"
    return here / "my_lessons" / "answers.jsonl"


def folder() -> Path:
    """The learner's own folder, made if need be: a place for what a lesson saves, such as an anomaly map."""
    path().parent.mkdir(parents=True, exist_ok=True)
    return path().parent


def records() -> list[Record]:
    """All records, oldest first. A line that cannot be read (a power cut, an editor) is passed over, never removed."""
    try:
        lines = path().read_bytes().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def latest(kind: str, id: str) -> Record | None:
    """The newest record of one kind ("prediction", "truth", "quiz", "check") and id, or None."""
    return next((r for r in reversed(records()) if r.get("kind") == kind and r.get("id") == id), None)


def write(kind: str, id: str, **values: Any) -> str:
    """Add one record, unless it repeats the newest of its kind. Returns "" or a sentence saying why it was not kept."""
    record = {"kind": kind, "id": id, **values}
    before = latest(kind, id)
    if before and {k: v for k, v in before.items() if k != "when"} == record:
        return ""
    line = json.dumps(record | {"when": datetime.now().astimezone().isoformat(timespec="seconds")}, ensure_ascii=False)
    try:
        _append(path(), line.encode() + b"\n")
    except (OSError, TimeoutError) as error:
        return f"This could not be saved in {path()} ({error.strerror or error}); the lesson goes on without."
    return ""


def _append(file: Path, line: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=10), file.open("a+b") as out:
        if out.tell() > 0:
            out.seek(-1, os.SEEK_END)
            if out.read(1) != b"\n":  # an earlier write was cut short: leave its line, start a new one
                line = b"\n" + line
        out.write(line)
        out.flush()
        os.fsync(out.fileno())
