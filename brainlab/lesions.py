"""A lesion in a phantom: it changes what the head is made of, before any scanner looks.

Signal, shading and noise come afterwards (``phantoms.render``), as they do in a scanner: no missing texture betrays a
lesion, and how bright it is under T1w or FLAIR follows from its T1, T2 and proton density. ``override`` sets the brightness
instead. For a lesion in a finished real image see ``insert``.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from brainlab.errors import InputError
from brainlab.fields import flow, generator, lattice, one_thread, sample, smooth_noise
from brainlab.insertion import Inserted, insert
from brainlab.phantoms import Subject

__all__ = ["CONTRASTS", "KINDS", "TISSUES", "Inserted", "Lesioned", "add", "infarct", "insert", "ms", "override", "tumour"]

TISSUES = {"tumour": ("necrosis", "enhancing", "oedema"), "ms": ("plaque",), "infarct": ("infarct",)}
"""What each kind of lesion is made of, by the names of ``contrast.RELAXATION``."""

KINDS = tuple(TISSUES)

CONTRASTS: dict[str, dict[str, float]] = {
    "hypo": {"T1w": 0.6, "T1ce": 0.6, "T2w": 0.6, "FLAIR": 0.6},
    "iso": {"T1w": 1.0, "T1ce": 1.0, "T2w": 1.0, "FLAIR": 1.0},
    "hyper": {"T1w": 1.9, "T1ce": 1.9, "T2w": 1.8, "FLAIR": 1.3},
}
"""``CONTRASTS[level][sequence]``: a lesion's signal in units of grey matter's. Dark is between fluid and grey matter on T1w; bright
is above every healthy tissue on T1w and FLAIR, and close to fluid on T2w, without reaching the scale's end."""

SIZES_ML = {"tumour": (4.0, 35.0), "ms": (2.0, 20.0), "infarct": (10.0, 90.0)}
"""Volumes that sizes are drawn from, evenly in the logarithm: of a tumour without its oedema, of all plaques together (20
patients of Lesjak et al. 2017 have 0.9 to 52 ml, half of them under 14), and of an infarct."""

EDGE_MM = 1.5  # from all healthy to all lesion


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


def override(kind: str, level: str, sequence: str = "T1w") -> dict[str, float]:
    """What to give ``phantoms.render`` so that a lesion of a kind is "hypo", "iso" or "hyper" under a sequence."""
    if kind not in KINDS or level not in CONTRASTS or sequence not in CONTRASTS[level]:
        raise InputError(
            f"override takes one of {', '.join(KINDS)}, one of {', '.join(CONTRASTS)} and one of "
            f"{', '.join(CONTRASTS['iso'])}; got {kind!r}, {level!r} and {sequence!r}."
        )
    return dict.fromkeys(TISSUES[kind], CONTRASTS[level][sequence])


def tumour(subject: Subject, seed: int, *, size_ml: float | None = None) -> Lesioned:
    """A high-grade tumour: necrotic core, rim that enhances, oedema in the white matter around, and mass effect.

    The mass pushes tissue outwards along a flow (``displacement_mm``), which never folds: ventricles give way, and the
    midline may shift. ``size_ml`` is core and rim together. The outline is a ball's, distorted by smooth noise; oedema
    follows the white matter for some 5 to 12 mm and spares cortex and ventricles.
    """
    with one_thread(), torch.no_grad():
        rng, size = _begin(subject, "tumour", seed, size_ml)
        radius = (size * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
        depth, at = _depth(subject), _points(subject)
        deep = (depth > min(radius + 2, 22)) & (at[..., 2] > -15) & (at[..., 2] < 45)
        centre = _place(subject, _part(subject, "wm") > 0.7, deep, rng)
        push = radius * _uniform(rng, 0.3, 0.6)
        pushed = _displaced(subject, displacement_mm(subject, centre, radius, push))
        lumps = smooth_noise(subject.brain.shape, max(0.8 * radius / _step(subject), 1), rng, channels=3)
        rho = (at - centre).norm(dim=-1) * torch.exp(0.27 * lumps[0])  # mm, distorted
        rim = _edge(_cut(rho, subject.brain, size, subject) - rho)
        inner = rho * torch.exp(0.15 * lumps[1])
        core = torch.minimum(_edge(_cut(inner, rim > 0.5, size * _uniform(rng, 0.25, 0.5), subject) - inner), rim)
        left = pushed * (1 - rim)
        wet = _oedema(subject, rim, left[subject.names.index("wm")], _uniform(rng, 5, 12) * torch.exp(0.6 * lumps[2]).clamp(max=2))
        oedema = left[subject.names.index("wm")] * wet
        left[subject.names.index("wm")] -= oedema
        return _lesioned(subject, left, {"necrosis": core, "enhancing": rim - core, "oedema": oedema})


def displacement_mm(subject: Subject, centre: Tensor, radius: float, push: float) -> Tensor:
    """Where the tissue at each voxel came from, as an offset (3, X, Y, Z) in mm, when a mass grows at ``centre`` (3,).

    Tissue at about ``radius`` mm has moved outwards by about ``push`` mm; at the brain's surface, held by the skull, not at all.
    """
    coarse_mm = 4.0
    origin = subject.affine[:3, 3].tolist()
    shape = [int((n - 1) * _step(subject) / coarse_mm) + 2 for n in subject.brain.shape]
    nodes = lattice(origin, shape, coarse_mm)
    held = (sample(_depth(subject)[None], nodes, origin, _step(subject))[0] / 15).clamp(0, 1)
    out = nodes - centre
    rho = out.norm(dim=-1) / radius
    speed = push * np.exp(0.5) * torch.exp(-(rho**2) / 2) * held  # × rho: 0 in the centre, at most push at the radius
    inwards = flow((-speed[..., None] * out / radius).movedim(-1, 0).contiguous(), origin, coarse_mm)
    return sample(inwards, _points(subject), origin, coarse_mm)


def ms(subject: Subject, seed: int, *, size_ml: float | None = None) -> Lesioned:
    """Multiple sclerosis: ovoid plaques of a few mm in the white matter, three in four of them along the ventricles.

    Those point away from the ventricle's wall (Dawson's fingers, for they follow the veins). ``size_ml`` is all together.
    """
    with one_thread(), torch.no_grad():
        rng, size = _begin(subject, "ms", seed, size_ml)
        white, depth, at = _part(subject, "wm"), _depth(subject), _points(subject)
        fluid = ndimage.gaussian_filter(_part(subject, "csf").numpy(), 2.5 / _step(subject))  # thin fissures vanish
        ventricle = torch.from_numpy(fluid > 0.6) & (depth > 25) & (at[..., 2] > -10)
        away = _distance(subject, ~ventricle)
        slope = torch.stack(torch.gradient(torch.from_numpy(ndimage.gaussian_filter(away.numpy(), 1.0))), dim=-1)
        fit = (white > 0.8) & (depth > 6) & (at[..., 2] > -20) & (at[..., 2] < 50)
        beside, elsewhere = (fit & (away < 7)).nonzero(), (fit & (away >= 7)).nonzero()
        plaque, volume = torch.zeros_like(white), 0.0
        while volume < min(size, 0.2 * float(white.sum()) * _voxel_ml(subject)):
            k = _one_of(beside if _uniform(rng, 0, 1) < 0.75 and len(beside) else elsewhere, rng)
            volume += _grow_ovoid(plaque, subject, k, slope[k], long=_uniform(rng, 3, 9), short=_uniform(rng, 1.8, 3.2))
        return _lesioned(subject, _without(subject, plaque / white.clamp(min=1e-6), "wm"), {"plaque": plaque})


def infarct(subject: Subject, seed: int, *, size_ml: float | None = None) -> Lesioned:
    """A stroke in part of one artery's territory: a wedge from deep in one hemisphere to the cortex, grey and white alike.

    The middle cerebral artery in half the cases, else the posterior or the anterior (borders drawn from a cone about the
    middle of each territory, roughened by noise: a plausible shape, not an atlas of arteries).
    """
    with one_thread(), torch.no_grad():
        rng, size = _begin(subject, "infarct", seed, size_ml)
        side = 1.0 if _uniform(rng, 0, 1) < 0.5 else -1.0
        apex, axis = _TERRITORIES[int(_uniform(rng, 0, len(_TERRITORIES)))]
        flip = torch.tensor([side, 1.0, 1.0])
        apex = torch.tensor(apex) * flip + 4 * torch.randn(3, generator=rng)
        axis = torch.tensor(axis) * flip + 0.2 * torch.randn(3, generator=rng)
        at = _points(subject)
        out = at - apex
        along = out @ (axis / axis.norm())
        angle = torch.rad2deg(torch.acos((along + 8) / (out + 8 * axis / axis.norm()).norm(dim=-1).clamp(min=1e-3)))
        rough = smooth_noise(subject.brain.shape, 12 / _step(subject), rng)[0]
        level = angle * torch.exp(0.2 * rough)  # degrees off the territory's middle
        within = subject.brain & (at[..., 0] * side > 1.5) & (along > 0) & (at[..., 2] > -12)
        reach = out.norm(dim=-1).clamp(min=5)
        edge = torch.deg2rad(_cut(level, within, size, subject) - level) * reach  # mm inside the border
        share = _edge(edge) * within
        dead = share * (_part(subject, "gm") + _part(subject, "wm"))
        return _lesioned(subject, _without(subject, share, "gm", "wm"), {"infarct": dead})


# Apex and direction, in mm of a head that faces +y, for the patient's right: middle cerebral artery (twice each, for it is the
# commonest), posterior and anterior.
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
    drawn = float(np.exp(_uniform(rng, low, high)))
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


def _displaced(subject: Subject, offset: Tensor) -> Tensor:
    """Tissues (K, X, Y, Z) as they lie after a displacement (3, X, Y, Z) in mm; they fill the brain as before."""
    moves = (offset.square().sum(dim=0) > 0.05**2) & subject.brain
    source = _points(subject)[moves] + offset[:, moves].T  # (n, 3)
    moved = sample(subject.tissues, source, subject.affine[:3, 3].tolist(), _step(subject))
    tissues = subject.tissues.clone()
    tissues[:, moves] = moved / moved.sum(dim=0).clamp(min=1e-3) * tissues[:, moves].sum(dim=0)
    return tissues


def _oedema(subject: Subject, rim: Tensor, white: Tensor, reach_mm: Tensor) -> Tensor:
    """How wet each voxel is, 0 to 1: water creeps from the tumour along white matter, ``reach_mm`` far."""
    step = _step(subject)
    source = (rim > 0.5).numpy()
    steps = int(1.3 * float(reach_mm.max()) / step)
    found = [np.flatnonzero(source.any(axis=others))[[0, -1]] for others in ((1, 2), (0, 2), (0, 1))]
    box = tuple(slice(max(low - steps - 3, 0), high + steps + 4) for low, high in found)  # the rest stays dry
    source = source[box]
    reached = ndimage.binary_dilation(source, mask=source | (white[box] > 0.5).numpy(), iterations=max(steps, 1))
    near = ndimage.distance_transform_edt(~source) * step < reach_mm[box].numpy()
    wet = torch.zeros_like(white)
    wet[box] = torch.from_numpy(ndimage.gaussian_filter((source | reached & near).astype(np.float32), 1.2 / step))
    return wet


def _grow_ovoid(plaque: Tensor, subject: Subject, k: tuple[int, ...], axis: Tensor, long: float, short: float) -> float:
    """Let white matter in an ovoid around voxel ``k`` become ``plaque`` (X, Y, Z), in place; returns the ml it gained.

    Semi-axes are ``long`` mm along ``axis`` and ``short`` mm across.
    """
    reach = int((max(long, short) + EDGE_MM) / _step(subject)) + 1
    box = tuple(slice(max(i - reach, 0), i + reach + 1) for i in k)
    out = _points(subject)[box] - _points(subject)[k]
    along = out @ (axis / axis.norm().clamp(min=1e-6))
    across = (out.square().sum(dim=-1) - along**2).clamp(min=0).sqrt()
    ovoid = _edge((1 - torch.hypot(along / long, across / short)) * short) * _part(subject, "wm")[box]
    grown = torch.maximum(plaque[box], ovoid)
    gained = float((grown - plaque[box]).sum()) * _voxel_ml(subject)
    plaque[box] = grown
    return gained


def _edge(inside_mm: Tensor) -> Tensor:
    """Share of a voxel that lies within a border, from the distance inside it."""
    return (0.5 + inside_mm / EDGE_MM).clamp(0, 1)


def _cut(level: Tensor, within: Tensor, size_ml: float, subject: Subject) -> Tensor:
    """The level below which ``size_ml`` of ``within`` lie; all of it, if there is no more."""
    inside = level[within]
    return inside.kthvalue(min(max(int(size_ml / _voxel_ml(subject)), 1), inside.numel())).values


def _place(subject: Subject, tissue: Tensor, wanted: Tensor, rng: torch.Generator) -> Tensor:
    """World millimetres (3,) of a random voxel of ``tissue`` that is also ``wanted``, if there is one."""
    both = (tissue & wanted).nonzero()
    return _points(subject)[_one_of(both if len(both) else tissue.nonzero(), rng)]


def _one_of(found: Tensor, rng: torch.Generator) -> tuple[int, int, int]:
    """A random row of voxel indices (n, 3)."""
    if not len(found):
        raise InputError("This subject has no white matter to put a lesion in; use one that phantoms.subject grew.")
    x, y, z = found[int(torch.randint(len(found), (), generator=rng))].tolist()
    return x, y, z


def _part(subject: Subject, name: str) -> Tensor:
    return subject.tissues[subject.names.index(name)]


@lru_cache(maxsize=4)
def _depth(subject: Subject) -> Tensor:
    """Distance of each brain voxel to the brain's surface in mm, (X, Y, Z)."""
    return _distance(subject, subject.brain)


def _distance(subject: Subject, inside: Tensor) -> Tensor:
    """Distance in mm from each voxel of ``inside`` to the nearest that is not, 0 outside."""
    return torch.from_numpy(ndimage.distance_transform_edt(inside.numpy()).astype(np.float32)) * _step(subject)


@lru_cache(maxsize=4)
def _points(subject: Subject) -> Tensor:
    """World millimetres (X, Y, Z, 3) of the subject's voxels."""
    return lattice(subject.affine[:3, 3].tolist(), tuple(subject.brain.shape), _step(subject))


def _step(subject: Subject) -> float:
    return float(subject.affine[0, 0])


def _voxel_ml(subject: Subject) -> float:
    return _step(subject) ** 3 / 1000


def _uniform(rng: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=rng))
