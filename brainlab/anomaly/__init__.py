"""From a model to a mask: reconstruct, take the residual, clean it, cut it at a threshold from healthy slices.

x_hat = reconstruct(model, x)             what the model believes a healthy brain like this looks like
anomaly_map = |x − x_hat| inside the brain
prediction = clean(anomaly_map) > threshold_at_fpr(clean(healthy maps), ...)

Other maps take the residual's place: ``dissimilarity``, ``feature_residual``, ``kl_gradient``, ``restoration``, … ask a
model; ``brightness``, ``ZScore``, … do without. ``scored`` makes one kind of both, Slices to maps.
"""

from brainlab.anomaly.baselines import PCAResidual, ZScore, brightness, darkness
from brainlab.anomaly.cleaning import COMPONENT, EROSION, MEDIAN, clean, erode, median, small_components
from brainlab.anomaly.gradients import combined, kl_gradient, smooth
from brainlab.anomaly.imagewise import image_scores
from brainlab.anomaly.inverting import Inversion, gan_inversion, inversion_map
from brainlab.anomaly.reconstruction import reconstruct
from brainlab.anomaly.residuals import anomaly_map, dissimilarity, fanogan_score, feature_residual, squared
from brainlab.anomaly.restoring import restoration, restoration_objective, restore, total_variation
from brainlab.anomaly.scoring import ModelScore, Score, scored
from brainlab.anomaly.thresholds import threshold_at_fpr

__all__ = [
    "COMPONENT",
    "EROSION",
    "MEDIAN",
    "Inversion",
    "ModelScore",
    "PCAResidual",
    "Score",
    "ZScore",
    "anomaly_map",
    "brightness",
    "clean",
    "combined",
    "darkness",
    "dissimilarity",
    "erode",
    "fanogan_score",
    "feature_residual",
    "gan_inversion",
    "image_scores",
    "inversion_map",
    "kl_gradient",
    "median",
    "reconstruct",
    "restoration",
    "restoration_objective",
    "restore",
    "scored",
    "small_components",
    "smooth",
    "squared",
    "threshold_at_fpr",
    "total_variation",
]
