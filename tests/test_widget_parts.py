"""Every part of the canvas without a browser: messages in, traits out."""

import gc
import io
import threading
import weakref

import ipywidgets
import numpy as np
import pytest
import traitlets
from every_part import EveryPart, every_part
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from brainlab.widgets import canvas, stillplot
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture
from brainlab.widgets.parts import Axis, Button, Curve, Lookup, Panel, Scatter, Swipe
from brainlab.widgets.plots import Line, Lines, Points, Reading, Readings


@pytest.fixture
def widget():
    made = every_part()
    yield made
    made.close()


def wish(seq: int, *events: dict, client: str = "a browser", **values) -> dict:
    return {"client": client, "seq": seq, "values": values, "events": list(events)}


def press(n: int, name: str, **values) -> dict:
    return {"n": n, "values": values, "pressed": name}


def stroke(n: int, *points, begins: bool = True, panel: str = "slice", **values) -> dict:
    return {"n": n, "values": values, "panel": panel, "stroke": [list(one) for one in points], "begins": begins}


def one_panel(panel, content, **more) -> Canvas:
    """A canvas with one panel that shows one content."""

    class Still(traitlets.HasTraits):
        def frame(self) -> Frame:
            return Frame({panel.name: content}, "")

    return Canvas(Still(), [panel], [], title="One", caption="", **more)


def numbers(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.float32)


# ---- buttons and strokes: events


def test_a_press_reaches_the_state_and_its_answer_the_page(widget):
    widget.answer(wish(4, press(1, "reset")))
    assert widget.state.done == [("press", "reset", 3.0)]
    assert widget.frame["seq"] == 4
    assert "pressed: reset" in widget.frame["readout"]


def test_a_button_is_no_value(widget):
    assert "reset" not in widget.frame["values"]
    widget.answer(wish(1, reset=True))
    assert widget.state.done == []


def test_what_is_no_button_cannot_be_pressed(widget):
    widget.answer(wish(1, press(1, "frame"), press(2, "size"), stroke(3, (1, 1), panel="duel")))
    assert widget.state.done == []


def test_an_event_that_is_repeated_is_done_once(widget):
    first = stroke(1, (3, 4))
    widget.answer(wish(1, first))
    widget.answer(wish(2, first, press(2, "never")))  # the browser was not sure whether its first wish came
    widget.answer(wish(3, press(1, "never"), client="another browser"))  # which counts for itself
    assert [one[:2] for one in widget.state.done] == [("stroke", "slice"), ("press", "never"), ("press", "never")]


def test_a_stroke_arrives_in_pixels_of_its_panel_and_paints_them(widget):
    widget.answer(wish(1, stroke(1, (10, 20), (12.5, 20))))
    assert widget.state.done == [("stroke", "slice", [[10.0, 20.0], [12.5, 20.0]], True, 3.0)]
    overlay = np.frombuffer(widget.picture_slice["overlay"], np.uint8).reshape(48, 48)
    assert overlay[20, 10] == 255  # x is the column, y the row
    assert overlay[10, 20] == 0


def test_values_and_events_keep_their_order(widget):
    widget.answer(wish(1, stroke(1, (5, 5), size=2.0), press(2, "never", size=7.0), size=9.0))
    assert [one[-1] for one in widget.state.done] == [2.0, 7.0]
    assert widget.state.size == 9.0


def test_a_wish_that_fails_in_part_is_done_for_the_rest_and_told(widget):
    widget.answer(wish(1, press(1, "fail"), stroke(2, (5, 5)), size=4.0))
    assert widget.frame["error"] == "This button cannot do it; take another one."
    assert len(widget.state.done) == 2
    assert widget.state.size == 4.0
    assert max(widget.picture_slice["overlay"]) == 255  # and its picture is up to date
    widget.answer(wish(2))
    assert widget.frame["error"] == ""


def test_a_scatters_crosshair_needs_no_sliders(widget):
    assert widget.frame["values"]["z1"] == 0.0
    widget.answer(wish(1, z1=1.5, z2=-2.0))
    assert (widget.state.z1, widget.state.z2) == (1.5, -2.0)


def test_a_matrix_arrives_as_rows_and_a_wrong_one_is_told(widget):
    widget.answer(wish(1, kernel=[[1.0, 2.0, 3.0], [0.0, 0.5, 0.0], [0.0, 0.0, -1.0]]))
    assert widget.state.kernel[0] == [1.0, 2.0, 3.0]
    widget.answer(wish(2, kernel=[["a"]]))
    assert "kernel" in widget.frame["error"]
    assert widget.frame["values"]["kernel"][2] == [0.0, 0.0, -1.0]


def test_a_training_thread_moves_the_page_by_counting(widget):
    def train():
        for _ in range(5):
            widget.state.losses.append(0.1)
            widget.state.changed += 1

    before = widget.frame["count"]
    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert widget.frame["count"] == before + 5
    assert numbers(widget.picture_loss["lines"][0]["y"])[-1] == pytest.approx(0.1)


def test_contents_that_did_not_change_are_not_sent_again(widget, monkeypatch):
    sent = []
    monkeypatch.setattr(widget, "_send", lambda message, buffers=None: sent.append(message["state"]))
    widget.answer(wish(1, stroke(1, (5, 5))))
    assert {name for one in sent for name in one if name.startswith("picture_")} == {"picture_slice"}


# ---- contents


def test_lines_travel_as_float32_with_their_spans_and_words(widget):
    line = widget.picture_pr["lines"][0]
    np.testing.assert_array_equal(numbers(line["at"]), np.linspace(0, 1, 256, dtype=np.float32))
    assert len(line["x"]) == len(line["y"]) == 4 * 256
    assert "VAE: from 0.2 to 0.95, lowest 0.2 at 1, highest 0.95 at 0." in widget.picture_pr["words"]


def test_a_fitted_axis_holds_what_is_finite_and_bars_stand_on_zero():
    x, y = Lines([Line("a", np.array([1.0, 2.0, 4.0]), np.array([np.nan, 10.0, 30.0]))]).spans()
    assert x == (1.0, 4.0)
    assert y == pytest.approx((9.0, 31.0))  # 5 % of 20 more at both ends
    assert Lines([Line("b", np.array([0.0, 1.0, 2.0]), np.array([5.0, 9.0]))]).spans()[1][0] == 0.0
    assert Lines([]).spans() == ((0.0, 1.0), (0.0, 1.0))
    assert Lines([Line("c", np.array([3.0]), np.array([0.0]))]).spans() == ((1.5, 4.5), (-0.5, 0.5))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=8))
def test_any_line_has_axes_with_two_ends_and_words(values):
    y = np.array(values, dtype=np.float64)
    lines = Lines([Line("any", np.arange(len(y)), y)])
    for low, high in lines.spans():
        assert np.isfinite([low, high]).all()
        assert low < high
    assert "any" in lines.words()


def test_a_line_that_has_begun_nothing_says_so():
    assert Lines([]).words() == "Nothing to show yet."
    assert Lines([Line("train", np.zeros(0), np.zeros(0))]).words() == "train: nothing yet."


def test_readings_are_those_of_the_nearest_threshold():
    table = Readings(
        np.array([0.0, 0.5, 1.0]),
        [Reading("Dice", np.array([0.1, 0.62, np.nan])), Reading("Missed", np.array([0, 12.34, 99]), 1, "%")],
    )
    assert table.words(0.6) == "Dice 0.62, Missed 12.3 %."
    assert table.words(9.0) == "Dice –, Missed 99.0 %."


@pytest.mark.parametrize(
    ("panel", "content", "words"),
    [
        (Curve("c", "", "", ""), Picture(np.zeros((2, 2), np.uint8)), "takes Lines"),
        (Panel("p", ""), Lines([]), "takes Picture"),
        (Curve("c", "", "", ""), Lines([Line("short", np.zeros(3), np.zeros(5))]), "'short' has 3 x and 5 y"),
        (Curve("c", "", "", ""), Lines([Line("short", np.zeros(3), np.zeros(3), np.zeros(2))]), "'short'"),
        (Lookup("l", ""), Readings(np.zeros(4), [Reading("Dice", np.zeros(3))]), "Dice has 3 numbers for 4"),
        (
            Scatter("s", "", Axis("x", 0, 1), Axis("y", 0, 1), "", "", ""),
            Points(np.zeros(3), np.zeros(2), np.zeros(3)),
            "one length",
        ),
    ],
)
def test_a_content_that_does_not_fit_is_refused_in_words(panel, content, words, monkeypatch):
    monkeypatch.setattr(canvas, "moved", lambda _: ())  # the state here has no crosshair
    assert words in one_panel(panel, content).frame["error"]


def test_a_frame_that_names_no_panel_is_told():
    class Lost(traitlets.HasTraits):
        def frame(self) -> Frame:
            return Frame({"pannel": Picture(np.zeros((2, 2), np.uint8))}, "")

    widget = Canvas(Lost(), [Panel("panel", "")], [], title="", caption="")
    assert "'pannel', which does not exist" in widget.frame["error"]


# ---- the static picture


def test_every_kind_of_panel_has_a_static_picture(widget):
    sheet = Image.open(io.BytesIO(widget.png())).convert("RGB")
    assert sheet.size == (4 * 256 + 3 * 10, 2 * 256 + 10)
    tiles = [sheet.crop((266 * (i % 4), 266 * (i // 4), 266 * (i % 4) + 256, 266 * (i // 4) + 256)) for i in range(7)]
    for tile in tiles:
        assert len(np.unique(np.asarray(tile).reshape(-1, 3), axis=0)) > 10


def test_the_static_swipe_shows_both_pictures_up_to_the_divider():
    class Duel(traitlets.HasTraits):
        def frame(self) -> Frame:
            dark, bright = (Picture(np.full((4, 4), value, np.uint8)) for value in (50, 200))
            return Frame({"a": dark, "b": bright}, "")

    look = {"low": 0.0, "high": 1.0, "swipe": 0.25}
    widget = Canvas(Duel(), [Swipe("duel", "", ("a", "A"), ("b", "B"))], [], title="", caption="", look=look)
    row = np.asarray(Image.open(io.BytesIO(widget.png())).convert("L"))[128]
    assert set(row[:60]) == {50}
    assert set(row[70:]) == {200}


def test_the_static_marker_stands_at_the_nearest_point():
    line = Line("VAE", np.array([0.9, 0.5, 0.1]), np.array([0.2, 0.6, 0.8]), np.array([0.0, 0.5, 1.0]))
    assert stillplot.marked(line, 0.6) == (0.5, 0.6)
    assert stillplot.marked(line._replace(at=None), 0.6) is None
    assert stillplot.marked(line._replace(y=np.array([0.2, np.nan, 0.8])), 0.6) is None


# ---- nothing is left behind


def test_two_hundred_canvases_opened_and_closed_leave_nothing():
    def cycle() -> tuple[weakref.ref, weakref.ref]:
        state = EveryPart()
        made = every_part(state)
        made.answer(wish(1, press(1, "never")))
        made.close()
        return weakref.ref(made), weakref.ref(state)

    def standing() -> tuple[int, int, int]:
        gc.collect()
        return threading.active_count(), len(ipywidgets.widgets.widget._instances), len(gc.get_objects())

    for _ in range(5):  # what is imported or cached once
        cycle()
    threads, comms, objects = standing()
    left = [one for _ in range(200) for one in cycle()]
    after = standing()
    assert (threads, comms) == after[:2]
    assert not any(one() for one in left)
    assert after[2] - objects < 200 + len(left)  # the list of references itself, and less than one object a cycle


def test_the_module_is_all_of_its_files():
    scripts = {one.stem for one in canvas.STATIC.glob("*.js")}
    styles = {one.stem for one in canvas.STATIC.glob("*.css")}
    assert scripts == set(canvas.SCRIPTS)
    assert styles == set(canvas.STYLES)
    assert Canvas._esm.count("export default") == 1


def test_a_button_needs_a_state_that_can_be_pressed():
    class Deaf(traitlets.HasTraits):
        def frame(self) -> Frame:
            return Frame({}, "")

    widget = Canvas(Deaf(), [], [Button("go", "Go")], title="", caption="")
    widget.answer(wish(1, press(1, "go")))
    assert "press" in widget.frame["error"]
