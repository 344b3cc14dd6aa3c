"""A set of brain slices with all that is known of them: what every source returns and every lesson reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from brainlab.errors import InputError


@dataclass(frozen=True)
class About:
    """Where images come from, and what one may do with them."""

    source: str
    licence: str
    citation: str
    synthetic: bool


@dataclass(frozen=True)
class Slices:
    """N slices, one entry a slice in every field but ``contrast``, ``spacing`` and ``about``.

    Shapes: ``images`` (N, 1, H, W) float32 in [0, 1]; ``masks`` (N, 1, H, W) bool, true where a lesion is;
    ``brain`` (N, 1, H, W) bool, the lesion-free anatomy's brain, the region that every score is computed in.
    """

    images: Tensor
    masks: Tensor
    brain: Tensor
    subjects: tuple[str, ...]
    labels: tuple[str, ...]  # the lesion's kind in this slice, or "healthy"
    position_mm: np.ndarray  # (N,) height of the slice in world millimetres
    visit: tuple[str, ...]  # which scan of the subject: "healthy", or kind and contrast, as "tumour-hypo"
    affine: np.ndarray  # (N, 4, 4) from (row, column, 0, 1) to world millimetres, see geometry.slice_affine
    contrast: str | None  # "T1w", "T1ce", "T2w", "FLAIR"; None where it is not known
    spacing: float  # mm a pixel
    about: About
    factors: dict[str, np.ndarray] | None = field(default=None)  # the phantom's known causes, (N,) each

    def __post_init__(self) -> None:
        n = len(self.images)
        per_slice = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in ("contrast", "spacing", "about", "factors"):
            del per_slice[name]
        for name, value in (per_slice | {f"factors[{k!r}]": v for k, v in (self.factors or {}).items()}).items():
            if len(value) != n:
                raise InputError(f"Slices.{name} has {len(value)} entries for {n} images; give one a slice.")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, chosen) -> "Slices":
        """The slices at an index, a slice, a list of indices or a boolean array; always a ``Slices``."""
        index = np.atleast_1d(np.arange(len(self))[chosen]).copy()  # torch refuses the view that [::-1] gives
        pick: dict[type, Callable[[Any], Any]] = {
            tuple: lambda value: tuple(value[i] for i in index),
            Tensor: lambda value: value[torch.from_numpy(index)],
            np.ndarray: lambda value: value[index],
            dict: lambda value: {name: one[index] for name, one in value.items()},
        }
        taken = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(self, **{k: pick[type(v)](v) for k, v in taken.items() if type(v) in pick})

    def where(self, **wanted: str) -> "Slices":
        """The slices whose fields equal what is asked: ``test.where(labels="tumour", visit="tumour-hypo")``.

        None may be both; but raises InputError for a value that no slice has, for it is likely misspelt.
        """
        keep = np.ones(len(self), dtype=bool)
        for name, value in wanted.items():
            if name not in ("subjects", "labels", "visit"):
                raise InputError(f"where picks by subjects, labels or visit, got {name!r}.")
            there = getattr(self, name)
            if len(self) and value not in there:
                raise InputError(f"No slice has {name}={value!r}; there are {_few(sorted(set(there)))}.")
            keep &= np.array([one == value for one in there], dtype=bool)
        return self[keep]


def joined(sets: Sequence[Slices]) -> Slices:
    """Several sets of slices of one contrast and size as one, in their order; causes (``factors``) are left out.

    ``about`` is the first's. Raises InputError where there is none, or where they differ in contrast or size.
    """
    if not sets:
        raise InputError("There are no slices to join: give at least one set.")
    first = sets[0]
    kinds = {(one.contrast, tuple(one.images.shape[1:]), one.spacing) for one in sets}
    if len(kinds) > 1:
        raise InputError(f"Slices are joined where contrast, shape and spacing agree, got {sorted(map(str, kinds))}.")
    whole: dict[str, Any] = {"factors": None}
    for name in (one.name for one in fields(first)):
        parts = [getattr(one, name) for one in sets]
        if isinstance(parts[0], Tensor):
            whole[name] = torch.cat(parts)
        elif isinstance(parts[0], np.ndarray):
            whole[name] = np.concatenate(parts)
        elif isinstance(parts[0], tuple):
            whole[name] = tuple(chain.from_iterable(parts))
    return replace(first, **whole)


def _few(names: list[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
