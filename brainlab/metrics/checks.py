"""What every measure asks of its input, so that a slip becomes a sentence and not a plausible number."""

from collections.abc import Sequence

import torch
from torch import Tensor

from brainlab.errors import InputError


def same_shape(*arrays: Tensor) -> None:
    """Raises InputError unless all shapes agree: broadcasting would compare what was never meant to be."""
    if len({tuple(one.shape) for one in arrays}) > 1:
        raise InputError(f"Shapes must agree, got {' and '.join(str(tuple(one.shape)) for one in arrays)}.")


def boolean(measure: str, **masks: Tensor) -> None:
    """Raises InputError unless the masks, named as the user knows them, are boolean: ``~`` of a uint8 1 is 254."""
    for name, one in masks.items():
        if one.dtype != torch.bool:
            raise InputError(f"{measure} needs a boolean {name}, got {one.dtype}: use {name} > 0.")


def a_name_each(names: Sequence[str], n: int, of_what: str) -> None:
    """Raises InputError unless there are as many names (of subjects, of scans) as slices."""
    if len(names) != n:
        raise InputError(f"{of_what} must name each of the {n} slices, got {len(names)} names.")
