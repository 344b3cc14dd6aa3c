"""Three planes and a crosshair in a real JupyterLab."""

import numpy as np
import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

VIEWER = """
import brainlab, numpy as np
from brainlab.widgets import volume_viewer
x, y, z = np.meshgrid(*(np.arange(-70, 71, 2),) * 3, indexing="ij")
data = (x**2 + y**2 + z**2 < 60**2) * 0.4 + (np.hypot(x - 30, y - 20) < 12) * 0.4  # a ball, a bright rod to the right
affine = np.diag([2.0, 2.0, 2.0, 1.0]); affine[:3, 3] = -70
viewer = volume_viewer(data.astype(np.float32), np.clip(1 - np.hypot(x + 30, z) / 40, 0, 1), affine=affine)
viewer
"""


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(VIEWER)


@pytest.fixture
def viewer(page):
    """The viewer, with its crosshair in the middle and the overlay off."""
    viewer = w.root(page)
    w.control(viewer, "look-opacity").fill("0")
    for name in "xyz":
        w.control(viewer, name).fill("0")
    w.settle(viewer)
    return viewer


def at(viewer) -> list[int]:
    return [int(w.control(viewer, name).input_value()) for name in "xyz"]


def test_three_planes_are_drawn_with_the_patients_right_on_the_left(page, viewer):
    axial = w.pixels(viewer, "axial").astype(float)[..., 0]
    h, width = axial.shape
    row, column = round(h * (104 - 20) / 208), round(width * (104 - 30) / 208)  # the rod at x = 30, y = 20
    assert axial[row, column] == pytest.approx(204, abs=3)
    assert axial[row, width - column] == pytest.approx(102, abs=3)
    assert w.pixels(viewer, "coronal").max() > 0
    assert w.pixels(viewer, "sagittal").max() > 0


def test_a_slider_changes_only_the_plane_it_moves_through(page, viewer):
    before = {name: w.pixels(viewer, name) for name in ("axial", "coronal", "sagittal")}
    w.control(viewer, "x").fill("30")
    w.settle(viewer)
    changed = [np.abs(w.pixels(viewer, name).astype(int) - before[name]).mean() for name in before]
    assert changed[2] > 2 * max(changed[:2])  # in the others only the crosshair moved


def test_a_click_moves_the_crosshair_in_all_planes(page, viewer):
    box = viewer.locator("canvas[data-panel=axial]").bounding_box()
    page.mouse.click(box["x"] + box["width"] * (104 - 30) / 208, box["y"] + box["height"] * (104 - 20) / 208)
    w.settle(viewer)
    np.testing.assert_allclose(at(viewer), [30, 20, 0], atol=1)
    expect(viewer.locator(".brainlab-readout")).to_contain_text("intensity 0.80")


def test_a_drag_ends_where_the_pointer_is_let_go(page, viewer):
    box = viewer.locator("canvas[data-panel=coronal]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3, steps=20)
    page.mouse.up()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    w.settle(viewer)
    np.testing.assert_allclose(at(viewer), [0.1 * 208, 0, 0.2 * 208], atol=1)


def test_the_crosshair_obeys_the_keyboard_alone(page, viewer):
    w.control(viewer, "x").focus()
    for _ in range(20):  # backwards from the first slider: the panels
        page.keyboard.press("Shift+Tab")
        if w.focused(page) == "axial":
            break
    assert w.focused(page) == "axial"
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "Shift+ArrowUp", "PageUp"):
        page.keyboard.press(key)
    w.settle(viewer)
    assert at(viewer) == [2, 11, 1]  # left on the image is the patient's right; up is anterior
    page.keyboard.press("End")
    w.settle(viewer)
    assert at(viewer)[2] == float(w.control(viewer, "z").evaluate("one => one.max"))
    expect(viewer.locator(".brainlab-readout")).to_contain_text("2 mm right, 11 mm anterior")


def test_zoom_keeps_the_crosshair_in_view(page, viewer):
    before = w.pixels(viewer, "axial")
    w.control(viewer, "look-zoom").fill("4")
    zoomed = w.pixels(viewer, "axial")
    assert np.abs(zoomed.astype(int) - before).mean() > 1
    centre = zoomed[len(zoomed) // 2, len(zoomed) // 2].astype(int)
    np.testing.assert_allclose(centre, 102, atol=3)
    w.control(viewer, "look-zoom").fill("1")


def test_a_zoomed_picture_stays_still_under_a_dragging_hand(page, viewer):
    w.control(viewer, "look-zoom").fill("4")
    box = viewer.locator("canvas[data-panel=axial]").bounding_box()
    step, middle = box["width"] / (208 / 4), box["x"] + box["width"] / 2  # px on the page for a millimetre
    page.mouse.move(middle, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(middle - 10 * step, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    w.settle(viewer)
    np.testing.assert_allclose(at(viewer), [10, 0, 0], atol=1)
    w.control(viewer, "look-zoom").fill("1")


def test_a_screen_reader_hears_where_the_slider_stands(page, viewer):
    w.control(viewer, "y").fill("-12")
    w.settle(viewer)
    expect(w.control(viewer, "y")).to_have_attribute("aria-valuetext", "12 mm posterior")
    expect(viewer.locator("[aria-live=polite]")).to_contain_text("12 mm posterior")


def test_python_moves_the_page(page, viewer):
    page.locator(".jp-Cell .cm-content").last.click()
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.type("viewer.state.x = 25.0")
    page.keyboard.press("Control+Enter")
    expect(w.control(viewer, "x")).to_have_value("25")


def test_it_is_usable_at_1024_px_and_twice_the_size(page, viewer):
    page.get_by_role("tab", name="File Browser").click()  # nobody keeps it open in so narrow a window
    for size in ({"width": 1024, "height": 768}, {"width": 512, "height": 384}):  # 512 px: 1024 px at 200 %
        page.set_viewport_size(size)
        page.wait_for_timeout(300)
        wide = viewer.evaluate("one => [one.scrollWidth, one.clientWidth]")
        assert wide[0] <= wide[1]
        assert viewer.locator("canvas").first.bounding_box()["width"] >= 100
    page.set_viewport_size({"width": 1280, "height": 1000})


def test_the_console_stays_clean(page):
    assert complaints(page) == []
