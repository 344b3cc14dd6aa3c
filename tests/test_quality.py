import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

import brainlab as bl
from brainlab import quality

seeds = given(st.integers(0, 10_000))
few = settings(deadline=None, max_examples=25)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_moments(mean, covariance, n=60, seed=0):
    """``n`` vectors whose sample mean and covariance (n - 1 below) are exactly these."""
    z = normal(n, len(mean), seed=seed)
    z = z - z.mean(dim=0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(torch.atleast_2d(z.T.cov())), z.T, upper=False)
    return (torch.linalg.cholesky(torch.tensor(covariance).double()) @ white).T + torch.tensor(mean)


def test_frechet_distance_of_a_case_worked_by_hand():
    a = with_moments([0.0, 0], [[4.0, 0], [0, 9]])
    b = with_moments([3.0, 4], [[1.0, 0], [0, 16]], seed=1)
    # 3² + 4², and for matrices that commute (σ₁ − σ₂)² along each axis: (2 − 1)² + (3 − 4)²
    assert quality.frechet_distance(a, b) == pytest.approx(25 + 1 + 1)
    one_dimensional = with_moments([1.0], [[4.0]]), with_moments([0.0], [[25.0]], n=80, seed=1)
    assert quality.frechet_distance(*one_dimensional) == pytest.approx(1 + (2 - 5) ** 2)


@few
@seeds
def test_frechet_distance_agrees_with_the_papers_root_of_a_product_where_covariances_do_not_commute(seed):
    a, b = normal(90, 4, seed=seed) @ normal(4, 4, seed=seed + 1), normal(60, 4, seed=seed + 2) + 1
    c_a, c_b = a.T.cov().numpy(), b.T.cov().numpy()
    traces = np.trace(c_a + c_b - 2 * np.real(np.asarray(sqrtm(c_a @ c_b))))
    assert quality.frechet_distance(a, b) == pytest.approx(
        float((a.mean(dim=0) - b.mean(dim=0)).square().sum()) + traces, rel=1e-6
    )
    assert quality.frechet_distance(a, b) == pytest.approx(quality.frechet_distance(b, a), rel=1e-6)


@few
@seeds
def test_a_set_is_at_no_distance_from_itself_even_with_fewer_points_than_dimensions(seed):
    a = normal(60, 100, seed=seed) * 10
    assert 0 <= quality.frechet_distance(a, a.flip(0)) < 1e-8  # their total variance is 10⁴
    flat = a[:, :5] @ normal(5, 100, seed=seed)
    assert quality.frechet_distance(flat, flat + 1) == pytest.approx(100, abs=1e-6)


@few
@seeds
def test_flat_sets_in_different_directions_are_as_far_apart_as_their_variances_add_up_to(seed):
    a, b = torch.zeros(60, 80, dtype=torch.float64), torch.zeros(60, 80, dtype=torch.float64)
    a[:, :30], b[:, 30:60] = normal(60, 30, seed=seed), normal(60, 30, seed=seed + 1)
    rotation = torch.linalg.qr(normal(80, 80, seed=seed)).Q
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    expected = float(means + a.var(dim=0).sum() + b.var(dim=0).sum())
    assert quality.frechet_distance(a @ rotation, b @ rotation) == pytest.approx(expected, rel=1e-9)


def test_the_bias_of_few_images_is_as_documented():
    for n, documented in ((500, 4.4), (5000, 0.4)):
        apart = np.mean([quality.frechet_distance(normal(n, 64, seed=i), normal(n, 64, seed=9 + i)) for i in range(4)])
        assert apart == pytest.approx(documented, rel=0.1)


def test_precision_and_recall_of_a_case_worked_by_hand():
    real = torch.tensor([[0.0], [1], [2], [10]])  # nearest neighbours at 1, 1, 1, 8
    fake = torch.tensor([[0.5], [3.5], [30]])  # at 3, 3, 26.5
    # 0.5 lies within 1 of 0, 3.5 within 8 of 10, 30 in no ball; 0, 1, 2 lie within 3 of 0.5, 10 within 26.5 of 30
    assert quality.precision_recall(real, fake, k=1) == pytest.approx((2 / 3, 1))
    # from the other side: 0, 1, 2 and 10 in balls of fake; two of three fakes in balls of real
    assert quality.precision_recall(fake, real, k=1) == pytest.approx((1, 2 / 3))


@few
@seeds
def test_a_collapsed_model_is_precise_without_recall_and_a_scattered_one_the_reverse(seed):
    real = normal(200, 4, seed=seed)
    collapsed = real[:1] + 0.02 * normal(200, 4, seed=seed + 1)  # always the same brain
    precision, recall = quality.precision_recall(real, collapsed)
    assert precision > 0.9
    assert recall < 0.1
    precision, recall = quality.precision_recall(real, 4 * normal(200, 4, seed=seed + 1))
    assert precision < 0.4
    assert recall > 0.8


def test_a_perfect_models_precision_and_recall_are_as_documented():
    assert quality.precision_recall(normal(1500, 64), normal(1500, 64, seed=1)) == pytest.approx((0.6, 0.6), abs=0.05)


def test_coverage_of_a_case_worked_by_hand():
    real = torch.arange(100.0)  # two modes, below and above the median 49.5
    fake = torch.cat([torch.full((18,), 10.0), torch.full((2,), 80.0)])
    # p = 0.5, 0.5 and q = 0.9, 0.1; 0.1 is more than a tenth of 0.5, so it is reached
    assert quality.mode_coverage(real, fake, bins=2) == pytest.approx((1, (0.4 + 0.4) / 2))
    assert quality.mode_coverage(real, fake[:18].repeat(2), bins=2) == pytest.approx((0.5, 0.5))
    stray = torch.cat([torch.full((49,), 10.0), torch.tensor([80.0])])  # 0.02 is less than a tenth of 0.5
    assert quality.mode_coverage(real, stray, bins=2).reached == 0.5


def test_coverage_of_classes_counts_classes():
    real = torch.tensor([0, 1, 2, 3] * 30)
    assert quality.mode_coverage(real, torch.tensor([0, 1, 2] * 40)).reached == pytest.approx(3 / 4)
    assert quality.mode_coverage(real, real) == (1, 0)


@few
@seeds
def test_a_perfect_model_reaches_every_mode_and_a_narrow_one_few(seed):
    real = normal(2000, seed=seed)
    honest = quality.mode_coverage(real, normal(1000, seed=seed + 1))
    assert honest.reached == 1
    assert honest.total_variation == pytest.approx(0.4 * math.sqrt(10 / 1000), abs=0.06)
    narrow = quality.mode_coverage(real, 0.1 * normal(1000, seed=seed + 1))
    assert narrow.reached <= 0.4
    assert narrow.total_variation > 0.6


def test_memorisation_of_a_case_worked_by_hand():
    train = torch.zeros(50, 1)
    unseen = torch.tensor([1.0, 3, 5, 7, 9]).repeat(10)[:, None]
    fake = torch.tensor([0.0, 0, 3, 3, 20]).repeat(10)[:, None]
    # of the five, 0 is nearer than all 5 (twice), 3 nearer than 3 and equal to 1 (twice), 20 nearer than none
    closer = (5 + 5 + 3.5 + 3.5 + 0) / 25
    assert quality.memorisation(train, unseen, fake) == pytest.approx((closer, 3 / 5))


@few
@seeds
def test_copies_are_found_and_honest_samples_are_not_accused(seed):
    train, unseen, fresh = normal(3, 200, 6, seed=seed)
    honest = quality.memorisation(train, unseen, fresh)
    assert honest == pytest.approx((0.5, 1), abs=0.2)
    copies = quality.memorisation(train, unseen, train + 0.01 * fresh)
    assert copies.closer > 0.95
    assert copies.ratio < 0.1
    far = quality.memorisation(train + 1000, unseen + 1000, train + 1000 + 1e-7 * fresh)  # digits are scarce out here
    assert 0 < far.ratio < 1e-6
    assert quality.memorisation(train, unseen, fresh + 5).closer < 0.1


def test_inputs_stay_as_they_were():
    a, b = normal(60, 3), normal(60, 3, seed=1)
    before = a.clone(), b.clone()
    for measure in (quality.frechet_distance, quality.precision_recall):
        measure(a, b)
    quality.memorisation(a, b, b)
    assert torch.equal(a, before[0])
    assert torch.equal(b, before[1])


FINE = normal(60, 3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: quality.frechet_distance(FINE, FINE[:49]), "fake must hold at least 50 vectors, got 49"),
        (lambda: quality.frechet_distance(FINE, FINE[:, :2]), r"fake must be vectors of shape \(N, 3\)"),
        (lambda: quality.frechet_distance(FINE[:, 0], FINE), "real must be vectors"),
        (lambda: quality.frechet_distance(FINE * math.nan, FINE), "real must be finite"),
        (lambda: quality.precision_recall(FINE[:3], FINE), "at least 4 vectors"),
        (lambda: quality.precision_recall(FINE, FINE, k=0), "at least 1"),
        (lambda: quality.precision_recall(FINE, FINE / 0), "fake must be finite"),
        (lambda: quality.mode_coverage(FINE[:, 0], FINE[:, 0]), "at least 100 vectors"),
        (lambda: quality.mode_coverage(FINE[:, 0], FINE[:, 0], bins=1), "at least 2 bins"),
        (lambda: quality.memorisation(FINE, FINE[:5], FINE), "unseen must hold"),
        (lambda: quality.memorisation(FINE, FINE, FINE), "other subjects"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(bl.InputError, match=sentence):
        call()
