"""Questions in a notebook: a prediction before the result, what became of it, and a quiz with feedback.

Each shows as ipywidgets where a kernel answers, as plain HTML in a static page, and as text where there is neither. An
unanswered question never stops a notebook.
"""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from brainlab.errors import InputError
from brainlab.lessons import journal
from brainlab.lessons.messages import Message, to_html

SEEN = " (you have seen the result, so it stands)"
WIDE = {"description_width": "initial"}  # else a label is cut to the width of a short word


class Question:
    """What ``predict`` and ``quiz`` return: a widget with a static page's HTML and plain text beside it."""

    def __init__(self, text: str, options: Sequence[str], parts: Sequence[widgets.Widget]) -> None:
        self._text, self._options = text, list(options)
        self.status = widgets.HTML()
        self.widget = widgets.VBox([widgets.HTML(f"<p><strong>{to_html(text)}</strong></p>"), *parts, self.status])
        self.widget.layout.border_left = "4px solid #0a6cbd"
        self.widget.layout.padding = "0 0 0 0.8em"

    def say(self, heading: str, text: str = "") -> None:
        """Put a message under the question."""
        self.status.value = Message(heading, text)._repr_html_()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        live = self.widget._repr_mimebundle_() or {}
        items = "".join(f"<li>{to_html(one)}</li>" for one in self._options)
        return live | {
            "text/plain": repr(self),
            "text/html": f"<p><strong>{to_html(self._text)}</strong></p><ul>{items}</ul>",
        }

    def __repr__(self) -> str:
        return "\n".join([self._text, *(f"  - {one}" for one in self._options)])


def predict(
    id: str,
    question: str,
    choices: Sequence[str] | None = None,
    slider: tuple[float, float] | None = None,
    unit: str = "",
) -> Question:
    """Ask before the result is seen: for one of ``choices`` and how sure, or for a number on a ``slider`` (low, high).

    ``id`` is "lesson.name", as "02.bottleneck"; keep it once learners have answered. A prediction may be changed until
    ``reveal(id, truth)`` has shown the result. Raises InputError unless exactly one of choices and slider is given.
    """
    kept = journal.latest("prediction", id) or {}
    given, sure = kept.get("answer"), None
    if choices and not slider:
        answer, options = _radio(choices, given), list(choices)
        sure = _sureness(len(options), kept.get("sure"))
    elif slider and not choices:
        answer, options = (
            _slider(*slider, given, unit),
            [f"a number from {slider[0]:g} to {slider[1]:g} {unit}".strip()],
        )
    else:
        raise InputError("A prediction takes either choices=[...] or slider=(low, high).")
    button = widgets.Button(description="Keep my prediction", layout=widgets.Layout(width="auto"))
    parts = [answer, sure, button] if sure else [answer, button]
    asked = Question(question, options, parts)

    def stand() -> bool:
        """Whether the result has been shown; then the prediction that was kept before it cannot be changed."""
        shown = journal.latest("truth", id) is not None
        for part in parts:
            part.disabled = shown
        return shown

    def keep(_: Any) -> None:
        if stand():
            kept = journal.latest("prediction", id) or {}
            return asked.say("Your prediction", _shown(kept.get("answer"), unit) + SEEN)
        if answer.value is None:
            return asked.say("No choice yet", "Choose one first; a guess is fine.")
        more: dict[str, Any] = {"sure": sure.value} if sure else {"slider": list(slider or ())}
        trouble = journal.write("prediction", id, question=question, answer=answer.value, of=options, **more)
        asked.say(
            *(("Not saved", trouble) if trouble else ("Kept", "You can change it until you have seen the result."))
        )

    button.on_click(keep)
    if given is not None:
        asked.say("Your prediction", _shown(given, unit) + (SEEN if stand() else ""))
    return asked


def reveal(id: str, truth: str | float, because: str = "") -> Message:
    """What came out, beside what the learner predicted, which stands from now on; ``because`` explains it."""
    kept = journal.latest("prediction", id)
    came = f"What came out: {_shown(truth)}. {because}".strip()
    if kept is None or "answer" not in kept:
        return Message("What did you expect?", f"You kept no prediction here. {came}")
    journal.write("truth", id, truth=truth)
    sure = f" ({kept['sure']} % sure)" if "sure" in kept else ""
    heading = "What did you expect?"
    if isinstance(truth, str):
        heading = "As you predicted" if kept["answer"] == truth else "A surprise"
    return Message(heading, f"You predicted: {_shown(kept['answer'])}{sure}. {came}")


def quiz(id: str, question: str, options: dict[str, str], right: str) -> Question:
    """One question with an answer to choose; each option maps to the feedback that it gets. May be tried again.

    Raises InputError if ``right`` is not among the options.
    """
    if right not in options:
        raise InputError(f"The right answer {right!r} is not among the options of quiz {id}.")
    answer = _radio(list(options), (journal.latest("quiz", id) or {}).get("answer"))
    button = widgets.Button(description="Check my answer", layout=widgets.Layout(width="auto"))
    asked = Question(question, list(options), [answer, button])

    def mark(_: Any) -> None:
        if answer.value is None:
            return asked.say("No choice yet", "Choose one first; a guess is fine.")
        correct = answer.value == right
        trouble = journal.write("quiz", id, question=question, answer=answer.value, correct=correct)
        asked.say("Correct" if correct else "Not yet", f"{options[answer.value]} {trouble}".strip())

    button.on_click(mark)
    return asked


def _radio(options: Sequence[str], value: Any) -> widgets.RadioButtons:
    layout = widgets.Layout(width="auto", max_width="46em")
    return widgets.RadioButtons(options=list(options), value=value if value in options else None, layout=layout)


def _sureness(choices: int, value: Any) -> widgets.IntSlider:
    guess = round(100 / choices)  # who knows nothing is this sure
    value = value if isinstance(value, int) else guess
    return widgets.IntSlider(value=value, min=guess, max=100, description="How sure, %", style=WIDE)


def _slider(low: float, high: float, value: Any, unit: str) -> widgets.FloatSlider:
    value = value if isinstance(value, int | float) else (low + high) / 2
    label = f"I expect, {unit}" if unit else "I expect"
    step = (high - low) / 100
    return widgets.FloatSlider(
        value=value, min=low, max=high, step=step, readout_format=".3g", description=label, style=WIDE
    )


def _shown(value: Any, unit: str = "") -> str:
    return f"{value:.3g} {unit}".strip() if isinstance(value, int | float) else str(value)
