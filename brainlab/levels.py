"""Many axial levels of one scan at once: the same images as ``planes.plane`` gives one by one, at a fraction of the
cost, for what they share is made once and nothing is scaled but the layers that they lie in.
"""

import numpy as np
import torch
from torch import Tensor

from brainlab import planes
from brainlab.intensity import Range, rescale


def cut(
    data: np.ndarray, brain: np.ndarray, affine: np.ndarray, scale: Range, heights: np.ndarray, size: int, centre
) -> tuple[Tensor, Tensor]:
    """Images (N, 1, size, size) float32 on ``scale``, 0 outside the brain, and the brain in them, bool.

    ``data`` and ``brain`` are (X, Y, Z), ``affine`` leads from their voxels to world mm, ``heights`` (N,) are mm and
    ``centre`` (at least x and y, mm) comes to lie in the middle.
    """
    planes.plane(brain[:1, :1, :1], affine, size=size)  # says so where no picture can be of that size
    one_by_one = not planes._is_straight(affine, data.shape)
    images, inside = (_oblique if one_by_one else _upright)(data, brain, affine, scale, heights, size, centre)
    return torch.from_numpy(images)[:, None], torch.from_numpy(inside >= 0.5)[:, None]


def _upright(data, brain, affine, scale: Range, heights, size: int, centre) -> tuple[np.ndarray, np.ndarray]:
    """As ``planes`` cuts one level; its matrices are the same for all of them, and are made here once."""
    rows, columns = (
        torch.from_numpy(planes._weights(data.shape[a], affine[a, a], affine[a, 3], size, centre[a])) for a in (1, 0)
    )
    images, inside = (np.empty((len(heights), size, size), dtype=np.float32) for _ in range(2))
    for n, z in enumerate(heights):
        index = (z - affine[2, 3]) / affine[2, 2]
        first = max(int(np.floor(index)), 0)
        layers = slice(first, first + 2)
        region = np.ascontiguousarray(brain[:, :, layers])
        scaled = rescale(np.ascontiguousarray(data[:, :, layers]), region, scale)
        for volume, out in ((scaled, images), (region, inside)):
            slab = torch.from_numpy(planes._between(volume, 2, index - first))
            out[n] = (rows @ slab.T @ columns.T).numpy()
    return images, inside


def _oblique(data, brain, affine, scale: Range, heights, size: int, centre) -> tuple[np.ndarray, np.ndarray]:
    where = [(*centre[:2], z) for z in heights]
    scaled = rescale(data, brain, scale)
    images, inside = (
        np.stack([planes._oblique_cut(one, affine, "axial", size, np.array(at, dtype=float)) for at in where])
        for one in (scaled, brain)
    )
    return images, inside
