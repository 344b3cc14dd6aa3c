"""Training time, bottleneck or a loss's weight as a slider: the same scan and the same z under a set of networks.

Each stop of the slider is one of the shipped weights, all of a set made alike but for what the slider changes. The
numbers of the curve are those that the weights' cards state, measured on the test split.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import traitlets
from torch import Tensor, nn

from brainlab import anomaly, checkpoints, latent, measured, metrics
from brainlab.errors import InputError
from brainlab.models.gan import GAN
from brainlab.models.vae import VAE
from brainlab.slices import Slices
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.cases import SHARP, CaseState, caption, marks, outlined, plain, some_people
from brainlab.widgets.frame import Content, Frame, Picture, Table, to_bytes
from brainlab.widgets.parts import AnyPanel, Choice, Curve, Panel, Slider, Swipe
from brainlab.widgets.plots import Line, Lines
from brainlab.widgets.time_stops import AXES, Axis, Stop, shipped

SIDE = 3  # samples a row and a column
SHORT = {
    "psnr": "PSNR, dB",
    "ap_hypo": "AP, dark",
    "ap_iso": "AP, like grey matter",
    "ap_hyper": "AP, bright",
    "elbo": "ELBO, nats",
    "kl": "KL, nats",
    "frechet": "Fréchet distance",
    "precision": "Samples, precision",
    "recall": "Samples, recall",
    "copied": "Samples, copied",
}
BOOST = 2  # residuals are seldom above a half


class TimeMachineState(CaseState):
    """Stop, scan and seed in; input, reconstruction, residual, samples and the cards' curve out."""

    stop = traitlets.Float()
    seed = traitlets.Int(0)
    measure = traitlets.Unicode()

    def __init__(
        self, axis: Axis, stops: Sequence[Stop], slices: Slices, load: Callable[[str], nn.Module] = checkpoints.load
    ) -> None:
        """``stops`` ascending; ``load`` gives the network of a stop's name and is asked once for each that is shown."""
        super().__init__(slices, healthy=True)
        self.axis, self.stops, self._load = axis, tuple(stops), load
        self.models: dict[str, nn.Module] = {}
        shared = set.intersection(*(set(one.stated) for one in self.stops))
        self.measures = tuple(name for name in measured.MEASURES if name in shared)
        if not self.measures:
            raise InputError("The cards of these weights have no measure in common: give weights of one family.")
        self.stop, self.measure = self.stops[-1].value, self.measures[0]

    @property
    def here(self) -> Stop:
        """The stop that the slider stands at, or next to."""
        return min(self.stops, key=lambda one: abs(one.value - self.stop))

    def model(self) -> nn.Module:
        """The network of this stop; loaded the first time, then kept."""
        name = self.here.name
        if name not in self.models:
            self.models[name] = self._load(name)
        return self.models[name]

    def frame(self) -> Frame:
        """Pictures, the curve with its point, the card as a table, and a sentence."""
        case, model = self.case(), self.model()
        pictures: dict[str, Content] = {"curve": self._curve()}
        words = [f"{self._told()}."]
        if not isinstance(model, GAN):
            x_hat = anomaly.reconstruct(model, case.images)
            residual = (case.images - x_hat).abs() * case.brain
            pictures |= {
                "input": outlined(case.images[0, 0], case.masks[0, 0]),
                "x_hat": outlined(x_hat[0, 0], case.masks[0, 0]),
            }
            pictures["residual"] = _grey(BOOST * residual[0, 0])
            words += [f"{self.told()}.", self._judged(case, x_hat, residual)]
        if draws(model):
            pictures["samples"] = _grey(samples(model, self.seed))
        card = Table(f"The card of {self.here.name}", self._rows())
        spoken = {"stop": self._told()}
        return Frame(pictures, " ".join(words), card, disabled=self.without_effect(), spoken=spoken)

    def _rows(self) -> list[tuple[str, str, float | None]]:
        return [(SHORT.get(name, name), _number(one), None) for name, one in self.here.stated.items()]

    def _told(self) -> str:
        words = self.axis.words.format(f"{self.here.value:g}")
        return words[0].upper() + words[1:]

    def _judged(self, case: Slices, x_hat: Tensor, residual: Tensor) -> str:
        """What this slice says of the network, beside the plain threshold where there is a lesion."""
        words = f"Here its PSNR is {metrics.psnr(case.images, x_hat):.1f} dB"
        if not (case.masks & case.brain).any():
            return f"{words}."
        name, score = plain(self.level)
        ap, other = (
            metrics.average_precision(anomaly.clean(maps, case.brain), case.masks, case.brain)
            for maps in (residual, score(case))
        )
        chance = metrics.prevalence(case.masks, case.brain)
        return (
            f"{words}, its residual's average precision {ap:.2f}; {name} itself has {other:.2f}, chance {chance:.2f}."
        )

    def _curve(self) -> Lines:
        """The chosen measure over the stops, its interval, and what one has without a model."""
        x = np.array([self.axis.scale(one.value) for one in self.stops])
        found = [one.stated[self.measure] for one in self.stops]
        at = np.array([one.value for one in self.stops])
        lines = [Line(measured.MEASURES[self.measure][0], x, np.array([one.value for one in found]), at)]
        bars = np.array([[one.low, one.high, np.nan] for one in found])
        if np.isfinite(bars).any():
            lines.append(Line("95 % interval", np.repeat(x, 3), bars.ravel()))
        without = np.array([one.without for one in found])
        if np.isfinite(without).any():
            lines.append(Line(f"without a model: {found[0].stand_in}", x, without))
        return Lines(lines)

    @traitlets.validate("measure")
    def _stated(self, proposal: Any) -> str:
        if proposal["value"] not in self.measures:
            raise InputError(f"measure must be one of {', '.join(self.measures)}, got {proposal['value']!r}.")
        return proposal["value"]


def time_machine(axis: str = "epochs", slices: Slices | None = None) -> Canvas:
    """Move through a set of shipped weights with the same scan and seed; ``canvas.state`` is the ``TimeMachineState``.

    ``axis``: "epochs" of a VAE, "gan" for those of a GAN, "latent" numbers of an autoencoder, a VAE's "beta", or a
    VAE-GAN's "gamma". ``slices``: T1w at 64 px, by default of eight people of the dev split. Raises InputError for
    another axis, and where weights of the set are missing.
    """
    from brainlab import data

    if axis not in AXES:
        raise InputError(f"axis must be one of {', '.join(AXES)}, got {axis!r}.")
    stops = shipped(AXES[axis])
    return show(
        TimeMachineState(AXES[axis], stops, some_people(data.load("phantom", "dev")) if slices is None else slices)
    )


def show(state: TimeMachineState) -> Canvas:
    """The machine over any set of stops."""
    model, axis = state.model(), state.axis
    scans = [] if isinstance(model, GAN) else state.controls()
    controls = [
        Slider("stop", axis.label, stops=tuple(one.value for one in state.stops), digits=axis.digits),
        *scans,
        *([Slider("seed", "Seed of the samples", 0, 20, 1)] if draws(model) else []),
        Choice("measure", "Curve", tuple((one, measured.MEASURES[one][0]) for one in state.measures)),
    ]
    measures = "Curve and table: what the weights' cards state, measured on the test split (AP: average precision)."
    return Canvas(
        state,
        _panels(model, axis, state.slices),
        controls,
        title="Time machine" if axis.plotted == "epochs" else f"Time machine: {axis.label}",
        caption=caption(state.slices, measures),
        display=("zoom",),
        look={"low": 0.0, "high": 1.0, "threshold": 0.5},
    )


def draws(model: nn.Module) -> bool:
    """Whether z ~ N(0, I) means something to a model: not to a plain autoencoder."""
    return isinstance(model, VAE | GAN)


def samples(model: nn.Module, seed: int) -> Tensor:
    """``SIDE``² images from z ~ N(0, I) as one picture (SIDE · H, SIDE · W); a seed gives every network the same z."""
    size = model.config.latent_dim  # pyright: ignore[reportAttributeAccessIssue] - every model that draws has one
    z = torch.randn(SIDE**2, size, generator=torch.Generator().manual_seed(seed))  # pyright: ignore[reportArgumentType]
    rows = latent.decode(model, z)[:, 0].split(SIDE)
    return torch.cat([torch.cat(list(row), dim=1) for row in rows])


def _panels(model: nn.Module, axis: Axis, slices: Slices) -> list[AnyPanel]:
    panels: list[AnyPanel] = []
    if not isinstance(model, GAN):
        panels += [
            Swipe(
                "pair",
                "Scan and reconstruction: drag the divider",
                ("input", "scan"),
                ("x_hat", "rebuilt"),
                overlay_colours="amber",
                **marks(slices, SHARP),
            ),
            Panel("residual", f"|scan − rebuilt|, × {BOOST}", colours="inferno", **marks(slices)),
        ]
    if draws(model):
        panels.append(Panel("samples", "Samples, the same z at every stop"))
    return [*panels, Curve("curve", "What the cards state", axis.plotted, "measure", marker="stop")]


def _grey(image: Tensor) -> Picture:
    return Picture(to_bytes(image.numpy(), (0.0, 1.0)))


def _number(one: measured.Stated) -> str:
    """A measure, and what one has without a model."""
    beside = "" if math.isnan(one.without) else f"; {one.stand_in}: {one.without:g}"
    return f"{one.value:g}{beside}".replace("-", "−")
