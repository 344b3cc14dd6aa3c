"""What stands on a card: each measure against one worked out another way, and each family asked for what it can do."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import brainlab as bl
from brainlab import InputError, anomaly, losses, metrics, scorecard
from brainlab.scorecard import Test as Material
from brainlab.slices import About, Slices
from tests.tiny import tiny

KINDS = ("tumour", "ms", "infarct")


def some_slices(people=12, size=32, contrasts=("hypo", "iso", "hyper"), seed=0):
    """A healthy scan and one a kind and contrast for each person, of five slices each; the last has no lesion."""
    draw = torch.Generator().manual_seed(seed)
    visits = ["healthy", *(f"{kind}-{contrast}" for contrast in contrasts for kind in KINDS)]
    rows = [(f"p{i}", visit, k) for i in range(people) for visit in visits for k in range(5)]
    n = len(rows)
    images = torch.rand(n, 1, size, size, generator=draw)
    brain = torch.zeros(n, 1, size, size, dtype=torch.bool)
    brain[..., 4:28, 4:28] = True
    sick = torch.tensor([visit != "healthy" and k < 4 for _, visit, k in rows]).view(n, 1, 1, 1)
    masks = (torch.rand(n, 1, size, size, generator=draw) < 0.1) & brain & sick
    labels = [visit.split("-")[0] if s else "healthy" for (_, visit, _), s in zip(rows, sick.flatten(), strict=True)]
    return Slices(
        images=images * brain,
        masks=masks,
        brain=brain,
        subjects=tuple(person for person, _, _ in rows),
        labels=tuple(labels),
        position_mm=np.zeros(n),
        visit=tuple(visit for _, visit, _ in rows),
        affine=np.zeros((n, 4, 4)),
        contrast="T1w",
        spacing=1.0,
        about=About("made up", "none", "none", synthetic=True),
    )


@pytest.fixture(scope="module")
def material():
    slices = some_slices()
    train = some_slices(contrasts=(), seed=1)
    return Material(slices, train, tiny(bl.Classifier, classes=("healthy", *KINDS)))


class Shift(nn.Module):
    """Rebuilds every image a tenth darker: PSNR 20 dB exactly, where nothing is cut."""

    def __init__(self):
        super().__init__()
        self.config = bl.ModelConfig(image_size=32)

    def reconstruct(self, x, condition=None):
        return x - 0.1


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (bl.Autoencoder, "psnr ap_hypo ap_iso ap_hyper"),
        (bl.SpatialAutoencoder, "psnr ap_hypo ap_iso ap_hyper"),
        (bl.DenoisingAutoencoder, "psnr ap_hypo ap_iso ap_hyper"),
        (bl.FAnoGAN, "psnr ap_hypo ap_iso ap_hyper"),
        (bl.VAE, "psnr ap_hypo ap_iso ap_hyper elbo kl frechet precision recall copied"),
        (bl.VAEGAN, "psnr ap_hypo ap_iso ap_hyper frechet precision recall copied"),
        (bl.GAN, "frechet precision recall copied"),
    ],
)
def test_a_family_is_measured_by_what_it_can_do(family, expected, material, one_thread):
    found = scorecard.measure(tiny(family), material, draws=20)
    assert list(found) == expected.split()
    for name, (value, low, high) in found.items():
        assert low <= value <= high or name in ("precision", "recall", "frechet", "copied"), name
        assert np.isfinite([value, low, high]).all(), name


def test_without_a_judge_samples_are_not_compared(material):
    assert list(scorecard.measure(tiny(bl.GAN), material._replace(judge=None))) == []


def test_psnr_is_that_of_healthy_slices_alone(material, one_thread):
    assert scorecard.measure(Shift(), material, draws=0)["psnr"].value == pytest.approx(20, abs=1e-4)
    model, healthy = tiny(bl.Autoencoder), material.slices.where(visit="healthy").images
    expected = metrics.psnr(healthy, anomaly.reconstruct(model, healthy))
    assert scorecard.measure(model, material, draws=0)["psnr"].value == pytest.approx(expected, abs=1e-6)


def test_average_precision_pools_the_kinds_of_one_contrast_after_cleaning(material, one_thread):
    model, slices = tiny(bl.Autoencoder), material.slices
    found = scorecard.measure(model, material, draws=30)["ap_iso"]
    sick = slices[[v.endswith("-iso") for v in slices.visit]]
    assert len(sick) == 12 * 3 * 5
    maps = anomaly.clean(anomaly.anomaly_map(model, sick.images, sick.brain), sick.brain)
    expected = metrics.bootstrap(
        lambda i: metrics.average_precision(maps[i], sick.masks[i], sick.brain[i]), sick.subjects, 30
    )
    assert found == pytest.approx(expected)


def test_the_bound_is_the_elbo_with_its_kl_term(material, one_thread):
    model = tiny(bl.VAE)
    found = scorecard.measure(model, material, draws=0)
    healthy = material.slices.where(visit="healthy").images
    with torch.no_grad():
        out = model.eval()(healthy, generator=torch.Generator().manual_seed(0))
        expected = losses.elbo(healthy, out.x_hat, out.mu, out.logvar, scorecard.SIGMA)
    assert found["elbo"].value == pytest.approx(float(expected.elbo), rel=1e-4)
    assert found["kl"].value == pytest.approx(float(expected.kl), rel=1e-4)


def test_images_that_are_the_real_ones_are_perfect_and_training_images_are_copies(material):
    healthy = material.slices.where(visit="healthy").images
    itself = scorecard.imagining(lambda n, seed: healthy[:n], material)
    assert itself["frechet"].value == pytest.approx(0, abs=1e-6)
    assert itself["precision"].value == itself["recall"].value == 1
    assert itself["copied"].value == pytest.approx(0.5)
    copies = scorecard.imagining(lambda n, seed: material.train.images[:n], material)
    assert copies["copied"].value == 1


def test_each_set_of_samples_is_another_and_the_interval_says_how_they_differ(material):
    seeds = []
    found = scorecard.imagining(
        lambda n, seed: seeds.append(seed) or torch.rand(n, 1, 32, 32, generator=torch.Generator().manual_seed(seed)),
        material,
    )
    assert len(set(seeds)) == scorecard.SETS
    assert found["frechet"].low < found["frechet"].value < found["frechet"].high


def test_samples_are_judged_as_they_are_shown(material):
    """Within [0, 1], at the size that the judge was trained on, by every layer, in units of the training slices'."""
    x = torch.rand(60, 1, 128, 128, generator=torch.Generator().manual_seed(3)) * 3 - 1
    small = x.clamp(0, 1).unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(-1, -2))

    @torch.no_grad()
    def layers(images):
        first = material.judge.eval().cnn[0](images)
        second = material.judge.cnn[1](first)
        third = material.judge.cnn[2](second)
        fourth = material.judge.cnn[3](third)
        return torch.cat([one.mean(dim=(2, 3)) for one in (first, second, third, fourth)], dim=1)

    usual = layers(torch.nn.functional.interpolate(material.train.images, size=64, mode="nearest"))
    expected = (layers(small) - usual.mean(dim=0)) / usual.std(dim=0)
    torch.testing.assert_close(scorecard.features(material)(x), expected, rtol=1e-3, atol=1e-3)


def test_grain_and_blur_are_farther_from_real_slices_than_other_people_are(material):
    def smooth(n, seed):
        return torch.nn.functional.avg_pool2d(material.train.images[:n], 3, stride=1, padding=1)

    def grainy(n, seed):
        return material.train.images[:n] + 0.1 * torch.randn(
            n, 1, 32, 32, generator=torch.Generator().manual_seed(seed)
        )

    others = scorecard.imagining(lambda n, seed: material.train.images[:n], material)["frechet"].value
    for spoiled in (smooth, grainy):
        assert scorecard.imagining(spoiled, material)["frechet"].value > 1.3 * others


def test_a_rare_class_counts_as_much_as_a_common_one(material):
    class Healthy(bl.Classifier):
        def forward(self, x):
            return torch.tensor([[1.0, 0, 0, 0]]).expand(len(x), 4)

    model = Healthy(bl.ModelConfig(image_size=32, classes=("healthy", *KINDS)))
    found = scorecard.measure(model, material, draws=0)
    assert found["accuracy"].value == 0.25  # all of one class of four, whatever its share
    assert found["auroc"].value == 0.5


def test_auroc_is_that_of_lesion_against_none(material):
    class CallsBrightHealthy(bl.Classifier):
        def forward(self, x):
            return x.mean(dim=(1, 2, 3))[:, None] * torch.tensor([1.0, 0, 0, 0])

    healthy = torch.tensor([label == "healthy" for label in material.slices.labels])
    model = CallsBrightHealthy(bl.ModelConfig(image_size=32, classes=("healthy", *KINDS)))
    for bright, expected in ((healthy, 1), (~healthy, 0)):
        slices = replace(material.slices, images=bright.float().view(-1, 1, 1, 1).expand(-1, 1, 32, 32))
        assert scorecard.naming(model, slices, 0)["auroc"].value == expected


def test_references_are_brightness_the_mean_slice_chance_and_other_people(material):
    found, slices = scorecard.references(material, draws=0), material.slices
    assert list(found) == ["psnr", "ap_hypo", "ap_hyper", "ap_iso", "frechet", "precision", "recall"]
    healthy = slices.where(visit="healthy").images
    mean = material.train.images.mean(dim=0, keepdim=True)
    assert found["psnr"].value == pytest.approx(metrics.psnr(healthy, mean.expand_as(healthy)))
    sick = slices[[v.endswith("-hypo") for v in slices.visit]]
    dark = anomaly.clean((1 - sick.images) * sick.brain, sick.brain)
    assert found["ap_hypo"].value == pytest.approx(metrics.average_precision(dark, sick.masks, sick.brain))
    iso = slices[[v.endswith("-iso") for v in slices.visit]]
    assert found["ap_iso"].value == pytest.approx(metrics.prevalence(iso.masks, iso.brain))


def test_other_people_are_whole_people(material):
    """What real samples would be: each set holds all slices of those it holds, never a random mix of everyone's."""
    taken = scorecard._people(material.train, 25, seed=4)
    owner = [
        next(name for x, name in zip(material.train.images, material.train.subjects, strict=True) if torch.equal(x, y))
        for y in taken
    ]
    assert len(set(owner)) == 5
    assert all(owner.count(name) == 5 for name in owner)


def test_images_of_another_size_are_refused_with_the_mend(material):
    with pytest.raises(InputError, match="size=64"):
        scorecard.measure(tiny(bl.Autoencoder, size=64), material)


def test_a_classifier_that_does_not_know_the_kinds_is_refused(material):
    with pytest.raises(InputError, match="does not know infarct, ms, tumour"):
        scorecard.measure(tiny(bl.Classifier), material)
