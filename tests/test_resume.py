"""A run that was stopped and goes on equals one that was not, bit for bit, in memory and through the disk."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import brainlab as bl
from brainlab import data, training

CONFIG = bl.ModelConfig(image_size=32, latent_dim=4, width=4)
FAMILIES = {
    "ae": lambda: training.ae_step(bl.Autoencoder(CONFIG)),
    "vae": lambda: training.vae_step(bl.VAE(CONFIG), seed=3, warm_up=5),
    "gan": lambda: training.gan_step(bl.GAN(CONFIG), seed=3),
    "vaegan": lambda: training.vaegan_step(bl.VAEGAN(CONFIG), seed=3, warm_up=4),
    "dae": lambda: training.dae_step(bl.DenoisingAutoencoder(CONFIG), seed=3),  # draws noise, has BatchNorm
}
BUDGETS = [{"epochs": 4}, {"steps": 11}]  # three steps an epoch: 11 end within one


@pytest.fixture(autouse=True)
def usual_interrupts():
    """As in a notebook: a test run in the background has them ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def built(family="ae", seed=0):
    with training.seeded(seed):
        return FAMILIES[family]()


class Interrupts(data.Batches):
    """Eight images in batches of three; the reading of batch ``at``, counted over all epochs, is interrupted once."""

    def __init__(self, at=None):
        images = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(1))
        super().__init__({"x": images, "brain": images > 0.2}, 3, seed=5)
        self.at = at

    def epoch(self, number, skip=0):
        for count, batch in enumerate(super().epoch(number, skip), start=3 * number + skip):
            if count == self.at:
                self.at = None
                raise KeyboardInterrupt
            yield batch


def interrupted_once(function, call, by: Any = KeyboardInterrupt):
    """``function``, but its call number ``call`` is interrupted."""
    calls = iter(range(1000))

    def once(*arguments):
        if next(calls) == call:
            if by is signal.SIGINT:
                signal.raise_signal(by)
            else:
                raise by
        return function(*arguments)

    return once


def nothing(*_):
    pass


def stopped(where, step, budget, history):
    """Train with one interrupt at the place named; returns the batches."""
    batches = Interrupts(at=4 if where == "reading a batch" else None)
    callbacks: Any = {}
    if where == "on_batch":
        callbacks = {"on_batch": interrupted_once(nothing, 4)}
    if where == "on_epoch":
        callbacks = {"on_epoch": interrupted_once(nothing, 1)}
    if where in ("within a step", "within a step, at once"):
        by = signal.SIGINT if where == "within a step" else KeyboardInterrupt
        step.improve = interrupted_once(step.improve, 4, by=by)
    training.fit(step, batches, history=history, progress=False, **budget, **callbacks)
    return batches


STOPS = {  # and how many steps are then done
    "reading a batch": 4,
    "within a step": 5,  # it is finished first
    "within a step, at once": 4,
    "on_batch": 5,
    "on_epoch": 6,
}


def leaves(state):
    """Every tensor and number in a nested state, in order."""
    if isinstance(state, dict):
        return [leaf for key, value in state.items() for leaf in [key, *leaves(value)]]
    if isinstance(state, list | tuple):
        return [leaf for value in state for leaf in leaves(value)]
    return [state]


def assert_same_run(step, history, other, other_history):
    ours, theirs = leaves(step.state_dict()), leaves(other.state_dict())
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
    kept, expected = (json.loads(json.dumps(one.to_json() | {"seconds": 0})) for one in (history, other_history))
    assert kept == expected


@pytest.mark.parametrize("through_disk", [False, True], ids=["in memory", "through the disk"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("budget", BUDGETS, ids=str)
@pytest.mark.parametrize("where", STOPS)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(where, budget, family, through_disk, tmp_path):
    whole = built(family)
    expected = training.fit(whole, Interrupts(), progress=False, **budget)

    step, history = built(family), training.History()
    batches = stopped(where, step, budget, history)
    assert history.steps == STOPS[where]
    if through_disk:
        training.save_run(tmp_path, step, batches, history)
        step, batches = built(family, seed=9), Interrupts()
        history = training.load_run(tmp_path, step, batches)
    training.fit(step, batches, history=history, progress=False, **budget)
    assert_same_run(step, history, whole, expected)


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
def test_a_run_that_is_stopped_after_every_step_and_kept_on_disk_is_the_same(budget, tmp_path):
    whole = built("dae")
    expected = training.fit(whole, Interrupts(), progress=False, **budget)
    step, history = built("dae"), training.History()
    for _ in range(expected.steps):
        training.fit(
            step, Interrupts(), history=history, on_batch=interrupted_once(nothing, 0), progress=False, **budget
        )
        training.save_run(tmp_path, step, Interrupts(), history)
        step = built("dae", seed=9)
        history = training.load_run(tmp_path, step, Interrupts())
    training.fit(step, Interrupts(), history=history, progress=False, **budget)
    assert_same_run(step, history, whole, expected)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_a_run_saved_by_a_callback_goes_on_from_there(tmp_path):
    step, history, batches = built("dae"), training.History(), Interrupts()

    def keep(number, numbers):
        if number == 5:
            training.save_run(tmp_path, step, batches, history)

    training.fit(step, batches, steps=11, history=history, on_batch=keep, progress=False)
    again = built("dae", seed=9)
    kept = training.load_run(tmp_path, again, Interrupts())
    assert kept.steps == 5
    training.fit(again, Interrupts(), steps=11, history=kept, progress=False)
    assert_same_run(again, kept, step, history)


def test_other_data_than_batches_are_read_on_from_where_the_run_stopped():
    batches = list(Interrupts())
    whole, step = built(), built()
    expected = training.fit(whole, batches, epochs=3, progress=False)
    history = training.fit(step, batches, epochs=3, on_batch=interrupted_once(nothing, 4), progress=False)
    assert history.steps == 5
    training.fit(step, batches, epochs=3, history=history, progress=False)
    assert_same_run(step, history, whole, expected)


def test_the_history_of_a_stopped_run_has_the_average_of_the_epoch_under_way():
    seen = []
    step, history = built(), training.History()

    def stop(number, numbers):
        seen.append(numbers["loss"])
        if number == 5:
            raise KeyboardInterrupt

    training.fit(step, Interrupts(), epochs=4, history=history, on_batch=stop, progress=False)
    assert history["loss"] == pytest.approx([sum(seen[:3]) / 3, sum(seen[3:]) / 2])
    assert (history.epochs, history.batches) == (1, 2)


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by 10 to 30 ms, at random, each time that it is read."""
    generator = torch.Generator().manual_seed(8)
    now = [1000.0]

    def read():
        now[0] += 0.01 + 0.02 * torch.rand(1, generator=generator).item()
        return now[0]

    monkeypatch.setattr("time.perf_counter", read)
    return now


@pytest.mark.parametrize("stops", [0, 1])
def test_a_run_on_a_budget_of_seconds_can_be_replayed(stops, clock):
    step, history = built("dae"), training.History()
    for call in [4, -1][1 - stops :]:
        stop = interrupted_once(nothing, call)
        training.fit(step, Interrupts(), seconds=1, history=history, on_batch=stop, progress=False)
        clock[0] += 100  # a pause
    assert history.steps > 6
    assert len(set(history.done)) == history.steps  # each step at a rate of its own
    again = built("dae")
    replayed = training.fit(again, Interrupts(), replay=history, progress=False)
    assert_same_run(again, replayed, step, history)


def test_the_pause_of_a_stopped_run_does_not_count_toward_its_seconds(clock):
    step, history = built(), training.History()
    training.fit(
        step, Interrupts(), seconds=1, history=history, on_batch=interrupted_once(nothing, 4), progress=False
    )  # fmt: skip
    assert history.steps == 5
    clock[0] += 100
    training.fit(step, Interrupts(), seconds=1, history=history, progress=False)
    assert 0.9 < history.seconds < 1.1
    assert history.done == sorted(history.done)


def test_an_optimizers_averages_come_back_in_the_layout_of_their_weights(tmp_path):
    a_saved_run(tmp_path)
    step = built()
    training.load_run(tmp_path, step, Interrupts())
    for weights in step.modules["model"].parameters():
        average = step.optimizers["adam"].state[weights]["exp_avg"]
        layouts = [one.is_contiguous(memory_format=torch.contiguous_format) for one in (weights, average)]
        assert layouts[0] == layouts[1]


def test_interrupts_are_held_back_during_a_step_only_and_left_alone_afterwards():
    usual = signal.getsignal(signal.SIGINT)
    step = built()
    step.improve = interrupted_once(step.improve, 1, by=signal.SIGINT)
    training.fit(step, Interrupts(), steps=5, progress=False)
    assert signal.getsignal(signal.SIGINT) is usual
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_second_interrupt_stops_a_step_that_hangs():
    step, passed = built(), []

    def hangs(batch) -> Any:
        signal.raise_signal(signal.SIGINT)
        passed.append("first")
        signal.raise_signal(signal.SIGINT)
        passed.append("second")

    step.improve = hangs
    assert training.fit(step, Interrupts(), steps=5, progress=False).steps == 0
    assert passed == ["first"]


def flip(path, at=-40):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def state(folder):
    return next(folder.glob("state-*"))


def edit(folder):
    run = json.loads((folder / "run.json").read_text())
    run["run"]["history"]["epochs"] += 1
    (folder / "run.json").write_text(json.dumps(run))


DAMAGE = {
    "no run": (lambda folder: (folder / "run.json").unlink(), "There is no run"),
    "no state": (lambda folder: state(folder).unlink(), "There is no run"),
    "a bit of the weights": (lambda folder: flip(state(folder)), "is damaged"),
    "a cut state": (lambda folder: state(folder).write_bytes(state(folder).read_bytes()[:-1]), "is damaged"),
    "a cut run": (lambda folder: (folder / "run.json").write_text('{"sha'), "is damaged"),
    "another number": (edit, "is damaged"),
    "no JSON object": (lambda folder: (folder / "run.json").write_text("[]"), "is damaged"),
    "deep JSON": (lambda folder: (folder / "run.json").write_text("[" * 100_000), "is damaged"),
}


def a_saved_run(folder, family="ae"):
    step = built(family)
    history = training.fit(step, Interrupts(), epochs=1, progress=False)
    return training.save_run(folder, step, Interrupts(), history)


@pytest.mark.parametrize(("damage", "says"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_run_is_refused_and_the_step_left_as_it_was(damage, says, tmp_path):
    damage(a_saved_run(tmp_path))
    step, before = built(), leaves(built().state_dict())
    with pytest.raises(bl.InputError, match=says):
        training.load_run(tmp_path, step, Interrupts())
    assert all(torch.equal(a, b) for a, b in zip(leaves(step.state_dict()), before, strict=True) if torch.is_tensor(a))


OTHERS = {
    "family": (lambda: built("dae"), Interrupts, "another model or step"),
    "width": (
        lambda: training.ae_step(bl.Autoencoder(bl.ModelConfig(image_size=32, latent_dim=5, width=4))),
        Interrupts,
        "another model or step",
    ),
    "batch size": (built, lambda: data.Batches(Interrupts().tensors, 4, seed=5), "other batches"),
    "order": (built, lambda: data.Batches(Interrupts().tensors, 3, seed=6), "other batches"),
    "images": (built, lambda: data.Batches({**Interrupts().tensors, "x": torch.zeros(8, 1, 32, 32)}, 3, 5), "other"),
}


def test_a_run_with_a_part_that_the_step_lacks_is_refused(tmp_path):
    step = built()
    step.generators["noise"] = torch.Generator()
    training.save_run(tmp_path, step, Interrupts(), training.History())
    with pytest.raises(bl.InputError, match="another model or step"):
        training.load_run(tmp_path, built(), Interrupts())


@pytest.mark.parametrize(("step", "batches", "says"), OTHERS.values(), ids=OTHERS)
def test_a_run_of_something_else_is_refused_and_the_step_left_as_it_was(step, batches, says, tmp_path):
    a_saved_run(tmp_path)
    other = step()
    before = [leaf.clone() for leaf in leaves(other.state_dict()) if torch.is_tensor(leaf)]
    with pytest.raises(bl.InputError, match=says):
        training.load_run(tmp_path, other, batches())
    after = [leaf for leaf in leaves(other.state_dict()) if torch.is_tensor(leaf)]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_a_run_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    a_saved_run(tmp_path)
    step = built()
    history = training.fit(step, Interrupts(), epochs=2, progress=False)

    def full(*_):
        raise OSError(28, "No space left on device")

    for when in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"os.{when}", full)
            with pytest.raises(bl.InputError, match="No space left on device"):
                training.save_run(tmp_path, step, Interrupts(), history)
        assert training.load_run(tmp_path, built(), Interrupts()).epochs == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_a_step_with_something_that_cannot_be_written_is_refused(tmp_path):
    step = built()
    step.state_dict = lambda: {"secret": object()}
    with pytest.raises(bl.InputError, match="not a object"):
        training.save_run(tmp_path, step, Interrupts(), training.History())


def test_a_state_that_was_written_before_run_json_failed_leaves_the_run_before(tmp_path, monkeypatch):
    a_saved_run(tmp_path)
    step, replace, calls = built(), os.replace, []
    history = training.fit(step, Interrupts(), epochs=2, progress=False)

    def full(source, target):
        calls.append(Path(target).name)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        with pytest.raises(bl.InputError, match="No space left on device"):
            training.save_run(tmp_path, step, Interrupts(), history)
    assert calls[1] == "run.json"
    assert training.load_run(tmp_path, built(), Interrupts()).epochs == 1
