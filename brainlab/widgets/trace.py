"""A curve of a run that may go on for ever: a bounded number of points, each the mean of as many steps as it takes."""

from collections.abc import Iterable, Mapping

import numpy as np

from brainlab.widgets.plots import Line, Lines


class Trace:
    """``add`` a number a step; beyond ``most`` points neighbours are joined, so that a point stands for twice as many.

    ``x`` and ``y`` (N,) are the means of each point's steps and numbers.
    """

    def __init__(self, most: int = 400) -> None:
        self.most, self.each = most, 1  # points, and steps a point
        self._sums: list[tuple[float, float, int]] = []  # of x, of y, and how many

    def add(self, x: float, y: float) -> None:
        """The number ``y`` of step ``x``; x never falls, see ``cut``."""
        if not self._sums or self._sums[-1][2] >= self.each:
            self._sums.append((0.0, 0.0, 0))
        self._sums[-1] = _joined(self._sums[-1], (x, y, 1))
        if len(self._sums) > self.most:
            last = self._sums[2 * (len(self._sums) // 2) :]
            self._sums = [_joined(a, b) for a, b in zip(self._sums[::2], self._sums[1::2], strict=False)] + last
            self.each *= 2

    def cut(self, x: float) -> None:
        """Forget what came after step ``x``; a point that stands for steps on both sides of it goes by its middle."""
        self._sums = [one for one in self._sums if one[0] / one[2] <= x]

    @property
    def x(self) -> np.ndarray:
        """Step of each point."""
        return np.array([x / n for x, _, n in self._sums])

    @property
    def y(self) -> np.ndarray:
        """Number of each point."""
        return np.array([y / n for _, y, n in self._sums])


def lines(traces: Mapping[str, Trace], names: Iterable[tuple[str, str]]) -> Lines:
    """What a ``Curve`` shows of traces, given as (name, label); one that has no number yet has no line."""
    found = [(label, traces[name]) for name, label in names if name in traces]
    return Lines([Line(label, one.x, one.y) for label, one in found])


def _joined(a: tuple[float, float, int], b: tuple[float, float, int]) -> tuple[float, float, int]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]
