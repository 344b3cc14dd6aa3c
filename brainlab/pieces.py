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
        return _places(self.starts[runs], self.stops[runs])


def pieces(mask: np.ndarray) -> Pieces:
    """The pieces of a boolean volume (X, Y, Z); voxels that share a face are of one piece."""
    starts, stops = _runs(mask)
    width = mask.shape[2] + 1
    plane = width * mask.shape[1]
    last_line = starts % plane >= plane - width  # of its plane: the line after it lies in the next one
    pairs = [_overlaps(starts, stops, plane, np.arange(len(starts)))]
    pairs.append(_overlaps(starts, stops, width, np.flatnonzero(~last_line)))
    count, piece = _connected(np.concatenate(pairs, axis=1), len(starts))
    voxels = np.bincount(piece, stops - starts, minlength=count).astype(np.int64)
    line = starts // width  # each line before it has one gap that the mask has not
    return Pieces(starts - line, stops - line, piece, voxels)


def enclosed(mask: np.ndarray) -> np.ndarray:
    """Flat places of what a boolean volume (X, Y, Z) encloses: the pieces of its outside that reach none of its faces.

    Most runs of the outside reach a face themselves. They count as one, so only the few others are compared.
    """
    starts, stops = _runs(~mask)
    (planes, lines, _), width = mask.shape, mask.shape[2] + 1
    line, plane = starts // width % lines, starts // (width * lines)
    reaches = (starts % width == 0) | (stops % width == width - 1)
    reaches |= (line == 0) | (line == lines - 1) | (plane == 0) | (plane == planes - 1)
    within = np.flatnonzero(~reaches)
    node = np.zeros(len(starts), dtype=np.int64)  # 0: all that reach a face
    node[within] = np.arange(1, len(within) + 1)
    shifts = (width * lines, -width * lines, width, -width)  # to the four lines around, which those within all have
    touching = np.concatenate([_overlaps(starts, stops, shift, within) for shift in shifts], axis=1)
    piece = _connected(node[touching], len(within) + 1)[1]
    holes = within[piece[1:] != piece[0]]
    gaps = starts[holes] // width  # each line before it has one gap that the mask has not
    return _places(starts[holes] - gaps, stops[holes] - gaps)


def _runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First voxel of every run and one beyond its last, as flat places where every line ends in one more voxel, a gap,
    so that no run goes on from line to line."""
    lines = np.zeros((*mask.shape[:-1], mask.shape[-1] + 1), dtype=bool)
    lines[..., :-1] = mask
    flat = lines.reshape(-1)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        edges = np.insert(edges, 0, 0)
    return edges[::2], edges[1::2]


def _places(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Every place from each start to its stop."""
    lengths = stops - starts
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _connected(pairs: np.ndarray, n: int) -> tuple[int, np.ndarray]:
    """How many connected components a graph of ``n`` nodes and some pairs (2, P) has, and which one each is of."""
    graph = sparse.coo_array((np.ones(pairs.shape[1], dtype=np.int8), (pairs[0], pairs[1])), shape=(n, n))
    return sparse.csgraph.connected_components(graph, directed=False)


def _overlaps(starts: np.ndarray, stops: np.ndarray, shift: int, runs: np.ndarray) -> np.ndarray:
    """Pairs (2, P) of the given runs and those that they overlap ``shift`` voxels further on."""
    first = np.searchsorted(stops, starts[runs] + shift, side="right")
    n = np.maximum(np.searchsorted(starts, stops[runs] + shift, side="left") - first, 0)
    before = np.cumsum(n) - n
    return np.stack([np.repeat(runs, n), np.repeat(first - before, n) + np.arange(n.sum())])
