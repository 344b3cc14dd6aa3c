"""brainlab: learn deep generative models on brain MRI, hands on. For teaching, not for clinical use."""

import os
import sys

TORCH_CAME_FIRST = "torch" in sys.modules  # too late for the next lines: brainlab.doctor says so

# Two threads that spin while they wait are ten times slower than one as soon as a browser shares the machine.
# OpenMP reads these once, when torch is loaded: hence before it, and hence "import brainlab" before "import torch".
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

from brainlab.errors import InputError  # noqa: E402 - the settings come first
from brainlab.models import (  # noqa: E402 - this loads torch
    GAN,
    VAE,
    VAEGAN,
    WGAN,
    Autoencoder,
    Classifier,
    DenoisingAutoencoder,
    FAnoGAN,
    ModelConfig,
    SpatialAutoencoder,
)

__version__ = "0.1.0"
__all__ = [
    "GAN",
    "VAE",
    "VAEGAN",
    "WGAN",
    "Autoencoder",
    "Classifier",
    "DenoisingAutoencoder",
    "FAnoGAN",
    "InputError",
    "ModelConfig",
    "SpatialAutoencoder",
    "__version__",
]
