"""One shape for everything that scores slices, networks and none, so that a table treats all alike."""

from collections.abc import Callable

from torch import Tensor, nn

from brainlab.anomaly.residuals import anomaly_map
from brainlab.slices import Slices

Score = Callable[[Slices], Tensor]
"""Slices to maps (N, 1, H, W), at least 0, higher where a lesion is suspected, and 0 outside the brain."""

ModelScore = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""(model, images, brain) to the same: ``anomaly_map``, ``dissimilarity``, ``kl_gradient`` and their like."""


def scored(model: nn.Module, map: ModelScore = anomaly_map) -> Score:
    """A model and how it is to be asked, as one ``Score``: ``scored(vae, kl_gradient)(slices)``.

    Settings go in by ``functools.partial(restoration, steps=50)``.
    """
    return lambda slices: map(model, slices.images, slices.brain)
