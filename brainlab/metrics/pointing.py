"""Whether a heat map points at the lesion: for maps that were never meant to be its outline.

Both judge each slice alone. Beside a share stands what a map without an idea would have: the lesion's share of the
brain.
"""

import torch
from torch import Tensor

from brainlab.errors import InputError
from brainlab.metrics.checks import boolean, same_shape


def mass_share(maps: Tensor, mask: Tensor) -> Tensor:
    """Σ map inside the mask / Σ map, (N,), of maps ≥ 0 (N, 1, H, W); nan where a map is 0 all over.

    The energy-based pointing game (Wang et al. 2020, CVPR workshops, "Score-CAM"): 1 if all of the map lies inside.
    """
    _check(maps, mask)
    if (maps < 0).any():
        raise InputError("A share of mass needs maps that are nowhere below 0: take what speaks for the class.")
    return (maps * mask).flatten(1).sum(1) / maps.flatten(1).sum(1)


def pointing_hit(maps: Tensor, mask: Tensor) -> Tensor:
    """Whether the map's largest value lies inside the mask, (N,) bool (Zhang et al. 2018, IJCV 126:1084).

    Where several are largest, the first counts; a map that is the same all over hits nothing.
    """
    _check(maps, mask)
    flat = maps.flatten(1)
    return mask.flatten(1).gather(1, flat.argmax(1, keepdim=True))[:, 0] & (flat.amax(1) > flat.amin(1))


def _check(maps: Tensor, mask: Tensor) -> None:
    same_shape(maps, mask)
    boolean("A pointing game", mask=mask)
    if not torch.isfinite(maps).all():
        raise InputError("A heat map must be finite; some of its numbers are NaN or infinite: look at the model first.")
