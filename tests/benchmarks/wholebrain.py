"""What a whole volume's way through a model takes, in a process of its own."""

import tempfile
from pathlib import Path

from tests.benchmarks.memory import PEAK, TORCH
from tests.benchmarks.speeds import Figure, fresh

SCAN = """
import sys, time
import brainlab as bl
from brainlab import checkpoints, volumes, wholebrain
started, used = time.perf_counter(), time.process_time()
scan = wholebrain.scan(volumes.read({path!r}), checkpoints.load("dae"), threshold=0.1)
seconds, processor, peak = time.perf_counter() - started, time.process_time() - used, peak_mb()
assert scan.map.shape == (181, 217, 181)
wholebrain.figure(scan).savefig({path!r} + ".png", dpi=100)
print(seconds, processor, peak, time.perf_counter() - started - seconds, len(scan.slices), len(scan.findings))
"""


def wholebrain_s() -> Figure:
    """Seconds to read a T1w volume of 1 mm, send every level through the DAE of 64 px and find what is unlike it.

    Beside it what that takes of memory at its peak, in MiB over what ``import torch`` takes, the processor's seconds
    over all cores, and the figure's seconds.
    """
    import nibabel as nib

    from brainlab import phantoms

    subject = phantoms.subject(0, spacing_mm=1.0)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "head_T1w.nii.gz")
        nib.save(nib.Nifti1Image(phantoms.render(subject, "T1w").numpy(), subject.affine), path)
        (torchs,) = fresh(TORCH)
        runs = sorted(fresh(PEAK + SCAN.format(path=path)) for _ in range(3))
    seconds, processor, peak, figure, levels, findings = runs[1]  # the median run
    return seconds, {
        "wholebrain_peak_mb": peak - torchs,
        "wholebrain_processor_s": processor,
        "wholebrain_figure_s": figure,
        "wholebrain_slices": levels,
        "wholebrain_findings": findings,
    }
