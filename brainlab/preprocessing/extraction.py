"""The brain cut out of a whole head, by deepbet, and a look at whether what was cut out can be a brain.

deepbet (Fisch et al., Computers in Biology and Medicine 179:108845, 2024; MIT licence) is two small networks with
their weights in the package. They learnt from T1-weighted scans of healthy adults: for other contrasts, children, and
heads with a large tumour, nobody has shown that they hold, so look at the picture before you believe the mask. Tried
here only on heads made up around stripped brains (no real whole head may be shipped): Dice 0.95 to 0.98 with the
brain, always a few per cent larger than it, for it takes in the fluid around the brain too.
"""

import warnings
from dataclasses import replace

import numpy as np
from nibabel.nifti1 import Nifti1Image
from scipy import ndimage

from brainlab.errors import InputError
from brainlab.preprocessing.resampling import brain_ml
from brainlab.volumes import Volume

LEAST_ML, MOST_ML = 700.0, 2300.0  # smaller or larger is no adult's brain
OTHER_WAYS = "strip the skull outside Python: HD-BET, SynthStrip (mri_synthstrip, any contrast) or FSL's bet"


def extract_brain(volume: Volume) -> Volume:
    """The scan with everything but the brain set to 0; for a T1-weighted whole head.

    Needs the extra ``brainlab[brains]``. ``volumes.brain_mask`` finds the brain in the result. Raises InputError, with
    what to do instead, where deepbet is not installed, and where the outcome is no brain: not 700 to 2,300 ml. Warns
    where it touches the volume's faces: a part of the brain is then outside the picture, or it is not only brain.
    """
    brain = _deepbet(volume)
    ml = brain_ml(brain, volume.affine)
    if not LEAST_ML <= ml <= MOST_ML:
        raise InputError(
            f"What deepbet cut out of {volume.path} is {ml:,.0f} ml, which is no adult's brain: check that it is a "
            f"T1-weighted scan of a whole head, or {OTHER_WAYS}."
        )
    if any(brain.take(end, axis=axis).any() for axis in range(3) for end in (0, -1)):
        warnings.warn(
            f"The brain cut out of {volume.path} touches the edge of the volume; look at it before you use it.",
            stacklevel=2,
        )
    return replace(volume, data=np.where(brain, volume.data, np.float32(0)))


def _deepbet(volume: Volume) -> np.ndarray:
    """The brain (X, Y, Z) bool by deepbet, its holes filled."""
    try:
        from deepbet import BrainExtraction
    except ImportError:
        raise InputError(
            "Cutting a brain out of a whole head needs deepbet, which is not installed: pip install 'brainlab[brains]' "
            f"(T1-weighted scans of healthy adults), or {OTHER_WAYS}."
        ) from None
    try:
        _, mask, _ = BrainExtraction(no_gpu=True).run(Nifti1Image(volume.data, volume.affine))
    except (AssertionError, ValueError) as error:  # it found no foreground at all
        raise InputError(f"deepbet finds no brain in {volume.path} ({error}); {OTHER_WAYS}.") from None
    return np.asarray(ndimage.binary_fill_holes(np.asarray(mask.dataobj) > 0))
