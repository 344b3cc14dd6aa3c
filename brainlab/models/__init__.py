"""One file per family of models, each a lesson."""

from brainlab.models.autoencoder import Autoencoder
from brainlab.models.classifier import Classifier
from brainlab.models.config import ModelConfig
from brainlab.models.denoising import DenoisingAutoencoder
from brainlab.models.fanogan import FAnoGAN
from brainlab.models.gan import GAN, WGAN
from brainlab.models.spatial import SpatialAutoencoder
from brainlab.models.vae import VAE
from brainlab.models.vaegan import VAEGAN

__all__ = [
    "GAN",
    "VAE",
    "VAEGAN",
    "WGAN",
    "Autoencoder",
    "Classifier",
    "DenoisingAutoencoder",
    "FAnoGAN",
    "ModelConfig",
    "SpatialAutoencoder",
]
