"""Are generator and discriminator in balance? Four numbers of the last rounds, each with bounds that were measured.

A round is one step of training on 32 slices at 64 px, D the probability sigmoid(logit) in training mode. Measured over
the first 40 rounds (in tens) of the shipped weights, each with the settings of its own recipe:

| weights                  | mean D(real) | mean D(fake) | ‖∇G‖      | variety     |
|--------------------------|--------------|--------------|-----------|-------------|
| gan                      | 0.46 to 0.48 | 0.42 to 0.45 | 2.9 to 3.6 | 0.94 to 1.02 |
| gan-epoch-20             | 0.47 to 0.48 | 0.41 to 0.44 | 3.9 to 4.6 | 0.93 to 0.99 |
| gan-mode-collapse        | 0.41 to 0.45 | 0.45 to 0.56 | 1.4 to 1.7 | 0.12 to 0.17 |
| gan-discriminator-wins   | 1.00         | 0.00         | 14 to 27  | 0.19 to 0.22 |
| gan-vanishing-gradient   | 1.00         | 0.00         | < 0.0001  | 0.20 to 0.22 |
| gan-epoch-0 (untrained)  | 0.74 to 0.89 | 0.02 to 0.19 | 14 to 17  | 0.14 to 0.24 |

Variety is that of 64 samples, over four sets of z and after the 40 rounds; 64 other real slices come to 0.98 to 1.00.
The bounds lie between the sound ones and the disasters. A single round of the good GAN strays far (D(real) from 0.14 to
0.78): hence the mean over ``ROUNDS``.

Is there a way back? With the good GAN's settings ``gan-mode-collapse`` has a variety of 0.46 after 50 rounds, and 0.8
to 0.9 after 100: in balance. The other two take longer. ``gan-vanishing-gradient`` is as sure as before after 250 such
rounds; with lr_d 2e-5 and lr_g 8e-4 D is no longer sure after 200 (D(real) 0.6, D(fake) 0.4), and what is left then is
mode collapse (variety 0.12). Four runs with one seed, no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

ROUNDS = 20


class Bound(NamedTuple):
    """Where a number must lie, what it is called, and what is wrong below and above."""

    name: str
    low: float
    high: float
    below: str
    above: str

    def holds(self, value: float) -> bool:
        """Whether the number is finite and within."""
        return self.low <= value <= self.high

    def words(self) -> str:
        """The bounds for a table."""
        return f"at least {self.low:g}" if self.high == float("inf") else f"{self.low:g} to {self.high:g}"


BOUNDS = {
    "real": Bound(
        "D(real)",
        0.3,
        0.75,
        "the discriminator takes real slices for fakes: it learns too slowly",
        "the discriminator is sure of real slices: it is ahead, slow it down or give the generator more turns",
    ),
    "fake": Bound(
        "D(fake)",
        0.2,
        0.65,
        "the discriminator sees through every sample: it is ahead, slow it down or give the generator more turns",
        "the discriminator takes samples for real: it learns too slowly to object",
    ),
    "gradient": Bound(
        "‖∇G‖",
        0.1,
        float("inf"),
        "the generator's gradient has vanished: the loss is flat where the discriminator is sure",
        "",
    ),
    "variety": Bound(
        "variety",
        0.6,
        1.4,
        "the samples are too much alike: the generator has collapsed to few brains",
        "the samples differ more than brains do: they are mostly noise",
    ),
}


@dataclass(frozen=True)
class Balance:
    """What was found: ``outcome`` is "correct", "incorrect" or "not attempted", as a lesson's check has it."""

    outcome: str
    sentence: str
    numbers: dict[str, float]  # by the names of ``BOUNDS``
    rounds: int

    def __bool__(self) -> bool:
        return self.outcome == "correct"

    def __str__(self) -> str:
        return self.sentence


def judge(numbers: dict[str, float], rounds: int) -> Balance:
    """Weigh the means over the last ``rounds`` rounds, of which there must be ``ROUNDS``."""
    if rounds < ROUNDS:
        words = f"Play at least {ROUNDS} rounds with the same start before you ask: there are {rounds} so far."
        return Balance("not attempted", words, numbers, rounds)
    off = [(one, numbers[key]) for key, one in BOUNDS.items() if not one.holds(numbers[key])]
    wrong = [one.above if value > one.high else one.below for one, value in off]
    said = ", ".join(f"{one.name} {numbers[key]:.2g}" for key, one in BOUNDS.items())
    if wrong:
        causes = "; ".join(dict.fromkeys(wrong))
        return Balance(
            "incorrect", f"Not in balance: {causes}. Over the last {rounds} rounds: {said}.", numbers, rounds
        )
    words = f"In balance: neither player is sure, and samples vary as brains do. Over the last {rounds} rounds: {said}."
    return Balance("correct", words, numbers, rounds)


def variety(samples: Tensor, real: Tensor) -> float:
    """Mean distance of two samples over that of two real slices, (N, ...) and (M, ...): 1 as varied, 0 all alike."""
    apart = [float(torch.pdist(one.flatten(1)).mean()) for one in (samples, real)]
    return apart[0] / apart[1]


def gradient_norm(parameters: Sequence[Tensor]) -> float:
    """‖∇‖₂ over all of a network's parameters, as its last step left it in ``grad``."""
    found = [p.grad.norm() for p in parameters if p.grad is not None]
    return float(torch.stack(found).norm()) if found else float("nan")
