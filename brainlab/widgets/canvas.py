"""The one canvas that draws every picture of a brain: raw bytes from the kernel, everything else in the browser.

The browser sends a *wish* (the values that moved, the buttons pressed, the strokes painted); the kernel answers with a
*frame* (pictures and a sentence about them). One wish is in flight at a time and the newest value wins, so a dragged
slider never queues up work; presses and strokes wait their turn in order, and none is lost or done twice. Colour map,
window, opacity, threshold, zoom and swipe never ask the kernel at all.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import anywidget
import numpy as np
import traitlets

from brainlab.errors import InputError
from brainlab.widgets import still
from brainlab.widgets.frame import Frame, packed
from brainlab.widgets.parts import AnyPanel, Button, Control, Panel, contents, moved

STATIC = Path(__file__).parent / "static"
# Plain files without a build, one idea each; together they are the page's one module.
SCRIPTS = ("page", "colour", "link", "controls", "pointing", "picture", "brush", "swipe", "plot", "curve", "scatter")
SCRIPTS += ("lookup", "view")
STYLES = ("layout", "controls", "panels", "words")
LOOK = {"auto": False, "opacity": 0.6, "swipe": 0.5, "threshold": 0.0, "zoom": 1.0}
log = logging.getLogger(__name__)


def joined(names: Sequence[str], suffix: str) -> str:
    """The files of ``static/`` in this order as one text."""
    return "\n".join((STATIC / f"{name}.{suffix}").read_text(encoding="utf-8") for name in names)


class Canvas(anywidget.AnyWidget):
    """Shows a state: a ``traitlets.HasTraits`` with a trait a control, and ``frame() -> Frame`` without Jupyter in it.

    Set the state's traits from Python and the page follows; move a slider and the traits follow. A ``Button`` calls
    ``state.press(name)``, a ``Brush`` ``state.stroke(panel, points, begins)``. A state that changes by itself, as in a
    training thread, has an Int trait ``changed`` and adds 1 to it when there is something new to show.

    ``look`` is what the browser decides alone: ``low`` and ``high`` of the window, ``auto`` (window from the picture),
    ``opacity`` and ``threshold`` of the overlay, ``zoom``, and ``swipe``, the divider's place from 0 to 1; what is left
    out has its default. ``display`` names the controls for it.
    """

    _esm = joined(SCRIPTS, "js")
    _css = joined(STYLES, "css")

    spec = traitlets.Dict().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)
    look = traitlets.Dict().tag(sync=True, echo_update=False)

    def __init__(
        self,
        state: Any,
        panels: Sequence[AnyPanel],
        controls: Sequence[Control],
        *,
        title: str,
        caption: str,
        display: tuple[Literal["window", "opacity", "threshold", "zoom"], ...] = ("window", "zoom"),
        look: dict[str, Any] | None = None,
    ) -> None:
        self.state, self.failure = state, None
        named = [one.name for one in controls if not isinstance(one, Button)]
        self._names = list(dict.fromkeys([*named, *(name for one in panels for name in moved(one))]))
        self._buttons = {one.name for one in controls if isinstance(one, Button)}
        self._brushes = {one.name for one in panels if isinstance(one, Panel) and one.brush}
        self._kinds = {name: one.kind for one in panels for name in contents(one)}
        self._done: dict[str, int] = {}  # client: the number of its last event that was done
        self._shown: Frame | None = None
        self._count, self._answering, self._lock = 0, False, threading.RLock()
        # One trait a picture: a picture that did not change is not sent again.
        self.add_traits(**{f"picture_{name}": traitlets.Dict().tag(sync=True) for name in self._kinds})
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
        self._observed = [*self._names, *(["changed"] if state.has_trait("changed") else [])]
        state.observe(self._state_moved, self._observed)

    def answer(self, wish: dict[str, Any]) -> None:
        """Move the state to a wish ``{"client", "seq", "events", "values"}`` of the browser's, or to none, and show it.

        An event is ``{"n", "values", "pressed"}`` or ``{"n", "values", "panel", "stroke", "begins"}``, ``values`` being
        those that moved before it. An error becomes a sentence in the widget, and is kept in ``self.failure``; the rest
        of the wish is still done, and pictures that could not be computed stay as they were.
        """
        with self._lock:
            self._answering = True
            try:
                pictures = self._compute(wish)
            finally:
                self._answering = False
            self._count += 1
            numbers = {"count": self._count, "client": wish.get("client", ""), "seq": wish.get("seq", 0)}
            with self.hold_sync():
                for name, picture in pictures.items():
                    setattr(self, name, picture)
                self.frame = self._words() | numbers

    def _compute(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Do what is wished, take the state's frame and return its pictures as the browser takes them."""
        self.failure = None
        for event in wish.get("events", ()):
            if event["n"] > self._done.get(wish["client"], 0):  # else the browser repeats it, unsure whether it came
                self._done[wish["client"]] = event["n"]
                self._set(event["values"])
                self._attempt(lambda event=event: self._do(event))
        self._set(wish.get("values", {}))
        return self._attempt(self._frame) or {}

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if name in self._names:
                self._attempt(lambda name=name, value=value: self.state.set_trait(name, value))

    def _do(self, event: dict[str, Any]) -> None:
        if event.get("pressed") in self._buttons:
            self.state.press(event["pressed"])
        elif event.get("panel") in self._brushes:
            points = np.asarray(event["stroke"], dtype=float).reshape(-1, 2)
            self.state.stroke(event["panel"], points, bool(event["begins"]))

    def _frame(self) -> dict[str, Any]:
        frame = self.state.frame()
        pictures = {f"picture_{name}": packed(name, one, self._kinds) for name, one in frame.pictures.items()}
        self._shown = frame
        return pictures

    def _attempt(self, act: Callable[[], Any]) -> Any:
        """What ``act`` returns; an error is kept for the page, not for a log that nobody reads."""
        try:
            return act()
        except Exception as problem:
            log.debug("a frame failed", exc_info=True)
            self.failure = self.failure or problem

    def alt_text(self) -> str:
        """Title and read-out: the picture in words."""
        return f"{self.spec['title']}. {self.frame.get('readout', '')}".strip()

    def png(self, abreast: int = still.ABREAST) -> bytes:
        """Return the panels as they are now, ``abreast`` in a row, as a PNG: for paper and readers without a kernel."""
        shown = self._shown.pictures if self._shown else {}
        return still.png(self.spec["panels"], shown, self.look, self.frame.get("values", {}), abreast)

    def close(self) -> None:
        """Forget the state and leave the page."""
        self.state.unobserve(self._state_moved, self._observed)
        self._observed = []  # a second close, as when Python cleans up, finds nothing to forget
        super().close()
        self.layout.close()  # a model of its own, which ipywidgets would keep for ever

    def _ipython_display_(self) -> None:
        """Publish two outputs: a static picture (hidden while the widget lives), then the widget.

        JupyterLab shows only the best format of one output, so a picture *in* the widget's output would give way to
        "model not found" when a saved notebook is reopened.
        """
        from IPython.display import display

        self.answer({})  # what was pressed or painted from Python since the widget was made
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
