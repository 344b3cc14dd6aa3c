"""The realism experiment: what it compares, and what it prints."""

import argparse
import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from brainlab import InputError, ModelConfig, evaluate, metrics
from brainlab.sources import images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty-four made-up people of two slices each, in the layout of the real ones."""
    folder = tmp_path_factory.mktemp("people")
    y, x = np.mgrid[:208, :176]
    rows = []
    for person in range(24):
        rng = np.random.default_rng(person)
        inside = ((y - 104) / rng.uniform(75, 85)) ** 2 + ((x - 88) / rng.uniform(60, 66)) ** 2 < 1
        white = ((y - 104) / 60) ** 2 + ((x - 88) / 45) ** 2 < 1
        for level in (1, 3):
            grey = (100 + 60 * white + rng.normal(0, 8, y.shape)) * inside
            name = f"p{person:02d}z{level}.png"
            Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(folder / name)
            rows.append({"file": name, "class": "healthy", "subject": f"p{person:02d}", "level": level})
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def result(folder):
    return evaluate.realism(folder, steps=3, subjects=3, draws=10, progress=False)


def test_every_number_that_is_needed_to_judge_is_there_and_finite(result):
    assert set(result["average_precision"]) == set(result["prevalence"]) == {"hypo", "hyper"}
    for rows in result["average_precision"].values():
        assert set(rows) == {"phantom", "real", "intensity"}
        assert all(0 < one["low"] <= one["value"] <= one["high"] <= 1 for one in rows.values())
    assert result["subjects"] == {"phantom": 3, "real": 3, "test": 20}
    assert result["slices"] == {"phantom": 6, "real": 6, "test": 20}
    assert (result["steps"], result["seed"]) == (3, 0)


def test_the_transfer_ratio_is_the_mean_over_dark_and_bright_of_phantom_over_real(result):
    ap = result["average_precision"]
    expected = np.mean([ap[kind]["phantom"]["value"] / ap[kind]["real"]["value"] for kind in ("hypo", "hyper")])
    assert result["transfer_ratio"]["value"] == pytest.approx(expected)


def test_the_same_seed_gives_the_same_numbers_on_any_number_of_threads(folder, result):
    before = torch.get_num_threads()
    torch.set_num_threads(3 - min(before, 2))
    try:
        again = evaluate.realism(folder, steps=3, subjects=3, draws=10, progress=False)
    finally:
        torch.set_num_threads(before)
    assert {**again, "seconds": 0} == {**result, "seconds": 0}


def test_no_person_is_both_seen_and_tested(folder):
    people = images.load(folder)
    train, test = evaluate.split(people, 4, 20)
    assert len(set(train.subjects)) == 4
    assert len(set(test.subjects)) == 20
    assert not set(train.subjects) & set(test.subjects)
    with pytest.raises(InputError, match="24 healthy subjects"):
        evaluate.split(people, 5, 20)


def test_phantom_slices_are_prepared_like_real_ones(folder):
    real = images.load(folder)
    phantom = evaluate.phantom_slices(range(2), np.array([-4.0, 10.0, 26.0]))
    assert phantom["x"].shape == phantom["brain"].shape == (6, 1, 64, 64)
    for x, brain in ((real.images, real.brain), (phantom["x"], phantom["brain"])):
        assert (x[~brain] == 0).all()
        bright = [np.percentile(one[inside].numpy(), 99) for one, inside in zip(x, brain, strict=True)]
        assert np.ptp(bright) < 0.01  # each slice on its own scale
    assert 0.2 < phantom["brain"].float().mean() < 0.6


def test_each_tested_slice_has_a_lesion_in_the_same_place_dark_and_bright(folder):
    healthy = images.load(folder)[:6]
    dark, bright = (evaluate.patients(healthy, contrast, seed=0) for contrast in ("hypo", "hyper"))
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
    sick = evaluate.patients(healthy, "hyper", seed=0)
    models = {"phantom": Recalls(torch.zeros_like(healthy.images)), "real": Recalls(healthy.images)}
    rows = evaluate._rows(models, sick, "hyper")  # pyright: ignore[reportArgumentType] - stand-ins for networks
    everyone = np.arange(12)
    assert rows["phantom"](everyone) == rows["intensity"](everyone)
    assert rows["real"](everyone) > 0.6
    assert rows["real"](everyone) > rows["phantom"](everyone) > metrics.prevalence(sick.masks, sick.brain)


def arguments(*words):
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return parser.parse_args(words)


def test_the_command_prints_one_json_object_or_a_table(monkeypatch, capsys, folder, result):
    monkeypatch.setattr(evaluate, "realism", lambda *_, **__: result)
    assert evaluate.run(arguments("--realism", "--data", str(folder), "--json")) == 0
    assert json.loads(capsys.readouterr().out) == result
    assert evaluate.run(arguments("--realism", "--data", str(folder))) == 0
    printed = capsys.readouterr().out
    assert f"{result['transfer_ratio']['value']:.3f}" in printed
    assert "trained on 3 phantoms" in printed
    assert "seed 0" in printed


def test_the_command_says_what_it_needs(monkeypatch):
    monkeypatch.delenv("BRAINLAB_REAL_DATA", raising=False)
    with pytest.raises(InputError, match="--realism"):
        evaluate.run(arguments())
    with pytest.raises(InputError, match="BRAINLAB_REAL_DATA"):
        evaluate.run(arguments("--realism"))


@pytest.mark.realdata
def test_a_short_run_on_real_slices_learns_something(real_data, monkeypatch):
    monkeypatch.setattr(evaluate, "LEVELS", ("5", "13", "21", "29"))
    result = evaluate.realism(real_data / "oasis_t1_slices", steps=150, subjects=10, draws=20, progress=False)
    assert result["average_precision"]["hyper"]["real"]["value"] > 3 * result["prevalence"]["hyper"]
    assert result["transfer_ratio"]["value"] > 0
