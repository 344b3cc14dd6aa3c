"""A set of vectors (N, d), latent or features: what every measure of such a space asks of it."""

import torch
from torch import Tensor

from brainlab.errors import InputError


def checked(vectors: Tensor, name: str, least: int = 1, dim: int | None = None) -> Tensor:
    """The vectors (N, d) in float64 on the CPU; raises InputError unless they are finite and at least ``least``.

    Sums over thousands of vectors, and square roots of their covariances, lose too many digits in float32.
    """
    wanted = "(N, d)" if dim is None else f"(N, {dim})"
    if vectors.ndim != 2 or vectors.shape[1] != (dim or vectors.shape[1]) or not vectors.shape[1]:
        raise InputError(f"{name} must be vectors of shape {wanted}, one row each, got {tuple(vectors.shape)}.")
    if len(vectors) < least:
        raise InputError(f"{name} must hold at least {least} vectors, got {len(vectors)}; give more images.")
    if not torch.isfinite(vectors).all():
        raise InputError(f"{name} must be finite, but some values are NaN or infinite; look for where they arise.")
    return vectors.detach().cpu().double()
