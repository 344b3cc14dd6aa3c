"""A lesion in a phantom: it changes what the head is made of, before any scanner looks.

Signal, shading and noise come afterwards (``phantoms.render``), as they do in a scanner: no missing texture betrays a
lesion, and how bright it is under T1w or FLAIR follows from its T1, T2 and proton density. ``override`` sets the
brightness instead. For a lesion in a finished real image see ``insert``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from brainlab import contrast, growth
from brainlab.errors import InputError
from brainlab.fields import generator, one_thread, smooth_noise
from brainlab.insertion import Inserted, insert
from brainlab.phantoms import Subject

__all__ = [
    "CONTRASTS",
    "KINDS",
    "TISSUES",
    "Inserted",
    "Lesioned",
    "add",
    "infarct",
    "insert",
    "ms",
    "override",
    "tumour",
]

TISSUES = {"tumour": ("necrosis", "enhancing", "oedema"), "ms": ("plaque",), "infarct": ("infarct",)}
"""What each kind of lesion is made of, by the names of ``contrast.RELAXATION``."""

KINDS = tuple(TISSUES)

CONTRASTS = {"hypo": 0.6, "iso": 1.0, "hyper": 1.2}
"""How bright a lesion is: this share of the darker of grey and white matter, of grey matter, of the brighter of
both."""

BRIGHT_T2W = 1.8
"""On T2w a bright lesion is this many times grey matter instead: fluid, brighter still, leaves it that much room."""

SIZES_ML = {"tumour": (4.0, 35.0), "ms": (2.0, 20.0), "infarct": (10.0, 90.0)}
"""Volumes that sizes are drawn from, evenly in the logarithm: of a tumour without its oedema, of all plaques together
(20 patients of Lesjak et al. 2017 have 0.9 to 52 ml, half of them under 14), and of an infarct."""


class Lesioned(NamedTuple):
    """The head with a lesion, and where the lesion is."""

    subject: Subject
    mask: Tensor  # (X, Y, Z) bool: lesion tissue makes up at least half of the voxel


def add(subject: Subject, kind: str, seed: int, *, size_ml: float | None = None) -> Lesioned:
    """Give a head a lesion of a ``kind`` ("tumour", "ms", "infarct"); the subject given stays as it is.

    Side, place, shape and, unless ``size_ml`` is given, size (``SIZES_ML``) follow from ``seed``.
    """
    if kind not in KINDS:
        raise InputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
    if size_ml is not None and not 0.1 <= size_ml <= 150:
        raise InputError(f"size_ml must be from 0.1 to 150 ml, got {size_ml}.")
    grow: dict[str, Callable[..., Lesioned]] = {"tumour": tumour, "ms": ms, "infarct": infarct}
    return grow[kind](subject, seed, size_ml=size_ml)


def override(subject: Subject, level: str, sequence: str = "T1w", *, field: float = 3.0) -> dict[str, float]:
    """What to give ``phantoms.render`` so that a subject's lesion is "hypo", "iso" or "hyper" under a sequence.

    Every tissue of the lesion then has the same signal. It is set against the subject's own grey and white matter,
    whose contrast differs between people, and stays inside the brightness scale: nothing is clipped but the noisiest
    voxels.
    """
    if level not in CONTRASTS:
        raise InputError(f"level must be one of {', '.join(CONTRASTS)}, got {level!r}.")
    grey, white = contrast.signal("gm", sequence, field), contrast.signal("wm", sequence, field)
    white = grey + subject.factors.tissue_contrast * (white - grey)
    reference = {"hypo": min(grey, white), "iso": grey, "hyper": max(grey, white)}[level]
    times = BRIGHT_T2W if (level, sequence) == ("hyper", "T2w") else CONTRASTS[level]
    lesion = [name for name in subject.names if name not in ("gm", "wm", "csf")]
    return dict.fromkeys(lesion, times * reference / grey)


def tumour(subject: Subject, seed: int, *, size_ml: float | None = None) -> Lesioned:
    """A high-grade tumour: necrotic core, rim that enhances, oedema in the white matter around, and mass effect.

    The mass pushes tissue outwards along a flow (``displacement_mm``), which never folds: ventricles give way, and the
    midline may shift. ``size_ml`` is core and rim together. The outline is a ball's, distorted by smooth noise; oedema
    follows the white matter for some 5 to 12 mm and spares cortex and ventricles.
    """
    with one_thread(), torch.no_grad():
        rng, size = _begin(subject, "tumour", seed, size_ml)
        radius = (size * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
        centre = _tumour_centre(subject, radius, rng)
        push = radius * growth.uniform(rng, 0.3, 0.6)
        pushed = growth.displaced(subject, growth.displacement_mm(subject, centre, radius, push))
        lumps = smooth_noise(subject.brain.shape, max(0.8 * radius / growth.spacing_mm(subject), 1), rng, channels=3)
        rho = (growth.points_mm(subject) - centre).norm(dim=-1) * torch.exp(0.27 * lumps[0])  # mm, distorted
        mass = growth.share_below(rho, subject.brain, size, subject)
        core_ml = size * growth.uniform(rng, 0.25, 0.5)
        core = torch.minimum(growth.share_below(rho * torch.exp(0.15 * lumps[1]), mass > 0.5, core_ml, subject), mass)
        left = pushed * (1 - mass)
        white = left[subject.names.index("wm")]  # a view: what oedema takes from it, it takes from what is left
        reach = growth.uniform(rng, 5, 12) * torch.exp(0.6 * lumps[2]).clamp(max=2)
        oedema = white * growth.wetness(subject, mass, white, reach)
        white -= oedema
        return _lesioned(subject, left, {"necrosis": core, "enhancing": mass - core, "oedema": oedema})


def _tumour_centre(subject: Subject, radius: float, rng: torch.Generator) -> Tensor:
    """World millimetres (3,) of a place in the white matter of the hemispheres, deep enough to hold the tumour."""
    z = growth.points_mm(subject)[..., 2]
    deep = (growth.depth_mm(subject) > min(radius + 2, 22)) & (z > -15) & (z < 45)
    white = growth.fraction(subject, "wm") > 0.7
    found = (white & deep).nonzero()
    return growth.points_mm(subject)[growth.one_of(found if len(found) else white.nonzero(), rng)]


def ms(subject: Subject, seed: int, *, size_ml: float | None = None) -> Lesioned:
    """Multiple sclerosis: ovoid plaques of a few mm in the white matter, three in four of them along the ventricles.

    Those point away from the ventricle's wall (Dawson's fingers, for they follow the veins). ``size_ml`` is all
    together.
    """
    with one_thread(), torch.no_grad():
        rng, size = _begin(subject, "ms", seed, size_ml)
        white, z = growth.fraction(subject, "wm"), growth.points_mm(subject)[..., 2]
        away, slope = _from_ventricles(subject)
        fit = (white > 0.8) & (growth.depth_mm(subject) > 6) & (z > -20) & (z < 50)
        beside, elsewhere = (fit & (away < 7)).nonzero(), (fit & (away >= 7)).nonzero()
        plaque, volume = torch.zeros_like(white), 0.0
        while volume < min(size, 0.2 * float(white.sum()) * growth.voxel_ml(subject)):
            k = growth.one_of(beside if growth.uniform(rng, 0, 1) < 0.75 and len(beside) else elsewhere, rng)
            long, short = growth.uniform(rng, 3, 9), growth.uniform(rng, 1.8, 3.2)
            volume += growth.grow_ovoid(plaque, subject, k, slope[k], long, short)
        return _lesioned(subject, _without(subject, plaque / white.clamp(min=1e-6), "wm"), {"plaque": plaque})


def _from_ventricles(subject: Subject) -> tuple[Tensor, Tensor]:
    """Distance to the ventricles in mm (X, Y, Z), and the direction (X, Y, Z, 3) straight away from them."""
    fluid = ndimage.gaussian_filter(growth.fraction(subject, "csf").numpy(), 2.5 / growth.spacing_mm(subject))
    deep = (growth.depth_mm(subject) > 25) & (growth.points_mm(subject)[..., 2] > -10)
    away = growth.distance_mm(subject, ~(torch.from_numpy(fluid > 0.6) & deep))  # blurred, thin fissures vanish
    smooth = torch.from_numpy(ndimage.gaussian_filter(away.numpy(), 1.0))
    return away, torch.stack(torch.gradient(smooth), dim=-1)


def infarct(subject: Subject, seed: int, *, size_ml: float | None = None) -> Lesioned:
    """A stroke in part of one artery's territory: a wedge from deep in a hemisphere to the cortex, grey and white
    alike.

    The middle cerebral artery in three of five cases, else the posterior or the anterior. Borders are a cone's about
    the middle of the territory, roughened by noise: a plausible shape, not an atlas of arteries.
    """
    with one_thread(), torch.no_grad():
        rng, size = _begin(subject, "infarct", seed, size_ml)
        side = 1.0 if growth.uniform(rng, 0, 1) < 0.5 else -1.0
        apex, axis = (torch.tensor(v) for v in _TERRITORIES[int(growth.uniform(rng, 0, len(_TERRITORIES)))])
        mirror = torch.tensor([side, 1.0, 1.0])
        apex = apex * mirror + 4 * torch.randn(3, generator=rng)
        axis = axis * mirror + 0.2 * torch.randn(3, generator=rng)
        axis = axis / axis.norm()
        out = growth.points_mm(subject) - apex
        along = out @ axis
        tip = out + 8 * axis  # the cone starts 8 mm behind the apex and is cut off there, so that it is blunt
        angle = torch.acos((tip @ axis / tip.norm(dim=-1).clamp(min=1e-3)).clamp(-1, 1))  # radians off the axis
        rough = smooth_noise(subject.brain.shape, 12 / growth.spacing_mm(subject), rng)[0]
        x, z = growth.points_mm(subject)[..., 0], growth.points_mm(subject)[..., 2]
        hemisphere = subject.brain & (x * side > 1.5) & (along > 0) & (z > -12)  # above the cerebellum
        level = angle * torch.exp(0.2 * rough)
        share = growth.share_below(level, hemisphere, size, subject, per_level=tip.norm(dim=-1)) * hemisphere
        dead = share * (growth.fraction(subject, "gm") + growth.fraction(subject, "wm"))
        return _lesioned(subject, _without(subject, share, "gm", "wm"), {"infarct": dead})


# Apex and direction, in mm of a head that faces +y, for the patient's right: middle cerebral artery (its front,
# back and upper part), posterior and anterior.
_TERRITORIES = (
    ((26.0, 10.0, 8.0), (1.0, 0.5, 0.5)),
    ((26.0, -10.0, 10.0), (1.0, -0.4, 0.3)),
    ((24.0, -5.0, 18.0), (1.0, 0.0, 0.9)),
    ((16.0, -45.0, 6.0), (0.3, -1.0, 0.1)),
    ((7.0, 20.0, 20.0), (0.15, 0.7, 0.8)),
)


def _begin(subject: Subject, kind: str, seed: int, size_ml: float | None) -> tuple[torch.Generator, float]:
    """The lesion's own random stream, and its size in ml."""
    rng = generator(seed, f"lesion {kind}")
    low, high = np.log(SIZES_ML[kind])
    drawn = float(np.exp(growth.uniform(rng, low, high)))
    return rng, size_ml or drawn


def _lesioned(subject: Subject, left: Tensor, lesion: dict[str, Tensor]) -> Lesioned:
    """A subject of the healthy tissues (K, X, Y, Z) that are left and of lesion tissues (X, Y, Z), by name."""
    parts = torch.stack(list(lesion.values())).clamp_(min=0) * subject.brain
    mask = parts.sum(dim=0) >= 0.5
    if not mask.any():  # smaller than a voxel: its fullest voxel is all lesion
        k = np.unravel_index(int(parts.sum(dim=0).argmax()), mask.shape)
        left, mask = left.clone(), mask.clone()
        left[:, *k], parts[:, *k], mask[k] = 0.0, parts[:, *k] / parts[:, *k].sum(), True
    healthy = subject.healthy or subject
    tissues, names = torch.cat([left, parts]), (*subject.names, *lesion)
    return Lesioned(replace(subject, tissues=tissues, names=names, healthy=healthy), mask)


def _without(subject: Subject, share: Tensor, *names: str) -> Tensor:
    """The tissues (K, X, Y, Z) with a ``share`` of the named ones taken away."""
    left = subject.tissues.clone()
    for name in names:
        left[subject.names.index(name)] *= 1 - share
    return left
