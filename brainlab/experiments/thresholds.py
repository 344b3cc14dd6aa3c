"""The best threshold is chosen by the answers: what Dice is left when it has to come from healthy slices.

An oracle looks at the test masks and takes the threshold with the highest Dice. No one can do so for a new patient;
that number is an upper bound, and most published Dice scores are of this kind (⌈Dice⌉ in Baur et al. 2021, Medical
Image Analysis 69:101952). The honest threshold lets 5 % or 1 % of the pixels of other, healthy people through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from brainlab import anomaly, metrics
from brainlab.anomaly import Score
from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure

RATES = (0.05, 0.01)


class OracleVsHealthy(NamedTuple):
    """Dice of each method, pooled over all pixels, one entry a method."""

    names: tuple[str, ...]
    oracle: tuple[float, ...]  # an upper bound
    at_5: tuple[float, ...]  # threshold at 5 % healthy false positives
    at_1: tuple[float, ...]  # at 1 %
    contrast: str

    def figure(self) -> Figure:
        """Three points a method on one line."""
        n = len(self.names)
        figure, ((axis,),) = drawing.chart(6.4, 1.5 + 0.5 * n)
        y = np.arange(n)
        axis.hlines(y, np.minimum(self.at_5, self.at_1), self.oracle, color="0.8", linewidth=2, zorder=1)
        marks = (
            ("oracle (upper bound)", self.oracle, "D", drawing.GREY, "white"),
            ("1 % of healthy pixels", self.at_1, "o", drawing.BLUE, drawing.BLUE),
            ("5 % of healthy pixels", self.at_5, "s", drawing.ORANGE, drawing.ORANGE),
        )
        for told, x, marker, colour, filled in marks:
            style = {"color": colour, "markerfacecolor": filled, "markersize": 7, "linestyle": "none"}
            axis.plot(x, y, marker=marker, label=told, clip_on=False, **style)
        axis.legend(ncols=3, frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 1), fontsize=9, handletextpad=0.2)
        axis.set_yticks(y, self.names)
        axis.set_xlabel(f"Dice, {material.BRIGHTNESS[self.contrast]} lesions, by where the threshold is from")
        axis.set(xlim=(0, None), ylim=(n - 0.5, -0.5))
        each = "; ".join(
            f"{name} {a:.2f}, {b:.2f} and {c:.2f}"
            for name, a, b, c in zip(self.names, self.oracle, self.at_1, self.at_5, strict=True)
        )
        told = material.BRIGHTNESS[self.contrast]
        alt = f"Dice of {told} lesions by oracle, at 1 % and at 5 % healthy false positives: {each}."
        return drawing.finish(figure, "What the oracle's threshold promises, and what is kept", alt)


def oracle_vs_healthy(
    methods: Mapping[str, Score] | None = None,
    dev: Slices | None = None,
    val: Slices | None = None,
    *,
    contrast: str = "hypo",
) -> OracleVsHealthy:
    """Dice with the threshold of an oracle, and with those that healthy slices give, for every method by its name.

    A method is a function from ``Slices`` to anomaly maps (N, 1, H, W); without ``methods``, darkness itself and the
    residuals of the shipped ae, vae and dae. Maps are cleaned. ``dev`` has the lesions, of which those of one
    ``contrast`` are looked for; ``val`` are healthy slices of others. Both default to half of their splits. Dice is
    pooled over pixels, for the oracle's is the highest there is only in the measure that it was chosen by.
    """
    if methods is None:
        residuals = {name: anomaly.scored(model) for name, model in material.shipped("ae", "vae", "dae").items()}
        methods = {"darkness": anomaly.darkness, **residuals}
    if not methods:
        raise InputError("Give at least one method, such as {'mine': lambda slices: maps}.")
    dev = material.sick(material.half() if dev is None else dev, contrast)
    val = material.healthy(material.half("val") if val is None else val)
    if both := set(dev.subjects) & set(val.subjects):
        raise InputError(f"{sorted(both)[0]} is in dev and val: the threshold must come from other people.")
    rows = []
    for score in methods.values():
        maps, usual = (anomaly.clean(score(s), s.brain) for s in (dev, val))
        cuts = [anomaly.threshold_at_fpr(usual, val.brain, rate) for rate in RATES]
        honest = [metrics.dice((maps > cut) & dev.brain, dev.masks & dev.brain) for cut in cuts]
        rows.append([metrics.oracle_dice(maps, dev.masks, dev.brain).dice, *honest])
    oracle, at_5, at_1 = (tuple(column) for column in zip(*rows, strict=True))
    return OracleVsHealthy(tuple(methods), oracle, at_5, at_1, contrast)
