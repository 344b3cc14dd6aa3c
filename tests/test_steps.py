"""What every step promises, whatever it trains."""

import copy
import math

import pytest
import torch
from tiny import STEPS, batch, eight_images, rmse, tiny, weights

import brainlab as bl
from brainlab import data, losses, training
from brainlab.models.denoising import coarse_noise

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(params=STEPS, ids=lambda family: family.__name__)
def family(request):
    return request.param


def step_for(family, seed=0):
    return STEPS[family](tiny(family, seed=seed))


def everything(step):
    """Weights, buffers, optimizer states and generators, as one list of tensors."""

    def leaves(value):
        if isinstance(value, dict):
            return [leaf for one in value.values() for leaf in leaves(one)]
        if isinstance(value, list | tuple):
            return [leaf for one in value for leaf in leaves(one)]
        return [torch.as_tensor(value)] if value is not None else []

    return leaves(copy.deepcopy(step.state_dict()))


def same(first, second):
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_one_step_moves_every_parameter_that_is_to_be_trained(family):
    model = tiny(family)
    before = {name: p.clone() for name, p in model.named_parameters()}
    step = STEPS[family](model)
    numbers = step(batch())
    still = {name for name, p in model.named_parameters() if torch.equal(p, before[name])}
    expected = {name for name, p in model.named_parameters() if not p.requires_grad}  # f-AnoGAN's finished GAN
    if family is bl.WGAN:  # a critic's scores have no zero: E D(x̃) − E D(x) is the same for any last bias
        expected = {"discriminator.head.1.bias"}
    assert still == expected
    assert (family is bl.FAnoGAN) == any(name.startswith("gan.") for name in expected)
    assert math.isfinite(numbers["loss"])


def test_a_step_taken_up_again_goes_on_bit_for_bit(family):
    straight = step_for(family)
    for _ in range(2):
        straight(batch())
    state = copy.deepcopy(straight.state_dict())
    later = [straight(batch(seed)) for seed in (5, 6)]
    resumed = step_for(family, seed=99)
    resumed.load_state_dict(state)
    assert [resumed(batch(seed)) for seed in (5, 6)] == later
    assert same(everything(resumed), everything(straight))


def test_a_state_survives_a_file_that_holds_no_code(family, tmp_path):
    step = step_for(family)
    step(batch())
    torch.save(step.state_dict(), tmp_path / "state.pt")
    resumed = step_for(family, seed=99)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert resumed(batch(3)) == step(batch(3))


def test_a_step_draws_nothing_from_the_global_generator(family):
    step = step_for(family)
    before = torch.get_rng_state()
    step(batch())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_batch_with_a_number_that_is_none_changes_nothing(family):
    step = step_for(family)
    step(batch())
    before, soiled = everything(step), batch()
    soiled["x"][3, 0, 5, 5] = float("nan")
    assert math.isnan(step(soiled)["loss"])
    assert same(everything(step), before)


def test_an_objective_that_is_not_finite_leaves_the_weights(family):
    step = step_for(family)
    step(batch())
    before = weights(step.modules[next(iter(step.modules))])
    huge = batch()
    step.check = lambda batch: None  # which would refuse such images
    huge["x"] = huge["x"] * 3e38
    if family is bl.Classifier:  # whose GroupNorm makes any contrast one
        huge["x"] = huge["x"] * math.inf
    assert math.isnan(step(huge)["loss"])
    assert torch.equal(weights(step.modules[next(iter(step.modules))]), before)


def test_a_step_leaves_its_batch_as_it_was(family):
    given = batch()
    kept = {name: value.clone() for name, value in given.items()}
    step_for(family)(given)
    assert all(torch.equal(given[name], kept[name]) for name in kept)


def test_fit_trains_every_family(family):
    tensors = batch()
    history = training.fit(step_for(family), data.Batches(tensors, 4), epochs=2, progress=False)
    assert all(len(values) == 2 and all(map(math.isfinite, values)) for values in history.values())


@pytest.mark.parametrize("family", [bl.SpatialAutoencoder, bl.DenoisingAutoencoder])
def test_eight_images_are_learned_by_heart(family):
    model, tensors = tiny(family), batch()
    training.fit(STEPS[family](model, lr=3e-3), data.Batches(tensors, 8), steps=250, progress=False)
    assert rmse(model, eight_images()) < (0.08 if family is bl.DenoisingAutoencoder else 0.05)


def spoilt(**changes):
    return batch() | changes


X = eight_images()
WRONG_BATCHES = {
    "another size": (bl.GAN, spoilt(x=torch.rand(4, 1, 64, 64)), r"size=32"),
    "double precision": (bl.VAE, spoilt(x=X.double()), r"torch\.float64"),
    "bytes": (bl.Autoencoder, spoilt(x=255 * X), r"in \[0, 1\]"),
    "far below": (bl.Autoencoder, spoilt(x=-5 * X), r"in \[0, 1\]"),
    "no x": (bl.Autoencoder, {"images": X}, "must hold 'x'"),
    "no brain": (bl.DenoisingAutoencoder, {"x": X}, "must hold 'brain'"),
    "half a brain": (bl.DenoisingAutoencoder, spoilt(brain=X[:4] > 0), "one mask an image"),
    "no label": (bl.Classifier, {"x": X}, "must hold 'label'"),
    "label a fraction": (bl.Classifier, spoilt(label=torch.zeros(8)), "int64"),
    "label too high": (bl.Classifier, spoilt(label=torch.arange(8)), "from 0 to 1"),
    "label below": (bl.Classifier, spoilt(label=-torch.ones(8).long()), "from 0 to 1"),
    "bare": (bl.Autoencoder, X, "must be a dict"),
}


@pytest.mark.parametrize(("family", "given", "says"), WRONG_BATCHES.values(), ids=WRONG_BATCHES)
def test_a_batch_that_cannot_be_trained_on_is_refused_and_changes_nothing(family, given, says):
    step = step_for(family)
    before = everything(step)
    with pytest.raises(bl.InputError, match=says):
        step(given)
    assert same(everything(step), before)


def test_each_step_names_the_step_of_a_model_that_it_does_not_train():
    for family, other, says in [
        (bl.VAEGAN, training.vae_step, "vae_step trains a bl.VAE, got a VAEGAN: for a VAEGAN use vaegan_step"),
        (bl.VAE, training.ae_step, "got a VAE: for a VAE use vae_step"),
        (bl.VAE, training.vaegan_step, "use vae_step"),
        (bl.Autoencoder, training.dae_step, "use ae_step"),
        (bl.Autoencoder, training.classifier_step, "use ae_step"),
        (bl.WGAN, training.fanogan_step, "use gan_step"),
        (bl.FAnoGAN, training.gan_step, "use fanogan_step"),
    ]:
        with pytest.raises(bl.InputError, match=says):
            other(tiny(family))


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        (bl.Autoencoder, {"sigma": 0}),
        (bl.DenoisingAutoencoder, {"sigma": -0.1}),
        (bl.VAE, {"sigma": math.nan}),
        (bl.VAE, {"beta": -1}),
        (bl.VAE, {"warm_up": -1}),
        (bl.VAEGAN, {"warm_up": -1}),
        (bl.VAEGAN, {"gamma": 1.1}),
        (bl.VAEGAN, {"gamma": -0.1}),
        (bl.VAEGAN, {"sigma": 0}),
        (bl.GAN, {"label_smoothing": 1}),
        (bl.GAN, {"label_smoothing": -0.1}),
    ],
)
def test_a_setting_that_means_nothing_is_refused_by_its_name(family, settings):
    with pytest.raises(bl.InputError, match=next(iter(settings))):
        STEPS[family](tiny(family), **settings)


@pytest.mark.parametrize("broken", ["discriminator", "generator"])
def test_a_gans_player_whose_objective_is_not_finite_keeps_its_weights(broken):
    gan = tiny(bl.GAN)
    step = training.gan_step(gan)
    nan = {broken: lambda *logits: logits[0].sum() * math.nan}
    step.game = step.game._replace(**nan)
    before = {name: weights(getattr(gan, name)) for name in ("discriminator", "generator")}
    assert math.isnan(step(batch())["loss"])
    moved = {name for name, was in before.items() if not torch.equal(was, weights(getattr(gan, name)))}
    assert moved == (set() if broken == "discriminator" else {"discriminator"})


def test_a_denoisers_loss_is_that_of_an_image_soiled_inside_the_brain_by_its_seed():
    model, given = tiny(bl.DenoisingAutoencoder), batch()
    noise = coarse_noise(X.shape, torch.Generator().manual_seed(7))
    x_hat = copy.deepcopy(model).train()(X + 0.3 * noise * given["brain"])
    expected = float(losses.gaussian_nll(X, x_hat, 0.1).detach())
    assert not given["brain"].all()
    assert training.dae_step(model, sigma=0.1, noise=0.3, seed=7)(given)["loss"] == pytest.approx(expected, rel=1e-5)


def test_an_autoencoders_loss_is_in_nats_at_the_sigma_asked_for():
    model = tiny(bl.Autoencoder)
    expected = float(losses.gaussian_nll(X, model(X), 0.1).detach())
    assert training.ae_step(model, sigma=0.1)(batch())["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_vaegans_learning_rates_are_as_asked():
    optimizers = training.vaegan_step(tiny(bl.VAEGAN), lr=3e-3, lr_d=1e-5).optimizers
    rates = {name: adam.param_groups[0]["lr"] for name, adam in optimizers.items()}
    assert rates == {"encoder": 3e-3, "decoder": 3e-3, "discriminator": 1e-5}


def test_what_is_watched_is_what_falls_in_a_sound_run():
    watched = {one: getattr(step_for(one), "watch", "loss") for one in (bl.Autoencoder, bl.GAN, bl.WGAN, bl.VAEGAN)}
    assert watched == {bl.Autoencoder: "loss", bl.GAN: None, bl.WGAN: None, bl.VAEGAN: "reconstruction"}


def test_a_denoisers_finest_skip_carries_what_the_deep_layers_do_not():
    model = tiny(bl.DenoisingAutoencoder).eval()
    with torch.no_grad():
        for p in model.widen1.parameters():
            p.zero_()  # nothing comes from below
        assert not torch.allclose(model(X), model(X.flip(0)))
