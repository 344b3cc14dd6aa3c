""" "Trained on healthy people" is a promise: what if some of the training slices have a lesion after all?

Small models are trained anew with a share of their slices replaced by slices with a lesion, of the very kind that is
looked for afterwards, in other people. What a model has seen it may rebuild, and what it rebuilds it does not find
(Behrendt et al. 2022, "Unsupervised anomaly detection in 3D brain MRI using deep learning with impured training data",
ISBI). After so short a training the price is small: one to
three hundredths of average precision for one slice in ten, less than people differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab import anomaly, data, metrics, training
from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.fields import one_thread
from brainlab.metrics import Interval
from brainlab.models.autoencoder import Autoencoder
from brainlab.models.config import ModelConfig
from brainlab.models.denoising import DenoisingAutoencoder
from brainlab.models.vae import VAE
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure

FAMILIES: dict[str, tuple[type[nn.Module], Callable[[nn.Module, int], training.Step]]] = {
    "ae": (Autoencoder, lambda model, seed: training.ae_step(model)),  # pyright: ignore[reportArgumentType] - its own
    "vae": (VAE, lambda model, seed: training.vae_step(model, seed=seed)),  # pyright: ignore[reportArgumentType]
    "dae": (DenoisingAutoencoder, lambda model, seed: training.dae_step(model, seed=seed)),  # pyright: ignore[reportArgumentType]
}


class Contamination(NamedTuple):
    """Average precision of each family after training with each share of slices with a lesion."""

    shares: tuple[float, ...]  # of the training slices
    average_precision: dict[str, tuple[Interval, ...]]  # by family, one entry a share
    prevalence: float  # the chance line
    steps: int

    def figure(self) -> Figure:
        """A line a family, against the share."""
        figure, ((axis,),) = drawing.chart(5.6, 3.4)
        ends = drawing.spread([found[-1].value for found in self.average_precision.values()], 0.06)
        x = 100 * np.array(self.shares)
        apart = 0.012 * (x.max() - x.min())  # so that error bars stand side by side
        for k, (name, found) in enumerate(self.average_precision.items()):
            values, colour, end = [ap.value for ap in found], drawing.COLOURS[k], ends[k]
            axis.errorbar(
                x + apart * (k - 1), values, drawing.bars(found), color=colour, marker="o", markersize=4, elinewidth=0.8
            )
            drawing.name(axis, x[-1], end, name, colour, (12, 0), annotation_clip=False)
        axis.axhline(self.prevalence, color=drawing.GREY, linestyle=":")
        drawing.name(axis, x[0], self.prevalence, f"chance, {self.prevalence:.2f}", drawing.GREY, (2, 8))
        axis.set(xlabel="training slices with a lesion (%)", ylabel="average precision, dark lesions", ylim=(0, None))
        axis.set_xticks(x, [f"{share:g}" for share in x])
        each = "; ".join(
            f"{name} " + ", ".join(f"{ap.value:.2f} at {share:g} %" for ap, share in zip(found, x, strict=True))
            for name, found in self.average_precision.items()
        )
        alt = (
            f"Average precision of dark lesions against the share of training slices with a lesion: {each}; chance is "
            f"{self.prevalence:.2f}."
        )
        return drawing.finish(figure, f"Lesions among the training slices ({self.steps} steps)", alt)


def contamination(
    shares: Sequence[float] = (0.0, 0.05, 0.1),
    models: Sequence[str] = ("ae", "vae", "dae"),
    *,
    steps: int = 600,
    batch: int = 16,
    train: Slices | None = None,
    slices: Slices | None = None,
    seed: int = 0,
    draws: int = material.DRAWS,
) -> Contamination:
    """Train each of ``models`` ("ae", "vae", "dae") with each share of contaminated slices, and measure it.

    ``train`` are healthy slices (the train split) and ``slices`` have dark lesions (the dev split), both averaged down
    to 32 px so that nine models learn something within a minute; one's own are taken as they are. Every second person
    of ``slices`` is measured, the others' slices with a lesion go into training, in place of healthy ones. Nobody is on
    both sides. A larger share holds the slices of a smaller one, and all runs of a family start from the same weights,
    see the same noise and take ``steps`` steps of ``batch`` slices, one run a core, on one thread each: the same seed
    gives the same numbers on any number of cores.
    """
    material.whole("steps", steps, 1)
    if unknown := [name for name in models if name not in FAMILIES]:
        raise InputError(f"models are chosen from {', '.join(FAMILIES)}, got {unknown[0]!r}.")
    if not models or not shares or not all(0 <= share < 1 for share in shares):
        raise InputError(f"Give at least one model, and shares from 0 to below 1, such as (0, 0.1); got {shares}.")
    train = material.healthy(halved(data.load("phantom", "train")) if train is None else train)
    slices = material.sick(halved(data.load("phantom", "dev")) if slices is None else slices)
    if both := set(train.subjects) & set(slices.subjects):
        raise InputError(f"{sorted(both)[0]} is among the healthy and the sick: take people from different splits.")
    names = sorted(set(slices.subjects))
    tested, others = material.people(slices, names[::2]), material.people(slices, names[1::2])
    sets = [data.Batches(mixed(train, others, share, seed), batch, seed) for share in shares]

    def run(model: nn.Module, name: str, batches: data.Batches) -> Interval:
        training.fit(FAMILIES[name][1](model, seed), batches, steps=steps, device="cpu", progress=False)
        maps = anomaly.clean(anomaly.scored(model)(tested), tested.brain)
        return metrics.average_precision_interval(maps, tested.masks, tested.brain, tested.subjects, draws)

    config = ModelConfig(image_size=train.images.shape[-1])
    with one_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {name: [pool.submit(run, _untrained(name, config, seed), name, one) for one in sets] for name in models}
        found = {name: tuple(job.result() for job in some) for name, some in jobs.items()}
    return Contamination(tuple(shares), found, metrics.prevalence(tested.masks, tested.brain), steps)


def mixed(train: Slices, others: Slices, share: float, seed: int) -> dict[str, Tensor]:
    """Healthy slices of which a ``share`` is replaced by slices with a lesion, of other people."""
    if both := set(train.subjects) & set(others.subjects):
        raise InputError(f"{sorted(both)[0]} is among the healthy and the sick: take people from different splits.")
    ill = others[others.masks.flatten(1).any(dim=1).numpy()]
    count = round(share * len(train))
    if count > len(ill):
        raise InputError(f"A share of {share:g} needs {count} slices with a lesion, but there are {len(ill)}.")
    rng = np.random.default_rng(seed)
    out, into = (torch.from_numpy(rng.permutation(len(one))[:count].copy()) for one in (train, ill))
    x, brain = train.images.clone(), train.brain.clone()
    x[out], brain[out] = ill.images[into], ill.brain[into]
    return {"x": x, "brain": brain}


def halved(slices: Slices) -> Slices:
    """The slices at half their size: means of 2 × 2 pixels, and of masks what covers half of them or more."""
    masks, brain = (F.avg_pool2d(one.float(), 2) >= 0.5 for one in (slices.masks, slices.brain))
    spacing = 2 * slices.spacing
    return replace(slices, images=F.avg_pool2d(slices.images, 2), masks=masks & brain, brain=brain, spacing=spacing)


def _untrained(name: str, config: ModelConfig, seed: int) -> nn.Module:
    with training.seeded(seed):
        return FAMILIES[name][0](config)  # pyright: ignore[reportCallIssue] - every family is built from its config
