"""Figures that need no browser: growing subjects, loading from the cache, importing."""

import statistics
import subprocess
import sys
import time

Figure = tuple[float, dict[str, float]]


def phantom_subjects_per_s() -> Figure:
    """Subjects grown and rendered (T1w, 2 mm) per second in one process, once the atlas is loaded."""
    from brainlab import phantoms

    def one(seed: int) -> float:
        started = time.perf_counter()
        phantoms.render(phantoms.subject(seed))
        return time.perf_counter() - started

    first = one(0)
    return 1 / statistics.median(one(seed) for seed in range(1, 9)), {"first_subject_s": first}


def cached_load_s() -> Figure:
    """Seconds for ``data.load("phantom", split="test")`` in a fresh process when the split is in the cache."""
    load = """
import time
from brainlab import data
started = time.perf_counter()
slices = data.load("phantom", split="test")
print(time.perf_counter() - started, len(slices))
"""
    fresh(load)  # builds the split where it is not cached yet
    seconds, slices = zip(*(fresh(load) for _ in range(3)), strict=True)
    return statistics.median(seconds), {"cached_load_slices": slices[0]}


def import_vs_torch(pairs: int = 7) -> Figure:
    """Time of ``import brainlab`` over ``import torch``, each in a process of its own, in alternating pairs."""
    timed = "import time; started = time.perf_counter(); import {}; print(time.perf_counter() - started)"
    ours, torchs = ([], [])
    for _ in range(pairs + 1):
        torchs += fresh(timed.format("torch"))
        ours += fresh(timed.format("brainlab"))
    del ours[0], torchs[0]  # these warmed the disk's cache
    ratios = [a / b for a, b in zip(ours, torchs, strict=True)]
    return statistics.median(ratios), {"import_s": statistics.median(ours), "import_torch_s": statistics.median(torchs)}


def paint_answer_ms() -> Figure:
    """Milliseconds from a stroke in the lesion painter to the frame with the answers of its four models, at 64 px."""
    import numpy as np

    from brainlab.widgets import lesion_painter

    state, draw, walls, cpus = lesion_painter().state, np.random.default_rng(0), [], []
    for _ in range(45):
        wall, cpu = time.perf_counter(), time.process_time()
        state.stroke("paint", draw.uniform(60, 140, (3, 2)), True)
        state.frame()
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    return statistics.median(walls[5:]), {"paint_cpu_ms": statistics.median(cpus[5:]), "paint_best_ms": min(walls[5:])}


def fresh(code: str) -> list[float]:
    """The numbers that code prints in a fresh interpreter."""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return [float(word) for word in out.split()]
