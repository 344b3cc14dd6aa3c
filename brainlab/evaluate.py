"""The command behind every published number: each experiment is a function that returns plain numbers.

``realism`` asks what a model trained on phantoms is worth on a real brain. One small denoising autoencoder learns from
phantom slices, a twin of it from real healthy ones, in as many steps; both then look for lesions inserted into real
slices of people whom neither has seen.

    transfer_ratio = mean over dark and bright lesions of AP(phantom → real) / AP(real → real)

1 would mean that phantoms teach as much as people do. Real brains enter as the judge only: nothing in the phantoms is
fitted to them. Read it with care: the inserted lesions are brighter or darker than most healthy tissue, so this is an
easy test. Without cortical folds of their own, mere warps of the atlas have reached as high a ratio, and a plain
threshold finds the bright lesions better than either model. A high ratio is needed, and does not yet prove realism.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import anomaly, data, fields, geometry, insertion, metrics, phantoms, planes, training
from brainlab.errors import InputError
from brainlab.intensity import normalise
from brainlab.models.config import ModelConfig
from brainlab.models.denoising import DenoisingAutoencoder
from brainlab.slices import Slices
from brainlab.sources import images

SIZE = 64
LEVELS = tuple(
    str(level) for level in range(1, 33, 2)
)  # every second of the 32 levels: 16 slices a subject, as in phantoms
TEST_EVERY = 2  # of those, every second is tested: neighbouring slices are all but copies
BATCH = 16
LESIONS = ("tumour", "ms", "infarct")
CONTRASTS = ("hypo", "hyper")
FIRST_SEED = 900_000_000  # phantoms grown for this experiment are in no split of data.load


class Patients(NamedTuple):
    """Real slices with lesions inserted."""

    images: Tensor  # (N, 1, H, W)
    masks: Tensor
    brain: Tensor
    subjects: tuple[str, ...]


def realism(
    folder: str | Path, *, steps: int = 1200, subjects: int = 60, seed: int = 0, draws: int = 100, progress: bool = True
) -> dict[str, Any]:
    """What phantoms teach of real brains: ``transfer_ratio`` and all that is needed to judge it, as plain numbers.

    ``folder`` holds ``oasis_t1_slices`` (index.csv with class, subject and level). ``subjects`` healthy people and as
    many phantoms train, 20 other healthy people are tested; ``seed`` draws the phantoms, the lesions and the networks'
    first weights. Intervals are 95 %, by ``draws`` bootstraps over the tested subjects. Every model runs on one thread,
    so the same seed gives the same numbers on any number of cores.
    """
    began = time.perf_counter()
    real = images.load(folder, SIZE, where={"class": ["healthy"], "level": LEVELS})
    train, test = split(real, subjects, 20)
    heights = np.unique(real.position_mm)
    phantom = phantom_slices(range(FIRST_SEED + 1000 * seed, FIRST_SEED + 1000 * seed + subjects), heights)
    models = _twins(phantom, {"x": train.images, "brain": train.brain}, steps, seed, progress)
    sick = {contrast: patients(test, contrast, seed) for contrast in CONTRASTS}
    return {
        **_summary(models, sick, draws),
        "subjects": {"phantom": subjects, "real": len(set(train.subjects)), "test": len(set(test.subjects))},
        "slices": {"phantom": len(phantom["x"]), "real": len(train), "test": len(test)},
        "steps": steps,
        "batch": BATCH,
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
    }


def split(real: Slices, train: int, test: int) -> tuple[Slices, Slices]:
    """The first ``train`` subjects, and the last ``test`` (of these every second slice).

    Not drawn anew by the seed: the last twenty are the judge, so nobody who works on the phantoms may look at them.
    """
    names = sorted(set(real.subjects))
    if len(names) < train + test:
        raise InputError(
            f"The folder has {len(names)} healthy subjects; {train} to train and {test} to test are needed."
        )
    owner = np.array(real.subjects)
    tested = real[np.isin(owner, names[-test:])]
    seen = np.unique(real.position_mm)[::TEST_EVERY]
    return real[np.isin(owner, names[:train])], tested[np.isin(tested.position_mm, seen)]


def phantom_slices(seeds: range, heights: np.ndarray) -> dict[str, Tensor]:
    """Healthy T1-weighted phantoms cut at the heights of the real slices and, like these, each slice scaled on its
    own."""

    def cut(seed: int) -> tuple[Tensor, Tensor]:
        subject = phantoms.subject(seed)
        centre = geometry.bounding_box_centre(subject.brain.numpy(), subject.affine)
        seen, brain = (
            planes.axial(volume, subject.affine, heights, SIZE, centre).numpy()
            for volume in (phantoms.render(subject, "T1w"), subject.brain)
        )
        scaled = np.stack([normalise(x, b) for x, b in zip(seen, brain >= 0.5, strict=True)])
        return torch.from_numpy(scaled), torch.from_numpy(brain >= 0.5)

    with fields.one_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        x, brain = zip(*pool.map(cut, seeds), strict=True)
    return {"x": torch.cat(x), "brain": torch.cat(brain)}


def patients(healthy: Slices, contrast: str, seed: int) -> Patients:
    """Each healthy slice with one lesion in it: tumour, plaques and infarct in turn."""
    sick = [
        insertion.insert(x, brain, LESIONS[i % 3], seed * len(healthy) + i, contrast)
        for i, (x, brain) in enumerate(zip(healthy.images, healthy.brain, strict=True))
    ]
    return Patients(
        torch.stack([s.image for s in sick]), torch.stack([s.mask for s in sick]), healthy.brain, healthy.subjects
    )


def _twins(
    phantom: dict[str, Tensor], real: dict[str, Tensor], steps: int, seed: int, progress: bool
) -> dict[str, DenoisingAutoencoder]:
    """Two networks of the same first weights and the same noise, trained side by side, a core each."""

    def train(model: DenoisingAutoencoder, slices: dict[str, Tensor]) -> DenoisingAutoencoder:
        step = training.dae_step(model, seed=seed)
        training.fit(step, data.Batches(slices, BATCH, seed), steps=steps, progress=progress)
        return model

    with fields.one_thread(), ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(train, _untrained(seed), slices) for slices in (phantom, real)]
        return {"phantom": jobs[0].result(), "real": jobs[1].result()}


def _untrained(seed: int) -> DenoisingAutoencoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DenoisingAutoencoder(ModelConfig(image_size=SIZE))


def _summary(models: dict[str, DenoisingAutoencoder], sick: dict[str, Patients], draws: int) -> dict[str, Any]:
    """Average precision of every row, their ratio, and chance, each with its interval over subjects."""
    ap = {contrast: _rows(models, patients, contrast) for contrast, patients in sick.items()}

    def ratio(index: np.ndarray) -> float:
        return float(np.mean([rows["phantom"](index) / rows["real"](index) for rows in ap.values()]))

    def interval(statistic: Callable[[np.ndarray], float]) -> dict[str, float]:
        return metrics.bootstrap(statistic, sick["hypo"].subjects, draws)._asdict()

    return {
        "transfer_ratio": interval(ratio),
        "average_precision": {c: {row: interval(one) for row, one in rows.items()} for c, rows in ap.items()},
        "prevalence": {c: metrics.prevalence(patients.masks, patients.brain) for c, patients in sick.items()},
    }


def _rows(
    models: dict[str, DenoisingAutoencoder], sick: Patients, contrast: str
) -> dict[str, Callable[[np.ndarray], float]]:
    """Average precision, as a function of which slices count, of each model and of brightness (or darkness) itself.

    All are cleaned alike. Every row is asked for the same draws more than once, so answers are kept.
    """
    maps = {name: anomaly.anomaly_map(model, sick.images, sick.brain) for name, model in models.items()}
    maps["intensity"] = (sick.images if contrast == "hyper" else 1 - sick.images) * sick.brain

    def measure(scores: Tensor) -> Callable[[np.ndarray], float]:
        @cache
        def ap(key: bytes) -> float:
            i = torch.from_numpy(np.frombuffer(key, dtype=np.int64).copy())
            return metrics.average_precision(scores[i], sick.masks[i], sick.brain[i])

        return lambda index: ap(index.astype(np.int64).tobytes())

    return {name: measure(anomaly.clean(scores, sick.brain)) for name, scores in maps.items()}


def realism_report(result: dict[str, Any]) -> str:
    """The numbers of ``realism`` as Markdown."""
    ap, people, chance = result["average_precision"], result["subjects"], result["prevalence"]
    rows = {
        f"trained on {people['phantom']} phantoms": [_interval(ap[c]["phantom"]) for c in ap],
        f"trained on {people['real']} people": [_interval(ap[c]["real"]) for c in ap],
        "no model: brightness, or darkness, itself": [_interval(ap[c]["intensity"]) for c in ap],
        "chance: share of brain pixels that are lesion": [f"{chance[c]:.3f}" for c in ap],
    }
    lines = [
        f"transfer_ratio **{_interval(result['transfer_ratio'])}**: what a denoising autoencoder that has only seen "
        "phantoms is worth on real brains, beside one that has seen real ones.",
        "",
        "| average precision on real slices | " + " | ".join(f"{c}-intense lesions" for c in ap) + " |",
        "|---|" + "---|" * len(ap),
        *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()),
        "",
        f"{people['test']} tested people, {result['slices']['test']} slices; {result['steps']} steps of "
        f"{result['batch']} slices; seed {result['seed']}; 95 % intervals over tested people; "
        f"{result['seconds']:.0f} s. For teaching, not for clinical use.",
        "",
        "An easy test: mere warps of the atlas have reached as high a ratio. A high one is needed, and proves little.",
    ]
    return "\n".join(lines)


def _interval(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f}–{value['high']:.3f})"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``brainlab evaluate``."""
    parser.add_argument(
        "--realism", action="store_true", help="what a model trained on phantoms is worth on real brains"
    )
    parser.add_argument(
        "--data", metavar="DIR", help="the folder oasis_t1_slices; default: the one in $BRAINLAB_REAL_DATA"
    )
    parser.add_argument("--steps", type=int, default=1200, help="training steps of each model (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="who is tested, which phantoms, which lesions")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of Markdown")


def run(arguments: argparse.Namespace) -> int:
    """Compute what was asked for and print it; 0 when done."""
    if not arguments.realism:
        raise InputError("Say what to evaluate: brainlab evaluate --realism.")
    named = os.environ.get("BRAINLAB_REAL_DATA")
    folder = arguments.data or (Path(named) / "oasis_t1_slices" if named else None)
    if folder is None:
        raise InputError("Real slices are needed: give their folder with --data DIR, or set BRAINLAB_REAL_DATA.")
    result = realism(folder, steps=arguments.steps, seed=arguments.seed, progress=not arguments.json)
    print(json.dumps(result, indent=2) if arguments.json else realism_report(result))
    return 0
