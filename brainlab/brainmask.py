"""Where the brain is in a skull-stripped scan, and how to tell that the skull is still there.

A stripped scan is blank outside the brain, exactly, so the brain is whatever is not blank. A whole head betrays itself
in one of three ways: its air is noisy, it is too large, or, going inwards from its surface, bright scalp is followed by
dark bone and then by bright brain. No stripped brain has that dark layer, whatever the contrast.
"""

from itertools import chain, pairwise
from typing import Any

import numpy as np
from scipy import ndimage

from brainlab import pieces
from brainlab.errors import InputError

BLANK_SHARE = 0.25  # even in the tightest box a brain leaves a third blank
STRAY_SHARE = 0.02  # of the voxels outside the brain, how many may be specks that are not blank
SECOND_PIECE = 0.1  # of the largest piece, how large a second may be: scalp and brain are of one order
LARGEST_ML = 2300.0  # well above any adult brain (the MNI152 template fills 1,890 ml, people less), well below a head
SMALLEST_MM = 60.0  # longest side of a brain; less is an animal's, or a scan with wrong voxel sizes
DARK_LAYER = 0.8  # darker than this beside what lies outside and inside it is bone; stripped brains keep to 0.9
BONE_MM, BRAIN_MM = 16, 12  # how deep bone lies at most, and how soon beneath it comes brain

BLANKED = "; or, if it is stripped already, set everything outside the brain to 0 (resample with linear interpolation)"
"""The mend where splines have rung or noise was added after the skull was removed: the air is then not blank either."""


class WholeHead(InputError):
    """The skull is still there, and perhaps the face."""


def brain_mask(data: np.ndarray, affine: np.ndarray, name: str = "The image") -> np.ndarray:
    """Brain (X, Y, Z) bool of a skull-stripped volume: its largest piece that is not blank, holes filled.

    ``affine`` (4, 4) leads to world mm. ``name`` opens the sentence of the InputError that is raised where the skull
    is still there, or where nothing of a human brain's size is.
    """
    tissue = data != _commonest(_faces(data))
    if not tissue.any():
        raise InputError(f"{name} is blank, so no brain can be found in it; check that it is the right file.")
    if np.count_nonzero(tissue) > (1 - BLANK_SHARE) * tissue.size:
        raise _head(name, "the air around it is not blank", BLANKED)
    box = _box(tissue)  # everything below is quick inside it
    inside = tissue[box]
    stored = np.argsort(inside.strides)[::-1]  # runs of voxels are looked for along the axis that is together in memory
    brain, second = _largest_piece(np.ascontiguousarray(inside.transpose(stored)))
    brain = _fill_holes(brain).transpose(np.argsort(stored))
    size = np.count_nonzero(brain)
    voxel_mm = np.linalg.norm(affine[:3, :3], axis=0)
    _check_size(brain, voxel_mm, name)
    if second > SECOND_PIECE * size:
        raise _head(name, "it comes in two large pieces, as scalp and brain do")
    stray = np.count_nonzero(inside & ~brain)
    if stray > STRAY_SHARE * (tissue.size - size):
        raise _head(name, "the air around it is not blank", BLANKED)
    if _has_dark_layer(data[box], brain, voxel_mm):
        raise _head(name, "under its surface lies a dark layer, as bone lies under scalp")
    whole = np.zeros_like(tissue)
    whole[box] = brain
    return whole


def _box(tissue: np.ndarray) -> tuple[slice, ...]:
    """The box that holds all tissue, with four blank voxels around it where the volume has them."""
    return tuple(slice(max(0, first - 4), last + 5) for first, last in ends(tissue))


def ends(mask: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last place along each axis where a mask is true."""
    columns = np.asarray(mask.any(axis=2))
    lines = (columns.any(axis=1), columns.any(axis=0), np.asarray(mask.any(axis=0)).any(axis=0))
    found = [np.flatnonzero(line) for line in lines]
    return [(int(one[0]), int(one[-1])) for one in found]


def _head(name: str, sign: str, instead: str = "") -> WholeHead:
    return WholeHead(
        f"{name} looks like a whole head ({sign}), and brainlab's models know brains without skull: strip the skull "
        f"first, for example with HD-BET, SynthStrip (mri_synthstrip) or FSL's bet, and read the result{instead}."
    )


def _faces(data: np.ndarray) -> np.ndarray:
    """The voxels on the six faces of a volume, where a stripped scan is blank."""
    return np.concatenate([np.moveaxis(data, axis, 0)[end].ravel() for axis in range(3) for end in (0, -1)])


def _commonest(values: np.ndarray) -> float:
    distinct, counts = np.unique(values, return_counts=True)
    return distinct[counts.argmax()]


def _largest_piece(tissue: np.ndarray) -> tuple[np.ndarray, int]:
    """The largest connected piece as a mask, and how many voxels the second largest has."""
    found = pieces.pieces(tissue)
    sizes = np.append(found.voxels, 0)
    others = np.arange(len(found.voxels)) != found.voxels.argmax()
    largest = tissue.copy()
    largest.reshape(-1)[found.where(others)] = False
    return largest, int(np.sort(sizes)[-2])


def _fill_holes(mask: np.ndarray) -> np.ndarray:
    """A mask with what it encloses: every piece of its outside that does not reach the box's faces."""
    filled = mask.copy()
    filled.reshape(-1)[pieces.enclosed(mask)] = True
    return filled


def _check_size(brain: np.ndarray, voxel_mm: np.ndarray, name: str) -> None:
    longest = max((last - first) * mm for (first, last), mm in zip(ends(brain), voxel_mm, strict=True))
    if longest < SMALLEST_MM:
        raise InputError(
            f"{name} shows a brain of only {longest:.3g} mm; check the voxel sizes in its header (they must be in mm), "
            f"and that it is a human brain."
        )
    ml = np.count_nonzero(brain) * voxel_mm.prod() / 1000
    if ml > LARGEST_ML:
        raise _head(name, f"it fills {ml:,.0f} ml, more than any brain")


def _has_dark_layer(data: np.ndarray, mask: np.ndarray, voxel_mm: np.ndarray) -> bool:
    """Whether the median brightness, going inwards from the surface in steps of 2 mm, falls to bone and rises again."""
    every = tuple(max(1, round(2 / mm)) for mm in voxel_mm)
    thinned = tuple(slice(None, None, step) for step in every)
    inside = _fill_axial(np.ascontiguousarray(mask[thinned]))
    layers = (BONE_MM + BRAIN_MM) // 2  # not deeper: in T2 white matter is dark, and then come ventricles
    deepest, beneath = BONE_MM // 2, BRAIN_MM // 2
    shallow = np.flatnonzero(inside)
    depth = _depth(inside, np.array(every) * voxel_mm, 2.0 * layers).reshape(-1)[shallow]
    layer = (depth / 2).astype(np.int16)  # 0: up to 2 mm deep, 1: 2 to 4 mm, ...
    outwards_in = np.argsort(layer, kind="stable")
    starts = np.searchsorted(layer[outwards_in], np.arange(1, layers + 1))
    found = np.split(data[thinned].reshape(-1)[shallow[outwards_in]], starts)[:-1]
    profile = [np.median(one) for one in found if len(one) > 20]
    return any(
        profile[k] < DARK_LAYER * min(max(profile[:k]), max(profile[k + 1 : k + 1 + beneath]))
        for k in range(1, min(deepest, len(profile) - 1))
    )


def _fill_axial(mask: np.ndarray) -> np.ndarray:
    """A mask with the holes of each axial slice filled: bone that reads as blank is open above and below in a slab."""
    flat = np.zeros((3, 3, 3), dtype=bool)
    flat[:, 1, 1] = flat[1, :, 1] = True  # voxels touch within their axial slice alone
    outside: Any = ndimage.label(~mask, structure=flat)[0]  # type: ignore[index]  # a pair, whatever its type
    reaches_out = np.zeros(outside.max() + 1, dtype=bool)
    for edge in (outside[0], outside[-1], outside[:, 0], outside[:, -1]):
        reaches_out[edge] = True
    reaches_out[0] = False
    return ~reaches_out[outside]


def _depth(mask: np.ndarray, voxel_mm: np.ndarray, most_mm: float) -> np.ndarray:
    """Distance in mm of each voxel to the nearest that is false, as the Euclidean distance transform gives it, as far
    as ``most_mm``; what lies deeper has at least that. Axis by axis, which for so short a way is much quicker."""
    steps = np.ascontiguousarray(np.moveaxis(mask, 2, 0)) * np.int16(2**14)  # to the nearest false voxel above or below
    for level, neighbour in chain(pairwise(range(len(steps))), pairwise(reversed(range(len(steps))))):
        np.minimum(steps[neighbour], steps[level] + np.int16(1), out=steps[neighbour])
    squared = np.minimum(np.moveaxis(steps, 0, 2) * np.float32(voxel_mm[2]), np.float32(2 * most_mm)) ** 2
    squared = np.ascontiguousarray(squared)
    for axis in (1, 0):
        lines, nearest = np.moveaxis(squared, axis, 0), squared.copy()
        out, way = np.moveaxis(nearest, axis, 0), np.moveaxis(np.empty_like(squared), axis, 0)
        for k in range(1, min(int(most_mm / voxel_mm[axis]) + 1, len(lines) - 1) + 1):
            np.add(lines, np.float32((k * voxel_mm[axis]) ** 2), out=way)
            np.minimum(out[k:], way[:-k], out=out[k:])
            np.minimum(out[:-k], way[k:], out=out[:-k])
        squared = nearest
    return np.sqrt(squared)
