"""How well the learner knew what they knew: how sure they were of each prediction, against how often it came true.

Of a prediction with choices the learner said how sure they were: of all those held 80 % sure, four in five should have
come true. Of a number on a slider they did not; there it counts how far off it was, as a share of the slider.
"""

import html
import math
from typing import Any, Literal, NamedTuple

from brainlab.lessons import journal

FEW = 5  # predictions with a result: with fewer there is nothing to draw
GROUPS = ((0, 50), (50, 70), (70, 90), (90, 100))  # per cent sure: above the first, up to the second
NEAR = (0.1, 0.25)  # of the slider's length


class Choice(NamedTuple):
    """A prediction with choices: its id, per cent sure, and whether it came true."""

    id: str
    sure: float
    right: bool


class Number(NamedTuple):
    """A prediction on a slider: its id, and how far off it was as a share of the slider's length."""

    id: str
    off: float


class Group(NamedTuple):
    """Predictions held about as sure: how many, how sure on average (%), and the share that came true (%)."""

    n: int
    sure: float
    right: float


class Calibration:
    """The predictions whose result has been seen, in words and, from ``FEW`` on, as a picture that has them too."""

    def __init__(self, choices: list[Choice], numbers: list[Number], who: Literal["you", "they"] = "you") -> None:
        self.choices, self.numbers, self.who = choices, numbers, who

    @property
    def groups(self) -> list[Group]:
        """Choices by how sure they were; empty groups are left out."""
        parts = ([one for one in self.choices if low < one.sure <= high] for low, high in GROUPS)
        return [
            Group(
                len(part), sum(one.sure for one in part) / len(part), 100 * sum(one.right for one in part) / len(part)
            )
            for part in parts
            if part
        ]

    @property
    def enough(self) -> bool:
        """Whether there is something to draw."""
        return len(self.choices) + len(self.numbers) >= FEW

    def __repr__(self) -> str:
        count = len(self.choices) + len(self.numbers)
        if not self.enough:
            kept = {0: "no prediction", 1: "1 prediction"}.get(count, f"{count} predictions")
            return (
                f"You have kept {kept} whose result you have seen: too few to say how well you know what you know. "
                f"From {FEW} on there is a picture here; the lessons ask for more."
            )
        return " ".join(filter(None, (_choices_in_words(self), _numbers_in_words(self.numbers))))

    def _repr_html_(self) -> str:
        words = f"<p style='max-width:46em'>{html.escape(repr(self))}</p>"
        return self.figure()._repr_mimebundle_()["text/html"] + words if self.enough else words

    def figure(self):
        """Sure against true, with the diagonal where they agree; and how far off the numbers were. Has ``alt``."""
        from brainlab.plotting import Figure

        figure = Figure(figsize=(8.4, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        _draw_choices(left, self.groups)
        _draw_numbers(right, self.numbers)
        figure.alt = f"How sure against how often true, and how far off numbers were. {self!r}"
        return figure


def calibration() -> Calibration:
    """Your predictions of all lessons so far, from your own file. Nothing leaves this machine."""
    return of(journal.records())


def of(records: list[journal.Record]) -> Calibration:
    """The same from records; the newest prediction and result of each id count, and what makes no sense is left out."""
    kept = {(one.get("kind"), one.get("id")): one for one in records}
    choices, numbers = [], []
    for (kind, id), one in kept.items():
        shown = kept.get(("truth", id))
        if kind != "prediction" or shown is None:
            continue
        answer: Any = one.get("answer")
        truth: Any = shown.get("truth")
        if isinstance(truth, str) and _number(one.get("sure")):
            choices.append(Choice(str(id), float(one["sure"]), answer == truth))
        elif _number(answer) and _number(truth) and (span := _span(one)):
            numbers.append(Number(str(id), abs(answer - truth) / span))
    return Calibration(choices, numbers)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _span(record: journal.Record) -> float:
    """The length of a prediction's slider, 0 where the record does not tell."""
    ends = record.get("slider")
    return abs(ends[1] - ends[0]) if isinstance(ends, list) and len(ends) == 2 and all(map(_number, ends)) else 0.0


def _choices_in_words(seen: Calibration) -> str:
    choices, who = seen.choices, seen.who
    if not choices:
        return ""
    n, hits = len(choices), sum(one.right for one in choices)
    sure, right = sum(one.sure for one in choices) / n, 100 * hits / n
    luck = 100 * 1.96 * math.sqrt(sum(one.sure / 100 * (1 - one.sure / 100) for one in choices)) / n
    verdict = "as it should be, as far as so few can tell"
    if abs(sure - right) > luck:
        verdict = (
            f"{who} were surer than there was reason to be" if sure > right else f"{who} knew more than {who} trusted"
        )
    groups = "; ".join(f"{one.sure:.0f} % sure, {one.right:.0f} % right (of {one.n})" for one in seen.groups)
    return (
        f"Of {n} choices {hits} came true, {right:.0f} %; {who} were {sure:.0f} % sure on average: {verdict}. "
        f"(By luck alone the two may lie {luck:.0f} points apart.) In groups: {groups}."
    )


def _numbers_in_words(numbers: list[Number]) -> str:
    if not numbers:
        return ""
    within = " and ".join(
        f"{sum(one.off <= near for one in numbers)} within {100 * near:.0f} % of the slider" for near in NEAR
    )
    return f"Of {len(numbers)} {'number' if len(numbers) == 1 else 'numbers'} on a slider, {within}."


def _draw_choices(axis, groups: list[Group]) -> None:
    axis.plot([0, 100], [0, 100], color="0.6", linestyle="--", linewidth=1)
    axis.annotate("knows what they know", (58, 61), rotation=45, rotation_mode="anchor", color="0.35", fontsize=8)
    axis.plot([one.sure for one in groups], [one.right for one in groups], color="#0a6cbd", linewidth=1)
    for one in groups:
        axis.scatter([one.sure], [one.right], s=40 + 25 * one.n, color="#0a6cbd", zorder=3, clip_on=False)
        axis.annotate(f"{one.n}", (one.sure, one.right), color="white", ha="center", va="center", fontsize=8, zorder=4)
    axis.set(xlim=(0, 103), ylim=(-4, 107), aspect="equal", xlabel="how sure you were, %", ylabel="came true, %")
    axis.set_title("Choices" if groups else "No choices yet", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_numbers(axis, numbers: list[Number]) -> None:
    ordered = sorted(numbers, key=lambda one: one.off)
    for near, shade in zip(reversed(NEAR), ("0.94", "0.86"), strict=True):
        axis.axvspan(0, 100 * near, color=shade, zorder=0)
    axis.hlines(range(len(ordered)), 0, [100 * one.off for one in ordered], color="#0a6cbd")
    axis.plot([100 * one.off for one in ordered], range(len(ordered)), "o", color="#0a6cbd")
    axis.set_yticks(range(len(ordered)), [one.id for one in ordered], fontsize=8)
    axis.set(
        xlim=(0, max(50, *(110 * one.off for one in ordered), 0) if ordered else 50),
        ylim=(-0.7, max(len(ordered), 3) - 0.3),
    )
    axis.set_xlabel("off by, % of the slider (grey: within 10 and 25)")
    axis.set_title("Numbers" if ordered else "No numbers yet", fontsize=10)
    axis.spines[["top", "right", "left"]].set_visible(False)
