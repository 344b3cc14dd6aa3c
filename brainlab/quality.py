"""Are generated images good? Measures of samples against real images, in the features of a network of the kit's own.

``real``, ``fake`` and the like are feature vectors (N, d), one row an image, of one and the same network, such as a
classifier trained on this kit's slices. The literature uses a network trained on ImageNet, whose weights cannot ship
here and whose photographs are no brains. So **these numbers compare models within this kit, measured with the same
weights on as many images; they are not the FID, precision or recall of any paper.**
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab.errors import InputError
from brainlab.vectors import checked

LEAST_IMAGES = 50  # with fewer, chance is all that a Fréchet distance or a share of copies shows
REACHED = 0.1  # of the real share: less is a stray sample


class PrecisionRecall(NamedTuple):
    """Two shares, 0 to 1."""

    precision: float  # of the samples that look real
    recall: float  # of the real images that samples come near


class Coverage(NamedTuple):
    """How a factor's values are spread over samples, against real images."""

    reached: float  # share of the real modes that samples reach, 0 to 1
    total_variation: float  # ½ Σ |p − q| of the two histograms: 0 the same, 1 nothing in common


class Memorisation(NamedTuple):
    """How near samples come to training images, against how near unseen real images do."""

    closer: float  # probability that a sample is the nearer one; about 0.5 is honest, 1 is copied
    ratio: float  # median distance of samples over that of unseen images; about 1 is honest, 0 is copied


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Squared Fréchet distance of the Gaussians fitted to two sets of features (N, d), (M, d); 0 is best.

    d² = ‖m₁ − m₂‖² + tr(C₁ + C₂ − 2 (C₁^½ C₂ C₁^½)^½)     Heusel et al. 2017, NeurIPS; Dowson and Landau 1982

    The root is of a symmetric matrix, hence real, and there also where a covariance has no inverse. Each set holds at
    least 50 images. Few of them bias the distance upwards: two sets of one and the same N(0, I) in 64 dimensions come
    out 4.4 apart with 500 images each, and 0.4 with 5,000. Compare at equal N only (Bińkowski et al. 2018, ICLR).
    """
    x, y = _features(LEAST_IMAGES, real=real, fake=fake)
    c_x, c_y = (torch.cov(side.T).reshape(x.shape[1], -1) for side in (x, y))  # (d, d), for d = 1 too
    inner = torch.linalg.svdvals(_root(c_x) @ _root(c_y)).sum()  # its singular values are the eigenvalues of the root
    apart = (x.mean(dim=0) - y.mean(dim=0)).square().sum() + c_x.trace() + c_y.trace() - 2 * inner
    return max(float(apart), 0.0)  # rounding may leave -1e-15


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> PrecisionRecall:
    """Do samples look real (precision), and are all kinds of real images among them (recall)? (N, d), (M, d).

    A set's manifold is the union of balls, one around each point, as wide as the way to its ``k``-th nearest neighbour
    in the set. Precision: share of ``fake`` in the manifold of ``real``. Recall: share of ``real`` in that of ``fake``.
    A perfect model does not reach 1: unseen real images as ``fake`` tell what can be reached (0.6 for N(0, I) in 64
    dimensions). Needs memory for N·M distances. Kynkäänniemi et al. 2019, NeurIPS, equations 1 and 2.
    """
    if k < 1:
        raise InputError(f"k counts neighbours and is at least 1, got {k}.")
    x, y = _features(k + 1, real=real, fake=fake)
    return PrecisionRecall(precision=_share_within(x, y, k), recall=_share_within(y, x, k))


def mode_coverage(real: Tensor, fake: Tensor, bins: int = 10) -> Coverage:
    """Do samples reach all values of one factor? ``real`` (N,) and ``fake`` (M,) are a probe's predictions of it.

    The modes are ``bins`` ranges that hold equally many real images (``disentanglement.probe`` predicts a factor from
    features; a class number will do as well). A mode is reached if the samples' share in it is at least a tenth of the
    real one. Predict *both* sides: a probe shrinks what it predicts, so true values are spread wider than predictions.
    With M samples the total variation of a perfect model is about 0.4 √(bins / M) and not 0. Needs 10 values a bin.
    """
    if bins < 2:
        raise InputError(f"Coverage needs at least 2 bins, got {bins}.")
    sides = [checked(side.reshape(-1, 1), name, 10 * bins)[:, 0] for side, name in ((real, "real"), (fake, "fake"))]
    edges = np.unique(np.quantile(sides[0].numpy(), np.arange(1, bins) / bins))
    counts = [
        np.bincount(np.searchsorted(edges, side.numpy(), side="right"), minlength=len(edges) + 1) for side in sides
    ]
    p, q = (count / count.sum() for count in counts)
    reached = q[p > 0] >= REACHED * p[p > 0]  # classes leave bins without a real image
    return Coverage(float(reached.mean()), float(abs(p - q).sum() / 2))


def memorisation(train: Tensor, unseen: Tensor, fake: Tensor) -> Memorisation:
    """Are samples copies? Their way to the nearest of ``train`` against that of ``unseen`` real images, all (·, d).

    A model that has learned the population makes *new* brains, as far from the training images as other people's are:
    ``unseen`` must hold none of their subjects. ``closer`` is the U statistic of Meehan, Chaudhuri and Dasgupta 2020,
    AISTATS, over all of feature space at once, as a share: P(d_fake < d_unseen) + ½ P(equal). Samples that are all
    average or blurred lie near many images too: look at the nearest pairs before you say "copied". Below 0.5 they are
    farther from every training image than real ones: not like the population.
    """
    x, *others = _features(LEAST_IMAGES, train=train, unseen=unseen, fake=fake)
    d_unseen, d_fake = (_distances(other, x).min(dim=1).values for other in others)
    if not d_unseen.median():
        raise InputError("Most of the unseen images are training images; take them from other subjects.")
    nearer, equal = d_fake[:, None] < d_unseen, d_fake[:, None] == d_unseen
    return Memorisation(float((nearer.double() + equal / 2).mean()), float(d_fake.median() / d_unseen.median()))


def _root(covariance: Tensor) -> Tensor:
    """The symmetric square root; directions without variance stay so, where the root of rounding errors would not."""
    values, vectors = torch.linalg.eigh(covariance)
    empty = len(values) * torch.finfo(values.dtype).eps * values.max()
    return vectors * values.where(values > empty, 0).sqrt() @ vectors.T


def _share_within(centres: Tensor, points: Tensor, k: int) -> float:
    """Share of the points within the k-nearest-neighbour balls of the centres."""
    radius = _distances(centres, centres).kthvalue(k + 1, dim=1).values  # + 1: each is its own nearest
    return float((_distances(points, centres) <= radius).any(dim=1).double().mean())


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """(N, M) Euclidean distances from differences: the usual shortcut by products makes a copy's distance not 0."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def _features(least: int, **sets: Tensor) -> list[Tensor]:
    """The sets of features by name, once they are known to be usable and of one length d."""
    dim = next(iter(sets.values())).shape[-1]
    return [checked(features, name, least, dim) for name, features in sets.items()]
