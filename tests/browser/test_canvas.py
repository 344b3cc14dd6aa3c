"""The canvas in a real JupyterLab: what it does when all is well, and what it says when the kernel is not."""

import os
import re
import signal

import numpy as np
import pytest
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints, open_page

pytestmark = pytest.mark.browser

RAMP = """
import brainlab, time, traitlets, numpy as np
from brainlab import InputError
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture
from brainlab.widgets.parts import Panel, Slider
class Ramp(traitlets.HasTraits):
    level = traitlets.Float(100.0)
    pause, frames = 0.0, 0
    def frame(self):
        time.sleep(self.pause)
        Ramp.frames += 1
        if self.level == 13:
            raise InputError("13 cannot be shown; take another level.")
        overlay = np.tile(np.linspace(0, 255, 64), (64, 1)).astype(np.uint8)
        image = np.full((64, 64), self.level, np.uint8)
        return Frame({"ramp": Picture(image, overlay=overlay)}, f"Level {self.level:.0f}.")
ramp = Ramp()
canvas = Canvas(ramp, [Panel("ramp", "Ramp")], [Slider("level", "Level", 0, 255, 1)], title="A ramp",
                caption="Not for clinical use.", look={"opacity": 0.0},
                display=("window", "opacity", "threshold", "zoom"))
"""


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(RAMP, "canvas", "canvas")


def middle(widget) -> np.ndarray:
    image = w.pixels(widget)
    return image[len(image) // 2, len(image) // 2].astype(int)


def test_it_draws_the_kernels_bytes(page):
    widget = w.root(page)
    level = int(w.control(widget, "level").input_value())
    np.testing.assert_array_equal(middle(widget), level)
    expect(widget.locator(".brainlab-readout")).to_have_text(f"Level {level}.")
    expect(widget.locator(".brainlab-caption")).to_have_text("Not for clinical use.")


def test_a_slider_changes_the_picture_and_every_copy_of_it(page):
    one, other = w.root(page), w.root(page, 1)
    w.control(one, "level").fill("200")
    w.settle(one)
    np.testing.assert_array_equal(middle(one), 200)
    np.testing.assert_array_equal(middle(other), 200)
    assert w.control(other, "level").input_value() == "200"


def test_every_label_belongs_to_one_input_though_there_are_two_copies(page):
    assert page.evaluate("""() => {
      const ids = [...document.querySelectorAll(".brainlab [id]")].map((one) => one.id);
      return new Set(ids).size === ids.length &&
        [...document.querySelectorAll(".brainlab label[for]")].every((one) => one.control?.type === "range");
    }""")


def test_window_and_overlay_need_no_kernel(page):
    widget = w.root(page)
    w.control(widget, "level").fill("100")
    w.settle(widget)
    count = w.frames(widget)
    w.control(widget, "look-opacity").fill("1")
    dark, bright = (w.pixels(widget)[len(w.pixels(widget)) // 2, column].astype(int) for column in (20, -20))
    assert dark.sum() < 200 < 500 < bright.sum()  # inferno from left to right
    w.control(widget, "look-threshold").fill("1")
    np.testing.assert_array_equal(middle(widget), 100)  # below the threshold: the picture itself
    w.control(widget, "look-opacity").fill("0")
    w.control(widget, "look-width").fill("0.5")  # window from 0.25 to 0.75 about the level 0.5
    np.testing.assert_allclose(middle(widget), round(255 * (100 / 255 - 0.25) / 0.5), atol=1)
    w.control(widget, "look-width").fill("1")
    assert w.frames(widget) == count


def test_all_of_it_is_reached_by_tab_alone(page):
    widget = w.root(page)
    w.control(widget, "level").focus()
    seen = [w.focused(page)]
    while len(seen) < 7:
        page.keyboard.press("Tab")
        seen.append(w.focused(page))
    assert seen[:6] == ["level", "look-width", "look-level", "look-auto", "look-opacity", "look-threshold"]
    assert seen[6] == "look-zoom"


def test_keys_in_the_widget_are_not_jupyterlabs(page):
    widget = w.root(page)
    cells = page.locator(".jp-Cell").count()
    level = w.control(widget, "level")
    level.fill("100")
    w.press(widget, level, "ArrowRight", "ArrowUp", "PageUp")
    assert int(level.input_value()) > 102
    w.press(widget, level, "d", "d", "a", "b")  # in command mode: delete the cell, insert above, insert below
    assert page.locator(".jp-Cell").count() == cells
    expect(level).to_be_focused()


def test_an_error_is_a_sentence_in_the_widget(page):
    widget = w.root(page)
    w.control(widget, "level").fill("13")
    w.settle(widget)
    error = widget.get_by_role("alert")
    expect(error).to_have_text("13 cannot be shown; take another level.")
    w.control(widget, "level").fill("14")
    expect(error).to_be_hidden()


def test_a_fast_drag_asks_for_few_frames_and_ends_on_the_last(page):
    widget = w.root(page)
    before = w.frames(widget)
    w.control(widget, "level").evaluate("""async (one) => {
      for (let value = 20; value <= 220; value++) {
        one.value = value;
        one.dispatchEvent(new Event("input"));
        if (value % 20 === 0) await new Promise(requestAnimationFrame);
      }
    }""")
    w.settle(widget)
    np.testing.assert_array_equal(middle(widget), 220)
    assert w.frames(widget) - before < 100  # of 201 wishes


def test_the_console_stays_clean(page):
    assert complaints(page) == []


def test_a_closed_widget_leaves_its_static_picture_and_nothing_else(notebook):
    page = notebook(RAMP, "canvas", "canvas.close()")
    expect(page.get_by_role("img", name="A ramp. Level 100.")).to_be_visible()
    expect(page.locator("section.brainlab")).to_have_count(0)
    assert page.locator("head style", has_text="brainlab-").count() == 0
    assert complaints(page) == []


def test_a_busy_kernel_is_told_and_the_picture_follows(notebook):
    page = notebook(RAMP, "ramp.pause = 4.0; canvas")
    widget = w.root(page)
    w.control(widget, "level").fill("50")
    status = widget.get_by_role("status")
    expect(status).to_have_text("The kernel is busy: the picture follows when it answers.")
    assert int(w.control(widget, "level").input_value()) == 50  # the slider does not wait
    w.settle(widget)
    expect(status).to_have_text("")
    np.testing.assert_array_equal(middle(widget), 50)


def test_a_dead_kernel_is_told(notebook):
    page = notebook(RAMP, "canvas", "import os; print('process', os.getpid())")
    widget = w.root(page)
    died = page.locator(".jp-Dialog", has_text="appears to have died")
    printed = page.get_by_text(re.compile(r"^\s*process \d+\s*$")).last.inner_text()  # and not the code that prints it
    os.kill(int(printed.split()[1]), signal.SIGKILL)
    died.wait_for()
    page.keyboard.press("Escape")
    w.control(widget, "level").fill("50")
    # JupyterLab closes the line to a dead kernel, or keeps it where a new one is up: told at once, or after 10 s.
    told = re.compile(r"\bgone\b.*run this cell again", re.IGNORECASE)
    expect(widget.get_by_role("status")).to_contain_text(told, timeout=20_000)


def test_a_reopened_notebook_shows_a_static_picture_with_alternative_text(notebook, lab, browser):
    page = notebook(RAMP, "canvas")
    widget = w.root(page)
    expect(page.locator(".brainlab-still")).to_be_hidden()  # one picture is enough while the widget lives
    w.control(widget, "level").focus()
    page.keyboard.press("Control+s")  # the widget keeps arrows and letters from JupyterLab, but not this
    page.locator(".jp-mod-dirty").wait_for(state="detached")
    w.control(widget, "level").fill("50")
    w.settle(widget)
    page.reload()  # with its kernel the widget comes back as it was
    np.testing.assert_array_equal(middle(w.root(page)), 50)
    name = page.url.split("/")[-1].split("?")[0]
    page.context.close()
    lab.stop_kernels()
    again = open_page(browser)
    lab.open(again, name)
    picture = again.get_by_role("img", name="A ramp. Level 100.")
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.naturalWidth") > 100
    lost = again.get_by_text("model not found")
    lost.wait_for(state="attached")
    expect(lost).to_be_hidden()
    again.context.close()
