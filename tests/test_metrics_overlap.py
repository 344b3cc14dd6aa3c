import numpy as np
import pytest
import torch

from brainlab import InputError, metrics


def row(*slices):
    """Slices (N, 1, 1, W) of a row of pixels each, from strings: # is true."""
    return torch.tensor([[[[pixel == "#" for pixel in one]]] for one in slices])


BRAIN = row("######", "######", "######", "######")
SUBJECTS = ("a", "b", "a", "c")
TRUTH = row("####..", "#.....", "......", "......")  # c is healthy
GUESS = row("####..", ".#....", "####..", "######")


def test_dice_by_subject_pools_a_subjects_slices_and_leaves_out_who_has_no_lesion():
    # a: 2 * 4 / (8 + 4) = 2/3 over both its slices (by slice it would be 1 and 0); b: 0; c has no lesion
    value, by_subject = metrics.dice_by_subject(GUESS, TRUTH, BRAIN, SUBJECTS)
    assert by_subject == {"a": pytest.approx(2 / 3), "b": 0.0}
    assert value == pytest.approx(1 / 3)
    by_slice = np.nanmean([metrics.dice(p, m) for p, m in zip(GUESS, TRUTH, strict=True)])
    assert by_slice == pytest.approx(1 / 4)  # 1, 0, 0, 0: a healthy slice with a false alarm counts as 0
    assert metrics.dice(GUESS, TRUTH) == pytest.approx(2 * 4 / (15 + 5))  # all pixels of all people pooled


def test_dice_by_subject_knows_nothing_outside_the_brain():
    brain = row("######", "#.####", "..####", "######")  # b's false alarm and half of a's lie outside
    _, by_subject = metrics.dice_by_subject(GUESS, TRUTH, brain, SUBJECTS)
    assert by_subject == {"a": pytest.approx(2 * 4 / (6 + 4)), "b": 0.0}
    only_a = metrics.dice_by_subject(GUESS, TRUTH, row("######", ".#####", "######", "######"), SUBJECTS)
    assert only_a.by_subject == {"a": pytest.approx(2 / 3)}  # b's lesion lies outside


def test_dice_by_subject_refuses_what_it_cannot_answer_in_a_sentence():
    with pytest.raises(InputError, match="somebody with a lesion"):
        metrics.dice_by_subject(GUESS, ~BRAIN, BRAIN, SUBJECTS)
    with pytest.raises(InputError, match="somebody with a lesion"):
        metrics.dice_by_subject(GUESS[:0], TRUTH[:0], BRAIN[:0], ())
    with pytest.raises(InputError, match="each of the 4 slices, got 3"):
        metrics.dice_by_subject(GUESS, TRUTH, BRAIN, SUBJECTS[:3])
    with pytest.raises(InputError, match="Shapes must agree"):
        metrics.dice_by_subject(GUESS[:, 0], TRUTH, BRAIN, SUBJECTS)
    with pytest.raises(InputError, match="boolean prediction"):
        metrics.dice_by_subject(GUESS.float(), TRUTH, BRAIN, SUBJECTS)


def test_false_positive_rate_counts_healthy_pixels_of_the_brain_only():
    # healthy brain pixels of the four slices: 2, 4, 4, 6; called among them: 0, 1, 2, 6
    brain = row("######", "##.###", "..####", "######")
    assert metrics.false_positive_rate(GUESS, TRUTH, brain) == pytest.approx(9 / 16)
    false_discovery = 9 / 13  # of the 13 pixels called in the brain, 4 are right
    assert metrics.false_positive_rate(GUESS, TRUTH, brain) != pytest.approx(false_discovery)


def test_a_constant_map_is_called_all_or_nothing_as_the_sign_says():
    # "5 % of healthy pixels" cannot be had from a constant map: >= its own quantile calls all, > calls none
    constant = torch.full(BRAIN.shape, 0.4)
    cut = float(np.quantile(constant[BRAIN].numpy(), 0.95))
    assert metrics.false_positive_rate(constant >= cut, ~BRAIN, BRAIN) == 1.0
    assert metrics.false_positive_rate(constant > cut, ~BRAIN, BRAIN) == 0.0


def test_false_positive_rate_without_a_healthy_pixel_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="a healthy pixel inside the brain"):
        metrics.false_positive_rate(GUESS, BRAIN, BRAIN)
    with pytest.raises(InputError, match="a healthy pixel inside the brain"):
        metrics.false_positive_rate(GUESS, TRUTH, ~BRAIN)
    with pytest.raises(InputError, match="boolean mask"):
        metrics.false_positive_rate(GUESS, TRUTH.to(torch.uint8), BRAIN)
