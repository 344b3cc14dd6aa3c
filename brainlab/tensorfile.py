"""Tensors in a file: written whole or not at all, hashed, and read without running anything that lies in it."""

import hashlib
import os
import tempfile
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from brainlab.errors import InputError

PICKLES = (b"PK", b"\x80")  # how torch.save's files begin, now and formerly


def pack(tensors: dict[str, Tensor]) -> bytes:
    """Tensors, from any device, as the content of a safetensors file."""
    own = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)  # the format wants no shared memory
        for name, value in tensors.items()
    }
    return safetensors.torch.save(own)


def unpack(content: bytes, name: str | Path) -> dict[str, Tensor]:
    """The tensors in a safetensors file's ``content``; ``name`` is for the message of the InputError."""
    try:
        return safetensors.torch.load(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError, MemoryError) as error:
        if content.startswith(PICKLES):  # as a sound file's length may do, too
            raise InputError(f"{name} holds pickled objects, which could run code: use a safetensors file.") from None
        raise InputError(f"{name} is not a whole safetensors file ({error}): make or download it again.") from None


def sha256(content: bytes) -> str:
    """The fingerprint of a file's content, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write(path: Path, content: bytes) -> None:
    """Write ``path`` so that a reader, or a computer that stops halfway, finds the old file or the new, never a part.

    Makes the folder if need be. Raises InputError where it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(beside, 0o644)  # mkstemp makes a file that its owner alone can read
            os.replace(beside, path)
        finally:
            Path(beside).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): choose another folder, or free some disk space."
        ) from error
