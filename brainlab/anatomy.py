"""One atlas, and how a person's brain differs from it: the map from a subject's millimetres to the atlas's.

The atlas is MNI ICBM152 2009a nonlinear symmetric (Fonov et al., NeuroImage 54:313, 2011), as nilearn ships it: a T1
average with grey- and white-matter probabilities, RAS+, exactly mirror-symmetric about x = 0.
"""

from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from brainlab.fields import flow, generator, lattice, sample, smooth_noise

CENTRE_MM = (0.0, -18.0, 6.0)  # about the middle of the atlas brain: heads turn and grow around it
LATTICE_ORIGIN, LATTICE_SHAPE, LATTICE_MM = (-96.0, -132.0, -92.0), (49, 58, 50), 4.0  # symmetric about x = 0
FINE_ORIGIN, FINE_SHAPE, FINE_MM = (-90.0, -126.0, -84.0), (61, 73, 60), 3.0
VENTRICLE_MM = (6.0, 12.0, 14.0)  # a point inside the right lateral ventricle
GROWTH_STEP_MM, GROWTH_STEPS = 2.0, range(-1, 7)


class Atlas(NamedTuple):
    """What every head is grown from."""

    maps: Tensor  # (3, X, Y, Z) at 1 mm: gm, wm, csf; fractions in [0, 1], their sum 1 in the brain and 0 outside
    depths: Tensor  # (6, X, Y, Z) at 2 mm, see _depths
    origin: tuple[float, float, float]  # mm of the first voxel of both
    growth: Tensor  # (steps, 3, *LATTICE_SHAPE) mm, displacement for each of GROWTH_STEPS
    freedom: Tensor  # (*LATTICE_SHAPE,) how freely people differ: little at the skull, which keeps every brain an oval


_reading = Lock()


def atlas() -> Atlas:
    """The atlas, read once a process (a few seconds)."""
    with _reading:  # two threads that ask at once share one copy
        return _read_atlas()


@lru_cache(maxsize=1)
def _read_atlas() -> Atlas:
    from nilearn import datasets

    images = [getattr(datasets, f"load_mni152_{kind}template")(resolution=1) for kind in ("", "gm_", "wm_")]
    t1, gm, wm = (np.asarray(image.dataobj, dtype=np.float32) for image in images)
    brain = (t1 > 0).astype(np.float32)
    gm, wm = gm * brain, wm * brain  # the published maps reach a little outside the published brain
    csf = brain - gm - wm
    origin = images[0].affine[:3, 3]
    first = (float(origin[0]), float(origin[1]), float(origin[2]))
    depths, bridged = _depths(brain, csf, tuple(np.round(VENTRICLE_MM - origin).astype(int)))
    csf = np.maximum(brain, bridged) - gm - wm
    nodes = lattice(LATTICE_ORIGIN, LATTICE_SHAPE, LATTICE_MM)
    freedom = 0.4 + 0.6 * torch.sigmoid((sample(depths[1:2], nodes, first, 2.0)[0] - 10) / 3)
    return Atlas(torch.from_numpy(np.stack([gm, wm, csf])), depths, first, _growth(depths[0], first), freedom)


def _depths(brain: np.ndarray, csf: np.ndarray, in_ventricle: tuple[int, ...]) -> tuple[Tensor, np.ndarray]:
    """Distances in mm on every second voxel, from the maps (X, Y, Z) at 1 mm; see ``Depths`` for their order.

    And the 1 mm voxels inside the hull, 0 or 1: those outside the brain are the cisterns, which the atlas leaves out.
    """
    shape = brain.shape
    from scipy import ndimage

    labels = np.empty(csf.shape, dtype=np.int32)
    ndimage.label(csf > 0.5, output=labels)
    brain, csf, ventricles = (
        m[::2, ::2, ::2] for m in (brain > 0, ndimage.gaussian_filter(csf, 1), labels == labels[in_ventricle])
    )
    wall = ndimage.gaussian_filter(-_signed_mm(ventricles), 1.5)
    near = _steps_to_edge(~np.pad(brain, 6)) <= 5  # closing by 10 mm bridges the sulci
    closed = (_steps_to_edge(near) > 5)[6:-6, 6:-6, 6:-6]
    hull = ndimage.gaussian_filter(_signed_mm(closed), 1.0)
    fissure = -_signed_mm(((csf > 0.36) | ~brain) & (hull > 4) & (wall > 8))
    bridged = np.repeat(np.repeat(np.repeat(hull > 1, 2, 0), 2, 1), 2, 2)[: shape[0], : shape[1], : shape[2]]
    bridged[:-1] |= bridged[1:]  # each coarse voxel stands for the two around it, alike on both sides
    maps = np.stack([wall, hull, *np.gradient(hull, 2.0), fissure])
    return torch.from_numpy(maps.astype(np.float32)), bridged.astype(np.float32)


def _steps_to_edge(mask: np.ndarray) -> np.ndarray:
    """For each voxel of a mask (X, Y, Z) how many voxels away the nearest one outside it is; 0 outside."""
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(mask))


def _signed_mm(mask: np.ndarray) -> np.ndarray:
    """Distance in mm to the surface of a mask (X, Y, Z) on the 2 mm grid, positive inside."""
    return np.where(mask, 2 * _steps_to_edge(mask) - 1, 1 - 2 * _steps_to_edge(~mask))


class Depths(NamedTuple):
    """How deep points lie, each (M,) in mm; all of them smooth and mirror-symmetric."""

    wall: Tensor  # beyond the wall of the ventricles, negative inside them
    hull: Tensor  # below the brain's outer surface, sulci bridged
    normal: Tensor  # (M, 3), the direction in which ``hull`` grows
    fissure: Tensor  # from the large fissures that everyone has


def depths(at: Tensor) -> Depths:
    """How deep atlas points (M, 3) in mm lie."""
    wall, hull, x, y, z, fissure = sample(atlas().depths, at, atlas().origin, 2.0)
    return Depths(wall, hull, torch.stack([x, y, z], dim=-1), fissure)


def _growth(depth: Tensor, origin: tuple[float, float, float]) -> Tensor:
    """Displacements by which ventricles have grown, from the distance to their wall in mm (X, Y, Z).

    The wall is carried outwards along the distance's gradient, and the tissue around with it, less and less far off.
    """
    nodes = lattice(LATTICE_ORIGIN, LATTICE_SHAPE, LATTICE_MM)
    slope = torch.stack(torch.gradient(depth, spacing=2.0))
    at = sample(torch.cat([depth[None], slope]), nodes, origin, 2.0)
    inwards = -at[1:] * torch.exp(-((at[0].clamp(min=0) / 25) ** 2))
    return torch.stack([flow(inwards * GROWTH_STEP_MM * k, LATTICE_ORIGIN, LATTICE_MM) for k in GROWTH_STEPS])


class Shape(NamedTuple):
    """A subject's way into the atlas."""

    to_atlas: Tensor  # (3, 3), turns and scales about CENTRE_MM
    coarse: Tensor  # (3, *LATTICE_SHAPE) mm: large individual differences and the ventricles' growth
    fine: Tensor  # (3, *FINE_SHAPE) mm: the course of single gyri


def shape(seed: int, *, head_shape: float, rotation: float, asymmetry: float, ventricle_growth_mm: float) -> Shape:
    """Draw the shape of a head; see ``phantoms.Factors`` for the arguments."""
    rng = generator(seed, "shape")
    strength, middle, small, size, pitch = torch.rand(5, generator=rng).tolist()
    velocity = (1.8 + 2.2 * strength) * _noise(LATTICE_SHAPE, 36 / LATTICE_MM, rng, 0.5 * asymmetry)
    velocity += (0.9 + 1.0 * middle) * _noise(LATTICE_SHAPE, 12 / LATTICE_MM, rng, 0.7 * asymmetry)
    person = flow(velocity * atlas().freedom, LATTICE_ORIGIN, LATTICE_MM)
    step = min(max(ventricle_growth_mm / GROWTH_STEP_MM, GROWTH_STEPS[0]), GROWTH_STEPS[-1]) - GROWTH_STEPS[0]
    low = min(int(step), len(GROWTH_STEPS) - 2)
    growth = torch.lerp(atlas().growth[low], atlas().growth[low + 1], step - low)
    nodes = lattice(LATTICE_ORIGIN, LATTICE_SHAPE, LATTICE_MM)
    coarse = person + sample(growth, nodes + person.movedim(0, -1), LATTICE_ORIGIN, LATTICE_MM)
    fine = (0.3 + 0.4 * small) * _noise(FINE_SHAPE, 6 / FINE_MM, rng, asymmetry)
    return Shape(_affine(head_shape, rotation, 0.91 + 0.08 * size, 6 * (pitch - 0.5)), coarse, _bounded(fine, 6.0))


def _noise(grid: tuple[int, int, int], spacing: float, rng: torch.Generator, asymmetry: float) -> Tensor:
    """Smooth displacements (3, X, Y, Z) whose left and right agree as far as ``asymmetry`` is small."""
    drawn = smooth_noise(grid, spacing, rng, channels=3)
    return torch.cat([mirrored(one[None], asymmetry, sign) for one, sign in zip(drawn, (-1, 1, 1), strict=True)])


def mirrored(noise: Tensor, asymmetry: float, sign: int = 1) -> Tensor:
    """Noise (1, X, Y, Z) made as much alike on both sides of x = 0 as ``asymmetry`` is small, its variance kept.

    ``sign`` is -1 for a component along x, which points the other way in a mirror.
    """
    other = sign * noise.flip(1)
    return (noise + other + asymmetry * (noise - other)) / (2 + 2 * asymmetry**2) ** 0.5


def _bounded(displacement: Tensor, knots_mm: float) -> Tensor:
    """Displacements kept below the size at which a spline of this spacing could fold."""
    limit = 0.4 * knots_mm
    return limit * torch.tanh(displacement / limit)


def _affine(head_shape: float, rotation: float, size: float, pitch: float) -> Tensor:
    """Matrix (3, 3) from a subject's millimetres to the atlas's, both measured from CENTRE_MM."""
    a, b = np.deg2rad([rotation, pitch])
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    grow = size * np.diag([np.exp(head_shape / 2), np.exp(-head_shape / 2), 1.0])
    return torch.from_numpy(np.linalg.inv(turn @ nod @ grow)).float()


def to_atlas(shape: Shape, points: Tensor) -> Tensor:
    """Where in the atlas a subject's points (..., 3) lie; all in world millimetres."""
    at = head_frame(shape, points)
    at = at + sample(shape.coarse, at, LATTICE_ORIGIN, LATTICE_MM).movedim(0, -1)
    return at + sample(shape.fine, at, FINE_ORIGIN, FINE_MM).movedim(0, -1)


def head_frame(shape: Shape, points: Tensor) -> Tensor:
    """A subject's points (..., 3) with the turn and the size of the head taken away."""
    centre = torch.tensor(CENTRE_MM)
    return (points - centre) @ shape.to_atlas.T + centre


def near_brain(shape: Shape, points: Tensor) -> Tensor:
    """Whether points (X, Y, Z, 3) on a lattice could lie in the brain: quick and generous, to spare work outside it."""
    known = atlas()
    at = head_frame(shape, points)
    at = at + sample(shape.coarse, at, LATTICE_ORIGIN, LATTICE_MM).movedim(0, -1)
    rough = sample(known.maps, at, known.origin, 1.0).sum(dim=0)
    return F.max_pool3d(rough[None], 3, stride=1, padding=1)[0] > 0
