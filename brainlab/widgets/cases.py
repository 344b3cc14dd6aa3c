"""Which scan a widget shows: a person, a kind of lesion, its brightness, and the slice where it is widest."""

from typing import Any

import numpy as np
import torch
import traitlets
from scipy import ndimage
from torch import Tensor

from brainlab import anomaly, geometry
from brainlab.errors import InputError
from brainlab.slices import Slices
from brainlab.widgets.frame import Picture, to_bytes
from brainlab.widgets.parts import Choice, Control, Panel

KINDS = {"healthy": "none", "tumour": "tumour", "ms": "multiple sclerosis", "infarct": "infarct"}
LEVELS = {"hypo": "dark", "iso": "like grey matter", "hyper": "bright"}
NAMES = {
    "ae": "AE",
    "ae-spatial": "AE, spatial",
    "vae": "VAE",
    "dae": "DAE",
    "vaegan": "VAE-GAN",
    "fanogan": "f-AnoGAN",
}
PEOPLE = 8  # of the dev split: enough for a curve, few enough to score in a second
SHARP = 4  # times as many pixels, so that an outline is thinner than the scan's own


class CaseState(traitlets.HasTraits):
    """The choice of a scan among ``slices``; a widget's state adds what it does with it."""

    person = traitlets.Unicode()
    kind = traitlets.Unicode()  # of lesion; or the visit's name where it names none
    level = traitlets.Unicode()  # how bright the lesion is: "hypo", "iso", "hyper"; "" where visits do not say

    def __init__(self, slices: Slices, healthy: bool = False) -> None:
        """``healthy``: scans without a lesion may be chosen too. Raises InputError where there is nothing to choose."""
        super().__init__()
        ill = [slices.visit[i] for i in np.flatnonzero(slices.masks.flatten(1).any(dim=1).numpy())]
        visits = list(dict.fromkeys(slices.visit if healthy else ill))
        if not visits:
            raise InputError(
                "These slices show no lesion to look for: take a split with lesions, such as the dev split."
            )
        self.slices = slices[np.isin(slices.visit, visits)]
        parted = [_parted(one) for one in visits]
        self.people = tuple(dict.fromkeys(self.slices.subjects))
        kinds = [kind for kind, _ in parted]
        self.kinds = tuple(sorted(set(kinds), key=[*KINDS, *kinds].index))
        self.levels = tuple(one for one in LEVELS if one in {level for _, level in parted})
        with self.hold_trait_notifications():
            first = self.kinds[0] if self.kinds[0] != "healthy" or len(self.kinds) == 1 else self.kinds[1]
            self.person, self.kind, self.level = self.people[0], first, self.levels[-1] if self.levels else ""

    @property
    def visit(self) -> str:
        """The scan's name in ``slices``."""
        return self.kind if not self.level or self.kind == "healthy" else f"{self.kind}-{self.level}"

    def scans(self) -> Slices:
        """This kind of scan of everybody, all of their slices."""
        return self.slices.where(visit=self.visit)

    def case(self) -> Slices:
        """The one slice that is shown, as Slices: where the lesion is widest, or else the brain."""
        found = self.slices.where(subjects=self.person, visit=self.visit)
        if not len(found):
            raise InputError(f"{self.person} has no scan called {self.visit}: choose another person or lesion.")
        area = (found.masks if found.masks.any() else found.brain).flatten(1).sum(dim=1)
        return found[[int(area.argmax())]]

    def told(self) -> str:
        """The scan in words: "Tumour, bright; phantom-0-0180, slice at z = 20 mm"."""
        lesion = KINDS.get(self.kind, self.kind) if self.kind != "healthy" else "no lesion"
        level = f", {LEVELS[self.level]}" if self.visit != self.kind else ""
        height = self.case().position_mm[0]
        place = f", slice at z = {height:.0f} mm".replace("-", "−") if np.isfinite(height) else ""
        return f"{lesion[0].upper()}{lesion[1:]}{level}; {self.person}{place}"

    def controls(self) -> list[Control]:
        """For person, lesion and brightness, each where there is a choice."""
        named: list[Control] = [
            Choice("kind", "Lesion", tuple((one, KINDS.get(one, one)) for one in self.kinds)),
            Choice("level", "Lesion's brightness", tuple((one, LEVELS[one]) for one in self.levels)),
            Choice("person", "Person", tuple((one, one) for one in self.people)),
        ]
        return [one for one in named if isinstance(one, Choice) and len(one.options) > 1]

    def without_effect(self) -> tuple[str, ...]:
        """Controls that do nothing just now: no lesion has no brightness."""
        return ("level",) if self.kind == "healthy" else ()

    @traitlets.validate("person", "kind", "level")
    def _known(self, proposal: Any) -> str:
        name, value = proposal["trait"].name, proposal["value"]
        known = {"person": self.people, "kind": self.kinds, "level": self.levels or ("",)}[name]
        if value not in known:
            raise InputError(f"{name} must be one of {', '.join(known)}, got {value!r}.")
        return value


def _parted(visit: str) -> tuple[str, str]:
    """A scan's name as kind and brightness: "tumour-hypo"; a name that is put together otherwise stays whole."""
    kind, _, level = visit.partition("-")
    return (kind, level) if level in LEVELS else (visit, "")


def plain(level: str) -> tuple[str, anomaly.Score]:
    """The threshold on intensity itself that a lesion of this brightness asks for, and its name."""
    return ("darkness", anomaly.darkness) if level == "hypo" else ("brightness", anomaly.brightness)


def outlined(image: Tensor, mask: Tensor | None) -> Picture:
    """A scan (H, W) in [0, 1] with the mask's outline, at ``SHARP`` times the resolution; None leaves it out."""
    grey = torch.nn.functional.interpolate(image[None, None].float(), scale_factor=SHARP, mode="bilinear")[0, 0]
    edge = np.zeros(grey.shape, dtype=bool)
    if mask is not None:
        large = np.kron(mask.numpy(), np.ones((SHARP, SHARP), dtype=bool))
        inside = np.asarray(ndimage.binary_erosion(large, np.ones((3, 3)), iterations=SHARP // 2), dtype=bool)
        edge = large & ~inside
    # the outline is the overlay's highest value: it passes any threshold that is set for the map beside it
    return Picture(to_bytes(grey.numpy(), (0.0, 1.0)), overlay=to_bytes(edge, (0.0, 1.0)))


def marks(slices: Slices, sharper: int = 1) -> dict[str, Any]:
    """A panel's edge letters and scale, where the slices lie as the kit's do; ``sharper`` as in ``outlined``."""
    way = np.sign(slices.affine[0, :3, :2]) if len(slices) else np.zeros((3, 2))
    known = np.array_equal(way, np.sign(geometry.slice_affine(1, np.zeros(3))[:3, :2]))
    wide = slices.spacing / sharper if np.isfinite(slices.spacing) else None
    return {"edges": geometry.EDGES["axial"], "pixel_mm": wide} if known else {}


def scan_panel(name: str, slices: Slices) -> Panel:
    """The panel of an ``outlined`` picture."""
    return Panel(name, "Scan, with the lesion's outline", overlay_colours="amber", **marks(slices, SHARP))


def some_people(slices: Slices, most: int = PEOPLE) -> Slices:
    """The slices of the first so many people."""
    return slices[np.isin(slices.subjects, list(dict.fromkeys(slices.subjects))[:most])]


def caption(slices: Slices, more: str = "") -> str:
    """Whether the brains are real, and what they are for."""
    kind = "Synthetic brains." if slices.about.synthetic else "Real scans."
    return " ".join(one for one in (kind, more, "For teaching, not for clinical use.") if one)
