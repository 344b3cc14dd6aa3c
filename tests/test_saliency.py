"""Grad-CAM and occlusion, against networks so small that every number is worked by hand."""

import pytest
import torch
from tiny import eight_images, tiny
from torch.nn import functional as F

import brainlab as bl
from brainlab import saliency

pytestmark = pytest.mark.usefixtures("one_thread")

# One image, two channels of 2 × 2 places.
MAPS = torch.tensor([[[[1.0, 2.0], [0.0, 1.0]], [[0.0, 4.0], [2.0, 0.0]]]])
WEIGHTS = torch.tensor([[2.0, -1.0], [-4.0, 8.0]])  # (classes, channels) of a dense layer behind the mean over places


def mean_and_dense(maps):
    return maps.mean((2, 3)) @ WEIGHTS.T


def squares(maps):
    return maps.square().sum((1, 2, 3))[:, None]  # one class, y = Σ A²


def test_behind_a_mean_over_four_places_alpha_is_a_quarter_of_the_dense_layers_weight():
    assert saliency.channel_weights(mean_and_dense, MAPS, 0).tolist() == [[0.5, -0.25]]
    assert saliency.channel_weights(mean_and_dense, MAPS, 1).tolist() == [[-1.0, 2.0]]


def test_alpha_is_the_mean_over_places_of_slopes_that_differ():
    # ∂ΣA²/∂A = 2A; its mean over the four places is 2 · (1 + 2 + 0 + 1) / 4 = 2 and 2 · (4 + 2) / 4 = 3.
    assert saliency.channel_weights(squares, MAPS, 0).tolist() == [[2.0, 3.0]]


def test_the_map_sums_channels_by_weight_and_drops_what_speaks_against():
    # 0.5 · [[1, 2], [0, 1]] − 0.25 · [[0, 4], [2, 0]] = [[0.5, 0], [−0.5, 0.5]], and ReLU.
    assert saliency.cam(MAPS, torch.tensor([[0.5, -0.25]])).tolist() == [[[[0.5, 0.0], [0.0, 0.5]]]]


def test_an_images_map_does_not_know_its_company():
    both = torch.cat([MAPS, 3 * MAPS])
    alone = [saliency.channel_weights(squares, one[None], 0) for one in both]
    assert torch.equal(saliency.channel_weights(squares, both, 0), torch.cat(alone))


def test_at_the_last_layer_it_is_the_class_activation_map():
    model, x = tiny(bl.Classifier, size=64).eval(), F.interpolate(eight_images()[:2], size=64)
    with torch.no_grad():
        coarse = torch.einsum("k,nkhw->nhw", model.last.weight[1] / 16, model.cnn(x)).relu()[:, None]
    wanted = F.interpolate(coarse, size=(64, 64), mode="bilinear")
    torch.testing.assert_close(saliency.grad_cam(model, x, target=1, layer=4), wanted)
    assert wanted.max() > 0


@pytest.mark.parametrize("layer", [1, 2, 3, 4])
def test_it_leaves_the_model_and_the_image_as_they_were(layer):
    model, x = tiny(bl.Classifier).train(), eight_images()
    before = x.clone()
    out = saliency.grad_cam(model, x, 0, layer)
    assert out.shape == x.shape
    assert out.min() >= 0
    assert torch.equal(x, before)
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert not out.requires_grad


def test_layers_count_from_the_image():
    model, x = tiny(bl.Classifier), eight_images()[:1]
    assert [tuple(saliency.layer_maps(model, x, n).shape) for n in (1, 4)] == [(1, 8, 16, 16), (1, 32, 2, 2)]


# ---- occlusion


def corner(images):
    """The probability of a network that looks at the upper left pixel only."""
    return images[:, 0, 0, 0]


def test_covering_what_counts_costs_what_it_counted():
    image = torch.zeros(1, 4, 4)
    image[0, 0, 0] = 0.75
    everywhere = torch.ones(4, 4, dtype=torch.bool)
    out = saliency.occlusion(corner, image, everywhere, patch=2, stride=2, fill=0.25)
    wanted = torch.zeros(4, 4)
    wanted[:2, :2] = 0.5  # 0.75 − 0.25, wherever the one patch lies that covers it
    assert torch.equal(out, wanted)


def test_a_pixel_has_the_mean_of_the_patches_that_cover_it():
    image = torch.zeros(1, 1, 3)
    image[0, 0, 0] = 1.0
    # Patches of 1 × 1 would be pixels; in one row of three a patch of 1 × 1 is all that fits into its height.
    with pytest.raises(bl.InputError, match="got stride=1 and patch=2"):
        saliency.occlusion(corner, image, torch.ones(1, 3, dtype=torch.bool), 2, 1, 0.0)
    square = torch.zeros(1, 3, 3)
    square[0, 0, 0] = 1.0
    out = saliency.occlusion(corner, square, torch.ones(3, 3, dtype=torch.bool), patch=2, stride=1, fill=0.0)
    # Four patches; only the first covers the corner. (0, 0) has it alone, (0, 1) shares it with one other patch,
    # (1, 1) lies in all four.
    assert out.tolist() == [[1.0, 0.5, 0.0], [0.5, 0.25, 0.0], [0.0, 0.0, 0.0]]


def test_patches_reach_the_far_border():
    image = torch.zeros(1, 5, 5)
    image[0, 4, 4] = 1.0
    out = saliency.occlusion(lambda x: x[:, 0, 4, 4], image, torch.ones(5, 5, dtype=torch.bool), 2, 2, 0.0)
    assert out[4, 4] > 0


def test_what_gets_more_probable_when_covered_is_below_zero():
    everywhere = torch.ones(2, 2, dtype=torch.bool)
    assert saliency.occlusion(corner, torch.zeros(1, 2, 2), everywhere, 1, 1, 0.25)[0, 0] == -0.25


def test_beyond_the_region_nothing_is_covered():
    region = torch.ones(4, 4, dtype=torch.bool)
    region[0, 0] = False  # the only pixel that counts
    seen = []

    def look(images):
        seen.append(images)
        return corner(images)

    out = saliency.occlusion(look, torch.full((1, 4, 4), 0.5), region, 2, 2, 0.0)
    assert torch.equal(out, torch.zeros(4, 4))
    assert all((images[:, 0, 0, 0] == 0.5).all() for images in seen)


def test_a_classifiers_probability_falls_by_what_its_softmax_says():
    model, image = tiny(bl.Classifier).eval(), eight_images()[0]
    region = torch.ones(32, 32, dtype=torch.bool)
    out = saliency.classifier_occlusion(model, image, region, target=1, patch=32, stride=32)  # one patch: all of it
    flat = torch.full_like(image, float(image.mean()))
    with torch.no_grad():
        wanted = model(image[None]).softmax(1)[0, 1] - model(flat[None]).softmax(1)[0, 1]
    torch.testing.assert_close(out, wanted.expand(32, 32), atol=1e-6, rtol=1e-4)
    assert wanted.abs() > 1e-4


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda m, x: saliency.grad_cam(m, x, 0, 5), "layer must be from 1 to 4"),
        (lambda m, x: saliency.grad_cam(m, x, 0, 0), "layer must be from 1 to 4"),
        (lambda m, x: saliency.grad_cam(m, x, 2), "0 to 1"),
        (lambda m, x: saliency.layer_maps(m, x[..., :16], 1), "size=32"),
        (lambda m, x: saliency.classifier_occlusion(m, x[0], x[0, 0] > 2, 0), "this one is empty"),
    ],
)
def test_what_cannot_be_asked_is_told(act, words):
    with pytest.raises(bl.InputError, match=words):
        act(tiny(bl.Classifier), eight_images())
