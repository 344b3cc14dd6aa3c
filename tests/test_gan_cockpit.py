"""The adversarial cockpit without a browser: pull a lever, take a step, look at weights and frame."""

import dataclasses
import time

import numpy as np
import pytest
import torch
from test_fitting import wait, working
from tiny import eight_images, tiny, weights

import brainlab as bl
from brainlab import InputError, checkpoints, training
from brainlab.pretrain import recipes
from brainlab.sources import phantom
from brainlab.widgets import balance, gan_cockpit, gan_state
from brainlab.widgets.gan_cockpit import show
from brainlab.widgets.gan_starts import RATES, STARTS, Settings, loaded
from brainlab.widgets.gan_state import KEPT, GANCockpitState

pytestmark = pytest.mark.usefixtures("one_thread")

EVERY = 4  # rounds between snapshots, here


@pytest.fixture
def cockpit(monkeypatch):
    monkeypatch.setattr(gan_state, "EVERY", EVERY)
    made = []

    def make(start: str = "gan", **more):
        images = torch.cat([eight_images(seed) for seed in range(12)])  # 96: 64 for the variety
        state = GANCockpitState(images, start, load=lambda name: tiny(bl.GAN, seed=len(name)), batch=8, **more)
        made.append(show(state, "Made up."))
        return made[-1]

    yield make
    for one in made:
        one.close()
    wait(lambda: not working())


def press(widget, *names: str) -> dict:
    for name in names:
        n = widget.frame["count"] + 1
        widget.answer({"client": "c", "seq": n, "values": {}, "events": [{"n": n, "values": {}, "pressed": name}]})
    return widget.frame


def players(widget) -> tuple[torch.Tensor, torch.Tensor]:
    gan = widget.state.gan
    return weights(gan.discriminator), weights(gan.generator)


def moved(widget, *names: str) -> tuple[bool, ...]:
    before = players(widget)
    press(widget, *names)
    return tuple(not torch.equal(a, b) for a, b in zip(before, players(widget), strict=True))


def test_a_round_moves_both_players_and_a_step_one(cockpit):
    widget = cockpit()
    assert moved(widget, "round") == (True, True)
    assert moved(widget, "step_d") == (True, False)
    assert moved(widget, "step_g") == (False, True)
    assert moved(widget, "round") == (True, True)
    assert len(widget.state.rounds) == 2  # a lone step is no round: half of its numbers are of another moment
    assert widget.frame["error"] == ""


def test_rounds_are_those_of_gan_step_and_fit(cockpit):
    widget = cockpit()
    press(widget, *["round"] * 3)
    plain = tiny(bl.GAN, seed=len("gan"))
    training.fit(
        training.gan_step(plain), widget.state.batches, steps=3, schedule=lambda _: 1.0, progress=False, device="cpu"
    )
    assert torch.equal(weights(widget.state.gan), weights(plain))


@pytest.mark.parametrize("player", ["d", "g"])
def test_a_learning_rate_reaches_its_player_alone(cockpit, player):
    widget = cockpit()
    widget.answer({"client": "c", "seq": 1, "values": {f"lr_{player}": 0.0}})
    assert moved(widget, "round") == (player != "d", player != "g")


def test_updates_a_round_are_counted(cockpit):
    widget = cockpit()
    widget.answer({"client": "c", "seq": 1, "values": {"k_d": 3, "k_g": 2}})
    press(widget, "round")
    counts = [
        {int(one["step"]) for one in widget.state.worker.training.optimizers[name].state.values()}
        for name in ("discriminator", "generator")
    ]
    assert counts == [{3}, {2}]


@pytest.mark.parametrize("loss", ["non_saturating", "minimax", "least_squares", "hinge"])
def test_the_loss_on_the_page_is_the_loss_that_is_played(cockpit, loss):
    widget, other = cockpit(), tiny(bl.GAN, seed=len("gan"))
    widget.answer({"client": "c", "seq": 1, "values": {"loss": loss, "smoothing": 0.2}})
    press(widget, "round")
    batch = next(widget.state.batches.epoch(0))
    numbers = training.gan_step(other, loss, label_smoothing=0.2)(batch)
    for name in ("discriminator_loss", "generator_loss"):
        assert widget.state.traces[name].y[0] == pytest.approx(numbers[name])
    assert ("smoothing" in widget.frame["disabled"]) == (loss in ("least_squares", "hinge"))


def test_a_lever_moved_while_it_plays_takes_effect_between_two_rounds(cockpit):
    widget = cockpit()
    press(widget, "play")
    wait(lambda: widget.state.worker.history.steps > 2)
    widget.answer({"client": "c", "seq": 1, "values": {"lr_g": 0.0, "lr_d": 0.0}})
    now = widget.state.worker.history.steps
    wait(lambda: widget.state.worker.history.steps > now + 1)
    before = players(widget)
    now = widget.state.worker.history.steps
    wait(lambda: widget.state.worker.history.steps > now + 2)
    assert all(torch.equal(a, b) for a, b in zip(before, players(widget), strict=True))
    assert "play" in widget.frame["disabled"]
    assert "pause" in press(widget, "pause")["disabled"]


def test_the_verdicts_are_those_of_the_last_rounds(cockpit):
    widget = cockpit()
    assert len(widget.state.before.real) == 64  # before the first round a copy of D is asked
    press(widget, *["round"] * 22)
    assert len(widget.state.rounds) == balance.ROUNDS
    verdicts = widget.state.frame().pictures["verdicts"].lines
    assert [one.name for one in verdicts] == ["D(real)", "D(fake)"]
    real = np.concatenate([one.real for one in widget.state.rounds])
    np.testing.assert_allclose(verdicts[0].y, np.histogram(real, np.linspace(0, 1, 21))[0] / len(real))
    logits = widget.state.worker.training.logits["real"]
    np.testing.assert_allclose(widget.state.rounds[-1].real, torch.sigmoid(logits))


def test_looking_leaves_the_players_as_they_are(cockpit):
    widget = cockpit()
    before = {name: value.clone() for name, value in widget.state.gan.state_dict().items()}
    widget.answer({"client": "c", "seq": 1, "values": {}})
    widget.state.balance_check()
    widget.png()
    assert all(torch.equal(before[name], value) for name, value in widget.state.gan.state_dict().items())


def test_the_samples_are_always_of_the_same_z_and_drawn_once_a_round(cockpit, monkeypatch):
    widget = cockpit()
    before = widget.picture_samples
    drawn = []
    usual = torch.nn.Sequential.train
    monkeypatch.setattr(torch.nn.Sequential, "train", lambda net, on=True: drawn.append(net) or usual(net, on))
    widget.answer({"client": "c", "seq": 1, "values": {"lr_g": 1e-2}})
    assert widget.picture_samples == before
    assert drawn == []
    press(widget, "step_d")
    assert widget.frame["error"] == ""
    assert widget.picture_samples == before  # though the generator's BatchNorm has kept averages for D's sake
    press(widget, "step_g")
    assert widget.picture_samples != before


# ---- going back


def test_rewinding_and_playing_again_gives_the_same_bit_for_bit(cockpit):
    widget = cockpit()
    press(widget, *["round"] * EVERY)
    there = players(widget)
    press(widget, *["round"] * 4)
    end = players(widget)
    press(widget, "rewind")
    assert widget.state.worker.history.steps == EVERY
    assert all(torch.equal(a, b) for a, b in zip(there, players(widget), strict=True))
    assert widget.state.traces["discriminator_loss"].x[-1] == EVERY
    press(widget, *["round"] * 4)
    assert all(torch.equal(a, b) for a, b in zip(end, players(widget), strict=True))


def test_rewinding_twice_goes_back_twice_and_stops_at_the_oldest(cockpit):
    widget = cockpit()
    start = players(widget)
    press(widget, *["round"] * (2 * EVERY + 1))
    steps = []
    for _ in range(4):
        press(widget, "rewind")
        steps.append(widget.state.worker.history.steps)
    assert steps == [2 * EVERY, EVERY, 0, 0]
    assert all(torch.equal(a, b) for a, b in zip(start, players(widget), strict=True))
    assert "rewind" in widget.frame["disabled"]


def test_few_snapshots_are_kept_however_long_it_plays(cockpit):
    state = cockpit().state
    for _ in range(40):
        state._keep()
    assert len(state.snapshots) == KEPT


def test_starting_over_brings_back_weights_and_levers(cockpit):
    widget = cockpit("gan-discriminator-wins")
    start = players(widget)
    assert widget.state.lr_d == 4e-4
    widget.answer({"client": "c", "seq": 1, "values": {"lr_d": 1e-6}})
    press(widget, "round", "restart")
    assert all(torch.equal(a, b) for a, b in zip(start, players(widget), strict=True))
    assert widget.frame["values"]["lr_d"] == 4e-4
    assert widget.state.worker.history.steps == 0
    assert widget.picture_losses["lines"] == []


def test_another_start_is_loaded_with_its_levers_also_while_it_plays(cockpit):
    widget = cockpit()
    press(widget, "play")
    wait(lambda: widget.state.worker.history.steps > 1)
    widget.answer({"client": "c", "seq": 1, "values": {"start": "gan-vanishing-gradient"}})
    wait(lambda: not working())
    assert widget.state.worker.history.steps == 0
    assert (widget.frame["values"]["loss"], widget.frame["values"]["smoothing"]) == ("minimax", 0.0)
    assert torch.equal(weights(widget.state.gan), weights(tiny(bl.GAN, seed=len("gan-vanishing-gradient"))))


def test_a_start_comes_with_the_settings_of_its_recipe_and_every_rate_is_a_stop():
    for name, (_, settings) in STARTS.items():
        if name != "new":
            made = dict(recipes.find(name).settings)
            given = {**settings._asdict(), "label_smoothing": settings.smoothing}
            assert made == {key: given[key] for key in made}
            assert set(given) - set(made) <= {"loss", "smoothing", "label_smoothing", "k_d", "k_g"}
        assert {settings.lr_d, settings.lr_g} <= set(RATES)
    assert Settings().smoothing == 0.1  # gan_step's default


# ---- balance


GOOD = {"real": 0.47, "fake": 0.43, "gradient": 3.0, "variety": 0.97}


def test_balance_is_a_sentence_and_true_or_false():
    assert balance.judge(GOOD, 20)
    assert str(balance.judge(GOOD, 20)).startswith("In balance")
    assert balance.judge(GOOD, 19).outcome == "not attempted"
    assert not balance.judge(GOOD, 19)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"real": 0.99}, "sure of real slices"),
        ({"real": 0.1}, "learns too slowly"),
        ({"fake": 0.01}, "sees through every sample"),
        ({"fake": 0.9}, "learns too slowly"),
        ({"gradient": 1e-3}, "vanished"),
        ({"variety": 0.2}, "too much alike"),
        ({"variety": 2.0}, "noise"),
        ({"gradient": float("nan")}, "vanished"),
    ],
)
def test_what_is_off_is_named(wrong, words):
    found = balance.judge(GOOD | wrong, 20)
    assert found.outcome == "incorrect"
    assert words in found.sentence


def test_variety_is_one_for_real_slices_and_zero_for_one_brain_many_times():
    real = torch.tensor([[0.0], [2.0], [4.0]])  # distances 2, 2, 4: mean 8/3
    assert balance.variety(real, real) == 1
    assert balance.variety(real[:1].repeat(5, 1), real) == 0
    assert balance.variety(real[:2], real) == pytest.approx(2 / (8 / 3))


def test_a_gradients_norm_is_over_all_parameters():
    one, other = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
    one.grad, other.grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
    assert balance.gradient_norm([one, other]) == 5


@pytest.fixture(scope="module")
def slices() -> torch.Tensor:
    return phantom.build("val", "T1w", 64, 0, subjects=8).images


@pytest.mark.parametrize("start", ["gan", "gan-mode-collapse", "gan-discriminator-wins", "gan-vanishing-gradient"])
def test_the_good_gan_passes_and_each_disaster_fails_for_its_own_reason(start, slices):
    state = GANCockpitState(slices, start)
    for _ in range(balance.ROUNDS):
        state.press("round")
    found = state.balance_check()
    why = {
        "gan": "In balance",
        "gan-mode-collapse": "collapsed to few brains",
        "gan-discriminator-wins": "sees through every sample",
        "gan-vanishing-gradient": "gradient has vanished",
    }
    assert found.outcome == ("correct" if start == "gan" else "incorrect"), found
    assert why[start] in found.sentence
    if start != "gan-vanishing-gradient":
        assert "vanished" not in found.sentence


# ---- what it refuses


def test_weights_of_another_family_or_size_are_refused_in_words(tmp_path):
    with pytest.raises(InputError, match="hold a VAE; the cockpit flies a GAN"):
        loaded("vae", 64)
    with pytest.raises(InputError, match="draw 64 px and the images have 32"):
        loaded("gan", 32)
    checkpoints.save(tiny(bl.GAN), tmp_path / "mine")
    assert isinstance(loaded(str(tmp_path / "mine"), 32), bl.GAN)
    assert torch.equal(weights(loaded("new", 32)), weights(loaded("new", 32)))


def test_divergence_is_fits_sentence_and_starting_over_mends_it(cockpit):
    widget = cockpit()
    with torch.no_grad():
        next(widget.state.gan.generator.parameters()).fill_(float("nan"))
    press(widget, "play")
    wait(lambda: widget.frame["error"] != "")
    assert "training has diverged" in widget.frame["error"]
    assert press(widget, "restart")["error"] == ""
    assert moved(widget, "round") == (True, True)


def test_the_widget_speaks_for_its_levers_and_says_what_it_shows(cockpit):
    widget = cockpit("new")
    spoken = widget.frame["spoken"]
    assert spoken["lr_d"] == "0.0001, Adam's learning rate of the discriminator"
    assert spoken["k_g"] == "1 updates of the generator a round"
    assert widget.frame["readout"].startswith("Paused after 0 rounds. Play at least 20 rounds")
    rows = widget.frame["table"]["rows"]
    assert [row[0] for row in rows] == [
        "D(real), 0.3 to 0.75",
        "D(fake), 0.2 to 0.65",
        "‖∇G‖, at least 0.1",
        "variety, 0.6 to 1.4",
    ]


def test_a_balance_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        balance.judge(GOOD, 20).outcome = "correct"  # pyright: ignore[reportAttributeAccessIssue]


def test_the_cockpit_on_ones_own_slices_does_not_call_them_synthetic(tmp_path):
    checkpoints.save(tiny(bl.GAN), tmp_path / "mine")
    widget = gan_cockpit(str(tmp_path / "mine"), torch.cat([eight_images(seed) for seed in range(8)]))
    assert widget.spec["caption"] == "For teaching, not for clinical use."
    assert str(tmp_path / "mine") in [value for value, _ in widget.spec["controls"][0]["options"]]
    began = time.monotonic()
    widget.answer({"client": "c", "seq": 1, "values": {"lr_d": 1e-3}})
    assert time.monotonic() - began < 1
    widget.close()
