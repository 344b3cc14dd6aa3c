"""How a lesion finds its place in a phantom, pushes tissue aside and spreads: the mechanics behind ``lesions``."""

from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from brainlab.errors import InputError
from brainlab.fields import flow, lattice, sample
from brainlab.phantoms import Subject

EDGE_MM = 1.5  # from all healthy to all lesion


def displacement_mm(subject: Subject, centre: Tensor, radius: float, push: float) -> Tensor:
    """Where the tissue at each voxel came from, as an offset (3, X, Y, Z) in mm, when a mass grows at ``centre`` (3,).

    Tissue at about ``radius`` mm has moved outwards by about ``push`` mm; at the brain's surface, held by the skull,
    not at all.
    """
    coarse_mm = 4.0
    origin = subject.affine[:3, 3].tolist()
    shape = [int((n - 1) * spacing_mm(subject) / coarse_mm) + 2 for n in subject.brain.shape]
    nodes = lattice(origin, shape, coarse_mm)
    held = (sample(depth_mm(subject)[None], nodes, origin, spacing_mm(subject))[0] / 15).clamp(0, 1)
    out = nodes - centre
    rho = out.norm(dim=-1) / radius
    speed = push * np.exp(0.5) * torch.exp(-(rho**2) / 2) * held  # × rho: 0 in the centre, at most push at the radius
    inwards = flow((-speed[..., None] * out / radius).movedim(-1, 0).contiguous(), origin, coarse_mm)
    return sample(inwards, points_mm(subject), origin, coarse_mm)


def displaced(subject: Subject, offset: Tensor) -> Tensor:
    """Tissues (K, X, Y, Z) as they lie after a displacement (3, X, Y, Z) in mm; they fill the brain as before."""
    moves = (offset.square().sum(dim=0) > 0.05**2) & subject.brain
    source = points_mm(subject)[moves] + offset[:, moves].T  # (n, 3)
    moved = sample(subject.tissues, source, subject.affine[:3, 3].tolist(), spacing_mm(subject))
    tissues = subject.tissues.clone()
    tissues[:, moves] = moved / moved.sum(dim=0).clamp(min=1e-3) * tissues[:, moves].sum(dim=0)
    return tissues


def wetness(subject: Subject, rim: Tensor, white: Tensor, reach_mm: Tensor) -> Tensor:
    """How wet each voxel is, 0 to 1: water creeps from the tumour along white matter, ``reach_mm`` far."""
    step = spacing_mm(subject)
    source = (rim > 0.5).numpy()
    steps = int(1.3 * float(reach_mm.max()) / step)
    found = [np.flatnonzero(source.any(axis=others))[[0, -1]] for others in ((1, 2), (0, 2), (0, 1))]
    box = tuple(slice(max(low - steps - 3, 0), high + steps + 4) for low, high in found)  # the rest stays dry
    source = source[box]
    road = source | (white[box] > 0.5).numpy()
    reached = np.asarray(ndimage.binary_dilation(source, mask=road, iterations=max(steps, 1)))
    near = np.less(np.asarray(ndimage.distance_transform_edt(~source)) * step, reach_mm[box].numpy())
    wet = torch.zeros_like(white)
    wet[box] = torch.from_numpy(ndimage.gaussian_filter((source | reached & near).astype(np.float32), 1.2 / step))
    return wet


def grow_ovoid(plaque: Tensor, subject: Subject, k: tuple[int, ...], axis: Tensor, long: float, short: float) -> float:
    """Let white matter in an ovoid around voxel ``k`` become ``plaque`` (X, Y, Z), in place; returns the ml it gained.

    Semi-axes are ``long`` mm along ``axis`` and ``short`` mm across.
    """
    reach = int((max(long, short) + EDGE_MM) / spacing_mm(subject)) + 1
    box = tuple(slice(max(i - reach, 0), i + reach + 1) for i in k)
    out = points_mm(subject)[box] - points_mm(subject)[k]
    along = out @ (axis / axis.norm().clamp(min=1e-6))
    across = (out.square().sum(dim=-1) - along**2).clamp(min=0).sqrt()
    ovoid = share_inside(-ovoid_mm(along, across, long, short)) * fraction(subject, "wm")[box]
    grown = torch.maximum(plaque[box], ovoid)
    gained = float((grown - plaque[box]).sum()) * voxel_ml(subject)
    plaque[box] = grown
    return gained


def ovoid_mm(along, across, long: float, short: float):
    """Distance in mm to the surface of an ovoid, below 0 inside, for arrays or tensors of distances along and across.

    To first order, as level / slope (Taubin 1994, ACM Transactions on Graphics 13:3): exact enough for a soft border.
    """
    level = ((along / long) ** 2 + (across / short) ** 2) ** 0.5
    slope = ((along / long**2) ** 2 + (across / short**2) ** 2) ** 0.5
    tiny = 1e-6  # in the very middle both are 0, and the surface is half an axis away
    return (level - 1) * (level + tiny) / (slope + tiny / short)


def share_inside(inside_mm: Tensor) -> Tensor:
    """Share of a voxel that lies within a border, from the distance inside it."""
    return (0.5 + inside_mm / EDGE_MM).clamp(0, 1)


def share_below(
    level: Tensor, within: Tensor, size_ml: float, subject: Subject, per_level: Tensor | float = 1.0
) -> Tensor:
    """Share of each voxel that lies inside the level set that holds ``size_ml`` of ``within`` (all, if there is no
    more).

    ``per_level`` is how many mm one unit of ``level`` makes, for the width of the soft border.
    """
    inside = level[within]
    if not inside.numel():
        raise InputError("This subject has no room for such a lesion; use one that phantoms.subject grew.")
    border = inside.kthvalue(min(max(int(size_ml / voxel_ml(subject)), 1), inside.numel())).values
    return share_inside((border - level) * per_level)


def one_of(found: Tensor, rng: torch.Generator) -> tuple[int, int, int]:
    """A random row of voxel indices (n, 3)."""
    if not len(found):
        raise InputError("This subject has no white matter to put a lesion in; use one that phantoms.subject grew.")
    x, y, z = found[int(torch.randint(len(found), (), generator=rng))].tolist()
    return x, y, z


def fraction(subject: Subject, name: str) -> Tensor:
    """The share of one tissue, (X, Y, Z); a view."""
    return subject.tissues[subject.names.index(name)]


@lru_cache(maxsize=4)
def depth_mm(subject: Subject) -> Tensor:
    """Distance of each brain voxel to the brain's surface in mm, (X, Y, Z)."""
    return distance_mm(subject, subject.brain)


def distance_mm(subject: Subject, inside: Tensor) -> Tensor:
    """Distance in mm from each voxel of ``inside`` to the nearest that is not, 0 outside."""
    return torch.from_numpy(np.asarray(ndimage.distance_transform_edt(inside.numpy()), dtype=np.float32)) * spacing_mm(
        subject
    )


@lru_cache(maxsize=4)
def points_mm(subject: Subject) -> Tensor:
    """World millimetres (X, Y, Z, 3) of the subject's voxels."""
    return lattice(subject.affine[:3, 3].tolist(), tuple(subject.brain.shape), spacing_mm(subject))


def spacing_mm(subject: Subject) -> float:
    """Width of a voxel, the same in every direction."""
    return float(subject.affine[0, 0])


def voxel_ml(subject: Subject) -> float:
    """Volume of a voxel."""
    return spacing_mm(subject) ** 3 / 1000


def uniform(rng: torch.Generator, low: float, high: float) -> float:
    """A number between ``low`` and ``high``."""
    return low + (high - low) * float(torch.rand((), generator=rng))
