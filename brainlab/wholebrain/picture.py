"""Findings as a picture that a person can read: the scan, its map, and the findings outlined."""

import numpy as np
from matplotlib.patheffects import withStroke
from scipy import ndimage

from brainlab import geometry, planes, plotting, volumes
from brainlab.errors import InputError
from brainlab.wholebrain.scanning import Scan
from brainlab.wholebrain.telling import STRANGE, name, point

SIZE = 208  # px of the figure's planes, 1 mm each
MARGIN_MM = 12  # around the brain in the figure
FOUND = "#4be3a0"  # outlines of findings: neither the truth's blue nor a colour of the overlay
NAMED = 3  # findings that a picture names
ROW = (2.8, 0.3)  # inches: a picture's width, and the title above it


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
    named = ", ".join(f"{name(scan, k)}: {scan.findings[k - 1].volume_ml:.1f} ml" for k in there[:NAMED])
    return named + (f", {len(there) - NAMED} more" if len(there) > NAMED else "")


def _alt(scan: Scan, heights: list[float], marks: list[np.ndarray]) -> str:
    """What the figure shows, in words."""
    shown = [k for k in np.unique(marks).tolist() if k][:8]
    places = "; ".join(
        f"{k} of {one.volume_ml:.1f} ml at {point(one.centroid_mm)} mm"
        for k, one in ((k, scan.findings[k - 1]) for k in shown)
    )
    found = f"{len(scan.findings)} findings, here {places}" if shown else "Nothing found"
    levels = ", ".join(str(round(z)) for z in heights)
    return f"Axial slices at z = {levels} mm: the scan, its anomaly map, and the findings outlined. {found}."
