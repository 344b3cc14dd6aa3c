"""A volume through a model, level by level, and what hangs together above a threshold."""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn

from brainlab import anomaly, geometry, volumes
from brainlab.errors import InputError
from brainlab.models.config import ModelConfig
from brainlab.slices import Slices
from brainlab.volumes import Volume

BATCH = 32  # slices at once: memory stays low at any image size


class Finding(NamedTuple):
    """One connected piece above the threshold. Points are world mm: + is right, anterior, superior."""

    volume_ml: float
    peak: float  # the highest score in it
    peak_mm: tuple[float, float, float]  # the voxel of that score
    centroid_mm: tuple[float, float, float]  # mean of its voxels, all alike: not weighted by their scores


@dataclass(frozen=True, eq=False)
class Scan:
    """A scanned volume. ``map`` and ``labels`` lie in the voxels of the file, as ``volumes.to_volume`` gives, and not
    in those of ``volume.data``, which are turned: ``volumes.save(path, scan.map, scan.volume)`` writes either.
    """

    volume: Volume
    slices: Slices  # (N, 1, H, W), what the model saw
    learnt_mm: tuple[float, float]  # the heights that models learn from, geometry.AXIAL_SPAN of this brain
    map: np.ndarray  # (X, Y, Z) float32, the anomaly score
    labels: np.ndarray  # (X, Y, Z) int32: k in the voxels of findings[k - 1], 0 elsewhere
    findings: tuple[Finding, ...]  # the largest first
    threshold: float
    fpr: float | None  # the share of healthy brain pixels above the threshold; None where it was given as a number
    min_ml: float
    dropped: int  # pieces smaller than that

    def strange(self, finding: Finding) -> bool:
        """Whether a finding's middle lies above or below all slices that models learn from."""
        return not self.learnt_mm[0] <= finding.centroid_mm[2] <= self.learnt_mm[1]


def scan(
    volume: Volume,
    model: nn.Module,
    *,
    threshold: float | None = None,
    healthy: Slices | None = None,
    fpr: float = 0.01,
    spacing_mm: float | None = None,
    span: tuple[float, float] = (0.0, 1.0),
    min_ml: float = 0.1,
) -> Scan:
    """Find what a model of healthy brains does not expect in a skull-stripped volume.

    Give ``threshold``, a score, or ``healthy`` slices, of whose brain pixels at most a share ``fpr`` may score above
    it. ``spacing_mm`` is the most from one level to the next, by default the volume's own step but at least 1 mm.
    ``span`` is the part of the brain's height to look at: ``geometry.AXIAL_SPAN`` keeps to levels that models know.
    Pieces under ``min_ml`` are dropped. Raises InputError where no threshold can be had or no brain found, for NaN, and
    for a model that cannot reconstruct; warns where the scan's name tells another contrast than ``healthy`` has.
    """
    if not 0 <= min_ml < np.inf:
        raise InputError(f"min_ml is a volume in ml, 0 or more, got {min_ml}.")
    config = getattr(model, "config", None)
    if not isinstance(config, ModelConfig):
        raise InputError(f"A {type(model).__name__} has no ModelConfig to say how large its images are: use a model.")
    brain = _brain(volume)
    bottom, top = geometry.bounding_box(brain, volume.affine)[:, 2].tolist()
    slices = volumes.slices(volume, config.image_size, _levels(volume, bottom, top, spacing_mm, span))
    cut = _threshold(model, threshold, healthy, fpr, slices.contrast)
    maps = _maps(model, slices)
    if not maps.isfinite().all():
        raise InputError("The model gives NaN or infinite scores for this scan; look at its reconstructions first.")
    scores = volumes.to_volume(maps, slices, volume)
    scores *= _in_the_file(brain, volume)  # a large pixel reaches into fissures and beyond the surface
    labels, findings, dropped = components(scores, volume.original.affine, cut, min_ml)
    low, high = (bottom + (top - bottom) * share for share in geometry.AXIAL_SPAN)
    rate = None if healthy is None else fpr
    return Scan(volume, slices, (low, high), scores, labels, findings, cut, rate, min_ml, dropped)


def components(
    scores: np.ndarray, affine: np.ndarray, threshold: float, min_ml: float = 0.0
) -> tuple[np.ndarray, tuple[Finding, ...], int]:
    """Labels (X, Y, Z) int32, findings from the largest on, and how many pieces under ``min_ml`` were dropped.

    Pieces of ``scores > threshold`` (X, Y, Z), 26 neighbours a voxel; ``affine`` (4, 4) leads to world mm.
    """
    pieces = np.zeros(scores.shape, dtype=np.int32)
    ndimage.label(scores > threshold, structure=np.ones((3, 3, 3)), output=pieces)
    voxel_ml = abs(np.linalg.det(affine[:3, :3])) / 1000
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    order = [k for k in np.argsort(-sizes, kind="stable") if sizes[k] * voxel_ml >= max(min_ml, voxel_ml / 2) - 1e-9]
    boxes, found = ndimage.find_objects(pieces), []
    for k in order:
        box = boxes[k - 1]
        voxels = np.argwhere(pieces[box] == k) + [one.start for one in box]  # (n, 3)
        values = scores[tuple(voxels.T)]
        peak, centroid = (_world(affine, at) for at in (voxels[values.argmax()], voxels.mean(axis=0)))
        found.append(Finding(float(sizes[k] * voxel_ml), float(values.max()), peak, centroid))
    renamed = np.zeros(len(sizes), dtype=np.int32)
    renamed[order] = np.arange(1, len(order) + 1)
    return renamed[pieces], tuple(found), int((sizes > 0).sum()) - len(order)


def _brain(volume: Volume) -> np.ndarray:
    """Brain (X, Y, Z) bool in the voxels of ``volume.data``."""
    if not np.isfinite(volume.data).all():
        raise InputError(f"{volume.path} has NaN or infinite values; replace them (numpy.nan_to_num) first.")
    return volumes.brain_mask(volume)


def _in_the_file(mask: np.ndarray, volume: Volume) -> np.ndarray:
    """A mask of ``volume.data`` in the voxels of the file, which differ from those if the scan has been resampled."""
    to = np.linalg.inv(volume.affine) @ volume.original.affine
    return ndimage.affine_transform(mask.view(np.uint8), to, output_shape=volume.original.shape, order=0) > 0


def _levels(
    volume: Volume, bottom: float, top: float, spacing_mm: float | None, span: tuple[float, float]
) -> np.ndarray:
    """Heights (n,) in world mm, evenly over a ``span`` of the brain and at most ``spacing_mm`` apart."""
    step = max(1.0, abs(float(volume.affine[2, 2]))) if spacing_mm is None else spacing_mm
    if not 0.2 <= step <= 20:
        raise InputError(f"spacing_mm is a step between levels from 0.2 to 20 mm, got {step}.")
    if not (len(span) == 2 and 0 <= span[0] < span[1] <= 1):
        raise InputError(f"span is a part of the brain's height, such as (0, 1) for all of it, got {span}.")
    low, high = (bottom + (top - bottom) * share for share in span)
    return np.linspace(low, high, int(np.ceil((high - low) / step - 1e-6)) + 1).clip(bottom, top)


def _threshold(
    model: nn.Module, threshold: float | None, healthy: Slices | None, fpr: float, contrast: str | None
) -> float:
    """The threshold given, or the one taken from healthy slices."""
    if threshold is not None and healthy is None:
        if not 0 <= threshold < np.inf:
            raise InputError(f"threshold is a score of 0 or more, such as 0.1, got {threshold}.")
        return float(threshold)
    if threshold is not None or healthy is None:
        raise InputError("Give either threshold=, a score, or healthy=, slices of healthy people to take it from.")
    if not len(healthy) or healthy.masks.any():
        what = "there are none" if not len(healthy) else "some here have lesions"
        raise InputError(f'healthy must be slices of healthy people, {what}: data.load("phantom", split="val").')
    if contrast and healthy.contrast and contrast != healthy.contrast:
        warnings.warn(
            f"By its name the scan is {contrast}, and the healthy slices are {healthy.contrast}: neither the threshold "
            f"nor, most likely, the model is meant for it.",
            stacklevel=3,
        )
    return anomaly.threshold_at_fpr(_maps(model, healthy), healthy.brain, fpr)


def _maps(model: nn.Module, slices: Slices) -> Tensor:
    """Cleaned anomaly maps (N, 1, H, W), a few slices at a time."""
    parts = zip(slices.images.split(BATCH), slices.brain.split(BATCH), strict=True)
    return torch.cat([anomaly.clean(anomaly.anomaly_map(model, x, brain), brain) for x, brain in parts])


def _world(affine: np.ndarray, voxel: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (affine[:3, :3] @ voxel + affine[:3, 3]).tolist()
    return x, y, z
