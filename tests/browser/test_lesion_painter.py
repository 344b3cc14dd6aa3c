"""The lesion painter in a real JupyterLab: paint by pointer, see the answers, go back."""

import numpy as np
import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

# Grey discs and networks that know nothing: the shipped weights have tests of their own.
PAINTER = """
import brainlab as bl, numpy as np, torch
from brainlab.data import About, Slices
from brainlab.widgets import lesion_painter
torch.manual_seed(0)
def discs(n, name):
    y, x = np.mgrid[:32, :32]
    brain = torch.from_numpy(np.hypot(x - 15.5, y - 15.5) < 13).expand(n, 1, 32, 32).clone()
    images = 0.45 * brain + 0.01 * torch.randn(n, 1, 32, 32) * brain
    people, well = tuple(f"{name}-{i}" for i in range(n)), ("healthy",) * n
    return Slices(images, ~brain & brain, brain, people, well, np.zeros(n), well, np.tile(np.eye(4), (n, 1, 1)), "T1w",
                  6.5, About("made up", "none", "none", True))
config = bl.ModelConfig(image_size=32, width=8, latent_dim=8)
nets = {"AE": bl.Autoencoder(config), "VAE": bl.VAE(config)}
lesion_painter(nets, discs(2, "one"), healthy=discs(4, "other"))
"""


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(PAINTER)


@pytest.fixture
def widget(page):
    return w.root(page)


def at(widget, column: float, row: float) -> tuple[float, float]:
    """Where a millimetre of the picture lies on the page."""
    canvas = widget.locator("canvas[data-panel=paint]")
    canvas.scroll_into_view_if_needed()  # a mouse finds only what is on the screen
    box = canvas.bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / 208, box["y"] + box["height"] * (row + 0.5) / 208


def seen(widget, panel: str, column: float, row: float) -> np.ndarray:
    """RGB of a panel around a millimetre of the brain."""
    image = w.pixels(widget, panel).astype(float)
    x, y = (round(len(image) * (one + 0.5) / 208) for one in (column, row))
    return image[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))


def amber(widget, panel: str, column: float, row: float) -> bool:
    red, _, blue = seen(widget, panel, column, row)
    return bool(red - blue > 60)


def test_a_drag_paints_and_every_answer_follows_and_undo_takes_it_back(page, widget):
    before = seen(widget, "paint", 130, 90)
    page.mouse.move(*at(widget, 110, 90))
    page.mouse.down()
    page.mouse.move(*at(widget, 150, 90), steps=8)
    page.mouse.up()
    w.settle(widget)
    assert (seen(widget, "paint", 130, 90) > before + 60).all()  # brighter and grey: the preview is gone
    assert [amber(widget, "truth", x, y) for x, y in ((112, 90), (148, 90), (130, 60))] == [True, True, False]
    assert amber(widget, "answer_0", 130, 90)  # brightness finds it,
    assert not amber(widget, "answer_1", 130, 90)  # darkness does not
    row = widget.get_by_role("row", name="Brightness alone").get_by_role("cell").first
    assert float(row.inner_text().split()[1].rstrip(",")) > 0.5  # Dice
    expect(widget.locator(".brainlab-readout")).to_contain_text("brighter than before")
    w.button(widget, "undo").click()
    expect(widget.locator(".brainlab-readout")).to_contain_text("Healthy as it is")
    w.settle(widget)
    np.testing.assert_allclose(seen(widget, "paint", 130, 90), before, atol=2)
    expect(w.button(widget, "undo")).to_have_attribute("aria-disabled", "true")


def test_outside_the_brain_nothing_is_painted_and_it_is_said(page, widget):
    page.mouse.click(*at(widget, 8, 8))
    expect(widget.locator(".brainlab-readout")).to_contain_text("outside the brain")


def test_a_dropped_lesion_is_as_dark_as_the_slider_says(page, widget):
    w.control(widget, "level").fill("-0.3")
    expect(w.control(widget, "level")).to_have_attribute(
        "aria-valuetext", "−0.30: darker than the tissue around (hypo)"
    )
    w.button(widget, "tumour").click()
    expect(widget.locator(".brainlab-readout")).to_contain_text("darker than before")


def test_the_console_stays_clean(page):
    assert complaints(page) == []
