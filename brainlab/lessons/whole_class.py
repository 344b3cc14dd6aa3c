"""A class at a glance, from the files that its learners handed in: who solved what, and where the class stumbled."""

import csv
import html
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from brainlab.errors import InputError
from brainlab.lessons.calibrating import Calibration, Choice, Number
from brainlab.lessons.checking import check
from brainlab.lessons.handing_in import Answer, clean_name

LARGEST = 2_000_000  # bytes: what a learner hands in has some ten thousand
RESULTS = {
    "exercise": ("solved", "tried"),
    "quiz": ("right", "wrong"),
    "prediction": ("right", "wrong", "number", "open"),
}
STUMBLES = 8
PRIVACY = "Read on this computer and sent nowhere. Names are those that the learners chose."
COLOURS = {"solved": "#0a6cbd", "tried": "#e6a15c", "open": "#ededed"}


class Stumble(NamedTuple):
    """A question: how many met it, how many have it right, and the tries it took on average."""

    id: str
    met: int
    right: int
    tries: float


class Classroom:
    """What a class handed in, as text, a page, and a picture; ``passed_over`` names the files that made no sense."""

    def __init__(self, learners: dict[str, list[Answer]], passed_over: dict[str, str]) -> None:
        self.learners, self.passed_over = learners, passed_over

    @property
    def exercises(self) -> list[str]:
        """Ids of the exercises of every lesson that somebody of the class has met, in the order of the course."""
        met = {row.id for rows in self.learners.values() for row in rows if row.kind == "exercise"}
        lessons = {id.partition(".")[0] for id in met}
        known = [f"{one.lesson}.{one.name}" for one in check.all.values() if one.lesson in lessons]
        return sorted({*known, *met}, key=lambda id: (id[:2], known.index(id) if id in known else len(known), id))

    def state(self, name: str, id: str) -> str:
        """ "solved", "tried" or "open"."""
        return next((row.result for row in self.learners[name] if (row.kind, row.id) == ("exercise", id)), "open")

    def stumbles(self) -> list[Stumble]:
        """Exercises and quiz questions, those that the fewest have right first."""
        rows = [row for rows in self.learners.values() for row in rows if row.kind != "prediction"]
        found = []
        for id in sorted({row.id for row in rows}):
            mine = [row for row in rows if row.id == id]
            right = sum(row.result in ("solved", "right") for row in mine)
            found.append(Stumble(id, len(mine), right, sum(row.tries for row in mine) / len(mine)))
        return sorted(found, key=lambda one: (one.right / one.met, -one.tries, one.id))

    def calibration(self, names: Iterable[str] | None = None) -> Calibration:
        """The predictions of the whole class, or of some, as one learner's."""
        rows = [row for name in names or self.learners for row in self.learners[name] if row.kind == "prediction"]
        choices = [Choice(row.id, row.sure, row.result == "right") for row in rows if row.sure is not None]
        return Calibration(choices, [Number(row.id, row.off) for row in rows if row.off is not None], who="they")

    def table(self) -> list[list[str]]:
        """A heading and a row a learner: exercises solved by lesson, quiz answers right, how sure, how often true."""
        lessons = sorted({id[:2] for id in self.exercises})
        table = [["learner", *(f"lesson {one}" for one in lessons), "quiz right", "sure, %", "came true, %"]]
        for name, rows in self.learners.items():
            ids = {one: [id for id in self.exercises if id[:2] == one] for one in lessons}
            solved = [
                f"{sum(self.state(name, id) == 'solved' for id in ids[one])} of {len(ids[one])}" for one in lessons
            ]
            quiz, made = [row.result == "right" for row in rows if row.kind == "quiz"], self.calibration([name]).choices
            sure, right = (
                f"{100 * sum(v) / len(v):.0f}" if v else "–"
                for v in ([c.sure / 100 for c in made], [c.right for c in made])
            )
            table.append([name, *solved, f"{sum(quiz)} of {len(quiz)}", sure, right])
        return table

    def _in_words(self) -> tuple[str, list[str]]:
        """The head line, and the lines below the table."""
        head = f"{len(self.learners)} learner{'s' * (len(self.learners) != 1)}. {PRIVACY}"
        hard = [
            f"{one.id}: {one.right} of {one.met} have it, in {one.tries:.1f} tries on average"
            for one in self.stumbles()[:STUMBLES]
            if one.right < one.met or one.tries >= 2
        ]
        lines = ["Where the class stumbled:" if hard else "Nobody stumbled.", *hard]
        if self.calibration().enough:
            lines.append(f"The class's predictions together. {self.calibration()!r}")
        return head, lines + [f"Passed over: {name} ({why})" for name, why in self.passed_over.items()]

    def __repr__(self) -> str:
        table, (head, lines) = self.table(), self._in_words()
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        rows = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
        return "\n".join([head, "", *rows, "", *lines])

    def _repr_html_(self) -> str:
        heading, *rows = [[html.escape(cell) for cell in row] for row in self.table()]
        head, lines = self._in_words()
        body = "".join(
            f"<tr><th scope='row'>{name}</th>{''.join(f'<td>{c}</td>' for c in cells)}</tr>" for name, *cells in rows
        )
        top = "".join(f"<th scope='col'>{one}</th>" for one in heading)
        words = "".join(f"<p>{html.escape(one)}</p>" for one in lines)
        picture = self.figure()._repr_mimebundle_()["text/html"] if self.exercises else ""
        caption = f"<caption style='text-align:left'>{html.escape(head)}</caption>"
        return f"<table>{caption}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{picture}{words}"

    def figure(self):
        """Learners down, exercises across: solved, tried or open; in words too, as ``alt``."""
        from brainlab.plotting import Figure

        names, ids = list(self.learners), self.exercises
        height = max(2.2, 0.26 * len(names) + 2.0)
        figure = Figure(figsize=(max(5.0, 0.3 * len(ids) + 2.4), height), layout="constrained")
        axis = figure.subplots()
        for state, sign in (("open", "s"), ("tried", "s"), ("solved", "s")):
            places = [
                (x, y) for y, name in enumerate(names) for x, id in enumerate(ids) if self.state(name, id) == state
            ]
            axis.scatter(
                *(zip(*places, strict=True) if places else ([], [])),
                s=110,
                marker=sign,
                color=COLOURS[state],
                label=state,
            )
            if state == "tried":
                axis.scatter(*(zip(*places, strict=True) if places else ([], [])), s=26, marker="x", color="0.15")
        axis.set_xticks(range(len(ids)), ids, rotation=90, fontsize=7)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.set(xlim=(-0.7, len(ids) - 0.3), ylim=(len(names) - 0.3, -0.7))
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
        axis.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), fontsize=8)
        figure.alt = "Exercises of each learner. " + "; ".join(
            f"{name}: {sum(self.state(name, id) == 'solved' for id in ids)} of {len(ids)} solved" for name in names
        )
        return figure


def classroom(folder: str | os.PathLike) -> Classroom:
    """Read every ``.csv`` and ``.json`` file of a folder that ``lessons.export`` wrote.

    A file that cannot be read is passed over and named. Two files of one name are two learners. Raises InputError where
    there is no such folder, or nothing of use in it.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the one that holds what the class handed in.")
    files = sorted(one for one in folder.iterdir() if one.suffix.lower() in (".csv", ".json"))
    learners: dict[str, list[Answer]] = {}
    passed_over: dict[str, str] = {}
    for file in files:
        try:
            rows = _read(file)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error) as error:
            passed_over[file.name] = f"{type(error).__name__}: {str(error)[:80]}"
            continue
        name = base = rows[0].name
        for number in range(2, len(files) + 2):
            if name not in learners:
                break
            name = f"{base} ({number})"
        learners[name] = rows
    if not learners:
        why = "; ".join(f"{name}: {reason}" for name, reason in passed_over.items()) or "no .csv or .json file"
        raise InputError(f"{folder} holds nothing that lessons.export wrote ({why}).")
    return Classroom(dict(sorted(learners.items())), passed_over)


def _read(file: Path) -> list[Answer]:
    """A file's rows; ValueError or its like for one that is not ours."""
    if file.stat().st_size > LARGEST:
        raise ValueError("too large to be what a learner hands in")
    text = file.read_text(encoding="utf-8-sig")
    if file.suffix.lower() == ".json":
        found = json.loads(text)
    else:
        dialect = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
        found = list(csv.DictReader(io.StringIO(text), delimiter=dialect))  # Excel in Europe saves with semicolons
    rows = [_answer(one) for one in found]
    if not rows:
        raise ValueError("no answers in it")
    return rows


def _answer(one: dict[str, Any]) -> Answer:
    kind, id, result = str(one["kind"]), str(one["id"]), str(one["result"])
    if result not in RESULTS.get(kind, ()) or len(id) > 80:
        raise ValueError(f"no such answer: {kind} {id[:20]} {result[:20]}")
    sure, off = (None if one.get(key) in ("", None) else float(one[key]) for key in ("sure", "off"))
    if (sure is not None and not 0 <= sure <= 100) or (off is not None and not 0 <= off < 1e6):
        raise ValueError(f"{id[:20]}: sure or off out of range")
    return Answer(clean_name(one["name"]), kind, id, result, max(1, int(one["tries"])), sure, off)
