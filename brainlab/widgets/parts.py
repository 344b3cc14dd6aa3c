"""What a canvas is made of: panels that show a frame's contents, and controls for the values that they depend on."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from brainlab import geometry

Colours = Literal["grey", "inferno"]


@dataclass(frozen=True)
class Axis:
    """Which value runs along a picture's rows or columns: pixel centre ``i`` lies at ``first + i * step``."""

    name: str
    first: float
    step: float


@dataclass(frozen=True)
class Brush:
    """Makes a panel paintable: ``state.stroke(panel, points, begins)`` gets what pointer or keys draw.

    ``points`` (N, 2) float are (x, y) = (column, row) in the picture's pixels, 0 the centre of the first; ``begins``
    is True for a stroke's first part. A later part starts with the last point of the part before it.
    """

    radius: str  # the control that holds the brush's radius in pixels of the picture


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
    colours: Colours = "grey"
    overlay_colours: Literal["inferno", "amber"] = "inferno"
    smooth: bool = True  # False shows the pixels as squares
    brush: Brush | None = None  # instead of a crosshair
    kind: str = "picture"


@dataclass(frozen=True)
class Swipe:
    """Two pictures, one over the other, with a divider that the browser moves; ``left``, ``right``: (name, label)."""

    name: str
    title: str
    left: tuple[str, str]
    right: tuple[str, str]
    edges: tuple[str, str, str, str] | None = None
    pixel_mm: float | None = None
    colours: Colours = "grey"
    overlay_colours: Literal["inferno", "amber"] = "inferno"
    smooth: bool = True
    kind: str = "swipe"


@dataclass(frozen=True)
class Curve:
    """Lines over an x axis (``plots.Lines``), or histograms where a line has the edges of its bars.

    ``marker`` names a control's value, or "look.threshold", which the browser moves alone. Lines with ``at`` carry a
    dot where ``at`` comes nearest to it; where no line has ``at``, a line stands upright at x = that value.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    marker: str | None = None
    kind: str = "curve"


@dataclass(frozen=True)
class Scatter:
    """Points in a plane (``plots.Points``) with a crosshair that moves the two values of its axes.

    An axis runs over ``steps`` steps: ``Axis("z1", -3, 0.06)`` from −3 to 3. Rows count downwards, so that
    ``Axis("z2", 3, -0.06)`` puts 3 at the top.
    """

    name: str
    title: str
    columns: Axis
    rows: Axis
    x_label: str
    y_label: str
    value_label: str  # what the colours mean
    filled_label: str = ""
    hollow_label: str = ""
    steps: int = 100
    kind: str = "scatter"


@dataclass(frozen=True)
class Lookup:
    """Numbers read from a table that is already in the browser (``plots.Readings``) where the threshold stands."""

    name: str
    title: str
    follows: str = "look.threshold"  # or a control's value
    kind: str = "lookup"


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
    """One of several, as radio buttons, or as a list where they are many; ``options`` are (value, label)."""

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


@dataclass(frozen=True)
class Button:
    """Something to do: a press calls ``state.press(name)``."""

    name: str
    label: str
    kind: str = "button"


@dataclass(frozen=True)
class Matrix:
    """A grid of numbers to edit; the state's trait is a list of ``rows`` lists of ``columns`` floats."""

    name: str
    label: str
    rows: int
    columns: int
    step: float = 0.1  # of a cell's arrow keys
    kind: str = "matrix"


AnyPanel = Panel | Swipe | Curve | Scatter | Lookup
Control = Slider | Choice | Toggle | Button | Matrix


def contents(panel: AnyPanel) -> tuple[str, ...]:
    """Names under which a frame holds what the panel shows."""
    return (panel.left[0], panel.right[0]) if isinstance(panel, Swipe) else (panel.name,)


def moved(panel: AnyPanel) -> tuple[str, ...]:
    """Values that the panel's own crosshair moves."""
    axes = (panel.columns, panel.rows) if isinstance(panel, Panel | Scatter) else ()
    return tuple(one.name for one in axes if one)


def brain_panel(plane: geometry.Plane, size: int, centre_mm=None, **more: Any) -> Panel:
    """Panel of an anatomical plane at ``size`` px in geometry.py's orientation; with ``centre_mm`` (3,) a crosshair."""
    axes, step = geometry.PLANES[plane], geometry.pixel_mm(size)
    if centre_mm is not None:
        first = np.asarray(centre_mm, dtype=float) + (size - 1) / 2 * step
        more["rows"], more["columns"] = (Axis("xyz"[i], float(first[i]), -step) for i in (axes.rows, axes.columns))
        more["through"] = "xyz"[axes.through]
    return Panel(plane, plane.capitalize(), geometry.EDGES[plane], step, **more)
