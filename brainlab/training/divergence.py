"""When to stop a run that has gone wrong: a number that is not finite, or a loss far above the untrained network's."""

import math

from brainlab.errors import InputError
from brainlab.training.history import History

PATIENCE = 20
"""This many losses in a row must be too high: one unlucky batch is not the end of a run."""
FACTOR = 10
MEND = (
    "training has diverged. Build the model anew, and try a learning rate ten times lower; "
    "check that the images lie in [0, 1]."
)


class Diverged(InputError):
    """Training went wrong beyond repair; ``history`` is the run so far."""

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def check_finite(numbers: dict[str, float], history: History) -> None:
    """Raise Diverged if one of a step's numbers is NaN or infinite."""
    for name, value in numbers.items():
        if not math.isfinite(value):
            raise Diverged(f"The {name} is {value} at step {history.steps + 1}: {MEND}", history)


def check_rise(name: str, value: float, history: History) -> None:
    """Raise Diverged if the watched number has risen far above its first value, the untrained network's.

    "Far" is ten times the larger of that value's size and of what was gained on it since (at least 1 nat). So it makes
    no difference whether a loss is positive, as a cross-entropy is, or −8,000 nats, as a density's may be.
    """
    first, lowest, too_high = history.watched or (value, value, 0)
    lowest = min(lowest, value)
    limit = first + FACTOR * max(abs(first), first - lowest, 1.0)
    too_high = too_high + 1 if value > limit else 0
    history.watched = [first, lowest, too_high]
    if too_high >= PATIENCE:
        raise Diverged(f"The {name} rose from {first:.4g} to {value:.4g} by step {history.steps}: {MEND}", history)
