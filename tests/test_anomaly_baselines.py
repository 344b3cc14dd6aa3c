"""Scores without a network, the one shape for all scores, and what turns maps into guesses and numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_anomaly import Blank
from tiny import tiny

import brainlab as bl
from brainlab import anomaly
from brainlab.anomaly import baselines
from brainlab.slices import About, Slices


def slices(images, brain=None, position_mm=None, masks=None):
    n = len(images)
    brain = torch.ones_like(images, dtype=torch.bool) if brain is None else brain
    return Slices(
        images=images,
        masks=torch.zeros_like(brain) if masks is None else masks,
        brain=brain,
        subjects=tuple(f"p{i}" for i in range(n)),
        labels=("healthy",) * n,
        position_mm=np.zeros(n) if position_mm is None else np.array(position_mm, dtype=float),
        visit=("healthy",) * n,
        affine=np.stack([np.eye(4)] * n),
        contrast="T1w",
        spacing=3.0,
        about=About("made up", "none", "none", True),
    )


def drawn(n=12, size=32, seed=0, **more):
    draw = torch.Generator().manual_seed(seed)
    images = torch.rand(n, 1, size, size, generator=draw)
    brain = torch.rand(n, 1, size, size, generator=draw) < 0.7
    return slices(images * brain, brain, **more)


def test_brightness_and_darkness_add_up_to_the_brain():
    some = drawn()
    torch.testing.assert_close(anomaly.brightness(some), some.images)
    torch.testing.assert_close(anomaly.brightness(some) + anomaly.darkness(some), some.brain.float())


def test_a_z_score_worked_by_hand():
    # One row of two pixels. Left is brain in both slices, with 0.2 and 0.6; right in the first only, with 0.4.
    images = torch.tensor([[[[0.2, 0.4]]], [[[0.6, 0.9]]]])  # 0.9 lies outside and must not count
    brain = torch.tensor([[[[True, True]]], [[[True, False]]]])
    z = anomaly.ZScore.fit(slices(images, brain), pseudo=2)
    # all brain pixels: m = 1.2 / 3 = 0.4, mean square = (0.04 + 0.36 + 0.16) / 3 = 0.56 / 3
    # left:  mean = (0.8 + 2 · 0.4) / 4 = 0.4, var = (0.40 + 2 · 0.56 / 3) / 4 − 0.16 = 0.0333…
    # right: mean = (0.4 + 2 · 0.4) / 3 = 0.4, var = (0.16 + 2 · 0.56 / 3) / 3 − 0.16 = 0.0177…
    left, right = ((0.40 + 1.12 / 3) / 4 - 0.16) ** 0.5, ((0.16 + 1.12 / 3) / 3 - 0.16) ** 0.5
    torch.testing.assert_close(z.mean, torch.full((1, 1, 1, 2), 0.4))
    torch.testing.assert_close(z.std, torch.tensor([[[[left, right]]]]))
    maps = z(slices(images, brain))
    torch.testing.assert_close(maps, torch.tensor([[[[0.2 / left, 0.0]]], [[[0.2 / left, 0.0]]]]))


def test_where_nobody_has_brain_a_pixel_is_an_average_one_and_no_score_explodes():
    some = drawn(40)
    brain = some.brain.clone()
    brain[..., :4] = False
    brain[0, 0, 0, 0] = True  # seen in one person
    z = anomaly.ZScore.fit(replace(some, brain=brain))
    inside = some.images[brain]
    torch.testing.assert_close(z.mean[0, 0, 5, 1], inside.mean())
    torch.testing.assert_close(z.std[0, 0, 5, 1], inside.std(unbiased=False))
    assert z(some).max() < 10
    constant = slices(torch.full((5, 1, 32, 32), 0.5))
    assert torch.equal(anomaly.ZScore.fit(constant).std, torch.full((1, 1, 32, 32), baselines.LEAST_STD))


def test_with_one_level_the_scores_per_level_are_the_global_ones():
    train, test = drawn(position_mm=[30.0] * 12), drawn(seed=1, position_mm=np.linspace(-40, 60, 12))
    torch.testing.assert_close(anomaly.ZScore.fit(train, per_level=True)(test), anomaly.ZScore.fit(train)(test))


def test_each_slice_is_compared_with_the_level_nearest_in_height():
    images = torch.cat([torch.full((4, 1, 32, 32), 0.2), torch.full((4, 1, 32, 32), 0.8)])
    train = slices(images, position_mm=[-1, 0, 1, 2, 30, 31, 33, 34])  # levels at 0 and 32 mm
    z = anomaly.ZScore.fit(train, per_level=True, bin_mm=8)
    np.testing.assert_array_equal(z.level_mm, [0, 32])
    maps = z(slices(torch.full((4, 1, 32, 32), 0.2), position_mm=[-50, 15.9, 16.1, 80]))
    torch.testing.assert_close(
        maps[:, 0, 0, 0], torch.tensor([0, 0, 0.6, 0.6]) / baselines.LEAST_STD, rtol=1e-3, atol=1e-3
    )


def test_an_image_in_the_span_leaves_no_pca_residual_and_one_across_it_leaves_itself():
    draw = torch.Generator().manual_seed(0)
    patterns = torch.randn(3, 1, 32, 32, generator=draw)
    mixed = lambda w: 0.5 + (w[:, :, None, None, None] * patterns).sum(dim=1) / 10  # noqa: E731
    pca = anomaly.PCAResidual.fit(slices(mixed(torch.randn(20, 3, generator=draw))), components=3)
    new = mixed(torch.randn(5, 3, generator=draw))
    assert pca(slices(new)).max() < 1e-5
    across = torch.randn(1, 1, 32, 32, generator=draw)
    across -= (across.flatten() @ pca.components.T @ pca.components).view_as(across)
    torch.testing.assert_close(pca(slices(new[:1] + across)), across.abs(), rtol=1e-3, atol=1e-5)


def test_pca_is_the_best_linear_reconstruction_and_the_same_every_time():
    train = drawn(30)
    pca, again = anomaly.PCAResidual.fit(train, 5), anomaly.PCAResidual.fit(train, 5)
    assert torch.equal(pca.components, again.components)
    x = train.images.flatten(1).double()
    u, s, v = torch.linalg.svd(x - x.mean(dim=0), full_matrices=False)
    expected = x.mean(dim=0) + u[:, :5] * s[:5] @ v[:5]
    torch.testing.assert_close(pca.reconstruct(train).flatten(1).double(), expected, rtol=1e-4, atol=1e-5)


def test_what_lies_outside_the_brain_changes_no_score():
    train, test = drawn(20), drawn(seed=1)
    noisy = replace(test, images=test.images + 0.5 * ~test.brain)
    loud = replace(train, images=train.images + 0.5 * ~train.brain)
    for fit in (anomaly.ZScore.fit, lambda s: anomaly.PCAResidual.fit(s, 4)):
        maps = fit(train)(test)
        assert (maps[~test.brain] == 0).all()
        assert (maps >= 0).all()
        torch.testing.assert_close(fit(loud)(noisy), maps)


def test_baselines_refuse_what_they_cannot_be_fitted_to_in_a_sentence():
    train = drawn()
    with pytest.raises(bl.InputError, match="fit on healthy ones"):
        anomaly.ZScore.fit(replace(train, masks=train.brain))
    with pytest.raises(bl.InputError, match="brain is False everywhere"):
        anomaly.PCAResidual.fit(replace(train, brain=torch.zeros_like(train.brain)))
    with pytest.raises(bl.InputError, match="must be finite"):
        anomaly.ZScore.fit(replace(train, images=train.images * float("nan")))
    with pytest.raises(bl.InputError, match="from 1 to 11 for 12 training slices, got 32"):
        anomaly.PCAResidual.fit(train)
    with pytest.raises(bl.InputError, match="per_level=False"):
        anomaly.ZScore.fit(replace(train, position_mm=np.full(12, np.nan)), per_level=True)
    with pytest.raises(bl.InputError, match="above 0"):
        anomaly.ZScore.fit(train, pseudo=0)
    for fitted in (anomaly.ZScore.fit(train), anomaly.PCAResidual.fit(train, 4)):
        with pytest.raises(bl.InputError, match="size=32"):
            fitted(drawn(size=48))
    with pytest.raises(bl.InputError, match="boolean mask"):
        anomaly.brightness(replace(train, brain=train.brain.float()))


def test_a_model_becomes_a_score_like_any_other():
    some = drawn()
    scores: list[anomaly.Score] = [
        anomaly.scored(Blank()),
        anomaly.scored(Blank(), anomaly.squared),
        anomaly.brightness,
    ]
    residual, square, bright = (score(some) for score in scores)
    torch.testing.assert_close(residual, bright)
    torch.testing.assert_close(square, bright**2)
    vae = tiny(bl.VAE)
    expected = anomaly.kl_gradient(vae, some.images, some.brain)
    torch.testing.assert_close(anomaly.scored(vae, anomaly.kl_gradient)(some), expected)


def test_small_components_of_a_case_worked_by_hand():
    guess = torch.tensor(
        [
            [1, 0, 0, 0, 1],
            [0, 1, 0, 0, 1],  # three on a diagonal touch by their corners: one piece of 3
            [0, 0, 1, 0, 0],
            [0, 0, 0, 0, 0],
            [1, 1, 1, 1, 0],  # 4; the two at the top right are a piece of 2
        ],
        dtype=torch.bool,
    )[None, None]
    before = guess.clone()
    kept = {least: int(anomaly.small_components(guess, least).sum()) for least in (1, 2, 3, 4, 5)}
    assert kept == {1: 9, 2: 9, 3: 7, 4: 4, 5: 0}
    assert torch.equal(guess, before)


def test_a_piece_does_not_go_on_in_the_next_slice_and_its_least_size_grows_with_the_image():
    for size, least in ((32, 1), (64, 2), (128, 8), (256, 32)):
        guess = torch.zeros(2, 1, size, size, dtype=torch.bool)
        guess.flatten(2)[:, 0, : least - 1] = True  # one too few, in both slices at one place
        guess.flatten(2)[:, 0, 2 * size : 2 * size + least] = True
        assert int(anomaly.small_components(guess).sum()) == 2 * least
    assert not anomaly.small_components(torch.zeros(1, 1, 64, 64, dtype=torch.bool)).any()
    with pytest.raises(bl.InputError, match="cut maps first"):
        anomaly.small_components(torch.rand(1, 1, 8, 8))


@pytest.mark.parametrize(("size", "width"), [(9, 3), (64, 3), (128, 3), (240, 3), (256, 5)])
def test_the_medians_width_grows_with_the_image_and_is_three_at_64_pixels(size, width):
    maps = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    assert torch.equal(anomaly.median(maps), anomaly.median(maps, width))


def test_a_median_in_parts_is_the_median_at_once(monkeypatch):
    maps = torch.rand(5, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    whole = anomaly.median(maps)
    monkeypatch.setattr("brainlab.anomaly.cleaning.MOST_VALUES", 1)
    assert torch.equal(anomaly.median(maps), whole)


def test_image_scores_of_a_case_worked_by_hand():
    maps = torch.arange(300.0).view(1, 1, 15, 20).repeat(2, 1, 1, 1)
    brain = torch.ones_like(maps, dtype=torch.bool)
    brain[0, 0, 0, :] = False  # 20 to 299 remain, 280 pixels: the highest 2.8, so 3, are 299, 298, 297
    brain[1] = False
    assert anomaly.image_scores(maps, brain).tolist() == [(20 + 299) / 2, 0]
    assert anomaly.image_scores(maps, brain, "max").tolist() == [299, 0]
    assert anomaly.image_scores(maps, brain, "top1").tolist() == [298, 0]
    assert anomaly.image_scores(maps[:0], brain[:0]).shape == (0,)


def test_image_scores_refuse_what_is_no_map_in_a_sentence():
    maps, brain = torch.rand(2, 1, 8, 8), torch.ones(2, 1, 8, 8, dtype=torch.bool)
    broken = maps.clone()
    broken[0, 0, 0, 0] = float("nan")
    with pytest.raises(bl.InputError, match="finite maps"):
        anomaly.image_scores(broken, brain)
    brain[0, 0, 0, 0] = False  # outside the brain it does not matter
    assert torch.isfinite(anomaly.image_scores(broken, brain)).all()
    with pytest.raises(bl.InputError, match=r"got \(1, 1, 8, 8\) for \(2, 1, 8, 8\)"):
        anomaly.image_scores(maps, brain[:1])
    with pytest.raises(bl.InputError, match="mean, max, top1"):
        anomaly.image_scores(maps, brain, "median")  # pyright: ignore[reportArgumentType] - the point of the test
    with pytest.raises(bl.InputError, match="boolean mask"):
        anomaly.image_scores(maps, brain.float())
    with pytest.raises(bl.InputError, match="one shape"):
        anomaly.threshold_at_fpr(maps, brain[:1], 0.05)
    with pytest.raises(bl.InputError, match=r"brain must be \(N, 1, H, W\)"):
        anomaly.clean(maps, brain[:1])


def test_every_name_that_is_promised_is_there():
    assert all(hasattr(anomaly, name) for name in anomaly.__all__)
