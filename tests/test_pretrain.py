"""Recipes and what comes of them: weights, cards, and runs that can be stopped."""

import contextlib
import pickle
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import brainlab as bl
from brainlab import InputError, checkpoints, data, models, pretrain, scorecard, training
from brainlab.cli import main
from brainlab.metrics import Interval
from brainlab.pretrain import cards, making, material, recipes, runs
from brainlab.pretrain.recipes import Recipe
from tests.test_scorecard import KINDS, some_slices
from tests.tiny import tiny, weights

SMALL = bl.ModelConfig(image_size=32, width=8, latent_dim=8)


def small(**more):
    settings = {"saves": {"small-end": 4, "small-start": 0, "small-2": 2}, "config": SMALL, "batch": 16, **more}
    return Recipe(models.VAE, training.vae_step, 4, "A small one.", **settings)


@pytest.fixture(scope="module")
def slices():
    return some_slices(people=12, contrasts=())


@pytest.fixture
def phantoms(monkeypatch, slices):
    """Made-up slices in the phantom's place."""
    tested = some_slices(people=10, seed=5)
    monkeypatch.setattr(material.data, "load", lambda name, split, *_: tested if split == "test" else slices)
    material._test.cache_clear()
    yield slices
    material._test.cache_clear()


# --- recipes


def test_every_set_of_weights_has_one_recipe_with_one_name():
    names = [name for recipe in recipes.EVERY for name in recipe.saves]
    assert len(set(names)) == len(names)
    for recipe in recipes.EVERY:
        assert recipes.find(recipe.name) is recipe
        assert max(recipe.saves.values()) <= recipe.epochs
        assert recipe.epochs in recipe.saves.values()


@pytest.mark.parametrize("recipe", recipes.EVERY, ids=lambda recipe: recipe.name)
def test_the_step_of_a_recipe_takes_its_settings_and_its_data(recipe, tmp_path, one_thread):
    config = replace(recipe.config, image_size=32, width=8, latent_dim=8)
    if recipe.inverts:
        checkpoints.save(models.GAN(config), tmp_path / recipe.inverts)
    little = replace(recipe, config=config)
    slices = some_slices(people=1, contrasts=("hypo",))
    step = runs.new_step(little, runs.first_weights(little, tmp_path), slices)
    batch = {name: value[:16] for name, value in runs.tensors(little, slices).items()}
    assert np.isfinite(step(batch)["loss"])


def test_the_classes_of_the_classifier_count_alike():
    """Seven healthy and one tumour: the tumour's slice weighs seven times as much."""
    slices = some_slices(people=1, contrasts=("hypo",))[:8]
    slices = replace(slices, labels=("tumour", *["healthy"] * 7))
    recipe = small(config=replace(SMALL, classes=("healthy", "tumour")))
    recipe = replace(recipe, family=models.Classifier, step=training.classifier_step)
    model = runs.first_weights(recipe, Path())
    x, label = slices.images, torch.tensor([1] + [0] * 7)
    with torch.no_grad():
        each = torch.nn.functional.cross_entropy(model(x), label, reduction="none")
    expected = (each[0] * 7 + each[1:].sum()) / 14
    loss = runs.new_step(recipe, model, slices)({"x": x, "label": label})["loss"]
    assert loss == pytest.approx(float(expected), rel=1e-4)


def test_a_fingerprint_changes_with_everything_that_changes_weights_and_with_nothing_else():
    first = small()
    changes = [
        {"family": models.VAEGAN},
        {"step": training.ae_step},
        {"epochs": 5},
        {"saves": {"small-end": 4}},
        {"settings": {"beta": 2.0}},
        {"config": replace(SMALL, width=16)},
        {"contrast": "FLAIR"},
        {"split": "val"},
        {"populations": 2},
        {"batch": 32},
        {"seed": 1},
        {"inverts": "gan"},
        {"inverts": "gan-mode-collapse"},
    ]
    prints = [replace(first, **change).fingerprint() for change in changes]
    assert len({first.fingerprint(), *prints}) == 1 + len(changes)
    assert replace(first, about="Other words.").fingerprint() == small().fingerprint() == first.fingerprint()


def test_a_fingerprint_changes_with_a_default_of_the_step():
    def like(model, beta=1.0, sigma=0.05, lr=1e-3, seed=0, warm_up=7):
        return training.vae_step(model)

    like.__name__ = "vae_step"
    assert replace(small(), step=like).fingerprint() != small().fingerprint()
    assert small(settings={"warm_up": 0}).fingerprint() == small().fingerprint()  # said aloud, but the same


def test_f_anogan_comes_after_its_gan_and_what_draws_samples_after_their_judge():
    assert recipes.find("fanogan").needs == ("gan",)
    for name in ("vae", "gan", "vaegan", "vae-128", "gan-mode-collapse"):
        assert recipes.find(name).needs == ("classifier",)
    for name in ("classifier", "ae", "dae", "vae-flair", "vae-oasis"):
        assert recipes.find(name).needs == ()


# --- runs


def test_what_is_kept_on_the_way_is_the_network_as_it_then_was(tmp_path, slices, one_thread):
    done = runs.carry_out(small(), slices, tmp_path, tmp_path, progress=False)
    start = checkpoints.load(done.folder / "small-start")
    assert torch.equal(weights(start), weights(runs.first_weights(small(), tmp_path)))
    kept = [weights(checkpoints.load(done.folder / name)) for name in ("small-start", "small-2", "small-end")]
    assert not torch.equal(kept[0], kept[1])
    assert not torch.equal(kept[1], kept[2])
    step = runs.new_step(small(), runs.first_weights(small(), tmp_path), slices)
    batches = data.Batches(runs.tensors(small(), slices), 16, 0)
    training.fit(step, batches, epochs=4, progress=False)
    assert torch.equal(weights(step.modules["model"]), kept[2])


@pytest.mark.parametrize("at", [1, 6, 9])
def test_a_run_that_was_interrupted_goes_on_and_leaves_the_same(at, tmp_path, slices, monkeypatch, one_thread):
    whole = runs.carry_out(small(), slices, tmp_path / "whole", tmp_path, progress=False)
    taken = 0
    improve = training.OneNetworkStep.improve

    def interrupted(self, batch):
        nonlocal taken
        taken += 1
        if taken == at:
            raise KeyboardInterrupt
        return improve(self, batch)

    monkeypatch.setattr(training.OneNetworkStep, "improve", interrupted)
    with pytest.raises(InputError, match="the same command goes on"):
        runs.carry_out(small(), slices, tmp_path / "part", tmp_path, progress=False)
    done = runs.carry_out(small(), slices, tmp_path / "part", tmp_path, progress=False)
    assert taken == 4 * 4 + 1  # no step is taken twice, but for the one that was interrupted
    for name in small().saves:
        ours, theirs = (checkpoints.load(one.folder / name) for one in (done, whole))
        assert torch.equal(weights(ours), weights(theirs)), name


@pytest.mark.parametrize("at", ["small-start", "small-2", "small-end"])
def test_a_stop_before_weights_are_kept_loses_none_of_them(at, tmp_path, slices, monkeypatch, one_thread):
    """The epoch is over and its weights are due: whoever stops here, of all moments, finds them next time."""
    save, stopped = checkpoints.save, []

    def interrupted(model, folder, **more):
        if folder.name == at and not stopped:
            stopped.append(at)
            raise KeyboardInterrupt
        return save(model, folder, **more)

    monkeypatch.setattr(checkpoints, "save", interrupted)
    with contextlib.suppress(InputError, KeyboardInterrupt):
        runs.carry_out(small(), slices, tmp_path, tmp_path, progress=False)
    assert stopped == [at]
    done = runs.carry_out(small(), slices, tmp_path, tmp_path, progress=False)
    for name in small().saves:
        assert checkpoints.load(done.folder / name)


def test_a_run_that_diverges_is_one_sentence_that_names_it(tmp_path, slices, one_thread):
    with pytest.raises(InputError, match=r"small-end: .*diverged") as caught:
        runs.carry_out(small(settings={"lr": 1e12}), slices, tmp_path, tmp_path, progress=False)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), InputError)  # as it must, to leave its process


def test_a_finished_run_is_not_trained_again(tmp_path, slices, monkeypatch, one_thread):
    first = runs.carry_out(small(), slices, tmp_path, tmp_path, progress=False)
    monkeypatch.setattr(training.OneNetworkStep, "improve", lambda *_: pytest.fail("trained again"))
    again = runs.carry_out(small(), slices, tmp_path, tmp_path, progress=False)
    assert again.seconds == first.seconds > 0


def test_a_kept_run_on_other_images_begins_anew(tmp_path, slices, capsys, one_thread):
    runs.carry_out(small(), slices, tmp_path, tmp_path, progress=False)
    runs.carry_out(small(), slices[::-1], tmp_path, tmp_path, progress=False)
    assert "Beginning anew" in capsys.readouterr().out


def test_a_changed_recipe_does_not_go_on_with_the_old_run(tmp_path, slices, one_thread):
    first = runs.carry_out(small(), slices, tmp_path, tmp_path, progress=False)
    other = runs.carry_out(small(settings={"beta": 4.0}), slices, tmp_path, tmp_path, progress=False)
    assert first.folder != other.folder


# --- weights and cards


def test_making_leaves_weights_that_load_and_cards_that_tell_what_they_measure(tmp_path, phantoms, one_thread):
    checkpoints.save(tiny(bl.Classifier, classes=("healthy", *KINDS)), tmp_path / "classifier")
    making.make(small(), tmp_path, tmp_path / "work", progress=False)
    assert not runs.place(small(), tmp_path / "work").exists()
    assert making.is_made(small(), tmp_path)
    assert not making.is_made(small(seed=1), tmp_path)
    test, without = material.test("T1w", 32, tmp_path)
    for name in small().saves:
        model = checkpoints.load(tmp_path / name)
        card = (tmp_path / name / "README.md").read_text(encoding="utf-8")
        found = scorecard.measure(model, test)
        assert cards.numbers(card) == {key: float(cards.written(one.value)) for key, one in found.items()}
        assert f"brainlab pretrain {name}" in card
        assert "not for clinical use" in card
        assert "60 axial slices of 12 people: made up" in card
        assert cards.written(without["psnr"].value) in card
    early = (tmp_path / "small-2" / "README.md").read_text(encoding="utf-8")
    assert "2 epochs in batches of 16, of a run of 4" in early
    assert "training was not over" in early
    end = (tmp_path / "small-end" / "README.md").read_text(encoding="utf-8")
    assert "4 epochs in batches of 16 |" in end
    assert "training was not over" not in end


def test_a_judge_made_in_this_process_judges_what_comes_after_it(tmp_path, phantoms, one_thread):
    before, _ = material.test("T1w", 32, tmp_path)
    assert before.judge is None
    for seed in (0, 1):
        judge = tiny(bl.Classifier, seed=seed, classes=("healthy", *KINDS))
        checkpoints.save(judge, tmp_path / "classifier")
        found = material.test("T1w", 32, tmp_path)[0].judge
        assert torch.equal(weights(found), weights(judge))


def test_weights_without_their_card_do_not_count_as_made(tmp_path, phantoms, monkeypatch, one_thread):
    """A card of other weights is gone before the new ones are written, whatever happens then."""
    making.make(small(), tmp_path, tmp_path / "work", progress=False)

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(scorecard, "measure", stopped)
    with pytest.raises(KeyboardInterrupt):
        making.make(small(), tmp_path, tmp_path / "work", progress=False)
    assert not making.is_made(small(), tmp_path)


def test_weights_that_16_bits_cannot_hold_are_kept_in_32(tmp_path, slices, monkeypatch):
    monkeypatch.setattr(scorecard, "measure", lambda *_, **__: {"frechet": Interval(1.0, 0.9, 1.1)})
    model = tiny(bl.GAN)
    model.state_dict()["generator.0.2.running_var"].fill_(1e6)
    _, half = making.store(model, scorecard.Test(slices, slices, None), tmp_path, {"contrast": "T1w"})
    assert not half
    assert torch.equal(weights(checkpoints.load(tmp_path)), weights(model))


@pytest.mark.parametrize(("moved", "half"), [(0.0, True), (0.09, True), (0.11, False)])
def test_weights_are_kept_in_16_bits_where_that_moves_no_measure(moved, half, slices, tmp_path, monkeypatch):
    model, kept = tiny(bl.VAE), []

    def measure(asked, test, draws=200):
        exact = torch.equal(weights(asked), weights(model))
        kept.append(exact)
        return {"psnr": Interval(20.0 if exact else 20.0 + moved, 19.5, 20.5)}

    monkeypatch.setattr(scorecard, "measure", measure)
    found, halved = making.store(model, scorecard.Test(slices, slices, None), tmp_path, {"contrast": "T1w"})
    assert halved is half
    assert torch.equal(weights(checkpoints.load(tmp_path)), weights(model)) is not half
    assert found["psnr"].value == (20.0 + moved if half else 20.0)
    assert checkpoints.about(tmp_path) == {"contrast": "T1w"}


def test_every_measure_has_its_words():
    found = {name: Interval(0.5, 0.4, 0.6) for name in cards.MEASURES}
    assert all(name in str(scorecard.__doc__) for name in cards.MEASURES)
    run = cards.Run("x", 4, 12.0, "cpu", True, "2.13.0")
    text = cards.text(run, small(), some_slices(people=1, contrasts=()), found, {})
    assert cards.numbers(text) == dict.fromkeys(cards.MEASURES, 0.5)


def test_a_number_without_an_interval_is_read_back_too():
    run = cards.Run("x", 4, 12.0, "cpu", False, "2.13.0")
    found = {"psnr": Interval(23.456, float("nan"), float("nan")), "elbo": Interval(-1234.56, -1300.0, -1200.0)}
    text = cards.text(run, small(), some_slices(people=1, contrasts=()), found, {})
    assert "| 23.5 |" in text
    assert cards.numbers(text) == {"psnr": 23.5, "elbo": -1234.6}


# --- the command


def test_what_is_made_already_is_left_unless_asked_for_again(tmp_path, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(making, "make", lambda recipe, *_, **__: made.append(recipe.name) or 1.0)
    monkeypatch.setattr(making, "is_made", lambda recipe, _: recipe.name == "classifier")
    assert main(["pretrain", "classifier", "--out", str(tmp_path)]) == 0
    assert "there already" in capsys.readouterr().out
    assert made == []
    assert main(["pretrain", "classifier", "--again", "--out", str(tmp_path)]) == 0
    assert made == ["classifier"]


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ([], "--all"),
        (["vae", "--all"], "--all"),
        (["vea"], "choose from"),
        (["vae"], "add classifier to the command"),
        (["vae-oasis"], "--data DIR"),
        (["ae", "--data", "somewhere"], "--data is for vae-oasis, dae-oasis"),
    ],
)
def test_a_wrong_call_is_one_sentence_with_the_mend(arguments, mend, tmp_path, capsys):
    assert main(["pretrain", *arguments, "--out", str(tmp_path)]) == 2
    assert mend in capsys.readouterr().err


def test_the_list_names_all_that_can_be_made(capsys):
    assert main(["pretrain", "--list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == [name for recipe in recipes.EVERY for name in recipe.saves]


def test_several_recipes_are_made_side_by_side_once_their_needs_are_there(tmp_path, monkeypatch):
    began, ended = [], []

    def make(recipe, *_, **__):
        assert all(name in ended for name in recipe.needs), f"{recipe.name} began before {recipe.needs}"
        began.append(recipe.name)
        time.sleep(0.01)
        ended.append(recipe.name)
        return 1.0

    monkeypatch.setattr(making, "make", make)
    monkeypatch.setattr(pretrain, "ProcessPoolExecutor", lambda workers, _: ThreadPoolExecutor(workers))
    assert main(["pretrain", "fanogan", "vae", "gan", "classifier", "--out", str(tmp_path)]) == 0
    assert sorted(ended) == ["classifier", "fanogan", "gan", "vae"]


def test_one_that_fails_stops_those_that_have_not_begun(tmp_path, monkeypatch, capsys):
    made = []

    def make(recipe, *_, **__):
        made.append(recipe.name)
        time.sleep(0.2 * len(made))
        raise InputError("The disk is full.")

    monkeypatch.setattr(making, "make", make)
    monkeypatch.setattr(pretrain, "ProcessPoolExecutor", lambda workers, _: ThreadPoolExecutor(workers))
    monkeypatch.setattr(pretrain.os, "cpu_count", lambda: 2)
    assert main(["pretrain", "--all", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "The disk is full." in said.err
    assert f"Stopping; {made[1]} under way." in said.out
    assert len(made) == 2


def test_recipes_are_made_by_processes_of_their_own(tmp_path, capsys):
    """No stand-ins: real processes, in which the recipes fail for want of a folder and say so."""
    assert main(["pretrain", "vae-oasis", "dae-oasis", "--data", str(tmp_path / "gone"), "--out", str(tmp_path)]) == 2
    assert "gone" in capsys.readouterr().err


def test_real_slices_are_split_by_person_and_lesions_inserted_into_those_held_out(people):
    train, test = material.real(people, 64)
    assert not set(train.subjects) & set(test.slices.subjects)
    assert (len(set(train.subjects)), len(set(test.slices.subjects))) == (14, 10)
    assert not train.masks.any()
    healthy = test.slices.where(visit="healthy")
    assert not healthy.masks.any()
    for contrast, darker in (("hypo", True), ("hyper", False)):
        sick = test.slices[[v.endswith(contrast) for v in test.slices.visit]]
        assert len(sick) == len(healthy)
        assert sick.masks.flatten(1).any(dim=1).all()
        change = (sick.images - healthy.images)[sick.masks].mean()
        assert bool(change < 0) is darker


def test_weights_of_real_slices_say_that_they_may_not_be_passed_on(people, tmp_path, one_thread):
    recipe = replace(recipes.find("vae-oasis"), epochs=1, saves={"vae-oasis": 1})
    making.make(recipe, tmp_path, tmp_path / "work", people, progress=False)
    card = (tmp_path / "vae-oasis" / "README.md").read_text(encoding="utf-8")
    assert "do not pass them on" in card
    assert "synthetic" not in card
    assert {"psnr", "ap_hypo", "ap_hyper", "elbo"} <= set(cards.numbers(card))


def test_too_few_people_are_refused(people, tmp_path):
    few = tmp_path / "few"
    shutil.copytree(people, few)
    lines = (few / "index.csv").read_text().splitlines()
    (few / "index.csv").write_text("\n".join(lines[: 1 + 2 * 19]))
    with pytest.raises(InputError, match="19 people, and 20 are needed"):
        material.real(few, 64)
