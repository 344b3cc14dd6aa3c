"""Which sliders answer in the book: a widget's call in a lesson, and the slider that is computed beforehand for it.

A lesson needs no line for this: whoever calls ``contrast_lab()`` gets the frames below its picture. A call with
arguments that only the lesson knows has no entry and keeps its static picture.
"""

import re
from collections.abc import Callable
from functools import cache

from brainlab.widgets import contrast_lab, latent_explorer, time_machine
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frames import Frames, frames


def _flair() -> Canvas:
    lab = contrast_lab()
    lab.state.preset = "FLAIR"
    return lab


def _axes() -> Canvas:
    return latent_explorer(one_height=True)


# How a call in a lesson begins: how the widget is made here, its slider, and the slider's values (None: up to 13).
TI = [300.0, 600.0, 900.0, 1200.0, 1600.0, 2000.0, 2480.0, 3000.0, 4000.0]
SLIDERS: dict[str, list[tuple[Callable[[], Canvas], str, list[float] | None]]] = {
    "contrast_lab()": [(contrast_lab, "te", None), (_flair, "ti", TI)],
    "latent_explorer()": [(latent_explorer, "a1", None)],
    "latent_explorer(one_height=True)": [(_axes, "a1", None)],
    "time_machine()": [(time_machine, "stop", None)],
    **{
        f'time_machine("{axis}"': [(lambda axis=axis: time_machine(axis), "stop", None)]
        for axis in ("epochs", "gan", "latent", "beta", "gamma")
    },
}

# The book's own page: a heading, a sentence, and the call.
SHOWCASE = [
    (
        "Echo and inversion time",
        "What a scanner's operator turns: which tissue is bright, and which vanishes?",
        "contrast_lab()",
    ),
    (
        "A VAE's first axis",
        "One number of the latent space, moved; what goes with it in the brain?",
        "latent_explorer(one_height=True)",
    ),
    (
        "Latent numbers",
        "How narrow may the bottleneck be before the brain is lost, and how wide before the lesion is copied?",
        'time_machine("latent")',
    ),
    ("Epochs", "The same scan while a VAE learns.", 'time_machine("epochs")'),
    ("β", "What the weight of the KL term does to reconstructions and samples.", 'time_machine("beta")'),
    ("γ", "What the weight of likeness does to a VAE-GAN.", 'time_machine("gamma")'),
]


@cache
def made(call: str) -> tuple[Frames, ...]:
    """The figures of one call; computed once, whatever lessons show it."""
    return tuple(frames(make(), control, values) for make, control, values in SLIDERS[call])


def sliders_of(source: str) -> tuple[Frames, ...]:
    """The figures that belong below a code cell."""
    plain = re.sub(r"\s+", "", source).replace("'", '"')
    return tuple(one for call in SLIDERS if call in plain for one in made(call))
