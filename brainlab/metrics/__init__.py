"""Every measure once, as a pure function; each is tested against a case worked by hand.

Scores are higher where a method suspects a lesion; ``mask`` is the truth and ``prediction`` a guess, both boolean;
``brain`` marks the pixels that count. Shapes agree, (N, 1, H, W) or any other. A pixel is called a lesion where
``score > threshold``. Results are plain floats.
"""

from brainlab.metrics.images import image_auroc, psnr
from brainlab.metrics.intervals import (
    LEAST_SUBJECTS,
    Interval,
    average_precision_interval,
    bootstrap,
    interval,
    mean_interval,
)
from brainlab.metrics.lesionwise import TOUCHED, LesionRecall, false_positives_per_scan, lesion_recall
from brainlab.metrics.overlap import Oracle, SubjectDice, dice, dice_by_subject, false_positive_rate, oracle_dice
from brainlab.metrics.pointing import mass_share, pointing_hit
from brainlab.metrics.ranking import PrecisionRecall, auroc, average_precision, precision_recall, prevalence
from brainlab.metrics.region import Resampled, resample_mask

__all__ = [
    "LEAST_SUBJECTS",
    "TOUCHED",
    "Interval",
    "LesionRecall",
    "Oracle",
    "PrecisionRecall",
    "Resampled",
    "SubjectDice",
    "auroc",
    "average_precision",
    "average_precision_interval",
    "bootstrap",
    "dice",
    "dice_by_subject",
    "false_positive_rate",
    "false_positives_per_scan",
    "image_auroc",
    "interval",
    "lesion_recall",
    "mass_share",
    "mean_interval",
    "oracle_dice",
    "pointing_hit",
    "precision_recall",
    "prevalence",
    "psnr",
    "resample_mask",
]
