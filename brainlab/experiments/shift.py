"""A threshold is a promise about people like those it came from: another scanner, and healthy tissue is an anomaly.

The threshold lets 5 % of the pixels of healthy validation slices through. On other healthy people of the same
population it keeps its word. With the coil's shading and noise of a worse scanner, or in another contrast, it does not,
and nothing in the maps says so (Frotscher, Baumgartner and Wolfers 2025, arXiv:2512.01534, for scanners, age and sex).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn

from brainlab import anomaly, metrics
from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.fields import generator, smooth_noise
from brainlab.intensity import intensity_range, rescale
from brainlab.metrics import Interval
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure

SHADING_MM = 60.0  # how smooth a coil's shading is, as in the phantoms


class DomainShift(NamedTuple):
    """False positive rate on healthy people from each domain."""

    promised: float
    rates: dict[str, Interval]  # by domain
    threshold: float

    def figure(self) -> Figure:
        """A point a domain, beside what was promised."""
        n = len(self.rates)
        figure, ((axis,),) = drawing.chart(6.4, 1.4 + 0.5 * n)
        values = [100 * rate.value for rate in self.rates.values()]
        error = 100 * drawing.bars(list(self.rates.values()))
        axis.errorbar(values, range(n), xerr=error, fmt="o", color=drawing.BLUE, markersize=7)
        for k, (value, above) in enumerate(zip(values, error[1], strict=True)):
            drawing.name(axis, value + above, k, f"{value:.1f} %", drawing.BLUE, (8, 0))
        axis.axvline(100 * self.promised, color=drawing.ORANGE, linestyle="--")
        drawing.name(axis, 100 * self.promised, -0.7, f"promised, {100 * self.promised:g} %", drawing.ORANGE)
        axis.set_yticks(range(n), list(self.rates))
        axis.set(xlabel="healthy brain pixels called a lesion (%)", ylim=(n - 0.5, -0.9), xlim=(0, None))
        each = ", ".join(f"{name}: {100 * rate.value:.1f} %" for name, rate in self.rates.items())
        alt = f"False positive rate at the threshold that promised {100 * self.promised:g} %. {each}."
        return drawing.finish(figure, "A threshold holds for the people it came from", alt)


def domain_shift(
    model: nn.Module | None = None,
    domains: Mapping[str, Slices] | None = None,
    val: Slices | None = None,
    *,
    fpr: float = 0.05,
    seed: int = 0,
    draws: int = material.DRAWS,
) -> DomainShift:
    """The false positive rate on healthy slices of each domain, at the threshold that promised ``fpr`` on ``val``.

    By default ``model`` is the shipped dae, ``val`` half of the val split, and the domains are the healthy slices of
    half of the dev split as they are, as ``another_scanner`` would see them (drawn from ``seed``), and in FLAIR. Maps
    are cleaned; intervals are 95 % over people.
    """
    model = material.shipped("dae")["dae"] if model is None else model
    val = material.healthy(material.half("val") if val is None else val)
    if domains is None:
        same = material.healthy(material.half())
        domains = {
            "same population": same,
            "another scanner": another_scanner(same, seed=seed),
            "another contrast (FLAIR)": material.healthy(material.half(contrast="FLAIR")),
        }
    if not domains:
        raise InputError("Give at least one domain, such as {'mine': slices}.")

    def maps(slices: Slices) -> torch.Tensor:
        return anomaly.clean(anomaly.scored(model)(slices), slices.brain)

    cut = anomaly.threshold_at_fpr(maps(val), val.brain, fpr)

    def rate(slices: Slices) -> Interval:
        called = maps(slices) > cut
        return metrics.bootstrap(
            lambda i: metrics.false_positive_rate(called[i], slices.masks[i], slices.brain[i]), slices.subjects, draws
        )

    return DomainShift(fpr, {name: rate(material.healthy(slices)) for name, slices in domains.items()}, cut)


def another_scanner(slices: Slices, bias: float = 0.3, noise: float = 0.06, seed: int = 0) -> Slices:
    """The same people through a coil that shades by ±``bias`` and with Rician ``noise`` (a standard deviation).

    In the phantoms as they are, shading is at most 0.12 and noise 0.035. One shading a person, and the kit's brightness
    scale is taken anew, over all slices of a person, as it is for every scan.
    """
    if not (0 <= bias < 1 and 0 <= noise < 1):
        raise InputError(f"bias and noise are from 0 to below 1, got {bias} and {noise}.")
    images = slices.images.clone()
    size = images.shape[-2:]
    for person in dict.fromkeys(slices.subjects):
        rows = torch.from_numpy(np.flatnonzero(np.array(slices.subjects) == person))
        rng = generator(seed, f"another scanner {person}")
        shading = smooth_noise((*size, 1), SHADING_MM / slices.spacing, rng)[0, :, :, 0]
        real, imaginary = noise * torch.randn(2, len(rows), 1, *size, generator=rng)
        seen = torch.hypot(images[rows] * (1 + bias * shading / shading.abs().max()) + real, imaginary).numpy()
        brain = slices.brain[rows].numpy()
        images[rows] = torch.from_numpy(rescale(seen, brain, intensity_range(seen, brain)))
    return replace(slices, images=images)
