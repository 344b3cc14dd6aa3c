"""Properties of every model in the kit; what holds for one family alone stands in a file of its own."""

import pytest
import torch

import brainlab as bl
from brainlab import models
from brainlab.models.protocols import Decodes, Embeds, Reconstructs

FAMILIES = [getattr(models, name) for name in models.__all__ if name != "ModelConfig"]
SIZES = [32, 64, 112, 256]


def build(family, size=32, **more):
    torch.manual_seed(0)
    return family(bl.ModelConfig(image_size=size, width=8, **more)).eval()


def images(size=32, n=3):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_size_comes_back_as_it_went_in(family, size):
    assert build(family, size).reconstruct(images(size, 1)).shape == (1, 1, size, size)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_gives_what_its_images_give(family):
    model, x = build(family), images()
    one_by_one = torch.cat([model.reconstruct(image[None]) for image in x])
    torch.testing.assert_close(model.reconstruct(x), one_by_one, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_says_what_it_can_do(family):
    model = build(family)
    assert isinstance(model, Reconstructs)
    assert isinstance(model, Embeds) == isinstance(model, Decodes) == hasattr(model, "embed")


@pytest.mark.parametrize("latent_dim", [1, 512])
def test_the_bottleneck_is_as_wide_as_asked(latent_dim):
    model = build(models.Autoencoder, latent_dim=latent_dim)
    z = model.embed(images())
    assert z.shape == (3, latent_dim)
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
    ],
)
def test_a_config_that_cannot_be_built_is_refused(wrong):
    with pytest.raises(bl.InputError, match=next(iter(wrong))):
        bl.ModelConfig(**wrong)
