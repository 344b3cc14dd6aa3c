"""Paint a lesion and watch every model answer, with the plain intensity threshold beside them, scored by the painting.

Every threshold is set before the first stroke, on other, healthy people: the share ``fpr`` of their pixels lies above.
What is painted never moves it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from brainlab import checkpoints, data, geometry
from brainlab.errors import InputError
from brainlab.slices import Slices
from brainlab.widgets.answering import thresholded
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.painter_state import KINDS, RESIDUAL_TOP, LesionPainterState
from brainlab.widgets.painting import VISIBLE
from brainlab.widgets.parts import Brush, Button, Choice, Control, Panel, Slider

MODELS = {"ae": "Autoencoder", "vae": "VAE", "dae": "Denoising AE", "vaegan": "VAE-GAN"}
HEIGHTS_MM = (14.0, 20.0, 27.0, 33.0, 8.0, 1.0, -5.0, -12.0)  # of the default slices, from one person each


def lesion_painter(
    models: Sequence[str] | Mapping[str, nn.Module] | None = None,
    slices: Slices | None = None,
    *,
    healthy: Slices | None = None,
    fpr: float = 0.01,
    seed: int = 0,
) -> Canvas:
    """Paint lesions on healthy slices and see what each model makes of them; ``canvas.state`` has the painting.

    ``models``: names of shipped weights, or models by the names that are shown; by default autoencoder, VAE, denoising
    autoencoder and VAE-GAN. ``slices``: healthy, to paint on; by default eight synthetic people's. ``healthy``: slices
    of other healthy people that set the thresholds, at a share ``fpr`` of their pixels; by default the synthetic
    population's "val", which real slices cannot use.
    ``canvas.state.as_slices()`` returns the painting with its masks, ``canvas.png()`` the picture.
    Raises InputError where slices and models do not fit, or where the thresholds' people would be painted on.
    """
    slices = _default_slices() if slices is None else slices
    _check_slices(slices)
    loaded = _loaded(list(MODELS) if models is None else models, slices.contrast)
    if healthy is None:
        if not slices.about.synthetic:
            raise InputError("These slices are real: give healthy=, slices of other real people, for the thresholds.")
        healthy = data.load("phantom", "val", contrast=slices.contrast or "T1w", size=slices.images.shape[-1])
    if shared := sorted(set(slices.subjects) & set(healthy.subjects)):
        raise InputError(f"{shared[0]} sets the thresholds and cannot be painted on: take slices of other people.")
    return show(LesionPainterState(slices, thresholded(loaded, healthy, fpr), seed))


def show(state: LesionPainterState) -> Canvas:
    """The painter on any slices and methods."""
    size, spacing = state.slices.images.shape[-1], state.slices.spacing
    plain = [(i, one.name) for i, one in enumerate(state.methods) if one.model is None]
    nets = [(i, one.name) for i, one in enumerate(state.methods) if one.model is not None]
    amber: dict[str, Any] = {"overlay_colours": "amber"}
    brush: dict[str, Any] = {"brush": Brush("radius"), "pixel_mm": size * spacing / state.side}
    panels = [
        Panel("paint", "Paint here", geometry.EDGES["axial"], **brush, **amber),
        Panel("truth", "The truth: what was painted", **amber),
        *(Panel(f"answer_{i}", f"{name}: answer", **amber) for i, name in plain),
        *(Panel(f"rebuilt_{i}", f"{name} rebuilds") for i, name in nets),
        *(Panel(f"answer_{i}", f"{name}: residual, answer", **amber) for i, name in nets),
    ]
    canvas = Canvas(
        state,
        panels,
        _controls(state.slices),
        title="Paint a lesion",
        caption=_caption(state),
        display=("window", "opacity", "zoom"),
        look={"low": 0.0, "high": 1.0, "threshold": 0.5},
    )
    canvas.layout.max_width = "1040px"  # four pictures abreast: rebuilt above residual
    return canvas


def _controls(slices: Slices) -> list[Control]:
    heights = [f", {mm:+.0f} mm".replace("-", "−") if np.isfinite(mm) else "" for mm in slices.position_mm]
    named = [(str(i), f"{slices.subjects[i]}{heights[i]}") for i in range(len(slices))]
    return [
        Choice("slice", "Slice", tuple(named)),
        Slider("radius", "Brush radius", 2, 25, 1, "mm"),
        Slider("softness", "Softness of its edge", 0, 1, 0.05, digits=2),
        Slider("level", "Darker (hypo) to brighter (hyper)", -0.6, 0.6, 0.05, digits=2),
        *(Button(kind, f"Drop {words}") for kind, words in KINDS.items()),
        Button("undo", "Undo"),
        Button("clear", "Clear"),
        Button("save", "Save picture and masks"),
    ]


def _caption(state: LesionPainterState) -> str:
    brain = "Synthetic brain, painted lesion." if state.slices.about.synthetic else "Real brain, painted lesion."
    rule = f"Amber is called a lesion; in the truth, what painting changed by {VISIBLE:g} or more (white is 1)."
    scale = f"Residuals are cleaned, white at {RESIDUAL_TOP:g}; thresholds come from other, healthy people."
    return f"{brain} {rule} {scale} For teaching, not for clinical use."


def _check_slices(slices: Slices) -> None:
    if not len(slices):
        raise InputError("There is no slice to paint on: give at least one.")
    if slices.masks.any():
        raise InputError('Some slices have a lesion already: paint on healthy ones, such as where(visit="healthy").')


def _loaded(models: Sequence[str] | Mapping[str, nn.Module], contrast: str | None) -> dict[str, nn.Module]:
    """Models by the name that is shown."""
    if isinstance(models, str) or not len(models):
        raise InputError(f"models are names such as {list(MODELS)}, or models by their names; got {models!r}.")
    if isinstance(models, Mapping):
        return dict(models)
    for name in models:
        trained = checkpoints.about(name).get("contrast")
        if contrast and trained and contrast != trained:
            raise InputError(
                f"The weights {name!r} know {trained} and the slices are {contrast}: give both of one contrast."
            )
    return {MODELS.get(name, name): checkpoints.load(name) for name in models}


def _default_slices() -> Slices:
    """One slice from each of eight healthy people, none of them used for training or for thresholds."""
    dev = data.load("phantom", "dev").where(visit="healthy")
    people = np.array(dev.subjects)
    of = zip(dict.fromkeys(dev.subjects), HEIGHTS_MM, strict=False)
    away = [np.where(people == person, np.abs(dev.position_mm - mm), np.inf) for person, mm in of]
    return dev[[int(one.argmin()) for one in away]]
