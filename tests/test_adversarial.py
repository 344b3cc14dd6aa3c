"""The games' formulas; what the steps make of them is in test_gan.py and test_vaegan.py."""

import math

import pytest
import torch
from torch.distributions import Bernoulli
from torch.nn import functional as F

from brainlab import losses

REAL, FAKE = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([-0.5, 3.0, 0.0])
ONES, ZEROS = torch.ones(3), torch.zeros(3)


def test_calling_an_image_real_or_fake_costs_what_bernoulli_says():
    torch.testing.assert_close(losses.called_real(REAL), -Bernoulli(logits=REAL).log_prob(ONES).mean())
    torch.testing.assert_close(losses.called_fake(REAL), -Bernoulli(logits=REAL).log_prob(ZEROS).mean())


def test_the_first_game_is_the_one_in_the_paper():
    d, d_tilde = torch.sigmoid(REAL), torch.sigmoid(FAKE)
    torch.testing.assert_close(losses.discriminator(REAL, FAKE), -torch.log(d).mean() - torch.log(1 - d_tilde).mean())
    torch.testing.assert_close(losses.minimax(FAKE), torch.log(1 - d_tilde).mean())
    torch.testing.assert_close(losses.non_saturating(FAKE), -torch.log(d_tilde).mean())
    assert losses.discriminator(ZEROS, ZEROS) == pytest.approx(2 * math.log(2))


def test_label_smoothing_is_cross_entropy_with_a_softer_label_for_real_images_alone():
    expected = F.binary_cross_entropy_with_logits(REAL, 0.9 * ONES) + losses.called_fake(FAKE)
    torch.testing.assert_close(losses.discriminator(REAL, FAKE, smoothing=0.1), expected)


def test_least_squares_hinge_and_wasserstein_by_hand():
    # ½ · (1 + 4 + 0.25)/3 + ½ · (0.25 + 9 + 0)/3 = 0.875 + 1.541667
    assert losses.least_squares_discriminator(REAL, FAKE) == pytest.approx(2.416667)
    assert losses.least_squares_generator(FAKE) == pytest.approx((2.25 + 4 + 1) / 6)
    # max(0, 1 − D): 0, 2, 0.5; max(0, 1 + D̃): 0.5, 4, 1
    assert losses.hinge_discriminator(REAL, FAKE) == pytest.approx(2.5 / 3 + 5.5 / 3)
    assert losses.wasserstein_discriminator(REAL, FAKE) == pytest.approx(2.5 / 3 - 1.5 / 3)
    assert losses.wasserstein_generator(FAKE) == pytest.approx(-2.5 / 3)


@pytest.mark.parametrize("name", losses.GAMES)
def test_in_every_game_the_players_pull_the_logits_of_fakes_apart(name):
    game = losses.GAMES[name]
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    up, down = torch.autograd.grad(game.discriminator(real, fake), (real, fake))
    if name != "least_squares":  # whose discriminator has 0 for its label of fakes: at 0 there is nothing to gain
        assert (down > 0).all()
    assert (up < 0).all()  # descending raises the logits of real images,
    (pull,) = torch.autograd.grad(game.generator(fake), fake)
    assert (pull < 0).all()  # and the generator's descent those of its own


@pytest.mark.parametrize("logit", [-200.0, 200.0])
def test_a_sure_discriminator_costs_much_but_never_infinitely(logit):
    sure = torch.full((2,), logit)
    for value in (losses.discriminator(sure, sure), losses.minimax(sure), losses.non_saturating(sure)):
        assert torch.isfinite(value)


def test_minimax_saturates_where_the_discriminator_is_sure_and_its_remedy_does_not():
    fake = torch.full((1,), -9.0, requires_grad=True)
    (flat,) = torch.autograd.grad(losses.minimax(fake), fake)
    (steep,) = torch.autograd.grad(losses.non_saturating(fake), fake)
    assert abs(flat) < 1e-3 < 0.99 < abs(steep)


def test_the_gradient_penalty_takes_the_norm_over_all_pixels():
    # A linear critic, D(x) = 3 x₀₀ + 4 x₁₁: its gradient is the same everywhere, of norm 5, and (5 − 1)² = 16. Row by
    # row the norms would be 3 and 4.
    w = torch.zeros(1, 2, 2)
    w[0, 0, 0], w[0, 1, 1] = 3.0, 4.0
    x, x_tilde = torch.rand(6, 1, 2, 2), torch.rand(6, 1, 2, 2)
    assert losses.gradient_penalty(lambda x: (x * w).flatten(1).sum(1), x, x_tilde) == pytest.approx(16)


def test_the_gradient_penalty_looks_on_the_line_between_a_real_and_a_generated_image():
    # D(x) = ½‖x‖² has gradient x itself. From x = 0 to x̃ = 1 (2 × 3 × 4 = 24 values) a point is (1 − u)·1, its norm
    # (1 − u)·√24.
    x, x_tilde = torch.zeros(5, 2, 3, 4), torch.ones(5, 2, 3, 4)
    u = torch.rand(5, 1, 1, 1, generator=torch.Generator().manual_seed(3)).flatten()
    value = losses.gradient_penalty(
        lambda x: x.square().flatten(1).sum(1) / 2, x, x_tilde, torch.Generator().manual_seed(3)
    )
    torch.testing.assert_close(value, (((1 - u) * math.sqrt(24) - 1) ** 2).mean())


def test_the_gradient_penalty_moves_the_critic():
    w = torch.full((1, 2, 2), 2.0, requires_grad=True)  # norm 4, ∂(‖w‖ − 1)²/∂w = 2 · 3 · w/4 = 3
    value = losses.gradient_penalty(lambda x: (x * w).flatten(1).sum(1), torch.rand(3, 1, 2, 2), torch.rand(3, 1, 2, 2))
    (slope,) = torch.autograd.grad(value, w)
    torch.testing.assert_close(slope, torch.full_like(w, 3.0))


def test_feature_matching_is_half_the_squared_distance_summed_over_features():
    d, d_tilde = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    d_tilde[1] = 2.0  # twelve features off by two in one of two images: ½ · 12 · 4 / 2
    assert losses.feature_matching(d, d_tilde) == 12.0


def test_inversion_is_the_papers_loss_times_the_number_of_pixels():
    x, x_hat, f, f_hat = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4), torch.rand(2, 6), torch.rand(2, 6)
    paper = F.mse_loss(x_hat, x) + 0.5 * F.mse_loss(f_hat, f)
    torch.testing.assert_close(losses.inversion(x, x_hat, f, f_hat, kappa=0.5), 16 * paper)
