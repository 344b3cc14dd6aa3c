"""Any source of brain slices by its name or path, and batches of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from brainlab.errors import InputError
from brainlab.slices import About, Slices

__all__ = ["About", "Batches", "Slices", "Split", "get", "load"]

Split = Literal["train", "val", "labelled", "dev", "test"]


def load(name: str | Path, split: Split = "train", contrast: str = "T1w", size: int = 64, seed: int = 0) -> Slices:
    """Slices of ``"phantom"``, the synthetic population, or of a NIfTI file or a folder of images, given by path.

    ``split``: ``train`` and ``val`` are healthy, for fitting and for thresholds; ``labelled`` has every kind of lesion,
    for classifiers; ``dev`` is for every choice, and ``test`` for the final table only. No subject is in two splits.
    ``contrast`` is "T1w", "T1ce", "T2w" or "FLAIR"; ``size`` the width in pixels; ``seed`` names another population.
    The first call for a split builds and caches it. A file or folder of one's own is read whole, whatever ``split`` it
    is meant for, and has the contrast it has. Raises InputError for a name or a file that cannot be used.
    """
    if str(name) == "phantom":
        from brainlab.sources import phantom

        return phantom.load(split, contrast, size, seed)
    path = Path(name)
    if "\0" not in str(name) and path.is_dir():
        from brainlab.sources import images

        return images.load(path, size=size)
    if path.suffix or path.exists() or path.parent != Path():
        from brainlab import volumes

        return volumes.slices(volumes.read(path), size=size)
    raise InputError(
        f'There is no source called {str(name)!r}: use "phantom", or the path of a NIfTI file or a folder of images.'
    )


def get(name: str, yes: bool = False) -> Path:
    """The folder of a source that can be downloaded, fetched now if need be; ``"phantom"`` grows all of its splits.

    Shows what it is and asks before the first byte, unless ``yes``. Raises InputError, and nothing is left half done.
    """
    from brainlab import downloads, sources

    if name == "phantom":
        from brainlab.sources import phantom

        return phantom.fill()
    return downloads.fetch(sources.find(name).download, yes=yes)


class Batches:
    """Shuffled batches of tensors that fit in memory: iterate for dicts such as ``{"x": (B, 1, H, W)}``.

    One iteration is one epoch. A bare tensor is called ``x``; several are given as a dict whose tensors have the same
    length. The order of every epoch follows from ``seed``. The last batch may be smaller.
    """

    def __init__(self, tensors: Tensor | dict[str, Tensor], size: int = 64, seed: int = 0) -> None:
        self.tensors = {"x": tensors} if isinstance(tensors, Tensor) else dict(tensors)
        if not self.tensors:
            raise InputError('There is nothing to make batches of: give at least one tensor, such as {"x": images}.')
        self.length = len(next(iter(self.tensors.values())))
        self.size = size
        self.seed = seed
        self.iterations = 0
        lengths = {name: len(value) for name, value in self.tensors.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"All tensors of a batch need the same length, got {lengths}.")
        if not self.length:
            raise InputError("There is nothing to make batches of: the data set is empty.")
        if size < 1:
            raise InputError(f"The batch size must be at least 1, got {size}.")

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-self.length // self.size)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        self.iterations += 1
        return self.epoch(self.iterations - 1)

    def epoch(self, number: int, skip: int = 0) -> Iterator[dict[str, Tensor]]:
        """The batches of epoch ``number``, counted from 0, without the first ``skip``; always the same ones."""
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(number):  # microseconds each, and no state that a run would have to keep
            torch.randperm(self.length, generator=generator)
        for index in torch.randperm(self.length, generator=generator).split(self.size)[skip:]:
            yield {name: value[index] for name, value in self.tensors.items()}

    def fingerprint(self) -> dict[str, Any]:
        """What tells these batches from others, as JSON: seed, size, and every tensor's type, shape and hash."""
        tensors = {
            name: [str(value.dtype), list(value.shape), hashlib.sha256(value.cpu().numpy().tobytes()).hexdigest()]
            for name, value in self.tensors.items()
        }
        return {"seed": self.seed, "size": self.size, "tensors": tensors}
