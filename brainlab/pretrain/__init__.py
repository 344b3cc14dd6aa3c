"""``brainlab pretrain``: makes the shipped weights anew, each by its recipe, with a card of what it is worth."""

import argparse
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from brainlab import checkpoints
from brainlab.cache import cache_dir
from brainlab.errors import InputError
from brainlab.pretrain import making, recipes, runs
from brainlab.pretrain.recipes import Recipe
from brainlab.training import devices

LOCAL = Path("my_weights")
GO_ON = "The same command goes on from here."


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
    if folder and not any(recipe.folder for recipe in wanted):
        names = ", ".join(recipe.name for recipe in recipes.LOCAL)
        raise InputError(f"--data is for {names}; the others learn from phantoms. Leave it out, or name one of those.")
    work, todo = cache_dir() / "pretrain", {}
    for recipe in wanted:
        place = out or (LOCAL if recipe.folder else checkpoints.SHIPPED)
        made = making.is_made(recipe, place)
        if made and not again:
            print(f"{recipe.name}: there already, in {place}; --again makes it anew.")
            continue
        if made:  # else what is kept of a run is one that was stopped, to go on with
            runs.forget(recipe, work)
        todo[recipe.name] = (recipe, place)
    for recipe, place in todo.values():
        for name in recipe.needs:
            if name not in todo and not (place / name).exists():
                raise InputError(f"{recipe.name} needs {name}, which is not in {place}: add {name} to the command.")
    if len(todo) == 1:
        for recipe, place in todo.values():
            _say(recipe.name, making.make(recipe, place, work, folder), 1, 1)
    elif todo:
        _at_once(todo, work, folder)


def _at_once(todo: dict[str, tuple[Recipe, Path]], work: Path, folder: Path | None) -> None:
    """As many recipes at a time as there are cores, each once those that it needs are done; one alone on a GPU.

    No more are handed out than begin at once, so that after a failure none begins.
    """
    workers = min(os.cpu_count() or 1, 60) if devices.choose("auto").type == "cpu" else 1
    waiting, done = dict(todo), 0
    running: dict[Future[float], str] = {}
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            while waiting or running:
                for name in _ready(waiting, running.values())[: workers - len(running)]:
                    recipe, place = waiting.pop(name)
                    running[pool.submit(making.make, recipe, place, work, folder, progress=False)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name, done = running.pop(future), done + 1
                    _say(name, future.result(), done, len(todo))
        except BrokenProcessPool:
            raise InputError(
                "A process was ended from outside, perhaps for want of memory: close other programs. " + GO_ON
            ) from None
        except (InputError, KeyboardInterrupt) as error:
            if running:
                print(f"Stopping; {', '.join(running.values())} under way.", flush=True)
            raise error if isinstance(error, InputError) else InputError(f"Stopped. {GO_ON}") from None


def _ready(waiting: Iterable[str], running: Iterable[str]) -> list[str]:
    """Those whose needs are neither waiting nor running."""
    busy = {*waiting, *running}
    return [name for name in waiting if not busy.intersection(recipes.find(name).needs)]


def _say(name: str, seconds: float, done: int, of: int) -> None:
    print(f"{name}: made, {seconds:.0f} s of training ({done} of {of}).", flush=True)
