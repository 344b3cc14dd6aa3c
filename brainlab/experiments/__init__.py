"""Experiments that a lesson calls in one line: each makes one pitfall of anomaly detection happen, in seconds.

Every one returns plain numbers, and draws them with ``.figure()``. They look for lesions in the ``dev`` split only, in
every second of its people: enough to see the pitfall, not to rank methods. All follows from one seed. For teaching.
"""

from brainlab.experiments.bottleneck import LatentSize, latent_size
from brainlab.experiments.contaminated import Contamination, contamination
from brainlab.experiments.isointense import ContrastSweep, contrast_sweep
from brainlab.experiments.leaking import Leakage, leakage
from brainlab.experiments.likeness import ReconstructionVsDetection, reconstruction_vs_detection
from brainlab.experiments.rarity import Rarity, auroc_vs_ap
from brainlab.experiments.rim import Erosion, erosion
from brainlab.experiments.shift import DomainShift, domain_shift
from brainlab.experiments.thresholds import OracleVsHealthy, oracle_vs_healthy

__all__ = [
    "Contamination",
    "ContrastSweep",
    "DomainShift",
    "Erosion",
    "LatentSize",
    "Leakage",
    "OracleVsHealthy",
    "Rarity",
    "ReconstructionVsDetection",
    "auroc_vs_ap",
    "contamination",
    "contrast_sweep",
    "domain_shift",
    "erosion",
    "latent_size",
    "leakage",
    "oracle_vs_healthy",
    "reconstruction_vs_detection",
]
