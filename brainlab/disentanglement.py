"""Does a latent space know the causes of an image? Its vectors scored against the phantom's known factors.

Two questions of the same z (N, d), with ``factors`` and ``subjects`` as ``Slices`` carries them:

    linear_probe             can a straight line read the factor off z?         R², at best 1; knowing nothing, about 0
    mutual_information_gap   does one latent number hold it, and no other?      0 to 1

A rotated z answers the first as well as ever and the second badly: it still knows, but each number mixes many causes.

A factor belongs to a person, not to a slice: its value is the same in all 16 slices of a subject, so they are not 16
observations. Both functions therefore average z over each subject first, and every subject counts once. Give every
subject the same kind of slices, and healthy ones. Constant factors score nan: nothing was asked.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from brainlab.errors import InputError
from brainlab.vectors import checked

FOLDS = 5
LEAST_SUBJECTS = 10  # two a fold


def linear_probe(z: Tensor, factors: Mapping[str, np.ndarray], subjects: Sequence[str]) -> dict[str, float]:
    """How well a linear function of z (N, d) predicts each factor in *people it has not seen*: R² by factor name.

    R² = 1 − Σ(v − v̂)² / Σ(v − mean)², pooled over five folds of subjects, v̂ from a ridge regression on the others
    (its strength chosen among those). 1: the factor can be read off z; about 0 or below: no better than its mean.
    ``factors`` (N,) and ``subjects`` as in ``Slices``, of at least 10 people. Alain and Bengio 2017, ICLR workshop.
    """
    x, causes = by_subject(z, factors, subjects, LEAST_SUBJECTS)
    folds = KFold(FOLDS, shuffle=True, random_state=0)  # a row is a subject, so no one is on both sides
    predicted = {name: cross_val_predict(probe(), x, v, cv=folds) for name, v in causes.items()}
    return {name: float(r2_score(v, predicted[name])) if np.ptp(v) else float("nan") for name, v in causes.items()}


def probe() -> Pipeline:
    """An unfitted linear probe, scikit-learn's ``fit(x, v)`` and ``predict(x)``: standardise, then ridge regression."""
    return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-2, 4, 13)))


def mutual_information_gap(
    z: Tensor, factors: Mapping[str, np.ndarray], subjects: Sequence[str], bins: int = 5
) -> dict[str, float]:
    """MIG of each factor v, by name; the paper's MIG is their mean. Chen et al. 2018, NeurIPS, equation 6.

    (I(z_j; v) − I(z_k; v)) / H(v) where z_j is the latent number that tells most of v and z_k the next. 1: one number
    says all and no other anything; 0: two say equally much. z and v are cut at their own quantiles into ``bins``, and
    I is that of the table of counts. Such a table has too much I, about (bins − 1)² / 2S nats of S subjects even where
    there is none (0.07 of H = 1.61 at S = 120); most of it cancels in the gap, but compare spaces on the same subjects.
    ``factors`` (N,) and ``subjects`` as in ``Slices``, at least bins² people; z (N, d) with d at least 2.
    """
    if bins < 2:
        raise InputError(f"Mutual information needs at least 2 bins, got {bins}.")
    x, causes = by_subject(z, factors, subjects, bins**2)
    if x.shape[1] < 2:
        raise InputError("A gap is between two latent numbers, but z has one; use a model with a larger latent_dim.")
    latents = [quantile_bins(column, bins) for column in x.T]
    return {name: _gap(latents, quantile_bins(v, bins)) for name, v in causes.items()}


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """I(a; b) in nats of two rows of small integers (N,): Σ p(a, b) log(p(a, b) / p(a) p(b)) over their table."""
    counts = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(counts, (a, b), 1)
    p = counts / counts.sum()
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    return float((p[p > 0] * np.log(p[p > 0] / independent[p > 0])).sum())


def quantile_bins(values: np.ndarray, bins: int) -> np.ndarray:
    """Which of ``bins`` equally filled bins each value (N,) lies in, integers (N,); equal values share a bin."""
    return np.searchsorted(np.quantile(values, np.arange(1, bins) / bins), values, side="right")


def by_subject(
    z: Tensor, factors: Mapping[str, np.ndarray], subjects: Sequence[str], least: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Mean z of each subject (S, d), and each factor (S,). Raises InputError where S < ``least`` or a factor varies."""
    x = checked(z, "z").numpy()
    lengths = {"z": len(x), "subjects": len(subjects)} | {name: len(v) for name, v in factors.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"z, subjects and factors need one entry a slice each, got {lengths}.")
    first, owner = np.unique(np.asarray(subjects), return_index=True, return_inverse=True)[1:]
    if len(first) < least:
        raise InputError(f"This needs at least {least} subjects, got {len(first)}; load a split with more of them.")
    causes = {name: np.asarray(v, dtype=np.float64)[first] for name, v in factors.items()}
    for name, v in causes.items():
        if not np.array_equal(v[owner], factors[name]):
            raise InputError(f"Factor {name!r} is NaN or changes within a subject, so it is no cause of that person.")
    return np.stack([x[owner == i].mean(axis=0) for i in range(len(first))]), causes


def _gap(latents: list[np.ndarray], v: np.ndarray) -> float:
    """The gap of one factor, all in bins; nan where the factor has no entropy."""
    entropy = mutual_information(v, v)  # I(v; v) = H(v)
    told = sorted((mutual_information(z_j, v) for z_j in latents), reverse=True)
    return (told[0] - told[1]) / entropy if entropy else float("nan")
