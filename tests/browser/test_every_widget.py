"""All eleven widgets on one page: axe, the keyboard alone, narrow windows and twice the size.

They are opened tiny and in one cell, on one kernel: JupyterLab takes cells off the page while they are out of sight.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from . import widget as w
from .jupyter import complaints
from .openings import TINY, TINY_SETUP, together

pytestmark = pytest.mark.browser

NAMES = sorted(TINY)
# What Tab must stop at: every control that can be used, one of each group of radio buttons, and panels with keys.
STOPS = """root => {
  const all = [...root.querySelectorAll("input, select, button, [tabindex], [role=slider], [role=application]")]
    .filter((one) => !one.disabled);
  const groups = new Set();
  return all.filter((one) => one.type !== "radio" || (one.checked && !groups.has(one.name) && groups.add(one.name)))
    .map((one, i) => { one.dataset.stop = i; return one.dataset.stop; });
}"""
CLIPPED = """root => {
  const frame = root.getBoundingClientRect(), found = [];
  if (root.scrollWidth > root.clientWidth) found.push(`it needs ${root.scrollWidth} px of ${root.clientWidth}`);
  for (const one of root.querySelectorAll("*")) {
    const box = one.getBoundingClientRect(), said = one.dataset.name ?? one.textContent.slice(0, 40);
    if (!box.width || getComputedStyle(one).clipPath !== "none") continue;
    if (box.left < frame.left - 1 || box.right > frame.right + 1) found.push(`outside: ${said}`);
    const words = /^(BUTTON|LABEL|SPAN|TD|TH|P|H3)$/.test(one.tagName) && one.clientWidth;
    if (words && one.scrollWidth > one.clientWidth + 1) found.push(`cut off: ${said}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def page(notebook):
    page = notebook(TINY_SETUP, together(TINY, NAMES))
    page.locator("section.brainlab").nth(len(NAMES) - 1).wait_for(timeout=240_000)  # eleven widgets on one kernel
    page.get_by_role("tab", name="File Browser").click()
    return page


@pytest.fixture(params=NAMES)
def widget(page, request):
    """A widget and nothing that it said wrong."""
    found = w.root(page, NAMES.index(request.param))
    expect(found.get_by_role("alert")).to_be_hidden()
    return found


def rules_broken(page, part: str) -> list:
    found = Axe().run(page, part).response["violations"]
    return [(one["id"], one["impact"], [node["html"][:160] for node in one["nodes"]]) for one in found]


def test_no_rule_of_axe_is_broken(page, widget):
    widget.evaluate("(one) => one.setAttribute('data-asked', '')")
    try:
        assert rules_broken(page, "section.brainlab[data-asked]") == []
    finally:
        widget.evaluate("(one) => one.removeAttribute('data-asked')")


def test_tab_stops_at_every_control_in_its_order(page, widget):
    stops = widget.evaluate(STOPS)
    assert widget.locator("[data-stop][tabindex='-1']").count() == 0  # which a script can focus, and no key
    widget.locator("[data-stop='0']").focus()
    seen = [page.evaluate("() => document.activeElement.dataset.stop")]
    for _ in stops[1:]:
        page.keyboard.press("Tab")
        seen.append(page.evaluate("() => document.activeElement.dataset.stop"))
    assert seen == stops
    assert len(stops) > 1


def test_keys_alone_move_every_slider_and_every_picture_that_answers(page, widget):
    for slider in widget.locator("input[type=range]:enabled").all():
        before = slider.input_value()
        at_end = float(before) >= float(slider.get_attribute("max"))
        slider.press("ArrowLeft" if at_end else "ArrowRight")
        assert slider.input_value() != before, slider.get_attribute("data-name")
        assert slider.get_attribute("aria-valuetext")
    w.settle(widget)
    for panel in widget.locator("[tabindex='0']").all():
        seen = (
            "one => [one.innerHTML, one.getAttribute('aria-valuenow'), one.querySelector('canvas')?.toDataURL()].join()"
        )
        panel.focus()
        before = panel.evaluate(seen)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Shift+ArrowLeft")
        w.settle(widget)
        assert panel.evaluate(seen) != before, panel.get_attribute("aria-label")


def test_every_slider_and_picture_says_what_it_is(widget):
    for slider in widget.locator("input[type=range]").all():
        assert re.search(r"\w", slider.get_attribute("aria-valuetext") or ""), slider.get_attribute("data-name")
    for canvas in widget.locator("canvas").all():
        assert canvas.evaluate("one => one.closest('[aria-label]').getAttribute('aria-label')")
    assert len(w.readout(widget)) > 20


@pytest.mark.parametrize("size", [(1024, 768), (512, 384)], ids=["1024 px", "1024 px at 200 %"])
def test_nothing_is_clipped_or_needs_scrolling_sideways(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(500)
    found = {name: w.root(page, i).evaluate(CLIPPED) for i, name in enumerate(NAMES)}
    page.set_viewport_size({"width": 1280, "height": 1000})
    assert found == {name: [] for name in NAMES}


def test_no_rule_of_axe_is_broken_in_the_dark_theme(page, lab):
    lab.theme(page, "JupyterLab Dark")
    found = rules_broken(page, "section.brainlab")
    lab.theme(page, "JupyterLab Light")
    assert found == []


def test_the_console_stays_clean(page):
    assert complaints(page) == []
