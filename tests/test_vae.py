"""What makes an autoencoder variational: the draw, the mean at test time, and β."""

import pytest
import torch
from tiny import batch, eight_images, rmse, tiny

import brainlab as bl
from brainlab import data, losses, training
from brainlab.models.vae import LOGVAR_RANGE, reparameterize

pytestmark = pytest.mark.usefixtures("one_thread")
FAMILIES = [bl.VAE, bl.VAEGAN]


def test_a_draw_has_the_mean_and_the_spread_it_is_asked_for():
    mu, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, -3.0]])
    z = reparameterize(mu.expand(50_000, 2), logvar.expand(50_000, 2), torch.Generator().manual_seed(0))
    torch.testing.assert_close(z.mean(0), mu[0], atol=0.02, rtol=0)
    torch.testing.assert_close(z.var(0), logvar.exp()[0], atol=0.02, rtol=0)


def test_gradients_flow_through_a_draw_to_mean_and_variance():
    mu, logvar = torch.zeros(1, 3, requires_grad=True), torch.full((1, 3), 0.4, requires_grad=True)
    z = reparameterize(mu, logvar, torch.Generator().manual_seed(0))
    to_mu, to_logvar = torch.autograd.grad(z.sum(), (mu, logvar))
    assert torch.equal(to_mu, torch.ones(1, 3))
    torch.testing.assert_close(to_logvar, (z / 2).detach())  # z = σ ε here, and ∂σ/∂ log σ² = σ/2


@pytest.mark.parametrize("family", FAMILIES)
def test_at_test_time_z_is_the_mean_and_nothing_is_drawn(family):
    model, x = tiny(family).eval(), eight_images()
    mu, logvar = model.encode(x)
    assert torch.equal(model.embed(x), mu)
    assert torch.equal(model.reconstruct(x), model.decode(mu))
    assert torch.equal(model.reconstruct(x), model.reconstruct(x))
    assert logvar.exp().min() > 0.1  # so that a draw would have been another z


def test_in_training_z_is_drawn_and_belongs_to_its_generator():
    model, x = tiny(bl.VAE), eight_images()
    first, again, other = (model(x, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.z, again.z)
    assert not torch.equal(first.z, other.z)
    assert torch.equal(first.mu, other.mu)
    assert torch.equal(first.x_hat, model.decode(first.z))


def test_the_log_variance_stays_where_its_exponential_is_a_number():
    model = tiny(bl.VAE)
    with torch.no_grad():
        list(model.encoder.parameters())[-2].mul_(1e6)
    logvar = model.encode(eight_images()).logvar.detach()
    assert (float(logvar.min()), float(logvar.max())) == LOGVAR_RANGE


def test_the_step_minimises_reconstruction_plus_beta_kl_and_reports_the_true_elbo():
    model = tiny(bl.VAE)
    out = model(eight_images(), generator=torch.Generator().manual_seed(7))
    expected = losses.elbo(eight_images(), out.x_hat, out.mu, out.logvar, sigma=0.1, beta=3.0)
    numbers = training.vae_step(model, beta=3.0, sigma=0.1, seed=7)(batch())
    assert numbers == pytest.approx(
        {name: float(value.detach()) for name, value in expected._asdict().items()}, rel=1e-4
    )
    assert numbers["elbo"] == pytest.approx(-numbers["reconstruction"] - numbers["kl"], rel=1e-5)
    assert numbers["loss"] == pytest.approx(numbers["reconstruction"] + 3 * numbers["kl"], rel=1e-5)


def test_beta_warms_up_in_a_straight_line():
    step = training.vae_step(tiny(bl.VAE), beta=2.0, warm_up=4)
    betas = [(n["loss"] - n["reconstruction"]) / n["kl"] for n in (step(batch()) for _ in range(6))]
    assert betas == pytest.approx([0, 0.5, 1, 1.5, 2, 2], abs=0.02)


def test_training_raises_the_elbo():
    step = training.vae_step(tiny(bl.VAE))
    history = training.fit(step, data.Batches(eight_images(), 8), epochs=60, progress=False)
    assert history["elbo"][-1] > history["elbo"][0]


def test_a_heavy_beta_makes_the_latent_space_forget_and_a_light_one_remembers():
    def kl(beta):
        step = training.vae_step(tiny(bl.VAE), beta=beta, lr=3e-3)
        return training.fit(step, data.Batches(eight_images(), 8), epochs=60, progress=False)["kl"][-1]

    assert kl(1000.0) < 0.1 * kl(0.1)


def test_without_the_kl_term_eight_images_are_learned_by_heart():
    model, x = tiny(bl.VAE), eight_images()
    training.fit(training.vae_step(model, beta=0.0, lr=3e-3), data.Batches(x, 8), steps=300, progress=False)
    assert rmse(model, x) < 0.05 < x.std()
