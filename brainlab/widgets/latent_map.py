"""A map of a latent space: encoded slices as dots in a plane, and a crosshair that decodes where it stands.

A model with two latent numbers is seen whole; of a larger space the map shows the plane of the two principal axes in
which the healthy slices vary most, and dots side by side may be far apart in the directions that it leaves out.
"""

from pathlib import Path

import numpy as np
import torch
import traitlets
from torch import Tensor, nn

from brainlab import geometry, latent
from brainlab.errors import InputError
from brainlab.slices import Slices
from brainlab.widgets import latent_space as ls
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture, to_bytes
from brainlab.widgets.parts import Axis, Choice, Panel, Scatter
from brainlab.widgets.plots import Points, Span

DOTS = 600  # more hide each other, and slow the page down
STEPS = 100  # of the crosshair, from end to end


class LatentMapState(traitlets.HasTraits):
    """A place in the plane; ``frame`` decodes it and finds the nearest dot."""

    x = traitlets.Float(0.0)  # the axes' own numbers where there are two, else σ along the first principal axis
    y = traitlets.Float(0.0)
    colour = traitlets.Unicode("area")  # the cause that colours the dots

    def __init__(self, model: nn.Module, slices: Slices, factor: str | None = None) -> None:
        """``model`` embeds and decodes; ``slices`` are thinned to ``DOTS``; ``factor`` colours them at first."""
        super().__init__()
        self.model, self.slices = model, thinned(slices)
        self.sick = np.array([one != "healthy" for one in self.slices.labels])
        self.space = ls.LatentSpace(model, self.slices, None if (~self.sick).sum() < 2 else ~self.sick)
        if self.space.z.shape[1] < 2:
            raise InputError("A map needs two latent numbers or more, and this model has one: use latent_explorer.")
        self.whole = self.space.z.shape[1] == 2  # the plane is all there is
        self.dots = self.space.z.numpy() if self.whole else self.space.places[:, :2]  # (N, 2)
        self.white = ls.brightest(self.slices)
        self._points: tuple[str, Points] | None = None
        self.colour = self._closest() if factor is None else factor
        self.x, self.y = self.space.axes.mean.tolist() if self.whole else (0.0, 0.0)

    @property
    def z(self) -> Tensor:
        """The vector (d,) under the crosshair: in the plane through the mean, where it has more than two numbers."""
        at, axes = torch.tensor([self.x, self.y]), self.space.axes
        return at if self.whole else axes.mean + (at * axes.std[:2]) @ axes.directions[:2]

    def names(self) -> tuple[str, str]:
        """What the two axes are called."""
        return ("z₁", "z₂") if self.whole else ("axis 1", "axis 2")

    def span(self, column: int) -> Span:
        """From where to where an axis of the map goes: all dots and half a unit more, in halves."""
        values = self.dots[:, column]
        return float(np.floor(2 * values.min() - 0.5) / 2), float(np.ceil(2 * values.max() + 0.5) / 2)

    def nearest(self) -> tuple[int, float]:
        """The dot nearest to the crosshair, and its distance in the map."""
        away = np.hypot(*(self.dots - [self.x, self.y]).T)
        return int(away.argmin()), float(away.min())

    def frame(self) -> Frame:
        """The map, what the model decodes under the crosshair, the nearest real slice, and all of it in words."""
        z, (index, away), span = self.z, self.nearest(), (0.0, self.white)
        decoded = latent.decode(self.model, z[None])[0, 0]
        pictures = {
            "map": self._dots(),
            "decoded": Picture(to_bytes(decoded.numpy(), span), span),
            "nearest": Picture(to_bytes(self.slices.images[index, 0].numpy(), span), span),
        }
        return Frame(pictures, f"{self._near(z, index, away)} {self._colours()}", spoken=self._spoken())

    def _near(self, z: Tensor, index: int, away: float) -> str:
        """Where the crosshair stands and whose slice is nearest; beside a flat distance, the one in all directions."""
        where = ", ".join(self._spoken().values())
        words = f"Crosshair at {where}. Nearest dot: {ls.place(self.slices, index)}, {away:.2f}"
        if self.whole:
            return f"{words} away."
        here = self.space.axes._replace(mean=z)
        full = float(latent.mahalanobis(here, self.space.z[index : index + 1])[0])
        return f"{words} σ away in the map, {full:.1f} σ in all {len(z)} directions."

    def _colours(self) -> str:
        cause, values = self._cause(), self.space.causes[self.colour]
        r = [ls.signed(one, 2, plus=False) for one in self._along(self.colour)]
        along = " and ".join(f"r = {one} with {name}" for one, name in zip(r, self.names(), strict=True))
        return f"Colour: {cause.name}, {cause.told(values.min())} to {cause.told(values.max())}; {along}."

    def _closest(self) -> str:
        """The cause that goes with either axis most closely."""
        return max(self.space.causes, key=lambda one: max(abs(r) for r in self._along(one)))

    def _along(self, name: str) -> list[float]:
        """A cause's correlation with both axes."""
        return [ls.correlation(self.dots[:, k], self.space.causes[name]) for k in (0, 1)]

    def _cause(self) -> ls.Cause:
        return ls.CAUSES.get(self.colour) or ls.plain(self.colour)

    def _dots(self) -> Points:
        """The dots; made anew when the colour changes."""
        if self._points is None or self._points[0] != self.colour:
            hollow = self.sick if 0 < self.sick.sum() < len(self.sick) else None
            self._points = (
                self.colour,
                Points(self.dots[:, 0], self.dots[:, 1], self.space.causes[self.colour], hollow),
            )
        return self._points[1]

    def _spoken(self) -> dict[str, str]:
        unit, digits = ("", 2) if self.whole else (" σ", 1)
        at = zip("xy", self.names(), (self.x, self.y), strict=True)
        return {
            trait: f"{name} {'= ' if self.whole else ''}{ls.signed(value, digits)}{unit}" for trait, name, value in at
        }

    @traitlets.validate("colour")
    def _known(self, proposal) -> str:
        name = proposal["value"]
        if name not in self.space.causes:
            raise InputError(f"factor must be one of {', '.join(self.space.causes)}, got {name!r}.")
        return name


def latent_map(
    model: nn.Module | str | Path | None = None, slices: Slices | None = None, factor: str | None = None
) -> Canvas:
    """Encoded slices as a map to walk in, decoding as one goes; ``canvas.state`` is the ``LatentMapState``.

    ``model``: a model that embeds and decodes, or the name of its weights; by default the autoencoder with two latent
    numbers. ``slices``: the dots, at most 600 of them, drawn at random; by default the phantom's ``dev``, healthy and
    not. ``factor``: what colours the dots at first, a name in ``slices.factors``, "height" or "area". Raises InputError
    for a model without an encoder (a GAN) or without a decoder (a DAE), and for an unknown factor.
    """
    made, slices = ls.opened(model, slices, "ae-latent-2", "dev")
    state = LatentMapState(made, slices, factor)
    causes = tuple((name, (ls.CAUSES.get(name) or ls.plain(name)).name) for name in state.space.causes)
    edges, mm = geometry.EDGES["axial"], slices.spacing
    return Canvas(
        state,
        [
            _scatter(state),
            Panel("decoded", "Decoded there", edges, mm),
            Panel("nearest", "The nearest dot's slice", edges, mm),
        ],
        [Choice("colour", "Colour the dots by", causes)],
        title=f"Latent map: {type(made).__name__}, {state.space.z.shape[1]} latent numbers",
        caption=ls.caption(slices),
        display=("window", "zoom"),
    )


def _scatter(state: LatentMapState) -> Scatter:
    (left, right), (bottom, top) = state.span(0), state.span(1)
    along, up = (name if state.whole else f"{name} (σ)" for name in state.names())
    both = 0 < state.sick.sum() < len(state.sick)
    return Scatter(
        "map",
        "Encoded slices",
        Axis("x", left, (right - left) / STEPS),
        Axis("y", top, (bottom - top) / STEPS),
        along,
        up,
        "Colour (chosen below)",
        "healthy slice" if both else "",
        "slice with a lesion" if both else "",
        STEPS,
    )


def thinned(slices: Slices) -> Slices:
    """At most ``DOTS`` slices at random, always the same: half of them healthy where there are enough of both."""
    draw, sick = np.random.default_rng(0), np.array([one != "healthy" for one in slices.labels])
    groups = [draw.permutation(np.flatnonzero(sick == one)) for one in (False, True)]
    healthy = max(DOTS // 2, DOTS - len(groups[1]))
    kept = [groups[0][:healthy], groups[1][: DOTS - min(healthy, len(groups[0]))]]
    return slices[np.sort(np.concatenate(kept))]
