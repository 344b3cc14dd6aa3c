"""Training beside a page: a thread that steps until it is paused, and shows what came of it ten times a second."""

import threading
import time
from collections.abc import Callable

HZ = 10.0  # more frames than that the eye cannot use, and the training would wait for them
NAME = "brainlab-worker"
BREATH_S = 0.0005  # between two steps, so that who waits for the lock gets it


class Worker:
    """Calls ``step()`` in a thread until it returns False or ``pause`` is called, and ``show()`` at most at 10 Hz.

    A step runs under ``lock``; a state's ``frame`` takes the same lock to read what a step changes. A step sets plain
    attributes and no trait that the canvas shows: the canvas would answer while the lock is held, and two threads could
    wait for each other. ``show`` runs without the lock, typically ``state.changed += 1``, and once more when the thread
    ends. What a step raises ends the thread and is kept in ``failure`` until ``frame`` raises it for the page.
    """

    def __init__(self, step: Callable[[], bool], show: Callable[[], None]) -> None:
        self.step, self.show = step, show
        self.lock = threading.RLock()
        self.failure: Exception | None = None
        self._stop = threading.Event()
        self._stop.set()

    @property
    def playing(self) -> bool:
        """Whether steps follow each other by themselves."""
        return not self._stop.is_set()

    def play(self) -> None:
        """Go on; nothing happens if it plays already."""
        if not self.playing:
            self.failure, self._stop = None, threading.Event()
            threading.Thread(target=self._run, args=(self._stop,), name=NAME, daemon=True).start()

    def pause(self) -> None:
        """Stop after the step under way, without waiting for it: its end is shown like any other."""
        self._stop.set()

    def once(self) -> None:
        """One step here and now; playing stops."""
        self.pause()
        with self.lock:
            self.step()

    def _run(self, stop: threading.Event) -> None:
        shown = time.monotonic()
        try:
            while not stop.is_set() and self._stepped(stop):
                if time.monotonic() - shown >= 1 / HZ:
                    self.show()
                    shown = time.monotonic()
                time.sleep(BREATH_S)
        except Exception as problem:
            self.failure = problem
        stop.set()
        self.show()

    def _stepped(self, stop: threading.Event) -> bool:
        """One step, unless it was stopped while it waited for the lock."""
        with self.lock:
            return not stop.is_set() and self.step()
