"""A widget in Notebook 7, which JupyterLab's server serves too: drawn, dragged, and right where the drag ends."""

import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints, open_page

pytestmark = pytest.mark.browser

# A ramp whose brightness is the slider's: nothing to load, and its last frame can be told by a pixel.
CELL = """
import numpy as np, traitlets
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture
from brainlab.widgets.parts import Panel, Slider

class State(traitlets.HasTraits):
    level = traitlets.Float(10.0)
    def frame(self):
        picture = np.full((16, 16), int(self.level), np.uint8)
        return Frame({"grey": Picture(picture)}, f"The level is {self.level:g}.")

Canvas(State(), [Panel("grey", "Grey")], [Slider("level", "Level", 0, 255, 1)], title="Ramp", caption="", display=())
"""


@pytest.fixture(scope="module")
def own() -> list[str]:
    """What Notebook complains of by itself, before any cell is run."""
    return []


@pytest.fixture(scope="module")
def page(lab, browser, own):
    pytest.importorskip("notebook")
    page = open_page(browser)
    page.goto(f"{lab.url}/notebooks/{lab.write('notebook7.ipynb', CELL)}?token={lab.token}")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    expect(page.locator(".jp-NotebookKernelLogo, .jp-NotebookKernelStatus").first).to_be_visible()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    own.extend(complaints(page))
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    yield page
    page.context.close()
    lab.stop_kernels()


def test_a_dragged_slider_shows_its_last_value(page):
    widget = w.root(page)
    assert "/notebooks/" in page.url
    assert (w.pixels(widget)[40, 40] == 10).all()
    slider = w.control(widget, "level")
    slider.scroll_into_view_if_needed()
    box, before = slider.bounding_box(), w.frames(widget)
    assert box
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(box["x"] + 10 + step * (box["width"] - 20) / 40, box["y"] + box["height"] / 2)
    page.mouse.up()
    w.settle(widget)
    assert w.frames(widget) > before
    last = float(slider.input_value())
    assert last > 200
    assert w.readout(widget) == f"The level is {last:g}."
    assert (w.pixels(widget)[40, 40] == last).all()


def test_the_widget_adds_nothing_to_the_console(page, own):
    assert complaints(page) == own
