"""What plots and read-outs show: plain arrays, the words for them, and float32 bytes for the browser."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Span = tuple[float, float]


class Line(NamedTuple):
    """One named line. NaN leaves a gap. For a histogram ``x`` holds the N + 1 edges of its N bars."""

    name: str
    x: np.ndarray  # (N,)
    y: np.ndarray  # (N,)
    at: np.ndarray | None = None  # (N,) the value that a ``Curve``'s marker follows, at each point; any order


class Lines(NamedTuple):
    """What a ``Curve`` shows; a span that is None is fitted to the data."""

    lines: Sequence[Line]
    x_span: Span | None = None
    y_span: Span | None = None

    def spans(self) -> tuple[Span, Span]:
        """From where to where the axes go; a fitted y axis has some air, and starts at 0 where bars do."""
        bars = any(len(one.x) == len(one.y) + 1 for one in self.lines)
        x, y = _fit([one.x for one in self.lines], 0.0), _fit([one.y for one in self.lines], 0.05)
        return self.x_span or x, self.y_span or ((0.0, y[1]) if bars else y)

    def words(self) -> str:
        """The lines for those who cannot see them."""
        return " ".join(map(_told, self.lines)) or "Nothing to show yet."

    def packed(self) -> dict[str, Any]:
        """As the browser takes it; an error says which line has arrays of different lengths."""
        x, y = self.spans()
        return {
            "lines": [_packed_line(one) for one in self.lines],
            "x_span": list(x),
            "y_span": list(y),
            "words": self.words(),
        }


class Points(NamedTuple):
    """What a ``Scatter`` shows: a colour for each point's value, and a ring in place of a disc where ``hollow``."""

    x: np.ndarray  # (N,)
    y: np.ndarray  # (N,)
    values: np.ndarray  # (N,)
    hollow: np.ndarray | None = None  # (N,) bool
    span: Span | None = None  # values of the first and last colour; None: fitted

    def spanned(self) -> Span:
        """The values that the first and the last colour stand for."""
        return self.span or _fit([self.values], 0.0)

    def words(self) -> str:
        """How many points there are, and what their values span."""
        low, high = self.spanned()
        rings = "" if self.hollow is None else f", {int(np.sum(self.hollow))} of them hollow"
        return f"{len(self.x)} points{rings}, with values from {low:.3g} to {high:.3g}."

    def packed(self) -> dict[str, Any]:
        """As the browser takes it; an error where the arrays differ in length."""
        hollow = np.zeros(len(self.x), np.uint8) if self.hollow is None else np.asarray(self.hollow).astype(np.uint8)
        if not len(self.x) == len(self.y) == len(self.values) == len(hollow):
            raise TypeError("a scatter's x, y, values and hollow must have one length")
        numbers = {name: _float32(getattr(self, name)) for name in ("x", "y", "values")}
        return numbers | {"hollow": hollow.tobytes(), "span": list(self.spanned()), "words": self.words()}


class Reading(NamedTuple):
    """One row of ``Readings``: its label, and its number at each place."""

    label: str
    values: np.ndarray  # (N,)
    digits: int = 2
    unit: str = ""


class Readings(NamedTuple):
    """What a ``Lookup`` reads from: at each of N thresholds the number of every row."""

    at: np.ndarray  # (N,), for instance the 256 thresholds that bytes can have
    rows: Sequence[Reading]

    def words(self, value: float) -> str:
        """The rows where ``at`` comes nearest to ``value``."""
        index = int(np.abs(np.asarray(self.at, dtype=float) - value).argmin())
        return ", ".join(f"{one.label} {_number(one.values[index], one.digits, one.unit)}" for one in self.rows) + "."

    def packed(self) -> dict[str, Any]:
        """As the browser takes it; an error where a row has another length than ``at``."""
        for one in self.rows:
            if len(one.values) != len(self.at) or not len(self.at):
                raise TypeError(f"{one.label} has {len(one.values)} numbers for {len(self.at)} thresholds")
        rows = [one._asdict() | {"values": _float32(one.values)} for one in self.rows]
        return {"at": _float32(self.at), "rows": rows}


def _packed_line(line: Line) -> dict[str, Any]:
    if len(line.x) - len(line.y) not in (0, 1) or (line.at is not None and len(line.at) != len(line.y)):
        raise TypeError(f"line {line.name!r} has {len(line.x)} x and {len(line.y)} y; give as many, or edges of bars")
    at = None if line.at is None else _float32(line.at)
    return {"name": line.name, "x": _float32(line.x), "y": _float32(line.y), "at": at}


def _float32(values: Any) -> bytes:
    return np.ascontiguousarray(values, dtype=np.float32).tobytes()


def _fit(arrays: Sequence[np.ndarray], air: float) -> Span:
    """From the smallest to the largest finite value, ``air`` of it more at both ends; never empty."""
    found = np.concatenate([np.asarray(one, dtype=float).ravel() for one in arrays] or [np.zeros(0)])
    found = found[np.isfinite(found)]
    if not found.size:
        return 0.0, 1.0
    low, high = float(found.min()), float(found.max())
    if low == high:  # a single point stands in the middle
        return low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    return low - air * (high - low), high + air * (high - low)


def _told(line: Line) -> str:
    """A line in a sentence: where it starts, ends, and is lowest and highest."""
    y = np.asarray(line.y, dtype=float)
    known = np.flatnonzero(np.isfinite(y))
    if not known.size:
        return f"{line.name}: nothing yet."
    low, high = (int(known[pick(y[known])]) for pick in (np.argmin, np.argmax))
    ends = f"from {y[known[0]]:.3g} to {y[known[-1]]:.3g}"
    return (
        f"{line.name}: {ends}, lowest {y[low]:.3g} at {line.x[low]:.3g}, highest {y[high]:.3g} at {line.x[high]:.3g}."
    )


def _number(value: float, digits: int, unit: str) -> str:
    return (f"{value:.{digits}f}" if np.isfinite(value) else "–") + (f" {unit}" if unit else "")
