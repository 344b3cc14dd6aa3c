"""Two networks, one scan: a divider between what each makes of it, and what the plain threshold finds beside both."""

from typing import Any

import numpy as np
import traitlets
from torch import Tensor, nn

from brainlab import anomaly, checkpoints, metrics
from brainlab.errors import InputError
from brainlab.slices import Slices
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.cases import NAMES, CaseState, caption, marks, outlined, plain, scan_panel, some_people
from brainlab.widgets.frame import Frame, Picture, Table, to_bytes
from brainlab.widgets.parts import Choice, Swipe

SPAN = (0.0, 0.5)  # of a residual: seldom is one larger

Duellist = tuple[str, nn.Module]  # a network and what it is called


class ModelDuelState(CaseState):
    """Scan and what to show of it in; both sides' pictures and numbers out."""

    shows = traitlets.Enum(("x_hat", "residual"), "x_hat")

    def __init__(self, left: Duellist, right: Duellist, slices: Slices) -> None:
        """``left``, ``right``: (name, model), models that rebuild an image."""
        super().__init__(slices, healthy=True)
        self.sides = {"left": left, "right": right}
        self._kept: tuple[tuple[str, str], dict[str, Tensor]] | None = None  # the scan shown last, rebuilt

    def rebuilt(self) -> dict[str, Tensor]:
        """What each side makes of the slice, (1, 1, H, W); asked once for each scan."""
        key = (self.person, self.visit)
        if self._kept is None or self._kept[0] != key:
            images = self.case().images
            self._kept = (key, {side: anomaly.reconstruct(one, images) for side, (_, one) in self.sides.items()})
        return self._kept[1]

    def frame(self) -> Frame:
        """The scan, both sides, and the numbers."""
        case, both = self.case(), self.rebuilt()
        pictures = {"scan": outlined(case.images[0, 0], case.masks[0, 0])}
        for side, x_hat in both.items():
            pictures[side] = self._picture(case, x_hat)
        rows, words = self._numbers(case, both)
        return Frame(
            pictures, words, Table("On this slice (AP: average precision)", rows), disabled=self.without_effect()
        )

    def _picture(self, case: Slices, x_hat: Tensor) -> Picture:
        """The reconstruction, or the scan under the residual's size."""
        if self.shows == "x_hat":
            return Picture(to_bytes(x_hat[0, 0].numpy(), (0.0, 1.0)))
        residual = (case.images - x_hat).abs() * case.brain
        image = to_bytes(case.images[0, 0].numpy(), (0.0, 1.0))
        shades = np.maximum(
            to_bytes(residual[0, 0].numpy(), SPAN), case.brain[0, 0].numpy()
        )  # at 0 the scan would show
        return Picture(image, overlay=shades, overlay_span=SPAN)

    def _numbers(self, case: Slices, both: dict[str, Tensor]) -> tuple[list[tuple[str, str, float | None]], str]:
        """The table's rows and the sentence: PSNR of both, and average precision beside the plain threshold's."""
        psnr = {self.sides[side][0]: metrics.psnr(case.images, x_hat) for side, x_hat in both.items()}
        rows: list[tuple[str, str, float | None]] = [(f"PSNR, {k}", f"{v:.1f} dB", None) for k, v in psnr.items()]
        said = ", ".join(f"{k} {v:.1f} dB" for k, v in psnr.items())
        words = f"{self.told()}. How like the scan (PSNR): {said}."
        if not (case.masks & case.brain).any():
            return rows, f"{words} There is no lesion to find here: all that stands in a residual is a false alarm."
        name, score = plain(self.level)
        maps = {self.sides[side][0]: (case.images - x_hat).abs() * case.brain for side, x_hat in both.items()}
        maps = maps | {f"{name} itself": score(case)}
        found = {
            k: metrics.average_precision(anomaly.clean(v, case.brain), case.masks, case.brain) for k, v in maps.items()
        }
        found["chance"] = metrics.prevalence(case.masks, case.brain)
        rows += [(f"AP, {k}", f"{v:.2f}", v) for k, v in found.items()]
        return rows, f"{words} Average precision: {', '.join(f'{k} {v:.2f}' for k, v in found.items())}."


def model_duel(left: str | nn.Module = "vae", right: str | nn.Module = "dae", slices: Slices | None = None) -> Canvas:
    """Swipe between what two networks make of one scan; ``canvas.state`` is the ``ModelDuelState``.

    ``left``, ``right``: names of shipped weights, or models that rebuild an image. ``slices``: as the models know
    them, by default of eight people of the dev split, in the contrast and size of ``left``. Raises InputError for a
    model that cannot rebuild an image, and where models and slices differ in size.
    """
    sides = [_duellist(one) for one in (left, right)]
    if sides[0][0] == sides[1][0]:
        sides = [(f"{name}, {side}", one) for (name, one), side in zip(sides, ("left", "right"), strict=True)]
    slices = _slices(left, sides[0][1]) if slices is None else slices
    return show(ModelDuelState(sides[0], sides[1], slices))


def show(state: ModelDuelState) -> Canvas:
    """The duel of any two models on any slices."""
    left, right = (("left", state.sides["left"][0]), ("right", state.sides["right"][0]))
    panels = [
        scan_panel("scan", state.slices),
        Swipe("duel", "What each makes of it: drag the divider", left, right, **marks(state.slices)),
    ]
    shown = Choice("shows", "Show", (("x_hat", "reconstruction"), ("residual", "residual")))
    state.frame()  # a model that cannot take part says so here, and not in the widget
    return Canvas(
        state,
        panels,
        [shown, *state.controls()],
        title="Model duel",
        caption=caption(state.slices, f"Residual: |scan − reconstruction|, black 0, yellow {SPAN[1]:g} and more."),
        display=("opacity", "zoom"),
        look={"low": 0.0, "high": 1.0, "threshold": 0.0, "opacity": 1.0},
    )


def _duellist(given: str | nn.Module) -> Duellist:
    """A model and its name."""
    if isinstance(given, str):
        return NAMES.get(given, given), checkpoints.load(given)
    if not isinstance(given, nn.Module):
        raise InputError(f"left and right are names of weights or models, got {type(given).__name__}.")
    return type(given).__name__, given


def _slices(given: str | nn.Module, model: Any) -> Slices:
    """The dev split in the contrast and at the size that a model knows."""
    from brainlab import data

    contrast = checkpoints.about(given).get("contrast", "T1w") if isinstance(given, str) else "T1w"
    return some_people(data.load("phantom", "dev", contrast, model.config.image_size))
