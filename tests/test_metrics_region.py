import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from brainlab import InputError, metrics


def drawing(*rows):
    """One slice (1, 1, H, W) from rows of pixels; # is true."""
    return torch.tensor([[[[pixel == "#" for pixel in row] for row in rows]]])


def test_a_pixel_is_lesion_from_half_its_area_on_and_what_fills_half_of_none_is_lost():
    mask = drawing(
        "##....#.",  # two pixels are half of the first block of four, so they stay
        ".....#..",  # this one and the one above right are one lesion, a quarter of two blocks: lost
        ".......#",  # alone: lost
        "###..#..",  # three pixels, half of one block and a quarter of the next: stays in part; the last is lost
    )
    new, lost = metrics.resample_mask(mask, (2, 4))
    assert torch.equal(new, drawing("#...", "#..."))
    assert lost == 3
    assert new.dtype == torch.bool


def test_a_size_that_is_no_divisor_weighs_pixels_by_the_part_that_counts():
    # 3 -> 2: a new pixel is 1.5 old ones a side, 2.25 in area, so it wants 1.125
    one = drawing("#..", "...", "...")  # covers 1
    corner = drawing("##.", "...", "...")  # 1 + 0.5 on the left, 0.5 on the right
    middle = drawing("...", ".#.", "...")  # a quarter in each of the four
    assert not metrics.resample_mask(one, 2).mask.any()
    assert metrics.resample_mask(one, 2).lost == 1
    assert torch.equal(metrics.resample_mask(corner, 2).mask, drawing("#.", ".."))
    assert metrics.resample_mask(corner, 2).lost == 0
    assert not metrics.resample_mask(middle, 2).mask.any()


def test_exactly_half_is_lesion_whatever_the_sizes():
    for side, size in [(6, 3), (10, 5), (98, 49), (6, 9), (7, 1)]:
        mask = torch.zeros(1, 1, 2 * side, side, dtype=torch.bool)
        mask[:, :, ::2] = True  # every other row, so half of each new pixel where rows halve
        assert metrics.resample_mask(mask, (side, size)).mask.all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12))
def test_areas_agree_with_a_grid_fine_enough_for_both_sizes(seed, h, w):
    rng = np.random.default_rng(seed)
    mask = rng.random((2, 1, 9, 7)) < rng.choice([0.1, 0.5])
    fine = mask.repeat(h, axis=2).repeat(w, axis=3)  # (2, 1, 9 h, 7 w)
    share = fine.reshape(2, 1, h, 9, w, 7).mean(axis=(3, 5))
    new, lost = metrics.resample_mask(torch.from_numpy(mask), (h, w))
    np.testing.assert_array_equal(new.numpy(), share >= 0.5)
    assert lost <= sum(metrics.lesion_recall(one, one).lesions for one in torch.from_numpy(mask).split(1) if one.any())
    if new.sum() == 0 and mask.any():
        assert lost == metrics.lesion_recall(*[torch.from_numpy(mask)] * 2).lesions


def test_the_same_size_changes_nothing_and_the_mask_given_stays_as_it_was():
    mask = torch.rand(3, 1, 9, 9, generator=torch.Generator().manual_seed(0)) < 0.2
    before = mask.clone()
    new, lost = metrics.resample_mask(mask, 9)
    assert torch.equal(new, mask)
    assert lost == 0
    metrics.resample_mask(mask, 4)
    assert torch.equal(mask, before)


def test_resampling_refuses_what_it_cannot_resample_in_a_sentence():
    mask = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    with pytest.raises(InputError, match="boolean mask"):
        metrics.resample_mask(mask.float(), 2)
    with pytest.raises(InputError, match=r"masks \(N, 1, H, W\)"):
        metrics.resample_mask(mask[0], 2)
    with pytest.raises(InputError, match="with a pixel"):
        metrics.resample_mask(mask[:0], 2)
    with pytest.raises(InputError, match="at least 1, got 0"):
        metrics.resample_mask(mask, 0)
