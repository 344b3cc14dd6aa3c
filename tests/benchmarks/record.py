"""The README's tables, written from what was last measured: no number is typed.

``assets/bench.json`` keeps the figures of ``make bench``, ``assets/evaluation.json`` the rows of ``make evaluate``.
"""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import torch

from brainlab import benchmark
from brainlab.evaluate import from_json

CHECKOUT = Path(__file__).resolve().parents[2]
KEPT, README = CHECKOUT / "assets" / "bench.json", CHECKOUT / "README.md"
EVALUATION = CHECKOUT / "assets" / "evaluation.json"
EVALUATED = "<!-- written by make evaluate -->"
BEGIN, END = "<!-- written by make bench -->", "<!-- end -->"
ROWS = {
    "slider_vs_inline": ("drag of a slider to the painted frame, over `@interact` with an inline figure", "≤ 0.4"),
    "drag_fps_ratio": (
        "frames of a dragged slider, in JupyterLab and Chromium, over `@interact` with an inline figure, 128 px",
        "≥ 2.5",
    ),
    "drag_fps_ratio_64": ("the same at 64 px", ""),
    "drag_blank_frames": ("blank frames while it is dragged", "0"),
    "settle_ratio": ("time from letting go to the last frame, over the inline figure's", "≤ 0.5"),
    "import_vs_torch": ("`import brainlab` over `import torch`", "≤ 1.15"),
    "cached_load_s": ("seconds to load 6,400 slices from the cache", "≤ 1"),
    "phantom_subjects_per_s": ("synthetic subjects grown a second, in one process", ""),
    "train_vs_pythae": (
        "images/s of `fit` over pythae's trainer as its README has it, the same networks",
        "≥ 1.2",
    ),
    "train_vs_pythae_no_workers": ("the same with pythae's default, no worker processes", ""),
    "train_vs_pythae_channels_last": ("the same with pythae's model in channels_last too", ""),
    "train_vs_monai": ("images/s of our VAE over MONAI's in a plain loop, parameters within 5 %", "≥ 1"),
    "fit_vs_bare_step": ("images/s of `fit` over forward, backward and Adam alone", "≥ 0.93"),
    "fresh_quality": ("share of four comparisons with pythae's VAE and VAEGAN won beyond the seeds' spread", "1"),
    "fresh_vae_psnr_ahead": ("dB that our VAE rebuilds better after 60 s, less the spread of three seeds", "> 0"),
    "fresh_vae_frechet_ahead": ("Fréchet distance by which its samples are nearer, less that spread", "> 0"),
    "fresh_vaegan_psnr_ahead": ("dB that our VAE-GAN rebuilds better after 240 s, less that spread", "> 0"),
    "fresh_vaegan_frechet_ahead": ("Fréchet distance by which its samples are nearer, less that spread", "> 0"),
    "train_peak_memory_mb": ("MiB that training a VAE on 4,000 slices takes, beyond torch itself", "≤ 700"),
    "wholebrain_s": ("seconds for a volume of 1 mm, level by level, through a DAE of 64 px", "≤ 20"),
    "wholebrain_peak_mb": ("MiB that this takes, beyond torch itself", "≤ 1,500"),
    "stream_peak_mb": ("MiB that streaming 40 volumes of 1 mm as slices takes, beyond torch itself", "≤ 700"),
    "slices_per_s_vs_nibabel": (
        "slices/s from volumes (read, brain, scale, cut) over nibabel's reading alone",
        "≥ 0.7",
    ),
    "paint_answer_ms": ("ms from a stroke to the answers of four models, 64 px, in the lesion painter", "≤ 250"),
}
"""Each figure in words, and the bar that it is held against."""
LEADS = [name for name in ROWS if name.startswith("fresh_") and name.endswith("_ahead")]


def record(figures: Mapping[str, float]) -> None:
    """Keep new figures beside those measured before, with the machine they come from, and write the README's table."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    kept |= {name: {"value": value, "machine": machine()} for name, value in figures.items()}
    if leads := [one for name, one in kept.items() if name in LEADS]:  # some may be of another day than the others
        share = sum(one["value"] > 0 for one in leads) / len(leads)
        kept["fresh_quality"] = {"value": share, "machine": " and ".join(sorted({one["machine"] for one in leads}))}
    KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
    between(BEGIN, table(kept))


def between(begin: str, text: str) -> None:
    """Put ``text`` into the README between a mark and the next end, in place of what is there."""
    before, _, rest = README.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{begin}\n{text}\n{END}{after}", encoding="utf-8")


def evaluation() -> str:
    """The kept rows of every source as Markdown."""
    kept = json.loads(EVALUATION.read_text(encoding="utf-8"))
    return "\n\n".join(benchmark.report(map(from_json, one["rows"]), one["note"]) for one in kept.values())


def table(kept: Mapping[str, Mapping[str, float | str]]) -> str:
    """The figures that have been measured, as Markdown."""
    rows = [
        f"| `{name}` | {what} | {kept[name]['value']:.3g} | {bar} |"
        for name, (what, bar) in ROWS.items()
        if name in kept
    ]
    machines = sorted({one for name in ROWS if name in kept for one in str(kept[name]["machine"]).split(" and ")})
    return "\n".join(
        ["| figure | what | measured | bar |", "|---|---|---|---|", *rows, "", f"On {' and '.join(machines)}."]
    )


def machine() -> str:
    """The processor, its cores, and the versions that speed depends on."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, PyTorch {torch.__version__}"


if __name__ == "__main__":
    between(EVALUATED, evaluation())
