"""A slider that answers without a kernel: the widget's pictures at a few of its values, computed beforehand.

For pages that are read from a disk, as the course's book. The figure is one piece of HTML with its pictures inside;
the browser exchanges picture, alternative text and read-out as the slider moves, and asks nobody.
"""

import base64
import html
import io
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from PIL import Image

from brainlab.errors import InputError
from brainlab.widgets.canvas import Canvas

MOST = 13  # frames where the caller names no values
ABREAST = 2  # panels in a row, so that a phone shows them large enough
QUALITY = 88  # of WebP, which takes a tenth of PNG's bytes
SCRIPT = """
(id) => {
  const figure = document.getElementById(id);
  const { title, stills } = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const parts = ["img", "input", "output", ".readout"].map((one) => figure.querySelector(one));
  const [picture, slider, value, readout] = parts;
  const show = () => {
    const still = stills[slider.value];
    picture.src = still.src;
    picture.alt = `${title}. ${still.readout}`;
    value.textContent = still.value;
    readout.textContent = still.readout;
    slider.setAttribute("aria-valuetext", still.value);
  };
  slider.addEventListener("input", show);
  slider.parentElement.hidden = false; // without scripts there is nothing to move
  show(); // a browser may remember where the slider stood
}
"""


class Still(NamedTuple):
    """One place of the slider."""

    value: str  # as a reader says it, "80 ms"
    readout: str
    picture: bytes  # WebP


class Frames(NamedTuple):
    """A widget's pictures along one slider; a notebook or a page shows them by ``_repr_html_``."""

    title: str
    label: str
    caption: str
    stills: tuple[Still, ...]
    first: int  # the place that the widget itself stood at, or the nearest

    def _repr_html_(self) -> str:
        """Return a figure that needs neither a kernel nor a network; without scripts its first picture stays."""
        here, name = self.stills[self.first], f"frames-{uuid4().hex[:12]}"
        kept = [{"value": one.value, "readout": one.readout, "src": _uri(one.picture)} for one in self.stills]
        data = json.dumps({"title": self.title, "stills": kept}).replace("</", "<\\/")
        escaped = {key: html.escape(text) for key, text in (("title", self.title), ("value", here.value))}
        return (
            f'<figure class="brainlab-frames" id="{name}" style="margin: 1em 0; max-width: 100%">'
            f'<img alt="{escaped["title"]}. {html.escape(here.readout)}" src="{_uri(here.picture)}"'
            ' style="max-width: 100%">'
            f'<p hidden><label for="{name}-slider">{html.escape(self.label)}:</label> '
            f'<output for="{name}-slider">{escaped["value"]}</output><br>'
            f'<input type="range" id="{name}-slider" min="0" max="{len(self.stills) - 1}" step="1" value="{self.first}"'
            f' aria-valuetext="{escaped["value"]}" style="width: min(100%, 30em)"></p>'
            f'<p class="readout">{html.escape(here.readout)}</p>'
            f"<figcaption>{html.escape(self.caption)} Computed beforehand: {len(self.stills)} places of one slider; the"
            " other controls need the notebook.</figcaption>"
            f'<script type="application/json">{data}</script>'
            f"<script>({SCRIPT.strip()})({json.dumps(name)});</script></figure>"
        )


def frames(canvas: Canvas, control: str, values: Sequence[float] | None = None) -> Frames:
    """Pictures of a widget at ``values`` of its slider ``control``; by default at up to 13 of its places.

    The widget ends where it began. Raises InputError for a name that is not one of its sliders, and where a value has
    no picture.
    """
    sliders = {one["name"]: one for one in canvas.spec["controls"] if one["kind"] == "slider"}
    if control not in sliders:
        raise InputError(f"{control!r} is no slider of this widget; it has {', '.join(sliders) or 'none'}.")
    slider, began = sliders[control], getattr(canvas.state, control)
    values = _places(slider) if values is None else list(values)
    try:
        stills = tuple(_still(canvas, slider, value) for value in values)
    finally:
        canvas.state.set_trait(control, began)
    first = int(np.abs(np.asarray(values, dtype=float) - began).argmin())
    return Frames(canvas.spec["title"], slider["label"], canvas.spec["caption"], stills, first)


def _places(slider: dict[str, Any]) -> list[float]:
    """At most ``MOST`` values of a slider, its ends among them."""
    count = round((slider["high"] - slider["low"]) / slider["step"]) + 1
    stops = slider["stops"] or tuple(np.linspace(slider["low"], slider["high"], count))
    chosen = np.linspace(0, len(stops) - 1, min(MOST, len(stops))).round().astype(int)
    return [float(stops[i]) for i in chosen]


def _still(canvas: Canvas, slider: dict[str, Any], value: float) -> Still:
    canvas.state.set_trait(slider["name"], value)
    if canvas.failure:
        raise InputError(f"{slider['label']} {value:g} has no picture: {canvas.failure}")
    number = f"{value:.{slider['digits']}f} {slider['unit']}".strip()
    spoken = canvas.frame["spoken"].get(slider["name"], number)
    file = io.BytesIO()
    Image.open(io.BytesIO(canvas.png(ABREAST))).save(file, "WEBP", quality=QUALITY)
    return Still(spoken, canvas.frame["readout"], file.getvalue())


def _uri(picture: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}"
