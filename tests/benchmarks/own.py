"""What a folder of one's own volumes takes: memory while it streams past, and time beside merely reading it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.memory import PEAK, TORCH
from tests.benchmarks.speeds import Figure, fresh

STREAM = """
import sys
from brainlab import data
print(sum(len(one) for one in data.stream({folder!r}, size=64)), peak_mb())
"""
BESIDE = """
import time
from pathlib import Path
import brainlab as bl, nibabel as nib, numpy as np
from brainlab import data
def theirs():
    for path in sorted(Path({folder!r}).iterdir()):
        np.asanyarray(nib.load(path).dataobj).astype(np.float32)
def ours():
    assert sum(len(one) for one in data.stream({folder!r}, size=64)) == {slices}
def seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
theirs(), ours()  # the disk's cache, and what is imported on first use
pairs = [(seconds(theirs), seconds(ours)) for _ in range(3)]
ratio, a, b = sorted((a / b, a, b) for a, b in pairs)[1]
print(ratio, {slices} / b, {slices} / a)
"""


@contextmanager
def _folder(volumes: int, distinct: int = 4) -> Iterator[str]:
    """A folder of skull-stripped T1w volumes of 1 mm as float32 in .nii.gz: a phantom, shifted, with noise anew."""
    import nibabel as nib
    import numpy as np

    from brainlab import phantoms

    subject = phantoms.subject(0, spacing_mm=1.0)
    brain = phantoms.render(subject, "T1w").numpy()
    with tempfile.TemporaryDirectory() as folder:
        for k in range(volumes):
            path = Path(folder) / f"p{k:03d}_T1w.nii.gz"
            if k >= distinct:
                shutil.copy(Path(folder) / f"p{k % distinct:03d}_T1w.nii.gz", path)
                continue
            noise = np.random.default_rng(k).normal(0, 0.005, brain.shape).astype(np.float32)
            values = np.where(brain > 0, np.maximum(brain + noise, 1e-3), 0)
            nib.save(nib.Nifti1Image(np.roll(values, k, axis=1), subject.affine), path)
        yield folder


def stream_peak_mb(volumes: int = 40) -> Figure:
    """MiB that streaming 40 volumes of 1 mm takes at its peak, over what ``import torch`` takes; and that of 10."""
    with _folder(volumes) as folder:
        (torchs,) = fresh(TORCH)
        slices, peak = fresh(PEAK + STREAM.format(folder=folder))
    with _folder(volumes // 4) as folder:
        _, fewer = fresh(PEAK + STREAM.format(folder=folder))
    return peak - torchs, {"stream_slices": slices, "stream_quarter_peak_mb": fewer - torchs}


def slices_per_s_vs_nibabel(volumes: int = 6) -> Figure:
    """Our slices a second (read, find the brain, scale, cut) over nibabel's, if reading alone gave as many."""
    with _folder(volumes) as folder:
        ratio, ours, theirs = fresh(BESIDE.format(folder=folder, slices=16 * volumes))
    return ratio, {"slices_per_s": ours, "slices_per_s_nibabel": theirs}
