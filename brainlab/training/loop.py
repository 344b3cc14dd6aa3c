"""The one training loop: ``fit`` feeds batches to a step and keeps count, so that a run can go on where it stopped."""

from collections.abc import Callable, Iterable, Sized
from itertools import islice
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from brainlab.data import Batches
from brainlab.errors import InputError
from brainlab.training import devices, divergence, heap
from brainlab.training.batch import check_dict
from brainlab.training.budget import Budget, last_third, learning_rates, progress_bar
from brainlab.training.history import History
from brainlab.training.interrupt import Whole, interruptible

Data = Iterable[dict[str, Tensor]]
Show = Callable[[int, dict[str, float]], object]


class Step(Protocol):
    """One improvement of a model, and by name all that the next one depends on: so a run can be saved and resumed.

    Where a step has an attribute ``watch``, that number is watched for a rise instead of ``loss``; ``None`` watches
    none, for losses that may rise in a sound run, such as those of a GAN.
    """

    modules: dict[str, nn.Module]  # the networks that learn; fit moves them, and puts them in training mode
    optimizers: dict[str, torch.optim.Optimizer]
    generators: dict[str, torch.Generator]  # all randomness, on the CPU: the same numbers on every device

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """Improve the networks once on a batch; return named numbers, such as the ``loss`` that is minimised."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to what ``state_dict`` gave."""
        ...


def fit(
    step: Step,
    batches: Data,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    replay: History | None = None,
    history: History | None = None,
    on_epoch: Show | None = None,
    on_batch: Show | None = None,
    schedule: Callable[[float], float] = last_third,
    device: str | torch.device = "auto",
    progress: bool = True,
) -> History:
    """Train until a budget is spent, given as exactly one of ``epochs``, ``steps`` or ``seconds``; returns the history.

    ``on_epoch(epoch, numbers)`` is called after each pass over the data, and after what the budget leaves of the last,
    with the averages of what the step returned; ``on_batch(step_number, numbers)`` after each step. The learning rate
    is the optimizer's own times ``schedule(share of the budget that is spent)``, which is steady within an epoch where
    the budget is in epochs. The networks compute on ``device`` and are back where they were at the end.

    Interrupting the kernel keeps the model and the history so far, and stops between two steps (a second interrupt
    stops at once; then the step under way may have improved a part of the network, and is taken anew on going on).
    ``fit(..., epochs=10, history=history)`` with the same step and batches goes on to epoch 10; with ``epochs`` and
    ``steps`` the result is bit for bit that of a run without a stop, given the same budget in each call: epochs=5 and
    then epochs=10 is not epochs=10 at once, for the learning rate fell at the end of the first. Only ``Batches``
    remember their order: other data are read from their start, up to where the run stopped. ``replay=history`` takes
    the steps of that run again, on a new step and at the same learning rates, also if its budget was in seconds. A
    history that is passed in is the one that grows, so a callback can look at it and ``save_run`` it.

    Raises Diverged, an InputError that holds the history, if a number is not finite (the step is then not counted) or
    the loss stays far above the untrained network's; and InputError for a device that is not there, or a batch that
    cannot be trained on.
    """
    history = History() if history is None else history
    budget = Budget(epochs, steps, seconds, replay, history)
    place = devices.choose(device)
    heap.keep()
    try:
        with (
            devices.at(place, step.modules, step.optimizers),
            progress_bar(budget, _length(batches), progress) as show,
            interruptible() as whole,
        ):
            run = _Run(step, batches, history, budget, schedule, place, whole)
            while budget.done() < 1:
                if run.epoch(on_batch, show) and on_epoch:
                    on_epoch(history.passes, history.latest)
    except KeyboardInterrupt:
        print(
            f"Stopped after {history.steps} steps: the model keeps what it learned. history=history goes on from here."
        )
    return history


class _Run(NamedTuple):
    """What every step of a run needs."""

    step: Step
    batches: Data
    history: History
    budget: Budget
    schedule: Callable[[float], float]
    place: torch.device
    whole: Whole

    def epoch(self, on_batch: Show | None, show: Callable[[], None]) -> bool:
        """What is left of a pass over the data, or of the budget; says whether there are averages to report."""
        history = self.history
        for batch in _rest_of_epoch(self.batches, history):
            if (done := self.budget.done()) >= 1:
                return history.batches > 0
            numbers = self.improve(batch, done)
            show()
            if on_batch:
                on_batch(history.steps, numbers)
        if not history.batches:
            if history.epochs:
                raise InputError(
                    f"The batches could be read {history.epochs} times only: give a list or data.Batches, which can be "
                    "read again."
                )
            raise InputError("There is no batch to train on: the data set is empty.")
        with self.whole:
            history.close_epoch()
        return True

    def improve(self, batch: dict[str, Tensor], done: float) -> dict[str, float]:
        """One step, and its entry in the history: both or neither."""
        check_dict(batch)
        batch = {name: value.to(self.place) for name, value in batch.items()}
        _training_mode(self.step.modules)
        with self.whole, learning_rates(self.step.optimizers, self.schedule(done)):
            numbers = self.step(batch)
            divergence.check_finite(numbers, self.history)
            self.history.add(numbers, done, self.budget.seconds)
            if (watch := getattr(self.step, "watch", "loss")) in numbers:
                divergence.check_rise(watch, numbers[watch], self.history)
        return numbers


def _rest_of_epoch(batches: Data, history: History) -> Iterable[dict[str, Tensor]]:
    if isinstance(batches, Batches):
        return batches.epoch(history.epochs, skip=history.batches)
    return islice(batches, history.batches, None)


def _length(batches: Data) -> int | None:
    return len(batches) if isinstance(batches, Sized) else None


def _training_mode(modules: dict[str, nn.Module]) -> None:
    """Whoever looked at a picture in eval mode need not think of switching back; what is frozen stays as it is."""
    for module in modules.values():
        if not module.training and any(p.requires_grad for p in module.parameters()):
            module.train()
