"""One file per family of models, each a lesson."""

from brainlab.models.autoencoder import Autoencoder
from brainlab.models.config import ModelConfig

__all__ = ["Autoencoder", "ModelConfig"]
