"""Where a run computes: on the GPU if there is one, and afterwards everything is back where it was."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn
from torch.optim import Optimizer

from brainlab.errors import InputError


def choose(name: str | torch.device) -> torch.device:
    """The device of that name; "auto" is CUDA, else Apple's MPS, else the CPU. Raises InputError if it is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device  # "cuda" comes back as "cuda:0"
    except Exception:  # RuntimeError, AssertionError, TypeError…: each backend has its own
        raise InputError(
            f'The device {name!r} is not there: use device="auto", which takes the best there is.'
        ) from None


@contextmanager
def at(device: torch.device, modules: dict[str, nn.Module], optimizers: dict[str, Optimizer]) -> Iterator[None]:
    """Networks, and the optimizers that know their parameters, on ``device`` inside the block, which repeats itself.

    Whoever looks at the model after training finds it where it was, so a notebook does the same with a GPU and without.
    """
    homes = {name: next((p.device for p in module.parameters()), device) for name, module in modules.items()}
    _move(dict.fromkeys(homes, device), homes, modules, optimizers)
    try:
        with _repeatable(device):
            yield
    finally:
        _move(homes, dict.fromkeys(homes, device), modules, optimizers)


def _repeatable(device: torch.device) -> AbstractContextManager[None]:
    """On CUDA the convolutions' fastest gradients add up in any order: one seed would give another model each time."""
    cudnn = torch.backends.cudnn
    if device.type != "cuda":
        return nullcontext()
    return cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=cudnn.allow_tf32)


def _move(
    to: dict[str, torch.device],
    now: dict[str, torch.device],
    modules: dict[str, nn.Module],
    optimizers: dict[str, Optimizer],
) -> None:
    if to == now:
        return
    for name, module in modules.items():
        module.to(to[name])
    for optimizer in optimizers.values():
        optimizer.load_state_dict(optimizer.state_dict())  # its averages follow their parameters
