"""The three widgets that look for lesions, in a real JupyterLab: what a move shows, and what needs no kernel."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

# Formulas and tiny networks stand for scans and shipped weights: both have tests of their own.
EXPLORER = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parents[1])!r}]
import torch
torch.set_num_threads(1)
import brainlab as bl
from scans import scans
from tiny import tiny
from brainlab import anomaly
from brainlab.widgets.anomaly_explorer import AnomalyExplorerState, show
scores = {{"brightness": anomaly.brightness, "darkness": anomaly.darkness}}
show(AnomalyExplorerState(scores, scans(), scans(("healthy",), ("dora",), seed=1)))
"""
MACHINE = """
from brainlab import measured
from brainlab.widgets.time_machine import AXES, Stop, TimeMachineState, show
nan = float("nan")
stops = [Stop(float(i), str(i), {"psnr": measured.Stated(10.0 + i, nan, nan, nan, "")}) for i in range(3)]
show(TimeMachineState(AXES["epochs"], stops, scans(), lambda name: tiny(bl.VAE, seed=int(name)).eval()))
"""
DUEL = """
from brainlab.widgets import model_duel
model_duel(tiny(bl.VAE).eval(), tiny(bl.DenoisingAutoencoder).eval(), scans())
"""


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(EXPLORER, MACHINE, DUEL)


def called(widget) -> int:
    """Coloured pixels of the panel that shows what is called."""
    rgb = w.pixels(widget, "called").astype(int)
    return int((np.ptp(rgb, axis=-1) > 30).sum())


def read(widget, label: str) -> str:
    return widget.locator(f".brainlab-lookup tr[data-row='{label}'] td").inner_text()


def test_the_threshold_moves_picture_numbers_and_point_without_the_kernel(page):
    widget = w.root(page, 0)
    point = widget.locator("svg[data-panel=curve] circle")
    before, frames, at = called(widget), w.frames(widget), point.get_attribute("cy")
    w.press(widget, w.control(widget, "look-threshold"), "Home", *["ArrowRight"] * 20)
    assert called(widget) > 2 * before > 0
    assert float(read(widget, "Healthy FPR").split()[0]) > 75  # all but the rim
    assert point.get_attribute("cy") != at
    assert w.frames(widget) == frames


def test_a_press_sends_the_threshold_to_the_oracle(page):
    widget = w.root(page, 0)
    w.button(widget, "oracle").click()
    w.settle(widget)
    best = w.readout(widget).rstrip(".").split()[-1]
    expect(widget.locator(".brainlab-lookup tr[data-row='Dice'] td")).to_have_text(best)


def test_the_slider_shows_the_last_stop_that_it_was_dragged_to(page):
    widget = w.root(page, 1)
    w.press(widget, w.control(widget, "stop"), "Home", "ArrowRight")
    expect(w.control(widget, "stop")).to_have_attribute("aria-valuetext", "A VAE after 1 epochs")
    first = w.pixels(widget, "residual")
    w.press(widget, w.control(widget, "stop"), "Home", "End", "ArrowLeft")
    np.testing.assert_array_equal(w.pixels(widget, "residual"), first)
    w.press(widget, w.control(widget, "stop"), "End")
    assert not np.array_equal(w.pixels(widget, "residual"), first)


def test_the_divider_parts_two_models_without_the_kernel(page):
    widget = w.root(page, 2)
    swipe, frames = widget.get_by_role("slider", name="What each makes of it: drag the divider"), w.frames(widget)
    w.press(widget, swipe, "Home")
    right = w.pixels(widget, "duel")
    w.press(widget, swipe, "End")
    assert not np.array_equal(w.pixels(widget, "duel"), right)
    assert w.frames(widget) == frames
    widget.get_by_label("residual", exact=True).check()
    w.settle(widget)
    assert w.frames(widget) > frames


def test_the_console_stays_clean(page):
    assert complaints(page) == []
