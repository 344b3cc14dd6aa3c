"""What the lesion painter computes, and its words: strokes in, every model's answer out; no Jupyter in here."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import traitlets
from torch import Tensor
from torch.nn import functional as F

from brainlab import metrics
from brainlab.errors import InputError
from brainlab.slices import Slices
from brainlab.widgets import painted
from brainlab.widgets.answering import Answer, Method, answer
from brainlab.widgets.frame import Frame, Picture, Table, to_bytes
from brainlab.widgets.painting import VISIBLE, Painting

KINDS = {"tumour": "a tumour", "ms": "plaques", "infarct": "an infarct"}
RESIDUAL_TOP = 0.5  # the residual that is shown white


class LesionPainterState(traitlets.HasTraits):
    """Strokes and drops in; the painted slice, its mask and every method's answer out."""

    slice = traitlets.Unicode("0")  # index of the slice, as text
    radius = traitlets.Float(8.0, min=0.5)  # mm, which are the pixels of the picture that is painted on
    softness = traitlets.Float(0.3, min=0.0, max=1.0)  # share of the radius over which paint fades
    level = traitlets.Float(0.4, min=-1.0, max=1.0)  # brighter than the tissue around; 0 rubs out

    def __init__(self, slices: Slices, methods: Sequence[Method], seed: int = 0) -> None:
        """``slices``: healthy ones to paint on; ``methods``: see ``thresholded``. ``seed`` places what is dropped."""
        super().__init__()
        self.slices, self.methods, self.seed = slices, list(methods), seed
        self.painting = Painting(slices)
        self.side = max(1, round(slices.images.shape[-1] * slices.spacing))  # px of 1 mm
        self._drops, self._note = 0, ""
        self._answered: tuple[Tensor, list[Answer]] | None = None

    @property
    def index(self) -> int:
        """Which of the slices is chosen."""
        return int(self.slice)

    @property
    def painted(self) -> Slices:
        """The chosen slice alone, as it is painted, its mask being the truth."""
        images, masks = self.painting.image(self.index)[None], self.painting.mask(self.index)[None]
        return replace(self.slices[self.index], images=images, masks=masks)

    def as_slices(self) -> Slices:
        """All that was painted, as any other ``Slices``: visit and label "painted", masks by ``painting.VISIBLE``."""
        return self.painting.as_slices()

    def stroke(self, panel: str, points: np.ndarray, begins: bool) -> None:
        """Paint along ``points`` (N, 2), in px of the 1 mm picture; outside the brain nothing happens."""
        zoom = self.side / self.slices.images.shape[-1]
        if begins or not self.painting.under_way:
            self.painting.begin(self.index, round(self.level, 3), self.radius / zoom, self.softness)
        inside = self.painting.draw(self.index, (points + 0.5) / zoom - 0.5)
        self._note = "" if inside else "This stroke lies outside the brain, where there is nothing to paint. "

    def press(self, name: str) -> None:
        """ "undo", "clear", "save", or a kind of lesion to drop at a random place, as bright as the brush is set."""
        self._note = ""
        if name == "save":
            self._note = self.save()
        elif name in KINDS:
            self._drops += 1
            self.painting.drop(self.index, name, self.seed * 1_000_003 + self._drops, round(self.level, 3))
        else:
            {"undo": self.painting.undo, "clear": self.painting.clear}[name](self.index)

    def save(self, folder: Path | None = None) -> str:
        """Write all that was painted as ``.npz``, and this slice as PNG, into the folder of work; say where."""
        under, truth = (one for one in self._painting().values())
        path = painted.save(self.as_slices(), [under, truth], folder or Path.cwd())
        return f'Saved: data.load("{path.name}") gives the slices with their masks; {path.stem}.png is the picture. '

    def answers(self) -> list[Answer]:
        """Every method's answer to the painted slice, in the order of ``methods``; nothing is computed twice."""
        image = self.painting.image(self.index)
        if self._answered is None or self._answered[0] is not image:
            shown = self.painted
            self._answered = image, [answer(method, shown) for method in self.methods]
        return self._answered[1]

    def frame(self) -> Frame:
        """The painting, the truth, every answer, the table and a sentence about them."""
        pictures = self._painting()
        for i, one in enumerate(self.answers()):
            amber = to_bytes(one.called[0, 0].numpy(), (0, 1))
            if one.x_hat is None:
                pictures[f"answer_{i}"] = Picture(pictures["truth"].image, overlay=amber)
            else:
                pictures[f"rebuilt_{i}"] = Picture(to_bytes(one.x_hat[0, 0].numpy(), (0, 1)))
                residual = to_bytes(one.scores[0, 0].numpy(), (0, RESIDUAL_TOP))
                # Its span is not told, so that the one window of all pictures suits the residuals too.
                pictures[f"answer_{i}"] = Picture(residual, overlay=amber)
        steps, touched = self.painting.steps(self.index), self.painting.touched(self.index)
        off = (*(() if steps else ("undo",)), *(() if touched else ("clear", "save")))
        return Frame(pictures, self._note + self.readout(), self._table(), off, self._spoken())

    def readout(self) -> str:
        """What is painted, and whether a network finds it better than brightness does, in words."""
        shown = self.painted
        if not (n := int(shown.masks.sum())):
            faint = f"What is painted changes no pixel by {VISIBLE:g} or more: too faint to count."
            start = "Healthy as it is. Paint on the first picture, or drop a lesion."
            return faint if self.painting.touched(self.index) else start
        change = (shown.images[0] - self.slices.images[self.index])[shown.masks[0]]
        way = "brighter" if (change > 0).all() else "darker" if (change < 0).all() else "brighter or darker"
        share = 100 * metrics.prevalence(shown.masks, shown.brain)
        words = f"Painted: {_few(n, 'pixel')}, {n * shown.spacing**2 / 100:.1f} cm², {share:.1f} % of the brain, "
        return f"{words}on average {float(change.abs().mean()):.2f} {way} than before. {self._verdict()}"

    def _verdict(self) -> str:
        """The best network and the better plain threshold, by Dice."""
        dices = [(one.dice, method) for one, method in zip(self.answers(), self.methods, strict=True)]
        sides = [[one for one in dices if (one[1].model is None) == plain] for plain in (False, True)]
        (network, model), (simple, plain) = (max(one, key=lambda pair: pair[0]) for one in sides)
        if max(network, simple) == 0:
            return "At its threshold no method finds any of it."
        verdict = "beats" if network > simple else "does not beat"
        return f"By Dice the best network, {model.name} ({network:.2f}), {verdict} {plain.name.lower()} ({simple:.2f})."

    def _painting(self) -> dict[str, Picture]:
        """The slice at 1 mm a pixel with a line around the truth, and as the models see it with the truth filled in."""
        shown = self.painted
        large = F.interpolate(shown.images, size=(self.side, self.side), mode="bilinear")
        inside = F.interpolate(shown.masks.float(), size=(self.side, self.side), mode="nearest")
        line = F.max_pool2d(inside, 3, stride=1, padding=1) - inside  # just outside, so that it hides no paint
        under, over, small, truth = (
            to_bytes(one[0, 0].numpy(), (0, 1)) for one in (large, line, shown.images, shown.masks)
        )
        return {"paint": Picture(under, overlay=over), "truth": Picture(small, overlay=truth)}

    def _table(self) -> Table:
        rows: list[tuple[str, str, float | None]] = []
        for method, one in zip(self.methods, self.answers(), strict=True):
            words = f"Dice {_score(one.dice)}, AP {_score(one.ap)}, {100 * one.false_alarms:.1f} %"
            rows.append(
                (method.name.replace(" ", "\N{NO-BREAK SPACE}"), words, None if np.isnan(one.dice) else one.dice)
            )
        chance = metrics.prevalence(self.painted.masks, self.painted.brain)
        rows.append(("Chance", f"AP {_score(chance or np.nan)}", None))
        return Table("Dice at the threshold (bar), average precision, share of healthy pixels called", rows)

    def _spoken(self) -> dict[str, str]:
        level = f"{self.level:+.2f}".replace("-", "−")
        side = "brighter than the tissue around (hyper)" if self.level > 0 else "darker than the tissue around (hypo)"
        return {
            "level": f"{level}: {side}" if round(self.level, 3) else "0: the tissue as it was, rubs out",
            "radius": f"{self.radius:g} mm to each side",
            "softness": f"fades over the outer {100 * self.softness:.0f} % of the brush",
            "undo": f"{_few(self.painting.steps(self.index), 'step')} to undo",
        }

    @traitlets.validate("slice")
    def _known(self, proposal) -> str:
        names = [str(i) for i in range(len(self.slices))]
        if proposal["value"] not in names:
            raise InputError(f"slice must be from 0 to {names[-1]}, as text, got {proposal['value']!r}.")
        return proposal["value"]

    @traitlets.observe("slice")
    def _turned(self, _) -> None:
        self._note = ""
        self.painting.lift()


def _score(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"


def _few(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
