import math

import pytest
import torch
from torch.distributions import Normal

from brainlab import losses


def pair(seed=0, shape=(3, 1, 8, 8)):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator), torch.rand(shape, generator=generator)


def test_squared_error_sums_over_pixels_and_averages_over_the_batch():
    x = torch.zeros(2, 1, 2, 2)
    x_hat = torch.zeros(2, 1, 2, 2)
    x_hat[0] = 1.0  # four pixels off by one in the first image, none in the second: (4 + 0) / 2
    assert losses.squared_error(x, x_hat) == 2.0


@pytest.mark.parametrize("sigma", [0.05, 0.4, 2.0])
def test_gaussian_nll_equals_torch_distributions(sigma):
    x, x_hat = pair()
    expected = -Normal(x_hat, sigma).log_prob(x).flatten(1).sum(1).mean()
    torch.testing.assert_close(losses.gaussian_nll(x, x_hat, sigma), expected)


def test_a_perfect_reconstruction_costs_the_gaussians_normalisation_alone():
    x, _ = pair()
    torch.testing.assert_close(losses.gaussian_nll(x, x, 0.1), torch.tensor(64 / 2 * math.log(2 * math.pi * 0.01)))


def test_losses_take_volumes_as_well_as_slices():
    x, x_hat = pair(shape=(2, 1, 4, 5, 6))
    torch.testing.assert_close(losses.squared_error(x, x_hat), ((x - x_hat) ** 2).sum() / 2)
