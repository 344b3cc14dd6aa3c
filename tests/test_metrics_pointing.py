"""Whether a heat map points at the lesion, by cases worked by hand."""

import pytest
import torch

from brainlab import InputError, metrics

MASK = torch.tensor([[[[True, True], [False, False]]]])


def maps(*values):
    return torch.tensor(values).view(1, 1, 2, 2)


def test_the_share_of_mass_is_what_lies_inside_of_all():
    assert metrics.mass_share(maps(1.0, 2.0, 0.0, 1.0), MASK).tolist() == [0.75]  # (1 + 2) / 4


def test_each_slice_has_a_share_of_its_own_and_an_empty_map_has_none():
    both = torch.cat([maps(1.0, 0.0, 3.0, 0.0), maps(0.0, 0.0, 0.0, 0.0)])
    share = metrics.mass_share(both, torch.cat([MASK, MASK]))
    assert share[0] == 0.25
    assert share[1].isnan()


def test_a_hit_is_a_peak_inside():
    hits = [bool(metrics.pointing_hit(one, MASK)) for one in (maps(0.0, 3.0, 2.0, 2.0), maps(2.0, 2.0, 3.0, 0.0))]
    assert hits == [True, False]  # of the second, more mass lies inside, but the peak does not


def test_a_flat_map_points_nowhere():
    assert not metrics.pointing_hit(maps(0.0, 0.0, 0.0, 0.0), MASK)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: metrics.mass_share(maps(-1.0, 0.0, 0.0, 2.0), MASK), "nowhere below 0"),
        (lambda: metrics.mass_share(maps(1.0, 0.0, 0.0, 2.0), MASK.float()), "boolean mask"),
        (lambda: metrics.pointing_hit(maps(1.0, 0.0, 0.0, torch.nan), MASK), "finite"),
        (lambda: metrics.pointing_hit(maps(1.0, 0.0, 0.0, 2.0)[0], MASK), "Shapes must agree"),
    ],
)
def test_what_cannot_be_judged_is_told(act, words):
    with pytest.raises(InputError, match=words):
        act()
