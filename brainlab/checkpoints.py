"""Save and load a model with its config: safetensors and JSON, nothing that can run code when opened."""

import dataclasses
import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from brainlab import models
from brainlab.errors import InputError
from brainlab.models.config import ModelConfig

WEIGHTS, CONFIG = "weights.safetensors", "config.json"


def save(model: nn.Module, folder: str | Path, **about: str) -> Path:
    """Write a model to ``folder`` as weights.safetensors and config.json; returns the folder.

    ``about`` are words that should travel with the weights, such as ``contrast="T1w"``. The folder is made if need be.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    description = {"family": type(model).__name__, "config": dataclasses.asdict(model.config), **about}  # pyright: ignore[reportArgumentType]
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    return folder


def load(folder: str | Path) -> nn.Module:
    """The model saved in ``folder``, in eval mode. Raises InputError, naming the file, if it cannot be read."""
    folder = Path(folder)
    try:
        description = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        model = getattr(models, description["family"])(ModelConfig(**description["config"]))
        model.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError as error:
        raise InputError(f"There is no saved model in {folder}: {error.filename} is missing.") from None
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{folder / CONFIG} does not describe a brainlab model ({error}); save the model again."
        ) from None
    except (SafetensorError, RuntimeError) as error:
        raise InputError(f"{folder / WEIGHTS} does not fit its config.json ({error}); save the model again.") from None
    return model.eval()
