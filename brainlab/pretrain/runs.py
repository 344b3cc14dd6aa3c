"""One recipe carried out: train, keep what it leaves, and be able to stop at any time and go on."""

import inspect
import json
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor, nn

from brainlab import checkpoints, data, models, tensorfile, training
from brainlab.errors import InputError
from brainlab.pretrain.recipes import Recipe
from brainlab.slices import Slices
from brainlab.training import devices

HOW = "how.json"  # on which device a run is trained, and by which torch
KEEP_EVERY = 30  # seconds: so much may be lost when the computer stops


class Done(NamedTuple):
    """What a run left behind."""

    folder: Path  # of folders called as the weights are
    seconds: float  # by the clock, over all sessions
    device: str  # such as "cpu", of the last session
    torch: str  # its version


def carry_out(recipe: Recipe, slices: Slices, work: Path, weights: Path, *, progress: bool = True) -> Done:
    """Train as the recipe says, or go on where an earlier call stopped; ``weights`` holds what it ``inverts``.

    The run is kept in ``work``, under its name and fingerprint, until ``forget``; a second process that wants the same
    run waits. Raises InputError if the run was interrupted, or went wrong.
    """
    folder = place(recipe, work)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        try:
            return _carry_out(recipe, slices, folder, weights, progress)
        except training.Diverged as error:
            raise InputError(f"{recipe.name}: {error}") from None  # a Diverged, with its history, leaves no process


def place(recipe: Recipe, work: Path) -> Path:
    """Where a recipe's run is kept."""
    return work / f"{recipe.name}-{recipe.fingerprint()}"


def forget(recipe: Recipe, work: Path) -> None:
    """Remove what is kept of a run, if there is any: the next one begins anew."""
    shutil.rmtree(place(recipe, work), ignore_errors=True)


def _carry_out(recipe: Recipe, slices: Slices, folder: Path, weights: Path, progress: bool) -> Done:
    step = new_step(recipe, first_weights(recipe, weights), slices)
    batches = data.Batches(tensors(recipe, slices), recipe.batch, recipe.seed)
    history = _history(folder / "run", step, batches)
    kept = time.monotonic()

    def keep(epoch: int, _: dict[str, float]) -> None:
        nonlocal kept
        _save(recipe, step, epoch, folder)
        if time.monotonic() - kept > KEEP_EVERY or epoch == recipe.epochs:
            training.save_run(folder / "run", step, batches, history)
            kept = time.monotonic()

    if not history.batches:  # between two epochs: a stop may have come before what is due here was kept
        _save(recipe, step, history.epochs, folder)
    device = devices.choose("auto")
    if history.epochs < recipe.epochs or not (folder / HOW).exists():
        tensorfile.write(folder / HOW, json.dumps({"device": device.type, "torch": torch.__version__}).encode())
    training.fit(step, batches, epochs=recipe.epochs, history=history, on_epoch=keep, device=device, progress=progress)
    if history.epochs < recipe.epochs:
        training.save_run(folder / "run", step, batches, history)
        raise InputError(
            f"Stopped after {history.epochs} of {recipe.epochs} epochs: the same command goes on from here."
        )
    return Done(folder, history.seconds, **json.loads((folder / HOW).read_text(encoding="utf-8")))


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
