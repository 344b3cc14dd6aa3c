"""A painting on healthy slices: strokes, lesions dropped in, the way back, and the mask of what was changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from brainlab import insertion
from brainlab.errors import InputError
from brainlab.slices import Slices

VISIBLE = 0.1
"""The truth is where painting has changed a pixel of the brain by at least so much: a third of what parts grey from
white matter on T1w. A softer rim, or paint that comes out as bright as what it covers, is nobody's to find."""
STEPS = 30  # that can be undone, on each slice


@dataclass
class Stroke:
    """A stroke under way: it may come in parts, and goes over no pixel twice."""

    base: Tensor  # (1, H, W) the picture that it began on
    paint: Tensor  # (1, H, W) the slice, were all of it painted
    share: Tensor  # (1, H, W) of the paint in each pixel so far, 0 to 1
    radius: float  # px
    softness: float
    kept: bool = False  # whether it is a step that can be undone


class Painting:
    """Slices as they were and as they are painted; each keeps its own steps. ``index`` is a slice's place in them."""

    def __init__(self, slices: Slices) -> None:
        self.slices = slices
        self._pages: dict[int, list[Tensor]] = {}  # slice: its pictures (1, H, W), step by step
        self._stroke: Stroke | None = None

    def image(self, index: int) -> Tensor:
        """A slice (1, H, W) with all that was painted on it; a new tensor after every change."""
        return self._page(index)[-1]

    def mask(self, index: int) -> Tensor:
        """The truth (1, H, W) bool: where the brain was changed by ``VISIBLE`` or more."""
        return ((self.image(index) - self.slices.images[index]).abs() >= VISIBLE) & self.slices.brain[index]

    def touched(self, index: int) -> bool:
        """Whether anything differs from the slice as it was."""
        return not torch.equal(self.image(index), self.slices.images[index])

    def steps(self, index: int) -> int:
        """How many steps can be undone."""
        return len(self._page(index)) - 1

    def begin(self, index: int, level: float, radius: float, softness: float) -> None:
        """Take up the brush: ``level`` is how much brighter than the tissue around, 0 rubs out; ``radius`` in px."""
        image, brain = self.slices.images[index], self.slices.brain[index]
        # As if all of the brain were lesion: a stroke takes its share of that, so texture stays and edges are soft.
        paint = insertion.paint(image, brain, brain, level).image if level else image
        self._stroke = Stroke(self.image(index), paint, torch.zeros_like(image), radius, softness)

    @property
    def under_way(self) -> bool:
        """Whether ``draw`` has a stroke to go on with."""
        return self._stroke is not None

    def draw(self, index: int, points: np.ndarray) -> bool:
        """Go on along ``points`` (N, 2), (x, y) in px; False while the whole stroke lies outside the brain."""
        if self._stroke is None:
            raise InputError("No stroke is under way: begin one.")
        now = self._stroke
        share = brushed(now.share.shape, points, now.radius, now.softness) * self.slices.brain[index]
        now.share = torch.maximum(now.share, share)
        picture = torch.lerp(now.base, now.paint, now.share)
        if now.kept:
            self._page(index)[-1] = picture
        elif not torch.equal(picture, now.base):
            self._keep(index, picture)
            now.kept = True
        return bool(now.share.any())

    def lift(self) -> None:
        """The stroke is over."""
        self._stroke = None

    def drop(self, index: int, kind: str, seed: int, level: float) -> None:
        """Put in a lesion of a kind, see ``insertion.insert``, ``level`` brighter than the tissue around."""
        self.lift()
        if not level:
            raise InputError("At intensity 0 a lesion is as bright as what it covers: choose darker or brighter.")
        self._keep(index, insertion.insert(self.image(index), self.slices.brain[index], kind, seed, level).image)

    def undo(self, index: int) -> None:
        """One step back; nothing happens where there is none."""
        self.lift()
        if self.steps(index):
            self._page(index).pop()

    def clear(self, index: int) -> None:
        """The slice as it was: a step too, which can be undone."""
        self.lift()
        if self.touched(index):
            self._keep(index, self.slices.images[index])

    def as_slices(self) -> Slices:
        """All slices with something to find, visit and label "painted"; InputError where there is none."""
        where = [i for i in sorted(self._pages) if self.mask(i).any()]
        if not where:
            raise InputError("Nothing visible is painted yet: paint on a slice, or drop a lesion, then ask again.")
        images, masks = (torch.stack([one(i) for i in where]) for one in (self.image, self.mask))
        said = ("painted",) * len(where)
        return replace(self.slices[where], images=images, masks=masks, labels=said, visit=said)

    def _page(self, index: int) -> list[Tensor]:
        return self._pages.setdefault(index, [self.slices.images[index]])

    def _keep(self, index: int, picture: Tensor) -> None:
        self._page(index).append(picture)
        del self._page(index)[: -STEPS - 1]


def brushed(shape: Sequence[int], points: np.ndarray, radius: float, softness: float) -> Tensor:
    """How much paint, 0 to 1, a round brush drawn along ``points`` (N, 2) leaves in each pixel (1, H, W).

    (x, y), ``radius`` and the distance from the line are in pixels. Paint is full up to ``radius`` × (1 − ``softness``)
    and fades to nothing at ``radius``; over a pixel at least, half of it beyond.
    """
    row, column = np.mgrid[: shape[-2], : shape[-1]]
    away = np.full(row.shape, np.inf)
    for (x0, y0), (x1, y1) in zip(points, np.concatenate([points[1:], points[-1:]]), strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = (((column - x0) * dx + (row - y0) * dy) / max(dx * dx + dy * dy, 1e-9)).clip(0, 1)
        away = np.minimum(away, np.hypot(column - x0 - along * dx, row - y0 - along * dy))
    middle, width = radius * (1 - softness / 2), max(radius * softness, 1.0)
    return torch.from_numpy((0.5 + (middle - away) / width).clip(0, 1).astype(np.float32))[None]
