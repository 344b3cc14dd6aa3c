"""The contrast lab in a real JupyterLab, on a sharp screen."""

import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

# Three stripes stand for grey matter, white matter and fluid: the phantom has tests of its own.
LAB = """
import brainlab, numpy as np
from brainlab.widgets.contrast_lab import ContrastLabState, show
stripes = np.repeat(np.eye(3, dtype=np.float32), 54, axis=1)[:, None, 1:-1].repeat(160, axis=1)
lab = show(ContrastLabState({"none": dict(zip(("gm", "wm", "csf"), stripes))}))
lab
"""


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(LAB, scale=2)


@pytest.fixture
def widget(page):
    return w.root(page)


def stripes(widget) -> list[float]:
    """Grey values of grey matter, white matter and fluid, away from letters and scale bar."""
    image = w.pixels(widget)[..., 0].astype(float)
    h, width = image.shape
    return [image[h // 4 : h // 3, round(width * (k + 0.5) / 3) + 30 :][:, :40].mean() for k in range(3)]


def test_presets_change_which_tissue_is_bright(page, widget):
    order = {}
    for preset in ("T1w", "T2w", "FLAIR"):
        widget.get_by_label(preset, exact=True).check()
        w.settle(widget)
        gm, wm, csf = stripes(widget)
        order[preset] = (wm > gm > csf, csf > gm > wm, gm > wm > csf)
    assert order == {"T1w": (True, False, False), "T2w": (False, True, False), "FLAIR": (False, False, True)}


def test_a_slider_moved_by_keys_changes_the_picture_and_the_preset(page, widget):
    widget.get_by_label("T2w", exact=True).check()
    w.settle(widget)
    before = stripes(widget)
    w.press(widget, w.control(widget, "te"), *["ArrowRight"] * 20)
    after = stripes(widget)
    assert after[0] < before[0] - 10  # grey matter fades as TE grows
    expect(widget.get_by_label("own", exact=True)).to_be_checked()
    expect(w.control(widget, "te")).to_have_attribute("aria-valuetext", widget.get_by_text(" ms").nth(1).inner_text())


def test_the_table_holds_the_signals_as_text(page, widget):
    widget.get_by_label("T1w", exact=True).check()
    w.settle(widget)
    row = widget.get_by_role("row", name="White matter")
    assert float(row.get_by_role("cell").first.inner_text()) == pytest.approx(0.30, abs=0.05)


def test_without_auto_window_a_faint_picture_is_dark(page, widget):
    widget.get_by_label("T1w", exact=True).check()
    w.settle(widget)
    auto = max(stripes(widget))
    w.control(widget, "look-auto").uncheck()
    absolute = max(stripes(widget))
    w.control(widget, "look-auto").check()
    assert auto > 200
    assert absolute == pytest.approx(0.30 * 255, abs=15)


def test_contradicting_times_are_told_with_the_mend(page, widget):
    widget.get_by_label("T1w", exact=True).check()
    w.settle(widget)
    w.press(widget, w.control(widget, "tr"), "Home")
    expect(widget.get_by_role("alert")).to_contain_text("lengthen TR")
    widget.get_by_label("T1w", exact=True).check()
    expect(widget.get_by_role("alert")).to_be_hidden()


def test_the_picture_is_as_sharp_as_the_screen(page, widget):
    width, shown = widget.locator("canvas").evaluate("one => [one.width, one.clientWidth]")
    assert width == 2 * shown


def test_the_console_stays_clean(page):
    assert complaints(page) == []
