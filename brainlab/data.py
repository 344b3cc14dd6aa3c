"""Any source of brain slices by its name or path, and batches of them."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from brainlab import splits
from brainlab.errors import InputError
from brainlab.lesioned import with_lesions
from brainlab.slices import About, Slices

__all__ = ["About", "Batches", "Slices", "Split", "get", "load", "stream", "with_lesions"]

Split = Literal["train", "val", "labelled", "dev", "test"]
CONTRASTS = ("T1w", "T1ce", "T2w", "FLAIR")


def load(
    name: str | Path, split: Split | None = None, contrast: str | None = None, size: int = 64, seed: int = 0
) -> Slices:
    """Slices of ``"phantom"``, the synthetic population, of a source that can be downloaded, or of a path of one's own.

    A path is an image file (NIfTI, Analyze, MGH), an ``.npz``, or a folder: of volumes, as BIDS or anyhow, or of
    pictures, with an ``index.csv`` or without; ``sources.own`` and the modules it names say what is read from names.

    ``split``: ``train`` and ``val`` are healthy, for fitting and for thresholds; ``labelled`` has every kind of lesion,
    for classifiers; ``dev`` is for every choice, and ``test`` for the final table only. No subject is in two splits.
    Without ``split`` the phantom gives ``train``, anything else everything it has; a split of that is a share of its
    subjects, drawn by ``seed`` and by nothing else (``splits.by_subject``). ``contrast`` is "T1w", "T1ce", "T2w" or
    "FLAIR": of the phantom T1w unless another is asked for; of one's own it picks among several. ``size`` is the width
    in pixels; a phantom's ``seed`` names another population. The first call for a phantom's split builds and caches it.
    Raises InputError for a name or a file that cannot be used, and for a split that would have nobody.
    """
    _check(name, contrast, size)
    if split is not None and split not in splits.SPLITS:
        raise InputError(f"split must be one of {', '.join(splits.SPLITS)}, got {split!r}.")
    if str(name) == "phantom":
        from brainlab.sources import phantom

        return phantom.load(split or "train", contrast or "T1w", size, seed)
    whole = _whole(name, size, contrast)
    return whole[:] if split is None else splits.by_subject(whole, split, seed)  # a copy: what is kept stays as it is


def stream(path: str | Path, contrast: str | None = None, size: int = 64) -> Iterator[Slices]:
    """The slices of a file or a folder of one's own, one volume after another: thousands take the memory of a few."""
    from brainlab.sources import known, own

    _check(path, contrast, size)
    if str(path) == "phantom" or str(path) in known():
        raise InputError(f"{path} is read at once, by data.load; stream takes the path of a file or a folder.")
    return own.stream(path, size, contrast)


def _check(name: object, contrast: object, size: object) -> None:
    """InputError unless they are what they should be; what a name stands for is seen later."""
    if not isinstance(name, str | os.PathLike):
        raise InputError(f"Give the name of a source or the path of a file or a folder, as a text, got {name!r}.")
    if contrast is not None and contrast not in CONTRASTS:
        raise InputError(f"contrast must be one of {', '.join(CONTRASTS)}, got {contrast!r}.")
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 8 <= size <= 1024:
        raise InputError(f"size must be a whole number of pixels from 8 to 1024, got {size!r}.")


def _whole(name: str | Path, size: int, contrast: str | None) -> Slices:
    """Everything that a source or a path has."""
    from brainlab import sources
    from brainlab.sources import own

    known = sources.known()
    if str(name) in known:
        return own.of_contrast(known[str(name)].read(get(str(name)), size), contrast)
    path = Path(name)
    if "\0" in str(name) or path.suffix or path.exists() or path.parent != Path():
        return _once(path, size, contrast)
    sources_too = "".join(f"{one!r}, " for one in sorted(known))
    raise InputError(
        f'There is no source called {str(name)!r}: use "phantom", {sources_too}or the path of a file or a folder.'
    )


_LAST: dict[Any, Slices] = {}
"""What was read last of a folder of one's own: a lesson asks for four splits of it, and reads it once."""


def _once(path: Path, size: int, contrast: str | None) -> Slices:
    """What lies at a path; a folder's is kept until another is asked for, or one of its files has changed."""
    from brainlab.sources import own

    here = path.expanduser()
    if "\0" in str(path) or not here.is_dir():
        return own.load(path, size, contrast)
    key = (os.path.abspath(here), size, contrast, _state(here))
    if key not in _LAST:
        _LAST.clear()  # first, for two sets may not fit
        _LAST[key] = own.load(path, size, contrast)
    return _LAST[key]


def _state(folder: Path) -> tuple[int, int, int]:
    """How many files, their bytes, and when the last of them was changed."""
    found = [os.lstat(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names]
    return len(found), sum(one.st_size for one in found), max((one.st_mtime_ns for one in found), default=0)


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
