"""What methods say of one slice, cut where the kit cuts them: at a rate of false alarms that healthy people set."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from brainlab import anomaly, metrics
from brainlab.slices import Slices
from brainlab.widgets.remembered import key, remembered

PLAIN: dict[str, anomaly.Score] = {"Brightness alone": anomaly.brightness, "Darkness alone": anomaly.darkness}


class Method(NamedTuple):
    """What answers: a score of every pixel and where it is cut."""

    name: str
    threshold: float  # of the cleaned map
    score: anomaly.Score
    model: nn.Module | None = None  # whose residual the score is


class Answer(NamedTuple):
    """What a method says of the painted slice; ``dice`` and ``ap`` are nan where there is nothing to find."""

    scores: Tensor  # (1, 1, H, W), cleaned
    called: Tensor  # (1, 1, H, W) bool
    x_hat: Tensor | None  # (1, 1, H, W); None where there is no model
    dice: float
    ap: float
    false_alarms: float  # share of the brain outside the painting that is called


def answer(method: Method, shown: Slices) -> Answer:
    """A method's answer to one slice, cleaned, cut and scored as everywhere in the kit."""
    x_hat = None if method.model is None else anomaly.reconstruct(method.model, shown.images)
    # The residual is what ``method.score`` would give, which does not show what it compares with.
    scores = method.score(shown) if x_hat is None else (shown.images - x_hat).abs() * shown.brain
    scores = anomaly.clean(scores, shown.brain)
    called = (scores > method.threshold) & shown.brain
    some = bool(shown.masks.any())
    ap = metrics.average_precision(scores, shown.masks, shown.brain) if some else np.nan
    healthy = bool((shown.brain & ~shown.masks).any())
    alarms = metrics.false_positive_rate(called, shown.masks, shown.brain) if healthy else np.nan
    return Answer(scores, called, x_hat, metrics.dice(called, shown.masks) if some else np.nan, ap, alarms)


def thresholded(models: Mapping[str, nn.Module], healthy: Slices, fpr: float = 0.01) -> list[Method]:
    """The plain thresholds, then the models by name, each cut where a share ``fpr`` of ``healthy`` lies above."""

    def method(name: str, score: anomaly.Score, model: nn.Module | None = None) -> Method:
        def found() -> float:
            return anomaly.threshold_at_fpr(anomaly.clean(score(healthy), healthy.brain), healthy.brain, fpr)

        asked = name if model is None else f"{type(model).__name__} {getattr(model, 'config', '')}"
        return Method(name, remembered(key(asked, model, *people, fpr), found), score, model)

    people = (healthy.images, healthy.brain)
    nets = [method(name, anomaly.scored(model), model) for name, model in models.items()]
    return [method(name, score) for name, score in PLAIN.items()] + nets
