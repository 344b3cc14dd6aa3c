"""A brain in three planes with one crosshair through them all, and a lesion or an anomaly map laid over it."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets

from brainlab import geometry
from brainlab.errors import InputError
from brainlab.planes import plane
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture, to_bytes
from brainlab.widgets.parts import Slider, brain_panel

if TYPE_CHECKING:
    from brainlab.phantoms import Subject
    from brainlab.volumes import Volume

SIZE = 208  # px, so 1 mm each
DIRECTIONS = (("right", "left"), ("anterior", "posterior"), ("superior", "inferior"))


class Grid(NamedTuple):
    """A volume and where it lies in the world."""

    data: np.ndarray  # (X, Y, Z), RAS+
    affine: np.ndarray  # (4, 4) to world mm

    def at(self, point_mm: tuple[float, float, float]) -> float | None:
        """Value of the voxel around a world point, None outside the volume."""
        voxel = np.linalg.solve(self.affine, [*point_mm, 1.0])[:3].round().astype(int)
        if (voxel < 0).any() or (voxel >= self.data.shape).any():
            return None
        return float(self.data[tuple(voxel)])


class VolumeViewerState(traitlets.HasTraits):
    """A crosshair in world millimetres; ``frame`` cuts the three planes through it, only those that moved anew."""

    x = traitlets.Float(0.0)  # grows to the patient's right
    y = traitlets.Float(0.0)  # to anterior
    z = traitlets.Float(0.0)  # to superior

    def __init__(self, volume: Grid, overlay: Grid | None = None, centre_mm=None) -> None:
        """``overlay``: bool (a mask) or float (a map). ``centre_mm`` (3,) is the middle of the field of view."""
        super().__init__()
        self.volume, self.overlay = volume, overlay
        self.centre_mm = _middle(volume) if centre_mm is None else np.asarray(centre_mm, dtype=float)
        self.span = _span(volume.data)
        self.overlay_span = (0.0, 1.0) if overlay is None or overlay.data.dtype == bool else _span(overlay.data, 0.0)
        self._cut: dict[str, tuple[float, Picture]] = {}  # plane: position and picture
        start = self.centre_mm if overlay is None else _peak(overlay, otherwise=self.centre_mm)
        with self.hold_trait_notifications():
            self.x, self.y, self.z = (float(round(one)) for one in start)

    def picture(self, name: geometry.Plane) -> Picture:
        """One plane through the crosshair; cut anew only if the crosshair left it."""
        position = (self.x, self.y, self.z)[geometry.PLANES[name].through]
        if name not in self._cut or self._cut[name][0] != position:
            image = to_bytes(self._plane(self.volume, name, position), self.span)
            over = None
            if self.overlay is not None:
                over = to_bytes(self._plane(self.overlay, name, position), self.overlay_span)
            self._cut[name] = (position, Picture(image, self.span, over, self.overlay_span))
        return self._cut[name][1]

    def frame(self) -> Frame:
        """Three planes and where the crosshair stands."""
        return Frame({name: self.picture(name) for name in geometry.PLANES}, self.readout(), spoken=self._spoken())

    def readout(self) -> str:
        """Position and values under the crosshair, in words."""
        point = (self.x, self.y, self.z)
        value, over = self.volume.at(point), self.overlay and self.overlay.at(point)
        words = f"Crosshair {', '.join(self._spoken().values())}: "
        words += "outside the volume." if value is None else f"intensity {_short(value)}."
        if self.overlay is not None and over is not None:
            marked = "inside the mask" if over else "outside the mask"
            words += f" Overlay: {marked if self.overlay.data.dtype == bool else _short(over)}."
        return words

    def _spoken(self) -> dict[str, str]:
        directions = zip("xyz", (self.x, self.y, self.z), DIRECTIONS, strict=True)
        return {
            name: f"{abs(mm):.0f} mm {positive if mm >= 0 else negative}"
            for name, mm, (positive, negative) in directions
        }

    def _plane(self, grid: Grid, name: geometry.Plane, position: float) -> np.ndarray:
        return plane(grid.data, grid.affine, name, position, SIZE, self.centre_mm)


def volume_viewer(
    volume: "Volume | Subject | np.ndarray",
    overlay: Any = None,
    *,
    affine: np.ndarray | None = None,
    title: str = "Brain in three planes",
    caption: str | None = None,
) -> Canvas:
    """Show a volume in three planes; ``canvas.state`` is the ``VolumeViewerState``.

    ``volume``: a ``volumes.Volume``, a phantom ``Subject`` (shown as T1w) or an array (X, Y, Z) in RAS+ with its
    ``affine`` (4, 4). ``overlay``: a mask (0 and 1) or a map ≥ 0, on the volume's grid or a ``Volume`` of its own. The
    crosshair starts in the overlay's strongest plane, else in the middle. Raises InputError where shapes disagree.
    """
    base = _grid(volume, affine)
    top = None if overlay is None else _grid(overlay, base.affine)
    if top is not None and np.isin(top.data, (0, 1)).all() and top.data.any():  # of zeros alone it may be a map
        top = Grid(top.data.astype(bool), top.affine)  # a mask, as it comes from a file
    if top is not None and not hasattr(overlay, "affine") and top.data.shape != base.data.shape:
        raise InputError(f"overlay has shape {top.data.shape} and volume {base.data.shape}; give both the same grid.")
    state = VolumeViewerState(base, top)
    mask = top is not None and top.data.dtype == bool
    panels = [
        brain_panel(name, SIZE, state.centre_mm, overlay_colours="amber" if mask else "inferno")
        for name in geometry.PLANES
    ]
    about = getattr(volume, "about", None)
    synthetic = hasattr(volume, "tissues") or (about is not None and about.synthetic)
    kind = "Synthetic brain. " if synthetic else "Real scan. " if about is not None else ""
    return Canvas(
        state,
        panels,
        [_slider(i, state) for i in range(3)],
        title=title,
        caption=f"{kind}For teaching, not for clinical use." if caption is None else caption,
        display=("window", *(() if top is None else ("opacity",) if mask else ("opacity", "threshold")), "zoom"),
        look={"low": state.span[0], "high": state.span[1], "threshold": 0.5 if mask else 0.25 * state.overlay_span[1]},
    )


def _slider(axis: int, state: VolumeViewerState) -> Slider:
    """Whole millimetres through the field of view, as far as the volume reaches, and at least one."""
    positive, negative = DIRECTIONS[axis]
    half = geometry.FIELD_OF_VIEW_MM / 2 - 0.5
    ends = np.array(
        [[i * (n - 1) for i, n in zip(corner, state.volume.data.shape, strict=True)] for corner in np.ndindex(2, 2, 2)]
    )
    world = (ends @ state.volume.affine[:3, :3].T + state.volume.affine[:3, 3])[:, axis]
    low = np.ceil(max(world.min(), state.centre_mm[axis] - half))
    high = np.floor(min(world.max(), state.centre_mm[axis] + half))
    if low >= high:  # a volume thinner than that
        low, high = np.floor(world.min()), np.floor(world.min()) + 1
    return Slider("xyz"[axis], f"{'xyz'[axis]}: {negative} to {positive}", float(low), float(high), 1.0, "mm")


def _grid(volume: Any, affine: np.ndarray | None) -> Grid:
    """Whatever holds a volume as array and affine."""
    if hasattr(volume, "tissues"):
        from brainlab import phantoms

        return Grid(phantoms.render(volume).numpy(), np.asarray(volume.affine, dtype=float))
    data, affine = getattr(volume, "data", volume), getattr(volume, "affine", affine)
    data = volume if isinstance(volume, np.ndarray) else data
    data = np.asarray(data)
    if data.ndim != 3 or affine is None:
        raise InputError(f"A volume is an array (X, Y, Z) with affine=…, or a volumes.Volume; got shape {data.shape}.")
    return Grid(data if data.dtype == bool else data.astype(np.float32, copy=False), np.asarray(affine, dtype=float))


def _span(data: np.ndarray, low: float | None = None) -> tuple[float, float]:
    """What black and white stand for: [0, 1] for a normalised volume, else its 0.1st to 99.9th percentile."""
    finite = data[np.isfinite(data)]
    if low is None and finite.size and finite.min() >= 0 and 0.3 < finite.max() <= 1:
        return 0.0, 1.0
    bottom, top = np.percentile(finite, [0.1, 99.9]) if finite.size else (0.0, 1.0)
    bottom = bottom if low is None else low
    top = top if top > bottom else float(finite.max(initial=bottom + 1e-6))
    return float(bottom), float(max(top, bottom + 1e-6))


def _short(value: float) -> str:
    """Three figures, and no exponent: 0.53, 1250."""
    if not np.isfinite(value):
        return "no value"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


def _middle(volume: Grid) -> np.ndarray:
    """Middle of the head's box, so that whole millimetres are pixel centres; of the grid where nothing is bright."""
    head = volume.data > 0.1 * np.nanmax(volume.data, initial=0)
    centre = geometry.bounding_box_centre(head if head.any() else np.ones_like(head), volume.affine)
    return np.floor(centre) + 0.5


def _peak(overlay: Grid, otherwise: np.ndarray) -> np.ndarray:
    """World mm of the voxel where the overlay's three strongest planes meet; ``otherwise`` where it shows nothing."""
    data = np.where(np.isfinite(overlay.data), overlay.data, 0).astype(np.float32)
    if not data.any():
        return otherwise
    voxel = [int(data.sum(axis=others).argmax()) for others in ((1, 2), (0, 2), (0, 1))]
    return (overlay.affine @ [*voxel, 1.0])[:3]
