"""Before and after, side by side: the same planes, the same window, and what changed."""

from collections.abc import Sequence

import numpy as np
from matplotlib.patheffects import withStroke

from brainlab import geometry, planes, plotting
from brainlab.errors import InputError
from brainlab.preprocessing.orientation import bright, middle
from brainlab.volumes import Volume

PX = 256  # of a plane's side
MARGIN_MM = 14  # black around the head, for the letters
INCHES = 2.5  # of a plane's side
SHOWN = ("difference", "histogram")
COLOURS = {"before": "#d55e00", "after": "#0072b2"}  # apart for the colour-blind too
WIDTHS = {"before": {"linewidth": 3, "alpha": 0.5}, "after": {"linewidth": 1.2}}  # both are seen where they coincide
PLACES = ((0.5, 0.97, "center", "top"), (0.5, 0.03, "center", "bottom"))
PLACES += ((0.03, 0.5, "left", "center"), (0.97, 0.5, "right", "center"))  # of geometry.EDGES' letters


def figure(
    before: Volume,
    after: Volume,
    *,
    title: str = "",
    show: Sequence[str] = ("difference",),
    same_window: bool = True,
    centre_mm=None,
    sure_of_sides: tuple[bool, bool] = (True, True),
    alt: str = "",
) -> plotting.Figure:
    """Axial, coronal and sagittal planes of a scan ``before`` and ``after`` a step, through one world point.

    ``centre_mm`` (3,) is that point, by default the middle of the head in ``after``. Both are drawn in one window
    (black 0, white percentile 99.5 of ``before``'s tissue), or with ``same_window=False`` each in its own, with its
    numbers beside it. ``show`` adds a row "difference" (after − before, green where brighter), a panel "histogram" of
    both, or neither. Radiological: the patient's left (L) is on the right. ``sure_of_sides`` says of each whether its
    letters can be believed; else they are drawn with a question mark. ``alt`` adds to the alternative text.
    """
    if unknown := set(show) - set(SHOWN):
        raise InputError(f"show is of {', '.join(SHOWN)}; got {', '.join(sorted(unknown))}.")
    centre = np.asarray(middle(after) if centre_mm is None else centre_mm, dtype=float)
    half = np.maximum(reach_mm(before, centre), reach_mm(after, centre))
    cuts = {name: _cuts(one, centre, half) for name, one in (("before", before), ("after", after))}
    white = {name: _white(one.data) for name, one in (("before", before), ("after", after))}
    if same_window:
        white["after"] = white["before"]
    drawn, axes, below = _panels(half, show)
    for line, (name, images), sure in zip(axes, cuts.items(), sure_of_sides, strict=False):
        for axis, plane, image in zip(line, geometry.PLANES, images, strict=True):
            draw(axis, image, plane, half, sure=sure, vmin=0, vmax=white[name])
        line[0].set_ylabel(f"{name}\nwindow 0 to {white[name]:.3g}", fontsize=9)
    for axis, plane in zip(axes[0], geometry.PLANES, strict=True):
        axis.set_title(where(plane, centre), fontsize=9)
    if "difference" in show:
        _difference(drawn, axes[2], cuts, half)
    if below is not None:
        _histogram(below, before.data, after.data, same_window)
    drawn.suptitle(title, fontsize=11)
    words = ", ".join(where(plane, centre) for plane in geometry.PLANES)
    drawn.supxlabel("Radiological: the patient's left (L) is on the right.", fontsize=8, color="0.35")
    drawn.alt = f"{title + ': ' if title else ''}{words}, before (above) and after. {_alt_of(show)}{alt}".strip()
    return drawn


def reach_mm(volume: Volume, centre: np.ndarray) -> np.ndarray:
    """How far (3,) the scan reaches from ``centre`` along each world axis, where it is not dark; with a margin."""
    box = geometry.bounding_box(bright(volume.data), volume.affine)
    return np.abs(box - centre).max(axis=0) + MARGIN_MM


def view(volume: Volume, plane: geometry.Plane, position_mm: float, centre: np.ndarray, half: np.ndarray) -> np.ndarray:
    """One plane (PX, PX) that holds ``half`` mm to each side: as ``planes.plane``, whose view is 208 mm wide.

    A head is larger than a brain; so the world is shrunk until the head fits.
    """
    shrink = geometry.FIELD_OF_VIEW_MM / field_mm(half)
    affine = np.diag([shrink, shrink, shrink, 1.0]) @ volume.affine
    return planes.plane(volume.data, affine, plane, position_mm * shrink, PX, centre * shrink)


def field_mm(half: np.ndarray) -> float:
    """Width in mm of a square that holds ``half`` mm to each side."""
    return 2 * float(max(half))


def draw(axis, image: np.ndarray, plane: geometry.Plane, half: np.ndarray, sure: bool = True, **style) -> None:
    """A plane with its letters, cropped to ``half`` mm; one unit of the axes is a millimetre from the middle."""
    rows, columns, _ = geometry.PLANES[plane]
    side = field_mm(half) / 2
    style = {"cmap": "gray", **style}
    axis.imshow(image, extent=(-side, side, -side, side), interpolation="bilinear", **style)
    axis.set(xlim=(-half[columns], half[columns]), ylim=(-half[rows], half[rows]), xticks=[], yticks=[])
    axis.set_facecolor("black")
    axis.spines[:].set_visible(False)
    for letter, (x, y, across, up) in zip(geometry.EDGES[plane], PLACES, strict=True):
        text = axis.text(
            x,
            y,
            letter if sure else f"{letter}?",
            color="white",
            fontsize=10,
            fontweight="bold",
            ha=across,
            va=up,
            transform=axis.transAxes,
        )
        text.set_path_effects([withStroke(linewidth=2, foreground="black")])


def _panels(half: np.ndarray, show: Sequence[str]):
    """The figure, its rows of three planes, and the panel below them, or None."""
    wide = [half[axes.columns] for axes in geometry.PLANES.values()]
    tall = max(half[axes.rows] for axes in geometry.PLANES.values())
    scale = INCHES / max(wide)
    n = 2 + ("difference" in show)
    heights = [2 * 0.5 * tall * scale] * n + [1.5] * ("histogram" in show)
    size = (sum(wide) * scale + 1.2, sum(heights) + 0.9)
    drawn = plotting.Figure(figsize=size, layout="constrained")
    grid = drawn.add_gridspec(len(heights), 3, height_ratios=heights, width_ratios=wide)
    axes = [[drawn.add_subplot(grid[row, column]) for column in range(3)] for row in range(n)]
    return drawn, axes, drawn.add_subplot(grid[n, :]) if "histogram" in show else None


def _cuts(volume: Volume, centre: np.ndarray, half: np.ndarray) -> list[np.ndarray]:
    return [view(volume, name, centre[axes.through], centre, half) for name, axes in geometry.PLANES.items()]


def _white(data: np.ndarray) -> float:
    """The intensity drawn white: percentile 99.5 of what is not dark."""
    tissue = data[data > 0.1 * np.percentile(data, 99.5)]
    return float(np.percentile(tissue, 99.5)) if tissue.size else 1.0


def _difference(drawn: plotting.Figure, line, cuts: dict[str, list[np.ndarray]], half: np.ndarray) -> None:
    """A row of after − before with its scale."""
    changes = [after - before for before, after in zip(cuts["before"], cuts["after"], strict=True)]
    reach = float(np.percentile(np.abs(np.stack(changes)), 99.8)) or 1.0
    for axis, plane, change in zip(line, geometry.PLANES, changes, strict=True):
        draw(axis, change, plane, half, cmap="BrBG", vmin=-reach, vmax=reach)
    line[0].set_ylabel("after − before", fontsize=9)
    drawn.colorbar(line[-1].images[0], ax=line, shrink=0.8, aspect=15).ax.tick_params(labelsize=8)


def _histogram(axis, before: np.ndarray, after: np.ndarray, same_axis: bool) -> None:
    """Both scans' intensities; on one axis, or, where their units differ, each on its own."""
    top = max(_white(before), _white(after)) * 1.1
    for name, data in (("before", before), ("after", after)):
        one = axis if same_axis or name == "before" else axis.twiny()
        top = top if same_axis else _white(data) * 1.1
        values = data[(data > 0.02 * top) & (data < top)]
        weights = np.full(values.size, 1 / max(values.size, 1))  # shares, whatever the unit: a density's would differ
        one.hist(
            values, bins=160, range=(0, top), histtype="step", color=COLOURS[name], weights=weights, **WIDTHS[name]
        )
        one.set_xlabel("intensity" if same_axis else f"intensity {name}", fontsize=9, color=_ink(name, same_axis))
        one.set_xlim(0, top)
        one.tick_params(labelsize=8)
    axis.set(yticks=[], ylabel="share of voxels")
    handles = [axis.plot([], [], color=colour, label=name)[0] for name, colour in COLOURS.items()]
    axis.legend(handles=handles, frameon=False, fontsize=8, loc="upper left")
    axis.spines[["top", "right"]].set_visible(False)


def _ink(name: str, same_axis: bool) -> str:
    return "0.2" if same_axis else COLOURS[name]


def where(plane: geometry.Plane, centre: np.ndarray) -> str:
    """The plane's name and position, for its title."""
    through = geometry.PLANES[plane].through
    return f"{plane}, {'xyz'[through]} = {round(centre[through])} mm".replace("-", "−")


def _alt_of(show: Sequence[str]) -> str:
    words = {"difference": "Below, after minus before. ", "histogram": "At the bottom, the histograms of both. "}
    return "".join(words[one] for one in show)
