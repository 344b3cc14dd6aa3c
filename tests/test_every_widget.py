"""All eleven widgets, opened and closed: no thread, comm, figure or state stays, whatever the widget was doing."""

import gc
import threading
import time
import weakref

import ipywidgets
import matplotlib.pyplot as plt
import pytest
from browser.openings import SHIPPED, TINY, TINY_SETUP

from brainlab import widgets
from brainlab.widgets.worker import NAME

CHEAP = ("contrast_lab", "model_duel", "time_machine", "volume_viewer")
# The others train or measure something as they open: a leak of one a cycle shows in fewer cycles as well.
CYCLES = dict.fromkeys(TINY, 20) | dict.fromkeys(("gan_cockpit", "latent_explorer"), 6) | dict.fromkeys(CHEAP, 200)
TRAINING = ("gan_cockpit", "training_monitor")

pytestmark = pytest.mark.usefixtures("one_thread")


class Opening:
    """A widget's cell, to be run any number of times as in one kernel."""

    def __init__(self, name: str) -> None:
        before, _, last = TINY[name].strip().rpartition("\n")
        self.names: dict[str, object] = {}
        exec(TINY_SETUP + before, self.names)
        self.last = compile(last, name, "eval")

    def __call__(self):
        return eval(self.last, self.names)


def workers() -> int:
    return sum(one.name == NAME for one in threading.enumerate())


def standing() -> tuple[int, int, int]:
    """Threads, models with a comm, and figures."""
    gc.collect()
    return threading.active_count(), len(ipywidgets.widgets.widget._instances), len(plt.get_fignums())


def wait(happened) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_widget_there_is_has_its_openings():
    assert sorted(TINY) == sorted(SHIPPED) == sorted(widgets.__all__)


@pytest.mark.parametrize("name", sorted(TINY))
def test_opened_and_closed_again_and_again_it_leaves_nothing(name):
    opening = Opening(name)

    def cycle() -> list[weakref.ref]:
        made = opening()
        made.close()
        return [weakref.ref(made), weakref.ref(made.state)]

    cycle()  # what is imported or cached once
    before = standing()
    left = [one for _ in range(CYCLES[name]) for one in cycle()]
    assert standing() == before
    assert not any(one() for one in left)


@pytest.mark.parametrize("name", TRAINING)
def test_closed_while_it_trains_its_thread_ends(name):
    made = Opening(name)()
    made.state.press("play")
    wait(lambda: made.state.changed > 0)
    made.close()
    wait(lambda: not workers())
    assert not made.state.worker.playing


@pytest.mark.parametrize("name", TRAINING)
def test_a_cell_run_twice_leaves_one_training(name):
    opening = Opening(name)
    first = opening()
    first.state.press("play")
    wait(lambda: first.state.changed > 0)
    second = opening()
    second.state.press("play")
    wait(lambda: workers() == 1)
    assert (first.state.worker.playing, second.state.worker.playing) == (False, True)
    first.close()
    second.close()
    wait(lambda: not workers())


@pytest.mark.parametrize("name", sorted(TINY))
def test_of_two_copies_one_closes_and_the_other_goes_on(name):
    opening = Opening(name)
    one, other = opening(), opening()
    assert one.spec["id"] != other.spec["id"]
    one.close()
    other.answer({"client": "a browser", "seq": 1, "values": {}})
    assert other.failure is None
    assert other.frame["seq"] == 1
    other.close()
