"""A brain scan from a file to slices that a model can read, and an anomaly map back into the scan's own space."""

from brainlab.intensity import Range, intensity_range, normalise, rescale
from brainlab.planes import plane

__all__ = ["Range", "intensity_range", "normalise", "plane", "rescale"]
