"""What the latent widgets know of a model's latent space: encoded slices, their axes, and which causes go with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab import checkpoints, data, latent
from brainlab.errors import InputError
from brainlab.models.batched import check_images
from brainlab.slices import Slices

NAMED_FROM = 0.5
"""|r| from which an axis is named after a cause: that cause then goes with a quarter of the variance along the axis."""

GALLERY_PX = 24  # pixels a side at which slices are compared: enough to find the most alike, and quick
FOLDS = 5


class Cause(NamedTuple):
    """How a known cause of a slice is spoken of; a shown value is ``scale`` times the stored one."""

    name: str
    unit: str
    more: str
    less: str
    scale: float = 1.0

    def told(self, value: float) -> str:
        """A shown value with its unit."""
        number = signed(value, 0 if abs(value) >= 10 else 1, plus=False)
        return f"{number}{'' if self.unit in ('', '°') else ' '}{self.unit}"


CAUSES = {
    "ventricle_size": Cause("ventricle width", "× atlas", "wider ventricles", "narrower ventricles"),
    "head_shape": Cause("head breadth", "%", "broader head", "longer head", 100),
    "cortical_thinning": Cause("cortical thinning", "mm", "thinner cortex", "thicker cortex"),
    "asymmetry": Cause("asymmetry", "", "left and right less alike", "left and right more alike"),
    "rotation": Cause("head rotation", "°", "nose turned to the patient's left", "nose turned to the patient's right"),
    "tissue_contrast": Cause("grey–white contrast", "", "more grey–white contrast", "less grey–white contrast"),
    "bias": Cause("coil shading", "%", "more shading", "less shading", 100),
    "noise": Cause("noise", "%", "more noise", "less noise", 100),
    "height": Cause("slice height", "mm", "higher slice", "lower slice"),
    "area": Cause("brain area", "cm²", "more brain in the slice", "less brain in the slice"),
}


class Link(NamedTuple):
    """The cause that goes with an axis most closely; ``r`` is Pearson's correlation over the slices."""

    cause: Cause
    r: float
    bar: float = NAMED_FROM  # |r| from which the axis may bear the cause's name

    @property
    def named(self) -> bool:
        """Whether the axis may bear the cause's name."""
        return abs(self.r) >= self.bar

    def words(self) -> str:
        """For a label: "brain area, r = −0.94"."""
        return f"{self.cause.name}, {self.number()}"

    def number(self) -> str:
        """ "r = −0.94", never broken across two lines."""
        return f"r = {signed(self.r, 2, plus=False)}".replace(" ", "\N{NO-BREAK SPACE}")

    def label(self) -> str:
        """The same, or no name where the correlation is too weak for one."""
        return self.words() if self.named else "no single cause"

    def moved(self, sigmas: float) -> str:
        """What a move along the axis goes with."""
        if not self.named:
            return "no single cause"
        return self.cause.more if sigmas * self.r > 0 else self.cause.less


class LatentSpace:
    """The latent space of a model that embeds and decodes, as N slices fill it."""

    def __init__(self, model: nn.Module, slices: Slices, basis: np.ndarray | None = None) -> None:
        """``basis`` (N,) bool: the slices that mean and axes are computed from; None: all."""
        self.model, self.slices = model, slices
        self.z = latent.embed(model, slices.images)  # (N, d)
        self.axes = latent.principal_axes(self.z if basis is None else self.z[torch.from_numpy(basis)])
        self.places = coordinates(self.axes, self.z).numpy()  # (N, d) in σ
        self.causes = causes(slices)

    def link(self, k: int) -> Link:
        """The cause that goes with axis ``k`` most closely."""
        found = {name: correlation(self.places[:, k], values) for name, values in self.causes.items()}
        name = max(found, key=lambda one: abs(found[one]))
        return Link(CAUSES.get(name) or plain(name), found[name], self.bar())

    def bar(self) -> float:
        """|r| from which an axis is named after a cause: 0.5, and more where few people could agree by chance.

        r of S people without any connection has a standard deviation of about 1/√S; three of those it must exceed.
        """
        return max(NAMED_FROM, 3 / len(set(self.slices.subjects)) ** 0.5)

    def usual(self) -> Tensor:
        """Mahalanobis distance of every slice (N,) from axes computed *without its own fifth* of the subjects.

        Slices lie too near to axes that they took part in (see ``latent.percentile``).
        """
        owner = np.unique(np.asarray(self.slices.subjects), return_inverse=True)[1] % FOLDS
        distances = torch.zeros(len(self.z))
        for fold in np.unique(owner):
            inside, others = (torch.from_numpy(one) for one in (owner == fold, owner != fold))
            axes = latent.principal_axes(self.z[others]) if int(others.sum()) >= 2 else self.axes
            distances[inside] = latent.mahalanobis(axes, self.z[inside])
        return distances


class Gallery:
    """Real slices, to find the one most like a picture."""

    def __init__(self, slices: Slices) -> None:
        self.slices = slices
        self.small = _small(slices.images)  # (N, pixels)
        self.lengths = self.small.square().sum(dim=1)

    def nearest(self, image: Tensor, besides: str | None = None) -> tuple[int, float]:
        """Index of the slice most like an image (H, W), and their root mean square difference.

        ``besides``: a subject whose slices do not count.
        """
        away = self.lengths - 2 * self.small @ _small(image[None, None])[0]
        if besides is not None:
            away[torch.tensor([one == besides for one in self.slices.subjects])] = torch.inf
        index = int(away.argmin())
        return index, float((self.slices.images[index, 0] - image).square().mean().sqrt())

    def between_people(self, at_most: int = 40) -> float | None:
        """Median difference of a slice from the most alike of *another* person; None where there is one person."""
        if len(set(self.slices.subjects)) < 2:
            return None
        some = np.linspace(0, len(self.slices) - 1, min(at_most, len(self.slices))).astype(int)
        found = [self.nearest(self.slices.images[i, 0], self.slices.subjects[i])[1] for i in some]
        return float(np.median(found))


def opened(model: nn.Module | str | Path | None, slices: Slices | None, default: str, split: data.Split):
    """The model, loaded where it is a name, and slices that fit it: by default the phantom's ``split``.

    Returns (model, slices). Raises InputError for a model that cannot decode a vector, and slices of another size.
    """
    model = default if model is None else model
    named = isinstance(model, str | Path)
    made = checkpoints.load(model) if isinstance(model, str | Path) else model
    if not isinstance(made, nn.Module):
        raise InputError(f"model must be a model or the name of weights such as {default!r}, got {made!r:.50}.")
    if slices is None:
        contrast = checkpoints.about(model).get("contrast", "T1w") if named else "T1w"  # pyright: ignore[reportArgumentType]
        latent.decode(made, torch.zeros(1, _dim(made)))  # refuse it before the slices are grown
        slices = data.load("phantom", split, contrast, made.config.image_size)  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
    latent.decode(made, torch.zeros(1, _dim(made)))
    check_images(made.config, slices.images)  # pyright: ignore[reportArgumentType]
    if len(slices) < 2:
        raise InputError(f"A latent space needs at least two slices, got {len(slices)}; give more.")
    return made, slices


def coordinates(axes: latent.Axes, z: Tensor) -> Tensor:
    """Where vectors z (N, d) lie along the principal axes, in standard deviations, (N, d); 0 on an axis without any."""
    along = (z - axes.mean) @ axes.directions.T
    known = axes.std > 1e-6 * axes.std[0]
    return torch.where(known, along / torch.where(known, axes.std, torch.ones_like(axes.std)), torch.zeros_like(along))


def causes(slices: Slices) -> dict[str, np.ndarray]:
    """Known causes (N,) of how each slice looks, by name, as shown: the phantom's, the slice's height, its brain area.

    Those that are the same in all slices, or not known of some, are left out; the height stays if nothing else does.
    """
    found: dict[str, np.ndarray] = {k: np.asarray(v, dtype=float) for k, v in (slices.factors or {}).items()}
    found["height"] = np.asarray(slices.position_mm, dtype=float)
    found["area"] = slices.brain.flatten(1).sum(dim=1).numpy() * slices.spacing**2 / 100
    shown = {name: (CAUSES[name].scale if name in CAUSES else 1.0) * values for name, values in found.items()}
    kept = {name: values for name, values in shown.items() if np.isfinite(values).all() and np.ptp(values) > 0}
    return kept or {"height": np.nan_to_num(shown["height"])}


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of two rows of numbers (N,), 0 where one is constant."""
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def plain(name: str) -> Cause:
    """A cause that somebody else's slices bring along."""
    words = name.replace("_", " ")
    return Cause(words, "", f"more {words}", f"less {words}")


def unusual(distance: Tensor, usual: Tensor, things: str = "slices") -> str:
    """How far out one distance (1,) is among the ``usual`` ones (M,), in words."""
    further = 1 - float(latent.percentile(distance, usual)[0]) / 100
    count = len(usual)
    if further * count < 0.5:
        return f"further out than all {count:,} {things}"
    if further > 0.5:
        rest = f"{100 * further:.0f} in 100" if (1 - further) * count >= 0.5 and further < 0.995 else "nearly all"
        return f"nearer to the mean than {rest} {things}"
    return f"as unusual as 1 in {1 / further:.0f} {things}"


def place(slices: Slices, index: int) -> str:
    """Which slice it is: "phantom-0-0012 at 23 mm", and its lesion if it has one."""
    label = slices.labels[index]
    sick = "" if label == "healthy" else f", {label},"
    return f"{slices.subjects[index]}{sick} at {signed(float(slices.position_mm[index]), 0, plus=False)} mm"


def signed(value: float, digits: int = 1, plus: bool = True) -> str:
    """A number with a true minus sign; never "−0.0"."""
    words = f"{value:+.{digits}f}" if plus else f"{value:.{digits}f}"
    return words.replace("-", "−") if float(words) else words.lstrip("+-")


def caption(slices: Slices) -> str:
    """What the pictures are worth."""
    kind = "Synthetic brains." if slices.about.synthetic else "Real slices, and what a model makes of them."
    return f"{kind} For teaching, not for clinical use."


def brightest(slices: Slices) -> float:
    """What white stands for: the 99.9th percentile of what is not black, rounded up to a tenth."""
    some = slices.images[:: max(1, len(slices) // 100)].numpy()
    bright = np.percentile(some[some > 0], 99.9) if (some > 0).any() else 1.0
    return float(np.clip(np.ceil(np.round(10 * bright, 3)) / 10, 0.1, 1.0))


def middles(slices: Slices) -> Mapping[str, int]:
    """For every subject the slice nearest to the median height, a healthy one where there is any."""
    away = np.abs(slices.position_mm - np.median(slices.position_mm))
    away = away + 1e6 * np.array([one != "healthy" for one in slices.labels])
    subjects = np.asarray(slices.subjects)
    return {
        str(name): int(np.flatnonzero(subjects == name)[away[subjects == name].argmin()])
        for name in np.unique(subjects)
    }


def _small(images: Tensor) -> Tensor:
    """Images (N, 1, H, W) as rows of at most ``GALLERY_PX``² averages, (N, pixels)."""
    return F.adaptive_avg_pool2d(images, min(GALLERY_PX, images.shape[-1])).flatten(1)


def _dim(model: nn.Module) -> int:
    return getattr(getattr(model, "config", None), "latent_dim", 1)
