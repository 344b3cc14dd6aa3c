"""Small kernels, and what a layer does with one: slide it over the image, multiply and sum.

PyTorch's ``Conv2d`` is a cross-correlation, y[i, j] = Σ w[a, b] · x[i + a, j + b], with the kernel as it is written. A
convolution proper turns the kernel by 180° first. A network learns its kernels, so it does not matter which; a Sobel
kernel changes its sign.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from brainlab.errors import InputError

Border = Literal["zeros", "edge", "reflect"]
BORDERS: Mapping[str, str] = MappingProxyType({"zeros": "constant", "edge": "replicate", "reflect": "reflect"})
"""What lies beyond the image, with its name in ``F.pad``; zeros is what ``Conv2d(padding=…)`` takes."""

_BINOMIAL = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
KERNELS: Mapping[str, Tensor] = MappingProxyType(
    {
        "identity": torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        "mean": torch.full((3, 3), 1 / 9),
        "gaussian": torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 1])) / 16,
        "gaussian 5": torch.outer(_BINOMIAL, _BINOMIAL) / 256,
        "sobel x": torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        "sobel y": torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]]),
        "laplacian": torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        "sharpen": torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    }
)
"""Kernels with a name, (3, 3) or (5, 5), as a cross-correlation takes them: Sobel x is positive where it gets brighter
to the right of the picture, Sobel y where it gets brighter downwards. The Gaussians are binomial."""


def framed(kernel: Tensor, side: int) -> Tensor:
    """A kernel (k, k) in the middle of (side, side) zeros; an even one lies half a pixel to the lower right.

    So lies the 4 × 4 kernel of ``Conv2d(…, 4, stride=2, padding=1)``, whose output is every second pixel of ours.
    """
    k = kernel.shape[-1]
    if kernel.shape != (k, k) or k > side:
        raise InputError(f"A kernel must be square and at most {side} pixels wide, got {tuple(kernel.shape)}.")
    first = (side - k + 1) // 2
    return F.pad(kernel, [first, side - k - first] * 2)


def filtered(image: Tensor, kernel: Tensor, border: Border = "zeros", flip: bool = False) -> Tensor:
    """An image (H, W) under a kernel (k, k) of odd k, (H, W): cross-correlation, or with ``flip`` convolution.

    Raises InputError for an even or oblong kernel, one with a number that is not finite, or an unknown border.
    """
    k = kernel.shape[-1]
    if kernel.shape != (k, k) or k % 2 == 0:
        raise InputError(f"A kernel needs a middle: give it an odd side, such as (3, 3), got {tuple(kernel.shape)}.")
    if not kernel.isfinite().all():
        raise InputError("A kernel must hold finite numbers.")
    if border not in BORDERS:
        raise InputError(f"border must be one of {', '.join(BORDERS)}, got {border!r}.")
    wide = F.pad(image[None, None], [k // 2] * 4, mode=BORDERS[border])
    return F.conv2d(wide, (kernel.flip(0, 1) if flip else kernel)[None, None].to(image))[0, 0]
