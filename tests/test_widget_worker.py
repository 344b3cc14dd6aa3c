"""Training beside a page: it plays, pauses, steps, and never runs after it was stopped."""

import threading
import time

import pytest
import traitlets

from brainlab import InputError
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame
from brainlab.widgets.parts import Button
from brainlab.widgets.worker import NAME, Worker


class Counting(traitlets.HasTraits):
    """Counts to ``end``, a step of a few milliseconds at a time."""

    changed = traitlets.Int(0)

    def __init__(self, end: int = 10**9) -> None:
        super().__init__()
        self.count, self.end, self.shows = 0, end, []
        self.worker = Worker(self.step, self.show)

    def step(self) -> bool:
        time.sleep(0.004)
        if self.count == self.end + 1000:
            raise InputError("The loss is not a number; lower the learning rate.")
        self.count += 1
        return self.count != self.end

    def show(self) -> None:
        self.shows.append(time.monotonic())
        self.changed += 1

    def press(self, name: str) -> None:
        getattr(self.worker, {"play": "play", "pause": "pause", "step": "once"}[name])()

    def frame(self) -> Frame:
        with self.worker.lock:
            if self.worker.failure:
                raise self.worker.failure
            return Frame({}, f"step {self.count}", disabled=("play",) if self.worker.playing else ("pause",))


@pytest.fixture
def counting():
    state = Counting()
    widget = Canvas(state, [], [Button(one, one) for one in ("play", "pause", "step")], title="", caption="")
    yield state, widget
    state.worker.pause()
    widget.close()


def press(widget: Canvas, n: int, name: str) -> None:
    event = {"n": n, "values": {}, "pressed": name}
    widget.answer({"client": "a browser", "seq": n, "values": {}, "events": [event]})


def working() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == NAME]


def wait(until, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.01)
    assert until()


def test_it_plays_is_shown_and_pauses_from_the_page(counting):
    state, widget = counting
    press(widget, 1, "play")
    assert widget.frame["disabled"] == ["play"]
    wait(lambda: state.changed >= 3)
    press(widget, 2, "pause")
    assert widget.frame["disabled"] == ["pause"]
    wait(lambda: not working())
    count = state.count
    time.sleep(0.1)
    assert state.count == count
    assert widget.frame["readout"] == f"step {count}"  # the last step was shown as well


def test_a_single_step_is_one_and_pauses(counting):
    state, widget = counting
    press(widget, 1, "step")
    press(widget, 2, "step")
    assert state.count == 2
    assert widget.frame["readout"] == "step 2"
    assert not state.worker.playing


def test_it_shows_at_most_ten_times_a_second(counting):
    state, widget = counting
    press(widget, 1, "play")
    wait(lambda: state.changed >= 5)
    gaps = [b - a for a, b in zip(state.shows, state.shows[1:], strict=False)]
    assert min(gaps) >= 0.099


def test_the_page_is_answered_between_two_steps(counting):
    _, widget = counting
    press(widget, 1, "play")
    slowest = 0.0
    for seq in range(20):
        started = time.monotonic()
        widget.answer({"client": "a browser", "seq": seq, "values": {}})
        slowest = max(slowest, time.monotonic() - started)
    assert slowest < 1.0  # a step takes 4 ms; a page that starves would wait for ever


def test_play_pause_play_leaves_one_thread(counting):
    state, widget = counting
    wait(lambda: not working())
    for n in range(1, 21):
        press(widget, n, "play" if n % 2 else "pause")
    press(widget, 21, "play")
    press(widget, 22, "play")  # pressed twice, it plays once
    wait(lambda: len(working()) == 1)
    state.worker.pause()
    wait(lambda: not working())


def test_no_step_is_taken_after_a_pause(counting):
    state, _ = counting
    with state.worker.lock:  # as while the page is answered
        state.worker.play()
        wait(lambda: len(working()) == 1)
        time.sleep(0.05)
        state.worker.pause()
    wait(lambda: not working())
    assert state.count == 0


def test_it_ends_by_itself_and_is_shown_at_its_end():
    state = Counting(end=5)
    state.worker.play()
    wait(lambda: not state.worker.playing and state.changed > 0)
    assert state.count == 5


def test_a_step_that_fails_is_a_sentence_on_the_page(counting):
    state, widget = counting
    state.count = state.end + 1000
    press(widget, 1, "play")
    wait(lambda: widget.frame["error"] != "")
    assert widget.frame["error"] == "The loss is not a number; lower the learning rate."
    assert not state.worker.playing
