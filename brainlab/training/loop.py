"""The one training loop: ``fit`` feeds batches to a step, averages the numbers it returns, and keeps time."""

import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from brainlab.errors import InputError


class Step(Protocol):
    """One improvement of a model; ``modules`` and ``optimizers`` are by name: a run can be saved and resumed."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """Improve the networks once on a batch; return named numbers, of which ``loss`` is what is minimised."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        ...


class History(dict[str, list[float]]):
    """``history["loss"]`` is one value an epoch, and so is every other name that the step returned."""

    def add(self, numbers: dict[str, float]) -> None:
        """Append one epoch's values."""
        for name, value in numbers.items():
            self.setdefault(name, []).append(value)


def last_third(done: float) -> float:
    """Learning-rate factor at a share ``done`` of the run: 1, falling in a straight line to 0.05 in the last third."""
    return min(1.0, max(0.05, 3 * (1 - done)))


def fit(
    step: Step,
    batches: Iterable[dict[str, Tensor]],
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    schedule: Callable[[float], float] = last_third,
    progress: bool = True,
) -> History:
    """Train until a budget is spent, given as exactly one of ``epochs``, ``steps`` or ``seconds``; returns the history.

    ``on_epoch(epoch, numbers)`` is called after each pass over the data with the averages of what the step returned.
    Interrupting the kernel stops the run and keeps both the model and the history so far. Raises InputError, with
    what to try, if the loss stops being a finite number; the model then holds the weights of the step before.
    """
    if sum(budget is not None for budget in (epochs, steps, seconds)) != 1:
        raise InputError("Give fit exactly one budget: epochs=10, steps=500 or seconds=60.")
    clock = _Clock(epochs, steps, seconds, schedule, step, progress)
    history = History()
    try:
        while not clock.over:
            numbers = _epoch(step, batches, clock)
            history.add(numbers)
            clock.show(numbers)
            if on_epoch:
                on_epoch(len(history["loss"]), numbers)
    except KeyboardInterrupt:
        clock.bar.write(f"Stopped after {clock.steps_done} steps: the model keeps what it has learned.")
    finally:
        clock.bar.close()
    return history


def _epoch(step: Step, batches: Iterable[dict[str, Tensor]], clock: "_Clock") -> dict[str, float]:
    """One pass over the data, or what the budget leaves of it: the average of every number the step returns."""
    total: dict[str, float] = {}
    count = 0
    for batch in batches:
        clock.set_learning_rates()
        numbers = step(batch)
        if not math.isfinite(numbers["loss"]):
            raise InputError(
                f"The loss is {numbers['loss']} at step {clock.steps_done + 1}: training has diverged. "
                "Build the model anew, and try a learning rate ten times lower; check that the images lie in [0, 1]."
            )
        for name, value in numbers.items():
            total[name] = total.get(name, 0.0) + value
        count += 1
        clock.tick()
        if clock.over:
            break
    else:
        clock.epochs_done += 1
    if not count:
        raise InputError("There is no batch to train on: the data set is empty.")
    return {name: value / count for name, value in total.items()}


class _Clock:
    """How much of the budget is spent, the learning rates that follow from it, and the progress bar that shows it."""

    def __init__(self, epochs, steps, seconds, schedule, step: Step, progress: bool) -> None:
        self.budget = (epochs, steps, seconds)
        self.schedule = schedule
        self.groups = [group for optimizer in step.optimizers.values() for group in optimizer.param_groups]
        self.rates = [group["lr"] for group in self.groups]
        self.epochs_done, self.steps_done, self.began, self.batches = 0, 0, time.perf_counter(), 1
        total = next(round(value) for value in self.budget if value is not None)
        unit = "epoch" if epochs else "step" if steps else "s"
        self.bar = tqdm(total=total, unit=unit, disable=not progress, leave=True)

    @property
    def done(self) -> float:
        """Share of the budget that is spent, 0 to 1."""
        epochs, steps, seconds = self.budget
        if seconds is not None:
            return (time.perf_counter() - self.began) / max(seconds, 1e-9)
        spent, whole = (self.steps_done, steps) if steps is not None else (self.epochs_done, epochs)
        return spent / max(whole or 0, 1e-9)

    @property
    def over(self) -> bool:
        return self.done >= 1

    def set_learning_rates(self) -> None:
        for group, rate in zip(self.groups, self.rates, strict=True):
            group["lr"] = rate * self.schedule(min(self.done, 1.0))

    def tick(self) -> None:
        self.steps_done += 1
        epochs, steps, _ = self.budget
        if epochs is None:
            now = self.steps_done if steps is not None else time.perf_counter() - self.began
            self.bar.update(min(round(now), self.bar.total) - self.bar.n)

    def show(self, numbers: dict[str, float]) -> None:
        self.bar.set_postfix({name: f"{value:.4g}" for name, value in numbers.items()}, refresh=False)
        if self.budget[0] is not None:
            self.bar.update(self.epochs_done - self.bar.n)
