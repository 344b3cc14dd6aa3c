"""The training monitor without a browser: press, look at the frame."""

import time

import numpy as np
import pytest
import torch
from test_fitting import wait, working
from tiny import FAMILIES, STEPS, batch, eight_images, tiny, weights

import brainlab as bl
from brainlab import InputError, data, training
from brainlab.training import Diverged
from brainlab.widgets import training_monitor
from brainlab.widgets.monitored import names, tiled
from brainlab.widgets.training_monitor import TrainingMonitorState, groups

pytestmark = pytest.mark.usefixtures("one_thread")


def batches(size: int = 4) -> data.Batches:
    return data.Batches(batch(), size=size, seed=4)


@pytest.fixture
def monitor():
    made = []

    def make(step=None, given=None, **settings):
        step = training.vae_step(tiny(bl.VAE)) if step is None else step
        settings = settings or {"steps": 10**6}
        made.append(training_monitor(step, batches() if given is None else given, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()
    wait(lambda: not working())


def press(widget, name: str) -> dict:
    n = widget.frame["count"] + 1
    widget.answer({"client": "c", "seq": n, "values": {}, "events": [{"n": n, "values": {}, "pressed": name}]})
    return widget.frame


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_is_watched_with_all_its_numbers_and_begins_as_if_unwatched(monitor, family):
    step = STEPS[family](tiny(family))
    plain = STEPS[family](tiny(family))
    widget = monitor(step, steps=2)
    frame = press(widget, "once")
    assert frame["error"] == ""
    numbers = plain(next(batches().epoch(0)))
    for one, other in zip(step.modules.values(), plain.modules.values(), strict=True):
        assert torch.equal(weights(one), weights(other))
    assert set(widget.state.traces) == set(numbers)
    assert {name: float(trace.y[0]) for name, trace in widget.state.traces.items()} == pytest.approx(numbers)
    shown = [panel["name"] for panel in widget.spec["panels"] if panel["kind"] == "curve"]
    assert sum(len(getattr(widget, f"picture_{one}")["lines"]) for one in shown) == len(numbers)
    told = [f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" for value in numbers.values()]
    assert [text for _, text, _ in frame["table"]["rows"]] == [one.replace("-", "−") for one in told]


def test_the_reconstruction_is_the_models_and_moves_with_it(monitor):
    model = tiny(bl.Autoencoder)
    widget = monitor(training.ae_step(model))
    before = widget.picture_live["image"]
    press(widget, "once")
    with torch.no_grad():
        x_hat = model.eval().reconstruct(widget.state.x)[0, 0].numpy()
    now = np.frombuffer(widget.picture_live["image"], np.uint8).reshape(32, 32)
    np.testing.assert_array_equal(now, (255 * x_hat.clip(0, 1)).round())
    assert widget.picture_live["image"] != before
    assert "off by" in widget.frame["readout"]


def test_the_slice_is_the_fullest_or_the_one_that_is_given(monitor):
    images = torch.zeros(4, 1, 32, 32)
    images[2, :, :20], images[1, :, :5] = 0.5, 1.0
    assert torch.equal(monitor(given=data.Batches(images, 4)).state.x[0], images[2])
    assert torch.equal(monitor(given=data.Batches(images, 4), image=images[1], steps=1).state.x[0], images[1])


def test_a_gan_shows_samples_of_always_the_same_z(monitor):
    widget = monitor(training.gan_step(tiny(bl.GAN)))
    before = widget.picture_live
    widget.answer({"client": "c", "seq": 1, "values": {}})
    assert widget.picture_live == before
    assert (before["width"], before["height"]) == (128, 128)
    press(widget, "once")
    assert widget.picture_live["image"] != before["image"]
    assert [one["title"] for one in widget.spec["panels"]] == [
        "16 samples, now",
        "Loss",
        "Discriminator loss and generator loss",
        "Mean logit of real slices and mean logit of samples",
    ]


def test_one_look_a_step(monitor, monkeypatch):
    widget = monitor()
    looks = []
    usual = type(widget.state.model).reconstruct
    monkeypatch.setattr(type(widget.state.model), "reconstruct", lambda *given: looks.append(1) or usual(*given))
    press(widget, "once")
    widget.answer({"client": "c", "seq": 1, "values": {}})
    assert len(looks) == 1


def test_it_plays_to_its_end_and_says_how_long_it_will_take(monitor):
    widget = monitor(epochs=4)
    assert "time left unknown" in widget.frame["readout"]
    assert "s left" in press(widget, "once")["readout"]
    assert widget.frame["readout"].startswith("Paused: step 1, epoch 1 of 4")
    press(widget, "play")
    wait(lambda: widget.state.over and not working())
    assert widget.frame["readout"].startswith("Finished: step 8, epoch 4 of 4.")
    assert widget.frame["disabled"] == ["play", "pause", "once", "stop"]


@pytest.mark.parametrize(
    ("budget", "left"), [({"steps": 30}, 20 * 0.5), ({"epochs": 30}, 50 * 0.5), ({"seconds": 30}, 25)]
)
def test_the_time_left_follows_from_the_pace(monitor, budget, left):
    state = monitor(**budget).state
    for i in range(10):
        state.worker.history.add({"loss": 1.0}, i / 30, 0.5 * (i + 1))  # half a second a step, two an epoch
    assert state.left_s() == pytest.approx(left)


def test_stop_keeps_the_model_and_ends_the_run(monitor):
    model = tiny(bl.VAE)
    widget = monitor(training.vae_step(model))
    press(widget, "play")
    wait(lambda: widget.state.worker.history.steps > 2)
    press(widget, "stop")
    wait(lambda: not working())
    kept = weights(model)
    frame = press(widget, "play")
    time.sleep(0.05)
    assert not working()
    assert torch.equal(weights(model), kept)
    assert frame["readout"].startswith("Stopped: step")


def test_waiting_trains_before_it_returns_and_shows_the_end(monitor):
    widget = monitor(steps=3, wait=True)
    assert widget.frame["readout"].startswith("Finished: step 3 of 3.")
    assert len(widget.state.traces["loss"].x) == 3
    assert widget.png().startswith(b"\x89PNG")


def test_divergence_is_fits_sentence_while_waiting_and_on_the_page(monitor):
    poisoned = data.Batches(torch.cat([eight_images(), torch.full((1, 1, 32, 32), torch.nan)]), 1, seed=0)
    with pytest.raises(Diverged, match="training has diverged"):
        monitor(training.ae_step(tiny(bl.Autoencoder)), poisoned, epochs=1, wait=True, image=eight_images()[0])
    widget = monitor(training.ae_step(tiny(bl.Autoencoder)), poisoned, epochs=1, image=eight_images()[0])
    press(widget, "play")
    wait(lambda: widget.frame["error"] != "")
    assert "training has diverged" in widget.frame["error"]
    assert "pause" in widget.frame["disabled"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 3, "epochs": 2}, "exactly one budget"),
        ({"steps": -1}, "0 or more"),
        ({"seconds": float("nan")}, "0 or"),
    ],
)
def test_a_budget_that_fit_refuses_is_refused_at_once(settings, words):
    with pytest.raises(InputError, match=words):
        training_monitor(training.vae_step(tiny(bl.VAE)), batches(), **settings)


@pytest.mark.parametrize("given", [[], [3], [{"y": torch.zeros(2)}]])
def test_batches_without_images_are_refused_in_words(given):
    with pytest.raises(InputError, match="no images"):
        TrainingMonitorState(training.vae_step(tiny(bl.VAE)), given, steps=1)


def test_a_step_is_asked_for_its_names_without_a_trace():
    step = training.gan_step(tiny(bl.GAN))
    before = torch.random.get_rng_state()
    found = names(step, batch())
    assert found == ["loss", "discriminator_loss", "real", "fake", "generator_loss"]
    assert groups(found) == [("loss",), ("discriminator_loss", "generator_loss"), ("real", "fake")]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert step.steps_done == 0


def test_tiles_read_like_a_page():
    images = torch.arange(8).reshape(8, 1, 1, 1).expand(8, 1, 2, 3) / 255
    np.testing.assert_array_equal(tiled(images)[::2, ::3], [[0, 1, 2, 3], [4, 5, 6, 7]])


def test_nothing_given_it_trains_a_vae_on_phantoms(monkeypatch, monitor):
    monkeypatch.setattr(data, "load", lambda name: type("Some", (), {"images": torch.rand(4, 1, 64, 64)}))
    widget = training_monitor()
    assert "Synthetic" in widget.spec["caption"]
    assert widget.state.budget.size == 5
    widget.close()
