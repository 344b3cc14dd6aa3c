"""What a model says of an image beside its residual: gradients, restoration, inversion, features."""

from functools import partial
from typing import Any

import pytest
import torch
from tiny import eight_images, tiny

import brainlab as bl
from brainlab import anomaly, losses

SCORES = {
    "anomaly_map": (anomaly.anomaly_map, bl.Autoencoder),
    "anomaly_map of a DAE": (anomaly.anomaly_map, bl.DenoisingAutoencoder),
    "squared": (anomaly.squared, bl.Autoencoder),
    "dissimilarity": (anomaly.dissimilarity, bl.Autoencoder),
    "feature_residual": (anomaly.feature_residual, bl.VAEGAN),
    "feature_residual of an f-AnoGAN": (anomaly.feature_residual, bl.FAnoGAN),
    "kl_gradient": (anomaly.kl_gradient, bl.VAE),
    "kl_gradient of a VAE-GAN": (anomaly.kl_gradient, bl.VAEGAN),
    "combined": (anomaly.combined, bl.VAE),
    "restoration": (partial(anomaly.restoration, steps=5), bl.VAE),
    "inversion_map": (partial(anomaly.inversion_map, steps=5, starts=2), bl.GAN),
}


def shown():
    x = eight_images()
    return x, x > 0.3


def made(family):
    """In double precision, and with weights large enough that all outputs differ."""
    model = tiny(family).double()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1.5)
    return model.eval()


@pytest.mark.parametrize("name", SCORES)
def test_a_map_is_never_negative_and_zero_outside_the_brain(name, one_thread):
    score, family = SCORES[name]
    x, brain = shown()
    maps = score(tiny(family).eval(), x, brain)
    assert maps.shape == x.shape
    assert maps.dtype == torch.float32
    assert not maps.requires_grad
    assert (maps >= 0).all()
    assert (maps[~brain] == 0).all()
    assert (maps[brain] > 0).any()


@pytest.mark.parametrize("name", SCORES)
def test_a_batch_gives_what_its_images_give(name, one_thread):
    score, family = SCORES[name]
    model, (x, brain) = made(family), shown()
    together = score(model, x.double(), brain)
    apart = torch.cat([score(model, x[i : i + 1].double(), brain[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together[:3], apart, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", SCORES)
def test_the_model_and_the_images_are_left_as_they_were(name, one_thread):
    score, family = SCORES[name]
    model, (x, brain) = tiny(family).train(), shown()
    first = next(model.parameters()).requires_grad_(False)
    last = list(model.parameters())[-1]
    last.grad = torch.full_like(last, 3.0)
    modes, weights = [m.training for m in model.modules()], {k: v.clone() for k, v in model.state_dict().items()}
    needed, images = [p.requires_grad for p in model.parameters()], x.clone()
    with torch.no_grad():  # a lesson may call from within
        score(model, x, brain)
    assert [m.training for m in model.modules()] == modes
    assert [p.requires_grad for p in model.parameters()] == needed
    assert all(torch.equal(value, weights[k]) for k, value in model.state_dict().items())
    assert (last.grad == 3).all()
    assert all(p.grad is None for p in model.parameters() if p is not last)
    assert not first.requires_grad
    torch.testing.assert_close(x, images)
    assert not x.requires_grad


def test_squared_is_the_square_and_dissimilarity_sees_what_ssim_sees():
    model, (x, brain) = tiny(bl.Autoencoder).eval(), shown()
    torch.testing.assert_close(anomaly.squared(model, x, brain), anomaly.anomaly_map(model, x, brain) ** 2)
    x_hat = anomaly.reconstruct(model, x)
    expected = ((1 - losses.ssim(x, x_hat)) * brain).clamp(min=0)
    torch.testing.assert_close(anomaly.dissimilarity(model, x, brain), expected)


def test_the_kl_gradient_is_what_finite_differences_say(one_thread):
    model, (x, brain) = made(bl.VAE), shown()
    x, maps, h = x.double(), anomaly.kl_gradient(model, x.double(), torch.ones_like(brain)), 1e-6
    for i, row, column in ((0, 3, 7), (2, 16, 16), (5, 30, 1)):
        more, less = x[i : i + 1].clone(), x[i : i + 1].clone()
        more[0, 0, row, column] += h
        less[0, 0, row, column] -= h
        with torch.no_grad():
            slope = (losses.kl(*model.encode(more)) - losses.kl(*model.encode(less))) / (2 * h)
        assert float(maps[i, 0, row, column]) == pytest.approx(abs(float(slope)), rel=1e-4)
        assert slope != 0


def test_an_encoder_that_says_nothing_of_an_image_has_no_kl_gradient():
    model, (x, brain) = tiny(bl.VAE), shown()
    with torch.no_grad():
        for p in list(model.encoder.parameters())[-2:]:  # mu = 0 and logvar = 0 for every image
            p.zero_()
    assert torch.equal(model.encode(x).mu, torch.zeros(8, 8))
    assert (anomaly.kl_gradient(model, x, brain) == 0).all()


def test_combined_is_residual_times_smoothed_gradient():
    model, (x, brain) = tiny(bl.VAE).eval(), shown()
    slope = anomaly.kl_gradient(model, x, torch.ones_like(brain))
    expected = anomaly.anomaly_map(model, x, brain) * anomaly.smooth(slope, 32 / 32)
    torch.testing.assert_close(anomaly.combined(model, x, brain), expected)


def test_smoothing_a_point_gives_a_gaussian_and_a_constant_itself():
    point = torch.zeros(1, 1, 21, 31, dtype=torch.float64)
    point[0, 0, 10, 15] = 1
    found = anomaly.smooth(point, 2.0)[0, 0]
    assert float(found.sum()) == pytest.approx(1)
    assert float(found[10, 17] / found[10, 15]) == pytest.approx(2.718281828**-0.5)
    assert float(found[12, 15] / found[10, 15]) == pytest.approx(2.718281828**-0.5)
    flat = torch.full((2, 1, 8, 8), 0.7)
    torch.testing.assert_close(anomaly.smooth(flat, 5.0), flat)


def test_restoration_lowers_its_objective_and_no_steps_change_nothing(one_thread):
    model, (x, brain) = tiny(bl.VAE).eval(), shown()
    healed = anomaly.restore(model, x, steps=20)
    with torch.no_grad():
        for before, after in zip(x.split(1), healed.split(1), strict=True):
            assert anomaly.restoration_objective(model, after, before) < anomaly.restoration_objective(
                model, before, before
            )
    assert ((healed >= 0) & (healed <= 1)).all()
    assert torch.equal(anomaly.restore(model, x, steps=0), x)
    assert (anomaly.restoration(model, x, brain, steps=0) == 0).all()


def test_one_step_of_restoration_follows_finite_differences(one_thread):
    model, x = made(bl.VAE), shown()[0].double() * 0.8 + 0.1  # so that nothing is cut off at 0 or 1
    lr, h = 1e-6, 1e-6
    moved = (x - anomaly.restore(model, x, steps=1, lr=lr, tv=0)) / lr  # the slope that was followed
    for i, row, column in ((0, 3, 7), (4, 16, 16)):
        more, less = x[i : i + 1].clone(), x[i : i + 1].clone()
        more[0, 0, row, column] += h
        less[0, 0, row, column] -= h
        with torch.no_grad():
            up = anomaly.restoration_objective(model, more, x[i : i + 1], tv=0)
            down = anomaly.restoration_objective(model, less, x[i : i + 1], tv=0)
        assert float(moved[i, 0, row, column]) == pytest.approx(float((up - down) / (2 * h)), rel=1e-3)


def test_more_total_variation_makes_the_change_flatter(one_thread):
    model, (x, _) = made(bl.VAE).float(), shown()
    rough, flat = (anomaly.restore(model, x, steps=20, tv=tv) - x for tv in (0.0, 20.0))
    assert anomaly.total_variation(flat) < anomaly.total_variation(rough)


def test_total_variation_of_a_case_worked_by_hand():
    x = torch.tensor([[[[0.0, 1.0], [3.0, 1.0]]], [[[0.0, 0.0], [0.0, 1.0]]]])
    # first: |3 − 0| + |1 − 1| down, |1 − 0| + |1 − 3| across: 6; second: 1 + 1 = 2; their mean is 4
    assert float(anomaly.total_variation(x)) == 4


def test_feature_residual_is_the_squared_distance_of_what_the_discriminator_sees():
    model, (x, brain) = tiny(bl.VAEGAN).eval(), shown()
    with torch.no_grad():
        d, d_tilde = model.discriminator.features(x), model.discriminator.features(model.reconstruct(x))
    whole = anomaly.feature_residual(model, x, torch.ones_like(brain))
    coarse = (d - d_tilde).square().sum(dim=1)  # (8, 4, 4): at 32 px a place is 8 pixels wide
    assert float(whole.sum()) == pytest.approx(64 * float(coarse.sum()), rel=0.25)  # borders are repeated
    corners = whole[:, 0, ::31, ::31]  # beyond the outermost places' middles nothing is mixed
    torch.testing.assert_close(corners, coarse[:, ::3, ::3], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("family", [bl.FAnoGAN, bl.VAEGAN])
def test_the_f_anogan_score_is_two_means(family):
    model, (x, _) = tiny(family).eval(), shown()
    see = model.gan.discriminator.features if family is bl.FAnoGAN else model.discriminator.features
    with torch.no_grad():
        x_hat = model.reconstruct(x)
        pixels = (x - x_hat).square().flatten(1).mean(dim=1)
        features = (see(x) - see(x_hat)).square().flatten(1).mean(dim=1)
    torch.testing.assert_close(anomaly.fanogan_score(model, x, kappa=0), pixels)
    torch.testing.assert_close(anomaly.fanogan_score(model, x, kappa=3.0), pixels + 3 * features)


def test_inversion_finds_an_image_that_the_gan_has_made(one_thread):
    gan = made(bl.GAN).float()
    with torch.no_grad():
        x = gan.decode(torch.randn(4, 8, generator=torch.Generator().manual_seed(5)))
    start, found = (anomaly.gan_inversion(gan, x, steps=steps, lr=0.1, starts=2) for steps in (0, 100))
    torch.testing.assert_close(found.x_hat, gan.decode(found.z).detach())
    before, after = ((x - one.x_hat).square().flatten(1).sum(dim=1) for one in (start, found))
    assert (after < 0.2 * before).all()


def test_inversion_follows_from_its_seed_and_keeps_the_best_of_several_starts(one_thread):
    gan, x = made(bl.GAN), shown()[0].double()
    one, again, other = (anomaly.gan_inversion(gan, x, steps=3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.z, again.z)
    assert not torch.equal(one.z, other.z)
    several, see = anomaly.gan_inversion(gan, x, steps=0, starts=4), gan.discriminator.features
    starts = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for i in range(8):
            image = x[i : i + 1]
            ends = [gan.decode(z[None].double()) for z in starts]
            values = [float(losses.inversion(image, x_hat, see(image), see(x_hat))) for x_hat in ends]
            assert max(values) > min(values)
            torch.testing.assert_close(several.z[i].float(), starts[values.index(min(values))])


def test_a_model_is_refused_in_a_sentence_for_what_it_cannot_do():
    x, brain = shown()
    dae, vae, gan = (tiny(family) for family in (bl.DenoisingAutoencoder, bl.VAE, bl.GAN))
    for score in (anomaly.kl_gradient, anomaly.combined, anomaly.restoration):
        with pytest.raises(bl.InputError, match=r"DenoisingAutoencoder does not have: use a bl\.VAE"):
            score(dae, x, brain)
    for call in (lambda: anomaly.feature_residual(vae, x, brain), lambda: anomaly.fanogan_score(vae, x)):
        with pytest.raises(bl.InputError, match=r"VAE has no discriminator.*use a bl\.VAEGAN"):
            call()
    with pytest.raises(bl.InputError, match="GAN, got a VAE"):
        anomaly.gan_inversion(vae, x)
    with pytest.raises(bl.InputError, match="GAN cannot reconstruct"):
        anomaly.squared(gan, x, brain)


@pytest.mark.parametrize("name", SCORES)
def test_other_sizes_and_regions_are_refused_in_a_sentence(name):
    score, family = SCORES[name]
    model, (x, brain) = tiny(family), shown()
    larger = torch.rand(2, 1, 48, 48)
    with pytest.raises(bl.InputError, match="size=32"):
        score(model, larger, larger > 0.5)
    with pytest.raises(bl.InputError, match=r"brain must be \(N, 1, H, W\)"):
        score(model, x, brain[:3])
    with pytest.raises(bl.InputError, match="boolean mask"):
        score(model, x, brain.float())


def test_settings_that_mean_nothing_are_refused_in_a_sentence():
    x, _ = shown()
    vae, gan = tiny(bl.VAE), tiny(bl.GAN)
    senseless: list[dict[str, Any]] = [{"steps": -1}, {"lr": 0.0}, {"tv": -1.0}, {"sigma": 0.0}]
    for wrong in senseless:
        with pytest.raises(bl.InputError, match="steps and tv must be at least 0"):
            anomaly.restore(vae, x, **wrong)
    senseless = [{"steps": -1}, {"lr": 0.0}, {"starts": 0}, {"kappa": -1.0}]
    for wrong in senseless:
        with pytest.raises(bl.InputError, match="starts at least 1"):
            anomaly.gan_inversion(gan, x, **wrong)
    with pytest.raises(bl.InputError, match="width in pixels above 0"):
        anomaly.smooth(x, 0)
