"""How well a prediction, cut at some threshold, covers the truth, and how much of the healthy brain with it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab.errors import InputError
from brainlab.metrics.checks import a_name_each, boolean, same_shape
from brainlab.metrics.counting import brain_pixels, ranked


class SubjectDice(NamedTuple):
    """The mean Dice over subjects, and each one's."""

    value: float
    by_subject: dict[str, float]


class Oracle(NamedTuple):
    """The best Dice that any threshold gives, and that threshold: lesion where ``score > threshold``."""

    dice: float
    threshold: float


def dice(prediction: Tensor, mask: Tensor) -> float:
    """Overlap 2·|P ∩ M| / (|P| + |M|) of two boolean masks, 0 to 1; nan where both are empty, since nothing was asked.

    Dice 1945, Ecology 26:297.
    """
    same_shape(prediction, mask)
    if prediction.dtype != torch.bool or mask.dtype != torch.bool:
        raise InputError(
            f"Dice compares boolean masks, got {prediction.dtype} and {mask.dtype}: cut scores first: scores > 0.5."
        )
    together = int(prediction.sum()) + int(mask.sum())
    return 2 * int((prediction & mask).sum()) / together if together else float("nan")


def dice_by_subject(prediction: Tensor, mask: Tensor, brain: Tensor, subjects: Sequence[str]) -> SubjectDice:
    """Dice of each subject that bears a lesion, all brain pixels of its slices (N, ...) pooled; then the mean of those.

    ``subjects`` names each slice's, (N,). Who has no lesion does not count: any false alarm would make it 0, whatever
    its size, and ``false_positive_rate`` tells sizes apart. Raises InputError where nobody has a lesion.
    """
    same_shape(prediction, mask, brain)
    boolean("Dice by subject", prediction=prediction, mask=mask, brain=brain)
    a_name_each(subjects, len(mask), "subjects")
    owner = np.asarray(subjects)
    rows = {name: torch.from_numpy(np.flatnonzero(owner == name)) for name in dict.fromkeys(subjects)}
    truth = mask & brain
    each = {name: dice(prediction[i] & brain[i], truth[i]) for name, i in rows.items() if truth[i].any()}
    if not each:
        raise InputError("Dice by subject needs somebody with a lesion inside the brain; these masks have none.")
    return SubjectDice(float(np.mean(list(each.values()))), each)


def oracle_dice(scores: Tensor, mask: Tensor, brain: Tensor) -> Oracle:
    """The best Dice of all brain pixels pooled over *every* threshold: an upper bound, not a result.

    The threshold is read off the test masks, so nobody can reach this on a new patient; report it as "oracle", beside
    the Dice at ``anomaly.threshold_at_fpr``. Equal scores fall together; of equally good thresholds, the highest. It
    is −inf where the best is to call everything. Raises InputError where no brain pixel is lesion.
    """
    counts = ranked(*brain_pixels(scores, mask, brain, "The oracle's Dice"))
    each = 2 * counts.hits / (counts.called + counts.hits[-1])
    best = int(each.argmax())
    return Oracle(float(each[best]), float(counts.threshold[best]))


def false_positive_rate(prediction: Tensor, mask: Tensor, brain: Tensor) -> float:
    """Share of the *healthy* brain pixels that are called a lesion: FP / (FP + TN).

    Not FP / (FP + TP): that is the false discovery rate, and published code has taken one for the other. Raises
    InputError where no brain pixel is healthy.
    """
    same_shape(prediction, mask, brain)
    boolean("The false positive rate", prediction=prediction, mask=mask, brain=brain)
    healthy = brain & ~mask
    if not healthy.any():
        raise InputError("The false positive rate needs a healthy pixel inside the brain; these masks leave none.")
    return int((prediction & healthy).sum()) / int(healthy.sum())
