"""The one canvas that draws every picture of a brain: raw bytes from the kernel, everything else in the browser.

The browser sends a *wish* (the values that moved); the kernel answers with a *frame* (pictures and a sentence about
them). One wish is in flight at a time and the newest wins, so a dragged slider never queues up work. Colour map,
window, opacity, threshold and zoom never ask the kernel at all.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol
from uuid import uuid4

import anywidget
import numpy as np
import traitlets

from brainlab import geometry
from brainlab.errors import InputError
from brainlab.widgets import still

STATIC = Path(__file__).parent / "static"
log = logging.getLogger(__name__)


class Picture(NamedTuple):
    """What one panel shows: bytes, and the values that bytes 0 and 255 stand for."""

    image: np.ndarray  # (H, W) uint8
    span: tuple[float, float] = (0.0, 1.0)
    overlay: np.ndarray | None = None  # (H, W) uint8, drawn over the image where it is above the threshold
    overlay_span: tuple[float, float] = (0.0, 1.0)


class Table(NamedTuple):
    """Numbers beside the pictures: a row is a name, a text, and a length in [0, 1] for its bar (or None)."""

    caption: str
    rows: list[tuple[str, str, float | None]]


class Frame(NamedTuple):
    """One answer: what every panel shows and the sentence that says so without the picture."""

    pictures: dict[str, Picture]
    readout: str
    table: Table | None = None
    disabled: tuple[str, ...] = ()  # controls without effect just now
    spoken: Mapping[str, str] = MappingProxyType(
        {}
    )  # what a screen reader says for a control instead of its number and unit


class State(Protocol):
    """A ``traitlets.HasTraits`` that computes: one trait a control, and ``frame`` without any Jupyter in it."""

    def frame(self) -> Frame:
        """Return the pictures that belong to the traits as they are now."""
        ...


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


class Canvas(anywidget.AnyWidget):
    """Shows a ``State``. Set the state's traits from Python and the page follows; move a slider and the traits follow.

    ``look`` is what the browser decides alone: ``low`` and ``high`` of the window, ``auto`` (window from the picture),
    ``opacity`` and ``threshold`` of the overlay, ``zoom``. ``display`` names the groups of its controls to show.
    """

    _esm = STATIC / "canvas.js"
    _css = STATIC / "canvas.css"

    spec = traitlets.Dict().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)
    look = traitlets.Dict().tag(sync=True, echo_update=False)

    def __init__(
        self,
        state: Any,
        panels: list[Panel],
        controls: list[Slider | Choice | Toggle],
        *,
        title: str,
        caption: str,
        display: tuple[Literal["window", "opacity", "threshold", "zoom"], ...] = ("window", "zoom"),
        look: dict[str, Any] | None = None,
    ) -> None:
        self.state, self.failure = state, None
        self._names = [one.name for one in controls]
        self._shown: Frame | None = None
        self._count, self._answering = 0, False
        # One trait a picture: a picture that did not change is not sent again.
        self.add_traits(**{f"picture_{one.name}": traitlets.Dict().tag(sync=True) for one in panels})
        spec = {
            "id": uuid4().hex[:12],
            "title": title,
            "caption": caption,
            "display": list(display),
            "panels": [asdict(one) for one in panels],
            "controls": [asdict(one) for one in controls],
        }
        default = {"auto": False, "opacity": 0.6, "threshold": 0.0, "zoom": 1.0}
        super().__init__(spec=spec, look=default | (look or {}))
        self.push()
        self.on_msg(lambda _, wish, __: self.answer(wish))
        state.observe(self._state_moved, self._names)

    def answer(self, wish: dict[str, Any]) -> None:
        """Move the state to a wish ``{"client", "seq", "values"}`` of the browser's and show the frame that follows."""
        with self._one_frame():
            self.push(wish)

    def push(self, wish: dict[str, Any] | None = None) -> None:
        """Compute the state's frame and show it; an error becomes a sentence in the widget and ``self.failure``."""
        wish, pictures = wish or {}, {}
        try:
            for name, value in wish.get("values", {}).items():
                if name in self._names:
                    self.state.set_trait(name, value)
            frame = self.state.frame()
            pictures = {f"picture_{name}": _packed(one) for name, one in frame.pictures.items()}
            self._shown, self.failure = frame, None
        except Exception as problem:  # whatever a frame raises belongs on the page, not in a log that nobody reads
            log.debug("a frame failed", exc_info=True)
            self.failure = problem
        self._count += 1
        with self.hold_sync():
            for name, picture in pictures.items():
                setattr(self, name, picture)
            self.frame = self._words() | {
                "count": self._count,
                "client": wish.get("client", ""),
                "seq": wish.get("seq", 0),
            }

    def alt_text(self) -> str:
        """Title and read-out: the picture in words."""
        return f"{self.spec['title']}. {self.frame.get('readout', '')}".strip()

    def png(self) -> bytes:
        """Return the panels as they are now, side by side, as a PNG: for paper, slides and readers without a kernel."""
        shown = self._shown.pictures if self._shown else {}
        return still.png([(one, shown[one["name"]]) for one in self.spec["panels"] if one["name"] in shown], self.look)

    def close(self) -> None:
        """Forget the state and leave the page."""
        self.state.unobserve(self._state_moved, self._names)
        super().close()

    def _ipython_display_(self) -> None:
        """Publish two outputs: a static picture (hidden while the widget lives), then the widget.

        JupyterLab shows only the best format of one output, so a picture *in* the widget's output would give way to
        "model not found" when a saved notebook is reopened.
        """
        from IPython.display import display

        display(still.html(self.png(), self.alt_text(), self.spec["caption"], f"brainlab-{self.spec['id']}"), raw=True)
        bundle = self._repr_mimebundle_()
        if bundle is not None:
            display(bundle[0] | {"text/plain": self.alt_text()}, raw=True)

    def _words(self) -> dict[str, Any]:
        """Everything of a frame but its pictures."""
        shown = self._shown or Frame({}, "")
        return {
            "values": {name: getattr(self.state, name) for name in self._names},
            "readout": shown.readout,
            "table": shown.table._asdict() if shown.table else None,
            "disabled": list(shown.disabled),
            "spoken": dict(shown.spoken),
            "error": sentence(self.failure) if self.failure else "",
        }

    def _state_moved(self, _: Any) -> None:
        """Follow a trait that was set from Python; while answering, the one frame at the end is enough."""
        if not self._answering:
            with self._one_frame():
                self.push()

    @contextmanager
    def _one_frame(self) -> Iterator[None]:
        self._answering = True
        try:
            yield
        finally:
            self._answering = False


def sentence(problem: BaseException) -> str:
    """What a learner reads when a frame failed."""
    if isinstance(problem, InputError | traitlets.TraitError):
        return str(problem)
    return f"This picture could not be computed ({type(problem).__name__}: {problem}). The last one is still shown."


def to_bytes(values: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Float array to uint8, ``span`` to 0 and 255, clipped; NaN becomes 0."""
    low, high = span
    scaled = (np.asarray(values, dtype=np.float32) - low) * (255 / max(high - low, 1e-12))
    return np.nan_to_num(scaled, nan=0.0).clip(0, 255).round().astype(np.uint8)


def _packed(picture: Picture) -> dict[str, Any]:
    """A picture as the browser takes it; uint8 (H, W) or an error that says what came instead."""
    for one in (picture.image, picture.overlay):
        if one is not None and (one.dtype != np.uint8 or one.shape != picture.image.shape or one.ndim != 2):
            raise TypeError(f"a picture must be uint8 (H, W), got {one.dtype} {one.shape}")
    height, width = picture.image.shape
    return {
        "width": width,
        "height": height,
        "span": [float(one) for one in picture.span],
        "image": picture.image.tobytes(),
        "overlay": None if picture.overlay is None else picture.overlay.tobytes(),
        "overlay_span": [float(one) for one in picture.overlay_span],
    }
