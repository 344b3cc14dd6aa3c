"""What a canvas is made of: panels for pictures, and controls for the values that they depend on."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from brainlab import geometry


@dataclass(frozen=True)
class Axis:
    """Which value runs along a picture's rows or columns: pixel centre ``i`` lies at ``first + i * step``."""

    name: str
    first: float
    step: float


@dataclass(frozen=True)
class Panel:
    """One picture's place on the canvas. ``edges`` are the letters at its top, bottom, left and right."""

    name: str
    title: str
    edges: tuple[str, str, str, str] | None = None
    pixel_mm: float | None = None  # for the scale bar
    rows: Axis | None = None  # with ``columns``: a crosshair, moved by pointer and arrow keys
    columns: Axis | None = None
    through: str | None = None  # the value that Page Up and Page Down change
    colours: Literal["grey", "inferno"] = "grey"
    overlay_colours: Literal["inferno", "amber"] = "inferno"
    smooth: bool = True  # False shows the pixels as squares


@dataclass(frozen=True)
class Slider:
    """A number. ``stops`` (ascending) replace low, high and step, for instance for a logarithmic slider."""

    name: str
    label: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    unit: str = ""
    digits: int = 0  # after the point, when shown
    stops: tuple[float, ...] = ()
    kind: str = "slider"


@dataclass(frozen=True)
class Choice:
    """One of several, as radio buttons; ``options`` are (value, label)."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    kind: str = "choice"


@dataclass(frozen=True)
class Toggle:
    """On or off, as a check box."""

    name: str
    label: str
    kind: str = "toggle"


def brain_panel(plane: geometry.Plane, size: int, centre_mm=None, **more: Any) -> Panel:
    """Panel of an anatomical plane at ``size`` px in geometry.py's orientation; with ``centre_mm`` (3,) a crosshair."""
    axes, step = geometry.PLANES[plane], geometry.pixel_mm(size)
    if centre_mm is not None:
        first = np.asarray(centre_mm, dtype=float) + (size - 1) / 2 * step
        more["rows"], more["columns"] = (Axis("xyz"[i], float(first[i]), -step) for i in (axes.rows, axes.columns))
        more["through"] = "xyz"[axes.through]
    return Panel(plane, plane.capitalize(), geometry.EDGES[plane], step, **more)
