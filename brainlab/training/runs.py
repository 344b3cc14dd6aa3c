"""A run on disk: everything that the next step depends on, as safetensors and JSON, to go on another day."""

import copy
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from brainlab import tensorfile
from brainlab.data import Batches
from brainlab.errors import InputError
from brainlab.training.history import History
from brainlab.training.loop import Data, Step

RUN, STATE = "run.json", "state-{}.safetensors"


def save_run(folder: str | Path, step: Step, batches: Data, history: History) -> Path:
    """Write a run to ``folder``, made if need be, in the place of one that is there; returns the folder.

    The state's file is named by its content, and run.json, written last, names that file: whatever happens on the way,
    the folder holds the old run or the new one, whole.
    """
    folder, tensors = Path(folder), {}
    run: dict[str, Any] = {"step": _encode(step.state_dict(), tensors), "history": history.to_json()}
    run["batches"] = batches.fingerprint() if isinstance(batches, Batches) else None
    content = tensorfile.pack(tensors)
    run["sha256"] = tensorfile.sha256(content)
    state = folder / STATE.format(run["sha256"][:16])
    tensorfile.write(state, content)
    kept = {"sha256": tensorfile.sha256(_text(run)), "run": run}
    tensorfile.write(folder / RUN, _text(kept))
    for old in set(folder.glob(STATE.format("*"))) - {state}:
        old.unlink(missing_ok=True)
    return folder


def load_run(folder: str | Path, step: Step, batches: Data) -> History:
    """Set ``step`` to where the saved run was, and return its history: ``fit(..., history=history)`` goes on.

    ``step`` and ``batches`` are built as they were for the run, in any state. Raises InputError, and leaves ``step`` as
    it was, if the run is damaged, if its networks, optimizers or generators have other names or sizes than the step's,
    or if its ``Batches`` had other tensors, another size or seed. Not checked, for a run does not hold them: settings
    such as β, σ or the game, and what batches other than ``Batches`` contain. The optimizers' learning rates are those
    of the run.
    """
    folder = Path(folder)
    run = _read(folder / RUN)
    packed = _bytes(folder / STATE.format(run["sha256"][:16]))
    if tensorfile.sha256(packed) != run["sha256"]:
        raise InputError(f"The run in {folder} is damaged: its state is not the one that was saved; train anew.")
    if run["batches"] != (batches.fingerprint() if isinstance(batches, Batches) else None):
        raise InputError(f"The run in {folder} was on other batches: use the same images, batch size and seed.")
    before = copy.deepcopy(step.state_dict())
    try:
        history = History.from_json(run["history"])
        state = _decode(run["step"], tensorfile.unpack(packed, folder))
        if _names(state) != _names(before):
            raise KeyError("it has other parts")
        step.load_state_dict(state)
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        step.load_state_dict(before)
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The run in {folder} is of another model or step ({reason}): build both as they were."
        ) from None
    return history


def _read(path: Path) -> dict[str, Any]:
    content = _bytes(path)
    try:
        kept = json.loads(content)
        whole = tensorfile.sha256(_text(kept["run"])) == kept["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise InputError(f"The run in {path.parent} is damaged: {path.name} is not as it was saved; train anew.")
    return kept["run"]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"There is no run to go on with: {path} cannot be read ({error.strerror}).") from None


def _text(value: Any) -> bytes:
    return json.dumps(value).encode()


def _names(state: dict[str, Any]) -> dict[str, Any]:
    """The names of a state's parts and of what is in each: ``load_state_dict`` overlooks what is one too many."""
    return {name: set(part) if isinstance(part, dict) else None for name, part in state.items()}


def _encode(value: Any, tensors: dict[str, Tensor]) -> Any:
    """A state as JSON: a tensor goes to ``tensors``; a dict becomes a list of pairs, for its keys may be numbers."""
    if isinstance(value, Tensor):
        tensors[name := str(len(tensors))] = value
        channels_last = value.ndim == 4 and not value.is_contiguous()  # an average laid out unlike its weights is slow
        return {"tensor": name, "channels_last": channels_last}
    if isinstance(value, dict):
        return {"dict": [[key, _encode(one, tensors)] for key, one in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_encode(one, tensors) for one in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError(f"A step's state_dict may hold tensors, numbers and words, not a {type(value).__name__}.")


def _decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    """What ``_encode`` was given."""
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        layout = torch.channels_last if value["channels_last"] else torch.contiguous_format
        return tensors[value["tensor"]].contiguous(memory_format=layout)
    kind, content = next(iter(value.items()))
    if kind == "dict":
        return {key: _decode(one, tensors) for key, one in content}
    return (tuple if kind == "tuple" else list)(_decode(one, tensors) for one in content)
