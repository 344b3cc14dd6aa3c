"""Rows as Markdown that a person reads, and as JSON."""

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np

from brainlab.benchmark.measures import CHANCE, Row

SEED = re.compile(r", seed \d+$")
NAMES = {
    CHANCE: "chance: the share of the brain that is lesion",
    "brightness": "intensity threshold: brightness itself",
    "darkness": "intensity threshold: darkness itself",
    "brightness and rim": "brightness itself, rim of the brain scored too",
    "darkness and rim": "darkness itself, rim of the brain scored too",
    "|z|": "z-score of each pixel, all levels together",
    "|z| per level": "z-score of each pixel, by level",
    "ae": "autoencoder",
    "ae-spatial": "spatial autoencoder",
    "vae": "VAE",
    "vae-flair": "VAE",
    "dae": "denoising autoencoder",
    "dae-flair": "denoising autoencoder",
    "dae and rim": "denoising autoencoder, rim of the brain scored too",
    "dae-flair and rim": "denoising autoencoder, rim of the brain scored too",
    "vaegan": "VAE-GAN",
    "fanogan": "f-AnoGAN",
    "healthy twin": "not a method: the residual of a perfect reconstruction",
    "healthy twin and rim": "not a method: the same, rim of the brain scored too",
    "vae anomaly_map": "VAE: \\|x − x̂\\|",
    "vae squared": "VAE: (x − x̂)²",
    "vae dissimilarity": "VAE: 1 − SSIM(x, x̂)",
    "vae kl_gradient": "VAE: \\|∂KL/∂x\\|",
    "vae combined": "VAE: \\|x − x̂\\| × smooth \\|∂KL/∂x\\|",
    "vae restoration": "VAE: restoration",
    "vaegan anomaly_map": "VAE-GAN: \\|x − x̂\\|",
    "vaegan feature_residual": "VAE-GAN: features of its discriminator",
    "gan inversion_map": "GAN: inversion",
    "fanogan anomaly_map": "f-AnoGAN: \\|x − x̂\\|",
    "fanogan feature_residual": "f-AnoGAN: features of its discriminator",
    "dae anomaly_map": "denoising autoencoder: \\|x − x̂\\|",
    "dae dissimilarity": "denoising autoencoder: 1 − SSIM(x, x̂)",
}
COLUMNS = {"ap": "AP", "dice_1fpr": "Dice at 1 % FPR"}


def over_seeds(rows: Iterable[Row]) -> list[Row]:
    """Rows of one method under several seeds as one: their mean value, from the lowest low to the highest high."""
    groups: dict[tuple[str, str, str, str, str], list[Row]] = {}
    for row in rows:
        key = (row.source, SEED.sub("", row.method), row.contrast, row.size, row.metric)
        groups.setdefault(key, []).append(row)
    return [
        Row(*key, float(np.mean([r.value for r in some])), _least(some), _most(some)) for key, some in groups.items()
    ]


def _least(rows: Sequence[Row]) -> float:
    return min(r.low for r in rows) if not any(math.isnan(r.low) for r in rows) else math.nan


def _most(rows: Sequence[Row]) -> float:
    return max(r.high for r in rows) if not any(math.isnan(r.high) for r in rows) else math.nan


def report(rows: Iterable[Row], note: str = "") -> str:
    """One source's rows as Markdown: a line a method, the plain threshold first and chance last.

    For each contrast of lesions the average precision and the Dice at a threshold from healthy people. The other
    measures are in the rows themselves; ``brainlab evaluate --json`` prints them all.
    """
    there = over_seeds(rows)
    at = {(r.method, r.contrast, r.metric): r for r in there if r.size == "all"}
    shown = dict.fromkeys(r.method for r in there if r.metric in COLUMNS)
    methods = sorted(shown, key=lambda name: 2 * (name == CHANCE) + NAMES.get(name, "").startswith("not a"))
    levels = list(dict.fromkeys(r.contrast for r in there if r.contrast != "healthy"))
    columns = {(level, metric): f"{name}, {level}" for metric, name in COLUMNS.items() for level in levels}
    lines = [
        f"**{there[0].source}**",
        "",
        f"| method | {' | '.join(columns.values())} |",
        "|---|" + "---|" * len(columns),
    ]
    for method in methods:
        cells = [_cell(at.get((method, level, metric))) for level, metric in columns]
        lines.append(f"| {NAMES.get(method, method)} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", note]).strip()


def _cell(row: Row | None) -> str:
    if row is None or math.isnan(row.value):
        return ""
    return f"{row.value:.3f}" + ("" if math.isnan(row.low) else f" ({row.low:.3f}–{row.high:.3f})")
