"""The command behind every published number: each experiment has a file of its own and returns plain numbers."""

import argparse
import json
import os
from pathlib import Path

from brainlab import realism
from brainlab.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``brainlab evaluate``."""
    parser.add_argument(
        "--realism", action="store_true", help="what a model trained on phantoms is worth on real brains"
    )
    parser.add_argument(
        "--data", metavar="DIR", help="the folder oasis_t1_slices; default: the one in $BRAINLAB_REAL_DATA"
    )
    parser.add_argument("--steps", type=int, default=1200, help="training steps of each model (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which phantoms, which lesions, which first weights")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Compute what was asked for and print it; 0 when done."""
    if not arguments.realism:
        raise InputError("Say what to evaluate: brainlab evaluate --realism.")
    if arguments.steps < 1:
        raise InputError(f"--steps must be at least 1, got {arguments.steps}.")
    named = os.environ.get("BRAINLAB_REAL_DATA")
    folder = arguments.data or (Path(named) / "oasis_t1_slices" if named else None)
    if folder is None:
        raise InputError("Real slices are needed: give their folder with --data DIR, or set BRAINLAB_REAL_DATA.")
    result = realism.realism(folder, steps=arguments.steps, seed=arguments.seed, progress=not arguments.json)
    print(json.dumps(result, indent=2) if arguments.json else realism.report(result))
    return 0
