"""The lesion painter without a browser: strokes and presses in, pictures, masks and scores out."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import brainlab as bl
from brainlab import InputError, anomaly, checkpoints, data, metrics
from brainlab.slices import About, Slices
from brainlab.widgets import lesion_painter as painter_widget
from brainlab.widgets.answering import thresholded
from brainlab.widgets.lesion_painter import MODELS, LesionPainterState, lesion_painter, show
from brainlab.widgets.painting import STEPS, VISIBLE, Painting, brushed
from tests.tiny import tiny

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 32  # px of 6.5 mm


def discs(n: int, name: str, size: int = SIZE, contrast: str | None = "T1w") -> Slices:
    """Grey discs with texture, of n people; left of the middle darker than right."""
    y, x = np.mgrid[:size, :size]
    inside = np.hypot(x - (size - 1) / 2, y - (size - 1) / 2) < 0.42 * size
    noise = np.random.default_rng(len(name)).normal(0, 0.02, (n, 1, size, size))
    images = ((0.4 + 0.1 * (x > size / 2) + noise).clip(0, 1) * inside).astype(np.float32)
    brain = torch.from_numpy(inside).expand(n, 1, size, size).clone()
    affine, about = np.tile(np.eye(4), (n, 1, 1)), About("made up", "none", "none", synthetic=True)
    people = tuple(f"{name}-{i}" for i in range(n))
    well, heights = ("healthy",) * n, np.arange(n) * 10.0
    masks = torch.zeros_like(brain)
    return Slices(
        torch.from_numpy(images), masks, brain, people, well, heights, well, affine, contrast, 208 / size, about
    )


@pytest.fixture(scope="module")
def nets() -> dict[str, torch.nn.Module]:
    return {"AE": tiny(bl.Autoencoder).eval(), "DAE": tiny(bl.DenoisingAutoencoder).eval()}


@pytest.fixture
def state(nets) -> LesionPainterState:
    made = LesionPainterState(discs(3, "ill"), thresholded(nets, discs(4, "val")))
    made.softness = 0.0
    return made


def dab(state: LesionPainterState, column: float = 140.0, row: float = 80.0) -> None:
    """One dab, in mm of the picture, by default to the right and above the middle."""
    state.stroke("paint", np.array([[column, row]]), True)


def picture(widget, name: str) -> dict[str, Any]:
    """What the page has been sent for a panel."""
    return getattr(widget, f"picture_{name}")


def image(state: LesionPainterState) -> torch.Tensor:
    return state.painted.images[0, 0]


# ---- the brush


@pytest.mark.parametrize(
    ("radius", "softness", "full", "half", "none"),
    [(2.0, 0.0, 1, 2, 3), (4.0, 1.0, 0, 2, 4), (4.0, 0.5, 2, 3, 4)],
)
def test_paint_is_full_inside_half_at_the_edges_middle_and_nothing_beyond(radius, softness, full, half, none):
    share = brushed((1, 21, 21), np.array([[10.0, 10.0]]), radius, softness)[0]
    for away, expected in ((full, 1.0), (half, 0.5), (none, 0.0)):
        assert share[10, 10 + away] == pytest.approx(expected)
        assert share[10 - away, 10] == pytest.approx(expected)


def test_a_line_is_as_wide_as_the_brush_all_along():
    share = brushed((1, 21, 41), np.array([[10.0, 10.0], [30.0, 10.0]]), 3.0, 0.0)[0]
    expected = torch.tensor([0, 0.5, 1, 1, 1, 1, 1, 0.5, 0])  # 4 to either side
    for column in (10, 15, 20, 30):
        torch.testing.assert_close(share[6:15, column], expected)
    assert share[10, 34] == 0


@given(seed=st.integers(0, 10**6), cut=st.integers(1, 7))
@settings(deadline=None, max_examples=25)
def test_a_stroke_that_comes_in_parts_paints_what_it_would_paint_at_once(seed, cut):
    points = np.random.default_rng(seed).uniform(5, 27, (8, 2))
    whole, parts = Painting(discs(1, "ill")), Painting(discs(1, "ill"))
    for painting in (whole, parts):
        painting.begin(0, 0.3, 2.5, 0.7)
    whole.draw(0, points)
    parts.draw(0, points[: cut + 1])
    parts.draw(0, points[cut:])  # it starts with the last point of the part before
    torch.testing.assert_close(parts.image(0), whole.image(0))
    assert parts.steps(0) == whole.steps(0) == 1


@pytest.mark.parametrize("level", [0.4, -0.3])
def test_a_stroke_is_painted_where_the_pointer_was(state, level):
    state.level = level
    before = state.slices.images[0, 0].clone()
    state.stroke("paint", np.array([[140.0, 60.0], [140.0, 100.0]]), True)  # mm: a line from top to bottom
    change = image(state) - before
    rows, columns = np.nonzero(state.painted.masks[0, 0].numpy())
    assert columns.mean() == pytest.approx(140.5 / 6.5 - 0.5, abs=0.3)
    assert rows.mean() == pytest.approx(80.5 / 6.5 - 0.5, abs=0.3)
    assert np.ptp(rows) > np.ptp(columns)
    assert (change[rows, columns] * np.sign(level) > 0).all()
    assert change[:, :12].abs().max() == 0  # far from the brush nothing changed
    torch.testing.assert_close(state.slices.images[0, 0], before)  # and never the slices that were given


def test_outside_the_brain_nothing_is_painted_and_the_readout_says_so(state):
    state.stroke("paint", np.array([[3.0, 3.0], [20.0, 3.0]]), True)
    assert "outside the brain" in state.frame().readout
    assert not state.painting.touched(0)
    state.radius = 25.0
    dab(state, 20.0, 104.0)  # over the edge
    assert "outside the brain" not in state.frame().readout
    changed = image(state) != state.slices.images[0, 0]
    assert changed.any()
    assert not (changed & ~state.slices.brain[0, 0]).any()


def test_intensity_zero_rubs_out(state):
    dab(state)
    state.level, state.radius = 0.0, 25.0
    dab(state)
    torch.testing.assert_close(image(state), state.slices.images[0, 0])
    assert "rubs out" in state.frame().spoken["level"]


def test_the_words_for_intensity_name_hypo_and_hyper(state):
    state.level = -0.25
    assert state.frame().spoken["level"] == "−0.25: darker than the tissue around (hypo)"
    state.level = 0.25
    assert state.frame().spoken["level"] == "+0.25: brighter than the tissue around (hyper)"


# ---- truth, steps, drops


@pytest.mark.parametrize("level", [0.4, -0.3, 0.12])
def test_the_truth_is_where_painting_changed_the_brain_by_the_rule(state, level):
    state.level, state.softness, state.radius = level, 1.0, 25.0
    dab(state)
    change = (image(state) - state.slices.images[0, 0]).abs()
    shown = state.painted
    assert torch.equal(shown.masks[0, 0], (change >= VISIBLE) & shown.brain[0, 0])
    assert 0 < shown.masks.sum() < (change > 0).sum()  # a faint rim is not the truth


def test_what_is_too_faint_is_no_lesion_and_the_readout_says_so(state):
    state.level = 0.05
    dab(state)
    assert not state.painted.masks.any()
    assert "too faint to count" in state.frame().readout


def test_steps_are_undone_one_by_one_and_clearing_is_one_of_them(state):
    assert set(state.frame().disabled) == {"undo", "clear", "save"}
    seen = [image(state).clone()]
    for column in (90.0, 110.0, 130.0):
        dab(state, column)
        seen.append(image(state).clone())
    state.press("clear")
    assert torch.equal(image(state), seen[0])
    assert set(state.frame().disabled) == {"clear", "save"}
    for before in reversed(seen):
        state.press("undo")
        assert torch.equal(image(state), before)
    state.press("undo")
    assert torch.equal(image(state), seen[0])


def test_a_stroke_is_one_step_whatever_its_parts(state):
    dab(state)
    first = image(state).clone()
    state.stroke("paint", np.array([[90.0, 120.0]]), True)
    for column in (100.0, 110.0, 120.0):
        state.stroke("paint", np.array([[column - 10, 120.0], [column, 120.0]]), False)
    state.press("undo")
    assert torch.equal(image(state), first)


def test_a_drag_that_is_undone_midway_goes_on_as_a_new_stroke(state):
    dab(state)
    state.press("undo")
    state.stroke("paint", np.array([[90.0, 120.0], [100.0, 120.0]]), False)
    assert state.painting.steps(0) == 1
    assert image(state)[12, 21] == state.slices.images[0, 0, 12, 21]  # what was undone stays undone


def test_no_more_steps_are_kept_than_promised(state):
    for i in range(STEPS + 5):
        dab(state, 90.0 + i)
    assert state.painting.steps(0) == STEPS
    state.press("clear")
    assert not state.painting.touched(0)


def test_each_slice_keeps_its_own_painting(state):
    dab(state)
    painted = image(state).clone()
    state.slice = "2"
    assert not state.painting.touched(2)
    state.stroke("paint", np.array([[90.0, 120.0]]), False)  # a stroke from before the turn
    assert state.painting.steps(2) == 1
    assert torch.equal(image(state)[:, 20:], state.slices.images[2, 0, :, 20:])  # it brought nothing along
    state.slice = "0"
    assert torch.equal(image(state), painted)
    assert state.as_slices().subjects == ("ill-0", "ill-2")
    with pytest.raises(InputError, match="from 0 to 2"):
        state.slice = "3"


@pytest.mark.parametrize("kind", ["tumour", "ms", "infarct"])
def test_a_dropped_lesion_lies_in_the_brain_at_another_place_each_time(state, kind):
    masks = []
    for _ in range(2):
        state.press(kind)
        masks.append(state.painted.masks.clone())
        state.press("undo")
    assert all(one.any() for one in masks)
    assert not any((one & ~state.painted.brain).any() for one in masks)
    assert not torch.equal(*masks)
    assert not state.painted.masks.any()


def test_a_lesion_as_bright_as_what_it_covers_is_refused_in_words(state):
    state.level = 0.0
    with pytest.raises(InputError, match="darker or brighter"):
        state.press("tumour")
    assert state.painting.steps(0) == 0


def test_the_painting_leaves_as_slices(state):
    with pytest.raises(InputError, match="Nothing visible is painted"):
        state.as_slices()
    state.slice = "1"
    dab(state)
    out = state.as_slices()
    assert (out.visit, out.labels, out.subjects) == (("painted",), ("painted",), ("ill-1",))
    assert torch.equal(out.images[0, 0], image(state))
    assert torch.equal(out.masks, state.painted.masks)
    assert out.masks.any()
    assert torch.equal(out.brain, state.slices.brain[1:2])
    assert float(out.position_mm[0]) == 10.0


# ---- the answers


def test_what_is_saved_is_loaded_again_and_overwrites_nothing(state, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="Nothing visible is painted yet"):
        state.press("save")
    dab(state)
    state.press("save")
    assert 'Saved: data.load("painting-1.npz")' in state.frame().readout
    state.press("save")
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        f"painting-{n}.{kind}" for n in (1, 2) for kind in ("npz", "png")
    ]
    loaded, made = data.load("painting-1.npz", size=SIZE), state.as_slices()
    torch.testing.assert_close(loaded.images, made.images)
    assert torch.equal(loaded.masks, made.masks)
    assert (loaded.subjects, loaded.visit, loaded.contrast) == (made.subjects, made.visit, made.contrast)
    sheet = np.asarray(Image.open("painting-1.png")).astype(int)
    assert sheet.shape == (512, 1024, 3)
    amber = (sheet[..., 0] - sheet[..., 2] > 60)[:, 512:]  # the truth, filled in
    np.testing.assert_array_equal(amber, np.kron(made.masks[0, 0].numpy(), np.ones((16, 16), bool)))


def test_every_answer_is_the_kits_own(state, nets):
    val, level = discs(4, "val"), 0.01
    dab(state)
    shown = state.as_slices()
    scores: dict[str, Any] = {"Brightness alone": anomaly.brightness, "Darkness alone": anomaly.darkness}
    scores |= {name: anomaly.scored(net) for name, net in nets.items()}
    assert [one.name for one in state.methods] == list(scores)
    for (name, score), method, got in zip(scores.items(), state.methods, state.answers(), strict=True):
        cut = anomaly.threshold_at_fpr(anomaly.clean(score(val), val.brain), val.brain, level)
        maps = anomaly.clean(score(shown), shown.brain)
        assert method.threshold == cut, name
        torch.testing.assert_close(got.scores, maps)
        assert torch.equal(got.called, maps > cut)
        assert got.dice == metrics.dice(maps > cut, shown.masks)
        assert got.ap == metrics.average_precision(maps, shown.masks, shown.brain)
        assert got.false_alarms == metrics.false_positive_rate(maps > cut, shown.masks, shown.brain)


def test_the_table_holds_each_score_and_what_chance_would_have(state):
    dab(state)
    table = state.frame().table
    assert table is not None
    assert [name.replace("\N{NO-BREAK SPACE}", " ") for name, *_ in table.rows] == [
        "Brightness alone",
        "Darkness alone",
        "AE",
        "DAE",
        "Chance",
    ]
    bright = state.answers()[0]
    assert bright.dice > 0.3
    assert f"Dice {bright.dice:.2f}, AP {bright.ap:.2f}" in table.rows[0][1]
    assert table.rows[0][2] == bright.dice
    prevalence = metrics.prevalence(state.painted.masks, state.painted.brain)
    assert table.rows[-1][1] == f"AP {prevalence:.2f}"


def test_brightness_finds_what_is_bright_and_darkness_what_is_dark(state):
    state.radius = 20.0
    for level, better, worse in ((0.5, 0, 1), (-0.35, 1, 0)):
        state.level = level
        dab(state, 104.0, 104.0)
        answers = state.answers()
        assert answers[better].dice > 0.5
        assert answers[worse].dice == 0
        state.press("undo")


def test_an_unpainted_slice_has_no_scores_but_its_false_alarms(state):
    frame = state.frame()
    assert frame.table is not None
    assert "Dice –, AP –" in frame.table.rows[0][1]
    assert frame.table.rows[0][2] is None
    assert frame.readout.startswith("Healthy as it is")


def test_painting_moves_no_threshold_and_one_in_a_hundred_healthy_pixels_lies_above(state, nets):
    before = [one.threshold for one in state.methods]
    dab(state)
    state.frame()
    assert [one.threshold for one in state.methods] == before
    val = discs(4, "val")
    for method in thresholded(nets, val, 0.05):
        maps = anomaly.clean(method.score(val), val.brain)
        assert float((maps > method.threshold)[val.brain].double().mean()) <= 0.05
        assert method.threshold < before[[one.name for one in state.methods].index(method.name)]


def test_the_verdict_names_the_better_side(state):
    dab(state)
    network, plain = (max(one.dice for one in side) for side in (state.answers()[2:], state.answers()[:2]))
    verdict = "beats" if network > plain else "does not beat"
    assert f"{verdict} brightness alone ({plain:.2f})" in state.readout()


def test_moving_the_brush_asks_no_model(state, monkeypatch):
    dab(state)
    state.frame()
    asked = []
    monkeypatch.setattr(anomaly, "reconstruct", lambda *given: asked.append(given))
    state.radius, state.softness, state.level = 4.0, 0.5, -0.2
    state.frame()
    assert asked == []


# ---- the canvas


def test_every_panel_has_its_picture_and_the_truth_is_drawn_on_the_painting(state):
    widget = show(state)
    sent = picture(widget, "paint")
    assert (sent["width"], sent["height"]) == (208, 208)  # a millimetre a pixel, so that the brush is in mm
    assert set(sent["overlay"]) == {0}
    event = {"n": 1, "values": {"radius": 12.0}, "panel": "paint", "stroke": [[140, 80]], "begins": True}
    widget.answer({"client": "a browser", "seq": 1, "values": {}, "events": [event]})
    assert widget.frame["error"] == ""
    for panel in widget.spec["panels"]:
        assert picture(widget, panel["name"])["image"]
    line = np.frombuffer(picture(widget, "paint")["overlay"], np.uint8).reshape(208, 208) > 0
    inside = np.kron(state.painted.masks[0, 0].numpy(), np.ones((4, 4)))  # 128 px
    assert not (line & (np.asarray(Image.fromarray(inside > 0).resize((208, 208), 0)))).any()
    assert line.any()
    truth = np.frombuffer(picture(widget, "truth")["overlay"], np.uint8).reshape(SIZE, SIZE) > 0
    assert np.array_equal(truth, state.painted.masks[0, 0].numpy())
    called = np.frombuffer(picture(widget, "answer_2")["overlay"], np.uint8).reshape(SIZE, SIZE) > 0
    assert np.array_equal(called, state.answers()[2].called[0, 0].numpy())
    sheet = Image.open(io.BytesIO(widget.png()))
    assert sheet.size == (4 * 256 + 3 * 10, 2 * 256 + 10)  # painting, truth, two plain answers; two nets in two rows
    widget.close()


def test_alone_it_opens_with_shipped_weights_and_synthetic_people(monkeypatch):
    asked = []

    def load(name, split="train", contrast="T1w", size=64, seed=0):
        asked.append((name, split, contrast, size))
        return discs({"val": 2, "dev": 9}[split], split, size)

    monkeypatch.setattr(data, "load", load)
    widget = lesion_painter()
    assert asked == [("phantom", "dev", "T1w", 64), ("phantom", "val", "T1w", 64)]
    assert [one.name for one in widget.state.methods][2:] == list(MODELS.values())
    assert len(set(widget.state.slices.subjects)) == len(widget.state.slices) == 8
    widget.state.press("tumour")
    widget.answer({})
    assert widget.frame["error"] == ""
    assert "Synthetic brain" in widget.spec["caption"]
    assert "not for clinical use" in widget.spec["caption"]
    widget.close()


def test_what_does_not_fit_is_refused_in_words(nets):
    well, val = discs(2, "well"), discs(2, "val")
    ill = replace(well, masks=well.brain)
    with pytest.raises(InputError, match="healthy ones"):
        lesion_painter(nets, ill, healthy=val)
    with pytest.raises(InputError, match="well-0 sets the thresholds"):
        lesion_painter(nets, well, healthy=well)
    with pytest.raises(InputError, match="give healthy="):
        lesion_painter(nets, replace(well, about=replace(well.about, synthetic=False)))
    with pytest.raises(InputError, match="at least one"):
        lesion_painter(nets, well[:0], healthy=val)
    with pytest.raises(InputError, match="GAN cannot reconstruct"):
        lesion_painter({"GAN": tiny(bl.GAN)}, well, healthy=val)
    with pytest.raises(InputError, match="know T1w and the slices are FLAIR"):
        lesion_painter(["ae"], discs(2, "well", contrast="FLAIR"), healthy=val)
    with pytest.raises(InputError, match="size=64"):
        lesion_painter(["ae"], well, healthy=val)
    with pytest.raises(InputError, match="models are names"):
        lesion_painter("ae", well, healthy=val)
    with pytest.raises(InputError):
        lesion_painter(["no such weights"], well, healthy=val)
    assert set(MODELS) <= set(checkpoints.shipped())
    assert painter_widget is lesion_painter
