"""The filter lab in a real JupyterLab."""

import numpy as np
import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

# A made-up disc, bright on the right, stands for a brain, and untrained weights for the classifier's.
LAB = """
import brainlab as bl, numpy as np, torch
from brainlab import geometry
from brainlab.slices import About, Slices
from brainlab.widgets import filter_lab
torch.manual_seed(0)
y, x = np.mgrid[:32, :32]
brain = torch.from_numpy(np.hypot(x - 15.5, y - 15.5) < 13)[None, None]
lesion = torch.from_numpy((abs(x - 11) < 3) & (abs(y - 15) < 3))[None, None]
image = (0.4 * brain + 0.4 * brain * torch.from_numpy(x > 15) - 0.2 * lesion).float()
affine = geometry.slice_affine(32, (0, 0, 0))[None]
slices = Slices(image, lesion, brain, ("one",), ("lesion",), np.zeros(1), ("lesion",), affine, "T1w",
    geometry.pixel_mm(32), About("made up", "none", "none", True))
lab = filter_lab(bl.Classifier(bl.ModelConfig(image_size=32)), slices)
lab
"""


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(LAB)


@pytest.fixture
def widget(page):
    return w.root(page)


def cell(widget, row, column):
    return widget.locator(f"input[data-name=kernel][data-cell='{row},{column}']")


def test_a_kernel_typed_by_hand_is_applied_and_zero_is_mid_grey(page, widget):
    widget.locator("select[data-name=preset]").select_option("identity")
    w.settle(widget)
    before = w.pixels(widget, "filtered").astype(float)
    background = before[4, 4, 0]
    w.press(widget, cell(widget, 2, 2), *["ArrowDown"] * 20)  # 1 − 20 · 0.1 = −1
    expect(cell(widget, 2, 2)).to_have_value("-1")
    expect(widget.locator("select[data-name=preset]")).to_have_value("own")
    after = w.pixels(widget, "filtered").astype(float)
    assert background == after[4, 4, 0] == pytest.approx(128, abs=1)
    np.testing.assert_allclose(before + after, 256, atol=3)  # what was bright is as dark


def test_half_a_number_is_not_sent(page, widget):
    before = w.frames(widget)
    cell(widget, 2, 2).fill("")
    expect(cell(widget, 2, 2)).to_have_attribute("aria-invalid", "true")
    assert w.frames(widget) == before
    cell(widget, 2, 2).fill("2")
    w.settle(widget)
    assert "weights sum to 2.00" in w.readout(widget)


def test_a_channel_dragged_ends_on_the_last_one(page, widget):
    widget.get_by_role("radiogroup", name="Layer").get_by_label("1", exact=True).check()
    w.settle(widget)
    channel = w.control(widget, "channel")
    w.press(widget, channel, "Home", *["ArrowRight"] * 8)
    expect(channel).to_have_attribute("aria-valuetext", "channel 9 of 16")
    assert "layer 1, channel 9 of 16, 16 × 16 places" in w.readout(widget)
    w.press(widget, channel, "End")
    expect(channel).to_have_attribute("aria-valuetext", "channel 16 of 16")


def test_occlusion_answers_and_dice_follows_the_threshold_without_the_kernel(page, widget):
    widget.get_by_label("Occlusion", exact=True).check()
    w.settle(widget)
    widget.get_by_label("lesion", exact=True).check()
    w.settle(widget)
    assert "Occlusion by patches of 8 px" in w.readout(widget)
    dice, before = widget.locator("tr[data-row='Coloured part'] td"), w.frames(widget)
    w.control(widget, "look-threshold").fill("0.01")
    whole = dice.inner_text()
    w.control(widget, "look-threshold").fill("0.9")
    expect(dice).not_to_have_text(whole)
    assert w.frames(widget) == before


def test_the_console_stays_clean(page):
    assert complaints(page) == []
