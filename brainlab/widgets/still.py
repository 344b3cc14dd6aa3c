"""A widget's static picture with alternative text, for a saved notebook that is read without a kernel."""

import base64
import html as escape
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainlab.widgets import stillplot
from brainlab.widgets.frame import Content, Picture
from brainlab.widgets.plots import Lines, Points, Readings

SIDE = 256  # px of a panel in the static picture
ABREAST = 4  # panels in a row
AMBER = np.array([255.0, 176.0, 0.0])  # readable on grey whatever the colour vision


def png(
    panels: Sequence[dict[str, Any]],
    shown: Mapping[str, Content],
    look: dict[str, Any],
    values: Mapping[str, Any],
    abreast: int = ABREAST,
) -> bytes:
    """Panels (their descriptions), ``abreast`` in a row, as a PNG; ``shown``: a frame's contents, ``look``: its own."""
    from PIL import Image

    tiles = [tile for one in panels if (tile := _tile(one, shown, look, values)) is not None]
    gap, across = 10, min(len(tiles), abreast)
    size = (max(1, across * (SIDE + gap) - gap), max(1, -(-len(tiles) // abreast)) * (SIDE + gap) - gap)
    sheet = Image.new("RGBA", size)  # the gaps are transparent
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % abreast * (SIDE + gap), index // abreast * (SIDE + gap)))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()


def _tile(panel: dict[str, Any], shown: Mapping[str, Content], look: dict[str, Any], values: Mapping[str, Any]):
    """One panel as a Pillow image of ``SIDE`` px, or None where the frame has nothing for it."""
    if panel["kind"] == "swipe":
        return _halves(panel, shown, look)
    content = shown.get(panel["name"])
    if isinstance(content, Picture):
        return _picture(panel, content, look)
    if isinstance(content, Lines):
        return stillplot.curve(panel, content, SIDE, _followed(panel["marker"], look, values))
    if isinstance(content, Points):
        return stillplot.scatter(
            panel, content, SIDE, (values[panel["columns"]["name"]], values[panel["rows"]["name"]])
        )
    if isinstance(content, Readings):
        return stillplot.lines_of_text(panel["title"], content, SIDE, _followed(panel["follows"], look, values))
    return None


def _followed(name: str | None, look: Mapping[str, Any], values: Mapping[str, Any]) -> float | None:
    """The value that a marker follows."""
    return None if name is None else look.get(name[5:]) if name.startswith("look.") else values.get(name)


def _picture(panel: dict[str, Any], picture: Picture, look: dict[str, Any]):
    from PIL import Image

    filtering = Image.Resampling.BICUBIC if panel["smooth"] else Image.Resampling.NEAREST
    tile = Image.fromarray(colour(picture, look, panel)).resize((SIDE, SIDE), filtering)
    _letters(tile, panel.get("edges"))
    return tile


def _halves(panel: dict[str, Any], shown: Mapping[str, Content], look: dict[str, Any]):
    """The left picture up to the divider, the right one from there on."""
    both = [shown.get(panel[side][0]) for side in ("left", "right")]
    if not all(isinstance(one, Picture) for one in both):
        return None
    left, right = (_picture(panel, one, look) for one in both if isinstance(one, Picture))
    at = round(look["swipe"] * SIDE)
    left.paste(right.crop((at, 0, SIDE, SIDE)), (at, 0))
    left.paste("white", (max(at - 1, 0), 0, min(at + 1, SIDE), SIDE))
    _words(left, panel["left"][1], (6, 4), "lt")
    _words(left, panel["right"][1], (SIDE - 6, 4), "rt")
    return left


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
    middle = SIDE // 2
    places = ((middle, 4, "mt"), (middle, SIDE - 4, "mb"), (6, middle, "lm"), (SIDE - 6, middle, "rm"))
    for letter, (x, y, anchor) in zip(edges or (), places, strict=False):
        _words(tile, letter, (x, y), anchor)


def _words(tile, words: str, place: tuple[int, int], anchor: str) -> None:
    from PIL import ImageDraw

    style: dict[str, Any] = {"fill": "white", "stroke_fill": "black", "stroke_width": 2, "font_size": 16}
    ImageDraw.Draw(tile).text(place, words, anchor=anchor, **style)
