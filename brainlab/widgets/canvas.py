"""The one canvas that draws every picture of a brain: raw bytes from the kernel, everything else in the browser.

The browser sends a *wish* (the values that moved); the kernel answers with a *frame* (pictures and a sentence about
them). One wish is in flight at a time and the newest wins, so a dragged slider never queues up work. Colour map,
window, opacity, threshold and zoom never ask the kernel at all.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import anywidget
import traitlets

from brainlab.errors import InputError
from brainlab.widgets import still
from brainlab.widgets.frame import Frame, packed
from brainlab.widgets.parts import Choice, Panel, Slider, Toggle

STATIC = Path(__file__).parent / "static"
LOOK = {"auto": False, "opacity": 0.6, "threshold": 0.0, "zoom": 1.0}
log = logging.getLogger(__name__)


class Canvas(anywidget.AnyWidget):
    """Shows a state: a ``traitlets.HasTraits`` with a trait a control, and ``frame() -> Frame`` without Jupyter in it.

    Set the state's traits from Python and the page follows; move a slider and the traits follow. ``look`` is what the
    browser decides alone: ``low`` and ``high`` of the window, ``auto`` (window from the picture), ``opacity`` and
    ``threshold`` of the overlay, ``zoom``; what is left out has its default. ``display`` names the controls for it.
    """

    _esm = STATIC / "canvas.js"
    _css = STATIC / "canvas.css"

    spec = traitlets.Dict().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)
    look = traitlets.Dict().tag(sync=True, echo_update=False)

    def __init__(
        self,
        state: Any,
        panels: Sequence[Panel],
        controls: Sequence[Slider | Choice | Toggle],
        *,
        title: str,
        caption: str,
        display: tuple[Literal["window", "opacity", "threshold", "zoom"], ...] = ("window", "zoom"),
        look: dict[str, Any] | None = None,
    ) -> None:
        self.state, self.failure = state, None
        self._names = [one.name for one in controls]
        self._shown: Frame | None = None
        self._count, self._answering, self._lock = 0, False, threading.RLock()
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
        super().__init__(spec=spec, look=look or {})
        self.answer({})
        self.on_msg(lambda _, wish, __: self.answer(wish))
        state.observe(self._state_moved, self._names)

    def answer(self, wish: dict[str, Any]) -> None:
        """Move the state to a wish ``{"client", "seq", "values"}`` of the browser's, or to none, and show its frame.

        An error becomes a sentence in the widget, and is kept in ``self.failure``; the last pictures stay.
        """
        with self._lock:
            self._answering = True
            try:
                pictures = self._compute(wish.get("values", {}))
            finally:
                self._answering = False
            self._count += 1
            numbers = {"count": self._count, "client": wish.get("client", ""), "seq": wish.get("seq", 0)}
            with self.hold_sync():
                for name, picture in pictures.items():
                    setattr(self, name, picture)
                self.frame = self._words() | numbers

    def _compute(self, values: dict[str, Any]) -> dict[str, Any]:
        """Set the state, take its frame and return its pictures as the browser takes them."""
        try:
            for name, value in values.items():
                if name in self._names:
                    self.state.set_trait(name, value)
            frame = self.state.frame()
            pictures = {f"picture_{name}": packed(one) for name, one in frame.pictures.items()}
        except Exception as problem:  # whatever a frame raises belongs on the page, not in a log that nobody reads
            log.debug("a frame failed", exc_info=True)
            self.failure = problem
            return {}
        self._shown, self.failure = frame, None
        return pictures

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
        self._names = []  # a second close, as when Python cleans up, finds nothing to forget
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

    @traitlets.validate("look")
    def _whole_look(self, proposal: Any) -> dict[str, Any]:
        return LOOK | proposal["value"]

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
        with self._lock:  # a cell, a training thread and the page (over a subshell) may meet here
            if not self._answering:
                self.answer({})


def sentence(problem: BaseException) -> str:
    """What a learner reads when a frame failed."""
    if isinstance(problem, InputError | traitlets.TraitError):
        return str(problem)
    return f"This picture could not be computed ({type(problem).__name__}: {problem}). The last one is still shown."
