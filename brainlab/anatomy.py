"""One atlas, and how a person's brain differs from it: the map from a subject's millimetres to the atlas's.

The atlas is MNI ICBM152 2009a nonlinear symmetric (Fonov et al., NeuroImage 54:313, 2011), as nilearn ships it: a T1
average with grey- and white-matter probabilities, RAS+, exactly mirror-symmetric about x = 0.
"""

from functools import lru_cache
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
    """Maps (C, X, Y, Z) on the 1 mm grid, and how ventricles grow on the warp lattice."""

    maps: Tensor  # gm, wm, csf; fractions in [0, 1], their sum 1 in the brain and 0 outside
    origin: tuple[float, float, float]  # mm of the first voxel
    depth: Tensor  # (X, Y, Z) at 2 mm: distance in mm to the wall of the ventricles, negative inside
    growth: Tensor  # (steps, 3, *LATTICE_SHAPE) mm, displacement for each of GROWTH_STEPS


@lru_cache(maxsize=1)
def atlas() -> Atlas:
    """The atlas, read once a process (about two seconds)."""
    from nilearn import datasets
    from scipy import ndimage

    images = [getattr(datasets, f"load_mni152_{kind}template")(resolution=1) for kind in ("", "gm_", "wm_")]
    t1, gm, wm = (np.asarray(image.dataobj, dtype=np.float32) for image in images)
    brain = (t1 > 0).astype(np.float32)
    gm, wm = gm * brain, wm * brain  # the published maps reach a little outside the published brain
    csf = brain - gm - wm
    labels, _ = ndimage.label(csf > 0.5)
    ventricles = labels == labels[tuple(np.round(VENTRICLE_MM - images[0].affine[:3, 3]).astype(int))]
    half = ventricles[::2, ::2, ::2]  # 2 mm is fine enough for what follows, and eight times quicker
    signed = 2 * (ndimage.distance_transform_edt(~half) - ndimage.distance_transform_edt(half))
    depth = torch.from_numpy(ndimage.gaussian_filter(signed, 1.5).astype(np.float32))
    origin = tuple(float(v) for v in images[0].affine[:3, 3])
    return Atlas(torch.from_numpy(np.stack([gm, wm, csf])), origin, depth, _growth(depth, origin))


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
    velocity = (2.0 + 2.5 * strength) * _noise(LATTICE_SHAPE, 36 / LATTICE_MM, rng, asymmetry)
    velocity += (0.8 + 1.0 * middle) * _noise(LATTICE_SHAPE, 12 / LATTICE_MM, rng, asymmetry)
    person = flow(velocity, LATTICE_ORIGIN, LATTICE_MM)
    step = min(max(ventricle_growth_mm / GROWTH_STEP_MM, GROWTH_STEPS[0]), GROWTH_STEPS[-1]) - GROWTH_STEPS[0]
    low = min(int(step), len(GROWTH_STEPS) - 2)
    growth = torch.lerp(atlas().growth[low], atlas().growth[low + 1], step - low)
    nodes = lattice(LATTICE_ORIGIN, LATTICE_SHAPE, LATTICE_MM)
    coarse = person + sample(growth, nodes + person.movedim(0, -1), LATTICE_ORIGIN, LATTICE_MM)
    fine = (0.3 + 0.4 * small) * _noise(FINE_SHAPE, 6 / FINE_MM, rng, asymmetry)
    return Shape(_affine(head_shape, rotation, 0.94 + 0.12 * size, 8 * (pitch - 0.5)), coarse, _bounded(fine, 6.0))


def _noise(grid: tuple[int, int, int], spacing: float, rng: torch.Generator, asymmetry: float) -> Tensor:
    """Smooth displacements (3, X, Y, Z) whose left and right agree as far as ``asymmetry`` is small."""
    drawn = smooth_noise(grid, spacing, rng, channels=3)
    mirrored = drawn.flip(1) * torch.tensor([-1.0, 1.0, 1.0])[:, None, None, None]
    return (drawn + mirrored) / 2 + asymmetry * (drawn - mirrored) / 2


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
