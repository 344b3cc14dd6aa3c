"""One file per widget: a state that computes and can be tested without a browser, and a function that shows it."""

from brainlab.widgets.contrast_lab import contrast_lab
from brainlab.widgets.volume_viewer import volume_viewer

__all__ = ["contrast_lab", "volume_viewer"]
