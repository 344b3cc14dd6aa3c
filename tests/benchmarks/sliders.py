"""How long a learner waits after a move of a slider: our canvas against ``@interact`` with an inline figure.

Both sit in one notebook, on one kernel and one 128 px decoder, kernel and browser sharing the machine. A move is a
real mouse event on the slider's handle. The clock runs from that event until the browser has painted a picture with
other pixels: in every animation frame the middle of whatever picture is shown is read back, the same way for both, so
that neither side reports on itself. The next move waits until the last one's picture has come.
"""

import itertools
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from tests.browser.jupyter import launch, open_page, serve

PAIRS, MOVES, WARM = 5, 12, 4
BARS = 5  # px the mouse goes a move: more than one step of either slider

SHARED = """
import brainlab as bl, torch, traitlets
torch.manual_seed(0)
model = bl.Autoencoder(bl.ModelConfig(image_size=128)).eval()
axis = torch.randn(1, 32)
def decode(z):
    with torch.inference_mode():
        return model.decode(z * axis)[0, 0].numpy()
low, high = decode(0.0).min() - 0.02, decode(0.0).max() + 0.02
"""
CANVAS = """
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture, to_bytes
from brainlab.widgets.parts import Panel, Slider
class Latent(traitlets.HasTraits):
    z = traitlets.Float(0.0)
    def frame(self):
        return Frame({"image": Picture(to_bytes(decode(self.z), (low, high)))}, f"z = {self.z:.2f}")
Canvas(Latent(), [Panel("image", "Decoded")], [Slider("z", "z", -3, 3, 0.05, digits=2)], title="Latent", caption="")
"""
# Without plt.show() a current matplotlib's figure leaves the callback too late and never reaches the page.
INLINE = """
%matplotlib inline
import matplotlib.pyplot as plt
from ipywidgets import interact
@interact(z=(-3.0, 3.0, 0.05))
def show(z=0.0):
    plt.imshow(decode(z), cmap="gray")
    plt.show()
"""

# A picture's fingerprint is the bytes of its middle; where none is shown there is none, and nothing was painted.
CLOCK = """
(selector) => {
  const scratch = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
  const context = scratch.getContext("2d", { willReadFrequently: true });
  const fingerprint = () => {
    const one = [...document.querySelectorAll(selector)].pop();
    const width = one?.naturalWidth ?? one?.width, height = one?.naturalHeight ?? one?.height;
    if (!width || one.complete === false) return null;
    context.drawImage(one, width / 2 - 32, height / 2 - 32, 64, 64, 0, 0, 64, 64);
    return context.getImageData(0, 0, 64, 64).data.join();
  };
  window.clock = { blank: 0, waited: null };
  let before = fingerprint(), moved = null;
  const onMove = (event) => { moved ??= event.timeStamp; };
  document.addEventListener("pointermove", onMove, true);
  const look = () => {
    if (window.clock.stop) return document.removeEventListener("pointermove", onMove, true);
    const now = fingerprint();
    if (now === null) window.clock.blank++;
    if (moved !== null && now !== null && now !== before) {
      const started = moved, { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { window.clock.waited = performance.now() - started; }; // after this frame is painted
      port2.postMessage(0);
      [before, moved] = [now, null];
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""


def measure() -> tuple[float, dict[str, float]]:
    """Median wait with our canvas over that with ``@interact`` and inline ``imshow``, five alternating pairs."""
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "root") as lab, sync_playwright() as playwright:
        browser = launch(playwright)
        page = open_page(browser, height=1400)
        lab.open(page, lab.write("sliders.ipynb", SHARED, CANVAS, INLINE))
        lab.run_all(page)
        canvas, inline = page.locator(".brainlab input[data-name=z]"), page.locator(".noUi-handle")
        page.locator(".jp-RenderedImage img").wait_for(timeout=120_000)
        sides = (("canvas", canvas, ".brainlab canvas"), ("inline", inline, ".jp-RenderedImage img"))
        waits: dict[str, list[list[float]]] = {"canvas": [], "inline": []}
        for _, handle, selector in sides:
            drag(page, handle, selector, WARM)
        for pair in range(PAIRS):
            for name, handle, selector in sides if pair % 2 == 0 else sides[::-1]:
                waits[name].append(drag(page, handle, selector, MOVES))
        browser.close()
    return summary(waits)


def summary(waits: dict[str, list[list[float]]]) -> tuple[float, dict[str, float]]:
    """The ratio of medians, and what it is made of; ``waits`` in ms, a list for every run of every side."""
    canvas, inline = (statistics.median(itertools.chain(*waits[name])) for name in ("canvas", "inline"))
    pairs = [statistics.median(a) / statistics.median(b) for a, b in zip(*waits.values(), strict=True)]
    details = {"slider_canvas_ms": canvas, "slider_inline_ms": inline}
    return canvas / inline, details | {"slider_best_pair": min(pairs), "slider_worst_pair": max(pairs)}


def drag(page: Page, handle: Locator, selector: str, moves: int) -> list[float]:
    """Drag a handle to and fro, a move at a time; return the wait for each move's picture in ms."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box, "the slider is not on the page"
    share = 0.5
    if handle.evaluate("one => one.tagName") == "INPUT":
        share = handle.evaluate("one => (one.value - one.min) / (one.max - one.min)")
    x, y = box["x"] + share * box["width"], box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(300)
    page.evaluate(CLOCK, selector)
    waits = []
    for move in range(moves):
        x += BARS if move < moves / 2 else -BARS
        page.evaluate("() => { window.clock.waited = null; }")
        page.mouse.move(x, y)
        page.wait_for_function("() => window.clock.waited !== null", timeout=20_000)
        waits.append(page.evaluate("() => window.clock.waited"))
        page.wait_for_timeout(120)  # so that what trails behind a picture does not count for the next
    page.evaluate("() => { window.clock.stop = true; }")
    page.mouse.up()
    page.wait_for_timeout(300)
    return waits
