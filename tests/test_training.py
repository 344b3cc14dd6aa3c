import contextlib
import re
from typing import Any

import pytest
import torch
from tiny import eight_images, tiny, weights

import brainlab as bl
from brainlab import data, training
from brainlab.training import devices


class Says:
    """A step that learns nothing and returns these losses one by one."""

    def __init__(self, losses, **more):
        self.modules, self.optimizers, self.generators = {}, {}, {}
        self.losses, self.batches = iter(losses), []
        vars(self).update(more)

    def __call__(self, batch):
        self.batches.append(batch["x"])
        return {"loss": next(self.losses)}

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def raises(error):
    """A callback that raises ``error``, if it is one."""

    def callback(*_):
        if error:
            raise error

    return callback


def test_one_step_moves_every_parameter():
    model = tiny(bl.Autoencoder)
    before = {name: p.clone() for name, p in model.named_parameters()}
    training.ae_step(model)({"x": eight_images()})
    still = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    assert not still


def test_eight_images_can_be_learned_by_heart():
    model, x = tiny(bl.Autoencoder), eight_images()
    training.fit(training.ae_step(model, lr=3e-3), data.Batches(x, 8), steps=250, progress=False)
    error = (model.reconstruct(x) - x).square().mean().sqrt()
    assert error < 0.05 < x.std()


def test_history_has_one_value_an_epoch_and_the_callback_sees_each():
    seen = []
    history = training.fit(
        training.ae_step(tiny(bl.Autoencoder)), data.Batches(eight_images(), 3), epochs=4, progress=False,
        on_epoch=lambda epoch, numbers: seen.append((epoch, numbers["loss"])),
    )  # fmt: skip
    assert seen == list(enumerate(history["loss"], start=1))
    assert len(seen) == 4


def test_a_budget_of_steps_is_kept_to_the_step_and_one_of_seconds_ends():
    step = Says([1.0] * 1_000_000)
    history = training.fit(step, data.Batches(eight_images(), 3), steps=7, progress=False)
    assert len(step.batches) == history.steps == 7
    assert len(history["loss"]) == 3  # two whole passes over three batches, and a part of one
    training.fit(step, data.Batches(eight_images(), 3), seconds=0.05, progress=False)
    assert len(step.batches) > 8
    nothing: Any
    for nothing in ({"epochs": 0}, {"steps": 0}, {"seconds": 0}):
        assert not training.fit(step, data.Batches(eight_images(), 3), progress=False, **nothing)


def test_the_same_seeds_give_the_same_model():
    def trained():
        model = tiny(bl.Autoencoder)
        training.fit(training.ae_step(model), data.Batches(eight_images(), 3, seed=5), epochs=3, progress=False)
        return weights(model)

    assert torch.equal(trained(), trained())


def test_interrupting_keeps_the_model_and_the_history_so_far():
    model = tiny(bl.Autoencoder)

    def stop_after_two(epoch, numbers):
        if epoch == 2:
            raise KeyboardInterrupt

    history = training.fit(
        training.ae_step(model), data.Batches(eight_images(), 4), epochs=50, on_epoch=stop_after_two, progress=False
    )
    assert len(history["loss"]) == 2


def test_a_loss_that_is_not_a_number_stops_with_what_to_try_and_leaves_the_weights():
    model = tiny(bl.Autoencoder)
    before = weights(model)
    x = eight_images()
    x[3, 0, 5, 5] = float("nan")
    with pytest.raises(bl.InputError, match="learning rate"):
        training.fit(training.ae_step(model), data.Batches(x, 8), epochs=1, progress=False)
    assert torch.equal(before, weights(model))


SOUND = {
    "falling from far above to −8,000 nats": [70_000 * 0.8**i - 8000 for i in range(60)],
    "near nought, with noise of one": [(-1) ** i for i in range(60)],
    "back to the untrained network's": [70_000, *[-8000] * 20, *[70_000] * 40],
    "nineteen bad batches at a time": ([100.0] + [1e9] * 19) * 3,
    "up a little from nought": [0.0, *[5.0] * 30],
    "three times the untrained network's for a while": [70_000, *[210_000] * 30],
    "little, and back after a great gain": [1.0, *[-100] * 5, *[50] * 30],
    "negative nats from the start": [-8000.0, *[-7900] * 30],
}
DIVERGING = {
    "away from the first step on": [70_000 * 1.5**i for i in range(60)],
    "up after having come down": [70_000, *[-8000] * 20, *[2e6] * 20],
    "up from negative nats": [-8000.0, *[-8100] * 20, *[90_000] * 20],
    "up from nought": [0.0, *[50] * 30],
}


@pytest.mark.parametrize("losses", SOUND.values(), ids=SOUND)
def test_a_loss_may_do_all_that_losses_do_in_a_sound_run(losses):
    history = training.fit(Says(losses), data.Batches(eight_images(), 4), steps=len(losses), progress=False)
    assert history.steps == len(losses)


@pytest.mark.parametrize("losses", DIVERGING.values(), ids=DIVERGING)
def test_a_loss_that_rises_far_above_the_untrained_networks_stops_with_what_to_try(losses):
    kept = training.History()
    with pytest.raises(training.Diverged, match="learning rate ten times lower") as caught:
        training.fit(Says(losses), data.Batches(eight_images(), 4), steps=len(losses), history=kept, progress=False)
    assert caught.value.history is kept
    assert kept["loss"][0] == (losses[0] + losses[1]) / 2
    free = Says(losses, watch=None)  # such as a GAN's
    assert training.fit(free, data.Batches(eight_images(), 4), steps=len(losses), progress=False).steps == len(losses)


def test_a_learning_rate_that_is_far_too_high_is_noticed():
    with pytest.raises(training.Diverged) as caught:
        training.fit(
            training.ae_step(tiny(bl.Autoencoder), lr=10.0), data.Batches(eight_images(), 4), steps=200, progress=False
        )
    assert caught.value.history.steps < 100


WRONG_BUDGETS = [
    ({}, "exactly one budget"),
    ({"epochs": 1, "steps": 1}, "exactly one budget"),
    ({"replay": training.History(), "steps": 1}, "exactly one budget"),
    ({"epochs": -1}, "epochs must be 0 or more, got -1"),
    ({"seconds": float("nan")}, "seconds must be 0 or more, got nan"),
]


@pytest.mark.parametrize(("budget", "says"), WRONG_BUDGETS)
def test_fit_wants_exactly_one_budget_that_can_be_spent(budget, says):
    with pytest.raises(bl.InputError, match=says):
        training.fit(training.ae_step(tiny(bl.Autoencoder)), data.Batches(eight_images(), 8), **budget)


@pytest.mark.parametrize("device", ["cuda:99", "nonsense", 3.5])
def test_a_device_that_is_not_there_is_refused_in_a_sentence(device):
    with pytest.raises(bl.InputError, match=r'is not there: use device="auto"'):
        training.fit(training.ae_step(tiny(bl.Autoencoder)), data.Batches(eight_images(), 8), epochs=1, device=device)


def test_every_batch_lies_on_the_device_whatever_way_it_is_named():
    for device in ("meta", torch.device("meta")):  # the one device beside the CPU that every computer has
        step = Says([1.0] * 3)
        training.fit(step, data.Batches(eight_images(), 3), epochs=1, device=device, progress=False)
        assert {x.device.type for x in step.batches} == {"meta"}


def test_the_optimizers_averages_follow_the_network_there_and_back():
    class Elsewhere(torch.nn.Linear):
        """Without a second device at hand: what moves becomes float64, what comes home float32."""

        def to(self, place):
            return self.double() if place.type == "meta" else self.float()

    model = Elsewhere(2, 2)
    adam = torch.optim.Adam(model.parameters())
    model(torch.ones(2)).sum().backward()
    adam.step()

    def averages():
        return {adam.state[p]["exp_avg"].dtype for p in model.parameters()}

    with devices.at(torch.device("meta"), {"model": model}, {"adam": adam}):
        assert averages() == {torch.float64}
    assert averages() == {torch.float32}


def test_the_network_is_back_where_it_was_whatever_happened():
    class Spy(torch.nn.Linear):
        places = ()

        def to(self, place):
            self.places += (place.type,)

    for end in (None, KeyboardInterrupt, RuntimeError):
        spy = Spy(1, 1)
        step = Says([1.0], modules={"spy": spy})
        with contextlib.suppress(RuntimeError):
            training.fit(
                step, [{"x": torch.ones(1)}], epochs=1, device="meta", on_epoch=raises(end), progress=False
            )  # fmt: skip
        assert spy.places == ("meta", "cpu")


@pytest.mark.parametrize("callback", ["on_epoch", "on_batch"])
def test_whoever_looks_at_the_model_in_eval_mode_need_not_switch_back(callback):
    def trained(look):
        torch.manual_seed(0)
        model = bl.DenoisingAutoencoder(bl.ModelConfig(image_size=32, width=4))  # BatchNorm: the mode matters
        batches = data.Batches({"x": eight_images(), "brain": torch.ones(8, 1, 32, 32)}, 3)
        looks: Any = {callback: lambda *_: look(model)}
        training.fit(training.dae_step(model), batches, epochs=3, progress=False, **looks)
        return weights(model)

    assert torch.equal(trained(lambda model: None), trained(lambda model: model.eval()))


def test_a_frozen_network_stays_in_eval_mode():
    frozen = torch.nn.BatchNorm1d(1).eval().requires_grad_(False)
    training.fit(Says([1.0], modules={"frozen": frozen}), [{"x": torch.ones(1)}], epochs=1, progress=False)
    assert not frozen.training


def test_first_weights_follow_from_a_seed_and_leave_other_random_numbers_alone():
    def first_weights(seed):
        with training.seeded(seed):
            return weights(bl.Autoencoder(bl.ModelConfig(image_size=32, latent_dim=8, width=8)))

    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one = first_weights(3)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one, first_weights(3))
    assert not torch.equal(one, first_weights(4))


@pytest.mark.parametrize("budget", [{"epochs": 2}, {"steps": 5}, {"seconds": 1.3}])
def test_the_bar_shows_the_time_left(budget, capsys):
    training.fit(training.ae_step(tiny(bl.Autoencoder)), data.Batches(eight_images(), 3), **budget)
    shown = capsys.readouterr().err
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d", shown)


def test_the_learning_rate_falls_in_the_last_third_alone():
    assert training.last_third(0.0) == training.last_third(0.6) == 1.0
    assert training.last_third(5 / 6) == pytest.approx(0.5)
    assert training.last_third(1.0) == 0.05


def test_a_step_is_taken_at_its_scheduled_rate_and_the_optimizer_keeps_its_own():
    step = training.ae_step(tiny(bl.Autoencoder), lr=1e-3)
    rates, outside, objective = [], [], step.objective

    def rate() -> float:  # asked anew each time: on a GPU the optimizer's groups are others
        return step.optimizers["adam"].param_groups[0]["lr"]

    step.objective = lambda batch: rates.append(rate()) or objective(batch)
    training.fit(
        step, data.Batches(eight_images(), 4), steps=5, schedule=lambda done: 1 - done, progress=False,
        on_batch=lambda number, numbers: outside.append(rate()),
    )  # fmt: skip
    assert rates == pytest.approx([1e-3, 8e-4, 6e-4, 4e-4, 2e-4])
    assert outside == [1e-3] * 5


def test_batches_cover_every_image_once_an_epoch_and_in_another_order_the_next():
    batches = data.Batches({"x": torch.arange(10.0), "label": torch.arange(10)}, 4)
    first, second = ([*torch.cat([b["label"] for b in batches])] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert len(batches) == 3
    for batch in batches:
        assert torch.equal(batch["x"], batch["label"].float())


def test_an_epoch_is_the_same_whoever_asks_and_from_whatever_batch():
    def labels(batches):
        return [b["x"].tolist() for b in batches]

    batches = data.Batches(torch.arange(10.0), 4, seed=3)
    passes = [labels(batches) for _ in range(3)]
    next(iter(batches))  # a look at one batch
    assert [labels(batches.epoch(n)) for n in range(3)] == passes
    assert labels(batches.epoch(1, skip=2)) == passes[1][2:]
    assert labels(data.Batches(torch.arange(10.0), 4, seed=4)) != passes[0]


def test_batches_of_unequal_lengths_are_refused():
    with pytest.raises(bl.InputError, match="same length"):
        data.Batches({"x": torch.zeros(3), "label": torch.zeros(4)})


def test_an_empty_data_set_is_refused_rather_than_waited_for():
    with pytest.raises(bl.InputError, match="empty"):
        data.Batches(torch.zeros(0, 1, 32, 32))
    with pytest.raises(bl.InputError, match="at least one tensor"):
        data.Batches({})
    with pytest.raises(bl.InputError, match="empty"):
        training.fit(training.ae_step(tiny(bl.Autoencoder)), [], seconds=5, progress=False)


def test_what_can_be_read_once_only_is_refused_when_it_is_to_be_read_again():
    once = iter([{"x": torch.ones(1)}])
    with pytest.raises(bl.InputError, match=r"1 times only: give a list or data\.Batches"):
        training.fit(Says([1.0] * 3), once, epochs=2, progress=False)


@pytest.mark.parametrize("batch", [torch.ones(1), (torch.ones(1), torch.ones(1)), {"x": "image"}])
def test_a_batch_that_is_no_dict_of_tensors_is_refused(batch):
    with pytest.raises(bl.InputError, match="A batch must"):
        training.fit(Says([1.0]), [batch], epochs=1, progress=False)


def test_a_number_that_comes_up_late_is_filed_under_its_epoch():
    history = training.History()
    for numbers in ({"loss": 1.0}, {"loss": 2.0}, {"loss": 3.0, "late": 4.0}):
        history.add(numbers, 0.0, 0.0)
        history.close_epoch()
    assert history["loss"] == [1, 2, 3]
    assert history["late"] == pytest.approx([float("nan"), float("nan"), 4], nan_ok=True)


def test_batches_of_another_type_or_shape_have_another_fingerprint():
    one = torch.arange(8.0)
    others = [one, one.view(torch.int32), one.reshape(4, 2)]
    prints = [data.Batches(x).fingerprint() for x in others]
    assert prints[0] not in prints[1:]
    assert prints[1] != prints[2]
