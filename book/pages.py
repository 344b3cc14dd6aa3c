"""An executed lesson as a page of the book: widgets as pictures, answers folded, sliders that need no kernel."""

import ast
import html
import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from book.sliders import sliders_of
from brainlab.lessons import check
from brainlab.lessons.messages import Message, to_html

WIDGET = "application/vnd.jupyter.widget-view+json"
NO_PREDICTION = "You kept no prediction here."
CALLED = re.compile(r"check\.(\w+)\(")


def page(notebook: NotebookNode) -> NotebookNode:
    """A copy of an executed notebook for a reader without a kernel."""
    made = NotebookNode(nbformat=4, nbformat_minor=5, metadata={"kernelspec": notebook.metadata.kernelspec}, cells=[])
    for cell in notebook.cells:
        cell = NotebookNode(cell)
        if cell.cell_type == "code":
            cell.outputs = _outputs(cell)
        made.cells.append(cell)
    return made


def _outputs(cell: NotebookNode) -> list[NotebookNode]:
    """What a reader finds below a code cell."""
    outputs = [one for output in cell.outputs if (one := _still(output)) is not None]
    if CALLED.search(cell.source):
        return [_html(solved(name)) for name in CALLED.findall(cell.source)]
    if "lessons.reveal(" in cell.source:
        return [_html(folded("What came out", _text(one).replace(NO_PREDICTION, ""))) for one in outputs]
    if "lessons.quiz(" in cell.source:
        return [*outputs, _html(folded("The answers", feedback(cell.source)))]
    return [*outputs, *(_html(one._repr_html_()) for one in sliders_of(cell.source))]


def _still(output: NotebookNode) -> NotebookNode | None:
    """An output without its live widget; None where nothing else is in it, or where it is a progress bar's."""
    data: dict[str, Any] = output.get("data", {})
    if output.get("name") == "stderr":
        return None
    if WIDGET not in data:
        return output
    question = data.get("text/html")
    return _html(f"<div class='question'>{question}</div>") if question else None


def _text(output: NotebookNode) -> str:
    return output.get("data", {}).get("text/html") or f"<pre>{html.escape(output.get('text', ''))}</pre>"


def _html(text: str) -> NotebookNode:
    return new_output("display_data", {"text/html": text, "text/plain": re.sub(r"<[^>]+>", " ", text)})


def folded(summary: str, text: str) -> str:
    """HTML that opens when it is asked for; print shows it open."""
    return f"<details class='answer'><summary>{html.escape(summary)}</summary>{text}</details>"


def solved(name: str) -> str:
    """An exercise's hints, one inside the other's fold, and one solution."""
    exercise = check.all[name]
    hints = [
        folded(f"Hint {i} of {len(exercise._hints)}", f"<p>{to_html(one)}</p>")
        for i, one in enumerate(exercise._hints, 1)
    ]
    return "".join(
        [*hints, folded("One solution", Message("One solution", "", exercise.solution().code)._repr_html_())]
    )


def feedback(source: str) -> str:
    """Each option of a ``lessons.quiz`` call with what it is told, the right one marked in words."""
    call = quiz_of(source)
    lines = [
        f"<li><strong>{html.escape(option)}</strong>{' (right)' * (option == call['right'])} {to_html(told)}</li>"
        for option, told in call["options"].items()
    ]
    return f"<ul>{''.join(lines)}</ul>"


def quiz_of(source: str) -> dict[str, Any]:
    """The question, options and right answer of a cell's ``lessons.quiz`` call."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "quiz":
            given = {f"{i}": one for i, one in enumerate(node.args)} | {
                str(one.arg): one.value for one in node.keywords
            }
            names = {"1": "question", "2": "options", "3": "right"}
            return {names.get(key, key): ast.literal_eval(value) for key, value in given.items()}
    raise ValueError(f"there is no lessons.quiz in {source!r}")
