"""The latent explorer and the latent map in a real JupyterLab, with the models that ship and a few phantoms."""

import re

import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

# Three people grown at once: the splits would take minutes where they are not cached.
SLICES = """
import brainlab, torch
from brainlab.sources import phantom
from brainlab.widgets import latent_explorer, latent_map
torch.set_num_threads(1)
slices = phantom.build("labelled", "T1w", 64, 0, subjects=3)
"""


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(SLICES, 'latent_explorer("vae", slices)', 'latent_map("ae-latent-2", slices, "height")')


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
    assert "100 % of the way to phantom-0-" in w.readout(explorer)
    at_the_goal = w.pixels(explorer, "decoded").astype(int)
    goal = explorer.get_by_role("radiogroup", name="Goal").locator("input:checked").get_attribute("value")
    explorer.get_by_role("radiogroup", name="Start").locator(f"input[value={goal}]").check()
    w.settle(explorer)
    assert abs(w.pixels(explorer, "decoded").astype(int) - at_the_goal).max() <= 1


def test_a_click_and_a_drag_on_the_map_decode_where_they_end(page, map_):
    plot = map_.locator("[data-panel=map]")
    plot.scroll_into_view_if_needed()
    box, before = plot.bounding_box(), w.readout(map_)
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"], steps=8)
    page.mouse.up()
    w.settle(map_)
    assert w.readout(map_) != before
    assert re.match(r"Crosshair at z₁ = \S+, z₂ = \S+\. Nearest dot: phantom-0-\d+", w.readout(map_))
    assert w.pixels(map_, "decoded").max() > 100
    count = w.frames(map_)
    map_.get_by_label("Colour the dots by").select_option("ventricle_size")
    w.settle(map_)
    assert w.frames(map_) > count
    assert "Colour: ventricle width" in w.readout(map_)


def test_the_console_stays_clean(page, explorer, map_):
    assert complaints(page) == []
