"""An interrupt waits until the step under way is whole, so that no network is ever left half improved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Whole:
    """``with whole:`` holds an interrupt back until the end of its block; a second one breaks in at once."""

    def __init__(self) -> None:
        self.inside = self.waiting = False

    def handle(self, number: int, frame: object) -> None:
        """What to do when the kernel is interrupted."""
        if not self.inside or self.waiting:
            raise KeyboardInterrupt
        self.waiting = True

    def __enter__(self) -> None:
        self.inside = True

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        waiting, self.inside, self.waiting = self.waiting, False, False
        if waiting and kind is None:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Whole]:
    """Interrupts arrive between the blocks of the ``Whole`` that this yields, as KeyboardInterrupt.

    Only the main thread is ever interrupted, and a program that has its own way with interrupts keeps it.
    """
    whole = Whole()
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not (usual and threading.current_thread() is threading.main_thread()):
        yield whole
        return
    signal.signal(signal.SIGINT, whole.handle)
    try:
        yield whole
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
