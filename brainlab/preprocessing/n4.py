"""N4, the shading correction that the field uses, from the optional SimpleITK.

Tustison et al., "N4ITK: improved N3 bias correction", IEEE Trans Med Imaging 29:1310, 2010. It asks for no tissues: it
looks for the smooth field (a B-spline) whose removal makes the histogram's peaks as sharp as they can be.
"""

import numpy as np

from brainlab.errors import InputError
from brainlab.volumes import Volume

SHRINK_MM = 4.0  # the field is found in voxels of at least this width, as its authors advise, and read at full width
ROUNDS = (50, 50, 30, 20)  # at four widths of the spline's mesh, each half of the last; far fewer find half a field


def log_field(volume: Volume, brain: np.ndarray) -> np.ndarray:
    """The logarithm of the field (X, Y, Z) float32 that N4 finds inside ``brain`` (bool)."""
    itk = _simpleitk()
    step = np.linalg.norm(volume.affine[:3, :3], axis=0)
    scan, mask = (itk.GetImageFromArray(one.T) for one in (np.maximum(volume.data, 0), brain.astype(np.uint8)))
    for one in (scan, mask):
        one.SetSpacing(step.tolist())
    shrink = np.maximum(1, np.ceil(SHRINK_MM / step)).astype(int).tolist()
    n4 = itk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(ROUNDS)
    n4.Execute(itk.Shrink(scan, shrink), itk.Shrink(mask, shrink))
    return itk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(scan)).T


def _simpleitk():
    try:
        import SimpleITK
    except ImportError:
        raise InputError(
            "N4 needs SimpleITK, which is not installed: pip install 'brainlab[n4]' (or pip install SimpleITK), or use "
            'method="polynomial".'
        ) from None
    return SimpleITK
