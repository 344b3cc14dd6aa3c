"""What a run has done so far: its numbers, an epoch at a time, and the place where it goes on."""

import math
from typing import Any


class History(dict[str, list[float]]):
    """``history["loss"]`` is one value an epoch, and so is every other name that the step returned.

    It is nan for the epochs before a name first came up. The last value may be of an epoch under way: the average so
    far. What else is kept lets a run go on, or be replayed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0  # whole passes over the data
        self.batches = 0  # steps into the pass under way
        self.done: list[float] = []  # for each step, the share of the budget that was spent when it began
        self.seconds = 0.0
        self.sums: dict[str, tuple[float, int]] = {}  # of the pass under way: total and count of each number
        self.watched: list[
            float
        ] = []  # see divergence: the first value, the lowest, and how many in a row were too high

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.done)

    @property
    def passes(self) -> int:
        """How many values each name has: whole passes over the data, and the one under way."""
        return self.epochs + (self.batches > 0)

    @property
    def latest(self) -> dict[str, float]:
        """The averages of the last epoch, or of the one under way."""
        return {name: values[-1] for name, values in self.items()}

    def add(self, numbers: dict[str, float], done: float, seconds: float) -> None:
        """Take up one step's numbers; ``done`` is the share of the budget it began at, ``seconds`` the run's so far."""
        for name, value in numbers.items():
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + value, count + 1)
            values = self.setdefault(name, [])
            values += [math.nan] * (self.epochs - len(values))  # of the epochs in which it was not said
            values[self.epochs :] = [(total + value) / (count + 1)]
        self.batches += 1
        self.done.append(done)
        self.seconds = seconds

    def close_epoch(self) -> None:
        """The pass under way is whole: its averages stay as they are."""
        self.epochs, self.batches, self.sums = self.epochs + 1, 0, {}

    def to_json(self) -> dict[str, Any]:
        """Everything above, for a JSON file."""
        return {"numbers": dict(self), **vars(self)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "History":
        """The history that ``to_json`` gave."""
        history = cls()
        history.update(kept["numbers"])
        for name in vars(history):
            setattr(history, name, kept[name])
        return history
