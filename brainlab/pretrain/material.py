"""What a recipe trains on and is measured on: phantoms, or a folder of real slices."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from brainlab import checkpoints, data, realism, scorecard
from brainlab.errors import InputError
from brainlab.metrics import LEAST_SUBJECTS, Interval
from brainlab.models.classifier import Classifier
from brainlab.pretrain.recipes import JUDGE, Recipe, find
from brainlab.slices import Slices, joined
from brainlab.sources import images

Measured = tuple[scorecard.Test, dict[str, Interval]]  # what to measure on, and what is found there without a model

HELD_OUT = 4  # of a folder, one person in so many is held out, and ten at least


def phantoms(recipe: Recipe) -> Slices:
    """The training slices of a recipe."""
    config = recipe.config
    populations = [
        data.load("phantom", recipe.split, recipe.contrast, config.image_size, s) for s in range(recipe.populations)
    ]
    return joined(populations)


def test(contrast: str, size: int, weights: Path) -> Measured:
    """The phantom's test split beside the judge in ``weights``, and what is found there without a model."""
    config = weights / JUDGE / checkpoints.CONFIG
    there = contrast == find(JUDGE).contrast and config.exists()  # of other contrasts its features mean nothing
    return _test(contrast, size, weights, config.read_text(encoding="utf-8") if there else None)


@cache
def _test(contrast: str, size: int, weights: Path, judge_of: str | None) -> Measured:
    """The same; ``judge_of`` is the judge's config, with its hash: a new judge is not taken for the old one."""
    judge = None if judge_of is None else checkpoints.load(weights / JUDGE)
    if judge is not None and not isinstance(judge, Classifier):
        raise InputError(f"{weights / JUDGE} holds no classifier: make it again with brainlab pretrain {JUDGE}.")
    there = scorecard.load(contrast, size, judge)
    return there, scorecard.references(there)


def real(folder: Path, size: int) -> tuple[Slices, scorecard.Test]:
    """Healthy slices of a folder: people to train on, and others in whose slices lesions are inserted."""
    slices = images.load(folder, size)
    if "healthy" in slices.labels:
        slices = slices.where(labels="healthy")
    elif set(slices.labels) != {"unknown"}:
        raise InputError(f"{folder} has no healthy slices to learn from: its index.csv needs rows of class healthy.")
    people = sorted(set(slices.subjects))
    held_out = max(LEAST_SUBJECTS, len(people) // HELD_OUT)
    if len(people) < 2 * LEAST_SUBJECTS:
        raise InputError(
            f"{folder} has {len(people)} people, and {2 * LEAST_SUBJECTS} are needed: half to be measured on."
        )
    tested = np.isin(slices.subjects, people[-held_out:])
    train, healthy = slices[~tested], slices[tested]
    healthy = replace(healthy, visit=("healthy",) * len(healthy))
    sick = [_inserted(healthy, contrast) for contrast in realism.CONTRASTS]
    return train, scorecard.Test(joined([healthy, *sick]), train, None)


def _inserted(healthy: Slices, contrast: str) -> Slices:
    """Each slice with one lesion in it."""
    given = realism.patients(healthy, contrast, seed=0)
    kinds = [realism.LESIONS[i % len(realism.LESIONS)] for i in range(len(healthy))]
    return replace(
        healthy,
        images=given.images,
        masks=given.masks,
        labels=tuple(kinds),
        visit=tuple(f"{kind}-{contrast}" for kind in kinds),
    )
