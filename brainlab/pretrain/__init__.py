"""``brainlab pretrain``: makes the shipped weights anew, each by its recipe, with a card of what it is worth."""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

import torch

from brainlab import checkpoints
from brainlab.cache import cache_dir
from brainlab.errors import InputError
from brainlab.pretrain import making, recipes
from brainlab.pretrain.recipes import Recipe

LOCAL = Path("my_weights")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``brainlab pretrain``."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="weights to make, such as vae")
    parser.add_argument("--all", action="store_true", help="all that ship; what is there already is left as it is")
    parser.add_argument("--again", action="store_true", help="make also what is there already")
    parser.add_argument("--list", action="store_true", help="say what can be made")
    parser.add_argument("--data", metavar="DIR", type=Path, help="a folder of real slices, for vae-oasis and dae-oasis")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help=f"where weights go (default: assets/weights; {LOCAL} for those of real slices)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make what was asked for; 0 when done."""
    if arguments.list:
        print("\n".join(f"{name:22} {recipe.about}" for recipe in recipes.EVERY for name in recipe.saves))
        return 0
    if arguments.all == bool(arguments.names):
        raise InputError("Say which weights to make, such as brainlab pretrain vae, or --all; --list names them.")
    wanted = recipes.SHIPPED if arguments.all else tuple(dict.fromkeys(map(recipes.find, arguments.names)))
    pretrain(wanted, arguments.out, arguments.data, again=arguments.again)
    return 0


def pretrain(
    wanted: Sequence[Recipe], out: Path | None = None, folder: Path | None = None, again: bool = False
) -> None:
    """Make the weights of some recipes, one a core; what was interrupted goes on where it stopped.

    Raises InputError where a recipe's needs are neither in ``out`` nor wanted too.
    """
    todo = {}
    for recipe in wanted:
        place = out or (LOCAL if recipe.folder else checkpoints.SHIPPED)
        if making.is_made(recipe, place) and not again:
            print(f"{recipe.name}: there already, in {place}; --again makes it anew.")
        else:
            todo[recipe.name] = (recipe, place)
    for recipe, place in todo.values():
        for name in recipe.needs:
            if name not in todo and not (place / name).exists():
                raise InputError(f"{recipe.name} needs {name}, which is not in {place}: add {name} to the command.")
    work = cache_dir() / "pretrain"
    if len(todo) == 1:
        for recipe, place in todo.values():
            _say(recipe.name, making.make(recipe, place, work, folder), 1, 1)
    elif todo:
        _at_once(todo, work, folder)


def _at_once(todo: dict[str, tuple[Recipe, Path]], work: Path, folder: Path | None) -> None:
    """As many recipes at a time as there are cores, each once those that it needs are done."""
    workers = 1 if torch.cuda.is_available() else os.cpu_count()
    waiting, running, done = dict(todo), {}, 0
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            while waiting or running:
                busy = set(waiting) | set(running.values())
                for name, (recipe, place) in list(waiting.items()):
                    if not busy.intersection(recipe.needs):
                        running[pool.submit(making.make, recipe, place, work, folder, progress=False)] = name
                        del waiting[name]
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done += 1
                    _say(running.pop(future), future.result(), done, len(todo))
        finally:
            pool.shutdown(cancel_futures=True)


def _say(name: str, seconds: float, done: int, of: int) -> None:
    print(f"{name}: made, {seconds:.0f} s of training ({done} of {of}).", flush=True)
