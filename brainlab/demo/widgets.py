"""The widgets by the names that scenes call them by: how each is built, and how it is made as new."""

from collections.abc import Callable
from typing import Any, NamedTuple

from brainlab import widgets
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.painting import Painting


class Kind(NamedTuple):
    """``make(**options)`` builds the canvas, which takes seconds; ``renew(state)`` forgets what was done to it."""

    make: Callable[..., Canvas]
    renew: Callable[[Any], object] = lambda state: None
    restart: str = ""  # the button that does so
    acts: frozenset[str] = frozenset()  # buttons and panels whose use is part of the state, beyond what controls say
    first: tuple[str, ...] = ()  # settings that must be set before the acts, since they make the widget as new
    last: tuple[str, ...] = ()  # settings that must be set after the others, since those move them
    beyond: float = 0.0  # how far from its slider a value may lie


def _undraw(state: Any) -> None:
    state.draws = 0


def _unpaint(state: Any) -> None:
    state.painting = Painting(state.slices)
    state._drops, state._note = 0, ""  # where the next lesion is dropped follows from how many there were


AXES = tuple(f"a{i}" for i in range(1, 9))
KINDS = {
    "latent": Kind(
        lambda weights, one_height: widgets.latent_explorer(weights, one_height=one_height),
        _undraw,
        acts=frozenset({"draw"}),
        last=("start", "goal", "way", "t", *AXES),
        beyond=20.0,  # σ: a person may lie where no slider reaches
    ),
    "map": Kind(lambda weights: widgets.latent_map(weights)),
    "painter": Kind(
        widgets.lesion_painter, _unpaint, acts=frozenset({"paint", "tumour", "ms", "infarct", "undo", "clear"})
    ),
    "gan": Kind(
        widgets.gan_cockpit, restart="restart", acts=frozenset({"round", "step_d", "step_g"}), first=("start",)
    ),
    "anomaly": Kind(widgets.anomaly_explorer),
    "time-machine": Kind(widgets.time_machine),
    "duel": Kind(widgets.model_duel),
    "contrast": Kind(lambda seed: widgets.contrast_lab(seed=seed), last=("tr", "te", "inversion", "ti")),
    "filter": Kind(lambda parts: widgets.filter_lab(parts=parts), last=("kernel", "channel")),
}
"""By the names in ``scenes.OPTIONS``."""
