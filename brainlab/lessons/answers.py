"""Taking a learner's answer in hand: is it still the stub, does it run, is it a number or a tensor of the right shape?

What it returns is clean; else it raises ``Wrong`` with a sentence for the learner (``Blank`` for a stub).
"""

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


class Wrong(Exception):
    """The answer misses a property; the message says which, in words for the learner."""


class Blank(Exception):
    """The answer is still the stub."""


def is_blank(answer: Any) -> bool:
    """Whether an answer is still the stub: None, ..., NotImplemented, a tuple of these, or a function of ``...``."""
    if isinstance(answer, tuple | list) and len(answer):
        return all(is_blank(one) for one in answer)
    if inspect.isfunction(answer):
        code = answer.__code__
        constants = all(one is None or one is Ellipsis or one is answer.__doc__ for one in code.co_consts)
        return constants and code.co_code in _STUBS
    return answer is None or answer is Ellipsis or answer is NotImplemented


def call(function: Any, *inputs: Any) -> Any:
    """The learner's function on copies of our inputs; Wrong where it is none, changes them, or returns nothing."""
    if not callable(function):
        raise Wrong(f"A function is asked for, and this is {kind(function)}: pass its name, without calling it.")
    copies = [copy.deepcopy(one) for one in inputs]
    try:
        value = function(*copies)
    except NotImplementedError:
        raise Blank from None
    if value is Ellipsis or value is NotImplemented:
        raise Blank
    if value is None:
        raise Wrong("Your function returns nothing: is a `return` missing?")
    for before, after in zip(inputs, copies, strict=True):
        if not (torch.equal(before, after) if isinstance(before, torch.Tensor) else np.array_equal(before, after)):
            raise Wrong(
                "Your function changes its input in place. Work on a new tensor, so that the caller keeps theirs."
            )
    return value


def number(value: Any, what: str = "The answer") -> float:
    """One finite number from whatever came (a float, a 0-d tensor, an array of one), or Wrong."""
    if isinstance(value, torch.Tensor | np.ndarray):
        if np.prod(value.shape) != 1:
            raise Wrong(f"{what} should be one number, and has shape {tuple(value.shape)}.")
        value = value.reshape(-1)[0].item()
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise Wrong(f"{what} should be a number, and is {kind(value)}.")
    if not np.isfinite(float(value)):
        raise Wrong(f"{what} should be a finite number, and is {float(value)}.")
    return float(value)


def tensor(value: Any, shape: Sequence[int], what: str = "The result") -> torch.Tensor:
    """A tensor of the given shape from a tensor or an array, without NaN or infinity, or Wrong."""
    if not isinstance(value, torch.Tensor | np.ndarray):
        raise Wrong(f"{what} should be a tensor, and is {kind(value)}.")
    value = torch.as_tensor(value).detach()
    if tuple(value.shape) != tuple(shape):
        raise Wrong(f"{what} should have shape {tuple(shape)}, and has {tuple(value.shape)}.")
    if value.is_complex() or not torch.isfinite(value.float()).all():
        raise Wrong(f"{what} has values that are NaN, infinite or complex.")
    return value


def close(a: Any, b: Any) -> bool:
    """Equal but for rounding, for numbers and for tensors."""
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return a.shape == b.shape and bool(torch.allclose(a, b, rtol=1e-3, atol=1e-6))


def recognise(got: Any, *typical: tuple[Any, str]) -> None:
    """Raise Wrong with the message of the first typical wrong value that ``got`` equals."""
    for value, message in typical:
        if close(got, value):
            raise Wrong(message)


def kind(value: Any) -> str:
    """A type's name with its article: "a str", "an int"."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _dots(): ...


def _documented():
    """Nothing but a docstring."""


def _documented_dots():
    """A docstring, then the dots."""
    ...


def _returned():
    return ...


_STUBS = {one.__code__.co_code for one in (_dots, _documented, _documented_dots, _returned)}
