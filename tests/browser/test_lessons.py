"""A lesson in a real JupyterLab, run from the Run menu as a student does: no error, no dialog, a clean console.

One lesson in every run of the tests, all of them by ``make test-lessons-browser``. What was to be seen is kept in
``build/lessons/NAME-01.png`` and so on, one picture a screenful.
"""

import os
import shutil
import time
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from .jupyter import Lab, complaints, open_page

CHECKOUT = Path(__file__).resolve().parents[2]
PICTURES = CHECKOUT / "build" / "lessons"
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
EVERY_LESSON = os.environ.get("BRAINLAB_EVERY_LESSON") == "1"
ORDINARY = "00"  # the lesson that takes the least time
MOST_SECONDS = 1500  # a bound on what hangs
OVERLAP = 60  # px of one picture that the next shows again

pytestmark = [pytest.mark.browser, pytest.mark.timeout(MOST_SECONDS + 300)]


@pytest.mark.parametrize(
    "notebook_file",
    [one for one in NOTEBOOKS if EVERY_LESSON or one.name.startswith(ORDINARY)],
    ids=lambda path: path.stem,
)
def test_a_lesson_runs_from_the_run_menu(notebook_file, lab, browser):
    shutil.copy(notebook_file, lab.root)
    page = open_page(browser)
    try:
        lab.open(page, notebook_file.name)
        lab.run_all(page)
        cells = run_to_the_end(page, lab, notebook_file.name)
        look_at_it_all(page, notebook_file.stem)
        assert [out for cell in cells for out in cell.outputs if out.output_type == "error"] == []
        assert page.locator(".jp-Dialog").count() == 0
        assert page.locator("section.brainlab [role=alert]:visible").all_inner_texts() == []
        assert complaints(page) == []
    finally:
        page.context.close()
        lab.stop_kernels()


def run_to_the_end(page: Page, lab: Lab, name: str) -> list[nbformat.NotebookNode]:
    """Save now and then until every code cell has its number; the code cells as they were saved."""
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        page.wait_for_timeout(3000)
        page.locator(".jp-NotebookPanel:visible").first.press("Control+s")
        cells = [one for one in nbformat.read(lab.root / name, as_version=4).cells if one.cell_type == "code"]
        failed = any(out.output_type == "error" for one in cells for out in one.outputs)
        if failed or all(one.execution_count for one in cells if one.source.strip()):
            return cells
    raise AssertionError(f"{name} was still running after {MOST_SECONDS} s")


def look_at_it_all(page: Page, name: str) -> None:
    """From top to bottom, a picture of each screenful; widgets that come into sight are drawn."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob(f"{name}-*.png"):
        old.unlink()
    outer = page.locator(".jp-NotebookPanel:visible .jp-WindowedPanel-outer").first
    top, number = 0, 1
    while True:
        outer.evaluate("(one, top) => { one.scrollTop = top; }", top)
        page.wait_for_timeout(700)
        page.screenshot(path=PICTURES / f"{name}-{number:02d}.png")
        height, whole = outer.evaluate("one => [one.clientHeight, one.scrollHeight]")  # it grows as cells are drawn
        if top + height >= whole:
            return
        top, number = top + max(height - OVERLAP, 200), number + 1
