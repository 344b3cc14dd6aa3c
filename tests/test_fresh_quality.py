"""The long benchmark's bookkeeping: who is ahead, and by how much more than chance."""

import pytest

from tests.benchmarks import fresh_quality


@pytest.mark.parametrize(
    ("key", "ours", "theirs", "expected"),
    [
        ("psnr", [23.0, 24.0, 25.0], [20.0, 20.5, 21.0], 3.5 - 2.0),  # means 24 and 20.5; the seeds differ by 2 and 1
        ("psnr", [20.0, 20.5, 21.0], [23.0, 24.0, 25.0], -3.5 - 2.0),
        ("frechet", [2.0, 3.0, 4.0], [9.0, 9.0, 9.0], 6.0 - 2.0),  # less is better
    ],
)
def test_a_lead_is_the_difference_of_means_less_the_spread_of_the_seeds(key, ours, theirs, expected):
    assert fresh_quality.lead(key, ours, theirs) == pytest.approx(expected)


def test_the_summary_has_mean_lowest_and_highest():
    found = fresh_quality.summary({"vae": {"psnr": [1.0, 2.0, 6.0]}})
    assert found == {"fresh_vae_psnr": 3.0, "fresh_vae_psnr_min": 1.0, "fresh_vae_psnr_max": 6.0}
