"""Plots and read-outs as static pictures, drawn by matplotlib off the screen and away from pyplot."""

import io
from typing import Any

import numpy as np

from brainlab.widgets.plots import Line, Lines, Points, Readings

COLOURS = ("black", "#d55e00", "#2f86c9", "#b8649b", "#8a7a1f")  # as in static/panels.css
DASHES = ("-", (0, (3.5, 2)), (0, (1, 1.5)), (0, (4.5, 1.5, 1, 1.5)), (0, (6, 1.5, 1, 1.5, 1, 1.5)))
ACCENT = "#1976d2"


def curve(panel: dict[str, Any], content: Lines, side: int, value: float | None):
    """Lines or histograms as a Pillow image of ``side`` px, marked where ``value`` stands."""
    figure, axis = _axis(side, panel["title"])
    for i, one in enumerate(content.lines):
        colour, dashes = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        if len(one.x) == len(one.y) + 1:
            axis.stairs(one.y, one.x, color=colour, linestyle=dashes, label=one.name)
        else:
            axis.plot(one.x, one.y, color=colour, linestyle=dashes, label=one.name, linewidth=1.4)
        if value is not None and (place := marked(one, value)) is not None:
            axis.plot(*place, "o", color=ACCENT, markersize=5, zorder=5)
    if value is not None and all(one.at is None for one in content.lines):
        axis.axvline(value, color=ACCENT, linewidth=1.4)
    x, y = content.spans()
    axis.set(xlabel=panel["x_label"], ylabel=panel["y_label"], xlim=x, ylim=y)
    if content.lines:
        axis.legend(fontsize=6, frameon=False, handlelength=3)
    return _image(figure)


def scatter(panel: dict[str, Any], content: Points, side: int, at: tuple[float, float]):
    """Points as a Pillow image of ``side`` px with a crosshair through ``at``."""
    figure, axis = _axis(side, panel["title"], 0.84)
    low, high = content.spanned()
    hollow = np.zeros(len(content.x), bool) if content.hollow is None else np.asarray(content.hollow, dtype=bool)
    colours = figure.colorbar(_scale(low, high), ax=axis, label=panel["value_label"], fraction=0.06)
    colours.ax.tick_params(labelsize=6)
    colours.ax.yaxis.label.set_fontsize(7)
    shades = [tuple(one) for one in colours.mappable.to_rgba(np.asarray(content.values, dtype=float))]
    for ring in (False, True):
        chosen = np.flatnonzero(hollow == ring)
        own: Any = [shades[i] for i in chosen]
        x, y = np.asarray(content.x)[chosen], np.asarray(content.y)[chosen]
        if ring:
            axis.scatter(x, y, s=12, facecolors="white", edgecolors=own, linewidths=1.2)
        else:
            axis.scatter(x, y, s=12, facecolors=own, edgecolors="black", linewidths=0.4)
    axis.axvline(at[0], color=ACCENT, linewidth=1)
    axis.axhline(at[1], color=ACCENT, linewidth=1)
    ends = [
        sorted((one["first"], one["first"] + panel["steps"] * one["step"])) for one in (panel["columns"], panel["rows"])
    ]
    axis.set(xlabel=panel["x_label"], ylabel=panel["y_label"], xlim=ends[0], ylim=ends[1])
    return _image(figure)


def lines_of_text(title: str, content: Readings, side: int, value: float | None):
    """Title and read-out where ``value`` stands, one row below the other."""
    from PIL import Image, ImageDraw

    tile = Image.new("RGB", (side, side), "white")
    rows = [title, *([] if value is None else content.words(value).rstrip(".").split(", "))]
    for i, words in enumerate(rows):
        ImageDraw.Draw(tile).text((12, 12 + 24 * i), words, fill="black", font_size=15 - 2 * bool(i))
    return tile


def marked(line: Line, value: float) -> tuple[float, float] | None:
    """The point of a line where its ``at`` comes nearest to ``value``; None for a line without, or with a gap there."""
    if line.at is None or not len(line.at):
        return None
    index = int(np.abs(np.asarray(line.at, dtype=float) - value).argmin())
    x, y = float(line.x[index]), float(line.y[index])
    return (x, y) if np.isfinite([x, y]).all() else None


def _axis(side: int, title: str, right: float = 0.95):
    """A square figure of ``side`` px and its axes, which end at ``right`` of its width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(side / 100, side / 100), dpi=100)
    # A layout that fits itself would draw everything twice.
    figure.subplots_adjust(left=0.2, right=right, bottom=0.17, top=0.9)
    axis = figure.add_subplot()
    axis.set_title(title, fontsize=8)
    axis.tick_params(labelsize=6)
    axis.xaxis.label.set_fontsize(7)
    axis.yaxis.label.set_fontsize(7)
    axis.grid(alpha=0.3)
    return figure, axis


def _scale(low: float, high: float):
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(low, high), "inferno")


def _image(figure):
    from PIL import Image

    file = io.BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    return Image.open(file).convert("RGB")
