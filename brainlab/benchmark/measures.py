"""One method on one cohort, in every measure: a list of rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import anomaly, metrics
from brainlab.anomaly import Score
from brainlab.benchmark import slicewise
from brainlab.benchmark.cohorts import Cohort
from brainlab.benchmark.slicewise import SliceScore
from brainlab.errors import InputError
from brainlab.metrics import Interval
from brainlab.slices import Slices

FPRS = {"1fpr": 0.01, "5fpr": 0.05}
"""Shares of healthy pixels that a threshold may call lesion, by the ending of a metric's name."""
QUARTILES = ("smallest quarter", "second quarter", "third quarter", "largest quarter")
HOWS = ("mean", "max", "top1")  # how a map becomes one number a slice
CHANCE = "chance"  # the method of the rows that say how much of the brain is lesion


Cleaning = Callable[[Tensor, Tensor], Tensor]
"""Maps and brain to the maps that are cut and ranked."""


class Row(NamedTuple):
    """One number of the table. ``low`` and ``high`` are nan under ten people, and where no interval is made."""

    source: str
    method: str
    contrast: str  # of the lesions: "hypo", "iso", "hyper", or "real"; "healthy" for what is told of healthy people
    size: str  # "all", or a quarter of the scans by the area of their lesion
    metric: str
    value: float
    low: float
    high: float


def rows(
    cohort: Cohort,
    methods: Mapping[str, Score],
    draws: int = 200,
    clean: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> list[Row]:
    """Every method in every measure, in the order given, after the rows of chance.

    ``clean`` makes of maps and brain what is cut and ranked: by default ``anomaly.clean``.

    ``ap`` average precision, pooled over brain pixels, by lesion contrast and size (quarters of all scans, so kinds of
    lesion are not alike in them: plaques are small); ``auroc``; ``oracle_dice`` by the best threshold of all, an upper
    bound of the Dice of all pixels pooled; ``dice_1fpr``, ``dice_5fpr`` at thresholds from healthy people: mean over
    the scans of a person that have a lesion, then over people; ``lesion_recall_…`` and ``false_positives_…`` a scan,
    counted in each slice; ``image_auroc_mean``, ``_max``, ``_top1``: slices with a lesion against the same person's
    healthy ones at the same height; ``fpr_…``: what the thresholds come to on healthy people of the test. ``auroc`` and
    ``oracle_dice`` have no interval.
    """
    levels = _levels(cohort.test)
    found = [row for level in levels for row in _chance(cohort, level, draws)]
    for name, score in methods.items():
        found += _method(cohort, name, score, levels, draws, clean or anomaly.clean)
    return found


def slice_rows(cohort: Cohort, methods: Mapping[str, SliceScore], draws: int = 200) -> list[Row]:
    """Methods that give a slice one number and no map, in the one measure that there is for them: ``image_auroc``."""
    healthy = cohort.test[np.array(cohort.test.visit) == "healthy"]
    found = []
    for name, score in methods.items():
        calm = score(healthy)
        for level in _levels(cohort.test):
            sick = _sick(cohort.test, level)
            if (paired := slicewise.pairs(sick, healthy)) is not None:
                value = slicewise.auroc(score(sick)[paired.ill], calm[paired.well], paired.people, draws)
                found.append(Row(cohort.source, name, level, "all", "image_auroc", *value))
    return found


def _levels(test: Slices) -> list[str]:
    there = dict.fromkeys(visit.rpartition("-")[2] for visit in test.visit if visit != "healthy")
    if not there or not test.masks.any():
        raise InputError("Nobody in this test set has a lesion, so there is nothing to find: use a split with masks.")
    return list(there)


def _chance(cohort: Cohort, level: str, draws: int) -> list[Row]:
    """The average precision of a guess, for all scans and for each quarter: lesions' share of the brain."""
    sick = _sick(cohort.test, level)
    parts = {"all": sick} | {quarter: sick[some] for quarter, some in _quarters(sick).items()}
    return [
        Row(cohort.source, CHANCE, level, size, "ap", *_ratio(_lesion(part), _by_person(part, part.brain), draws))
        for size, part in parts.items()
    ]


def _lesion(slices: Slices) -> dict[str, float]:
    return _by_person(slices, slices.masks & slices.brain)


def with_rim(maps: Tensor, brain: Tensor) -> Tensor:
    """Maps after the median filter alone: the brain's rim, where the cortex is, keeps its scores."""
    return anomaly.median(maps) * brain


def _method(
    cohort: Cohort,
    name: str,
    score: Score,
    levels: Sequence[str],
    draws: int,
    clean: Cleaning,
) -> list[Row]:
    val, test = cohort.val, cohort.test
    quiet = clean(score(val), val.brain)
    cuts = {ending: anomaly.threshold_at_fpr(quiet, val.brain, fpr) for ending, fpr in FPRS.items()}
    healthy = test[np.array(test.visit) == "healthy"]
    calm = clean(score(healthy), healthy.brain) if len(healthy) else None
    found = []

    def add(level: str, metric: str, value: Interval, size: str = "all") -> None:
        found.append(Row(cohort.source, name, level, size, metric, *value))

    if calm is not None:
        for ending, cut in cuts.items():
            called = _by_person(healthy, (calm > cut) & healthy.brain)
            add("healthy", f"fpr_{ending}", _ratio(called, _by_person(healthy, healthy.brain), draws))
    for level in levels:
        sick = _sick(test, level)
        maps = clean(score(sick), sick.brain)
        for metric, value in _ranking(maps, sick, draws).items():
            add(level, metric, value)
        for quarter, some in _quarters(sick).items():
            add(level, "ap", _average_precision(maps[torch.from_numpy(some)], sick[some], draws), quarter)
        for ending, cut in cuts.items():
            for metric, value in _called(maps > cut, sick, draws).items():
                add(level, f"{metric}_{ending}", value)
        if calm is not None:
            for metric, value in _images(maps, sick, calm, healthy, draws).items():
                add(level, metric, value)
    return found


def _ranking(maps: Tensor, sick: Slices, draws: int) -> dict[str, Interval]:
    oracle = metrics.oracle_dice(maps, sick.masks, sick.brain).dice
    return {
        "ap": _average_precision(maps, sick, draws),
        "auroc": Interval(metrics.auroc(maps, sick.masks, sick.brain), np.nan, np.nan),
        "oracle_dice": Interval(oracle, np.nan, np.nan),
    }


def _called(prediction: Tensor, sick: Slices, draws: int) -> dict[str, Interval]:
    """Dice, lesions found and false alarms of a prediction, over people."""
    scans = _scans(sick)
    dices: dict[str, list[float]] = {}
    lesions: dict[str, list[float]] = {}
    alarms: dict[str, list[float]] = {}
    for index in scans.values():
        person = sick.subjects[index[0]]
        called = prediction[index] & sick.brain[index]
        mask = sick.masks[index] & sick.brain[index]
        alarms.setdefault(person, []).append(metrics.false_positives_per_scan(called, mask, ["one"] * len(index)))
        if mask.any():
            dices.setdefault(person, []).append(metrics.dice(called, mask))
            recall = metrics.lesion_recall(called, mask)
            lesions.setdefault(person, []).extend([1.0] * recall.found + [0.0] * (recall.lesions - recall.found))
    return {
        "dice": _mean_of_means(dices, draws),
        "lesion_recall": _ratio(_sums(lesions), _counts(lesions), draws),
        "false_positives": _ratio(_sums(alarms), _counts(alarms), draws),
    }


def _images(maps: Tensor, sick: Slices, calm: Tensor, healthy: Slices, draws: int) -> dict[str, Interval]:
    """Maps as one number a slice; nothing where no slice with a lesion has a healthy twin."""
    if (paired := slicewise.pairs(sick, healthy)) is None:
        return {}
    found = {}
    for how in HOWS:
        ill = anomaly.image_scores(maps[paired.ill], sick.brain[paired.ill], how)
        well = anomaly.image_scores(calm[paired.well], healthy.brain[paired.well], how)
        found[f"image_auroc_{how}"] = slicewise.auroc(ill, well, paired.people, draws)
    return found


def _average_precision(maps: Tensor, sick: Slices, draws: int) -> Interval:
    return metrics.average_precision_interval(maps, sick.masks, sick.brain, sick.subjects, draws)


def _quarters(sick: Slices) -> dict[str, np.ndarray]:
    """Which slices belong to the scans of each quarter by lesion area, (N,) bool; none under eight scans.

    A scan whose slices the lesion does not reach is in no quarter.
    """
    scans = _scans(sick)
    areas = {scan: int((sick.masks[index] & sick.brain[index]).sum()) for scan, index in scans.items()}
    there = sorted((scan for scan, area in areas.items() if area), key=lambda scan: (areas[scan], scan))
    if len(there) < 2 * len(QUARTILES):
        return {}
    parts = np.array_split(np.arange(len(there)), len(QUARTILES))
    quarter = {there[i]: name for name, part in zip(QUARTILES, parts, strict=True) for i in part}
    of = np.array([quarter.get(scan) for scan in zip(sick.subjects, sick.visit, strict=True)])
    return {name: of == name for name in QUARTILES}


def _sick(test: Slices, level: str) -> Slices:
    return test[np.array([visit != "healthy" and visit.rpartition("-")[2] == level for visit in test.visit])]


def _scans(slices: Slices) -> dict[tuple[str, str], list[int]]:
    """Which slices each scan has: a person's visit."""
    scans: dict[tuple[str, str], list[int]] = {}
    for i, scan in enumerate(zip(slices.subjects, slices.visit, strict=True)):
        scans.setdefault(scan, []).append(i)
    return scans


def _by_person(slices: Slices, pixels: Tensor) -> dict[str, float]:
    """How many of the ``pixels`` (N, 1, H, W) bool each person has."""
    sums: dict[str, float] = {}
    for name, n in zip(slices.subjects, pixels.flatten(1).sum(dim=1).tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + n
    return sums


def _sums(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: float(sum(some)) for name, some in values.items()}


def _counts(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: float(len(some)) for name, some in values.items()}


def _mean_of_means(values: Mapping[str, Sequence[float]], draws: int) -> Interval:
    means = {name: float(np.mean(some)) for name, some in values.items()}
    return _ratio(means, dict.fromkeys(means, 1.0), draws)


def _ratio(above: Mapping[str, float], below: Mapping[str, float], draws: int) -> Interval:
    """Σ above / Σ below over people, with its interval over people."""
    names = list(below)
    a, b = np.array([above[name] for name in names]), np.array([below[name] for name in names])
    return metrics.bootstrap(lambda i: float(a[i].sum() / b[i].sum()), names, draws)
