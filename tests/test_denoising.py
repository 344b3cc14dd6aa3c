"""The denoising autoencoder and the noise it learns to remove."""

import pytest
import torch

from brainlab import ModelConfig, anomaly, data, training
from brainlab.models.denoising import COARSENESS, DenoisingAutoencoder, coarse_noise

pytestmark = pytest.mark.usefixtures("one_thread")


def noise(n=400, size=64, seed=0):
    return coarse_noise((n, 1, size, size), torch.Generator().manual_seed(seed))


def test_noise_has_mean_zero_and_belongs_to_its_generator():
    n = noise()
    assert abs(float(n.mean())) < 0.02
    assert torch.equal(noise(4, seed=3), noise(4, seed=3))
    assert not torch.equal(noise(4, seed=3), noise(4, seed=4))


def test_noise_is_as_strong_everywhere():
    # Without the random roll the corners of the coarse grid would be stronger than the pixels between them: 1 against
    # (0.75² + 0.25²)² = 0.39 in variance, at most, on a grid whose points fall between pixels.
    variance = noise(4000).var(dim=0)[0]
    assert variance.min() > 0.8 * variance.mean()
    assert variance.max() < 1.2 * variance.mean()
    # Bilinear weights 1-u and u at u = 1/16, 3/16, … 15/16 of a grid step: (1-u)² + u² is 0.668 in the mean. Along the
    # border, an eighth of each axis, the outermost value goes on unmixed: (7 * 0.668 + 1) / 8 = 0.709 an axis.
    assert variance.mean() == pytest.approx(0.709**2, rel=0.05)


def test_noise_is_coarse_neighbours_agree_and_a_lesions_width_apart_they_do_not():
    n = noise()[:, 0]

    def agreement(pixels):
        a, b = n[..., :-pixels].flatten(), n[..., pixels:].flatten()
        return float((a * b).mean() / n.var())

    assert agreement(1) > 0.9
    assert abs(agreement(2 * COARSENESS)) < 0.05


def test_each_image_of_a_batch_has_noise_of_its_own():
    n = noise(8).flatten(1)
    assert torch.corrcoef(n).fill_diagonal_(0).abs().max() < 0.6


@pytest.mark.parametrize("size", [32, 48, 64, 256])
def test_reconstructions_have_the_images_shape_at_every_allowed_size(size):
    model = DenoisingAutoencoder(ModelConfig(image_size=size, width=4)).eval()
    x = torch.rand(2, 1, size, size)
    assert model.reconstruct(x).shape == x.shape
    assert coarse_noise(x.shape).shape == x.shape


def test_in_use_an_image_is_rebuilt_alike_alone_and_in_a_batch():
    torch.manual_seed(0)
    model = DenoisingAutoencoder(ModelConfig(image_size=32, width=4))
    model(torch.rand(8, 1, 32, 32))  # gives BatchNorm statistics of its own
    model.eval()
    x = torch.rand(3, 1, 32, 32)
    assert torch.allclose(model.reconstruct(x)[1:2], model.reconstruct(x[1:2]), atol=1e-5)


def test_trained_on_plain_discs_it_finds_the_spot_that_no_disc_has():
    torch.manual_seed(0)
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    radius, shade = 10 + 4 * torch.rand(64, 1, 1, 1), 0.4 + 0.2 * torch.rand(64, 1, 1, 1)
    brain = ((y - 15.5) ** 2 + (x - 15.5) ** 2).sqrt() < radius
    discs = shade * brain
    model = DenoisingAutoencoder(ModelConfig(image_size=32, width=8))
    batches = data.Batches({"x": discs, "brain": brain}, 16)
    training.fit(training.dae_step(model), batches, steps=150, progress=False)
    sick = discs.clone()
    sick[:, :, 12:17, 12:17] += 0.3
    maps = anomaly.anomaly_map(model, sick, brain)
    assert maps[:, :, 12:17, 12:17].mean() > 3 * maps[:, :, 20:, :][brain[:, :, 20:, :]].mean()
