"""Widgets without a browser: set a trait and look at a trait; what reaches the page is in tests/browser."""

import io
import re
import threading
import time

import matplotlib
import numpy as np
import pytest
import traitlets
from PIL import Image

from brainlab import InputError, contrast, geometry
from brainlab.widgets import canvas, volume_viewer
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.contrast_lab import NOISE, ContrastLabState, _stops
from brainlab.widgets.frame import Frame, Picture, to_bytes
from brainlab.widgets.parts import Panel, Slider
from brainlab.widgets.volume_viewer import Grid, VolumeViewerState


class Ramp(traitlets.HasTraits):
    """A state for the canvas alone: one number, two pictures, of which one never changes."""

    level = traitlets.Float(10.0, max=255.0)

    def frame(self) -> Frame:
        if self.level == 13:
            raise InputError("13 cannot be shown; take another level.")
        if self.level == 14:
            raise ZeroDivisionError("half of nothing")
        moving, still = np.full((4, 6), self.level, np.uint8), np.zeros((2, 2), np.uint8)
        return Frame({"moving": Picture(moving), "still": Picture(still)}, f"Level {self.level:.0f}.")


@pytest.fixture
def ramp():
    panels = [Panel("moving", "Moving"), Panel("still", "Still")]
    widget = Canvas(
        Ramp(), panels, [Slider("level", "Level", 0, 255, 1)], title="Ramp", caption="Not for clinical use."
    )
    yield widget
    widget.close()


def image(widget: Canvas, name: str = "moving") -> set[int]:
    """The byte values of a panel."""
    return set(getattr(widget, f"picture_{name}")["image"])


def wish(seq: int, **values) -> dict:
    return {"client": "a browser", "seq": seq, "values": values}


def test_a_frame_carries_the_number_of_the_wish_it_answers(ramp):
    ramp.answer(wish(7, level=20.0))
    assert (ramp.frame["client"], ramp.frame["seq"]) == ("a browser", 7)
    assert ramp.frame["values"] == {"level": 20.0}
    assert image(ramp) == {20}


def test_a_wish_for_what_is_already_shown_is_answered_all_the_same(ramp):
    ramp.answer(wish(1, level=20.0))
    ramp.answer(wish(2, level=20.0))
    assert ramp.frame["seq"] == 2  # an unchanged trait would not be sent, and the browser would wait for ever


def test_only_pictures_that_changed_are_sent_again(ramp, monkeypatch):
    sent = []
    monkeypatch.setattr(ramp, "_send", lambda message, buffers=None: sent.append(message))
    ramp.answer(wish(1, level=20.0))
    assert len(sent) == 1
    assert "picture_moving" in sent[0]["state"]
    assert "picture_still" not in sent[0]["state"]


def test_one_wish_for_several_values_costs_one_frame(ramp, monkeypatch):
    frames = []
    monkeypatch.setattr(Ramp, "frame", lambda self: frames.append(1) or Frame({}, ""))
    ramp.answer(wish(1, level=30.0))
    assert len(frames) == 1


def test_a_state_moved_from_python_moves_the_page(ramp):
    ramp.state.level = 40.0
    assert ramp.frame["values"] == {"level": 40.0}
    assert image(ramp) == {40}


def test_a_cell_may_move_the_state_while_the_page_does(ramp):
    def drag():
        for seq in range(200):
            ramp.answer(wish(seq, level=float(seq % 10)))

    page = threading.Thread(target=drag)  # as with Jupyter's subshells, or a model that trains beside the page
    page.start()
    for level in range(50, 250):
        ramp.state.level = float(level)
    page.join()
    ramp.state.level = 77.0
    assert image(ramp) == {77}
    assert ramp.frame["values"] == {"level": 77.0}
    assert ramp.frame["count"] > 300


@pytest.mark.parametrize(
    ("level", "words"),
    [(13.0, "13 cannot be shown; take another level."), (14.0, "ZeroDivisionError: half of nothing"), (300.0, "255")],
)
def test_an_error_is_a_sentence_on_the_page_and_the_last_picture_stays(ramp, level, words):
    ramp.answer(wish(1, level=20.0))
    ramp.answer(wish(2, level=level))
    assert words in ramp.frame["error"]
    assert ramp.failure is not None
    assert ramp.frame["seq"] == 2
    assert image(ramp) == {20}
    ramp.answer(wish(3, level=21.0))
    assert ramp.frame["error"] == ""


def test_a_wish_cannot_set_what_is_no_control(ramp):
    ramp.answer(wish(1, frame="gone"))
    assert callable(ramp.state.frame)


def test_a_picture_of_floats_is_refused_in_words(ramp, monkeypatch):
    monkeypatch.setattr(Ramp, "frame", lambda self: Frame({"moving": Picture(np.zeros((2, 2)))}, ""))
    ramp.answer(wish(1, level=20.0))
    assert "uint8" in ramp.frame["error"]


def test_closing_lets_go_of_the_state():
    state = Ramp()
    widget = Canvas(state, [Panel("moving", "M"), Panel("still", "S")], [Slider("level", "L")], title="", caption="")
    before = widget.frame["count"]
    widget.close()
    widget.close()  # as Python does once more when it throws the widget away
    state.level = 99.0
    assert widget.frame["count"] == before


def test_two_copies_of_one_state_stay_together():
    state = Ramp()
    panels, controls = [Panel("moving", "M"), Panel("still", "S")], [Slider("level", "L", 0, 255, 1)]
    one, other = (Canvas(state, panels, controls, title="", caption="") for _ in range(2))
    one.answer(wish(1, level=50.0))
    assert image(one) == image(other) == {50}
    assert other.frame["client"] == ""


def test_a_static_picture_with_alternative_text_is_published_before_the_widget(ramp, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    ramp._ipython_display_()
    still, live = shown
    assert 'alt="Ramp. Level 10."' in still["text/html"]
    assert "Not for clinical use." in still["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in live
    assert "application/vnd.jupyter.widget-view+json" not in still


def test_the_static_picture_shows_the_window_and_the_overlay():
    state = Ramp()
    state.frame = lambda: Frame(
        {"moving": Picture(np.full((4, 4), 100, np.uint8), overlay=np.diag([255] * 4).astype(np.uint8))}, ""
    )
    look = {"low": 0.0, "high": 1.0, "opacity": 1.0, "threshold": 0.5}
    widget = Canvas(state, [Panel("moving", "M", overlay_colours="amber")], [], title="", caption="", look=look)
    picture = np.asarray(Image.open(io.BytesIO(widget.png())).convert("RGB"))
    assert picture.shape[0] == picture.shape[1]
    np.testing.assert_allclose(picture[16, -16], 100, atol=2)  # off the diagonal: grey as it is
    np.testing.assert_allclose(picture[32, 32], [255, 176, 0], atol=12)  # on it: amber


def test_bytes_keep_the_span_and_clip_the_rest():
    values = np.array([[-1.0, 0.0, 0.5, 1.0, 9.0, np.nan]])
    np.testing.assert_array_equal(to_bytes(values, (0.0, 1.0)), [[0, 0, 128, 255, 255, 0]])


def test_the_browsers_inferno_is_matplotlibs():
    anchors = re.search(r"INFERNO = \[(.*?)\]", (canvas.STATIC / "colour.js").read_text(), re.S)
    assert anchors
    colours = [[int(one[i : i + 2], 16) for i in (0, 2, 4)] for one in re.findall(r'"(\w{6})"', anchors[1])]
    at = np.linspace(0, len(colours) - 1, 256)
    ours = np.stack([np.interp(at, range(len(colours)), channel) for channel in zip(*colours, strict=True)], axis=1)
    theirs = 255 * matplotlib.colormaps["inferno"](np.linspace(0, 1, 256))[:, :3]
    assert np.abs(ours - theirs).max() < 8  # of 255


# ---- the volume viewer


def block(shape=(40, 50, 30)) -> Grid:
    """2 mm voxels, dark, with one bright corner at the patient's right, anterior, superior end."""
    data = np.full(shape, 0.2, np.float32)
    data[30:, 40:, 22:] = 1.0
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = [-40, -50, -30]
    return Grid(data, affine)


def test_the_patients_right_is_on_the_images_left_and_anterior_at_the_top():
    state = VolumeViewerState(block())
    state.x, state.y, state.z = 30.0, 40.0, 24.0
    axial, coronal, sagittal = (state.picture(name).image for name in geometry.PLANES)
    half = len(axial) // 2
    for image in (axial, coronal, sagittal):  # right, anterior and superior all lie to the top left
        quarter = image[:half, :half]
        assert (quarter == 255).sum() > 0.9 * (image == 255).sum() > 0


def test_only_the_planes_that_the_crosshair_left_are_cut_again(monkeypatch):
    state = VolumeViewerState(block())
    state.frame()
    cut = []
    monkeypatch.setattr(state, "_plane", lambda grid, name, position: cut.append(name) or np.zeros((8, 8)))
    state.x += 3
    state.frame()
    assert cut == ["sagittal"]


def test_the_crosshair_starts_in_the_lesion():
    base = block()
    mask = np.zeros(base.data.shape, bool)
    mask[10:13, 20:23, 5:8] = True
    state = VolumeViewerState(base, Grid(mask, base.affine))
    np.testing.assert_allclose([state.x, state.y, state.z], [-18, -8, -18], atol=2)
    assert "inside the mask" in state.readout()
    overlay = state.picture("axial").overlay
    assert overlay is not None
    assert overlay.max() == 255


def test_a_viewer_names_the_place_in_words():
    state = VolumeViewerState(block())
    state.x, state.y, state.z = -12.0, 20.0, -5.0
    assert "12 mm left, 20 mm anterior, 5 mm inferior" in state.readout()
    state.x = 1000.0
    assert "outside the volume" in state.readout()


def test_a_viewer_leaves_its_volume_as_it_was():
    base = block()
    before = base.data.copy()
    widget = volume_viewer(base.data, base.data > 0.5, affine=base.affine)
    widget.answer(wish(1, x=10.0))
    np.testing.assert_array_equal(base.data, before)
    assert widget.frame["values"]["x"] == 10.0


def test_a_mask_of_numbers_is_a_mask():
    base = block()
    widget = volume_viewer(base.data, (base.data > 0.5).astype(np.float32), affine=base.affine)
    assert "inside the mask" in widget.state.readout()
    assert {one["overlay_colours"] for one in widget.spec["panels"]} == {"amber"}


def test_a_map_of_zeros_reads_as_a_map():
    base = block()
    widget = volume_viewer(base.data, np.zeros(base.data.shape, np.float32), affine=base.affine)
    assert "Overlay: 0.00." in widget.state.readout()
    empty = volume_viewer(base.data, np.zeros(base.data.shape, bool), affine=base.affine)
    assert "Overlay: outside the mask." in empty.state.readout()


def test_a_map_with_nothing_finite_starts_in_the_middle_and_has_no_value():
    base = block()
    alone = VolumeViewerState(base)
    state = VolumeViewerState(base, Grid(np.full(base.data.shape, np.nan, np.float32), base.affine))
    assert (state.x, state.y, state.z) == (alone.x, alone.y, alone.z)
    assert "Overlay: no value." in state.readout()


@pytest.mark.parametrize("mm", [0.01, 0.03])
@pytest.mark.parametrize("corner", [0.0, -0.2, 5.3])
def test_sliders_of_a_tiny_volume_have_two_ends_with_the_crosshair_between(mm, corner):
    affine = np.diag([mm, mm, mm, 1.0])
    affine[:3, 3] = corner
    widget = volume_viewer(block().data, affine=affine)
    for slider in widget.spec["controls"]:
        assert slider["low"] < slider["high"]
        assert slider["low"] <= getattr(widget.state, slider["name"]) <= slider["high"]


@pytest.mark.parametrize(
    ("volume", "overlay", "words"),
    [
        (np.zeros((4, 4)), None, "X, Y, Z"),
        (block().data, np.zeros((2, 2, 2)), "same grid"),
        (np.zeros((3, 3, 3, 2)), None, "X, Y, Z"),
    ],
)
def test_a_viewer_says_what_it_cannot_show(volume, overlay, words):
    with pytest.raises(InputError, match=words):
        volume_viewer(volume, overlay, affine=block().affine)


def test_a_volume_without_an_affine_is_refused():
    with pytest.raises(InputError, match="affine"):
        volume_viewer(block().data)


def test_a_raw_scan_with_nan_is_shown_on_its_own_scale():
    base = block()
    data = base.data * 900
    data[0, 0, 0] = np.nan
    state = VolumeViewerState(Grid(data, base.affine))
    assert state.span == pytest.approx((180, 900), rel=0.01)
    assert state.frame().pictures["axial"].image.dtype == np.uint8


# ---- the contrast lab


@pytest.fixture
def lab() -> ContrastLabState:
    tissues = np.eye(3, dtype=np.float32)[:, None, :].repeat(40, axis=1)  # (3, 40, 3): a column for each tissue
    healthy: dict[str, np.ndarray] = dict(zip(("gm", "wm", "csf"), tissues, strict=True))
    return ContrastLabState({"none": healthy, "ms": {**healthy, "plaque": np.zeros((40, 3), np.float32)}})


@pytest.mark.parametrize("preset", ["T1w", "T2w", "FLAIR"])
def test_a_preset_sets_the_times_and_the_signals_follow_the_signal_equation(lab, preset):
    lab.preset = preset
    expected = {tissue: contrast.signal(tissue, preset, 3.0) for tissue in ("gm", "wm", "csf")}
    assert lab.signals() == pytest.approx(expected)
    assert lab.preset == preset


def test_t1w_t2w_and_flair_order_the_tissues_as_radiologists_know_them(lab):
    order = {}
    for preset in ("T1w", "T2w", "FLAIR"):
        lab.preset = preset
        signals = lab.signals()
        order[preset] = sorted(signals, key=lambda name: -signals[name])
    assert order == {"T1w": ["wm", "gm", "csf"], "T2w": ["csf", "gm", "wm"], "FLAIR": ["gm", "wm", "csf"]}


def test_a_pixel_shows_its_tissues_signal(lab):
    lab.preset = "T2w"
    np.testing.assert_allclose(lab.image().mean(axis=0), list(lab.signals().values()), atol=4 * NOISE / 40**0.5)


def test_a_time_set_by_hand_makes_the_sequence_ones_own(lab):
    lab.te = 50.0
    assert lab.preset == "own"
    assert lab.tr == contrast.SEQUENCES["T1w"].tr  # what was not touched stays
    lab.preset = "T2w"
    assert (lab.tr, lab.te, lab.inversion) == (5000, 100, False)


def test_without_an_inversion_pulse_ti_has_no_effect(lab):
    lab.preset = "T2w"
    before = lab.image()
    lab.ti = 900.0
    np.testing.assert_array_equal(lab.image(), before)
    assert lab.frame().disabled == ("ti",)


def test_vanishing_signal_leaves_noise_and_the_readout_says_so(lab):
    lab.inversion, lab.te = False, 2000.0
    lab.tr = 2001.0
    assert "mostly noise" not in lab.frame().readout  # CSF still shines at a TE of 2 s
    lab.tr, lab.te = 100.0, 99.0
    assert "mostly noise" in lab.frame().readout


@pytest.mark.parametrize(("name", "value"), [("te", 3000.0), ("ti", 2399.0), ("tr", 2.0)])
def test_times_that_contradict_each_other_are_a_sentence(lab, name, value):
    setattr(lab, name, value)
    with pytest.raises(InputError, match="lengthen TR"):
        lab.frame()


def test_a_lesion_brings_its_own_tissue(lab):
    lab.lesion = "ms"
    table = lab.frame().table
    assert table is not None
    assert "Plaque" in [name for name, *_ in table.rows]
    with pytest.raises(InputError, match="lesion must be one of"):
        lab.lesion = "flu"


def test_the_sliders_reach_every_preset_exactly():
    for name, low, high in (("tr", 100, 12000), ("te", 3, 600), ("ti", 50, 5000)):
        stops = _stops(low, high)
        assert list(stops) == sorted(stops)
        wanted = {getattr(one, name) for one in contrast.SEQUENCES.values()} - {None}
        assert wanted <= set(stops)


def test_one_move_of_a_slider_costs_milliseconds():
    maps = np.random.default_rng(0).random((5, 160, 160), dtype=np.float32)
    tissues: dict[str, np.ndarray] = dict(zip(contrast.TISSUES, maps, strict=False))
    state = ContrastLabState({"none": tissues})
    times = []
    for te in range(10, 30):
        started = time.perf_counter()
        state.te = float(te)
        state.frame()
        times.append(time.perf_counter() - started)
    assert np.median(times) < 0.02
