"""Training beside a page in a real JupyterLab: it plays while the kernel stays free, and stops with its widget."""

import re
import time

import numpy as np
import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

SETUP = """
import brainlab as bl, torch
from brainlab import data, training
from brainlab.widgets import training_monitor
from brainlab.widgets.gan_cockpit import show
from brainlab.widgets.gan_state import GANCockpitState
small = bl.ModelConfig(image_size=32, width=8, latent_dim=8)
blobs = torch.nn.functional.interpolate(torch.rand(96, 1, 4, 4), size=32, mode="bilinear")
"""
MONITOR = """
monitor = training_monitor(training.vae_step(bl.VAE(small)), data.Batches(blobs, 8), steps=100_000)
monitor
"""
COCKPIT = """
cockpit = show(GANCockpitState(blobs, load=lambda name: bl.GAN(small), batch=8), "Made up.")
cockpit.state.lr_g = 0.01
cockpit
"""


@pytest.fixture(scope="module")
def page(notebook):
    page = notebook(SETUP, MONITOR, COCKPIT)
    w.root(page, 1)
    return page


def number(widget, words: str) -> int:
    """The number after some words in the sentence under the pictures."""
    found = re.search(rf"{words} (\d+)", w.readout(widget))
    return int(found[1]) if found else 0


def apart(one: np.ndarray, other: np.ndarray) -> int:
    """The largest difference of two pictures, in grey levels."""
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def until(page, holds, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert holds()


def test_a_training_plays_by_itself_and_pauses_where_its_sentence_says(page):
    monitor = w.root(page)
    before = w.pixels(monitor, "live")
    w.press(monitor, w.button(monitor, "play"), "Enter")
    until(page, lambda: number(monitor, "step") > 5)
    expect(w.button(monitor, "play")).to_be_disabled()
    w.press(monitor, w.button(monitor, "pause"), "Enter")
    expect(w.button(monitor, "play")).to_be_enabled()
    until(page, lambda: w.readout(monitor).startswith("Paused"))
    page.wait_for_timeout(500)
    count = number(monitor, "step")
    page.wait_for_timeout(500)
    assert number(monitor, "step") == count
    assert (w.pixels(monitor, "live") != before).any()


def test_single_steps_and_levers_of_the_cockpit_and_the_last_frame_is_right(page):
    cockpit = w.root(page, 1)
    before = w.pixels(cockpit, "samples")
    w.press(cockpit, w.button(cockpit, "step_d"), "Enter")
    until(page, lambda: number(cockpit, "after") == 1)
    assert apart(w.pixels(cockpit, "samples"), before) <= 2  # D learned; greys move by what threads round
    w.press(cockpit, w.button(cockpit, "step_g"), "Enter")
    until(page, lambda: number(cockpit, "after") == 2)
    assert apart(w.pixels(cockpit, "samples"), before) > 20
    w.press(cockpit, w.control(cockpit, "lr_d"), "ArrowRight")
    expect(w.control(cockpit, "lr_d")).to_have_attribute(
        "aria-valuetext", "0.00015, Adam's learning rate of the discriminator"
    )


def test_playing_the_cockpit_pauses_the_monitor(page):
    monitor, cockpit = w.root(page), w.root(page, 1)
    w.press(monitor, w.button(monitor, "play"), "Enter")
    until(page, lambda: w.readout(monitor).startswith("Training"))
    w.press(cockpit, w.button(cockpit, "play"), "Enter")
    until(page, lambda: number(cockpit, "after") > 25)
    assert w.readout(monitor).startswith("Paused")
    w.press(cockpit, w.button(cockpit, "pause"), "Enter")
    until(page, lambda: w.readout(cockpit).startswith("Paused"))
    expect(cockpit.get_by_role("row", name="variety")).to_be_visible()


def test_the_console_stays_clean(page):
    assert complaints(page) == []
