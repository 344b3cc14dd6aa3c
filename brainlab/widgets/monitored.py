"""What a training monitor sees of a step: the names of its numbers, and what its network draws."""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from brainlab import data
from brainlab.errors import InputError
from brainlab.models.protocols import Decodes, Reconstructs
from brainlab.training import Step
from brainlab.widgets.frame import Picture, to_bytes

SAMPLES = 16  # in a square of four by four


def names(step: Step, batch: dict[str, Tensor]) -> list[str]:
    """What a step will name its numbers: it is taken once and taken back, so that the run begins as if it had not."""
    before = copy.deepcopy(step.state_dict())
    place = next(p.device for module in step.modules.values() for p in module.parameters())
    try:
        with torch.random.fork_rng(devices=[]):
            return list(step({name: value.to(place) for name, value in batch.items()}))
    finally:
        step.load_state_dict(before)


@torch.no_grad()
def _look(model: Any, x: Tensor) -> tuple[dict[str, Picture], str]:
    """What the model draws, in evaluation mode (fit goes back to training mode by itself), and a word about it."""
    if model is None:
        return {}, ""
    place = next(model.parameters()).device
    model.eval()
    if isinstance(model, Reconstructs):
        x_hat = model.reconstruct(x.to(place)).cpu()
        rmse = float((x_hat - x).square().mean().sqrt())
        found = {"slice": Picture(_bytes(x)), "live": Picture(_bytes(x_hat))}
        return found, f" The reconstruction is off by {rmse:.3f} (root mean square)."
    z = torch.randn(SAMPLES, model.config.latent_dim, generator=torch.Generator().manual_seed(0))
    return {"live": Picture(tiled(model.decode(z.to(place)).cpu()))}, f" {SAMPLES} samples of always the same z."


def tiled(images: Tensor, columns: int = 4) -> np.ndarray:
    """Images (N, 1, H, W) in [0, 1], N a multiple of ``columns``, side by side in rows: uint8."""
    n, _, h, w = images.shape
    square = images[:, 0].reshape(n // columns, columns, h, w).transpose(1, 2).reshape(n // columns * h, columns * w)
    return to_bytes(square.numpy(), (0.0, 1.0))


def _drawing(step: Step) -> Any:
    """The step's first network that draws images."""
    found = (one for one in step.modules.values() if isinstance(one, Reconstructs | Decodes))
    return next(found, None)


def _first(batches: Any) -> dict[str, Tensor]:
    batch = next(batches.epoch(0) if isinstance(batches, data.Batches) else iter(batches), None)
    if not isinstance(batch, dict) or not isinstance(batch.get("x"), Tensor):
        raise InputError('The batches hold no images "x" to watch: use data.Batches(images).')
    return batch


def _fullest(x: Tensor) -> Tensor:
    """Of a batch (B, C, H, W) the image with the most brain in it, (1, C, H, W)."""
    return x[(x > 0.1).flatten(1).sum(dim=1).argmax()][None]


def _bytes(x: Tensor) -> np.ndarray:
    return to_bytes(x[0, 0].numpy(), (0.0, 1.0))
