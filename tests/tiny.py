"""Tiny models of every family with the step that trains each, and eight images to learn."""

from typing import Any

import torch
from torch.nn import functional as F

import brainlab as bl
from brainlab import models, training
from brainlab.models.protocols import Decodes, Reconstructs

FAMILIES = [getattr(models, name) for name in models.__all__ if name != "ModelConfig"]
STEPS = {
    bl.Autoencoder: training.ae_step,
    bl.Classifier: training.classifier_step,
    bl.DenoisingAutoencoder: training.dae_step,
    bl.FAnoGAN: training.fanogan_step,
    bl.GAN: training.gan_step,
    bl.SpatialAutoencoder: training.ae_step,
    bl.VAE: training.vae_step,
    bl.VAEGAN: training.vaegan_step,
    bl.WGAN: lambda model: training.gan_step(model, "wgan_gp"),
}


def tiny(family, size=32, seed=0, **more):
    torch.manual_seed(seed)
    settings: dict[str, Any] = {"width": 8, "latent_dim": 8} | more
    return family(bl.ModelConfig(image_size=size, **settings))


def eight_images(seed=1):
    """Smooth random blobs: easy to learn by heart, impossible to guess."""
    coarse = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, size=32, mode="bilinear")


def batch(seed=1):
    x = eight_images(seed)
    return {"x": x, "brain": x > 0.2, "label": torch.arange(8) % 2}


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def rmse(model, x):
    with torch.no_grad():
        return float((model.eval().reconstruct(x) - x).square().mean().sqrt())


def images(size=32, n=3):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def answer(model, size=32, n=3):
    """What the model is for, an answer an image or a z: a reconstruction, an image, or logits."""
    if isinstance(model, Reconstructs):
        return model.reconstruct(images(size, n))
    if isinstance(model, Decodes):
        return model.decode(torch.randn(n, model.config.latent_dim, generator=torch.Generator().manual_seed(2)))
    return model(images(size, n))
