"""What training takes of a computer's memory, in processes of their own."""

from tests.benchmarks.speeds import Figure, fresh

# Linux counts in KiB for this process alone; elsewhere there is getrusage, which macOS answers in bytes.
PEAK = """
import sys
from pathlib import Path

def peak_mb():
    if sys.platform == "linux":
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(status["VmHWM"].split()[0]) / 1024
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
"""
TORCH = PEAK + "import torch; print(peak_mb())"
TRAIN = """
import brainlab as bl, torch
from brainlab import data, training
step = training.vae_step(bl.VAE(bl.ModelConfig()))
training.fit(step, data.Batches(torch.rand(4000, 1, 64, 64), 64), steps=60, device="cpu", progress=False)
print(peak_mb())
"""


def train_peak_memory_mb() -> Figure:
    """MiB that a VAE's training on 4,000 slices of 64 px takes at its peak, over what ``import torch`` takes."""
    (torchs,), (trains,) = fresh(TORCH), fresh(PEAK + TRAIN)
    return trains - torchs, {"import_torch_peak_mb": torchs, "images_mb": 4000 * 64 * 64 * 4 / 2**20}
