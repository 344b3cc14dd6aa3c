"""What a model is worth that was trained from scratch for a minute or four, beside pythae's in the same seconds.

Two threads, the phantom's train split, three seeds. Every family of the kit runs as its weights were made: batches of
32, its step's own settings. pythae's VAE and VAEGAN are given the same networks, first weights and images, and run as
they are documented, in batches of 64: the VAE with its squared error, that is σ = 1, at a learning rate of 1e-3, as its
README has it; the VAEGAN with its defaults, half likeness in D_l and half adversary, three Adams at 1e-4.

σ decides how a VAE's likeness and its samples share the effort, so the ``vae`` that stands beside pythae's has its
likelihood, σ = 1; ``vae_sharp`` is the kit's default, σ = 0.05, which rebuilds better and draws worse.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

import brainlab as bl
from brainlab import checkpoints, data, training
from brainlab import scorecard as card
from tests.benchmarks import peers
from tests.benchmarks.speeds import Figure

BUDGETS = {"ae": 60, "vae_sharp": 60, "vae": 60, "dae": 100, "gan": 180, "vaegan": 240}
"""Seconds of training by family; pythae's have those of the family they stand beside."""

OURS: dict[str, tuple[Callable[[bl.ModelConfig], Any], Callable[[Any, int], training.Step]]] = {
    "ae": (bl.Autoencoder, lambda model, seed: training.ae_step(model)),
    "vae_sharp": (bl.VAE, lambda model, seed: training.vae_step(model, seed=seed)),
    "vae": (bl.VAE, lambda model, seed: training.vae_step(model, sigma=1.0, lr=2e-3, seed=seed)),
    "dae": (bl.DenoisingAutoencoder, lambda model, seed: training.dae_step(model, seed=seed)),
    "gan": (bl.GAN, lambda model, seed: training.gan_step(model, seed=seed)),
    "vaegan": (bl.VAEGAN, lambda model, seed: training.vaegan_step(model, seed=seed)),
}
THEIRS: dict[str, tuple[Callable[[Any], nn.Module], dict[str, float]]] = {
    "vae": (peers.pythae_vae, {"learning_rate": 1e-3}),
    "vaegan": (peers.pythae_vaegan, {}),
}
BATCH = 32
"""The kit's side: as its weights are made. pythae's is its default, 64."""
LOWER_IS_BETTER = {"frechet"}
COMPARED = ("psnr", "frechet")  # promised to be ahead; the other measures are told beside them

Numbers = dict[str, float]
Judge = Callable[[Any], Numbers]


def measure(
    budgets: Mapping[str, float] = BUDGETS, seeds: Sequence[int] = (0, 1, 2), judge: Judge | None = None
) -> Figure:
    """Of the comparisons with pythae, the share in which ours is ahead by more than the seeds differ.

    For each family and each number of the scorecard there are its mean, ``_min`` and ``_max`` over the seeds, and
    ``fresh_vae_psnr_ahead``, ``fresh_vaegan_frechet_ahead``… are the lead over pythae: see ``lead``.
    """
    peers.load("pythae.models")  # before an hour goes by
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = every_run(budgets, seeds, judge or scorecard())
    finally:
        torch.set_num_threads(threads)
    leads = {
        f"fresh_{family}_{key}_ahead": lead(key, found[family][key], found[f"pythae_{family}"][key])
        for family in THEIRS
        for key in COMPARED
        if key in found[family]
    }
    return sum(one > 0 for one in leads.values()) / len(leads), leads | summary(found)


def every_run(
    budgets: Mapping[str, float], seeds: Sequence[int], judge: Judge
) -> defaultdict[str, defaultdict[str, list[float]]]:
    """By family and key, a number for every seed; the families take turns, so that a busy hour meets them all."""
    slices = data.load("phantom", split="train")
    found: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for seed in seeds:
        for family, seconds in budgets.items():
            runs = {family: train_ours} | ({f"pythae_{family}": train_theirs} if family in THEIRS else {})
            for name, train in runs.items():
                model, steps = train(family, slices, seconds, seed)
                numbers = judge(model.eval()) | {"steps": float(steps)}
                print(f"seed {seed}, {name}, {seconds} s: {numbers}", file=sys.stderr, flush=True)
                for key, value in numbers.items():
                    found[name][key].append(value)
    return found


def train_ours(family: str, slices: data.Slices, seconds: float, seed: int) -> tuple[Any, int]:
    """A model of the kit after so many seconds, and how many steps they were."""
    kind, new_step = OURS[family]
    with training.seeded(seed):
        model = kind(bl.ModelConfig())
    tensors = {"x": slices.images} | ({"brain": slices.brain} if family == "dae" else {})
    batches = data.Batches(tensors, BATCH, seed=seed)
    history = training.fit(new_step(model, seed), batches, seconds=seconds, device="cpu", progress=False)
    return model, history.steps


def train_theirs(family: str, slices: data.Slices, seconds: float, seed: int) -> tuple[Any, int]:
    """The same networks after so many seconds with pythae, and how many steps they were."""
    wrap, settings = THEIRS[family]
    with training.seeded(seed):
        model = OURS[family][0](bl.ModelConfig())
    took = peers.train(wrap(model), slices.images, seed, seconds, num_epochs=10**6, **settings)
    return model, took.steps


def scorecard() -> Judge:
    """The kit's own measure of a model, on T1w slices of 64 px; without intervals, which the seeds stand for here."""
    test = card.load(judge=checkpoints.load("classifier"))  # pyright: ignore[reportArgumentType]
    return lambda model: {key: one.value for key, one in card.measure(model, test, draws=0).items()}


def lead(key: str, ours: list[float], theirs: list[float]) -> float:
    """How far our mean is better than theirs, less the larger of the two ranges over the seeds; in key's unit."""
    better = mean(theirs) - mean(ours) if key in LOWER_IS_BETTER else mean(ours) - mean(theirs)
    return better - max(max(side) - min(side) for side in (ours, theirs))


def summary(found: Mapping[str, Mapping[str, list[float]]]) -> Numbers:
    """Mean, lowest and highest of every number over the seeds."""
    kinds = {"": mean, "_min": min, "_max": max}
    return {
        f"fresh_{family}_{key}{ending}": kind(values)
        for family, numbers in found.items()
        for key, values in numbers.items()
        for ending, kind in kinds.items()
    }


def mean(values: Sequence[float]) -> float:
    """Over the seeds."""
    return sum(values) / len(values)
