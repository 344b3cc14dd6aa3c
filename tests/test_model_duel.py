"""The duel without a browser: each side its own model, the same scan, and the plain threshold beside both."""

import numpy as np
import pytest
import torch
from scans import scans
from tiny import tiny
from torch import nn

import brainlab as bl
from brainlab import InputError, anomaly, metrics
from brainlab.widgets.frame import to_bytes
from brainlab.widgets.model_duel import SPAN, ModelDuelState, model_duel, show

torch.set_num_threads(1)


@pytest.fixture
def state():
    sides = [("first", tiny(bl.VAE, seed=1).eval()), ("second", tiny(bl.DenoisingAutoencoder, seed=2).eval())]
    return ModelDuelState(sides[0], sides[1], scans())


def table(state) -> dict[str, str]:
    return {name: words for name, words, _ in state.frame().table.rows}


def test_each_side_shows_its_own_reconstruction(state):
    pictures = state.frame().pictures
    for side in ("left", "right"):
        x_hat = anomaly.reconstruct(state.sides[side][1], state.case().images)
        np.testing.assert_array_equal(pictures[side].image, to_bytes(x_hat[0, 0].numpy(), (0, 1)))
        assert pictures[side].overlay is None
    assert not np.array_equal(pictures["left"].image, pictures["right"].image)


def test_the_residual_lies_over_the_scan_and_only_in_the_brain(state):
    state.shows = "residual"
    case, pictures = state.case(), state.frame().pictures
    for side in ("left", "right"):
        x_hat = anomaly.reconstruct(state.sides[side][1], case.images)
        expected = (case.images - x_hat).abs()[0, 0].numpy() * case.brain[0, 0].numpy()
        brain = case.brain[0, 0].numpy()
        np.testing.assert_array_equal(pictures[side].overlay[brain], to_bytes(expected, SPAN)[brain].clip(1))
        assert not pictures[side].overlay[~brain].any()
        np.testing.assert_array_equal(pictures[side].image, to_bytes(case.images[0, 0].numpy(), (0, 1)))


def test_what_is_shown_asks_no_model_again(state, monkeypatch):
    asked, rebuild = [], anomaly.reconstruct
    monkeypatch.setattr(anomaly, "reconstruct", lambda *given: asked.append(1) or rebuild(*given))
    state.frame()
    state.shows = "residual"
    state.frame()
    assert len(asked) == 2  # one a side
    state.level = "hypo"
    state.frame()
    assert len(asked) == 4


def test_the_numbers_are_the_packages_beside_the_plain_threshold(state):
    for level, name, score in (("hyper", "brightness", anomaly.brightness), ("hypo", "darkness", anomaly.darkness)):
        state.level = level
        case = state.case()
        maps = {f"{name} itself": score(case)}
        for side, model in state.sides.values():
            maps[side] = anomaly.anomaly_map(model, case.images, case.brain)
            psnr = metrics.psnr(case.images, anomaly.reconstruct(model, case.images))
            assert table(state)[f"PSNR, {side}"] == f"{psnr:.1f} dB"
        for one, values in maps.items():
            ap = metrics.average_precision(anomaly.clean(values, case.brain), case.masks, case.brain)
            assert table(state)[f"AP, {one}"] == f"{ap:.2f}"
            assert f"{one} {ap:.2f}" in state.frame().readout
        chance = metrics.prevalence(case.masks, case.brain)
        assert table(state)["AP, chance"] == f"{chance:.2f}"


def test_a_healthy_slice_has_no_precision(state):
    state.kind = "healthy"
    assert list(table(state)) == ["PSNR, first", "PSNR, second"]
    assert "false alarm" in state.frame().readout
    assert "level" in state.frame().disabled


def test_the_divider_is_labelled_with_the_models(state):
    canvas = show(state)
    swipe = canvas.spec["panels"][1]
    assert (swipe["left"], swipe["right"]) == (("left", "first"), ("right", "second"))
    assert canvas.failure is None
    canvas.close()


def test_two_of_one_kind_are_told_apart():
    canvas = model_duel(tiny(bl.VAE, seed=1), tiny(bl.VAE, seed=2), scans())
    assert [name for name, _ in canvas.state.sides.values()] == ["VAE, left", "VAE, right"]
    canvas.close()


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (tiny(bl.GAN), "cannot reconstruct"),
        (tiny(bl.VAE, size=64), "64"),
        ("vea", "did you mean"),
        (7, "names of weights or models"),
        (nn.Linear(2, 2), "cannot reconstruct"),
    ],
)
def test_who_cannot_take_part_is_told_before_the_widget(left, told):
    with pytest.raises(InputError, match=told):
        model_duel(left, tiny(bl.VAE), scans())
