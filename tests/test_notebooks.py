"""Every lesson runs from top to bottom as a student finds it, unanswered, and as an instructor finds it, answered."""

import importlib.util
import sys
from pathlib import Path

import nbformat
import nibabel as nib
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
def test_a_lesson_runs_from_top_to_bottom(name, version, tmp_path, monkeypatch):
    monkeypatch.delenv("BRAINLAB_SCAN", raising=False)
    run(version(name), tmp_path)


@pytest.mark.realdata
def test_the_lesson_on_ones_own_brain_runs_on_a_patients_scan_and_writes_nothing_beside_it(
    real_data, tmp_path, monkeypatch
):
    folder = real_data / "ms_lesions_mni" / "patient07"
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    monkeypatch.setenv("BRAINLAB_SCAN", str(folder / "FLAIR.nii.gz"))
    printed = run(instructor("07_your_own_brain"), tmp_path)
    assert "a guess" in printed  # the mask beside the scan has been found
    assert before == {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    scan, saved = (
        nib.Nifti1Image.from_filename(file)
        for file in (folder / "FLAIR.nii.gz", tmp_path / "my_lessons" / "own_brain_map.nii.gz")
    )
    assert saved.shape == scan.shape
    assert (saved.affine == scan.affine).all()


def run(notebook: nbformat.NotebookNode, folder: Path) -> str:
    """Run a notebook in ``folder``, where its my_lessons comes to lie; returns what it printed."""
    # A folder of its own: the learner's answers of one run do not reach the next.
    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(folder)}})
    client.execute()  # raises CellExecutionError, with the cell and its traceback
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def test_the_kernel_that_lessons_name_is_the_python_that_brainlab_is_installed_in():
    program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    assert Path(program).name == program or Path(program).samefile(sys.executable)
