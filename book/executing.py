"""Executed lessons: those that the tests have kept where they are in step with their source, else run here."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

CHECKOUT = Path(__file__).resolve().parents[1]
NOTEBOOKS = CHECKOUT / "notebooks"
EXECUTED = CHECKOUT / "build" / "executed"  # where tests/test_notebooks.py keeps what it ran
CELL_SECONDS = 600


def lessons(folder: Path = NOTEBOOKS) -> list[Path]:
    """The students' notebooks in the order of the course."""
    return sorted(folder.glob("*.ipynb"))


def executed(lesson: Path, kept: Path = EXECUTED) -> NotebookNode:
    """The lesson with its outputs, run unanswered as a student finds it; runs it, and keeps it, only where needed."""
    written, path = nbformat.read(lesson, as_version=4), kept / lesson.name
    if path.exists():
        found = nbformat.read(path, as_version=4)
        if in_step(found, written):
            return found
    print(f"running {lesson.name}", file=sys.stderr)
    room = kept / "rooms" / lesson.stem  # of its own, so that one lesson's answers do not reach the next
    room.mkdir(parents=True, exist_ok=True)
    NotebookClient(written, timeout=CELL_SECONDS, resources={"metadata": {"path": str(room)}}).execute()
    nbformat.write(written, path)
    return written


def in_step(found: NotebookNode, written: NotebookNode) -> bool:
    """Whether an executed notebook has the cells of the written one and was run to its end without an error."""
    if [(one.cell_type, one.source) for one in found.cells] != [(one.cell_type, one.source) for one in written.cells]:
        return False
    code = [one for one in found.cells if one.cell_type == "code" and one.source.strip()]
    outputs = [output for one in code for output in one.outputs]
    return all(one.execution_count for one in code) and not any(one.output_type == "error" for one in outputs)
