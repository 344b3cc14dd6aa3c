"""What the experiments look at: every second person of a split, and scores of their slices."""

from typing import NamedTuple

import numpy as np
from torch import nn

from brainlab import anomaly, checkpoints, data, metrics
from brainlab.errors import InputError
from brainlab.lesions import CONTRASTS
from brainlab.metrics import Interval
from brainlab.slices import Slices

BRIGHTNESS = {"hypo": "dark", "iso": "alike", "hyper": "bright"}  # lesions, in words
DRAWS = 100  # of the bootstrap: enough for an error bar


class Worth(NamedTuple):
    """How well a model rebuilds healthy slices, and how well its residual finds lesions."""

    psnr: float  # dB
    average_precision: Interval


def half(split: data.Split = "dev", contrast: str = "T1w", size: int = 64) -> Slices:
    """Every second person of a split of the phantom."""
    slices = data.load("phantom", split, contrast, size)
    return people(slices, sorted(set(slices.subjects))[::2])


def people(slices: Slices, names: list[str]) -> Slices:
    """The slices of some people."""
    return slices[np.isin(slices.subjects, names)]


def healthy(slices: Slices) -> Slices:
    """The scans without a lesion."""
    return slices.where(visit="healthy")


def sick(slices: Slices, contrast: str = "hypo") -> Slices:
    """The scans with a lesion that is darker than ("hypo"), like ("iso") or brighter than ("hyper") brain tissue."""
    if contrast not in CONTRASTS:
        raise InputError(f"contrast must be one of {', '.join(CONTRASTS)}, got {contrast!r}.")
    found = slices[np.array([visit.endswith(f"-{contrast}") for visit in slices.visit], dtype=bool)]
    if not found.masks.any():
        raise InputError(f"These slices show no {contrast} lesion: use the dev split of the phantom.")
    return found


def shipped(*names: str) -> dict[str, nn.Module]:
    """Weights that come with the kit, by name."""
    return {name: checkpoints.load(checkpoints.SHIPPED / name) for name in names}


def worth(model: nn.Module, slices: Slices, contrast: str, draws: int = DRAWS) -> Worth:
    """What a model is worth on the healthy scans, and on those with lesions of a contrast, of ``slices``."""
    well, ill = healthy(slices), sick(slices, contrast)
    maps = anomaly.clean(anomaly.scored(model)(ill), ill.brain)
    return Worth(
        metrics.psnr(well.images, anomaly.reconstruct(model, well.images)),
        metrics.average_precision_interval(maps, ill.masks, ill.brain, ill.subjects, draws),
    )


def whole(name: str, value: int, least: int) -> None:
    """Raises InputError unless ``value`` is a whole number, ``least`` or more."""
    if not isinstance(value, int) or value < least:
        raise InputError(f"{name} must be a whole number, {least} or more, got {value!r}.")
