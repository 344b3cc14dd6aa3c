"""What a model trained on phantoms is worth on a real brain.

Small denoising autoencoders learn from phantom slices, their twins from real healthy ones, in as many steps; all of
them then look for lesions inserted into real slices of people whom none has seen.

    transfer_ratio = mean over dark and bright lesions of AP(phantom → real) / AP(real → real)

1 would mean that phantoms teach as much as people do. Nothing in the phantoms is fitted to the people who are tested;
some proportions (where cortex is bright, how wide sulci are) were set while looking at others of the set.

A lesion is darker or brighter by ``STRENGTH`` than the tissue it replaces, which leaves it within the intensities of a
healthy brain: lesions that outshine everything are found by models that know no anatomy at all. So that the figure can
be judged, two controls go the same way: an atlas merely warped, and an ellipse of smooth noise.
"""

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import anomaly, controls, data, fields, geometry, insertion, metrics, phantoms, planes, training
from brainlab.errors import InputError
from brainlab.intensity import normalise
from brainlab.lesioned import STRENGTH
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
CONTRASTS = {"hypo": -STRENGTH, "hyper": STRENGTH}
FIRST_SEED = 900_000_000  # phantoms grown for this experiment are in no split of data.load


class Patients(NamedTuple):
    """Real slices with lesions inserted."""

    images: Tensor  # (N, 1, H, W)
    masks: Tensor
    brain: Tensor
    subjects: tuple[str, ...]


GROWN: dict[str, Callable[[int], controls.Head]] = {
    "phantom": lambda seed: _phantom(seed),
    "warped atlas": controls.warped_atlas,
    "noisy ellipse": controls.noisy_ellipse,
}
"""What is compared with real people, each from a seed."""


def realism(
    folder: str | Path,
    *,
    steps: int = 1200,
    subjects: int = 60,
    networks: int = 3,
    seed: int = 0,
    draws: int = 100,
    progress: bool = True,
) -> dict[str, Any]:
    """What phantoms teach of real brains: ``transfer_ratio`` and all that is needed to judge it, as plain numbers.

    ``folder`` holds ``oasis_t1_slices`` (index.csv with class, subject and level). ``subjects`` healthy people and as
    many phantoms train, 20 other healthy people are tested. ``networks`` are trained a source and their average
    precisions averaged: one alone is off by a tenth. ``seed`` draws the phantoms, the lesions and the networks' first
    weights. Intervals are 95 %, by ``draws`` bootstraps over the tested subjects. Every model runs on one thread, so
    the same seed gives the same numbers on any number of cores.
    """
    began = time.perf_counter()
    real = images.load(folder, SIZE, where={"class": ["healthy"], "level": LEVELS})
    train, test = split(real, subjects, 20)
    heights = np.unique(real.position_mm)
    seeds = range(FIRST_SEED + 1000 * seed, FIRST_SEED + 1000 * seed + subjects)
    slices = {name: grown_slices(grow, seeds, heights) for name, grow in GROWN.items()}
    slices["real"] = {"x": train.images, "brain": train.brain}
    models = _trained(slices, steps, [100 * seed + k for k in range(networks)], progress)
    sick = {contrast: patients(test, contrast, seed) for contrast in CONTRASTS}
    return {
        **_summary(models, sick, draws),
        "subjects": {"train": subjects, "test": len(set(test.subjects))},
        "slices": {**{name: len(one["x"]) for name, one in slices.items()}, "test": len(test)},
        "steps": steps,
        "batch": BATCH,
        "networks": networks,
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


def grown_slices(grow: Callable[[int], controls.Head], seeds: range, heights: np.ndarray) -> dict[str, Tensor]:
    """Heads cut at the heights of the real slices and, like these, each slice scaled on its own."""

    def cut(seed: int) -> tuple[Tensor, Tensor]:
        head = grow(seed)
        centre = geometry.bounding_box_centre(head.brain.numpy(), head.affine)
        seen, brain = (
            planes.axial(volume, head.affine, heights, SIZE, centre).numpy() for volume in (head.image, head.brain)
        )
        scaled = np.stack([normalise(x, b) for x, b in zip(seen, brain >= 0.5, strict=True)])
        return torch.from_numpy(scaled), torch.from_numpy(brain >= 0.5)

    with fields.one_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        x, brain = zip(*pool.map(cut, seeds), strict=True)
    return {"x": torch.cat(x), "brain": torch.cat(brain)}


def _phantom(seed: int) -> controls.Head:
    subject = phantoms.subject(seed)
    return controls.Head(phantoms.render(subject, "T1w"), subject.brain, subject.affine)


def patients(healthy: Slices, contrast: str, seed: int) -> Patients:
    """Each healthy slice with one lesion in it: tumour, plaques and infarct in turn."""
    sick = [
        insertion.insert(x, brain, LESIONS[i % 3], seed * len(healthy) + i, CONTRASTS[contrast])
        for i, (x, brain) in enumerate(zip(healthy.images, healthy.brain, strict=True))
    ]
    return Patients(
        torch.stack([s.image for s in sick]), torch.stack([s.mask for s in sick]), healthy.brain, healthy.subjects
    )


def _trained(
    slices: Mapping[str, dict[str, Tensor]], steps: int, seeds: list[int], progress: bool
) -> dict[str, list[DenoisingAutoencoder]]:
    """Networks for every source; those of one seed have the same first weights and see the same noise. One a core."""

    def train(model: DenoisingAutoencoder, one: dict[str, Tensor], seed: int) -> DenoisingAutoencoder:
        step = training.dae_step(model, seed=seed)
        training.fit(step, data.Batches(one, BATCH, seed), steps=steps, progress=progress)
        return model.eval()

    with fields.one_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {  # first weights are drawn here, not in the pool: torch's own generator is shared by all threads
            name: [pool.submit(train, _untrained(seed), one, seed) for seed in seeds] for name, one in slices.items()
        }
        return {name: [job.result() for job in some] for name, some in jobs.items()}


def _untrained(seed: int) -> DenoisingAutoencoder:
    with training.seeded(seed):
        return DenoisingAutoencoder(ModelConfig(image_size=SIZE))


def _summary(
    models: Mapping[str, list[DenoisingAutoencoder]], sick: Mapping[str, Patients], draws: int
) -> dict[str, Any]:
    """Average precision of every row, their ratios, and chance, each with its interval over subjects."""
    ap = {contrast: _rows(models, patients, contrast) for contrast, patients in sick.items()}

    def ratio(name: str) -> Callable[[np.ndarray], float]:
        return lambda index: float(np.mean([rows[name](index) / rows["real"](index) for rows in ap.values()]))

    def interval(statistic: Callable[[np.ndarray], float]) -> dict[str, float]:
        return metrics.bootstrap(statistic, sick["hypo"].subjects, draws)._asdict()

    ratios = {name: interval(ratio(name)) for name in models if name != "real"}
    return {
        "transfer_ratio": ratios.pop("phantom"),
        "control_ratios": ratios,
        "average_precision": {c: {row: interval(one) for row, one in rows.items()} for c, rows in ap.items()},
        "prevalence": {c: metrics.prevalence(patients.masks, patients.brain) for c, patients in sick.items()},
    }


def _rows(
    models: Mapping[str, list[DenoisingAutoencoder]], sick: Patients, contrast: str
) -> dict[str, Callable[[np.ndarray], float]]:
    """Average precision, as a function of which slices count, of each source of models and of brightness itself.

    All are cleaned alike. Every row is asked for the same draws more than once, so answers are kept.
    """
    scores = {
        name: [anomaly.anomaly_map(model, sick.images, sick.brain) for model in some] for name, some in models.items()
    }
    scores["intensity"] = [anomaly.brightness(sick) if contrast == "hyper" else anomaly.darkness(sick)]

    def measure(maps: list[Tensor]) -> Callable[[np.ndarray], float]:
        cleaned = [anomaly.clean(one, sick.brain) for one in maps]

        @cache
        def ap(key: bytes) -> float:
            i = torch.from_numpy(np.frombuffer(key, dtype=np.int64).copy())
            return float(np.mean([metrics.average_precision(m[i], sick.masks[i], sick.brain[i]) for m in cleaned]))

        return lambda index: ap(index.astype(np.int64).tobytes())

    return {name: measure(maps) for name, maps in scores.items()}


def report(result: Mapping[str, Any]) -> str:
    """The numbers of ``realism`` as Markdown."""
    ap, people, chance = result["average_precision"], result["subjects"], result["prevalence"]
    ratios = {"phantom": result["transfer_ratio"], **result["control_ratios"]}
    named = {"real": "real people", "phantom": "phantoms", "warped atlas": "mere warps of the atlas"}
    rows = ["intensity", "real", *ratios]
    table = []
    for row in rows:
        what = f"{people['train']} {named.get(row, row + 's')}"
        what = "no model: brightness, or darkness, itself" if row == "intensity" else f"trained on {what}"
        ratio = _interval(ratios[row]) if row in ratios else ""
        table.append(" | ".join([f"| {what}", *(_interval(ap[c][row]) for c in ap), f"{ratio} |"]))
    lines = [
        f"transfer_ratio **{_interval(result['transfer_ratio'])}**: what denoising autoencoders that have only seen "
        "phantoms are worth on real brains, beside some that have seen real ones.",
        "",
        "| average precision on real slices | " + " | ".join(f"{c}-intense lesions" for c in ap) + " | ratio |",
        "|---|" + "---|" * (len(ap) + 1),
        *table,
        " | ".join(["| chance: share of brain pixels that are lesion", *(f"{chance[c]:.3f}" for c in ap), " |"]),
        "",
        f"Lesions are {STRENGTH} darker or brighter than the tissue they replace. {people['test']} tested people, "
        f"{result['slices']['test']} slices; {result['networks']} networks a row, {result['steps']} steps of "
        f"{result['batch']} slices; seed {result['seed']}; 95 % intervals over tested people; "
        f"{result['seconds']:.0f} s. For teaching, not for clinical use.",
    ]
    return "\n".join(lines)


def _interval(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f}–{value['high']:.3f})"
