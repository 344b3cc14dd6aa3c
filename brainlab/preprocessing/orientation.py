"""Which way a file's axes run, and the picture that a program would draw that does not ask.

``volumes.read`` has turned every scan already (to RAS+), so in this kit there is nothing to do; what could have gone
wrong is shown by undoing it.
"""

from dataclasses import replace

import numpy as np
from nibabel.orientations import aff2axcodes, apply_orientation, inv_ornt_aff, io_orientation, ornt_transform

from brainlab import geometry
from brainlab.volumes import Volume

RAS = np.array([[0, 1], [1, 1], [2, 1]])  # nibabel's way to write an orientation: axis, direction
BRIGHT_SHARE = 0.15  # of a bright voxel's intensity (percentile 99); what is darker is air, bone or nothing


def axes(affine: np.ndarray) -> str:
    """Where a grid's three axes run to, as in "RAS": to the patient's right, to anterior and to superior."""
    return "".join(str(one) for one in aff2axcodes(affine))


def as_stored(volume: Volume) -> Volume:
    """The scan as it lies in its file, with an affine that believes its axes to run to right, anterior and superior.

    For looking at only: its world is wrong on purpose, unless the file was RAS+ anyway. It is what a program draws that
    ignores the header: brains on their side, noses down, and, worst because it looks right, left and right exchanged.
    The middle of the head stays where it is, so that both can be drawn side by side.
    """
    back = ornt_transform(RAS, io_orientation(volume.original.affine))
    data = np.ascontiguousarray(apply_orientation(volume.data, back))
    steps = np.linalg.norm((volume.affine @ inv_ornt_aff(back, volume.data.shape))[:3, :3], axis=0)
    naive = np.diag([*steps, 1.0])
    naive[:3, 3] = middle(volume) - geometry.bounding_box_centre(bright(data), naive)
    return replace(volume, data=data, affine=naive)


def middle(volume: Volume) -> np.ndarray:
    """World mm (3,) of the middle of what is bright: of the brain, or of the head where the skull is still there."""
    return geometry.bounding_box_centre(bright(volume.data), volume.affine)


def bright(data: np.ndarray) -> np.ndarray:
    """Voxels that are not dark (X, Y, Z) bool; all, where that leaves none."""
    seen = data[data > data.min()]
    bright = data > BRIGHT_SHARE * np.percentile(seen, 99) if seen.size else np.ones(data.shape, dtype=bool)
    return bright if bright.any() else np.ones(data.shape, dtype=bool)
