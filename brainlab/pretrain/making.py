"""From a recipe to weights with their cards: the run, the measures, and how many bits the weights need."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from brainlab import checkpoints, fields, scorecard, tensorfile
from brainlab.errors import InputError
from brainlab.metrics import Interval
from brainlab.pretrain import cards, material, runs
from brainlab.pretrain.recipes import Recipe
from brainlab.slices import Slices

CARD = "README.md"
MOVES = 0.1  # a measure moves if half precision changes it by more than this share of its interval


def make(recipe: Recipe, out: Path, work: Path, folder: Path | None = None, progress: bool = True) -> float:
    """Train as the recipe says, measure, write weights and cards to ``out``; returns the seconds that training took.

    ``work`` keeps a run that is not over; ``folder`` has the real slices of a recipe that wants them.
    """
    with fields.one_thread():
        train, measured_on = _material(recipe, out, folder)
        done = runs.carry_out(recipe, train, work, out, progress=progress)
        test, without = measured_on()
        for name, epoch in recipe.saves.items():
            (out / name / CARD).unlink(missing_ok=True)  # it is of other weights, and what has a card counts as made
            words = {"contrast": str(train.contrast), "recipe": recipe.fingerprint()}
            found, half = store(checkpoints.load(done.folder / name), test, out / name, words)
            run = cards.Run(name, epoch, done.seconds, done.device, half, done.torch)
            tensorfile.write(out / name / CARD, cards.text(run, recipe, train, found, without).encode())
    runs.forget(recipe, work)
    return done.seconds


def _material(recipe: Recipe, out: Path, folder: Path | None) -> tuple[Slices, Callable[[], material.Measured]]:
    """What to train on, and what to measure on: wanted later only, for a phantom's test split takes long to grow."""
    if not recipe.folder:
        return material.phantoms(recipe), lambda: material.test(recipe.contrast, recipe.config.image_size, out)
    if folder is None:
        raise InputError(f"{recipe.name} learns from real slices: give their folder with --data DIR.")
    train, test = material.real(folder, recipe.config.image_size)
    return train, lambda: (test, scorecard.references(test))


def is_made(recipe: Recipe, out: Path) -> bool:
    """Whether all weights of a recipe are in ``out``, with cards, made as it now says."""
    try:
        words = [checkpoints.about(out / name) for name in recipe.saves if (out / name / CARD).exists()]
    except InputError:
        return False
    return [one.get("recipe") for one in words] == [recipe.fingerprint()] * len(recipe.saves)


def store(
    model: nn.Module, test: scorecard.Test, folder: Path, words: dict[str, str]
) -> tuple[dict[str, Interval], bool]:
    """Write the weights in 16 bits where that moves every measure by less than a tenth of its interval, else in 32.

    Returns the measures of what was written, and whether that is in 16 bits.
    """
    try:
        checkpoints.save(model, folder, half=True, **words)
    except InputError:  # a number beyond what 16 bits hold
        found = {}
    else:
        found, whole = scorecard.measure(checkpoints.load(folder), test), scorecard.measure(model, test, draws=0)
    if found and all(abs(one.value - whole[name].value) <= MOVES * (one.high - one.low) for name, one in found.items()):
        return found, True
    checkpoints.save(model, folder, half=False, **words)
    return scorecard.measure(model, test), False
