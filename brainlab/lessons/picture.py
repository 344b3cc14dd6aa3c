"""How far the learner has come: one row a lesson, drawn from their own file."""

import html
from dataclasses import dataclass

from brainlab.lessons import journal
from brainlab.lessons.checking import check

TITLES = {
    "00": "Meet the brain",
    "01": "CNNs",
    "02": "Autoencoders",
    "03": "VAEs",
    "04": "GANs",
    "05": "VAE-GANs",
    "06": "Anomaly showdown",
    "07": "Your own brain",
}
SIGNS = {"correct": "●", "incorrect": "◐", "open": "○"}
WORDS = {"correct": "solved", "incorrect": "tried", "open": "open"}


@dataclass(frozen=True)
class Row:
    """One lesson: the state of each exercise by name, the number of predictions kept, and of quiz questions right."""

    title: str
    exercises: dict[str, str]
    predictions: int
    quizzes: int


class Progress:
    """The rows as a picture in HTML, with the same in words for a screen reader and in plain text."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        return "\n".join(
            f"{row.title}: {''.join(SIGNS[s] for s in row.exercises.values())}"
            f"  {sum(s == 'correct' for s in row.exercises.values())} of {len(row.exercises)} exercises solved,"
            f" {row.predictions} predictions kept, {row.quizzes} quiz questions right"
            for row in self.rows
        )

    def _repr_html_(self) -> str:
        lines = "".join(_svg_row(row, 24 + 34 * i) for i, row in enumerate(self.rows))
        style = "max-width:100%;font:13px sans-serif;fill:currentColor;stroke:currentColor"
        words = html.escape(repr(self), quote=True)
        size = f"width='640' height='{34 * len(self.rows) + 16}'"
        return f"<svg role='img' aria-label='{words}' {size} style='{style}'>{lines}</svg>"


def progress() -> Progress:
    """What has been solved, predicted and answered so far. Nothing leaves this machine."""
    kept = journal.records()
    solved = {r.get("id") for r in kept if r.get("kind") == "check" and r.get("outcome") == "correct"}
    tried = {r.get("id") for r in kept if r.get("kind") == "check"}
    predicted = {str(r.get("id")) for r in kept if r.get("kind") == "prediction"}
    right = {str(r.get("id")) for r in kept if r.get("kind") == "quiz" and r.get("correct")}
    rows = []
    for lesson, title in TITLES.items():
        names = [one.name for one in check.all.values() if one.lesson == lesson]
        states = {n: f"{lesson}.{n}" for n in names}
        rows.append(
            Row(
                f"{lesson} {title}",
                {n: "correct" if id in solved else "incorrect" if id in tried else "open" for n, id in states.items()},
                sum(id.startswith(f"{lesson}.") for id in predicted),
                sum(id.startswith(f"{lesson}.") for id in right),
            )
        )
    return Progress(rows)


def _svg_row(row: Row, y: int) -> str:
    dots = "".join(
        _svg_dot(state, f"{name}: {WORDS[state]}", 190 + 28 * i, y)
        for i, (name, state) in enumerate(row.exercises.items())
    )
    words = f"{row.predictions} predictions · {row.quizzes} quiz answers right"
    return (
        f"<text x='4' y='{y + 5}' stroke='none'>{html.escape(row.title)}</text>{dots}"
        f"<text x='{200 + 28 * max(len(row.exercises), 6)}' y='{y + 5}' stroke='none'>{words}</text>"
    )


def _svg_dot(state: str, title: str, x: int, y: int) -> str:
    filled = {
        "correct": f"<circle cx='{x}' cy='{y}' r='8'/>",
        "open": "",
        "incorrect": f"<path d='M{x} {y - 8}a8 8 0 0 0 0 16z'/>",
    }
    ring = f"<circle cx='{x}' cy='{y}' r='8' fill='none' stroke-width='1.5'/>"
    return f"<g><title>{html.escape(title)}</title>{ring}{filled[state]}</g>"
