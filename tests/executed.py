"""One lesson in one kernel: as a student finds it, then the instructor's answers, then whatever a test still asks.

The student's run is kept in ``build/executed/NAME.ipynb``, outputs and widgets included, with its source's hash in
``metadata["brainlab"]["source"]``: the book shows these and runs nothing again. ``python -m tests.executed`` writes
those that are missing or stale without a test. The seconds of each cell stand in ``build/executed/seconds.json``.
"""

import copy
import hashlib
import importlib.util
import inspect
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from filelock import FileLock
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tests import driving

CHECKOUT = Path(__file__).resolve().parents[1]
EXECUTED = CHECKOUT / "build" / "executed"
SECONDS = EXECUTED / "seconds.json"
CELL_SECONDS = 600  # a bound on what hangs, not a measurement: lessons are to need far less, as seconds.json shows
LESSONS = sorted(path.stem for path in (CHECKOUT / "notebooks" / "src").glob("*.py"))
CHECK = re.compile(r"^\s*(?:display\()?check\.(\w+)\((?!\))", re.MULTILINE)


def source(name: str) -> Path:
    """What a lesson's author edits."""
    return CHECKOUT / "notebooks" / "src" / f"{name}.py"


def source_hash(name: str) -> str:
    """SHA-256 of a lesson's source, line ends apart: it tells whether an executed notebook is of today's source."""
    return hashlib.sha256(source(name).read_text(encoding="utf-8").encode()).hexdigest()


def student(name: str) -> NotebookNode:
    """The student's notebook as it ships."""
    return nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", as_version=4)


def instructor(name: str) -> NotebookNode:
    """The instructor's, whose cells have the ids of the student's."""
    spec = importlib.util.spec_from_file_location("generate", CHECKOUT / "notebooks" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    return generate.build(source(name), instructor=True)


def text(cell: NotebookNode) -> str:
    """What a cell printed and showed, as plain text."""
    shown = [out.get("text", "") or out.get("data", {}).get("text/plain", "") for out in cell.get("outputs", [])]
    return "\n".join(shown)


class Lesson:
    """A lesson's kernel, in ``folder``, where its my_lessons comes to lie; ``environment`` joins this process's."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.name, self.folder = name, folder
        self.seconds: dict[str, float] = {}  # by the cell's id
        self.log = folder / "attempts.log"  # what a guard against the network writes, where a test sets one up
        self.notebook = student(name)
        self._client = NotebookClient(
            self.notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(folder)}}
        )
        outside = {key: value for key, value in os.environ.items() if key not in ("BRAINLAB_SCAN", "BRAINLAB_ANSWERS")}
        self._kernel = self._client.setup_kernel(env=outside | (environment or {}))

    def __enter__(self) -> "Lesson":
        self._kernel.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._kernel.__exit__(*problem)

    def run_as_student(self) -> NotebookNode:
        """Every cell from top to bottom; returns the notebook with its outputs. Raises CellExecutionError."""
        for index, cell in enumerate(self.notebook.cells):
            began = time.perf_counter()
            self._client.execute_cell(cell, index, execution_count=index + 1)
            if cell.cell_type == "code":
                self.seconds[cell.id] = round(time.perf_counter() - began, 2)
        self._client.set_widgets_metadata()
        self.notebook.metadata["brainlab"] = {"source": source_hash(self.name)}
        self.as_student = copy.deepcopy(self.notebook)
        return self.as_student

    def run(self, code: str) -> NotebookNode:
        """One more cell in the same kernel, with its outputs. Raises CellExecutionError."""
        self.notebook.cells.append(new_code_cell(code))
        return self._client.execute_cell(self.notebook.cells[-1], len(self.notebook.cells) - 1)

    def answer(self) -> dict[str, str]:
        """Run the instructor's answers, and what checks and shows them; each check's name with what it said."""
        shipped = {cell.id: cell.source for cell in self.as_student.cells}
        said, answered, section = {}, set(), ""
        for cell in instructor(self.name).cells:
            if cell.cell_type != "code":
                continue
            if shipped.get(cell.id) != cell.source:
                self.run(cell.source)
                answered, section = _defined(cell.source), cell.id.rsplit("_", 1)[0]
            elif names := CHECK.findall(cell.source):
                said |= dict.fromkeys(names, text(self.run(cell.source)))
            elif (
                cell.id.startswith(f"{section}_")
                and self.seconds.get(cell.id, 0) < 5
                and any(re.search(rf"\b{name}\b", cell.source) for name in answered)
            ):
                self.run(cell.source)  # the answer at work, as a learner sees it next
        return said

    def drive(self) -> list[str]:
        """Move every control of every widget in the kernel; one line for each that was moved. Raises for a failure."""
        code = f"{inspect.getsource(driving)}\nprint('\\n'.join(every_widget()))"
        return text(self.run(code)).split("\n")

    def keep(self) -> Path:
        """Write the student's run and the seconds of its cells to ``build/executed``."""
        EXECUTED.mkdir(parents=True, exist_ok=True)
        file = EXECUTED / f"{self.name}.ipynb"
        nbformat.write(self.as_student, file)
        with FileLock(f"{SECONDS}.lock"):  # another process may run another lesson
            seconds = json.loads(SECONDS.read_text()) if SECONDS.exists() else {}
            SECONDS.write_text(json.dumps(seconds | {self.name: self.seconds}, indent=1))
        return file


def _defined(code: str) -> set[str]:
    """Names that a solution gives a value: its functions, classes and variables."""
    return {next(filter(None, one)) for one in re.findall(r"^(?:def|class) (\w+)|^(\w+) = ", code, re.MULTILINE)}


def main() -> None:
    """Run and keep the lessons named, or those whose kept run is not of today's source."""
    for name in sys.argv[1:] or LESSONS:
        file = EXECUTED / f"{name}.ipynb"
        if not sys.argv[1:] and file.exists():
            kept = nbformat.read(file, as_version=4).metadata.get("brainlab", {})
            if kept.get("source") == source_hash(name):
                continue
        with tempfile.TemporaryDirectory() as folder, Lesson(name, Path(folder)) as lesson:
            lesson.run_as_student()
            print(lesson.keep().relative_to(CHECKOUT), f"{sum(lesson.seconds.values()):.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
