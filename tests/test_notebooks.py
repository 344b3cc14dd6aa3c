"""Every lesson runs from top to bottom as a student finds it, unanswered, and as an instructor finds it, answered."""

import importlib.util
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

CHECKOUT = Path(__file__).resolve().parents[1]
CELL_SECONDS = 600  # a bound on what hangs, not a measurement: lessons are to need far less, which the benchmark shows
LESSONS = sorted(path.stem for path in (CHECKOUT / "notebooks" / "src").glob("*.py"))

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(1800)]


def student(name: str) -> nbformat.NotebookNode:
    return nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", as_version=4)


def instructor(name: str) -> nbformat.NotebookNode:
    spec = importlib.util.spec_from_file_location("generate", CHECKOUT / "notebooks" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    return generate.build(CHECKOUT / "notebooks" / "src" / f"{name}.py", instructor=True)


@pytest.mark.parametrize("version", [student, instructor], ids=lambda version: version.__name__)
@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_from_top_to_bottom(name, version, tmp_path):
    notebook = version(name)
    # A folder of its own, as my_lessons/ is: the learner's answers of one run do not reach the next.
    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()  # raises CellExecutionError, with the cell and its traceback
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]


def test_the_kernel_that_lessons_name_is_the_python_that_brainlab_is_installed_in():
    program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    assert Path(program).name == program or Path(program).samefile(sys.executable)
