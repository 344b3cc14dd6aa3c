"""From a model to a mask: reconstruct, take the residual, clean it, cut it at a threshold from healthy slices.

x_hat = reconstruct(model, x)             what the model believes a healthy brain like this looks like
anomaly_map = |x − x_hat| inside the brain
prediction = clean(anomaly_map) > threshold_at_fpr(clean(healthy maps), ...)
"""

from brainlab.anomaly.cleaning import EROSION, clean, erode, median
from brainlab.anomaly.reconstruction import reconstruct
from brainlab.anomaly.residuals import anomaly_map
from brainlab.anomaly.thresholds import threshold_at_fpr

__all__ = [
    "EROSION",
    "anomaly_map",
    "clean",
    "erode",
    "median",
    "reconstruct",
    "threshold_at_fpr",
]
