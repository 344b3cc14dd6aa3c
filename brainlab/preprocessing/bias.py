"""The shading that a coil lays over a scan, found and divided out: observed = true × a smooth field.

Near a coil's element the same tissue reads brighter. The eye forgives it, a model that compares intensities does not.
In logarithms the product is a sum, log observed = log true + log field; the true part takes few values (grey matter,
white matter, fluid), the field changes slowly. So in turn: guess which tissue each voxel is, then fit a low polynomial
to what the tissues leave over (Van Leemput et al., "Automated model-based bias field correction of MR images of the
brain", IEEE Trans Med Imaging 18:885, 1999). What is like no tissue, as lesions are, has little weight in the fit.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from scipy import ndimage

from brainlab.errors import InputError
from brainlab.preprocessing import n4
from brainlab.volumes import Volume

METHODS = ("polynomial", "n4")
SAMPLED_MM = 4.0  # a smooth field needs no more points than that
ROUNDS = 25
UNLIKE = 1e-3  # density of voxels that are like no tissue: far from every class it outweighs the classes
NARROWEST = 0.01  # of a class, in log intensity: a class of equal voxels must not get all the weight
LEAST_VOXELS = 500


def correct_bias(volume: Volume, brain: np.ndarray, method: str = "polynomial", order: int = 2) -> Volume:
    """The scan divided by its ``bias_field`` inside ``brain`` (X, Y, Z) bool; outside it nothing changes."""
    field = bias_field(volume, brain, method, order)
    return replace(volume, data=volume.data / field)


def bias_field(volume: Volume, brain: np.ndarray, method: str = "polynomial", order: int = 2) -> np.ndarray:
    """The shading (X, Y, Z) float32: its geometric mean in ``brain`` is 1, and outside the brain it is 1.

    ``method`` "polynomial" fits a polynomial of ``order`` 1 to 4 to the logarithms: the higher, the more of the
    anatomy it takes for shading. "n4" is the field's standard, N4 (the optional SimpleITK; ``order`` is not used).
    Intensities must have a true zero, as the scanner's have: correct before ``normalise``, which takes it away.
    Neither method can tell shading from a disease that spreads as smoothly. Raises InputError for another method or
    order, and for a mask of another shape or without tissue in it.
    """
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
    if order not in (1, 2, 3, 4):
        raise InputError(f"order must be 1, 2, 3 or 4, got {order!r}.")
    if np.shape(brain) != volume.data.shape:
        raise InputError(
            f"The brain mask has shape {np.shape(brain)} and the scan {volume.data.shape}; give a mask of its shape."
        )
    inside = np.asarray(brain, dtype=bool)
    log_field = _log_polynomial(volume, inside, order) if method == "polynomial" else n4.log_field(volume, inside)
    field = np.ones(volume.data.shape, dtype=np.float32)
    field[inside] = np.exp(log_field[inside] - log_field[inside].mean())
    return field


def shading(field: np.ndarray, brain: np.ndarray) -> float:
    """How much brighter the coil makes the bright parts of the brain than the dark ones (percentiles 95 and 5), - 1."""
    low, high = np.percentile(field[brain], (5, 95))
    return float(high / low - 1)


def _log_polynomial(volume: Volume, brain: np.ndarray, order: int) -> np.ndarray:
    """The field's logarithm (X, Y, Z) over the whole grid, by Legendre polynomials over the brain's box."""
    every = np.maximum(1, np.round(SAMPLED_MM / np.linalg.norm(volume.affine[:3, :3], axis=0))).astype(int)
    thinned = tuple(slice(None, None, step) for step in every)
    values = volume.data[thinned]
    used = brain[thinned] & (values > 0)
    if used.sum() < LEAST_VOXELS:
        raise InputError("The brain mask holds too little tissue to find shading in; check that it is this scan's.")
    box = ndimage.find_objects(brain.astype(np.uint8))[0]
    unit = [
        2 * (np.arange(n) - one.start) / (one.stop - one.start) - 1 for n, one in zip(brain.shape, box, strict=True)
    ]
    x, y, z = (one[::step][index] for one, step, index in zip(unit, every, np.nonzero(used), strict=True))
    basis = legendre.legvander3d(x, y, z, [order] * 3).reshape(used.sum(), *(order + 1,) * 3)
    kept = np.indices(basis.shape[1:]).sum(axis=0) <= order
    kept[0, 0, 0] = False  # a constant is brightness, no shading
    coefficients = np.zeros(kept.shape)
    coefficients[kept] = _fit(np.log(values[used]).astype(float), basis[:, kept])
    return legendre.leggrid3d(unit[0], unit[1], unit[2], coefficients)


class Tissues(NamedTuple):
    """Three classes of log intensity, Gaussian each."""

    mean: np.ndarray  # (3,)
    variance: np.ndarray  # (3,)
    share: np.ndarray  # (3,)


def _fit(log_values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Coefficients (terms,) of the field in ``log_values`` (n,), by expectation and maximisation in turn."""
    tissues = Tissues(
        np.quantile(log_values, (1 / 6, 1 / 2, 5 / 6)), np.full(3, log_values.var() / 9), np.full(3, 1 / 3)
    )
    coefficients, flat = np.zeros(basis.shape[1]), log_values
    for _ in range(ROUNDS):
        belongs = _belongs(flat, tissues)  # (n, 3)
        tissues = _tissues(flat, belongs)
        precision = belongs / tissues.variance
        weight = precision.sum(axis=1)  # (n,): near 0 for what is like no tissue
        left_over = log_values - precision @ tissues.mean / np.maximum(weight, 1e-12)
        normal = (basis * weight[:, None]).T @ basis
        ridge = 1e-3 * np.trace(normal) / len(normal) * np.eye(len(normal))
        coefficients = np.linalg.solve(normal + ridge, basis.T @ (weight * left_over))
        flat = log_values - basis @ coefficients
    return coefficients


def _belongs(values: np.ndarray, tissues: Tissues) -> np.ndarray:
    """How surely each of n voxels is of each tissue, (n, 3); a row's sum is below 1 where it is like none."""
    distance = (values[:, None] - tissues.mean) ** 2 / tissues.variance
    density = tissues.share * np.exp(-distance / 2) / np.sqrt(2 * np.pi * tissues.variance)
    return density / (density.sum(axis=1, keepdims=True) + UNLIKE)


def _tissues(values: np.ndarray, belongs: np.ndarray) -> Tissues:
    """The tissues' means, variances and shares, given what belongs to them."""
    total = belongs.sum(axis=0) + 1e-9
    mean = (belongs * values[:, None]).sum(axis=0) / total
    variance = (belongs * (values[:, None] - mean) ** 2).sum(axis=0) / total
    return Tissues(mean, np.maximum(variance, NARROWEST**2), total / total.sum())
