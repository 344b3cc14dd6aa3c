"""What a run may spend, in epochs, steps or seconds: the learning rates and the progress bar follow from it."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch.optim import Optimizer
from tqdm.auto import tqdm

from brainlab.errors import InputError
from brainlab.training.history import History


class Budget:
    """``done()`` is the share that is spent, from 0 to 1, of exactly one of four budgets."""

    def __init__(
        self, epochs: int | None, steps: int | None, seconds: float | None, replay: History | None, history: History
    ) -> None:
        given = {
            "epochs": epochs,
            "steps": steps,
            "seconds": seconds,
            "replay": None if replay is None else replay.steps,
        }
        chosen = [(unit, size) for unit, size in given.items() if size is not None]
        if len(chosen) != 1:
            raise InputError("Give fit exactly one budget: epochs=10, steps=500 or seconds=60 (or replay=history).")
        self.unit, self.size = chosen[0]
        if not (self.size >= 0 and math.isfinite(self.size)):
            raise InputError(f"{self.unit} must be 0 or more, got {self.size}.")
        self.shares = replay.done if replay is not None else []
        self.history = history
        self.began = time.perf_counter() - history.seconds  # as if there had been no pause

    @property
    def seconds(self) -> float:
        """How long the run has taken, without the time it lay interrupted."""
        return time.perf_counter() - self.began

    def done(self) -> float:
        """Share of the budget that is spent; the run is over at 1."""
        spent = {"epochs": self.history.epochs, "seconds": self.seconds}.get(self.unit, self.history.steps)
        if spent >= self.size:
            return 1.0
        return self.shares[self.history.steps] if self.unit == "replay" else spent / self.size


def last_third(done: float) -> float:
    """Learning-rate factor at a share ``done`` of the run: 1, falling in a straight line to 0.05 in the last third."""
    return min(1.0, max(0.05, 3 * (1 - done)))


@contextmanager
def learning_rates(optimizers: dict[str, Optimizer], factor: float) -> Iterator[None]:
    """Each optimizer's own learning rate times ``factor``, inside the block only: what is saved is the whole rate."""
    groups = [group for optimizer in optimizers.values() for group in optimizer.param_groups]
    rates = [group["lr"] for group in groups]
    for group, rate in zip(groups, rates, strict=True):
        group["lr"] = rate * factor
    try:
        yield
    finally:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate


@contextmanager
def progress_bar(budget: Budget, batches_an_epoch: int | None, shown: bool) -> Iterator[Callable[[], None]]:
    """A bar with the time left; call what it yields after each step."""
    history, in_seconds = budget.history, budget.unit == "seconds"
    total = budget.size
    if budget.unit == "epochs":
        total = budget.size * batches_an_epoch if batches_an_epoch else None
    spent = (lambda: min(round(history.seconds), budget.size)) if in_seconds else (lambda: history.steps)
    unit = "s" if in_seconds else "step"
    # Drawing the bar in a notebook costs milliseconds: twice a second is enough.
    with tqdm(total=total, initial=spent(), unit=unit, disable=not shown, mininterval=0.5) as bar:

        def show() -> None:
            if bar.update(spent() - bar.n):
                bar.set_postfix({name: f"{value:.4g}" for name, value in history.latest.items()}, refresh=False)

        yield show
