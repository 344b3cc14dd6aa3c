"""What a step may be built from: a model of its own family, and settings that mean something."""

import math

from torch import nn

from brainlab import models
from brainlab.errors import InputError

STEP_OF = {
    models.Autoencoder: "ae_step",
    models.SpatialAutoencoder: "ae_step",
    models.Classifier: "classifier_step",
    models.DenoisingAutoencoder: "dae_step",
    models.FAnoGAN: "fanogan_step",
    models.GAN: "gan_step",
    models.VAE: "vae_step",
    models.VAEGAN: "vaegan_step",
}
POSITIVE = ("sigma",)
NOT_NEGATIVE = ("beta", "warm_up", "noise", "kappa", "penalty", "pixel", "lr", "lr_d", "lr_g")


def check_family(model: nn.Module, step: str) -> None:
    """Raises InputError if ``model`` is of a family that another step trains; one of nobody's family may pass."""
    family = next((one for one in type(model).__mro__ if one in STEP_OF), None)
    if family is not None and STEP_OF[family] != step:
        own = " or ".join(one.__name__ for one, its in STEP_OF.items() if its == step)
        name = type(model).__name__
        raise InputError(f"{step} trains a bl.{own}, got a {name}: for a {name} use {STEP_OF[family]}.")


def check_settings(**settings: float) -> None:
    """Raises InputError for a setting, given by its name, that is outside the range in which it means something."""
    for name, value in settings.items():
        if name in POSITIVE and not 0 < value < math.inf:
            raise InputError(f"{name} must be above 0, such as 0.05, got {value}.")
        if name in NOT_NEGATIVE and not 0 <= value < math.inf:
            raise InputError(f"{name} must be 0 or more, got {value}.")
        if name == "gamma" and not 0 <= value <= 1:
            raise InputError(f"gamma is a share, from 0 to 1, got {value}.")
        if name == "label_smoothing" and not 0 <= value < 1:
            raise InputError(f"label_smoothing is a share, from 0 to below 1, such as 0.1, got {value}.")
