import numpy as np
import pytest
import torch

from brainlab import InputError, metrics


def test_the_interval_of_a_mean_is_as_wide_as_the_standard_error_says():
    values = {f"s{i}": float(i) for i in range(12)}
    found = metrics.mean_interval(values, draws=2000)
    assert found.value == pytest.approx(5.5)
    # values 0..11: their standard deviation is 3.45, the standard error of the mean 3.45 / sqrt(12) = 1.0
    assert found.high - found.low == pytest.approx(2 * 1.96 * 1.0, rel=0.1)
    each = np.arange(12.0)
    assert found == metrics.bootstrap(lambda i: float(each[i].mean()), list(values), 2000)
    assert found != metrics.mean_interval(values, draws=2000, seed=1)


def test_few_subjects_or_one_give_a_value_without_an_interval():
    for n in (1, 9):
        value, low, high = metrics.mean_interval({f"s{i}": 0.5 for i in range(n)})
        assert value == 0.5
        assert np.isnan([low, high]).all()
    draw = torch.Generator().manual_seed(0)
    scores, mask = torch.rand(4, 1, 8, 8, generator=draw), torch.rand(4, 1, 8, 8, generator=draw) < 0.2
    found = metrics.average_precision_interval(scores, mask, torch.ones_like(mask), ["one"] * 4)
    assert found.value == pytest.approx(metrics.average_precision(scores, mask, torch.ones_like(mask)))
    assert np.isnan(found[1:]).all()


def test_the_dice_of_subjects_comes_with_an_interval_over_those_that_bear_a_lesion():
    draw = torch.Generator().manual_seed(0)
    mask, prediction = torch.rand(2, 40, 1, 8, 8, generator=draw) < 0.3
    mask[30:] = False  # the last five of twenty people are healthy
    subjects = [f"s{i // 2}" for i in range(40)]
    dice = metrics.dice_by_subject(prediction, mask, torch.ones_like(mask), subjects)
    assert len(dice.by_subject) == 15
    value, low, high = metrics.mean_interval(dice.by_subject)
    assert low < value < high
    assert value == pytest.approx(dice.value)


def test_a_mean_or_interval_of_nothing_and_of_nan_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="at least one, got none"):
        metrics.mean_interval({})
    with pytest.raises(InputError, match="leave out b, and say so"):
        metrics.mean_interval({"a": 1.0, "b": float("nan")})
    three = torch.ones(3, 1, 2, 2)
    with pytest.raises(InputError, match="each of the 3 slices, got 2"):
        metrics.average_precision_interval(three, three > 0, three > 0, ["a", "b"])
