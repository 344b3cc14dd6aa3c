"""What a scan goes through before a model may see it: each step takes a Volume and returns a new one.

Turn (``volumes.read`` does it; ``as_stored`` shows what if not), ``resample``, ``extract_brain``, ``correct_bias``,
``match_histogram`` (with care) or ``normalise``; ``figure`` draws before and after, ``levels`` the slices that a model
sees, and ``steps`` goes the usual way. Every step keeps ``original``, the file's own grid, so that what a model finds
can be put back (``volumes.to_volume``, ``volumes.save``).
"""

from brainlab.intensity import intensity_range, normalise, rescale
from brainlab.preprocessing.bias import bias_field, correct_bias, shading
from brainlab.preprocessing.chain import Step, steps
from brainlab.preprocessing.extraction import extract_brain
from brainlab.preprocessing.histogram import match_histogram
from brainlab.preprocessing.levels import levels
from brainlab.preprocessing.orientation import as_stored, axes
from brainlab.preprocessing.picture import figure
from brainlab.preprocessing.resampling import resample, resample_mask

__all__ = [
    "Step",
    "as_stored",
    "axes",
    "bias_field",
    "correct_bias",
    "extract_brain",
    "figure",
    "intensity_range",
    "levels",
    "match_histogram",
    "normalise",
    "resample",
    "resample_mask",
    "rescale",
    "shading",
    "steps",
]
