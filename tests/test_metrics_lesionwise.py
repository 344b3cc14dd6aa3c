import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from brainlab import InputError, metrics


def drawing(*rows):
    """One slice (1, 1, H, W) from rows of pixels; # is true."""
    return torch.tensor([[[[pixel == "#" for pixel in row] for row in rows]]])


# A lesion of 12 pixels, and one of 5: the lowest touches it at a corner only, and belongs to it all the same.
TRUTH = drawing(
    "####....",
    "####..##",
    "####..##",
    ".....#..",
)
EMPTY = torch.zeros_like(TRUTH)


def test_a_small_lesion_counts_as_much_as_a_large_one():
    large, small = TRUTH.clone(), TRUTH.clone()
    large[..., 4:], small[..., :4] = False, False
    assert metrics.lesion_recall(large, TRUTH) == (0.5, 1, 2)
    assert metrics.lesion_recall(small, TRUTH) == (0.5, 1, 2)
    assert metrics.dice(large, TRUTH) == pytest.approx(24 / 29)
    assert metrics.dice(small, TRUTH) == pytest.approx(10 / 22)
    assert metrics.lesion_recall(TRUTH, TRUTH) == (1.0, 2, 2)
    assert metrics.lesion_recall(EMPTY, TRUTH) == (0.0, 0, 2)


def test_a_lesion_is_found_from_ten_per_cent_of_its_pixels_on():
    called = EMPTY.clone()
    called[0, 0, 0, 0] = True  # 1 of 12: 8 %
    assert metrics.lesion_recall(called, TRUTH).found == 0
    called[0, 0, 0, 1] = True  # 2 of 12: 17 %
    assert metrics.lesion_recall(called, TRUTH).found == 1
    ten = torch.ones(1, 1, 1, 10, dtype=torch.bool)
    one = torch.arange(10).reshape(ten.shape) == 3
    assert metrics.lesion_recall(one, ten).found == 1  # 10 % to the pixel


def test_slices_do_not_know_each_other_but_the_layers_of_a_volume_do():
    slices = torch.cat([TRUTH, TRUTH])  # (2, 1, H, W)
    assert metrics.lesion_recall(slices, slices).lesions == 4
    volume = slices[:, 0][None, None]  # (1, 1, 2, H, W)
    assert metrics.lesion_recall(volume, volume).lesions == 2
    assert metrics.lesion_recall(slices.transpose(0, 1), slices.transpose(0, 1)).lesions == 4  # two channels


def test_false_positives_are_counted_by_component_and_averaged_over_scans():
    guess = drawing(
        "#...#...",  # the first is right; the second is healthy, but of one component with
        "...#....",  # this, which is right: no alarm
        "........",
        "..#....#",  # beside a lesion, but not on it: two alarms
    )
    nothing_to_find = torch.cat([guess, guess]), torch.cat([EMPTY, EMPTY])
    # 4 components: (0,0); (0,4) with (1,3); (3,2); (3,7)
    assert metrics.false_positives_per_scan(guess, EMPTY, ["a"]) == 4
    assert metrics.false_positives_per_scan(guess, TRUTH, ["a"]) == 2
    assert metrics.false_positives_per_scan(*nothing_to_find, ["a", "a"]) == 8  # two slices of one scan
    assert metrics.false_positives_per_scan(*nothing_to_find, ["a", "b"]) == 4
    quiet = torch.cat([guess, EMPTY]), torch.cat([TRUTH, TRUTH])
    assert metrics.false_positives_per_scan(*quiet, ["a", "b"]) == 1  # a scan without an alarm counts too


def test_a_prediction_that_calls_everything_finds_every_lesion_and_raises_no_false_alarm_of_its_own():
    # one component that touches a lesion: neither number says so, the false positive rate does
    assert metrics.lesion_recall(~EMPTY, TRUTH).recall == 1
    assert metrics.false_positives_per_scan(~EMPTY, TRUTH, ["a"]) == 0
    assert metrics.false_positive_rate(~EMPTY, TRUTH, ~EMPTY) == 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_counts_agree_with_lesions_looked_at_one_by_one(seed):
    rng = np.random.default_rng(seed)

    def pieces(image):
        return np.asarray(ndimage.label(image, np.ones((3, 3)))[0])  # type: ignore[index]  # its type forgets the pair

    prediction, mask = rng.random((2, 3, 1, 14, 14)) < rng.choice([0.05, 0.15, 0.3], (2, 1, 1, 1, 1))
    mask[0, 0, :2, :2] = True
    found = lesions = alarms = 0
    for guess, truth in zip(prediction[:, 0], mask[:, 0], strict=True):
        each = [pieces(truth) == k for k in range(1, pieces(truth).max() + 1)]
        lesions += len(each)
        found += sum(guess[one].mean() >= 0.1 for one in each)
        alarms += sum(not truth[pieces(guess) == k].any() for k in range(1, pieces(guess).max() + 1))
    given_ = torch.from_numpy(prediction), torch.from_numpy(mask)
    assert metrics.lesion_recall(*given_) == (pytest.approx(found / lesions), found, lesions)
    assert metrics.false_positives_per_scan(*given_, ["a", "b", "b"]) == pytest.approx(alarms / 2)


def test_counting_refuses_what_it_cannot_count_in_a_sentence():
    with pytest.raises(InputError, match="at least one lesion"):
        metrics.lesion_recall(TRUTH, EMPTY)
    with pytest.raises(InputError, match="Shapes must agree"):
        metrics.lesion_recall(TRUTH[0], TRUTH)
    with pytest.raises(InputError, match="boolean prediction"):
        metrics.lesion_recall(TRUTH.float(), TRUTH)
    with pytest.raises(InputError, match=r"slices \(N, 1, H, W\)"):
        metrics.lesion_recall(TRUTH[0, 0], TRUTH[0, 0])
    with pytest.raises(InputError, match="scans must name each of the 1 slices, got 2"):
        metrics.false_positives_per_scan(TRUTH, TRUTH, ["a", "b"])
    with pytest.raises(InputError, match="at least one scan"):
        metrics.false_positives_per_scan(TRUTH[:0], TRUTH[:0], [])
    with pytest.raises(InputError, match="boolean mask"):
        metrics.false_positives_per_scan(TRUTH, TRUTH.long(), ["a"])
