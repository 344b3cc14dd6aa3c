import itertools
import math

import pytest
import torch
from torch.distributions import Independent, Laplace, Normal, kl_divergence

from brainlab import losses


def pair(seed=0, shape=(3, 1, 8, 8)):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator), torch.rand(shape, generator=generator)


def posterior(seed=0, b=5, d=7):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(b, d, generator=generator), torch.randn(b, d, generator=generator)


def test_squared_error_sums_over_pixels_and_averages_over_the_batch():
    x = torch.zeros(2, 1, 2, 2)
    x_hat = torch.zeros(2, 1, 2, 2)
    x_hat[0] = 1.0  # four pixels off by one in the first image, none in the second: (4 + 0) / 2
    assert losses.squared_error(x, x_hat) == 2.0


def test_absolute_error_is_the_laplace_likelihood_without_its_constant():
    x, x_hat = pair()
    nats = -Laplace(x_hat, 0.1).log_prob(x).flatten(1).sum(1).mean()
    torch.testing.assert_close(losses.absolute_error(x, x_hat) / 0.1 + 64 * math.log(0.2), nats)


@pytest.mark.parametrize("sigma", [0.05, 0.4, 2.0])
def test_gaussian_nll_equals_torch_distributions(sigma):
    x, x_hat = pair()
    expected = -Normal(x_hat, sigma).log_prob(x).flatten(1).sum(1).mean()
    torch.testing.assert_close(losses.gaussian_nll(x, x_hat, sigma), expected)


def test_a_perfect_reconstruction_costs_the_gaussians_normalisation_alone():
    x, _ = pair()
    torch.testing.assert_close(losses.gaussian_nll(x, x, 0.1), torch.tensor(64 / 2 * math.log(2 * math.pi * 0.01)))


def test_denoising_compares_with_the_clean_image():
    x, soil = pair()
    washes = losses.denoising(lambda soiled: soiled - soil, x, x + soil, 0.1)
    copies = losses.denoising(lambda soiled: soiled, x, x + soil, 0.1)
    torch.testing.assert_close(washes, losses.gaussian_nll(x, x, 0.1))
    torch.testing.assert_close(copies, losses.gaussian_nll(x, x + soil, 0.1))


def test_kl_equals_torch_distributions():
    mu, logvar = posterior()
    q = Independent(Normal(mu, torch.exp(logvar / 2)), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    torch.testing.assert_close(losses.kl(mu, logvar), kl_divergence(q, p).mean())


def test_kl_is_zero_for_the_prior_itself_and_half_a_square_for_a_shift():
    assert losses.kl(torch.zeros(4, 3), torch.zeros(4, 3)) == 0
    # mu = (3, 0) and (0, 0), sigma 1: (9/2 + 0) / 2 images
    assert losses.kl(torch.tensor([[3.0, 0.0], [0.0, 0.0]]), torch.zeros(2, 2)) == 2.25


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_the_elbo_is_true_whatever_beta_is_and_only_the_loss_feels_it(beta):
    x, x_hat = pair()
    mu, logvar = posterior(b=3)
    out = losses.elbo(x, x_hat, mu, logvar, sigma=0.2, beta=beta)
    reconstruction, kl = losses.gaussian_nll(x, x_hat, 0.2), losses.kl(mu, logvar)
    torch.testing.assert_close(out, losses.Elbo(reconstruction + beta * kl, -reconstruction - kl, reconstruction, kl))


def test_the_elbo_is_below_the_evidence_and_reaches_it_where_q_is_the_posterior():
    # One latent number, x = z + noise in one pixel: z ~ N(0, 1), x|z ~ N(z, σ²), so p(x) = N(0, 1 + σ²) and
    # p(z|x) = N(x / (1 + σ²), σ² / (1 + σ²)). Averaged over many draws the bound is tight for that q alone.
    sigma, x = 0.5, 0.8
    evidence = Normal(0.0, math.sqrt(1 + sigma**2)).log_prob(torch.tensor(x))
    eps = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0))

    def bound(mu, var):
        mu, logvar = torch.full_like(eps, mu), torch.full_like(eps, math.log(var))
        z = mu + torch.exp(logvar / 2) * eps
        return losses.elbo(torch.full_like(z, x), z, mu, logvar, sigma).elbo

    assert bound(x / (1 + sigma**2), sigma**2 / (1 + sigma**2)) == pytest.approx(float(evidence), abs=5e-3)
    assert bound(0.0, 1.0) < evidence - 0.5


def slow_ssim(x, y):
    """Wang's formula, pixel by pixel, with an explicit Gaussian window of 11 × 11 cut where the image ends."""
    height, width = x.shape
    out = torch.zeros(height, width, dtype=torch.float64)
    for i, j in itertools.product(range(height), range(width)):
        rows, columns = range(max(0, i - 5), min(height, i + 6)), range(max(0, j - 5), min(width, j + 6))
        w = torch.tensor([[math.exp(-((r - i) ** 2 + (c - j) ** 2) / 4.5) for c in columns] for r in rows])
        w = w.double() / w.sum()
        a, b = (image[rows.start : rows.stop, columns.start : columns.stop].double() for image in (x, y))
        ma, mb = (w * a).sum(), (w * b).sum()
        va, vb, cov = (w * (a - ma) ** 2).sum(), (w * (b - mb) ** 2).sum(), (w * (a - ma) * (b - mb)).sum()
        out[i, j] = (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
    return out


@pytest.mark.parametrize("shape", [(14, 17), (5, 3)])
def test_ssim_equals_the_formula_written_out_with_loops_at_any_size(shape):
    x, y = pair(shape=(2, 1, *shape))
    expected = torch.stack([slow_ssim(a[0], b[0])[None] for a, b in zip(x, y, strict=True)])
    torch.testing.assert_close(losses.ssim(x.double(), y.double()), expected, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(losses.ssim_loss(x, y), (1 - expected).sum().float() / 2, atol=1e-3, rtol=1e-4)


def test_ssim_of_flat_images_compares_their_brightness_alone():
    a, b = torch.full((1, 1, 12, 12), 0.2), torch.full((1, 1, 12, 12), 0.6)
    # structure term: c₂/c₂ = 1; brightness (2 · 0.2 · 0.6 + 1e-4) / (0.04 + 0.36 + 1e-4) = 0.2401 / 0.4001
    torch.testing.assert_close(losses.ssim(a, b), torch.full_like(a, 0.2401 / 0.4001), atol=1e-3, rtol=0)
    assert losses.ssim_loss(a, a) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("loss", [losses.squared_error, losses.absolute_error, losses.ssim_loss])
def test_losses_take_volumes_as_well_as_slices(loss):
    x, x_hat = pair(shape=(2, 1, 4, 5, 6))
    assert loss(x, x_hat).shape == ()
    torch.testing.assert_close(loss(x, x_hat), (loss(x[:1], x_hat[:1]) + loss(x[1:], x_hat[1:])) / 2)


def test_gaussian_losses_of_a_volume_sum_over_all_its_values():
    x, x_hat = pair(shape=(2, 1, 4, 5, 6))
    torch.testing.assert_close(losses.squared_error(x, x_hat), ((x - x_hat) ** 2).sum() / 2)
