"""What is compared: rows without a network first, then the shipped weights, or networks trained here and now."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from torch import nn

from brainlab import anomaly, checkpoints, data, training
from brainlab.anomaly import Score
from brainlab.models.autoencoder import Autoencoder
from brainlab.models.config import ModelConfig
from brainlab.models.denoising import DenoisingAutoencoder
from brainlab.models.vae import VAE
from brainlab.models.vaegan import VAEGAN
from brainlab.slices import Slices

BATCH = 32
SHIPPED = {
    "T1w": ("ae", "ae-spatial", "vae", "dae", "vaegan", "fanogan"),
    "FLAIR": ("vae-flair", "dae-flair"),
}
"""Weights by the contrast that they know."""


class Training(NamedTuple):
    """How a network of the table is made from scratch: steps, not seconds, so that a seed gives the same again."""

    family: type[nn.Module]
    step: Callable[[Any, int], training.Step]
    steps: int


TRAINED = {
    "ae": Training(Autoencoder, lambda model, seed: training.ae_step(model), 1700),
    "vae": Training(VAE, lambda model, seed: training.vae_step(model, sigma=0.4, seed=seed), 1700),
    "dae": Training(DenoisingAutoencoder, lambda model, seed: training.dae_step(model, seed=seed), 1900),
    "vaegan": Training(VAEGAN, lambda model, seed: training.vaegan_step(model, seed=seed), 1200),
}
"""On two cores about 60 s for the AE and the VAE, 100 s for the DAE and 150 s for the VAE-GAN. σ = 0.4 was chosen on
the dev split: the step's default rebuilds better and finds less."""


def untrained(train: Slices) -> dict[str, Score]:
    """The rows without a network: they belong first in every table."""
    return {
        "brightness": anomaly.brightness,
        "darkness": anomaly.darkness,
        "|z|": anomaly.ZScore.fit(train),
        "|z| per level": anomaly.ZScore.fit(train, per_level=True),
        "PCA residual": anomaly.PCAResidual.fit(train),
    }


def shipped(contrast: str, names: Iterable[str] | None = None) -> dict[str, Score]:
    """|x − x̂| of the shipped weights for a contrast, or of some of them."""
    return {name: anomaly.scored(checkpoints.load(name)) for name in names or SHIPPED[contrast]}


def trained(
    train: Slices, names: Mapping[str, Training] | None = None, seeds: tuple[int, ...] = (0,), progress: bool = True
) -> tuple[dict[str, Score], dict[str, float]]:
    """|x − x̂| of networks trained from scratch, called "dae, seed 0"…, and how many seconds each training took."""
    scores, seconds = {}, {}
    for name, one in (TRAINED if names is None else names).items():
        for seed in seeds:
            began = time.perf_counter()
            model = _fit(one, train, seed, progress)
            seconds[f"{name}, seed {seed}"] = time.perf_counter() - began
            scores[f"{name}, seed {seed}"] = anomaly.scored(model)
    return scores, seconds


def _fit(one: Training, train: Slices, seed: int, progress: bool) -> nn.Module:
    with training.seeded(seed):
        model = one.family(ModelConfig(image_size=train.images.shape[-1]))
    tensors = {"x": train.images, "brain": train.brain}
    step = one.step(model, seed)
    training.fit(step, data.Batches(tensors, BATCH, seed), steps=one.steps, device="cpu", progress=progress)
    return model.eval()
