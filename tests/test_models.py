"""Properties of every model in the kit; what holds for one family alone stands in a file of its own."""

import pytest
import torch
from tiny import FAMILIES, STEPS, answer, images, tiny

import brainlab as bl
from brainlab import anomaly
from brainlab.models.protocols import Decodes, Embeds, Reconstructs

pytestmark = pytest.mark.usefixtures("one_thread")
SIZES = [32, 64, 112, 256]
CAN = {
    bl.Classifier: set(),
    bl.DenoisingAutoencoder: {Reconstructs},
    bl.GAN: {Decodes},
    bl.WGAN: {Decodes},
}


def build(family, size=32, **more):
    return tiny(family, size, **more).eval()


def answer_to(model):
    return model.reconstruct if isinstance(model, Reconstructs) else model


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", [f for f in FAMILIES if f is not bl.Classifier])
def test_every_size_comes_back_as_it_went_in(family, size):
    assert answer(build(family, size), size, 1).shape == (1, 1, size, size)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_gives_what_its_images_give(family):
    model = tiny(family)
    with torch.no_grad():
        model(torch.randn(8, 8) if isinstance(model, bl.GAN) else images(n=8))  # moves BatchNorm's statistics
    model.eval()
    use, given = (model.decode, torch.randn(3, 8)) if isinstance(model, bl.GAN) else (answer_to(model), images())
    one_by_one = torch.cat([use(one[None]) for one in given])
    torch.testing.assert_close(use(given), one_by_one, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_says_what_it_can_do(family):
    model, can = build(family), CAN.get(family, {Embeds, Decodes, Reconstructs})
    assert {ability for ability in (Embeds, Decodes, Reconstructs) if isinstance(model, ability)} == can
    if not can & {Embeds, Reconstructs}:
        with pytest.raises(bl.InputError, match="cannot reconstruct"):
            anomaly.reconstruct(family(model.config), images())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_offered_where_a_lesson_looks_for_it(family):
    assert getattr(bl, family.__name__) is family
    assert family in STEPS


@pytest.mark.parametrize("family", [f for f in FAMILIES if CAN.get(f, {Embeds}) & {Embeds, Decodes}])
def test_what_takes_a_condition_takes_none(family):
    model = build(family)
    assert torch.equal(model.decode(*_z(model), condition=None), model.decode(*_z(model)))
    if isinstance(model, Embeds):
        assert torch.equal(model.embed(images(), condition=None), model.embed(images()))


def _z(model):
    return [model.embed(images()) if isinstance(model, Embeds) else torch.ones(3, model.config.latent_dim)]


@pytest.mark.parametrize("latent_dim", [1, 512])
@pytest.mark.parametrize("family", [bl.Autoencoder, bl.SpatialAutoencoder, bl.VAE, bl.VAEGAN, bl.FAnoGAN])
def test_the_bottleneck_is_as_wide_as_asked(family, latent_dim):
    model = build(family, latent_dim=latent_dim)
    z = model.embed(images())
    assert z.shape == ((3, latent_dim, 4, 4) if family is bl.SpatialAutoencoder else (3, latent_dim))
    assert model.decode(z).shape == (3, 1, 32, 32)


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_size": 50},
        {"image_size": 16},
        {"image_size": 272},
        {"latent_dim": 0},
        {"latent_dim": 513},
        {"channels": 0},
        {"classes": ("healthy",)},
        {"classes": ("ms", "ms")},
        {"classes": ("ms", 3)},
        {"classes": "ms"},
        {"image_size": 64.0},
        {"width": True},
    ],
)
def test_a_config_that_cannot_be_built_is_refused(wrong):
    with pytest.raises(bl.InputError, match=next(iter(wrong))):
        bl.ModelConfig(**wrong)


@pytest.mark.parametrize("family", [bl.GAN, bl.WGAN, bl.VAEGAN])
def test_a_discriminator_never_gives_more_logits_rows_than_images(family):
    judge = build(family).discriminator
    assert judge(images(32, 4)).shape == (4,)
    assert judge(images(32, 1)).shape == (1,)
    assert len(judge(images(64, 4))) == 4
