import pytest
import torch
from torch import nn

import brainlab as bl
from brainlab import anomaly, metrics


class Blank(nn.Module):
    """Rebuilds nothing: every image becomes black."""

    config = bl.ModelConfig(image_size=32)

    def reconstruct(self, x, condition=None):
        return torch.zeros_like(x)


def healthy(n=8, size=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    brain = torch.zeros(n, 1, size, size, dtype=torch.bool)
    brain[:, :, 4:-4, 4:-4] = True
    return torch.rand(n, 1, size, size, generator=generator) * brain, brain


def test_an_untrained_nets_residual_is_the_intensity_itself():
    images, brain = healthy()
    torch.testing.assert_close(anomaly.anomaly_map(Blank(), images, brain), images)


def test_the_map_is_zero_outside_the_brain():
    images, brain = healthy()
    maps = anomaly.anomaly_map(Blank(), images + 1, brain)
    assert (maps[~brain] == 0).all()
    assert (maps[brain] > 0).all()


@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.3])
def test_a_threshold_at_five_per_cent_lets_five_per_cent_of_healthy_pixels_through(fpr):
    maps, brain = healthy()
    cut = anomaly.threshold_at_fpr(maps, brain, fpr)
    rate = metrics.false_positive_rate(maps > cut, torch.zeros_like(brain), brain)
    assert fpr - 1 / brain.sum() <= rate <= fpr


def test_a_threshold_never_delivers_more_than_promised_even_when_most_scores_are_equal():
    maps, brain = healthy()
    maps = (maps > 0.97).float()  # 3 % of ones, the rest zero: published code has called all of it a lesion here
    cut = anomaly.threshold_at_fpr(maps, brain, 0.01)
    assert metrics.false_positive_rate(maps > cut, torch.zeros_like(brain), brain) <= 0.01


def test_a_median_removes_a_lone_pixel_and_keeps_a_straight_edge():
    maps = torch.zeros(1, 1, 9, 9)
    maps[..., 5:, :] = 1.0
    lone = maps.clone()
    lone[0, 0, 2, 2] = 1.0
    torch.testing.assert_close(anomaly.median(lone), maps)


def test_erosion_takes_the_rim_and_scales_with_the_image():
    brain = torch.zeros(1, 1, 100, 100, dtype=torch.bool)
    brain[..., 20:80, 20:80] = True
    assert anomaly.erode(brain).sum() == (60 - 2 * 4) ** 2  # 100 // 25 = 4 pixels on each side
    assert anomaly.erode(brain, radius=1).sum() == 58**2


def test_erosion_does_not_eat_a_brain_that_touches_the_border():
    assert anomaly.erode(torch.ones(1, 1, 50, 50, dtype=torch.bool)).all()


def test_reconstructing_leaves_the_models_mode_and_the_images_as_they_were():
    model = bl.Autoencoder(bl.ModelConfig(image_size=32, latent_dim=4)).train()
    images, _ = healthy()
    before = images.clone()
    anomaly.reconstruct(model, images)
    assert model.training
    torch.testing.assert_close(images, before)


def test_wrong_sizes_models_and_rates_are_refused_in_a_sentence():
    images, brain = healthy(size=48)
    with pytest.raises(bl.InputError, match="size=32"):
        anomaly.reconstruct(Blank(), images)
    with pytest.raises(bl.InputError, match="cannot reconstruct"):
        anomaly.reconstruct(nn.Identity(), images)
    with pytest.raises(bl.InputError, match="between 0 and 1"):
        anomaly.threshold_at_fpr(images, brain, 5)
    with pytest.raises(bl.InputError, match="brain must be a boolean mask"):
        anomaly.threshold_at_fpr(images, brain.to(torch.uint8), 0.05)
    with pytest.raises(bl.InputError, match="brain must be a boolean mask"):
        anomaly.erode(brain.to(torch.uint8))
    with pytest.raises(bl.InputError, match="finite"):
        anomaly.threshold_at_fpr(images * float("nan"), brain, 0.05)
    with pytest.raises(bl.InputError, match="width must be odd"):
        anomaly.median(images, 4)
