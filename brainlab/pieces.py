"""Connected pieces of a large mask, by its runs: of millions of voxels only tens of thousands of runs are compared.

A run is an unbroken stretch of true voxels along the last axis. Two runs in neighbouring lines touch where they
overlap, so pieces of voxels that share a face are the connected components of that graph: the same as
``scipy.ndimage.label`` finds voxel by voxel, in a fifth of the time for a brain.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse


class Pieces(NamedTuple):
    """The runs of a mask, as places in it when flattened, and which piece each belongs to."""

    starts: np.ndarray  # (R,) the first voxel
    stops: np.ndarray  # (R,) one beyond the last
    piece: np.ndarray  # (R,) from 0
    voxels: np.ndarray  # (pieces,) how many each has

    def where(self, chosen: np.ndarray) -> np.ndarray:
        """Flat places of the voxels of those pieces that are true in ``chosen`` (pieces,)."""
        runs = chosen[self.piece]
        lengths = (self.stops - self.starts)[runs]
        before = np.cumsum(lengths) - lengths
        return np.repeat(self.starts[runs] - before, lengths) + np.arange(lengths.sum())


def pieces(mask: np.ndarray) -> Pieces:
    """The pieces of a boolean volume (X, Y, Z); voxels that share a face are of one piece."""
    lines = np.zeros((*mask.shape[:-1], mask.shape[-1] + 1), dtype=bool)  # a gap at the end of every line
    lines[..., :-1] = mask
    flat = lines.reshape(-1)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        edges = np.insert(edges, 0, 0)
    starts, stops = edges[::2], edges[1::2]
    width = lines.shape[-1]
    plane = width * mask.shape[1]
    last_line = starts % plane >= plane - width  # of its plane: the line after it lies in the next one
    pairs = [_overlaps(starts, stops, plane, np.arange(len(starts)))]
    pairs.append(_overlaps(starts, stops, width, np.flatnonzero(~last_line)))
    one, other = np.concatenate(pairs, axis=1)
    graph = sparse.coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(len(starts), len(starts)))
    count, piece = sparse.csgraph.connected_components(graph, directed=False)
    voxels = np.bincount(piece, stops - starts, minlength=count).astype(np.int64)
    line = starts // width  # each line before it has one gap that the mask has not
    return Pieces(starts - line, stops - line, piece, voxels)


def _overlaps(starts: np.ndarray, stops: np.ndarray, shift: int, runs: np.ndarray) -> np.ndarray:
    """Pairs (2, P) of the given runs and those that they overlap ``shift`` voxels further on."""
    first = np.searchsorted(stops, starts[runs] + shift, side="right")
    n = np.maximum(np.searchsorted(starts, stops[runs] + shift, side="left") - first, 0)
    before = np.cumsum(n) - n
    return np.stack([np.repeat(runs, n), np.repeat(first - before, n) + np.arange(n.sum())])
