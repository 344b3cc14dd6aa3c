"""One scan's intensities moved onto another's, so that equal numbers mean equal tissue, or at least equal rank."""

from dataclasses import replace

import numpy as np

from brainlab.intensity import intensity_range
from brainlab.volumes import Volume

LANDMARKS = np.linspace(1, 99, 99)  # percentiles that are laid on each other; between them it is linear


def match_histogram(volume: Volume, brain: np.ndarray, like: Volume, like_brain: np.ndarray) -> Volume:
    """The scan with its percentiles 1 to 99 inside ``brain`` moved onto those of ``like``; outside the brain 0.

    Beyond the two ends it goes on in a straight line, so what is brighter than all tissue stays so. Both must be of the
    same contrast. (The idea: Nyúl, Udupa and Zhang, IEEE Trans Med Imaging 19:143, 2000, with fewer landmarks.)

    **What it does to lesions.** It lays rank on rank and knows nothing of tissue. If a lesion fills the brightest 5 %
    of the brain, it is given the intensities of the brightest 5 % of a healthy one, and has lost its contrast; if it is
    dark, the tissue beside it is shifted instead. The larger the lesion, the more. So never match a patient to a
    healthy person and then look for what is unusual: ``normalise``, which moves two percentiles only, is safer.
    Raises InputError for masks of another shape, without a brain, or a scan of one intensity.
    """
    for one, mask in ((volume, brain), (like, like_brain)):
        intensity_range(one.data, mask)  # says what is wrong with a mask or a scan
    inside = np.asarray(brain, dtype=bool)
    own = np.percentile(volume.data[inside], LANDMARKS)
    wanted = np.percentile(like.data[np.asarray(like_brain, dtype=bool)], LANDMARKS)
    own, first = np.unique(own, return_index=True)  # a whole-number scan has the same value at many percentiles
    wanted = wanted[first]
    values = volume.data[inside]
    slope = (wanted[-1] - wanted[0]) / (own[-1] - own[0])
    beyond = slope * (values - np.clip(values, own[0], own[-1]))
    matched = np.zeros(volume.data.shape, dtype=np.float32)
    matched[inside] = np.interp(values, own, wanted) + beyond
    return replace(volume, data=matched)
