"""A whole brain through a model, level by level: where it is unlike what the model expects, in millilitres and mm.

Every axial level becomes one image; the anomaly maps of all levels are put back into the scan's own voxels, cut at a
threshold, and what hangs together above it (voxels that share a face, an edge or a corner) is one *finding*.

Two things a reader should know. The threshold promises its false-positive rate for people and levels like those it was
taken from: a real scan is not a phantom, and below and above ``geometry.AXIAL_SPAN`` the shipped models have never
seen a slice. And a model of 64 px sees pixels of 3.25 mm: what is smaller than two of them is mostly lost.
"""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.patheffects import withStroke
from nibabel.orientations import apply_orientation, io_orientation, ornt_transform
from scipy import ndimage
from torch import Tensor, nn

from brainlab import anomaly, geometry, planes, plotting, volumes
from brainlab.errors import InputError
from brainlab.models.config import ModelConfig
from brainlab.slices import Slices
from brainlab.volumes import Volume

BATCH = 32  # slices at once: memory stays low at any image size
SIZE = 208  # px of the figure's planes, 1 mm each
MARGIN_MM = 12  # around the brain in the figure
FOUND = "#4be3a0"  # outlines of findings: neither the truth's blue nor a colour of the overlay
STRANGE = "* above or below the levels that models learn from"
NAMED = 3  # findings that a picture names
ROW = (2.8, 0.3)  # inches: a picture's width, and the title above it


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
    brain = _brain(volume)  # (X, Y, Z) as the file's axes run
    bottom, top = geometry.bounding_box(brain, volume.original.affine)[:, 2].tolist()
    slices = volumes.slices(volume, config.image_size, _levels(volume, bottom, top, spacing_mm, span))
    cut = _threshold(model, threshold, healthy, fpr, slices.contrast)
    maps = _maps(model, slices)
    if not maps.isfinite().all():
        raise InputError("The model gives NaN or infinite scores for this scan; look at its reconstructions first.")
    scores = volumes.to_volume(maps, slices, volume)
    scores *= brain  # a large pixel reaches into fissures and beyond the surface
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


def table(scan: Scan, n: int = 10) -> str:
    """The ``n`` largest findings as Markdown, with what the threshold is worth."""
    rows = [
        f"| {_name(scan, k)} | {ml:.2f} | {peak:.2f} | {_point(centroid)} | {_point(peak_mm)} |"
        for k, (ml, peak, peak_mm, centroid) in enumerate(scan.findings[:n], start=1)
    ]
    head = ["| finding | volume (ml) | peak score | centroid (mm) | peak at (mm) |", "|---|--:|--:|---|---|"]
    lines = [*head, *rows, ""] if rows else ["No finding.", ""]
    if rest := scan.findings[n:]:
        lines += [f"And {len(rest)} smaller, {sum(one.volume_ml for one in rest):.2f} ml together.", ""]
    if any(map(scan.strange, scan.findings)):
        lines += [f"{STRANGE}: false alarms are many there.", ""]
    origin = "" if scan.fpr is None else f", which at most {100 * scan.fpr:.3g} % of the healthy slices' brain exceed"
    left_out = f"; {scan.dropped} smaller than {scan.min_ml:g} ml are left out" if scan.dropped else ""
    return "\n".join(
        [
            *lines,
            f"Score above {scan.threshold:.3f}{origin}{left_out}. Points are mm from the scan's origin to the "
            "patient's right (R) or left (L), anterior (A) or posterior (P), superior (S) or inferior (I). For "
            "teaching, not for diagnosis.",
        ]
    )


def figure(scan: Scan, n: int = 5) -> plotting.Figure:
    """The levels of the largest findings in at most ``n`` rows, or ``n`` even levels where nothing was found.

    Columns: the scan, the map over it, the findings outlined and numbered as in ``table``. A level goes through a
    finding's middle; a finding that an earlier row shows well has no row of its own. Images are radiological, as
    everywhere in the kit, and 1 mm a pixel whatever the voxels are.
    """
    if not isinstance(n, int) or not 1 <= n <= 20:
        raise InputError(f"n is a whole number of rows from 1 to 20, got {n!r}.")
    volume = scan.volume
    brain = volumes.brain_mask(volume)
    box = geometry.bounding_box(brain, volume.affine)
    centre, half = box.mean(axis=0), np.ptp(box, axis=0) / 2 + MARGIN_MM
    heights, marks = _rows(scan, n, centre)
    grey = volumes.normalise(volume.data, brain)
    tall = ROW[0] * half[1] / half[0] + ROW[1]
    drawn = plotting.Figure(figsize=(3 * ROW[0] + 0.2, tall * len(heights) + 1.2), layout="constrained")
    grid = drawn.add_gridspec(len(heights) + 1, 3, height_ratios=[tall] * len(heights) + [0.15])
    axes = [[drawn.add_subplot(grid[row, column]) for column in range(3)] for row in range(len(heights))]
    most = max(float(scan.map.max()), scan.threshold, 1e-6)
    for line, z, labels in zip(axes, heights, marks, strict=True):
        image = planes.plane(grey, volume.affine, "axial", z, SIZE, centre)
        score = _cut(scan.map, volume.original.affine, z, centre)
        titles = f"z = {round(z)} mm".replace("-", "−"), "anomaly map", _words(scan, labels)
        for axis, title in zip(line, titles, strict=True):
            axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set_title(title, fontsize=9, loc="left")
            _frame(axis, half)
        faint = np.clip(score / max(scan.threshold, 1e-6), 0, 1)  # solid above the threshold, fading below
        line[1].imshow(score, cmap=plotting.OVERLAY, vmin=0, vmax=most, alpha=faint, interpolation="nearest")
        _outline(line[2], labels)
    below = drawn.add_subplot(grid[-1, 1])
    below.axis("off")
    within = below.inset_axes((0.08, 0, 0.84, 1))  # so that its numbers do not push the columns apart
    bar = drawn.colorbar(axes[0][1].images[1], cax=within, orientation="horizontal")
    bar.set_label("|x − x̂|, in brightness of 0 to 1;\nsolid above the green line, the threshold", fontsize=9)
    bar.ax.axvline(scan.threshold, color=FOUND, linewidth=2)
    caption = "Radiological: the patient's left (L) is on the right. Outlined: findings by number, with their volume.\n"
    caption += f"{STRANGE}. " if any(scan.strange(scan.findings[k - 1]) for k in np.unique(marks) if k) else ""
    caption += "For teaching, not for diagnosis."
    drawn.supxlabel(caption, fontsize=9, color="0.25")
    drawn.alt = _alt(scan, heights, marks)
    return drawn


def _brain(volume: Volume) -> np.ndarray:
    """Brain (X, Y, Z) bool in the voxels of the file."""
    if not np.isfinite(volume.data).all():
        raise InputError(f"{volume.path} has NaN or infinite values; replace them (numpy.nan_to_num) first.")
    turn = ornt_transform(io_orientation(volume.affine), io_orientation(volume.original.affine))
    return apply_orientation(volumes.brain_mask(volume), turn)


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


def _point(mm: tuple[float, float, float]) -> str:
    """R 35, A 20, S 15."""
    return ", ".join(f"{pair[int(one < 0)]} {abs(one):.0f}" for pair, one in zip(("RL", "AP", "SI"), mm, strict=True))


def _rows(scan: Scan, n: int, centre: np.ndarray) -> tuple[list[float], list[np.ndarray]]:
    """Heights in mm of the figure's rows, and the labels (SIZE, SIZE) there."""
    heights: list[float] = []
    marks: list[np.ndarray] = []
    if not scan.findings:
        heights = np.linspace(*scan.learnt_mm, n).tolist()
        return heights, [np.zeros((SIZE, SIZE), dtype=np.int32)] * n
    for k, one in enumerate(scan.findings, start=1):
        z = one.centroid_mm[2]
        labels = _cut(scan.labels, scan.volume.original.affine, z, centre)
        if all(2 * (shown == k).sum() < (labels == k).sum() for shown in marks):
            heights.append(z)
            marks.append(labels)
        if len(heights) == n:
            break
    return heights, marks


def _cut(array: np.ndarray, affine: np.ndarray, z: float, centre: np.ndarray) -> np.ndarray:
    """An axial plane (SIZE, SIZE) of any grid in geometry's orientation: floats interpolated, labels the nearest's."""
    to_voxel = np.linalg.inv(affine) @ geometry.slice_affine(SIZE, (*centre[:2], z))
    where = np.tensordot(to_voxel[:3, :2], np.indices((SIZE, SIZE)), axes=1) + to_voxel[:3, 3, None, None]
    order = 1 if array.dtype == np.float32 else 0
    return ndimage.map_coordinates(array, where, order=order, mode="grid-constant", prefilter=False)


def _frame(axis, half: np.ndarray) -> None:
    """The brain's box and its letters: where the patient's right and left, front and back are."""
    middle = (SIZE - 1) / 2
    axis.set(xlim=(middle - half[0], middle + half[0]), ylim=(middle + half[1], middle - half[1]), xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    places = ((0.5, 0.97, "center", "top"), (0.5, 0.03, "center", "bottom"))
    places += ((0.03, 0.5, "left", "center"), (0.97, 0.5, "right", "center"))
    for letter, (x, y, across, up) in zip(geometry.EDGES["axial"], places, strict=True):
        _text(axis, x, y, letter, "white", ha=across, va=up, transform=axis.transAxes)


def _outline(axis, labels: np.ndarray) -> None:
    """Findings in a plane, the largest of them with their numbers."""
    there = np.unique(labels[labels > 0]).tolist()
    for k in there:
        axis.contour(labels == k, levels=[0.5], colors=FOUND, linewidths=1.1)
    for k in there[:NAMED]:
        row = np.nonzero((labels == k).any(axis=1))[0][0]  # the number stands on the outline's highest point
        _text(axis, np.nonzero(labels[row] == k)[0].mean(), row - 2, str(k), FOUND, ha="center", va="bottom")


def _text(axis, x: float, y: float, text: str, colour: str, **where) -> None:
    """Letters with a dark edge, readable on any grey."""
    axis.text(
        x, y, text, color=colour, fontsize=10, path_effects=[withStroke(linewidth=2, foreground="black")], **where
    )


def _words(scan: Scan, labels: np.ndarray) -> str:
    """1: 3.2 ml, 4: 0.5 ml, 2 more."""
    there = np.unique(labels[labels > 0]).tolist()
    if not there:
        return "no finding"
    named = ", ".join(f"{_name(scan, k)}: {scan.findings[k - 1].volume_ml:.1f} ml" for k in there[:NAMED])
    return named + (f", {len(there) - NAMED} more" if len(there) > NAMED else "")


def _name(scan: Scan, k: int) -> str:
    return f"{k}*" if scan.strange(scan.findings[k - 1]) else str(k)


def _alt(scan: Scan, heights: list[float], marks: list[np.ndarray]) -> str:
    """What the figure shows, in words."""
    shown = [k for k in np.unique(marks).tolist() if k][:8]
    places = "; ".join(
        f"{k} of {one.volume_ml:.1f} ml at {_point(one.centroid_mm)} mm"
        for k, one in ((k, scan.findings[k - 1]) for k in shown)
    )
    found = f"{len(scan.findings)} findings, here {places}" if shown else "Nothing found"
    levels = ", ".join(str(round(z)) for z in heights)
    return f"Axial slices at z = {levels} mm: the scan, its anomaly map, and the findings outlined. {found}."
