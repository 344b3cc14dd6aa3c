"""``training.fit`` in a thread beside a page: the one loop, with a place between two steps where it can be paused.

Pausing raises ``Paused`` out of fit's ``on_batch``, between two steps; playing again is fit with the same history,
which goes on as if there had been no pause. One training plays at a time: a new one, as when a cell is run again, or
one that is played elsewhere, pauses the one before, which keeps its model. Laptops have few cores to share.
"""

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

import torch

from brainlab.training import History, Step, fit
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.worker import BREATH_S, HZ, Worker

PAGES = ("JPY_SESSION_NAME", "VOILA_", "VSCODE_", "COLAB_", "KAGGLE_")
"""What the environment of a kernel has, or begins with, if a page is beside it: JupyterLab and Notebook, and others."""


def headless() -> bool:
    """Whether this kernel was started by a program such as nbclient, with no page beside it.

    Outside a kernel, as in a script or a test, it is False: who trains there says how.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel") and not any(name.startswith(PAGES) for name in os.environ)


class Paused(BaseException):
    """Leaves fit between two steps: no error, and no interrupt, of which fit would tell in some cell's output."""


class Fitting(Worker):
    """A worker whose steps are fit's; ``settings`` go to ``fit``: the budget, a schedule.

    ``seen(number of the step, its numbers)`` is called after every step, under ``lock``; it sets plain attributes, no
    trait. The networks compute where they are. A number that diverges ends the thread: ``failure`` is fit's own error.
    """

    _newest: ClassVar["weakref.ref[Fitting] | None"] = None

    def __init__(
        self,
        training: Step,
        batches: Any,
        seen: Callable[[int, dict[str, float]], object],
        show: Callable[[], None],
        history: History | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(lambda: False, show)
        self.training, self.batches, self.seen, self.settings = training, batches, seen, settings
        self.history = History() if history is None else history
        self._alone()

    def play(self) -> None:
        """Go on with what is left of the budget; nothing happens if it plays already."""
        self._alone()
        super().play()

    def once(self) -> None:
        """One step here and now; playing stops."""
        self._here(one=True)

    def whole(self) -> None:
        """All that is left of the budget, here and now, for a notebook without a page; raises what fit raises."""
        self._here(one=False)

    def _here(self, one: bool) -> None:
        self._alone()
        self.pause()
        with self.lock:
            self.failure = None
            self._fit(self._last if one else self.seen)

    def _alone(self) -> None:
        other = Fitting._newest() if Fitting._newest else None
        if other is not None and other is not self:
            other.pause()
        Fitting._newest = weakref.ref(self)

    def _run(self, stop: threading.Event) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(max(1, threads - 1))  # in this thread only: the browser needs a core as well
        problem = None
        try:
            with self.lock:
                if not stop.is_set():
                    self._shown = time.monotonic()
                    self._fit(partial(self._between, stop))
        except Exception as error:
            problem = error
        torch.set_num_threads(threads)  # which is also what later threads begin with
        stop.set()
        self.show()
        if problem is not None:  # after the page has been told that nothing plays: with an error, its buttons stay
            self.failure = problem
            self.show()

    def _fit(self, on_batch: Callable[[int, dict[str, float]], object]) -> None:
        place = next(p.device for module in self.training.modules.values() for p in module.parameters())
        settings = self.settings | {"device": place, "progress": False}
        with suppress(Paused):
            fit(self.training, self.batches, history=self.history, on_batch=on_batch, **settings)

    def _last(self, number: int, numbers: dict[str, float]) -> None:
        self.seen(number, numbers)
        raise Paused

    def _between(self, stop: threading.Event, number: int, numbers: dict[str, float]) -> None:
        """Between two steps the lock is free, the page is told at most at 10 Hz, and a pause takes effect."""
        self.seen(number, numbers)
        self.lock.release()
        try:
            if time.monotonic() - self._shown >= 1 / HZ:
                self.show()
                self._shown = time.monotonic()
            time.sleep(BREATH_S)
        finally:
            self.lock.acquire()
        if stop.is_set():
            raise Paused


class FittingCanvas(Canvas):
    """A canvas whose state has a ``worker``: when it is closed, its training stops after the step under way."""

    def close(self) -> None:
        """Stop the training, forget the state and leave the page."""
        self.state.worker.pause()
        super().close()
