"""Where to cut a map into lesion and not: at a rate of false alarms that healthy people set."""

import numpy as np
from torch import Tensor

from brainlab.anomaly.checks import check_bool, check_finite
from brainlab.errors import InputError


def threshold_at_fpr(maps: Tensor, brain: Tensor, fpr: float) -> float:
    """The lowest threshold at which at most a share ``fpr`` of the brain pixels of *healthy* maps score above it.

    Nothing but healthy slices goes in: a threshold chosen with the test masks is an oracle, and reports a number that
    nobody can reach on a new patient. Call a pixel a lesion where ``score > threshold``.
    """
    if not 0 < fpr < 1:
        raise InputError(f"fpr is a share between 0 and 1, such as 0.05 for 5 %, got {fpr}.")
    check_bool(brain)
    if maps.shape != brain.shape:
        raise InputError(f"maps and brain must have one shape, got {tuple(maps.shape)} and {tuple(brain.shape)}.")
    scores = np.sort(maps[brain].numpy())
    if len(scores) == 0:
        raise InputError("There is no brain pixel to take a threshold from: brain is False everywhere.")
    check_finite(maps, brain, "A threshold")
    allowed = int(fpr * len(scores))  # this many pixels may lie above
    return float(scores[len(scores) - 1 - allowed])
