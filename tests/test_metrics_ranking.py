import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from brainlab import InputError, metrics

# One row of six pixels, all brain. Truth: pixels 0, 1, 2. Scores fall from left to right but for pixel 3, healthy.
TRUTH = torch.tensor([[1, 1, 1, 0, 0, 0]], dtype=torch.bool)
SCORES = torch.tensor([[0.9, 0.7, 0.3, 0.8, 0.2, 0.1]])
BRAIN = torch.ones_like(TRUTH)
RANKING = [metrics.average_precision, metrics.auroc, metrics.precision_recall, metrics.oracle_dice]


def drawn(seed, levels):
    """Scores with ties, truth of every rarity that holds both kinds of pixel, and a brain with a hole; as numpy too."""
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, levels, 300) / levels - rng.integers(0, 2)).astype(np.float32 if seed % 2 else np.float64)
    mask, brain = rng.random(300) < rng.choice([0.01, 0.2, 0.9]), rng.random(300) < 0.8
    mask[:2], brain[:2] = [True, False], True
    return [torch.from_numpy(a) for a in (scores, mask, brain)], mask[brain], scores[brain]


def test_auroc_of_a_case_worked_by_hand():
    # lesion 0.9 beats three healthy pixels; 0.7 and 0.3 beat two each (not 0.8): 7 of 9 pairs
    assert metrics.auroc(SCORES, TRUTH, BRAIN) == pytest.approx(7 / 9)
    # with pixel 3 as high as pixel 1, that pair counts half
    tied = torch.tensor([[0.9, 0.7, 0.3, 0.7, 0.2, 0.1]])
    assert metrics.auroc(tied, TRUTH, BRAIN) == pytest.approx(7.5 / 9)
    assert metrics.auroc(-SCORES, TRUTH, BRAIN) == pytest.approx(2 / 9)
    assert metrics.auroc(torch.zeros(1, 6), TRUTH, BRAIN) == pytest.approx(0.5)


def test_auroc_flatters_where_lesions_are_rare():
    # 10 lesion pixels among 1,000; 50 healthy ones score higher than all of them, 940 lower
    scores = torch.cat([torch.full((50,), 3.0), torch.full((10,), 2.0), torch.full((940,), 1.0)])
    mask, brain = scores == 2, torch.ones(1000, dtype=torch.bool)
    assert metrics.auroc(scores, mask, brain) == pytest.approx(940 / 990)  # 0.95, and yet
    assert metrics.average_precision(scores, mask, brain) == pytest.approx(10 / 60)


def test_the_curve_of_a_case_worked_by_hand_tells_precision_from_recall():
    # one point a score, falling: hit, miss, hit, hit, miss, miss
    precision, recall, threshold = metrics.precision_recall(SCORES, TRUTH, BRAIN)
    np.testing.assert_allclose(precision, [1 / 1, 1 / 2, 2 / 3, 3 / 4, 3 / 5, 3 / 6])
    np.testing.assert_allclose(recall, [1 / 3, 1 / 3, 2 / 3, 3 / 3, 3 / 3, 3 / 3])
    np.testing.assert_allclose(threshold, [0.8, 0.7, 0.3, 0.2, 0.1, -np.inf], rtol=1e-6)


def test_a_constant_map_has_one_point_where_all_is_called_and_no_other():
    precision, recall, threshold = metrics.precision_recall(torch.ones(1, 6), TRUTH, BRAIN)
    assert (precision.tolist(), recall.tolist(), threshold.tolist()) == ([0.5], [1.0], [-np.inf])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 7, 10_000]))
def test_ranking_agrees_with_scikit_learn_ties_included(seed, levels):
    given_, mask, scores = drawn(seed, levels)
    assert metrics.auroc(*given_) == pytest.approx(roc_auc_score(mask, scores), abs=1e-12)
    assert metrics.average_precision(*given_) == pytest.approx(average_precision_score(mask, scores), abs=1e-12)
    precision, recall, _ = precision_recall_curve(mask, scores)  # from all called to none, with a point (1, 0) added
    ours = metrics.precision_recall(*given_)
    np.testing.assert_allclose(ours.precision, precision[-2::-1])
    np.testing.assert_allclose(ours.recall, recall[-2::-1])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 7, 10_000]))
def test_a_curves_thresholds_give_its_points(seed, levels):
    (scores, mask, brain), _, _ = drawn(seed, levels)
    for precision, recall, threshold in zip(*metrics.precision_recall(scores, mask, brain), strict=True):
        called = (scores > float(threshold)) & brain
        assert precision == pytest.approx(float((called & mask).sum() / called.sum()))
        assert recall == pytest.approx(float((called & mask).sum() / (mask & brain).sum()))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 7, 10_000]))
def test_the_oracle_is_the_best_of_all_thresholds_tried_one_by_one(seed, levels):
    (scores, mask, brain), _, _ = drawn(seed, levels)
    found = metrics.oracle_dice(scores, mask, brain)
    tried = [metrics.dice((scores > t) & brain, mask & brain) for t in [-np.inf, *scores[brain].tolist()]]
    assert found.dice == pytest.approx(max(tried))
    assert found.dice == pytest.approx(metrics.dice((scores > found.threshold) & brain, mask & brain))


def test_the_oracle_of_a_case_worked_by_hand():
    # calling the best four pixels: 2 * 3 / (4 + 3) = 6/7; three: 2 * 2 / 6; six: 2 * 3 / 9
    dice, threshold = metrics.oracle_dice(SCORES, TRUTH, BRAIN)
    assert (dice, threshold) == (pytest.approx(6 / 7), pytest.approx(0.2))
    # of equally good cuts the highest: {a} gives 2 * 1 / (1 + 2), all four give 2 * 2 / (4 + 2)
    found = metrics.oracle_dice(torch.tensor([4.0, 3, 2, 1]), torch.tensor([True, False, False, True]), BRAIN[0, :4])
    assert found == (pytest.approx(2 / 3), 3.0)
    # a map that knows nothing is best where it calls everything
    assert metrics.oracle_dice(torch.ones(1, 6), TRUTH, BRAIN) == (pytest.approx(2 * 3 / 9), -np.inf)


@pytest.mark.parametrize("measure", RANKING)
def test_pixels_outside_the_brain_do_not_count(measure):
    brain = BRAIN.clone()
    brain[0, 3] = False
    spoilt = SCORES.clone()
    spoilt[0, 3] = float("nan")  # where nobody looks
    inside = brain[0]
    expected = measure(SCORES[:, inside], TRUTH[:, inside], BRAIN[:, inside])
    assert str(measure(spoilt, TRUTH, brain)) == str(expected)


@pytest.mark.parametrize("measure", RANKING)
def test_ranking_refuses_what_it_cannot_rank_in_a_sentence(measure):
    with pytest.raises(InputError, match=r"at least one lesion pixel inside the brain; .*none\.$"):
        measure(SCORES, ~BRAIN, BRAIN)
    with pytest.raises(InputError, match="at least one lesion pixel inside the brain"):
        measure(SCORES, TRUTH, ~BRAIN)
    with pytest.raises(InputError, match="finite scores"):
        measure(SCORES.masked_fill(TRUTH, float("nan")), TRUTH, BRAIN)
    with pytest.raises(InputError, match="finite scores"):
        measure(SCORES.masked_fill(TRUTH, float("inf")), TRUTH, BRAIN)
    with pytest.raises(InputError, match="Shapes must agree"):
        measure(SCORES[:, :5], TRUTH, BRAIN)
    with pytest.raises(InputError, match="boolean mask"):
        measure(SCORES, TRUTH.float(), BRAIN)
    with pytest.raises(InputError, match="boolean brain"):
        measure(SCORES, TRUTH, BRAIN.long())  # as an index it would pick pixels 0 and 1 again and again


def test_auroc_without_a_healthy_pixel_and_prevalence_without_a_brain_are_refused():
    with pytest.raises(InputError, match="no healthy one"):
        metrics.auroc(SCORES, BRAIN, BRAIN)
    with pytest.raises(InputError, match="False everywhere"):
        metrics.prevalence(TRUTH, ~BRAIN)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64])
def test_scores_of_any_type_rank_alike_and_may_carry_gradients(dtype):
    scores = (SCORES * 10).round().to(dtype)
    scores.requires_grad_(dtype.is_floating_point)
    assert metrics.average_precision(scores, TRUTH, BRAIN) == metrics.average_precision(SCORES, TRUTH, BRAIN)
    assert metrics.dice(scores > metrics.oracle_dice(scores, TRUTH, BRAIN).threshold, TRUTH) == pytest.approx(6 / 7)
