"""Every measure once, as a pure function; each is tested against a case worked by hand.

Scores are higher where a method suspects a lesion; ``mask`` is the truth and ``prediction`` a guess, both boolean;
``brain`` marks the pixels that count. Shapes agree, (N, 1, H, W) or any other. A pixel is called a lesion where
``score > threshold``. Results are plain floats.
"""

from brainlab.metrics.images import psnr
from brainlab.metrics.intervals import LEAST_SUBJECTS, Interval, average_precision_interval, bootstrap, interval
from brainlab.metrics.overlap import Oracle, SubjectDice, dice, dice_by_subject, false_positive_rate, oracle_dice
from brainlab.metrics.ranking import PrecisionRecall, auroc, average_precision, precision_recall, prevalence

__all__ = [
    "LEAST_SUBJECTS",
    "Interval",
    "Oracle",
    "PrecisionRecall",
    "SubjectDice",
    "auroc",
    "average_precision",
    "average_precision_interval",
    "bootstrap",
    "dice",
    "dice_by_subject",
    "false_positive_rate",
    "interval",
    "oracle_dice",
    "precision_recall",
    "prevalence",
    "psnr",
]
