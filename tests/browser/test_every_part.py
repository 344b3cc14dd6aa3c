"""Every part of the canvas in a real JupyterLab, by pointer and by keyboard alone."""

import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints

pytestmark = pytest.mark.browser

EVERY_PART = (Path(__file__).parent.parent / "every_part.py").read_text(encoding="utf-8")
STOPS = ["slice", "duel", "map", "size", "subject", "smooth", *["kernel"] * 9, "train", "reset", "fail", "never"]
LOOKS = ["look-width", "look-level", "look-auto", "look-opacity", "look-threshold", "look-zoom"]


@pytest.fixture(scope="module")
def page(notebook):
    return notebook(EVERY_PART, "every_part()")


@pytest.fixture
def widget(page):
    widget = w.root(page)
    w.control(widget, "look-opacity").fill("1")
    w.control(widget, "look-threshold").fill("0.3")
    w.control(widget, "size").fill("3")
    w.button(widget, "reset").click()
    w.settle(widget)
    return widget


def part(widget, name: str):
    return widget.locator(f"[data-panel={name}]")


def at(widget, name: str, column: float, row: float) -> tuple[float, float]:
    """Where a pixel of a 48 px picture lies on the page."""
    part(widget, name).scroll_into_view_if_needed()  # a mouse finds only what is on the screen
    box = part(widget, name).bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / 48, box["y"] + box["height"] * (row + 0.5) / 48


def amber(widget, *places: tuple[float, float]) -> list[bool]:
    """Which of the pixels (column, row) are painted, or previewed."""
    image = w.pixels(widget, "slice").astype(int)
    found = [image[round(len(image) * (y + 0.5) / 48), round(len(image) * (x + 0.5) / 48)] for x, y in places]
    return [bool(red - blue > 60) for red, _, blue in found]


def dots(widget, name: str) -> np.ndarray:
    """Where a curve's marker dots are, in px of the plot."""
    found = part(widget, name).locator(".brainlab-mark circle")
    return np.array(found.evaluate_all("all => all.map(one => [+one.getAttribute('cx'), +one.getAttribute('cy')])"))


def crossing(path: str) -> tuple[float, float]:
    """Where the two hairs cross, from "M left y H … M … y H right M x top V … M x … V bottom"."""
    numbers = [float(one) for one in re.findall(r"[\d.]+", path)]
    return numbers[6], numbers[1]


def test_a_press_arrives_once(page, widget):
    before = w.readout(widget).count("train")
    w.button(widget, "never").click(force=True)  # switched off, and yet in reach of the keyboard
    w.button(widget, "train").click()
    expect(widget.locator(".brainlab-readout")).to_contain_text(re.compile("train[^a-z]*$"))
    assert w.readout(widget).count("train") == before + 1
    assert "never" not in w.readout(widget)


def test_a_training_thread_draws_its_curve_while_the_page_goes_on(page, widget):
    line = part(widget, "loss").locator("path[data-line=train]")
    points = "one => one.getAttribute('d').split('L').length"
    before = line.evaluate(points)
    w.button(widget, "train").click()
    w.control(widget, "size").fill("5")
    page.wait_for_function(
        f"before => ({points})(document.querySelector('path[data-line=train]')) >= before + 20", arg=before
    )
    w.settle(widget)
    assert w.control(widget, "size").input_value() == "5"
    expect(part(widget, "loss")).to_have_attribute("aria-label", re.compile("Loss while training. train: from 3.2 to"))


def test_a_stroke_is_painted_where_the_pointer_was(page, widget):
    page.mouse.move(*at(widget, "slice", 10, 12))
    page.mouse.down()
    page.mouse.move(*at(widget, "slice", 30, 12), steps=5)
    page.mouse.up()
    w.settle(widget)
    assert amber(widget, (10, 12), (30, 12), (20, 18), (12, 30)) == [True, True, False, False]


def test_a_stroke_arrives_whole_while_the_kernel_is_slow_and_is_seen_before(notebook):
    page = notebook(EVERY_PART, "state = EveryPart(); state.pause = 3.0; every_part(state)", "state.done.clear()")
    widget = w.root(page)
    before = w.frames(widget)
    page.mouse.move(*at(widget, "slice", 5, 34))
    page.mouse.down()
    for column in range(6, 44):
        page.mouse.move(*at(widget, "slice", column, 34))
    page.mouse.up()
    seen = [(column, 34) for column in (*range(6, 39), 42, 43)]  # at 40 lies the rim of the brush
    early, count = amber(widget, *seen), w.frames(widget)
    w.settle(widget)
    assert count < w.frames(widget)  # the kernel had not caught up: what was seen was the preview
    assert early == [True] * 35
    assert amber(widget, *seen) == [True] * 35
    assert w.frames(widget) - before < 10  # of 40 moves
    painted = int(w.readout(widget).split()[0])
    assert 7 * 37 < painted < 8 * 45  # a band of 7 px from end to end


def test_marker_and_numbers_follow_the_threshold_without_the_kernel(page, widget):
    page.evaluate("""() => {
      const send = WebSocket.prototype.send;
      window.sent = 0;
      WebSocket.prototype.send = function (...given) { window.sent += 1; return send.apply(this, given); };
    }""")
    before, count, numbers = dots(widget, "pr"), w.frames(widget), widget.get_by_role("row", name="Dice").inner_text()
    # "input" is what a drag fires; letting go ("change") saves the look, which a kernel need not answer
    slide = "(one, value) => { one.value = value; one.dispatchEvent(new Event('input')); }"
    for value in (0.4, 0.6, 0.8):
        w.control(widget, "look-threshold").evaluate(slide, value)
    after = dots(widget, "pr")
    assert page.evaluate("window.sent") == 0
    assert w.frames(widget) == count
    assert len(after) == 2
    assert (after[:, 0] < before[:, 0] - 20).all()  # recall falls as the threshold rises
    assert widget.get_by_role("row", name="Dice").inner_text().split() == ["Dice", "0.64"]  # 4 · 0.8 · 0.2
    assert numbers.split() == ["Dice", "0.84"]  # 4 · 0.3 · 0.7
    expect(widget.locator(".brainlab-lookup [aria-live=polite]")).to_have_text("Dice 0.64, False positives 20.0 %")
    flag = part(widget, "scores").locator(".brainlab-mark path").first.get_attribute("d")
    w.control(widget, "size").fill("4")
    w.settle(widget)
    assert page.evaluate("window.sent") > 0  # the counter counts
    assert part(widget, "scores").locator(".brainlab-mark path").first.get_attribute("d") == flag


def test_a_click_in_the_map_moves_both_its_values(page, widget):
    map_ = part(widget, "map")
    hairs = map_.locator(".brainlab-hairs path").first
    map_.scroll_into_view_if_needed()
    before, box = hairs.get_attribute("d"), map_.bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.3 * box["height"])
    w.settle(widget)
    clicked = hairs.get_attribute("d")
    assert clicked != before
    assert crossing(clicked) == pytest.approx((0.8 * box["width"], 0.3 * box["height"]), abs=3)
    w.press(widget, widget.locator(".brainlab-map"), "ArrowRight", "Shift+ArrowDown")
    (x, y), (right, down) = crossing(clicked), crossing(hairs.get_attribute("d"))
    assert 0 < right - x < 5
    assert 5 < down - y < 50


def test_the_divider_is_the_browsers_own(page, widget):
    count, swipe = w.frames(widget), widget.get_by_role("slider", name="Two models")
    page.mouse.move(*at(widget, "duel", 24, 30))
    page.mouse.down()
    page.mouse.move(*at(widget, "duel", 12, 30), steps=4)
    page.mouse.up()
    assert int(swipe.get_attribute("aria-valuenow")) == pytest.approx(26, abs=1)
    image = w.pixels(widget, "duel").astype(int)
    h, width = image.shape[:2]
    assert image[h - 4, width // 12, 0] < 20  # left of the divider the VAE's dark air, right of it the GAN's bright
    assert image[h - 4, width // 2, 0] > 230
    w.press(widget, swipe, "End")
    expect(swipe).to_have_attribute("aria-valuetext", "100 % VAE, 0 % GAN")
    w.press(widget, swipe, "ArrowLeft", "Shift+ArrowLeft")
    expect(swipe).to_have_attribute("aria-valuetext", "88 % VAE, 12 % GAN")
    assert w.frames(widget) == count


def test_many_options_are_a_list(page, widget):
    subjects = widget.get_by_label("Subject")
    w.press(widget, subjects, "ArrowDown", "ArrowDown")
    expect(subjects).to_have_value("subject 3")
    assert w.frames(widget) > 0
    expect(widget.get_by_role("alert")).to_be_hidden()


def test_a_matrix_sends_whole_numbers_only(page, widget):
    cell = widget.get_by_label("Kernel, row 1, column 2")
    count = w.frames(widget)
    cell.fill("")
    expect(cell).to_have_attribute("aria-invalid", "true")
    w.settle(widget)
    assert w.frames(widget) == count
    cell.fill("-2.5")
    w.settle(widget)
    assert w.frames(widget) > count
    w.press(widget, cell, "ArrowUp")
    expect(cell).to_have_value("-2.4")
    w.press(widget, cell, "Alt+ArrowDown")
    expect(widget.get_by_label("Kernel, row 2, column 2")).to_be_focused()


def test_all_of_it_is_reached_by_tab_alone(page, widget):
    part(widget, "slice").locator("xpath=..").focus()
    seen = [w.focused(page)]
    while len(seen) < len(STOPS + LOOKS):
        page.keyboard.press("Tab")
        seen.append(w.focused(page))
    assert seen == STOPS + LOOKS


def test_keys_alone_paint_press_and_stay_in_the_widget(page, widget):
    cells, brush = page.locator(".jp-Cell").count(), part(widget, "slice").locator("xpath=..")
    brush.focus()
    before = int(w.readout(widget).split()[0])
    w.press(widget, brush, "Shift+ArrowLeft", "Space")
    dab = int(w.readout(widget).split()[0])
    assert dab - before == 29  # pixels within 3 of a pixel's centre
    strokes = int(w.readout(widget).split()[4])
    page.keyboard.down("Space")
    page.keyboard.down("Space")  # as a key that is held repeats
    w.press(widget, brush, "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown")
    page.keyboard.up("Space")
    w.settle(widget)
    assert int(w.readout(widget).split()[0]) == dab + 4 * 7
    assert int(w.readout(widget).split()[4]) == strokes + 1
    expect(widget.locator("figure [aria-live=polite]")).to_have_text(re.compile(r"Brush at column \d+, row \d+"))
    presses = w.readout(widget).count("reset")
    w.press(widget, w.button(widget, "reset"), "Enter", "Space")
    assert w.readout(widget).count("reset") == presses + 2
    assert int(w.readout(widget).split()[0]) == 0
    w.press(widget, w.button(widget, "never"), "Enter")
    expect(w.button(widget, "never")).to_be_focused()
    w.press(widget, w.button(widget, "fail"), "Enter")
    expect(widget.get_by_role("alert")).to_have_text("This button cannot do it; take another one.")
    assert page.locator(".jp-Cell").count() == cells
    expect(w.button(widget, "fail")).to_be_focused()


def rules_broken(page) -> list:
    found = Axe().run(page, "section.brainlab").response["violations"]
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]


def test_no_rule_of_axe_is_broken(page, widget):
    assert rules_broken(page) == []


def test_no_rule_of_axe_is_broken_in_the_dark_theme(notebook, lab):
    lab.set_theme("JupyterLab Dark")
    try:
        page = notebook(EVERY_PART, "every_part()")
        widget = w.root(page)
    finally:
        lab.set_theme("JupyterLab Light")
    ink = [int(one) for one in re.findall(r"\d+", widget.evaluate("one => getComputedStyle(one).color"))][:3]
    assert min(ink) > 180  # it is dark indeed
    assert rules_broken(page) == []
    assert complaints(page) == []


def test_it_is_usable_at_1024_px_and_twice_the_size(page, widget):
    page.get_by_role("tab", name="File Browser").click()
    for size in ({"width": 1024, "height": 768}, {"width": 512, "height": 384}):  # 512 px: 1024 px at 200 %
        page.set_viewport_size(size)
        page.wait_for_timeout(300)
        wide = widget.evaluate("one => [one.scrollWidth, one.clientWidth]")
        assert wide[0] <= wide[1]
        for name in ("slice", "duel", "map", "loss", "pr", "scores"):
            assert part(widget, name).bounding_box()["width"] >= 100
        out = widget.evaluate("""root => [...root.querySelectorAll("svg text")].filter((one) => {
          const box = one.getBoundingClientRect(), frame = root.getBoundingClientRect();
          return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1);
        }).map((one) => one.textContent)""")
        assert out == []
    page.set_viewport_size({"width": 1280, "height": 1000})


def test_the_console_stays_clean(page):
    assert complaints(page) == []
