"""How the experiments' figures look: few lines, named where they run, in colours that the colour-blind can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # matplotlib is loaded by whoever draws, not by whoever computes
    from brainlab.plotting import Figure

BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#aa4499"  # Okabe and Ito 2008; Tol 2021
COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
GREY = "0.45"


def chart(width: float = 5.6, height: float = 3.4, rows: int = 1, columns: int = 1, **subplots: Any):
    """A figure and its axes (rows, columns), without frames."""
    from brainlab.plotting import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **subplots)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, linewidth=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def name(axis: Any, x: float, y: float, text: str, colour: str, at: tuple[float, float] = (5, 0), **style: Any) -> None:
    """Words beside a point, ``at`` so many points (1/72 inch) from it."""
    style = {"va": "center", "ha": "left", "fontsize": 9} | style
    axis.annotate(text, (x, y), at, textcoords="offset points", color=colour, **style)


def name_points(
    axis: Any, x: Sequence[float], y: Sequence[float], names: Sequence[str], colours: Sequence[str]
) -> None:
    """Names beside points, each where it covers the fewest points and other names; the axis has its limits already."""
    wide, high = 0.0115, 0.042  # of a letter and of a line, as shares of the axis
    points = np.array([axis.transLimits.transform(point) for point in zip(x, y, strict=True)])  # (N, 2) in [0, 1]
    taken: list[tuple[float, float, float, float]] = []
    for i in np.argsort(points[:, 1]):
        length, (px, py) = wide * len(names[i]), points[i]
        sides = [
            (px + right, py + up) for right in (0.015, -0.015 - length) for up in (-high / 2, 0.012, -high - 0.012)
        ]
        boxes = [(left, low, left + length, low + high) for left, low in sides]
        covered = [_covered(box, points, taken) for box in boxes]
        taken.append(boxes[int(np.argmin(covered))])
        left, low = taken[-1][:2]
        axis.text(left, low + high / 2, names[i], transform=axis.transAxes, color=colours[i], fontsize=8.5, va="center")


def _covered(box: tuple[float, ...], points: np.ndarray, boxes: Sequence[tuple[float, ...]]) -> int:
    left, low, right, high = box
    inside = (points > (left, low)).all(axis=1) & (points < (right, high)).all(axis=1)
    return int(inside.sum()) + sum(left < x1 and right > x0 and low < y1 and high > y0 for x0, y0, x1, y1 in boxes)


def bars(intervals: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """Lengths (2, N) of error bars down and up from values (value, low, high); 0 where there is no interval."""
    value, low, high = np.transpose(np.asarray(intervals, dtype=float))
    return np.nan_to_num(np.stack([value - low, high - value])).clip(min=0)


def spread(heights: Sequence[float], apart: float) -> np.ndarray:
    """Heights (N,) moved as little as is needed to lie ``apart``, in their order: where labels would overlap."""
    order = np.argsort(heights)
    up = np.asarray(heights, dtype=float)[order]
    steps = apart * np.arange(len(up))
    floor, ceiling = np.maximum.accumulate(up - steps), np.minimum.accumulate((up - steps)[::-1])[::-1]
    placed = np.empty(len(up))
    placed[order] = (floor + ceiling) / 2 + steps
    return placed


def finish(figure: Figure, title: str, alt: str) -> Figure:
    """The one thing that the figure says, above it; and what it shows, for those who cannot see it."""
    figure.suptitle(title, fontsize=10.5, x=0.01, ha="left")
    figure.alt = alt
    return figure
