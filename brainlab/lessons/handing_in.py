"""What a learner may hand in to their instructor: one small table, under a name of their own choosing, sent by nobody.

A row for each question: whether the exercise is solved and after how many tries, whether the prediction came true and
how sure it was, whether the quiz answer is right. What the learner wrote, when, and whatever was measured on a scan of
theirs stays in their own file.
"""

import csv
import io
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from brainlab.errors import InputError
from brainlab.lessons import calibrating, journal
from brainlab.lessons.messages import Message

PRIVACY = (
    "In it are the name you chose and, for each question, whether it is solved and in how many tries, and how sure you "
    "were. Not in it are your code, dates, and numbers measured on a scan. Nothing was sent: hand it in as you like."
)
LONGEST = 60  # characters of a name


class Answer(NamedTuple):
    """One question of a learner's."""

    name: str  # the learner's, as they wish to be called
    kind: str  # "exercise", "prediction" or "quiz"
    id: str  # "02.sse"
    result: str  # "solved" or "tried"; "right", "wrong" or "open" (result not seen yet); "number" for a slider
    tries: int = 1
    sure: float | None = None  # per cent
    off: float | None = None  # of a number, as a share of the slider


def export(path: str | os.PathLike | None = None, name: str = "anonymous") -> Message:
    """Write what you may hand in: a ``.csv`` or ``.json`` file, by default ``my_lessons/NAME.csv``.

    ``name`` is what your instructor shall know you by; a pseudonym will do. Raises InputError for another ending and
    where the file cannot be written.
    """
    called = clean_name(name)
    path = (
        Path(path).expanduser()
        if path
        else journal.folder() / f"{''.join(c if c.isalnum() else '_' for c in called)}.csv"
    )
    writers = {".csv": as_csv, ".json": as_json}
    if path.suffix.lower() not in writers:
        raise InputError(f"The file's name has to end in .csv or .json, and {path.name} does not.")
    if path.resolve() == journal.path().resolve():
        raise InputError(f"{path} is the file of your own answers; choose another.")
    rows = answers(journal.records(), called)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_text(writers[path.suffix.lower()](rows), encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path} could not be written ({error.strerror}): choose a folder of your own.") from error
    return Message("Written", f"{len(rows)} answers under the name {called!r} to `{path}`. {PRIVACY}")


def answers(records: list[journal.Record], name: str) -> list[Answer]:
    """A learner's records as rows, in the order of the lessons."""
    kept = {(str(one.get("kind")), str(one.get("id"))): one for one in records}
    tries = Counter((str(one.get("kind")), str(one.get("id"))) for one in records)
    solved = {str(one.get("id")) for one in records if one.get("kind") == "check" and one.get("outcome") == "correct"}
    seen = calibrating.of(records)
    choices, numbers = {one.id: one for one in seen.choices}, {one.id: one for one in seen.numbers}
    rows = []
    for (kind, id), one in kept.items():
        if kind == "check":
            rows.append(Answer(name, "exercise", id, "solved" if id in solved else "tried", tries[kind, id]))
        elif kind == "quiz":
            rows.append(Answer(name, "quiz", id, "right" if one.get("correct") is True else "wrong", tries[kind, id]))
        elif kind == "prediction" and id in choices:
            rows.append(Answer(name, "prediction", id, "right" if choices[id].right else "wrong", 1, choices[id].sure))
        elif kind == "prediction" and id in numbers:
            rows.append(Answer(name, "prediction", id, "number", 1, None, round(numbers[id].off, 3)))
        elif kind == "prediction":
            rows.append(Answer(name, "prediction", id, "open"))
    return sorted(rows, key=lambda row: (row.id.partition(".")[0], row.kind, row.id))


def as_csv(rows: list[Answer]) -> str:
    """The rows as a table that a spreadsheet opens."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(Answer._fields)
    table.writerows(["" if value is None else value for value in row] for row in rows)
    return out.getvalue()


def as_json(rows: list[Answer]) -> str:
    """The rows as a JSON list of objects."""
    return json.dumps([row._asdict() for row in rows], indent=1, ensure_ascii=False)


def clean_name(name: Any) -> str:
    """A name in one line that no spreadsheet takes for a formula."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(name)).split())
    return plain.lstrip("=+-@ ")[:LONGEST].strip() or "anonymous"
