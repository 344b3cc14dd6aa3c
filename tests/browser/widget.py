"""What tests ask of a widget on a page: its pictures' pixels, its controls, and whether it has come to rest."""

import base64
import io

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect


def root(page: Page, index: int = 0) -> Locator:
    """The index-th widget on the page, once it is drawn."""
    found = page.locator("section.brainlab").nth(index)
    found.locator("canvas").first.wait_for()
    settle(found)
    return found


def settle(widget: Locator) -> None:
    """Wait until the kernel has answered the newest wish."""
    expect(widget).to_have_attribute("aria-busy", "false")


def frames(widget: Locator) -> int:
    """How many frames the kernel has computed for this widget."""
    return int(widget.get_attribute("data-frame") or 0)


def pixels(widget: Locator, panel: str | None = None) -> np.ndarray:
    """A panel as it is on the screen, RGB (H, W, 3) uint8, with its marks."""
    canvas = widget.locator(f"canvas[data-panel={panel}]" if panel else "canvas").first
    png = base64.b64decode(canvas.evaluate("one => one.toDataURL()").split(",")[1])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def control(widget: Locator, name: str) -> Locator:
    """The input that moves a value."""
    return widget.locator(f"input[data-name={name}]")


def button(widget: Locator, name: str) -> Locator:
    """The button of a name."""
    return widget.locator(f"button[data-name={name}]")


def readout(widget: Locator) -> str:
    """The sentence under the pictures."""
    return widget.locator(".brainlab-readout").inner_text()


def press(widget: Locator, target: Locator, *keys: str) -> None:
    """Focus the target, press keys, and wait for the picture."""
    target.focus()
    for key in keys:
        target.page.keyboard.press(key)
    settle(widget)


def focused(page: Page) -> str:
    """Which control or panel has the focus, by its name."""
    return page.evaluate("""() => {
      const one = document.activeElement;
      return one.dataset.name ?? one.querySelector("[data-panel]")?.dataset.panel ?? one.tagName;
    }""")
