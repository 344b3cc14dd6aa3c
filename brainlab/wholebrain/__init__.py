"""A whole brain through a model, level by level: where it is unlike what the model expects, in millilitres and mm.

Every axial level becomes one image; the anomaly maps of all levels are put back into the scan's own voxels, cut at a
threshold, and what hangs together above it (voxels that share a face, an edge or a corner) is one *finding*.

Two things a reader should know. The threshold promises its false-positive rate for people and levels like those it was
taken from: a real scan is not a phantom, and below and above ``geometry.AXIAL_SPAN`` the shipped models have never
seen a slice. And a model of 64 px sees pixels of 3.25 mm: what is smaller than two of them is mostly lost.
"""

from brainlab.wholebrain.picture import figure
from brainlab.wholebrain.scanning import BATCH, Finding, Scan, components, scan
from brainlab.wholebrain.telling import STRANGE, table

__all__ = ["BATCH", "STRANGE", "Finding", "Scan", "components", "figure", "scan", "table"]
