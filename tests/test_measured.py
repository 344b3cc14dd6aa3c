"""Cards read back: what they state, and nothing that they do not."""

import math

import pytest

from brainlab import checkpoints, measured

CARD = """
| budget | 5 epochs in batches of 32, of a run of 20 |

| `psnr` | PSNR of healthy slices, dB | 19.8 (19.7–19.9) | 17.0 (17.0–17.1): the mean training slice |
| `elbo` | ELBO of healthy slices at σ = 0.05, nats an image | -473.5 (-634.9–-322.9) |  |
| `copied` | P(a sample is nearer) | 0.000 |  |
"""


def test_a_card_is_read_as_its_numbers():
    found = measured.read(CARD)
    assert found["psnr"] == (19.8, 19.7, 19.9, 17.0, "the mean training slice")
    assert found["elbo"][:3] == (-473.5, -634.9, -322.9)


def test_what_a_card_does_not_state_is_nan():
    found = measured.read(CARD)
    assert math.isnan(found["elbo"].without)
    assert found["elbo"].stand_in == ""
    assert found["copied"].value == 0
    assert math.isnan(found["copied"].low)


def test_the_budget_is_the_epochs_of_these_weights():
    assert measured.epochs(CARD) == 5
    assert measured.epochs("| model | `VAE` |") is None


@pytest.mark.parametrize("name", checkpoints.shipped())
def test_every_row_of_a_shipped_card_is_read(name):
    card = (checkpoints.SHIPPED / name / "README.md").read_text(encoding="utf-8")
    assert len(measured.read(card)) == sum(line.startswith("| `") for line in card.splitlines()) > 0
    assert measured.epochs(card) is not None
    assert all(one.stand_in for one in measured.read(card).values() if not math.isnan(one.without))
