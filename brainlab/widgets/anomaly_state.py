"""What the anomaly explorer computes, and its words: a method and its cleaning in, pictures and numbers out."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import torch
import traitlets
from torch import Tensor

from brainlab import anomaly, metrics
from brainlab.errors import InputError
from brainlab.slices import Slices
from brainlab.widgets.cases import NAMES, CaseState, outlined, plain
from brainlab.widgets.frame import Frame, Picture, to_bytes
from brainlab.widgets.judging import FPR, PLACES, Normal, Pool, Worth, judged, opened
from brainlab.widgets.plots import Line, Lines, Reading, Readings

MARK = 0.016  # half of a mark's width, as a share of the axis


class AnomalyExplorerState(CaseState):
    """Method, cleaning and scan in; pictures, the curve and the table over all thresholds out."""

    method = traitlets.Unicode()
    pool = traitlets.Enum(("slice", "people"), "slice")
    erosion = traitlets.Bool(True)
    median = traitlets.Bool(True)
    components = traitlets.Bool(False)
    truth = traitlets.Bool(True)  # whether the outline is shown
    jump = traitlets.Tuple((0, 0.0))  # how often the threshold was sent somewhere, and where to, as a share

    def __init__(self, scores: Mapping[str, anomaly.Score], slices: Slices, healthy: Slices) -> None:
        """``scores`` by name, the first is shown first; ``healthy``: slices of other, healthy people, for the mark."""
        if not scores:
            raise InputError('There is no method to explore: give scores such as {"brightness": anomaly.brightness}.')
        if healthy.masks.any():
            raise InputError('Some of the healthy slices show a lesion: give healthy people, such as split="val".')
        super().__init__(slices)
        self.scores, self.healthy = dict(scores), healthy
        self._raw = cache(self._score)  # every map is computed once: a toggle asks no model
        self._cleaned, self._worth = cache(self._clean), cache(self._judge)
        self._normal = cache(self._false_alarms)
        self.method = next(iter(self.scores))

    def press(self, name: str) -> None:
        """Send the threshold to a mark: "honest" or "oracle"."""
        top, worth = self._top(self.method), self.worth()
        self.jump = (self.jump[0] + 1, float(np.clip(getattr(worth, name)[0] / top, 0, 1)))

    def worth(self, method: str | None = None) -> Worth:
        """Everything known of a method, by default the chosen one, on the chosen pool."""
        where = self.person if self.pool == "slice" else None
        return self._worth(method or self.method, where, self.visit, *self._steps())

    def frame(self) -> Frame:
        """Slice, map, scores, curve, table and the sentence about them."""
        case, worth = self.case(), self.worth()
        share = self._cleaned(self.method, self.person, self.visit, *self._steps())[0, 0] / self._top(self.method)
        image, score = to_bytes(case.images[0, 0].numpy(), (0, 1)), to_bytes(share.numpy(), (0, 1))
        pictures = {
            "truth": outlined(case.images[0, 0], case.masks[0, 0] if self.truth else None),
            "scores": Picture(score),
            "called": Picture(image, overlay=score),
            "curve": self._curve(worth),
            "numbers": Readings(PLACES, self._rows(worth)),
        }
        return Frame(pictures, self._readout(worth))

    def _curve(self, worth: Worth) -> Lines:
        """Precision and recall of the method and of the plain threshold, chance, and the two marks."""
        lines = [Line(self._named, worth.recall, worth.precision, PLACES)]
        if self.method != self._plain():
            other = self.worth(self._plain())
            lines.append(Line(f"plain threshold: {self._plain()}", other.recall, other.precision))
        chance = self._chance()
        lines.append(Line("chance", np.array([0.0, 1.0]), np.array([chance, chance])))
        lines.append(_mark(f"+ {FPR:.0%} healthy FPR".replace("%", " %"), worth.honest, upright=True))
        lines.append(_mark("× oracle", worth.oracle, upright=False))
        return Lines(lines, (0.0, 1.0), (0.0, 1.02))

    def _rows(self, worth: Worth) -> list[Reading]:
        return [
            Reading("Score above", PLACES * self._top(self.method), 3),
            Reading("Dice", worth.dice),
            Reading("Precision", worth.precision),
            Reading("Recall", worth.recall),
            Reading("Healthy FPR", 100 * worth.fpr, 1, "%"),
        ]

    def _readout(self, worth: Worth) -> str:
        pooled = self._pooled()
        where = "this slice" if self.pool == "slice" else f"all {len(pooled)} slices of these {len(self.people)} people"
        plainly = self.worth(self._plain()).average_precision
        beside = "" if self.method == self._plain() else f", of {self._plain()} itself {plainly:.2f}"
        healthy = len(set(self.healthy.subjects))
        return (
            f"{self.told()}. Pixels of {where}, {100 * self._chance():.1f} % of the brain is lesion. Average "
            f"precision of {self._named} {worth.average_precision:.2f}{beside}, of chance {self._chance():.2f}. At the "
            f"threshold that calls {100 * FPR:.0f} % of {healthy} healthy people's brain: Dice {worth.honest[3]:.2f}. "
            f"Oracle, the best threshold once the truth is known: Dice {worth.oracle[3]:.2f}."
        )

    @property
    def _named(self) -> str:
        return NAMES.get(self.method, self.method)

    def _pooled(self) -> Slices:
        return self.case() if self.pool == "slice" else self.scans()

    def _chance(self) -> float:
        pooled = self._pooled()
        return metrics.prevalence(pooled.masks, pooled.brain)

    def _plain(self) -> str:
        return plain(self.level)[0]

    def _steps(self) -> tuple[bool, bool, bool]:
        return self.erosion, self.median, self.components

    def _part(self, person: str | None, visit: str | None) -> Slices:
        """The slices that are scored together: of one person, of all (None), or the healthy people (visit None)."""
        if visit is None:
            return self.healthy
        return self.case() if person is not None else self.scans()

    def _score(self, method: str, person: str | None, visit: str | None) -> Tensor:
        score = self.scores.get(method) or {"brightness": anomaly.brightness, "darkness": anomaly.darkness}[method]
        return score(self._part(person, visit))

    def _top(self, method: str) -> float:
        """The score that a share of 1 stands for: 1 for intensities, else the highest of healthy people.

        The same for every slice and cleaning, so that a threshold means the same.
        """
        if method in ("brightness", "darkness"):
            return 1.0
        return max(float(self._raw(method, None, None).max()), 1e-6)

    def _clean(self, method: str, person: str | None, visit: str | None, *steps: bool) -> Tensor:
        """The map after the chosen steps of ``anomaly.cleaning``."""
        maps, brain = self._raw(method, person, visit), self._part(person, visit).brain
        erosion, median, components = steps
        maps = anomaly.median(maps) * brain if median else maps
        maps = maps * anomaly.erode(brain) if erosion else maps
        return opened(maps) if components else maps

    def _judge(self, method: str, person: str | None, visit: str, *steps: bool) -> Worth:
        """Measure a method on one slice or on everybody; healthy people are cleaned alike."""
        part, maps = self._part(person, visit), self._cleaned(method, person, visit, *steps)
        pool = Pool(maps[part.brain], part.masks[part.brain])
        return judged(pool, PLACES * self._top(method), self._normal(method, *steps))

    def _false_alarms(self, method: str, *steps: bool) -> Normal:
        """What a method calls in healthy people, at every place of the slider."""
        maps, brain = self._cleaned(method, None, None, *steps), self.healthy.brain
        scores = maps[brain]
        none = torch.zeros(len(scores), dtype=torch.bool)
        rates = [metrics.false_positive_rate(scores > t, none, ~none) for t in PLACES * self._top(method)]
        return Normal(anomaly.threshold_at_fpr(maps, brain, FPR), np.array(rates))

    @traitlets.validate("method")
    def _offered(self, proposal) -> str:
        if proposal["value"] not in self.scores:
            raise InputError(f"method must be one of {', '.join(self.scores)}, got {proposal['value']!r}.")
        return proposal["value"]


def _mark(name: str, at: tuple[float, float, float, float], upright: bool) -> Line:
    """A small cross on the curve, as two strokes with a gap between them."""
    _, recall, precision, _ = at
    along, across, gap = MARK * np.array([-1, 1]), np.zeros(2), np.array([np.nan])
    first, second = ((along, across), (across, along)) if upright else ((along, along), (along, -along))
    x, y = (np.concatenate([one, gap, two]) for one, two in zip(first, second, strict=True))
    return Line(name, recall + x, precision + y)
