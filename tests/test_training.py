import pytest
import torch

import brainlab as bl
from brainlab import data, training


def tiny(seed=0):
    torch.manual_seed(seed)
    return bl.Autoencoder(bl.ModelConfig(image_size=32, latent_dim=8, width=8))


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def eight_images(seed=1):
    """Smooth random blobs: easy to learn by heart, impossible to guess."""
    coarse = torch.rand(8, 1, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=32, mode="bilinear")


def test_one_step_moves_every_parameter():
    model = tiny()
    before = {name: p.clone() for name, p in model.named_parameters()}
    training.ae_step(model)({"x": eight_images()})
    still = [name for name, p in model.named_parameters() if torch.equal(p, before[name])]
    assert not still


def test_eight_images_can_be_learned_by_heart():
    model, x = tiny(), eight_images()
    training.fit(training.ae_step(model, lr=3e-3), data.Batches(x, 8), steps=250, progress=False)
    error = (model.reconstruct(x) - x).square().mean().sqrt()
    assert error < 0.05 < x.std()


def test_history_has_one_value_an_epoch_and_the_callback_sees_each():
    seen = []
    history = training.fit(
        training.ae_step(tiny()), data.Batches(eight_images(), 3), epochs=4, progress=False,
        on_epoch=lambda epoch, numbers: seen.append((epoch, numbers["loss"])),
    )  # fmt: skip
    assert seen == list(enumerate(history["loss"], start=1))
    assert len(seen) == 4


def test_a_budget_of_steps_is_kept_to_the_step_and_one_of_seconds_ends():
    class Counts:
        modules, optimizers, calls = {}, {}, 0

        def __call__(self, batch):
            self.calls += 1
            return {"loss": 1.0}

        def state_dict(self):
            return {}

    step = Counts()
    training.fit(step, data.Batches(eight_images(), 3), steps=7, progress=False)
    assert step.calls == 7
    training.fit(step, data.Batches(eight_images(), 3), seconds=0.05, progress=False)
    assert step.calls > 8


def test_the_same_seeds_give_the_same_model():
    def trained():
        model = tiny()
        training.fit(training.ae_step(model), data.Batches(eight_images(), 3, seed=5), epochs=3, progress=False)
        return weights(model)

    assert torch.equal(trained(), trained())


def test_interrupting_keeps_the_model_and_the_history_so_far():
    model = tiny()

    def stop_after_two(epoch, numbers):
        if epoch == 2:
            raise KeyboardInterrupt

    history = training.fit(
        training.ae_step(model), data.Batches(eight_images(), 4), epochs=50, on_epoch=stop_after_two, progress=False
    )
    assert len(history["loss"]) == 2


def test_a_loss_that_is_not_a_number_stops_with_what_to_try_and_leaves_the_weights():
    model = tiny()
    before = weights(model)
    x = eight_images()
    x[3, 0, 5, 5] = float("nan")
    with pytest.raises(bl.InputError, match="learning rate"):
        training.fit(training.ae_step(model), data.Batches(x, 8), epochs=1, progress=False)
    assert torch.equal(before, weights(model))


@pytest.mark.parametrize("budget", [{}, {"epochs": 1, "steps": 1}])
def test_fit_wants_exactly_one_budget(budget):
    with pytest.raises(bl.InputError, match="exactly one budget"):
        training.fit(training.ae_step(tiny()), data.Batches(eight_images(), 8), **budget)


def test_the_learning_rate_falls_in_the_last_third_alone():
    assert training.last_third(0.0) == training.last_third(0.6) == 1.0
    assert training.last_third(5 / 6) == pytest.approx(0.5)
    assert training.last_third(1.0) == 0.05
    step = training.ae_step(tiny(), lr=1e-3)
    training.fit(step, data.Batches(eight_images(), 4), steps=30, progress=False)
    assert step.optimizers["adam"].param_groups[0]["lr"] < 2e-4


def test_batches_cover_every_image_once_an_epoch_and_in_another_order_the_next():
    batches = data.Batches({"x": torch.arange(10.0), "label": torch.arange(10)}, 4)
    first, second = ([*torch.cat([b["label"] for b in batches])] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert len(batches) == 3
    for batch in batches:
        assert torch.equal(batch["x"], batch["label"].float())


def test_batches_of_unequal_lengths_are_refused():
    with pytest.raises(bl.InputError, match="same length"):
        data.Batches({"x": torch.zeros(3), "label": torch.zeros(4)})


def test_an_empty_data_set_is_refused_rather_than_waited_for():
    with pytest.raises(bl.InputError, match="empty"):
        data.Batches(torch.zeros(0, 1, 32, 32))
    with pytest.raises(bl.InputError, match="empty"):
        training.fit(training.ae_step(tiny()), [], seconds=5, progress=False)
