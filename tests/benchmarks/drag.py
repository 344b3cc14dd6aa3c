"""Frames while a slider is dragged without a pause: our canvas against ``@interact`` with an inline figure.

Both sit in one notebook, on one kernel and one decoder, kernel and browser sharing the machine. A drag is a stream of
real mouse events on the slider's handle, sixty a second, to and fro, for some seconds. In every animation frame the
middle of whatever picture is shown is read back, the same way for both: another fingerprint is a new frame, no picture
is a blank one. After the mouse is let go the clock runs until the picture of the last value is painted; to see
that it is the right one, that value is drawn anew with nothing else going on. 128 px decide, 64 px are reported.
"""

import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Locator, Page, sync_playwright

from tests.benchmarks.sliders import CANVAS, INLINE, SHARED
from tests.browser.jupyter import Lab, launch, open_page, serve

PAIRS, SECONDS, HZ = 5, 4.5, 60
REACH, SPEED, THUMB = 50, 120, 16  # px from the middle, px a second, and how wide the browser's own handle is
SIZES = (128, 64)  # the first decides
QUIET_MS, LONGEST_MS = 1500, 60_000  # a picture that has stood so long is the last; none may take longer
SIDES = {
    "canvas": (".brainlab input[data-name=z]", ".brainlab canvas"),
    "inline": (".noUi-handle", ".jp-RenderedImage img"),
}

# Fingerprints are the bytes of the picture's middle, hashed; null where there is no picture.
RECORDER = """
(selector) => {
  const scratch = Object.assign(document.createElement("canvas"), { width: 48, height: 48 });
  const context = scratch.getContext("2d", { willReadFrequently: true });
  const fingerprint = () => {
    const one = [...document.querySelectorAll(selector)].pop();
    const width = one?.naturalWidth ?? one?.width, height = one?.naturalHeight ?? one?.height;
    if (!width || one.complete === false) return null;
    context.drawImage(one, width / 4, height / 4, width / 2, height / 2, 0, 0, 48, 48);
    let hash = 0;
    for (const byte of context.getImageData(0, 0, 48, 48).data) hash = (Math.imul(hash, 31) + byte) | 0;
    return hash;
  };
  const recorder = window.recorder = { seen: [], blank: 0, last: fingerprint(), at: performance.now(), released: null };
  const onUp = () => { recorder.released = performance.now(); };
  document.addEventListener("pointerup", onUp, { capture: true, once: true });
  const look = () => {
    if (recorder.stop) return;
    const now = fingerprint();
    if (now === null) recorder.blank++;
    else if (now !== recorder.last) {
      recorder.seen.push([performance.now(), now]);
      [recorder.last, recorder.at] = [now, performance.now()];
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
# No event and no other picture for so long, and a kernel that has done all that was asked of it.
RESTED = """(quiet) => {
  const kernel = document.querySelector(".jp-NotebookPanel-toolbar .jp-Notebook-ExecutionIndicator");
  const { at, released } = window.recorder;
  return kernel.dataset.status === "idle" && performance.now() - Math.max(at, released ?? 0) > quiet;
}"""


class Drag(NamedTuple):
    """One drag: new pictures a second while it lasted, animation frames without one, and how it ended."""

    fps: float
    blank: int
    settle_ms: float  # from letting go to the last picture, 0 if it stood already
    right: bool  # whether the last picture is that of the last value


def measure() -> tuple[float, dict[str, float]]:
    """Frames of our canvas over those of ``@interact`` at 128 px, the median of five alternating pairs."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "root") as lab, sync_playwright() as playwright:
        browser = launch(playwright)
        for size in SIZES:
            found[size] = measured(lab, open_page(browser, height=1400), size)
            lab.stop_kernels()
        browser.close()
    return summary(found[SIZES[0]], found[SIZES[1]])


def measured(lab: Lab, page: Page, size: int) -> dict[str, list[Drag]]:
    """All drags of both sides with a decoder of this size."""
    shared = SHARED.replace("image_size=128", f"image_size={size}")
    lab.open(page, lab.write(f"drag-{size}.ipynb", shared, CANVAS, INLINE))
    lab.run_all(page)
    page.locator(SIDES["inline"][1]).wait_for(timeout=300_000)
    drags: dict[str, list[Drag]] = {name: [] for name in SIDES}
    sides = {name: (page.locator(handle), selector) for name, (handle, selector) in SIDES.items()}
    for pair in range(-1, PAIRS):
        for name in SIDES if pair % 2 == 0 else reversed(SIDES):
            one = drag(page, *sides[name], REACH if pair % 2 else -REACH)  # back to where the last one began
            if pair >= 0:  # the first pair warms both
                drags[name].append(one)
    page.context.close()
    return drags


def summary(deciding: dict[str, list[Drag]], other: dict[str, list[Drag]]) -> tuple[float, dict[str, float]]:
    """The ratios that are promised, and what they are made of; blank frames are those of our canvas, of both sizes."""
    details = {
        "drag_blank_frames": sum(one.blank for one in [*deciding["canvas"], *other["canvas"]]),
        "drag_last_frame_wrong": sum(not one.right for one in [*deciding["canvas"], *other["canvas"]]),
        "settle_ratio": _median(deciding, "canvas", "settle_ms") / max(_median(deciding, "inline", "settle_ms"), 1.0),
        "drag_fps_ratio_64": _ratio(other),
        "drag_inline_blank_frames": sum(one.blank for one in [*deciding["inline"], *other["inline"]]),
        "drag_inline_last_frame_wrong": sum(not one.right for one in [*deciding["inline"], *other["inline"]]),
    }
    for name, what in itertools.product(SIDES, ("fps", "settle_ms")):
        details[f"drag_{name}_{what}"] = _median(deciding, name, what)
    return _ratio(deciding), details


def _ratio(drags: dict[str, list[Drag]]) -> float:
    """The median of the pairs; a side that showed nothing before the release counts as if it had shown one frame."""
    pairs = zip(drags["canvas"], drags["inline"], strict=True)
    return statistics.median(a.fps / max(b.fps, 1 / SECONDS) for a, b in pairs)


def _median(drags: dict[str, list[Drag]], side: str, what: str) -> float:
    return statistics.median(getattr(one, what) for one in drags[side])


def drag(page: Page, handle: Locator, selector: str, reach: float) -> Drag:
    """Drag a handle ``reach`` px to and fro for ``SECONDS``, let it go, and wait for the last picture."""
    x, y = grip(handle)
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(300)
    page.evaluate(RECORDER, selector)
    began, ticks = time.monotonic(), 0
    while (passed := time.monotonic() - began) < SECONDS:
        page.mouse.move(x + reach * way(passed), y)
        ticks += 1
        time.sleep(max(0.0, began + ticks / HZ - time.monotonic()))
    page.mouse.move(x + reach * way(SECONDS), y)
    page.mouse.up()
    page.wait_for_function(RESTED, arg=QUIET_MS, timeout=LONGEST_MS)
    seen = page.evaluate("() => { window.recorder.stop = true; return window.recorder; }")
    while_held = sum(at <= seen["released"] for at, _ in seen["seen"])
    settle = max(0.0, seen["at"] - seen["released"])
    return Drag(while_held / SECONDS, seen["blank"], settle, seen["last"] == anew(page, handle, selector))


def way(seconds: float) -> float:
    """How far the hand is from where it began, in shares of its reach: to 1 and back, to −1 and back, and so on."""
    phase = seconds * SPEED / REACH
    return 1 - abs((phase + 1) % 4 - 2)


def anew(page: Page, handle: Locator, selector: str) -> int:
    """The fingerprint of the picture of the value that stands now, drawn anew: a key away from it, and a key back."""
    page.evaluate(RECORDER, selector)
    for key in ("ArrowLeft", "ArrowRight"):
        handle.press(key)
        page.evaluate("() => { window.recorder.released = performance.now(); }")
        page.wait_for_function(RESTED, arg=QUIET_MS, timeout=LONGEST_MS)
    return page.evaluate("() => { window.recorder.stop = true; return window.recorder.last; }")


def grip(handle: Locator) -> tuple[float, float]:
    """Where the handle is on the page: in a slider of the browser's, where its value lies."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box, "the slider is not on the page"
    if handle.evaluate("one => one.tagName") != "INPUT":
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    share = handle.evaluate("one => (one.value - one.min) / (one.max - one.min)")
    return box["x"] + THUMB / 2 + share * (box["width"] - THUMB), box["y"] + box["height"] / 2
