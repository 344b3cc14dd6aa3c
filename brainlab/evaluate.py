"""The command behind every published number: who finds which lesions, and what phantoms teach of real brains."""

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from brainlab import benchmark, realism
from brainlab.anomaly import Score
from brainlab.benchmark import Row, cohorts, methods, scores
from brainlab.errors import InputError

RIM = re.compile(
    r"^(brightness|darkness|dae(?:-flair)?|healthy twin)(?=$|,)"
)  # whose rim is scored in a row of its own
FEW = 12  # people of the test to whom scores are put that descend for each slice anew
SEEDS = 3
"""Networks trained from scratch for a phantom: one alone says little of the method."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``brainlab evaluate``."""
    parser.add_argument(
        "sources", nargs="*", metavar="source", help=f"{', '.join(SOURCES)} or all (default: phantom-t1w, in minutes)"
    )
    parser.add_argument(
        "--realism", action="store_true", help="instead: what a model trained on phantoms is worth on real brains"
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="the folder with oasis_t1_slices and ms_lesions_mni; default: the one in $BRAINLAB_REAL_DATA",
    )
    parser.add_argument(
        "--steps", type=int, default=1200, help="with --realism: training steps of each model (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="which first weights and which lesions in real slices")
    parser.add_argument("--json", action="store_true", help="print every measure as JSON; notes go to stderr")
    parser.add_argument("--keep", metavar="FILE", help="put the rows into this JSON file as well")


def run(arguments: argparse.Namespace) -> int:
    """Compute what was asked for and print it; 0 when done."""
    if arguments.realism:
        if arguments.sources or arguments.keep:
            raise InputError("--realism is an evaluation of its own: leave out the sources and --keep.")
        return _realism(arguments)
    names = list(dict.fromkeys(arguments.sources or ["phantom-t1w"]))
    names = list(SOURCES) if "all" in names else names
    for name in names:
        if name not in SOURCES:
            raise InputError(f"There is no source called {name!r}: choose from {', '.join(SOURCES)}, or all.")
    needed = {name: _data(name, arguments.data) for name in names}  # before the first minutes go by
    if arguments.keep and not Path(arguments.keep).absolute().parent.is_dir():
        raise InputError(f"--keep {arguments.keep}: its folder does not exist; make it first.")
    everything: list[Row] = []
    for name in names:
        rows, note = SOURCES[name](needed[name], arguments.seed, not arguments.json)
        everything += rows
        if arguments.keep:
            keep(rows, note, Path(arguments.keep))
        if arguments.json:  # the rows alone go to stdout: what is said of them must not be lost
            print(f"{rows[0].source}: {note}", file=sys.stderr, flush=True)
        else:
            print(benchmark.report(rows, note) + "\n", flush=True)
    if arguments.json:
        print(json.dumps([as_json(row) for row in everything], indent=1))
    return 0


def phantom_t1w(_: Path | None, seed: int, progress: bool) -> tuple[list[Row], str]:
    """The shipped weights on synthetic T1w slices."""
    cohort = cohorts.phantom("T1w")
    _say("Measuring shipped weights on synthetic T1w slices…", progress)
    return _measured(cohort, methods.shipped("T1w")), cohort.note


def scores_t1w(_: Path | None, seed: int, progress: bool) -> tuple[list[Row], str]:
    """Other scores of the shipped weights on synthetic T1w slices of some of the people tested."""
    everyone = cohorts.phantom("T1w")
    cohort = cohorts.few(everyone, FEW)._replace(source=f"{everyone.source}, other scores")
    _say(f"Measuring {FEW} people: restoration and inversion take some ten minutes…", progress)
    rows = benchmark.rows(cohort, methods.untrained(cohort.train) | scores.pixelwise() | methods.perfect(cohort.test))
    slicewise = benchmark.slice_rows(cohort, scores.slicewise())
    return rows + slicewise, f"{cohort.note} {scores.said(len(set(everyone.test.subjects)), FEW, rows + slicewise)}"


def phantom_flair(_: Path | None, seed: int, progress: bool) -> tuple[list[Row], str]:
    """Networks trained from scratch under several seeds on synthetic FLAIR slices."""
    cohort = cohorts.phantom("FLAIR")
    _say(cohort.note, progress)  # before the first training
    some = {name: methods.TRAINED[name] for name in ("vae", "dae", "vaegan")}
    seeds = tuple(range(seed, seed + SEEDS))
    scores, seconds = methods.trained(cohort.train, some, seeds, progress)
    rows = _measured(cohort, scores)
    return [
        *rows,
        *_seconds(cohort.source, seconds),
    ], f"{cohort.note} {SEEDS} networks in a row that has any; {_took(seconds)}"


def real_t1w(folder: Path | None, seed: int, progress: bool) -> tuple[list[Row], str]:
    """Networks trained on real healthy slices, on people held out, with lesions put in."""
    cohort = cohorts.real((folder or Path()) / "oasis_t1_slices", (folder or Path()) / "ms_lesions_mni", seed)
    _say(cohort.note, progress)
    scores, seconds = methods.trained(cohort.train, methods.TRAINED, (seed,), progress)
    rows = _measured(cohort, scores)
    return [
        *rows,
        *_seconds(cohort.source, seconds),
    ], f"{cohort.note} One network in a row that has any; {_took(seconds)}"


def real_flair(folder: Path | None, seed: int, progress: bool) -> tuple[list[Row], str]:
    """The shipped weights on two patients' own plaques."""
    cohort = cohorts.patients((folder or Path()) / "ms_lesions_mni")
    return _measured(cohort, methods.shipped("FLAIR")), cohort.note


Run = Callable[[Path | None, int, bool], tuple[list[Row], str]]
SOURCES: dict[str, Run] = {
    "phantom-t1w": phantom_t1w,
    "scores-t1w": scores_t1w,
    "phantom-flair": phantom_flair,
    "real-t1w": real_t1w,
    "real-flair": real_flair,
}
"""What ``brainlab evaluate`` can be asked for."""
NEEDS = {"real-t1w": ("oasis_t1_slices", "ms_lesions_mni"), "real-flair": ("ms_lesions_mni",)}


def keep(rows: list[Row], note: str, path: Path) -> None:
    """Put one source's rows, and what is said of them, into a JSON file in place of what it had of that source."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept[rows[0].source] = {"note": note, "rows": [as_json(row) for row in rows]}
    sources = [
        f'{json.dumps(name)}: {{"note": {json.dumps(one["note"])}, "rows": [\n'
        + ",\n".join(json.dumps(row) for row in one["rows"])
        + "]}"
        for name, one in sorted(kept.items())
    ]
    path.write_text("{\n" + ",\n".join(sources) + "\n}\n", encoding="utf-8")


def as_json(row: Row) -> dict[str, Any]:
    """A row as JSON knows it, which has no nan; five digits are more than an interval is worth."""
    values = {name: None if math.isnan(v) else round(v, 5) for name, v in row._asdict().items() if type(v) is float}
    return row._asdict() | values


def from_json(one: Mapping[str, Any]) -> Row:
    """The row that ``as_json`` wrote."""
    words = (one["source"], one["method"], one["contrast"], one["size"], one["metric"])
    return Row(*words, *(math.nan if one[name] is None else one[name] for name in ("value", "low", "high")))


def _measured(cohort: benchmark.Cohort, networks: dict[str, Score]) -> list[Row]:
    """The rows without a network, the networks', a perfect one's, and the strongest with the rim scored as well."""
    scores = methods.untrained(cohort.train) | networks | methods.perfect(cohort.test)
    everyone = benchmark.rows(cohort, scores)
    strong = {RIM.sub(r"\1 and rim", name): score for name, score in scores.items() if RIM.match(name)}
    again = benchmark.rows(cohort, strong, clean=benchmark.with_rim)
    return everyone + [row for row in again if row.method in strong]


def _seconds(source: str, seconds: dict[str, float]) -> list[Row]:
    return [
        Row(source, name, "healthy", "all", "train_s", value, math.nan, math.nan) for name, value in seconds.items()
    ]


def _took(seconds: dict[str, float]) -> str:
    """The longest training of each method, in words."""
    longest: dict[str, float] = {}
    for name, value in seconds.items():
        family = name.partition(",")[0]
        longest[family] = max(value, longest.get(family, 0.0))
    return "trained in at most " + ", ".join(f"{value:.0f} s ({name})" for name, value in longest.items()) + "."


def _say(words: str, progress: bool) -> None:
    if progress:
        print(words, file=sys.stderr, flush=True)


def _data(name: str, given: str | None) -> Path | None:
    """The folder with all that a source needs, None where it needs nothing."""
    if name not in NEEDS:
        return None
    named = given or os.environ.get("BRAINLAB_REAL_DATA")
    if named is None:
        raise InputError(
            f"{name} needs real images: give the folder of {' and '.join(NEEDS[name])} with --data DIR, "
            "or set BRAINLAB_REAL_DATA."
        )
    for part in NEEDS[name]:
        if not (Path(named) / part).is_dir():
            raise InputError(f"{name} needs the folder {part} in {named}, and it is not there.")
    return Path(named)


def _realism(arguments: argparse.Namespace) -> int:
    if arguments.steps < 1:
        raise InputError(f"--steps must be at least 1, got {arguments.steps}.")
    named = arguments.data or os.environ.get("BRAINLAB_REAL_DATA")
    if named is None:
        raise InputError("Real slices are needed: give their folder with --data DIR, or set BRAINLAB_REAL_DATA.")
    folder = Path(named) if (Path(named) / "index.csv").exists() else Path(named) / "oasis_t1_slices"
    result = realism.realism(folder, steps=arguments.steps, seed=arguments.seed, progress=not arguments.json)
    print(json.dumps(result, indent=2) if arguments.json else realism.report(result))
    return 0
