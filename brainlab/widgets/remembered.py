"""Numbers that took seconds to find, kept under everything that they depend on, so that a widget opens at once."""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

import brainlab
from brainlab.cache import cache_dir
from brainlab.errors import InputError

CODE = ("anomaly", "models")  # packages whose code decides what a network scores


def remembered(key: str, make: Callable[[], float]) -> float:
    """What ``make()`` returned when it was last asked under this key, in this process or another; see ``key``."""
    try:
        path = cache_dir() / "thresholds" / f"{key}.txt"
        if path.exists():
            return float(path.read_text())
    except (OSError, ValueError, InputError):  # no cache, or a broken one, costs seconds and nothing else
        return make()
    value = make()
    try:
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(repr(value))
        fresh.replace(path)
    except OSError:
        pass
    return value


def key(*parts: "str | float | Tensor | nn.Module | None") -> str:
    """A name for all of these together with the kit's code: other pixels, weights or formulas have another."""
    found = hashlib.sha256(_code().encode())
    for one in parts:
        named = {"": one} if isinstance(one, Tensor) else one.state_dict() if isinstance(one, nn.Module) else {}
        found.update(f"{type(one).__name__} {'' if named else one} ".encode())
        for name, tensor in named.items():
            found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} ".encode())
            found.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:32]


@cache
def _code() -> str:
    folder = Path(brainlab.__file__).parent
    files = sorted(file for name in CODE for file in (folder / name).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
