import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from brainlab import InputError, metrics

# One row of six pixels, all brain. Truth: pixels 0, 1, 2. Scores fall from left to right but for pixel 3, healthy.
TRUTH = torch.tensor([[1, 1, 1, 0, 0, 0]], dtype=torch.bool)
SCORES = torch.tensor([[0.9, 0.7, 0.3, 0.8, 0.2, 0.1]])
BRAIN = torch.ones_like(TRUTH)


def test_dice_of_a_case_worked_by_hand():
    # called: 0, 1, 3; right: 0, 1 -> 2 * 2 / (3 + 3)
    assert metrics.dice(SCORES > 0.5, TRUTH) == pytest.approx(2 / 3)


def test_dice_of_two_empty_masks_is_not_a_number():
    assert np.isnan(metrics.dice(~BRAIN, ~BRAIN))


def test_average_precision_of_a_case_worked_by_hand():
    # order: 0 (hit, P 1/1), 3 (miss), 1 (hit, P 2/3), 2 (hit, P 3/4); every hit adds 1/3 of recall
    assert metrics.average_precision(SCORES, TRUTH, BRAIN) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_equal_scores_enter_together_so_a_constant_map_scores_its_prevalence():
    assert metrics.average_precision(torch.ones(1, 6), TRUTH, BRAIN) == pytest.approx(metrics.prevalence(TRUTH, BRAIN))
    assert metrics.average_precision(torch.ones(1, 6), TRUTH.flip(1), BRAIN) == pytest.approx(0.5)


def test_pixels_outside_the_brain_do_not_count():
    brain = BRAIN.clone()
    brain[0, 3] = False  # the only false alarm leaves
    assert metrics.average_precision(SCORES, TRUTH, brain) == pytest.approx(1.0)


def test_false_positive_rate_is_not_the_false_discovery_rate():
    # called: 0, 1, 3. One of three healthy pixels is called (1/3); one of three calls is wrong too, so move the cut:
    # called: 0, 1, 2, 3 -> FPR = 1/3, FDR = 1/4
    assert metrics.false_positive_rate(SCORES > 0.25, TRUTH, BRAIN) == pytest.approx(1 / 3)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_average_precision_agrees_with_scikit_learn_ties_included(seed):
    rng = np.random.default_rng(seed)
    scores, mask = rng.integers(0, 8, 200) / 8, rng.random(200) < 0.2
    mask[0] = True
    ours = metrics.average_precision(
        torch.from_numpy(scores), torch.from_numpy(mask), torch.ones(200, dtype=torch.bool)
    )
    assert ours == pytest.approx(average_precision_score(mask, scores))


def test_a_mask_without_lesion_or_scores_with_nan_are_refused_in_a_sentence():
    with pytest.raises(InputError, match="at least one lesion pixel"):
        metrics.average_precision(SCORES, ~BRAIN, BRAIN)
    with pytest.raises(InputError, match="finite"):
        metrics.average_precision(SCORES * float("nan"), TRUTH, BRAIN)
    with pytest.raises(InputError, match="Shapes must agree"):
        metrics.dice(TRUTH, TRUTH[:, :3])


def test_the_bootstrap_draws_whole_subjects_and_promises_nothing_under_ten():
    subjects = [f"s{i}" for i in range(12) for _ in range(3)]
    of_subject = np.repeat(np.arange(12.0), 3)
    drawn = []

    def mean(rows: np.ndarray) -> float:
        drawn.append(rows)
        return float(of_subject[rows].mean())

    value, low, high = metrics.bootstrap(mean, subjects)
    assert value == pytest.approx(5.5)
    assert low < value < high
    for rows in drawn[1:]:
        assert all((np.bincount(rows // 3, minlength=12) % 3) == 0), "a subject was drawn in part"
    # twelve subjects with values 0..11: the standard error of their mean is 3.45 / sqrt(12) = 1.0
    assert high - low == pytest.approx(2 * 1.96 * 1.0, rel=0.25)
    assert np.isnan(metrics.bootstrap(mean, subjects[:27]).low)


def test_psnr_of_a_case_worked_by_hand():
    x = torch.zeros(2, 1, 2, 2)
    x_hat = torch.full_like(x, 0.1)
    x_hat[1] = torch.tensor([[0.02, 0], [0, 0]])
    # first image: MSE 0.01, 20 dB; second: MSE 0.0004 / 4 = 0.0001, 40 dB. (Their pooled MSE would give 22.97.)
    assert metrics.psnr(x, x_hat) == pytest.approx(30)
    assert metrics.psnr(x, x) == float("inf")
    with pytest.raises(InputError, match="Shapes must agree"):
        metrics.psnr(x, x_hat[:1])


def test_dice_of_numbers_is_refused():
    with pytest.raises(InputError, match="boolean masks"):
        metrics.dice(SCORES, TRUTH)
    with pytest.raises(InputError, match="boolean masks"):
        metrics.dice(TRUTH, TRUTH.to(torch.uint8))


@pytest.mark.parametrize("levels", [7, 10_000])
def test_the_quick_interval_of_average_precision_is_the_bootstrap_s_with_ties_and_without(levels):
    draw = torch.Generator().manual_seed(0)
    subjects = [f"p{i // 3}" for i in range(36)][::-1]
    brain = torch.rand(36, 1, 12, 12, generator=draw) < 0.7
    mask = (torch.rand(36, 1, 12, 12, generator=draw) < 0.1) & brain
    mask[:6] = False  # two people without a lesion
    scores = torch.randint(levels, (36, 1, 12, 12), generator=draw).float() + 2.0 * mask
    slow = metrics.bootstrap(lambda i: metrics.average_precision(scores[i], mask[i], brain[i]), subjects, 50, seed=4)
    quick = metrics.average_precision_interval(scores, mask, brain, subjects, 50, seed=4)
    assert quick == pytest.approx(slow, abs=1e-12)
    assert np.isnan(metrics.average_precision_interval(scores[:27], mask[:27], brain[:27], subjects[:27]).low)


def test_an_interval_without_repetitions_is_the_value_alone():
    assert metrics.interval(3.0, [])[0] == 3.0
    assert np.isnan(metrics.interval(3.0, [])[1:]).all()
    assert metrics.interval(3.0, [1.0, 2.0, 3.0]) == pytest.approx((3.0, 1.05, 2.95))
