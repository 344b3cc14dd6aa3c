"""The stops of the time machine: sets of shipped weights, made alike but for one thing, and what their cards state."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from brainlab import checkpoints, measured
from brainlab.errors import InputError


class Axis(NamedTuple):
    """What a slider changes."""

    prefix: str  # of the weights' names; what follows is the slider's value
    label: str
    words: str  # for a value {}
    plotted: str  # the curve's x axis
    scale: Callable[[float], float]  # from the value to where it is plotted
    digits: int = 0
    last: str = ""  # weights of another name that end the set, after all their epochs


def _itself(value: float) -> float:
    return value


AXES = {
    "epochs": Axis("vae-epoch-", "Epochs of training", "a VAE after {} epochs", "epochs", _itself),
    "gan": Axis("gan-epoch-", "Epochs of training", "a GAN after {} epochs", "epochs", _itself, last="gan"),
    "latent": Axis("ae-latent-", "Latent numbers", "an AE with {} latent numbers", "log₂ of latent numbers", math.log2),
    "beta": Axis("vae-beta-", "β, weight of the KL term", "a VAE at β = {}", "log₁₀ β", math.log10, 1),
    "gamma": Axis("vaegan-gamma-", "γ, weight of likeness", "a VAE-GAN at γ = {}", "log₁₀ γ", math.log10, 5),
}


class Stop(NamedTuple):
    """One place of the slider: its value, the weights' name, and what their card states."""

    value: float
    name: str
    stated: Mapping[str, measured.Stated]


def shipped(axis: Axis) -> tuple[Stop, ...]:
    """The stops of an axis that lie among the shipped weights, ascending."""
    names = [one for one in checkpoints.shipped() if one.startswith(axis.prefix)]
    stops = [Stop(float(one.removeprefix(axis.prefix)), one, measured.read(_card(one))) for one in names]
    if axis.last in checkpoints.shipped():
        stops.append(Stop(float(measured.epochs(_card(axis.last)) or 0), axis.last, measured.read(_card(axis.last))))
    if len(stops) < 2:
        raise InputError(
            f"There are no weights {axis.prefix}… in {checkpoints.SHIPPED}: install the kit with its assets."
        )
    return tuple(sorted(stops))


def _card(name: str) -> str:
    return (checkpoints.SHIPPED / name / "README.md").read_text(encoding="utf-8")
