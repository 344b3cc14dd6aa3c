"""A widget's static picture with alternative text, for a saved notebook that is read without a kernel."""

import base64
import html as escape
import io
from typing import Any

import numpy as np

from brainlab.widgets.frame import Picture

SIDE = 256  # px of a panel in the static picture
AMBER = np.array([255.0, 176.0, 0.0])  # readable on grey whatever the colour vision


def png(pictures: list[tuple[dict[str, Any], Picture]], look: dict[str, Any]) -> bytes:
    """Panels (their description and picture) side by side as one PNG, with edge letters; ``look`` as in ``Canvas``."""
    from PIL import Image

    gap = 10
    sheet = Image.new("RGBA", (max(1, len(pictures) * (SIDE + gap) - gap), SIDE))  # the gaps are transparent
    for index, (panel, picture) in enumerate(pictures):
        tile = Image.fromarray(colour(picture, look, panel)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        _letters(tile, panel["edges"])
        sheet.paste(tile, (index * (SIDE + gap), 0))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()


def colour(picture: Picture, look: dict[str, Any], panel: dict[str, Any]) -> np.ndarray:
    """Picture to uint8 RGB (H, W, 3): the window's grey, and above the threshold the overlay in the panel's colours."""
    values = _values(picture.image, picture.span)
    low, high = look.get("low", picture.span[0]), look.get("high", picture.span[1])
    if look.get("auto"):
        low, high = picture.span[0], float(np.percentile(values, 99.9))
    shown = _shades(((values - low) / max(high - low, 1e-6)).clip(0, 1), panel["colours"])
    if picture.overlay is not None:
        over = _values(picture.overlay, picture.overlay_span)
        where = ((picture.overlay > 0) & (over >= look["threshold"]))[..., None]
        shades = _shades(picture.overlay / 255, panel["overlay_colours"])
        shown = np.where(where, (1 - look["opacity"]) * shown + look["opacity"] * shades, shown)
    return shown.round().astype(np.uint8)


def _shades(unit: np.ndarray, colours: str) -> np.ndarray:
    """Values in [0, 1] as RGB (…, 3) up to 255."""
    if colours == "inferno":
        from matplotlib import colormaps

        return 255 * colormaps["inferno"](unit)[..., :3]
    return unit[..., None] * np.full(3, 255.0) if colours == "grey" else np.broadcast_to(AMBER, (*unit.shape, 3))


def html(picture: bytes, alt: str, caption: str, name: str) -> dict[str, str]:
    """Mime bundle of a figure of class ``name``, which the live widget hides while it is on the page."""
    data = base64.b64encode(picture).decode()
    # JupyterLab's bare line of text, "model not found", which would follow the picture where there is no widget.
    error = f".jp-OutputArea-child:has(.{name}) + .jp-OutputArea-child .jupyter-widgets:not(:has(*))"
    figure = (
        f"<style>{error} {{ display: none }}</style>"
        f'<figure class="brainlab-still {name}" style="margin: 0; max-width: 800px">'
        f'<img alt="{escape.escape(alt)}" src="data:image/png;base64,{data}" style="max-width: 100%">'
        f"<figcaption>{escape.escape(caption)} Static picture: run this cell to use the widget.</figcaption></figure>"
    )
    return {"text/html": figure, "text/plain": alt}


def _values(image: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    return span[0] + image.astype(np.float32) / 255 * (span[1] - span[0])


def _letters(tile, edges) -> None:
    from PIL import ImageDraw

    draw, middle = ImageDraw.Draw(tile), SIDE // 2
    places = ((middle, 4, "mt"), (middle, SIDE - 4, "mb"), (6, middle, "lm"), (SIDE - 6, middle, "rm"))
    for letter, (x, y, anchor) in zip(edges or (), places, strict=False):
        draw.text((x, y), letter, fill="white", stroke_fill="black", stroke_width=2, font_size=16, anchor=anchor)
