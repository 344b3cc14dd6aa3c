"""The folded cortex: where a person's gyri and sulci lie, and the tissue that follows from the distance to them.

An atlas is an average, and an average of many people keeps only the sulci that all of them share. A person's own are
drawn here. A sulcus is a surface: it starts where smooth random noise on the brain's hull is zero and follows the
hull's normal inwards, as deep as it reaches. One number then tells the tissue, the depth below the *pial surface* (the
nearest of hull, sulcus and large fissure): above it is fluid, the first three millimetres are cortex, below is white.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from brainlab.anatomy import FINE_MM, FINE_ORIGIN, FINE_SHAPE, depths, mirrored
from brainlab.fields import generator, sample, smooth_noise

PROJECTED = 0.85  # how closely a sulcus follows the hull's normal; the rest lets it bend on its way in
RIM_MM = 0.5  # of the fluid around the brain that a brain mask takes in
SOFT_MM = 0.5  # half-width of the transition from one tissue to the next: partial volume


class Folds(NamedTuple):
    """How one person's cortex is folded."""

    fields: (
        Tensor  # (5, *FINE_SHAPE): mm, signed, to the nearest sulcus; reach, gape, rim and spots as noise of variance 1
    )
    reach_mm: float  # mean depth of sulci
    sharpness: float  # power to which the atlas's tissue probabilities are raised
    spots: float  # how much of the white matter age has touched, 0 to 1


def folds(seed: int, asymmetry: float) -> Folds:
    """Draw how a person's cortex is folded; ``asymmetry`` as in ``phantoms.Factors``."""
    rng = generator(seed, "folds")
    sharp, spacing, reach, age = torch.rand(4, generator=rng).tolist()
    sulci = _ridges(mirrored(smooth_noise(FINE_SHAPE, (5.0 + 1.5 * spacing) / FINE_MM, rng), asymmetry))
    rest = [mirrored(smooth_noise(FINE_SHAPE, mm / FINE_MM, rng), asymmetry) for mm in (12.0, 15.0, 9.0, 6.0)]
    return Folds(torch.cat([sulci, *rest]), 14 + 8 * reach, 2.5 + 2.5 * sharp, max((age - 0.3) / 0.7, 0.0) ** 2)


def _ridges(noise: Tensor) -> Tensor:
    """Signed distance in mm from where noise (1, X, Y, Z) is zero, once its slow part is taken away."""
    mean = noise
    for kernel in ((7, 1, 1), (1, 7, 1), (1, 1, 7)):
        mean = F.avg_pool3d(mean, kernel, stride=1, padding=[k // 2 for k in kernel], count_include_pad=False)
    noise = noise - 0.8 * mean  # what is left has one wavelength: gyri of one width
    slope = torch.stack(torch.gradient(noise[0], spacing=FINE_MM)).square().sum(dim=0).sqrt()
    return noise / slope.clamp(min=0.1 * float(slope.square().mean().sqrt()))


def tissues(folds: Folds, thinning_mm: float, at: Tensor, found: Tensor) -> Tensor:
    """Fractions (3, M) of grey matter, white matter and fluid at atlas points ``at`` (M, 3) inside the brain.

    ``found`` (3, M) is what the atlas says of these points. The mantle is folded anew; nuclei, brain stem, cerebellum
    and the cortex around the callosum stay the atlas's own.
    """
    wall, hull, normal, fissure = depths(at)
    front = torch.sigmoid((at[:, 1] + 45) / 10)  # with age, fluid gathers in front rather than behind
    side = at[:, 0].abs() - 0.3 - (0.3 + 0.5 * thinning_mm) * front  # sulci start from the falx, too
    mesial = _mesial(at)
    depth = hull - mesial * (hull - side).clamp(min=0)
    facing = (mesial * torch.sigmoid((hull - side) / 5))[:, None]
    across = torch.sign(at) * torch.tensor([1.0, 0.0, 0.0])
    inwards = (1 - facing) * normal * (hull.clamp(0, 25) - 5)[:, None] + facing * across * (side - 5)[:, None]
    outer = at - PROJECTED * inwards
    sulcus, reach, gape, rim, _ = sample(folds.fields, outer, FINE_ORIGIN, FINE_MM)
    gape_mm = (0.2 + 0.7 * thinning_mm) * torch.exp(0.3 * gape) * (0.5 + 0.5 * front)  # half a sulcus's width
    shallow = 0.4 * torch.sigmoid((at[:, 1] - 42) / 4)  # as sulci are at the frontal pole
    reach_mm = folds.reach_mm * (1 - shallow) + 5 * reach
    sulcus = torch.hypot(sulcus, (depth - reach_mm).clamp(min=0)) - gape_mm
    pial = torch.minimum(depth - RIM_MM - 0.8 * gape_mm * torch.sigmoid(2 * rim), sulcus)
    pial = torch.minimum(pial, fissure - 0.3 - 0.5 * thinning_mm)
    folded = _layers(pial, 3.3 - 0.4 * thinning_mm + 0.3 * gape)
    mixed = torch.lerp(_sharpened(folds, thinning_mm, found, wall, hull), folded, _mantle(at, wall, depth, mesial))
    return _aged(folds, at, wall, _myelinated(at, wall, hull, mixed))


def _mesial(at: Tensor) -> Tensor:
    """How far points (M, 3) lie behind, in front of or above the callosum, where the hemispheres face each other."""
    _, y, z = at.T
    behind = torch.sigmoid((-50 - y) / 3) * torch.sigmoid((z - 4 - 0.35 * (y + 48)) / 2)  # above the tentorium
    return 1 - (1 - behind) * (1 - torch.sigmoid((y - 36) / 3)) * (1 - torch.sigmoid((z - 32) / 3))


def _layers(pial: Tensor, thickness_mm: Tensor) -> Tensor:
    """Fractions (3, M) at a depth below the pial surface, for a cortex of this thickness; both (M,) in mm."""
    fluid, white = torch.sigmoid(-pial / SOFT_MM), torch.sigmoid((pial - thickness_mm) / SOFT_MM)
    grey = (1 - fluid - white).clamp(min=0)
    return torch.stack([grey, white, fluid]) / (grey + white + fluid)


def _sharpened(folds: Folds, thinning_mm: float, found: Tensor, wall: Tensor, hull: Tensor) -> Tensor:
    """The atlas's own fractions (3, M), less blurred, with wider sulci; nuclei keep their mixture of grey and white."""
    nuclei = _nuclei(wall, hull)
    found = torch.stack([found[0], found[1], found[2] * torch.exp(0.9 * thinning_mm * torch.sigmoid((wall - 14) / 2))])
    found = found ** (folds.sharpness - nuclei * (0.8 * folds.sharpness - 0.9))
    return found / found.sum(dim=0)


def _nuclei(wall: Tensor, hull: Tensor) -> Tensor:
    """How far points (M,) lie among the deep nuclei, far from the surface and near a ventricle, 0 to 1."""
    return torch.sigmoid((hull - 26) / 3) * torch.sigmoid((26 - wall) / 3)


def _mantle(at: Tensor, wall: Tensor, depth: Tensor, mesial: Tensor) -> Tensor:
    """How far points (M, 3) belong to the part of the brain that is folded anew, 0 to 1."""
    x, y, z = at.T
    above_cerebellum = torch.sigmoid((z + 16) / 2 + 6 * torch.sigmoid((y + 30) / 4))
    cortical = torch.maximum(torch.sigmoid((x.abs() - 10) / 1.5), mesial)
    return torch.sigmoid((25 - depth) / 2) * torch.sigmoid((wall - 14) / 2) * above_cerebellum * cortical


def _myelinated(at: Tensor, wall: Tensor, hull: Tensor, tissue: Tensor) -> Tensor:
    """Where grey matter holds much myelin, a share of it looks like white: fractions (3, M).

    Visual and retrosplenial cortex and that around the central sulcus are the brightest on a T1-weighted image (Glasser
    and Van Essen 2011, Journal of Neuroscience 31:11597); nuclei, and above all the midbrain, are crossed by fibres.
    How large the shares are is an estimate.
    """
    x, y, z = at.T
    visual = torch.sigmoid((-68 - y) / 4)
    central = torch.sigmoid((y + 35) / 4) * torch.sigmoid(-y / 4) * torch.sigmoid((z - 16) / 4)
    midbrain = torch.sigmoid((y + 38) / 4) * torch.sigmoid((-5 - y) / 4) * torch.sigmoid((4 - z) / 4)
    retrosplenial = torch.sigmoid((y + 62) / 4) * torch.sigmoid((-38 - y) / 4) * torch.sigmoid((z - 2) / 4)
    middle = torch.sigmoid((16 - x.abs()) / 4)
    share = 0.3 * visual + 0.2 * central + 0.1 * _nuclei(wall, hull) + middle * (0.4 * midbrain + 0.3 * retrosplenial)
    moved = tissue[0] * share.clamp(max=0.6)
    return torch.stack([tissue[0] - moved, tissue[1] + moved, tissue[2]])


def _aged(folds: Folds, at: Tensor, wall: Tensor, tissue: Tensor) -> Tensor:
    """Age leaves patches in the white matter, most of them around the ventricles, that look like grey matter."""
    (spots,) = sample(folds.fields[4:], at, FINE_ORIGIN, FINE_MM)
    level = spots + folds.spots * (0.3 + 2.0 * torch.exp(-(((wall - 2) / 6) ** 2))) - 2.3
    patch = 0.6 * torch.sigmoid(level / 0.3) * tissue[1] * (wall > 0)
    return torch.stack([tissue[0] + patch, tissue[1] - patch, tissue[2]])
