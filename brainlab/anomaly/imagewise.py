"""From a map to one number an image: is there anything unusual in this slice at all?"""

import math
from typing import Literal, get_args

from torch import Tensor

from brainlab.anomaly.checks import check_finite, check_region
from brainlab.errors import InputError

How = Literal["mean", "max", "top1"]
TOP = 0.01
"""The share of brain pixels that ``top1`` looks at, the highest ones."""


def image_scores(maps: Tensor, brain: Tensor, how: How = "mean") -> Tensor:
    """One score a slice from maps (N, C, H, W), (N,): over its brain pixels their mean, their max, or ``top1``.

    ``top1`` is the mean of the highest 1 % of the brain pixels, rounded up: neither drowns a small lesion in the whole
    brain as the mean does, nor trusts a single pixel as the max does. Which is chosen can turn a ranking of methods
    round. A slice without brain has nothing unusual to show: 0.
    """
    if how not in get_args(How):
        raise InputError(f"how must be one of {', '.join(get_args(How))}, got {how!r}.")
    check_region(maps, brain)
    check_finite(maps, brain, "A score an image")
    scores = maps.new_zeros(len(maps))
    for i, (one, region) in enumerate(zip(maps, brain, strict=True)):
        scores[i] = _score(one[region.expand_as(one)], how)
    return scores


def _score(pixels: Tensor, how: How) -> Tensor:
    """Of one slice's brain pixels (n,)."""
    if not len(pixels):
        return pixels.new_zeros(())
    share = {"mean": 1.0, "max": 0.0, "top1": TOP}[how]
    highest = pixels.topk(max(1, math.ceil(share * len(pixels)))).values
    return highest.double().mean().to(pixels.dtype)
