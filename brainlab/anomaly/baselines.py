"""Scores without a network: brightness, how unusual a pixel's value is at its place, what principal components miss.

Each takes Slices and gives maps (N, 1, H, W), at least 0 and 0 outside the brain. They belong into every table: a
network that does not beat them has not been needed (Saase et al. 2020; Meissen et al. 2021).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from brainlab.anomaly.checks import check_region
from brainlab.errors import InputError
from brainlab.slices import Slices

LEAST_STD = 0.01
"""No pixel's standard deviation counts as less, in units of intensity: about a scan's own noise."""


class Shown(Protocol):
    """Images and their brain, all that brightness asks for: Slices, or any other set of slices that has both."""

    @property
    def images(self) -> Tensor:
        """(N, C, H, W)."""
        ...

    @property
    def brain(self) -> Tensor:
        """(N, 1, H, W) bool."""
        ...


def brightness(slices: Shown) -> Tensor:
    """x in the brain and 0 outside, (N, C, H, W): a threshold on this is what bright lesions on FLAIR are found by."""
    check_region(slices.images, slices.brain)
    return slices.images * slices.brain


def darkness(slices: Shown) -> Tensor:
    """1 − x in the brain and 0 outside, (N, C, H, W): the same for dark lesions, such as plaques on T1w."""
    check_region(slices.images, slices.brain)
    return (1 - slices.images) * slices.brain


@dataclass(frozen=True)
class ZScore:
    """|x − mean| / std at each pixel, of healthy people's values there: ``ZScore.fit(train)``, then ``z(slices)``.

    Brains are not registered here, so the mean is blurred; with ``per_level`` at least the heights agree.
    """

    mean: Tensor  # (levels, 1, H, W)
    std: Tensor  # (levels, 1, H, W), at least LEAST_STD
    level_mm: np.ndarray  # (levels,) middle of each level in world millimetres; one level: all heights together

    @classmethod
    def fit(cls, train: Slices, per_level: bool = False, bin_mm: float = 8.0, pseudo: float = 5.0) -> "ZScore":
        """From healthy slices: all heights together, or one mean and std for each ``bin_mm`` of height that has slices.

        Only brain counts, and where few people have brain, their mean and std would be anything. So each pixel is given
        ``pseudo`` further values, those of an average pixel of the level's brain: with the n values that are there,
        mean = (Σx + pseudo · m) / (n + pseudo), and the variance likewise, m and v being mean and variance of
        all brain pixels of the level. Where nobody has brain, it is m and v.
        """
        _check_train(train)
        if not bin_mm > 0 or not pseudo > 0:
            raise InputError(f"bin_mm and pseudo must be above 0, got bin_mm={bin_mm} and pseudo={pseudo}.")
        train = train[train.brain.flatten(1).any(dim=1).numpy()]
        level = np.zeros(len(train))
        if per_level:
            _check_heights(train)
            level = np.round(train.position_mm / bin_mm)
        names = np.unique(level)  # rising
        moments = [_moments(train[level == one], pseudo) for one in names]
        mean, std = (torch.stack(each) for each in zip(*moments, strict=True))
        return cls(mean, std, names * bin_mm)

    def __call__(self, slices: Slices) -> Tensor:
        """|z| inside the brain and 0 outside, (N, 1, H, W), in standard deviations, by the level nearest in height."""
        _check_like(slices, self.mean)
        level = np.zeros(len(slices), dtype=int)
        if len(self.level_mm) > 1:
            _check_heights(slices)
            level = np.abs(np.subtract.outer(slices.position_mm, self.level_mm)).argmin(axis=1)
        rows = torch.from_numpy(level)
        return (slices.images - self.mean[rows]).abs() / self.std[rows] * slices.brain


@dataclass(frozen=True)
class PCAResidual:
    """|x − x̂|, x̂ being what a few principal components of healthy slices say of x: a linear autoencoder.

    ``PCAResidual.fit(train)``, then ``pca(slices)``. Pearson 1901; as the best linear bottleneck, Baldi and Hornik
    1989 (Neural Networks 2:53).
    """

    mean: Tensor  # (1, H, W)
    components: Tensor  # (k, H · W), orthonormal rows

    @classmethod
    def fit(cls, train: Slices, components: int = 32) -> "PCAResidual":
        """From healthy slices, more than ``components`` of them; what lies outside the brain is 0.

        Not whitened, in 64 bits, by Lanczos iterations (ARPACK) from a fixed start: a second, and always the same.
        """
        from sklearn.decomposition import PCA

        _check_train(train)
        x = (train.images * train.brain).flatten(1).double().numpy()
        if not 1 <= components < min(x.shape):
            raise InputError(
                f"components must be from 1 to {min(x.shape) - 1} for {len(x)} training slices, got {components}."
            )
        pca = PCA(components, svd_solver="arpack", whiten=False, random_state=0).fit(x)
        mean = torch.from_numpy(pca.mean_).to(train.images.dtype).view(train.images.shape[1:])
        return cls(mean, torch.tensor(pca.components_, dtype=train.images.dtype))

    def reconstruct(self, slices: Slices) -> Tensor:
        """x̂ = mean + Vᵀ V (x − mean), V's rows being the components; (N, 1, H, W)."""
        _check_like(slices, self.mean[None])
        away = (slices.images * slices.brain - self.mean).flatten(1)  # (N, H · W)
        return self.mean + (away @ self.components.T @ self.components).view(slices.images.shape)

    def __call__(self, slices: Slices) -> Tensor:
        """|x − x̂| inside the brain and 0 outside, (N, 1, H, W), in intensity."""
        return (slices.images - self.reconstruct(slices)).abs() * slices.brain


def _moments(level: Slices, pseudo: float) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation at each pixel of the slices of one level, each (1, H, W)."""
    x, brain = level.images.double() * level.brain, level.brain.double()
    inside = level.images[level.brain].double()
    m, square = inside.mean(), inside.square().mean()
    n = brain.sum(dim=0) + pseudo  # (1, H, W)
    mean = (x.sum(dim=0) + pseudo * m) / n
    variance = (x.square().sum(dim=0) + pseudo * square) / n - mean.square()
    std = variance.clamp(min=0).sqrt().clamp(min=LEAST_STD)
    return mean.to(level.images.dtype), std.to(level.images.dtype)


def _check_train(train: Slices) -> None:
    check_region(train.images, train.brain)
    if not train.brain.any():
        raise InputError("There is no brain pixel to learn from: the training slices' brain is False everywhere.")
    if train.masks.any():
        raise InputError('Some training slices have a lesion: fit on healthy ones, such as split="train".')
    if not torch.isfinite(train.images).all():
        raise InputError("The training images must be finite, but some pixels are NaN or infinite.")


def _check_like(slices: Slices, fitted: Tensor) -> None:
    check_region(slices.images, slices.brain)
    if slices.images.shape[1:] != fitted.shape[1:]:
        wanted = ", ".join(map(str, fitted.shape[1:]))
        raise InputError(
            f"This was fitted to images (N, {wanted}), got {tuple(slices.images.shape)}; "
            f"load data with size={fitted.shape[-1]}."
        )


def _check_heights(slices: Slices) -> None:
    if not np.isfinite(slices.position_mm).all():
        raise InputError(
            "Scores per level need each slice's height, but some position_mm are NaN: use per_level=False."
        )
