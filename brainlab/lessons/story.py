"""What runs through the course: one patient seen by every model, and a table that grows by the learner's own runs.

patient = lessons.patient(dev)                                       # the same slice in every lesson
found = lessons.tumours(lambda s: anomaly.anomaly_map(vae, s.images, s.brain), dev)
lessons.keep_row("03", "VAE", psnr=psnr, **found)                    # kept in the learner's own file; shows the table
"""

import html
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from torch import Tensor

from brainlab import anomaly, metrics
from brainlab.errors import InputError
from brainlab.lessons import journal
from brainlab.slices import Slices

COLUMNS = {
    "psnr": ("rebuilds unseen healthy people, PSNR in dB", ".1f"),
    "frechet": ("invents people, Fréchet distance", ".0f"),
    "dark": ("finds dark tumours, AP", ".2f"),
    "iso": ("iso-intense, AP", ".2f"),
    "bright": ("bright, AP", ".2f"),
}
"""What a row may hold: its heading, and how the number is written."""
EMPTY = "No row yet: lessons 01 to 05 keep one here for each model that you meet in them."
LEVELS = {"dark": "hypo", "iso": "iso", "bright": "hyper"}


class Line(NamedTuple):
    """A model's row: the lesson it came from, its name, and its numbers by the names of ``COLUMNS``."""

    lesson: str
    model: str
    numbers: dict[str, float]


class Table:
    """The rows so far as an HTML table, and in plain text."""

    def __init__(self, lines: list[Line], trouble: str = "") -> None:
        self.lines, self.trouble = lines, trouble

    def _cells(self, line: Line) -> list[str]:
        return [format(line.numbers[name], style) if name in line.numbers else "–" for name, (_, style) in _SHOWN]

    def __repr__(self) -> str:
        if not self.lines:
            return EMPTY
        heads = "\n".join(f"{name}: {heading}" for name, (heading, _) in _SHOWN)
        rows = [f"{'':4}{'':24}" + "".join(f"{name:>9}" for name in COLUMNS)]
        rows += [
            f"{one.lesson:4}{one.model:24}" + "".join(f"{cell:>9}" for cell in self._cells(one)) for one in self.lines
        ]
        return "\n".join([heads, *rows, self.trouble]).rstrip()

    def _repr_html_(self) -> str:
        if not self.lines:
            return f"<p>{EMPTY}</p>"
        right = "style='text-align:right;padding:.2em .8em'"
        heads = "".join(f"<th scope='col' {right}>{html.escape(heading)}</th>" for _, (heading, _) in _SHOWN)
        rows = "".join(
            f"<tr><td>{html.escape(one.lesson)}</td>"
            f"<th scope='row' style='text-align:left'>{html.escape(one.model)}</th>"
            + "".join(f"<td {right}>{cell}</td>" for cell in self._cells(one))
            + "</tr>"
            for one in self.lines
        )
        caption = f"Your own runs so far. {html.escape(self.trouble)}".strip()
        return (
            f"<table><caption style='text-align:left'>{caption}</caption><thead><tr><th scope='col'>lesson</th>"
            f"<th scope='col' style='text-align:left'>model</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        )


_SHOWN = list(COLUMNS.items())


def patient(s: Slices) -> Slices:
    """The one slice that every lesson shows: the first person's dark tumour, where its cut is largest.

    ``s`` must hold the visit "tumour-hypo", as the phantom's ``dev`` does, and any set after ``data.with_lesions``.
    """
    ill = s.where(visit="tumour-hypo")
    names = np.array(ill.subjects)
    return ill[[max(np.flatnonzero(names == min(ill.subjects)), key=lambda i: int(ill.masks[i].sum()))]]


def tumours(score: Callable[[Slices], Tensor], s: Slices) -> dict[str, float]:
    """How well maps (N, 1, H, W) of ``score`` rank the pixels of tumours first: AP by "dark", "iso" and "bright".

    All maps are tidied alike, as lesson 02 does it (a median of 5 × 5 pixels, the brain's rim scored 0), so that only
    the models differ.
    """
    found = {}
    for name, level in LEVELS.items():
        part = s.where(visit=f"tumour-{level}")
        maps = anomaly.median(score(part) * part.brain, 5) * anomaly.erode(part.brain)
        found[name] = metrics.average_precision(maps, part.masks, part.brain)
    return found


def keep_row(lesson: str, model: str, **numbers: float) -> Table:
    """Keep a model's numbers in the learner's own file, a new run in place of the last, and show the table.

    Raises InputError for a number that the table has no column for.
    """
    if unknown := numbers.keys() - COLUMNS.keys():
        raise InputError(f"The table has no column {', '.join(sorted(unknown))}: choose from {', '.join(COLUMNS)}.")
    rounded = {name: round(float(value), 4) for name, value in numbers.items()}
    trouble = journal.write("row", f"{lesson}.{model}", lesson=lesson, model=model, numbers=rounded)
    lines = [one for one in table().lines if (one.lesson, one.model) != (lesson, model)]
    return Table(_sorted([*lines, Line(lesson, model, rounded)]), trouble)


def table() -> Table:
    """The rows so far, in the order of the lessons; each model's newest run."""
    newest: dict[str, Line] = {}
    for record in journal.records():
        if record.get("kind") == "row" and isinstance(record.get("numbers"), dict):
            line = Line(str(record.get("lesson")), str(record.get("model")), record["numbers"])
            newest[str(record.get("id"))] = line
    return Table(_sorted(list(newest.values())))


def _sorted(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.lesson)
