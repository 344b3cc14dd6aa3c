"""Walk through a latent space: along its principal axes, to draws from the prior, from one person to another.

What an axis "means" is only what it goes with: beside it stands its correlation with the known causes of the slices.
"""

from pathlib import Path

from torch import nn

from brainlab import geometry
from brainlab.models.autoencoder import Autoencoder
from brainlab.slices import Slices
from brainlab.widgets import latent_space as ls
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.latent_walk import (
    STEPS,
    LatentExplorerState,
)
from brainlab.widgets.parts import AnyPanel, Button, Choice, Control, Panel, Slider


def latent_explorer(
    model: nn.Module | str | Path | None = None, slices: Slices | None = None, *, one_height: bool = False
) -> Canvas:
    """Move through a model's latent space and see what it decodes; ``canvas.state`` is the ``LatentExplorerState``.

    ``model``: a model that decodes, or the name of its weights; by default the VAE that ships. ``slices``: what is
    encoded to find the axes, the subjects and what is usual; by default the phantom's training slices. ``one_height``
    takes only each subject's slice nearest to the median height: with all heights the first axes are how high the slice
    lies and how much brain it has, with one they are what tells people apart. A GAN has no encoder: its axes are its
    latent numbers, and it draws only. Raises InputError for a model that cannot decode a vector, as a DAE.
    """
    made, slices = ls.opened(model, slices, "vae", "train")
    if one_height:
        slices = slices[list(ls.middles(slices).values())]
    state = LatentExplorerState(made, slices)
    return Canvas(
        state,
        _panels(slices),
        [*_sliders(state), *_journeys(state), Button("mean", "Back to the mean"), Button("draw", _draw_label(made))],
        title=f"Latent explorer: {type(made).__name__}, {len(state.axes.mean)} latent numbers",
        caption=ls.caption(slices),
        display=(),  # one window does not suit both a slice and a change
    )


def _panels(slices: Slices) -> list[AnyPanel]:
    edges, mm = geometry.EDGES["axial"], slices.spacing
    return [
        Panel("decoded", "Decoded from z", edges, mm),
        Panel("change", "Change since the start: white brighter, black darker", edges, mm),
        Panel("nearest", "The real slice most like it", edges, mm),
    ]


def _sliders(state: LatentExplorerState) -> list[Control]:
    """One slider an axis; its label says what the axis goes with, and how closely."""
    words = [one.label() for one in state.links] or ["" for _ in state.names]
    labels = [f"{state._axis(k).capitalize()}{': ' if words[k] else ''}{words[k]}" for k in range(state.count)]
    return [Slider(name, label, -3, 3, 0.1, "σ", 1) for name, label in zip(state.names, labels, strict=True)]


def _journeys(state: LatentExplorerState) -> list[Control]:
    """Where to start, where to go; nothing for a model that has no subjects."""
    if not state.homes:
        return []
    people = tuple((name, _about(state, name)) for name in state.homes)
    return [
        Choice("start", "Start", (("mean", "the mean"), ("draw", "the last draw"), *people)),
        Choice("goal", "Goal", people),
        Slider("t", "Way from start to goal", 0, 1, 1 / STEPS, "", 2),
        Choice("way", "On a", (("line", "straight line"), ("arc", "arc around the origin"))),
    ]


def _about(state: LatentExplorerState, name: str) -> str:
    """A subject with what tells it from the others, where that is known."""
    index, label = state.homes[name], state.slices.labels[state.homes[name]]
    found = state.space.causes.get("ventricle_size") if state.space else None
    words = [] if found is None else [f"ventricles {ls.CAUSES['ventricle_size'].told(found[index])}"]
    words += [] if label == "healthy" else [label]
    return f"{name} ({', '.join(words)})" if words else name


def _draw_label(model: nn.Module) -> str:
    return "Draw z from N(0, I)" if isinstance(model, Autoencoder) else "Draw from the prior"
