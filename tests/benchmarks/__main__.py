"""Measure what the kit promises: ``python -m tests.benchmarks`` ends with one JSON object of plain numbers.

Words go to standard error. Name some figures to measure only those: ``python -m tests.benchmarks import_vs_torch``.
Those that take most of an hour are measured only when named. ``--record`` keeps the figures for the README's table.
"""

import json
import sys

from tests.benchmarks import drag, fresh_quality, memory, own, record, sliders, speeds, training, wholebrain

FIGURES = {
    "slider_vs_inline": sliders.measure,
    "drag_fps_ratio": drag.measure,
    "phantom_subjects_per_s": speeds.phantom_subjects_per_s,
    "cached_load_s": speeds.cached_load_s,
    "import_vs_torch": speeds.import_vs_torch,
    "paint_answer_ms": speeds.paint_answer_ms,
    "train_vs_pythae": training.train_vs_pythae,
    "train_vs_monai": training.train_vs_monai,
    "fit_vs_bare_step": training.fit_vs_bare_step,
    "train_peak_memory_mb": memory.train_peak_memory_mb,
    "wholebrain_s": wholebrain.wholebrain_s,
    "stream_peak_mb": own.stream_peak_mb,
    "slices_per_s_vs_nibabel": own.slices_per_s_vs_nibabel,
}
LONG = {
    "fresh_quality": fresh_quality.measure,
    "fresh_vae": lambda: fresh_quality.measure({"vae": fresh_quality.BUDGETS["vae"]}),  # the closest of its comparisons
}


def main(names: list[str], keep: bool = False) -> None:
    """Measure the named figures, or all but the long ones: what is promised stands first, what explains it follows."""
    promised, more = {}, {}
    if unknown := set(names) - (FIGURES | LONG).keys():
        raise SystemExit(f"There is no figure {', '.join(sorted(unknown))}: choose from {', '.join(FIGURES | LONG)}.")
    for name in names or FIGURES:
        figure, details = (FIGURES | LONG)[name]()
        promised[name] = round(figure, 4)
        more |= {key: round(value, 4) for key, value in details.items()}
        print(f"{name}: {figure:.4g} {details}", file=sys.stderr, flush=True)
    if keep:
        record.record(promised | more)
    print(json.dumps(promised | more))


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if name != "--record"], keep="--record" in sys.argv)
