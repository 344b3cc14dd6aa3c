"""Whether a scan still shows a face, by which a person can be recognised without any name."""

import warnings

import numpy as np

from brainlab import brainmask
from brainlab.errors import InputError
from brainlab.volumes import Volume

FACE = (
    "This scan shows a whole head: a face can be rendered from it and recognised, whatever the header says; before you "
    "pass it on, remove the face (pydeface, mri_deface, quickshear, mideface) or the skull (HD-BET, SynthStrip)."
)
SMALLEST_MM = 60.0  # side of what is scanned: less is a slab, in which no face can be made out


def shows_face(volume: Volume) -> bool:
    """Whether a scan shows a whole head and not a brain alone.

    What is looked for is scalp and bone, not nose and eyes: a head that has been defaced is called a head as well.
    """
    sides = np.linalg.norm(volume.affine[:3, :3], axis=0) * volume.data.shape
    if min(sides) < SMALLEST_MM:
        return False
    try:
        brainmask.brain_mask(volume.data, volume.affine)
    except brainmask.WholeHead:
        return True
    except InputError:  # blank, or not of a brain's size
        return False
    return False


def warn_of_face(volume: Volume) -> None:
    """Warn, in one sentence that names the tools to mend it, where a scan shows a whole head."""
    if shows_face(volume):
        warnings.warn(FACE, stacklevel=2)
