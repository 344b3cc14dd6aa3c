"""What the latent explorer computes, and its words: a place along the axes in, a picture out; no Jupyter in here."""

from typing import NamedTuple

import numpy as np
import torch
import traitlets
from torch import Tensor, nn

from brainlab import latent
from brainlab.errors import InputError
from brainlab.models.autoencoder import Autoencoder
from brainlab.models.protocols import Embeds
from brainlab.slices import Slices
from brainlab.widgets import latent_space as ls
from brainlab.widgets.frame import Frame, Picture, Table, to_bytes

AXES = 8  # sliders; the first eight axes hold most of what varies
SUBJECTS = 8  # in the lists
STEPS = 100  # of the way from the start to the goal
CHANGE = (-0.5, 0.5)  # what black and white stand for in the picture of the change
PRIOR_DRAWS = 2000


class Around(NamedTuple):
    """What distances from the middle are measured with and against."""

    axes: latent.Axes
    usual: Tensor  # (M,) distances of slices, or of draws from the prior
    things: str  # "slices" or "draws from the prior"


class LatentExplorerState(traitlets.HasTraits):
    """A vector z as its places along the axes, in σ, and what is left of it; ``frame`` decodes it."""

    a1 = traitlets.Float(0.0)
    a2 = traitlets.Float(0.0)
    a3 = traitlets.Float(0.0)
    a4 = traitlets.Float(0.0)
    a5 = traitlets.Float(0.0)
    a6 = traitlets.Float(0.0)
    a7 = traitlets.Float(0.0)
    a8 = traitlets.Float(0.0)
    start = traitlets.Unicode("mean")  # "mean", "draw" or a subject
    goal = traitlets.Unicode("")  # a subject
    t = traitlets.Float(0.0, min=0.0, max=1.0)  # how much of the way from the start to the goal is behind us
    way = traitlets.Enum(("line", "arc"), "line")

    def __init__(self, model: nn.Module, slices: Slices) -> None:
        """``model`` decodes; where it also embeds, ``slices`` give the axes, the subjects and what is usual."""
        super().__init__()
        self.model, self.slices, self._setting = model, slices, False
        self.space = ls.LatentSpace(model, slices) if isinstance(model, Embeds) else None
        self.around = _around(self.space, model)
        self.count = min(AXES, int((self.axes.std > 1e-6 * self.axes.std[0]).sum()))
        self.links = [] if self.space is None else [self.space.link(k) for k in range(self.count)]
        self.homes = {} if self.space is None else _some(slices)
        self.gallery = ls.Gallery(slices)
        self.likeness = self.gallery.between_people()
        self.white = ls.brightest(slices)
        self.draws = 0
        self._first: tuple[Tensor, Tensor] | None = None  # where we started: z, and its picture
        self._rest = torch.zeros_like(self.axes.mean)
        self.goal = list(self.homes)[-1] if self.homes else ""

    @property
    def axes(self) -> latent.Axes:
        """The axes of the sliders: principal axes of the slices, or the latent numbers of a model without encoder."""
        return self.around.axes

    @property
    def names(self) -> list[str]:
        """Traits of the axes in use."""
        return [f"a{k + 1}" for k in range(self.count)]

    @property
    def z(self) -> Tensor:
        """The vector (d,) that is shown."""
        sigmas = torch.tensor([getattr(self, name) for name in self.names])
        moved = (sigmas * self.axes.std[: self.count]) @ self.axes.directions[: self.count]
        return self.axes.mean + self._rest + moved

    def ends(self) -> tuple[Tensor, Tensor]:
        """The vectors (d,) of the start and of the goal."""
        return self._vector(self.start), self._vector(self.goal or "mean")

    def press(self, name: str) -> None:
        """ "mean" goes back to the mean, "draw" to a new draw from the prior N(0, I)."""
        if name == "draw":
            self.draws += 1
        self.start = name
        self._depart()

    def frame(self) -> Frame:
        """The decoded slice, its change since the start, the real slice most like it, and all of it in words."""
        z, image, first = self._decoded()
        index, away = self.gallery.nearest(image)
        span = (0.0, self.white)
        pictures = {
            "decoded": Picture(to_bytes(image.numpy(), span), span),
            "change": Picture(to_bytes((image - first).numpy(), CHANGE), CHANGE),
            "nearest": Picture(to_bytes(self.slices.images[index, 0].numpy(), span), span),
        }
        words = " ".join((self._where(), self._distance(z), self._alike(index, away)))
        still = ("t", "way") if self.start == self.goal else ()
        return Frame(pictures, words, self._table(), still, self._spoken())

    def _decoded(self) -> tuple[Tensor, Tensor, Tensor]:
        """z (d,), its picture (H, W) and the start's: decoded once a start, so that a move costs one decode."""
        z, first = self.z, self.ends()[0]
        if self._first is None or not torch.equal(self._first[0], first):
            self._first = (first, latent.decode(self.model, first[None])[0, 0])
        return z, latent.decode(self.model, z[None])[0, 0], self._first[1]

    def _where(self) -> str:
        way = "" if not self.t or not self.goal else f", {100 * self.t:.0f} % of the way to {self.goal}"
        return f"Started from {self._start_words()}{way}."

    def _start_words(self) -> str:
        if self.start in self.homes:
            return ls.place(self.slices, self.homes[self.start])
        if self.start == "mean":
            return f"the mean of {len(self.slices):,} slices" if self.space else "the mean of the prior, z = 0"
        if isinstance(self.model, Autoencoder):
            return f"draw {self.draws} of N(0, I), a place from which nothing taught this autoencoder to draw"
        return f"draw {self.draws} from the prior N(0, I)"

    def _distance(self, z: Tensor) -> str:
        axes, usual, things = self.around
        distance = latent.mahalanobis(axes, z[None])
        low, high = np.quantile(usual.numpy(), [0.05, 0.95])
        range_ = f"{things} mostly {low:.1f} to {high:.1f}"
        words = f"z lies {float(distance[0]):.1f} σ from the mean ({range_}): {ls.unusual(distance, usual, things)}"
        crowd = len(z) >= AXES and float(distance[0]) < low
        return words + (f", for nobody is average in {len(z)} directions at once." if crowd else ".")

    def _alike(self, index: int, away: float) -> str:
        words = f"The real slice most like the picture is {ls.place(self.slices, index)}, at a difference of {away:.3f}"
        between = f"; two people's most alike slices, each with its noise, differ by {self.likeness:.3f}"
        return f"{words}{'' if self.likeness is None else between}."

    def _table(self) -> Table | None:
        if self.space is None:
            return None
        held = float((self.axes.std[: self.count] ** 2).sum() / (self.axes.std**2).sum())
        rows = [(f"{k + 1}: {link.cause.name}", link.number(), abs(link.r)) for k, link in enumerate(self.links)]
        people = len(set(self.slices.subjects))
        about = f"{len(self.slices):,} slices of {people} {'people' if people > 1 else 'person'}"
        bar = f"named from |r| ≥ {self.space.bar():.2f}" if self.space.bar() < 1 else "too few people to name one"
        words = (
            f"Closest cause of each axis, and r over {about} ({bar}). Together these axes hold {100 * held:.0f} % of"
        )
        return Table(f"{words} the variance.", list[tuple[str, str, float | None]](rows))

    def _spoken(self) -> dict[str, str]:
        spoken = {}
        for k, name in enumerate(self.names):
            value = getattr(self, name)
            words = self.links[k].moved(value) if self.links and abs(value) >= 0.05 else ""
            spoken[name] = f"{self._axis(k)}, {ls.signed(value)} σ" + (f": {words}" if words else "")
        start = self.start if self.start in self.homes else f"the {self.start}"
        return spoken | {"t": f"{100 * self.t:.0f} % of the way from {start} to {self.goal}"}

    def _axis(self, k: int) -> str:
        return f"axis {k + 1}" if self.space else f"latent number {k + 1}"

    def _vector(self, name: str) -> Tensor:
        if self.space is not None and name in self.homes:
            return self.space.z[self.homes[name]]
        mean = self.axes.mean
        return latent.prior_samples(1, len(mean), seed=self.draws)[0] if name == "draw" else mean

    def _put(self, z: Tensor) -> None:
        """Move the sliders to a vector (d,), and keep what they do not reach."""
        sigmas = ls.coordinates(self.axes, z[None])[0, : self.count]
        moved = (sigmas * self.axes.std[: self.count]) @ self.axes.directions[: self.count]
        self._rest = z - self.axes.mean - moved
        for name, value in zip(self.names, sigmas.tolist(), strict=True):
            setattr(self, name, value)

    @traitlets.observe("start")
    def _depart(self, _=None) -> None:
        """Stand at the start."""
        self.draws = max(self.draws, int(self.start == "draw"))  # "the last draw" of none is the first
        self._setting = True
        self.t = 0.0
        self._setting = False
        self._put(self.ends()[0])

    @traitlets.observe("t", "way", "goal")
    def _walk(self, change) -> None:
        if self._setting or (change["name"] != "t" and not self.t):
            return
        path = latent.interpolate if self.way == "line" else latent.slerp
        self._put(path(*self.ends(), STEPS + 1)[round(STEPS * self.t)])

    @traitlets.validate("start", "goal")
    def _known(self, proposal) -> str:
        name, mine = proposal["value"], proposal["trait"].name
        allowed = [*(("mean", "draw") if mine == "start" else ()), *getattr(self, "homes", {})]
        if name not in allowed and name != "":
            raise InputError(f"{mine} must be one of {', '.join(allowed) or 'nothing here'}, got {name!r}.")
        return name


def _around(space: ls.LatentSpace | None, model: nn.Module) -> Around:
    """Axes of the encoded slices; without an encoder those of the prior, whose mean is 0 and whose covariance is I."""
    if space is not None:
        return Around(space.axes, space.usual(), "slices")
    d = int(model.config.latent_dim)  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
    axes = latent.Axes(torch.zeros(d), torch.eye(d), torch.ones(d), torch.ones(d))
    draws = latent.prior_samples(PRIOR_DRAWS, d, seed=PRIOR_DRAWS)
    return Around(axes, latent.mahalanobis(axes, draws), "draws from the prior")


def _some(slices: Slices) -> dict[str, int]:
    """A few subjects and their middle slice, from the narrowest ventricles to the widest where these are known."""
    homes = list(ls.middles(slices).items())
    if slices.factors and "ventricle_size" in slices.factors:
        size = slices.factors["ventricle_size"]
        homes.sort(key=lambda one: size[one[1]])
    chosen = np.unique(np.linspace(0, len(homes) - 1, min(SUBJECTS, len(homes))).round().astype(int))
    return dict(homes[i] for i in chosen)
