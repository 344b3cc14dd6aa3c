"""The latent explorer and the latent map in a real JupyterLab, with the models that ship and a few phantoms."""

import re

import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

# Ellipses stand for people: phantoms would take a minute to grow, and have tests of their own.
SLICES = """
import brainlab, numpy as np, torch
from brainlab.slices import About, Slices
from brainlab.widgets import latent_explorer, latent_map
torch.set_num_threads(1)
y, x = np.mgrid[-1:1:64j, -1:1:64j]
wide, high = np.linspace(0.45, 0.75, 24)[:, None, None], 0.8 - 0.2 * (np.arange(24) % 3)[:, None, None] / 2
brain = torch.from_numpy((x / wide) ** 2 + (y / high) ** 2 < 1)[:, None]
slices = Slices(
    images=0.6 * brain.float(), masks=torch.zeros_like(brain), brain=brain,
    subjects=tuple(f"person {i:02d}" for i in range(24)), labels=("healthy",) * 16 + ("tumour",) * 8,
    position_mm=np.arange(24.0), visit=("healthy",) * 24, affine=np.tile(np.eye(4), (24, 1, 1)), contrast="T1w",
    spacing=3.25, about=About("made up", "none", "none", synthetic=True), factors={"ventricle_size": np.arange(24.0)},
)
"""
# In one cell: JupyterLab takes cells off the page while they are out of sight.
BOTH = 'display(latent_explorer("vae", slices))\ndisplay(latent_map("ae-latent-2", slices, "height"))'


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(SLICES, BOTH)


@pytest.fixture(scope="module")
def explorer(page):
    return w.root(page, 0)


@pytest.fixture(scope="module")
def map_(page):
    return w.root(page, 1)


def test_an_axis_moved_by_keys_changes_the_slice_and_the_way_back_brings_it_back(page, explorer):
    before = w.pixels(explorer, "decoded").astype(int)
    w.press(explorer, w.control(explorer, "a1"), "End")
    expect(w.control(explorer, "a1")).to_have_attribute("aria-valuetext", re.compile(r"^axis 1, \+3\.0 σ"))
    moved = w.pixels(explorer, "decoded").astype(int)
    assert abs(moved - before).mean() > 3
    w.button(explorer, "mean").click()
    w.settle(explorer)
    assert abs(w.pixels(explorer, "decoded").astype(int) - before).max() <= 1


def test_a_draw_and_a_walk_to_a_subject_end_with_the_last_picture(page, explorer):
    w.button(explorer, "draw").click()
    w.settle(explorer)
    assert "draw 1 from the prior" in w.readout(explorer)
    for value in range(0, 101, 5):  # as a drag does; the newest wins
        w.control(explorer, "t").evaluate(
            "(one, value) => { one.value = value; one.dispatchEvent(new Event('input')); }", value / 100
        )
    w.settle(explorer)
    assert "100 % of the way to person " in w.readout(explorer)
    at_the_goal = w.pixels(explorer, "decoded").astype(int)
    explorer.get_by_label("Start", exact=True).select_option(explorer.get_by_label("Goal", exact=True).input_value())
    w.settle(explorer)
    assert abs(w.pixels(explorer, "decoded").astype(int) - at_the_goal).max() <= 1


def test_a_click_and_a_drag_on_the_map_decode_where_they_end(page, map_):
    plot = map_.locator("[data-panel=map]")
    plot.scroll_into_view_if_needed()
    box, before, shown = plot.bounding_box(), w.readout(map_), w.pixels(map_, "decoded").astype(int)
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"], steps=8)
    page.mouse.up()
    w.settle(map_)
    assert w.readout(map_) != before
    assert re.match(r"Crosshair at z₁ = \S+, z₂ = \S+\. Nearest dot: person \d+", w.readout(map_))
    assert abs(w.pixels(map_, "decoded").astype(int) - shown).mean() > 1
    count = w.frames(map_)
    map_.get_by_label("ventricle width").check()  # three causes: radio buttons
    w.settle(map_)
    assert w.frames(map_) > count
    assert "Colour: ventricle width" in w.readout(map_)


def test_the_console_stays_clean(page, explorer, map_):
    assert complaints(page) == []
