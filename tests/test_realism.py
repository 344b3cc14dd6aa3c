"""The realism experiment: what it compares, and what it prints."""

import argparse
import json

import numpy as np
import pytest
import torch
from torch import nn

from brainlab import InputError, ModelConfig, controls, evaluate, metrics, realism
from brainlab.sources import images


@pytest.fixture(scope="module")
def folder(people):
    return people


@pytest.fixture(scope="module")
def result(folder):
    return realism.realism(folder, steps=3, subjects=3, networks=2, draws=10, progress=False)


def test_every_number_that_is_needed_to_judge_is_there_and_finite(result):
    assert set(result["average_precision"]) == set(result["prevalence"]) == {"hypo", "hyper"}
    for rows in result["average_precision"].values():
        assert set(rows) == {"phantom", "real", "intensity", "warped atlas", "noisy ellipse"}
        assert all(0 < one["low"] <= one["value"] <= one["high"] <= 1 for one in rows.values())
    assert set(result["control_ratios"]) == {"warped atlas", "noisy ellipse"}
    assert result["subjects"] == {"train": 3, "test": 20}
    assert result["slices"] == {"phantom": 6, "warped atlas": 6, "noisy ellipse": 6, "real": 6, "test": 20}
    assert (result["steps"], result["networks"], result["seed"]) == (3, 2, 0)


def test_a_ratio_is_the_mean_over_dark_and_bright_of_its_source_over_real(result):
    ap = result["average_precision"]
    for name, found in {"phantom": result["transfer_ratio"], **result["control_ratios"]}.items():
        expected = np.mean([ap[kind][name]["value"] / ap[kind]["real"]["value"] for kind in ("hypo", "hyper")])
        assert found["value"] == pytest.approx(expected)


def test_the_same_seed_gives_the_same_numbers_on_any_number_of_threads(folder, result):
    before = torch.get_num_threads()
    torch.set_num_threads(3 - min(before, 2))
    try:
        again = realism.realism(folder, steps=3, subjects=3, networks=2, draws=10, progress=False)
    finally:
        torch.set_num_threads(before)
    assert {**again, "seconds": 0} == {**result, "seconds": 0}


def test_no_person_is_both_seen_and_tested(folder):
    people = images.load(folder)
    train, test = realism.split(people, 4, 20)
    assert len(set(train.subjects)) == 4
    assert len(set(test.subjects)) == 20
    assert not set(train.subjects) & set(test.subjects)
    with pytest.raises(InputError, match="24 healthy subjects"):
        realism.split(people, 5, 20)


@pytest.mark.parametrize("name", realism.GROWN)
def test_grown_slices_are_prepared_like_real_ones(folder, name):
    real = images.load(folder)
    grown = realism.grown_slices(realism.GROWN[name], range(2), np.array([-4.0, 10.0, 26.0]))
    assert grown["x"].shape == grown["brain"].shape == (6, 1, 64, 64)
    for x, brain in ((real.images, real.brain), (grown["x"], grown["brain"])):
        assert (x[~brain] == 0).all()
        bright = [np.percentile(one[inside].numpy(), 99) for one, inside in zip(x, brain, strict=True)]
        assert np.ptp(bright) < 0.01  # each slice on its own scale
    assert 0.2 < grown["brain"].float().mean() < 0.6


@pytest.mark.parametrize("grow", [controls.warped_atlas, controls.noisy_ellipse])
def test_a_control_follows_from_its_seed_and_no_two_are_alike(grow):
    one, again, other = grow(1), grow(1), grow(2)
    assert torch.equal(one.image, again.image)
    assert not torch.equal(one.brain, other.brain)
    assert (one.image[~one.brain] == 0).all()


def test_each_tested_slice_has_a_lesion_in_the_same_place_dark_and_bright(folder):
    healthy = images.load(folder)[:6]
    dark, bright = (realism.patients(healthy, contrast, seed=0) for contrast in ("hypo", "hyper"))
    assert torch.equal(dark.masks, bright.masks)
    assert dark.masks.flatten(1).any(dim=1).all()
    assert (dark.images[dark.masks].mean() < healthy.images[dark.masks].mean()).item()
    assert (bright.images[dark.masks].mean() > healthy.images[dark.masks].mean()).item()


class Recalls(nn.Module):
    """Rebuilds a picture from memory: the healthy original, or nothing at all."""

    def __init__(self, memory):
        super().__init__()
        self.config, self.memory = ModelConfig(image_size=64), memory

    def reconstruct(self, x, condition=None):
        return self.memory


def test_one_who_knows_the_healthy_brain_finds_the_lesion_and_one_who_knows_nothing_is_a_threshold(folder):
    # |x − healthy| is above 0 in the lesion alone; |x − 0| is the picture itself, the row without a model.
    healthy = images.load(folder)[:12]
    sick = realism.patients(healthy, "hyper", seed=0)
    models = {"phantom": [Recalls(torch.zeros_like(healthy.images))], "real": [Recalls(healthy.images)]}
    rows = realism._rows(models, sick, "hyper")  # pyright: ignore[reportArgumentType] - stand-ins for networks
    everyone = np.arange(12)
    assert rows["phantom"](everyone) == rows["intensity"](everyone)
    assert rows["real"](everyone) > 0.6
    assert rows["real"](everyone) > rows["phantom"](everyone) > metrics.prevalence(sick.masks, sick.brain)
    both = realism._rows({"real": models["phantom"] + models["real"]}, sick, "hyper")  # pyright: ignore[reportArgumentType] - as above
    assert both["real"](everyone) == pytest.approx((rows["real"](everyone) + rows["phantom"](everyone)) / 2)


def arguments(*words):
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return parser.parse_args(words)


def test_the_command_prints_one_json_object_or_a_table(monkeypatch, capsys, folder, result):
    monkeypatch.setattr(realism, "realism", lambda *_, **__: result)
    assert evaluate.run(arguments("--realism", "--data", str(folder), "--json")) == 0
    assert json.loads(capsys.readouterr().out) == result
    assert evaluate.run(arguments("--realism", "--data", str(folder))) == 0
    printed = capsys.readouterr().out
    assert f"{result['transfer_ratio']['value']:.3f}" in printed
    assert "trained on 3 phantoms" in printed
    assert "trained on 3 noisy ellipses" in printed
    assert "seed 0" in printed


def test_the_command_says_what_it_needs(monkeypatch):
    monkeypatch.delenv("BRAINLAB_REAL_DATA", raising=False)
    with pytest.raises(InputError, match="BRAINLAB_REAL_DATA"):
        evaluate.run(arguments("--realism"))


@pytest.mark.parametrize("steps", ["0", "-5"])
def test_the_command_refuses_to_train_for_no_steps_before_it_starts(monkeypatch, folder, steps):
    monkeypatch.setattr(realism, "realism", lambda *_, **__: pytest.fail("it started"))
    with pytest.raises(InputError, match=f"--steps must be at least 1, got {steps}"):
        evaluate.run(arguments("--realism", "--data", str(folder), "--steps", steps))


@pytest.mark.realdata
def test_a_short_run_on_real_slices_learns_something(real_data, monkeypatch):
    monkeypatch.setattr(realism, "LEVELS", ("5", "13", "21", "29"))
    result = realism.realism(
        real_data / "oasis_t1_slices", steps=150, subjects=10, networks=1, draws=20, progress=False
    )
    assert result["average_precision"]["hyper"]["real"]["value"] > 3 * result["prevalence"]["hyper"]
    assert result["transfer_ratio"]["value"] > 0
