"""One file per family of models, each a lesson."""

from brainlab.models.autoencoder import Autoencoder
from brainlab.models.config import ModelConfig
from brainlab.models.denoising import DenoisingAutoencoder

__all__ = ["Autoencoder", "DenoisingAutoencoder", "ModelConfig"]
