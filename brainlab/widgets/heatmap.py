"""A heat map beside the lesion: the frame around the lesion, and numbers that say how far the map lies in it.

All numbers are of the brain's pixels, and beside the network's map stands one that needs no network.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from brainlab import metrics
from brainlab.anomaly import brightness, darkness
from brainlab.slices import Slices
from brainlab.widgets.frame import to_bytes
from brainlab.widgets.plots import Reading, Readings

SIDE = 256  # px, about: what gets a frame is enlarged to this, so that the frame is thin
Row = tuple[str, str, float | None]  # of a ``frame.Table``


class Framed(NamedTuple):
    """A slice with its lesion framed, enlarged."""

    image: np.ndarray  # (h, w) uint8
    free: np.ndarray  # (h, w) bool, where no frame is


def framed(image: Tensor, mask: Tensor, frame: bool = True) -> Framed:
    """An image (H, W) in [0, 1] with a white and a black line around the mask (H, W) bool, but not in its holes."""
    times = max(1, SIDE // image.shape[-1])
    grey = F.interpolate(image[None, None], scale_factor=times, mode="bilinear")
    filled = torch.from_numpy(ndimage.binary_fill_holes(mask.numpy()))[None, None]
    inside = F.interpolate(filled.float(), scale_factor=times)
    white, black = (F.max_pool2d(inside, 2 * r + 1, 1, r) for r in (1, 2))
    line = frame * (black - inside)
    drawn = torch.where(line > 0, white - inside, grey)
    return Framed(to_bytes(drawn[0, 0].numpy(), (0.0, 1.0)), (line[0, 0] == 0).numpy())


def inside(heat: Tensor, one: Slices) -> list[Row]:
    """How much of a map's mass (1, 1, H, W) lies in the lesion of one slice, and whether its peak does, as rows.

    Beside it: the same of a map without a network, and of an even map, the lesion's share of the brain.
    """
    if not (one.masks & one.brain).any():
        return [("Lesion in this slice", "none", None)]
    name, plain = _plain(one)
    rows: list[Row] = []
    for label, map_ in {"this map": heat * one.brain, name: plain, "even map": one.brain.float()}.items():
        share = float(metrics.mass_share(map_, one.masks))
        known = np.isfinite(share)
        rows.append((f"In lesion: {label}", f"{100 * share:.0f} %" if known else "no map", share if known else None))
    hit = bool(metrics.pointing_hit(heat * one.brain, one.masks))
    return [*rows, ("Peak in lesion", "hit" if hit else "miss", None)]


def overlap(shown: Tensor, one: Slices) -> Readings:
    """Dice of what is coloured for each threshold, of a map (1, 1, H, W) in [0, 1], and the plain map's highest."""
    name, plain = _plain(one)
    each, best, truth = np.full(256, np.nan), np.nan, one.masks & one.brain
    if truth.any():  # else nothing was asked
        levels = torch.from_numpy(to_bytes(shown.numpy(), (0.0, 1.0))) * one.brain
        each = np.array([metrics.dice(levels >= max(k, 1), truth) for k in range(256)])  # as the browser colours it
        best = metrics.oracle_dice(plain, one.masks, one.brain).dice
    rows = [Reading("Coloured part", each), Reading(f"Plain {name} at its best", np.full(256, best))]
    return Readings(np.arange(256) / 255, rows)


def _plain(one: Slices) -> tuple[str, Tensor]:
    """The map without a network: how dark a pixel is on T1w, how bright elsewhere; its name and (1, 1, H, W)."""
    return ("darkness", darkness(one)) if one.contrast in ("T1w", None) else ("brightness", brightness(one))
