"""Every lesson once, in one kernel and with every connection refused: as it ships, then answered, its widgets moved."""

import csv
import re
import shutil
import sys
from pathlib import Path

import nibabel as nib
import no_network
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from tests.executed import CHECK, LESSONS, Lesson, instructor, text

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request, tmp_path_factory):
    """A lesson that has run from top to bottom as a student finds it, its kernel alive; fails where a cell raises."""
    folder, guard = tmp_path_factory.mktemp("lesson"), tmp_path_factory.mktemp("guard")
    environment, log = no_network.install(guard)
    with Lesson(request.param, folder, environment) as running:
        running.log = log
        running.run_as_student()
        running.keep()
        yield running


def test_a_lesson_runs_as_it_ships_and_leaves_exercises_open(lesson):
    cells = [cell for cell in lesson.as_student.cells if cell.cell_type == "code"]
    assert not [out for cell in cells for out in cell.outputs if out.output_type == "error"]
    for cell in cells:
        if CHECK.search(cell.source):
            assert "Not attempted" in text(cell), cell.source


def test_the_instructors_answers_are_right_in_the_same_kernel(lesson):
    asked = {name for cell in instructor(lesson.name).cells for name in CHECK.findall(cell.source)}
    said = lesson.answer()
    assert said.keys() == asked
    for name, words in said.items():
        assert "✓ Correct" in words, f"check.{name}: {words}"


def test_every_widget_answers_when_its_controls_are_moved(lesson):
    assert lesson.drive()


def test_no_connection_was_attempted(lesson):
    lesson.run("import sitecustomize; assert callable(sitecustomize.guard)")  # or the test would prove nothing
    assert not lesson.log.exists(), lesson.log.read_text()


DATA = re.compile(r'^(DATA\b[^=]*= )"phantom"', re.MULTILINE)


@pytest.fixture(scope="module")
def few_slices(real_data, tmp_path_factory) -> Path:
    """The healthy people of OASIS, all of them, and every fourth of their slices: what a lesson needs, in less time."""
    whole, folder = real_data / "oasis_t1_slices", tmp_path_factory.mktemp("data") / "oasis_t1_slices"
    (folder / "healthy").mkdir(parents=True)
    with (whole / "index.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["class"] == "healthy" and int(row["level"]) % 4 == 0]
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    for row in rows:
        shutil.copy(whole / row["file"], folder / row["file"])
    return folder


@pytest.mark.realdata
@pytest.mark.parametrize("lesson", [name for name in LESSONS if "02" <= name[:2] <= "06"], indirect=True)
def test_the_lesson_completes_on_a_folder_of_real_slices(lesson, few_slices):
    cells = [cell.source for cell in lesson.as_student.cells if cell.cell_type == "code"]
    assert sum(len(DATA.findall(cell)) for cell in cells) == 1
    for cell in cells:
        lesson.run(DATA.sub(lambda found: f"{found.group(1)}{str(few_slices)!r}", cell))


@pytest.mark.realdata
@pytest.mark.parametrize("lesson", [name for name in LESSONS if name.startswith("07")], indirect=True)
def test_the_lesson_on_ones_own_brain_runs_on_a_patients_scan_and_writes_nothing_beside_it(lesson, real_data):
    folder = real_data / "ms_lesions_mni" / "patient07"
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    lesson.run(f"import os; os.environ['BRAINLAB_SCAN'] = {str(folder / 'FLAIR.nii.gz')!r}")
    printed = [text(lesson.run(cell.source)) for cell in instructor(lesson.name).cells if cell.cell_type == "code"]
    assert "a guess" in "".join(printed)  # the mask beside the scan has been found
    assert before == {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    scan, saved = (
        nib.Nifti1Image.from_filename(file)
        for file in (folder / "FLAIR.nii.gz", lesson.folder / "my_lessons" / "own_brain_map.nii.gz")
    )
    assert saved.shape == scan.shape
    assert (saved.affine == scan.affine).all()


def test_the_kernel_that_lessons_name_is_the_python_that_brainlab_is_installed_in():
    program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    assert Path(program).name == program or Path(program).samefile(sys.executable)
