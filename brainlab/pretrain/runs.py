"""One recipe carried out: train, keep what it leaves, and be able to stop at any time and go on."""

import inspect
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from brainlab import checkpoints, data, models, training
from brainlab.errors import InputError
from brainlab.pretrain.recipes import Recipe
from brainlab.slices import Slices

KEEP_EVERY = 30  # seconds: so much may be lost when the computer stops


class Done(NamedTuple):
    """What a run left behind."""

    folder: Path  # of folders called as the weights are
    seconds: float  # spent on training, over all sessions
    device: str


def carry_out(recipe: Recipe, slices: Slices, work: Path, weights: Path, *, progress: bool = True) -> Done:
    """Train as the recipe says, or go on where an earlier call stopped; ``weights`` holds what it ``inverts``.

    The run is kept in ``work``, under its name and fingerprint. Raises InputError if it was interrupted.
    """
    folder = work / f"{recipe.name}-{recipe.fingerprint()}"
    step = new_step(recipe, first_weights(recipe, weights), slices)
    batches = data.Batches(tensors(recipe, slices), recipe.batch, recipe.seed)
    history = _history(folder / "run", step, batches)
    kept = time.monotonic()

    def keep(epoch: int, _: dict[str, float]) -> None:
        nonlocal kept
        if history.batches:  # the interrupted rest of an epoch
            return
        _save(recipe, step, epoch, folder)
        if time.monotonic() - kept > KEEP_EVERY or epoch == recipe.epochs:
            training.save_run(folder / "run", step, batches, history)
            kept = time.monotonic()

    if not history.steps:
        _save(recipe, step, 0, folder)
    training.fit(step, batches, epochs=recipe.epochs, history=history, on_epoch=keep, progress=progress)
    if history.epochs < recipe.epochs:
        training.save_run(folder / "run", step, batches, history)
        raise InputError(
            f"Stopped after {history.epochs} of {recipe.epochs} epochs: the same command goes on from here."
        )
    return Done(folder, history.seconds, "a GPU" if torch.cuda.is_available() else "one CPU thread")


def first_weights(recipe: Recipe, weights: Path) -> nn.Module:
    """The untrained model, the same one each time; around its GAN where it inverts one."""
    with training.seeded(recipe.seed):
        if recipe.inverts is None:
            return recipe.family(recipe.config)
        if not isinstance(gan := checkpoints.load(weights / recipe.inverts), models.GAN):
            raise InputError(f"{weights / recipe.inverts} holds no GAN: make it again.")
        return models.FAnoGAN.around(gan)


def tensors(recipe: Recipe, slices: Slices) -> dict[str, Tensor]:
    """What a batch holds, by name."""
    if recipe.family is not models.Classifier:
        return {"x": slices.images, "brain": slices.brain}
    classes = recipe.config.classes
    return {"x": slices.images, "label": torch.tensor([classes.index(label) for label in slices.labels])}


def new_step(recipe: Recipe, model: nn.Module, slices: Slices) -> training.Step:
    """The step that improves ``model``, set as the recipe says."""
    settings = dict(recipe.settings)
    if "seed" in inspect.signature(recipe.step).parameters:
        settings["seed"] = recipe.seed
    if recipe.family is models.Classifier:  # each class counts alike, however rare
        counts = np.bincount(tensors(recipe, slices)["label"].numpy(), minlength=len(recipe.config.classes))
        settings["class_weights"] = list(len(slices) / (len(counts) * counts))
    return recipe.step(model, **settings)


def _history(folder: Path, step: training.Step, batches: data.Batches) -> training.History:
    """That of a run to go on with, or an empty one: what cannot be read, or had other data, begins anew."""
    if not folder.exists():
        return training.History()
    try:
        return training.load_run(folder, step, batches)
    except InputError as error:
        print(f"Beginning anew: {error}")
        return training.History()


def _save(recipe: Recipe, step: training.Step, epoch: int, folder: Path) -> None:
    model = next(iter(step.modules.values()))
    for name in (name for name, at in recipe.saves.items() if at == epoch):
        checkpoints.save(model, folder / name)
