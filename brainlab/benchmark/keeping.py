"""A trained network of a table, kept in the cache: a mended measure need not cost the training again."""

import hashlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from filelock import FileLock
from torch import nn

from brainlab import checkpoints, data, losses, models, tensorfile, training
from brainlab.cache import cache_dir
from brainlab.errors import InputError

SECONDS = "seconds.json"  # written last: where it is, the weights are whole


class Kept(NamedTuple):
    """A network in eval mode, and how many seconds its training took when it was trained."""

    model: nn.Module
    seconds: float


def trained(name: str, settings: str, train: Callable[[], Kept]) -> Kept:
    """The network called ``name`` that ``train`` makes under ``settings``, from the cache where it is.

    It is trained anew when the settings differ, when the code that makes a network does (``CODE``), or when what was
    kept cannot be read. A second process that wants the same network waits.
    """
    key = hashlib.sha256(f"{settings} {CODE} {torch.__version__}".encode()).hexdigest()[:16]
    folder = cache_dir() / "evaluate" / f"{name}-{key}"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        try:
            return _read(folder)
        except (InputError, OSError, ValueError):
            made = train()
            checkpoints.save(made.model, folder)
            tensorfile.write(folder / SECONDS, json.dumps(made.seconds).encode())
            return _read(folder)  # not ``made``: the first time gives what every later time will


def _read(folder: Path) -> Kept:
    seconds = float(json.loads((folder / SECONDS).read_text(encoding="utf-8")))
    return Kept(checkpoints.load(folder), seconds)


def _code() -> str:
    """Of models, losses and training, and of the order of batches: all that makes a network, beside its settings."""
    rooms = [Path(room.__path__[0]).glob("*.py") for room in (models, losses, training)]
    texts = [path.read_text(encoding="utf-8") for room in rooms for path in sorted(room)]
    return hashlib.sha256("".join([*texts, inspect.getsource(data.Batches)]).encode()).hexdigest()


CODE = _code()
"""Taken at import, like the code itself."""
