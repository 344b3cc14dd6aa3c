"""Pictures from arrays: each function returns a figure that carries its own alternative text, and never shows it."""

import base64
import html
import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as MatplotlibFigure
from torch import Tensor

from brainlab.errors import InputError

OVERLAY = "inferno"  # perceptually uniform, and as clear to the colour-blind as to anybody
TRUTH = "#35b8ff"  # outlines of the truth: far from every colour of the overlay


class Figure(MatplotlibFigure):
    """A matplotlib figure that a notebook shows with ``alt`` as its alternative text, for those who cannot see it."""

    alt: str = ""

    def _repr_mimebundle_(self, **_) -> dict[str, str]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100, bbox_inches="tight")
        data = base64.b64encode(buffer.getvalue()).decode()
        tag = (
            f'<img src="data:image/png;base64,{data}" alt="{html.escape(self.alt, quote=True)}" style="max-width:100%">'
        )
        return {"text/html": tag, "text/plain": self.alt}


def grid(
    images: Tensor | np.ndarray,
    titles: Sequence[str] | None = None,
    *,
    alt: str,
    columns: int = 8,
    cmap: str = "gray",
    limits: tuple[float, float] | None = (0.0, 1.0),
    masks: Tensor | None = None,
    caption: str = "",
) -> Figure:
    """Images (N, 1, H, W) in rows, all on one intensity scale; ``masks`` of the same shape are outlined.

    ``limits`` are the intensities drawn black and white; None takes the smallest and largest of all images.
    """
    pictures = _pictures(images)
    low, high = limits or (float(pictures.min()), float(pictures.max()))
    figure, axes = _axes(len(pictures), min(columns, len(pictures)), titled=titles is not None)
    for i, (axis, picture) in enumerate(zip(axes, pictures, strict=False)):
        axis.imshow(picture, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
        if masks is not None and masks[i].any():
            axis.contour(_pictures(masks)[i], levels=[0.5], colors=TRUTH, linewidths=1.2)
        if titles is not None:
            axis.set_title(titles[i], fontsize=9)
    return _finish(figure, alt, caption)


def overlay(
    images: Tensor,
    maps: Tensor,
    masks: Tensor | None = None,
    *,
    alt: str,
    above: float = 0.0,
    limits: tuple[float, float] | None = None,
    columns: int = 8,
    caption: str = "",
) -> Figure:
    """Anomaly maps over their images, both (N, 1, H, W): coloured where ``above`` a threshold, masks outlined."""
    pictures, heat = _pictures(images), _pictures(maps)
    low, high = limits or (above, float(heat.max()))
    figure, axes = _axes(len(pictures), min(columns, len(pictures)), titled=False)
    for i, axis in enumerate(axes[: len(pictures)]):
        axis.imshow(pictures[i], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        shown = np.ma.masked_less_equal(heat[i], above)
        axis.imshow(shown, cmap=OVERLAY, vmin=low, vmax=max(high, low + 1e-6), alpha=0.85, interpolation="nearest")
        if masks is not None and masks[i].any():
            axis.contour(_pictures(masks)[i], levels=[0.5], colors=TRUTH, linewidths=1.2)
    return _finish(figure, alt, caption)


def rows(
    named: Mapping[str, Tensor],
    *,
    alt: str,
    maps: Sequence[str] = (),
    signed: Sequence[str] = ("residual",),
    masks: Tensor | None = None,
    columns: Sequence[str] | None = None,
    caption: str = "",
) -> Figure:
    """One row a name: ``{"image": x, "reconstruction": x_hat, "anomaly map": a}``, each (N, 1, H, W).

    Rows named in ``maps`` are drawn in the overlay's colours on a scale of their own, 0 to their largest value; rows
    named in ``signed`` in green (above 0) and brown (below); all others in grey from 0 to 1.
    """
    n = len(next(iter(named.values())))
    side = min(_side(n), 1.9)
    figure = Figure(figsize=(side * n + 0.4, side * len(named) + 0.3), layout="constrained")
    axes = figure.subplots(len(named), n, squeeze=False)
    for line, (name, images) in zip(axes, named.items(), strict=True):
        pictures = _pictures(images)
        style = _row_style(pictures, name in maps, name in signed)
        for i, axis in enumerate(line):
            axis.imshow(pictures[i], interpolation="nearest", **style)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if masks is not None and masks[i].any():
                axis.contour(_pictures(masks)[i], levels=[0.5], colors=TRUTH, linewidths=1.0)
        line[0].set_ylabel(name, fontsize=9)
    for axis, title in zip(axes[0], columns or [], strict=False):
        axis.set_title(title, fontsize=9)
    return _finish(figure, alt, caption)


def curves(
    history: Mapping[str, Sequence[float]],
    *,
    alt: str,
    ylabel: str = "nats an image",
    names: Sequence[str] | None = None,
) -> Figure:
    """What ``fit`` returned, one line a name, against the epoch."""
    figure = Figure(figsize=(5.5, 3.0), layout="constrained")
    axis = figure.subplots()
    for name in names or list(history):
        axis.plot(range(1, len(history[name]) + 1), history[name], marker="o", markersize=3, label=name)
    axis.set(xlabel="epoch", ylabel=ylabel)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    return _finish(figure, alt, "")


def lines(x: Any, named: Mapping[str, Any], *, xlabel: str, ylabel: str, alt: str) -> Figure:
    """Curves over one axis, ``{"minimax": y}`` with y as long as ``x``; the last ones are dashed, dotted and so on."""
    figure = Figure(figsize=(5.5, 2.8), layout="constrained")
    axis = figure.subplots()
    for (name, y), style in zip(named.items(), itertools.cycle(("-", "--", ":", "-.")), strict=False):
        axis.plot(x, y, style, linewidth=2, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    return _finish(figure, alt, "")


def intervals(
    panels: Mapping[str, Mapping[str, tuple[float, float, float]]],
    *,
    alt: str,
    xlabel: str,
    chance: Mapping[str, float] | None = None,
    filled: Sequence[str] = (),
    caption: str = "",
) -> Figure:
    """A value with its interval (value, low, high) a line, in one panel a name: ``{"dark": {"ae": ap, "vae": ap}}``.

    All panels have the same lines, in their order, and one scale from 0 to 1. Methods named in ``filled`` are drawn in
    blue and filled, the others open; ``chance`` draws a dotted line into each panel. Without an interval (nan) there is
    only the dot.
    """
    names = list(next(iter(panels.values())))
    figure = Figure(figsize=(2.0 + 2.4 * len(panels), 0.9 + 0.29 * len(names)), layout="constrained")
    axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axis, (panel, values) in zip(axes, panels.items(), strict=True):
        for line, name in enumerate(names):
            value, low, high = values[name]
            colour, face = ("#0072b2", "#0072b2") if name in filled else ("0.3", "white")
            axis.plot([low, high], [line, line], color=colour, linewidth=2, alpha=0.55)
            axis.plot(value, line, "o", color=colour, markerfacecolor=face, markersize=6)
        if chance is not None:
            axis.axvline(chance[panel], color="0.5", linestyle=":")
        axis.set_title(panel, fontsize=10)
        axis.set(xlim=(-0.02, 1), xticks=(0, 0.5, 1), xlabel=xlabel, yticks=range(len(names)), yticklabels=names)
        axis.grid(alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    return _finish(figure, alt, caption)


def _row_style(pictures: np.ndarray, is_map: bool, is_signed: bool) -> dict:
    if is_map:
        return {"cmap": OVERLAY, "vmin": 0.0, "vmax": float(pictures.max()) or 1.0}
    if is_signed:
        reach = float(np.abs(pictures).max()) or 1.0
        return {"cmap": "BrBG", "vmin": -reach, "vmax": reach}
    return {"cmap": "gray", "vmin": 0.0, "vmax": 1.0}


def _pictures(images: Tensor | np.ndarray) -> np.ndarray:
    """Tensor or array (N, 1, H, W) or (N, H, W) as float (N, H, W)."""
    array = np.asarray(images, dtype=float)
    array = array[:, 0] if array.ndim == 4 and array.shape[1] == 1 else array
    if array.ndim != 3 or not len(array):
        raise InputError(
            f"A picture needs images of shape (N, 1, H, W) with N at least 1, got {tuple(np.shape(images))}."
        )
    return array


def _axes(n: int, columns: int, titled: bool):
    lines = -(-n // columns)
    side = _side(columns)
    figure = Figure(figsize=(side * columns, (side + 0.2 * titled) * lines + 0.25), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    return figure, axes


def _side(columns: int) -> float:
    """Inches along a picture's side: a row fills a notebook's width, but a lone picture does not grow to a poster."""
    return min(2.6, max(1.3, 10.4 / columns))


def _finish(figure: Figure, alt: str, caption: str) -> Figure:
    figure.alt = alt
    if caption:
        figure.supxlabel(caption, fontsize=8, color="0.35")
    return figure
