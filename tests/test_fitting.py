"""``fit`` beside a page: paused and played it is the fit that it would have been, and nothing goes on unseen."""

import os
import threading
import time

import pytest
import torch
import traitlets
from tiny import batch, eight_images, tiny, weights

from brainlab import data, training
from brainlab.models import GAN, VAE
from brainlab.training import Diverged, History
from brainlab.widgets.fitting import PAGES, Fitting, FittingCanvas, headless
from brainlab.widgets.frame import Frame
from brainlab.widgets.parts import Button
from brainlab.widgets.trace import Trace, lines
from brainlab.widgets.worker import NAME

pytestmark = pytest.mark.usefixtures("one_thread")


def wait(until, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.005)
    assert until()


def working() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == NAME]


def batches() -> data.Batches:
    return data.Batches(eight_images(), size=3, seed=4)


class Running(traitlets.HasTraits):
    """As little as a widget needs."""

    changed = traitlets.Int(0)

    def __init__(self, step=None, **settings) -> None:
        super().__init__()
        self.model = tiny(VAE)
        self.step = step or training.vae_step(self.model)
        self.seen: list[int] = []
        self.worker = Fitting(self.step, batches(), self._seen, self._show, **(settings or {"steps": 10**6}))

    def _seen(self, number, numbers) -> None:
        self.seen.append(number)

    def _show(self) -> None:
        self.changed += 1

    def press(self, name: str) -> None:
        getattr(self.worker, name)()

    def frame(self) -> Frame:
        with self.worker.lock:
            if self.worker.failure:
                raise self.worker.failure
            return Frame({}, f"step {len(self.seen)}", disabled=("play",) if self.worker.playing else ("pause",))


@pytest.fixture
def running():
    made: list[Running] = []

    def make(*given, **more) -> Running:
        made.append(Running(*given, **more))
        return made[-1]

    yield make
    for one in made:
        one.worker.pause()
    wait(lambda: not working())


def test_paused_played_and_stepped_it_is_bit_for_bit_the_fit_without_a_pause(running):
    state = running(epochs=4)
    for n in (1, 2, 4, 5):
        if n % 2:
            state.worker.once()
        else:
            state.worker.play()
            wait(lambda n=n: len(state.seen) > n)
            state.worker.pause()
            wait(lambda: not working())
    state.worker.play()
    wait(lambda: not working())
    plain = tiny(VAE)
    history = training.fit(training.vae_step(plain), batches(), epochs=4, device="cpu", progress=False)
    assert torch.equal(weights(state.model), weights(plain))
    assert state.worker.history["loss"] == history["loss"]
    assert state.seen == list(range(1, 13))  # 8 images in batches of 3: three steps an epoch


def test_the_whole_of_it_here_and_now_is_fit(running):
    state = running(steps=5)
    state.worker.whole()
    assert state.seen == [1, 2, 3, 4, 5]
    assert not working()


def test_once_is_one_step_and_pauses(running):
    state = running()
    state.worker.play()
    wait(lambda: len(state.seen) > 2)
    state.worker.once()
    count = len(state.seen)
    wait(lambda: not working())
    time.sleep(0.05)
    assert len(state.seen) == count


def test_a_new_training_pauses_the_one_before_and_so_does_playing_another(running):
    one = running()
    one.worker.play()
    wait(lambda: one.seen)
    other = running()  # as when the cell is run again
    assert not one.worker.playing
    wait(lambda: not working())
    other.worker.play()
    one.worker.play()
    assert one.worker.playing
    assert not other.worker.playing
    wait(lambda: len(working()) == 1)


def test_closing_the_widget_stops_its_thread(running):
    state = running()
    widget = FittingCanvas(state, [], [Button("play", "Play")], title="", caption="")
    state.worker.play()
    wait(lambda: state.changed > 0)
    widget.close()
    wait(lambda: not working())
    widget.close()


def test_the_page_is_told_at_most_ten_times_a_second_and_answered_in_between(running):
    state = running()
    widget = FittingCanvas(state, [], [Button("play", "Play")], title="", caption="")
    state.worker.play()
    began, slowest = time.monotonic(), 0.0
    while time.monotonic() - began < 1.0:
        asked = time.monotonic()
        widget.answer({"client": "a browser", "seq": 1, "values": {}})
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.01)
    state.worker.pause()
    wait(lambda: not working())
    assert 2 <= state.changed <= 12
    assert slowest < 0.8
    widget.close()


def test_divergence_is_fits_own_sentence_on_the_page_and_play_is_offered_again(running):
    class Spoiled(training.TrainingStep):
        def improve(self, batch):
            return {"loss": batch["x"].sum() * (float("nan") if self.steps_done == 3 else 1.0)}

    state = running(Spoiled({"model": tiny(VAE)}, {}, {}))
    widget = FittingCanvas(state, [], [Button("play", "Play"), Button("pause", "Pause")], title="", caption="")
    state.worker.play()
    wait(lambda: widget.frame["error"] != "")
    assert widget.frame["error"].startswith("The loss is nan at step 4: training has diverged.")
    assert widget.frame["disabled"] == ["pause"]
    assert isinstance(state.worker.failure, Diverged)
    with pytest.raises(Diverged):
        state.worker.once()
    widget.close()


def test_the_thread_leaves_a_core_to_the_browser_and_the_kernel_its_threads(running):
    torch.set_num_threads(2)
    state = running()
    found = []
    state.worker.seen = lambda *_: found.append(torch.get_num_threads())
    state.worker.play()
    wait(lambda: len(found) > 1)
    state.worker.pause()
    wait(lambda: not working())
    assert set(found) == {1}
    assert torch.get_num_threads() == 2
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [2]


def test_pausing_tells_nothing_into_somebodys_output(running, capsys):
    state = running()
    state.worker.once()
    state.worker.play()
    wait(lambda: len(state.seen) > 2)
    state.worker.pause()
    wait(lambda: not working())
    assert capsys.readouterr() == ("", "")


def test_a_history_goes_on(running):
    history = History()
    model = tiny(VAE)
    step = training.vae_step(model)
    training.fit(step, batches(), steps=4, history=history, progress=False, device="cpu")
    worker = Fitting(step, batches(), lambda *_: None, lambda: None, history, steps=6)
    worker.whole()
    assert history.steps == 6


# ---- traces


def test_a_short_trace_is_what_was_added():
    trace = Trace()
    for x, y in ((1, 5.0), (2, 3.0)):
        trace.add(x, y)
    assert (trace.x.tolist(), trace.y.tolist()) == ([1, 2], [5, 3])


def test_a_long_trace_keeps_few_points_each_the_mean_of_its_steps():
    trace = Trace(most=4)
    for x in range(1, 11):
        trace.add(x, 10.0 * x)
    # after the 5th: (1 2) (3 4) 5; after the 9th: (1-4) (5-8) 9; then 10 joins 9
    assert trace.x.tolist() == [2.5, 6.5, 9.5]
    assert trace.y.tolist() == [25, 65, 95]
    for x in range(11, 5000):
        trace.add(x, 10.0 * x)
    assert len(trace.x) <= 4
    assert trace.y == pytest.approx(10 * trace.x)


def test_a_trace_forgets_what_came_after():
    trace = Trace()
    for x in range(1, 6):
        trace.add(x, 0.0)
    trace.cut(3)
    assert trace.x.tolist() == [1, 2, 3]
    assert [one.name for one in lines({"a": trace}, [("a", "A"), ("b", "B")]).lines] == ["A"]


def test_a_gans_step_says_what_its_discriminator_said():
    step = training.gan_step(tiny(GAN))
    numbers = step(batch())
    assert float(step.logits["real"].mean()) == pytest.approx(numbers["real"], abs=1e-5)
    assert float(step.logits["fake"].mean()) == pytest.approx(numbers["fake"], abs=1e-5)
    assert not step.logits["real"].requires_grad


def test_a_kernel_without_a_page_is_known_by_what_no_program_sets(monkeypatch):
    shell = type("Shell", (), {"kernel": None})()
    for name in [one for one in os.environ if one.startswith(PAGES)]:
        monkeypatch.delenv(name)
    assert not headless()  # no kernel
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert headless()
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    assert not headless()
