"""What is compared: rows without a network first, then the shipped weights, or networks trained here and now."""

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from brainlab import anomaly, checkpoints, data, training
from brainlab.anomaly import Score
from brainlab.benchmark import keeping
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
    step: Callable[..., training.Step]
    steps: int
    settings: Mapping[str, Any]  # the step's, where they are not its defaults


TRAINED = {
    "ae": Training(Autoencoder, training.ae_step, 1700, {}),
    "vae": Training(VAE, training.vae_step, 1700, {"sigma": 0.4}),
    "dae": Training(DenoisingAutoencoder, training.dae_step, 1900, {}),
    "vaegan": Training(VAEGAN, training.vaegan_step, 1200, {}),
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


def perfect(test: Slices) -> dict[str, Score]:
    """The row "healthy twin": |x − x̂| of a network that rebuilds exactly the same person without the lesion.

    No bound on other methods, but what a residual can be expected to find at all: it shows the swelling around a
    tumour, and what a tumour displaces, as well, and misses the pixels where a lesion is as bright as what it replaced.
    Empty where not every slice of ``test`` with a lesion has its twin.
    """
    healthy = {
        place: x for place, visit, x in zip(_places(test), test.visit, test.images, strict=True) if visit == "healthy"
    }
    ill = test.masks.flatten(1).any(dim=1).tolist()
    if any(sick and place not in healthy for sick, place in zip(ill, _places(test), strict=True)):
        return {}

    def score(slices: Slices) -> Tensor:
        pairs = zip(slices.images, _places(slices), strict=True)
        twins = torch.stack([healthy.get(place, x) for x, place in pairs])  # a healthy stranger is his own twin
        return (slices.images - twins).abs() * slices.brain

    return {"healthy twin": score}


def _places(slices: Slices) -> list[tuple[str, float]]:
    return list(zip(slices.subjects, slices.position_mm.tolist(), strict=True))


def shipped(contrast: str, names: Iterable[str] | None = None) -> dict[str, Score]:
    """|x − x̂| of the shipped weights for a contrast, or of some of them."""
    return {name: anomaly.scored(checkpoints.load(name)) for name in names or SHIPPED[contrast]}


def trained(
    train: Slices, names: Mapping[str, Training] | None = None, seeds: tuple[int, ...] = (0,), progress: bool = True
) -> tuple[dict[str, Score], dict[str, float]]:
    """|x − x̂| of networks trained from scratch, called "dae, seed 0"…, and how many seconds each training took.

    They are kept in the cache: the second call trains nothing, and gives the seconds of the first (``keeping``).
    """
    scores, seconds = {}, {}
    for name, one in (TRAINED if names is None else names).items():
        for seed in seeds:
            called = f"{name}, seed {seed}"
            kept = _kept(name, one, train, seed, progress)
            scores[called], seconds[called] = anomaly.scored(kept.model), kept.seconds
    return scores, seconds


def _kept(name: str, one: Training, train: Slices, seed: int, progress: bool) -> keeping.Kept:
    config = ModelConfig(image_size=train.images.shape[-1])
    batches = data.Batches({"x": train.images, "brain": train.brain}, BATCH, seed)
    settings = dict(one.settings) | ({"seed": seed} if "seed" in inspect.signature(one.step).parameters else {})

    def fit() -> keeping.Kept:
        began = time.perf_counter()
        with training.seeded(seed):
            model = one.family(config)
        step = one.step(model, **settings)
        training.fit(step, batches, steps=one.steps, device="cpu", progress=progress)
        return keeping.Kept(model, time.perf_counter() - began)

    told = (one.family.__name__, one.step.__name__, one.steps, sorted(settings.items()), config, batches.fingerprint())
    return keeping.trained(name, repr(told), fit)
