"""Save and load a model with its config: safetensors and JSON, nothing that can run code when opened."""

import dataclasses
import difflib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import brainlab
from brainlab import models, tensorfile
from brainlab.errors import InputError
from brainlab.models.config import ModelConfig

WEIGHTS, CONFIG = "weights.safetensors", "config.json"
SHIPPED = Path(brainlab.__file__).resolve().parent.parent / "assets" / "weights"
FAMILIES = [name for name in models.__all__ if name != ModelConfig.__name__]
HEADER = 1_000_000  # bytes, more than any file's own description of its tensors


def save(model: nn.Module, folder: str | Path, *, half: bool = False, **about: str) -> Path:
    """Write a model to ``folder`` as weights.safetensors and config.json; returns the folder, made if need be.

    ``half`` stores each weight in 16 bits, half the size, to about three digits. ``about`` are words that should travel
    with the weights, such as ``contrast="T1w"``. Raises InputError for what ``load`` would refuse, such as weights that
    are not finite; a model that lies in ``folder`` is then left as it was.
    """
    folder = Path(folder)
    tensors = _tensors(model, half)
    content = tensorfile.pack(tensors)
    config = dataclasses.asdict(model.config)  # pyright: ignore[reportArgumentType]
    description = {"family": type(model).__name__, "config": config, "sha256": tensorfile.sha256(content)}
    text = _text(description | {"about": about})
    tensorfile.write(folder / WEIGHTS, content)  # nothing is written before all of it is known to be sound
    tensorfile.write(folder / CONFIG, text)
    return folder


def load(name: str | Path) -> nn.Module:
    """The model saved in a folder, or the one that ships under a bare name such as "vae"; in eval mode, on the CPU.

    A folder of that name goes first. Raises InputError, naming the file, if it is not what ``save`` wrote.
    """
    folder = _folder(name)
    description = _description(folder)
    empty = _build(description, folder, "meta")  # takes no memory, however wide the config claims it is
    tensors = _read(folder / WEIGHTS, empty.state_dict(), description["sha256"])
    model = _build(description, folder, "cpu")
    model.load_state_dict(tensors)
    return model.eval()


def about(name: str | Path) -> dict[str, str]:
    """The words that were saved with a model, such as its contrast."""
    return _description(_folder(name))["about"]


def shipped() -> list[str]:
    """The names of the weights that come with the kit."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))


def _tensors(model: nn.Module, half: bool) -> dict[str, Tensor]:
    """What there is to store of a model, once it has proved to be one that ``load`` would build again."""
    family, config = type(model), getattr(model, "config", None)
    if family.__name__ not in FAMILIES or getattr(models, family.__name__) is not family:
        raise InputError(f"A {family.__name__} cannot be saved: use one of the kit's own, {', '.join(FAMILIES)}.")
    if not isinstance(config, ModelConfig):
        raise InputError(f"A {family.__name__} without its ModelConfig cannot be saved: build it anew from one.")
    tensors = {name: _stored(value, half) for name, value in model.state_dict().items()}
    with torch.device("meta"):
        expected = family(config).state_dict()
    if unlike := _unlike(tensors, expected):
        raise InputError(f"This {family.__name__} is not as its config says, {unlike}: call float(), or build it anew.")
    if broken := _not_finite(tensors):
        raise InputError(f"{broken} holds numbers that are not finite{' in 16 bits' if half else ''}: train it anew.")
    return tensors


def _text(description: dict[str, Any]) -> bytes:
    """The content of config.json."""
    for name, words in description["about"].items():
        if not isinstance(words, str):
            raise InputError(f"What is saved about a model must be text, got {name}={words!r:.50}: try str(...).")
    content = (json.dumps(description, indent=2) + "\n").encode()
    if len(content) > HEADER:
        raise InputError(f"What is saved about a model takes {len(content)} bytes, more than {HEADER}: shorten it.")
    return content


def _folder(name: str | Path) -> Path:
    folder = Path(name)
    if isinstance(name, Path) or len(folder.parts) != 1 or folder.exists():
        return folder
    if name not in (names := shipped()):
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "or give the folder of a model of your own."
        raise InputError(
            f"There are no weights called {name!r} in {SHIPPED}, only {', '.join(names) or 'none'}; {hint}"
        )
    return SHIPPED / name


def _description(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    content = _bytes(path, HEADER)
    try:
        description = json.loads(content)
        wrong = _wrong_part(description) or _wrong_field(description["config"])
    except KeyError as error:
        wrong = f"{error} is missing"
    except (ValueError, TypeError, RecursionError):
        wrong = "it is not the JSON object that it should be"
    if wrong:
        raise InputError(f"{path} does not describe a brainlab model, {wrong}: save or download it again.")
    return description


def _wrong_part(description: dict[str, Any]) -> str:
    for name, kind in {"family": str, "sha256": str, "config": dict, "about": dict}.items():
        if not isinstance(description[name], kind):
            return f"its {name} is {description[name]!r:.50}"
    return "" if description["family"] in FAMILIES else f"there is no family {description['family']!r:.50}"


def _wrong_field(config: dict[str, Any]) -> str:
    known = {field.name: field for field in dataclasses.fields(ModelConfig)}
    for name, value in config.items():
        if name not in known:
            return f"its config has an unknown field {name!r}"
        if not _like(value, known[name].default):
            return f"its config's {name} is {value!r:.50}"
    return ""


def _like(value: Any, default: Any) -> bool:
    """Whether a value from JSON, where a tuple is a list, has the default's type."""
    if isinstance(default, tuple):
        return isinstance(value, list) and all(type(one) is type(default[0]) for one in value)
    return type(value) is type(default)


def _build(description: dict[str, Any], folder: Path, device: str) -> nn.Module:
    try:
        with torch.device(device), torch.random.fork_rng(devices=[]):  # the first weights, soon replaced, are random
            return getattr(models, description["family"])(ModelConfig(**description["config"]))
    except (ValueError, RuntimeError, TypeError, OverflowError) as error:
        reason = str(error).splitlines()[0]  # torch's go on with a stack of C++
        raise InputError(
            f"No model can be built from {folder / CONFIG} ({reason}): save or download it again."
        ) from None


def _read(path: Path, expected: dict[str, Tensor], sha256: str) -> dict[str, Tensor]:
    """The weights, once they have proved to be the ones that belong to the config."""
    content = _bytes(path, HEADER + sum(value.numel() * value.element_size() for value in expected.values()))
    if tensorfile.sha256(content) != sha256:
        raise InputError(f"{path} is not the file that config.json names by its hash: save or download both again.")
    tensors = tensorfile.unpack(content, path)
    if unlike := _unlike(tensors, expected):
        raise InputError(f"{path} does not fit its config.json, {unlike}: save or download both again.")
    if broken := _not_finite(tensors):
        raise InputError(f"{path} holds numbers that are not finite, in {broken}: save or download it again.")
    return tensors


def _unlike(tensors: dict[str, Tensor], expected: dict[str, Tensor]) -> str:
    """What sets tensors apart from those expected, in names, shapes and types; "" if nothing does."""
    for name in expected.keys() ^ tensors.keys():
        return f"{name} {'is missing' if name in expected else 'is one too many'}"
    for name, value in tensors.items():
        wanted, stored = expected[name], {expected[name].dtype, _stored(expected[name], half=True).dtype}
        if value.shape != wanted.shape or value.dtype not in stored:
            return f"{name} is {value.dtype} {tuple(value.shape)}, not {wanted.dtype} {tuple(wanted.shape)}"
    return ""


def _bytes(path: Path, most: int) -> bytes:
    try:
        if (size := path.stat().st_size) > most:
            raise InputError(f"{path} is too large for what it should be, {size} bytes: save or download it again.")
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no saved model in {path.parent}: {path} is missing.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def _stored(value: Tensor, half: bool) -> Tensor:
    return value.half() if half and value.dtype == torch.float32 else value


def _not_finite(tensors: dict[str, Tensor]) -> str | None:
    return next((name for name, value in tensors.items() if not value.isfinite().all()), None)
