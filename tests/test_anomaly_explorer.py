"""The anomaly explorer without a browser: what is drawn is what is counted, and the marks are honest."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import PEOPLE, scans

from brainlab import InputError, anomaly, metrics
from brainlab.widgets.anomaly_explorer import AnomalyExplorerState, later, show
from brainlab.widgets.judging import FPR, PLACES, opened

torch.set_num_threads(1)
SCORES = {
    "brightness": anomaly.brightness,
    "darkness": anomaly.darkness,
    "double": lambda slices: 2 * anomaly.brightness(slices),
}


def explorer(scores=SCORES, **traits) -> AnomalyExplorerState:
    state = AnomalyExplorerState(scores, scans(), scans(("healthy",), ("dora", "eva"), seed=1))
    for name, value in traits.items():
        state.set_trait(name, value)
    return state


def plainly(**traits) -> AnomalyExplorerState:
    """Without any cleaning."""
    return explorer(**({"erosion": False, "median": False} | traits))


def shown(state) -> np.ndarray:
    return state.frame().pictures["called"].overlay


def row(state, label: str) -> np.ndarray:
    return next(one.values for one in state.frame().pictures["numbers"].rows if one.label == label)


def test_the_plain_threshold_comes_first():
    assert explorer().method == "brightness"


@pytest.mark.parametrize("method", ["brightness", "darkness", "double"])
@pytest.mark.parametrize("steps", [{}, {"erosion": False}, {"median": False}, {"components": True}])
def test_the_numbers_are_those_of_the_mask_that_is_drawn(method, steps):
    state = explorer(method=method, **steps)
    case, overlay = state.case(), shown(state)
    for place in (1, 40, 77, 128, 200, 255):
        drawn = torch.from_numpy(overlay >= place)[None, None]  # what colour.js shows for PLACES[place - 1]
        called = drawn & case.brain
        hits = int((called & case.masks).sum())
        assert row(state, "Dice")[place - 1] == pytest.approx(metrics.dice(called, case.masks))
        assert row(state, "Recall")[place - 1] == pytest.approx(hits / int(case.masks.sum()))
        expected = hits / int(called.sum()) if called.any() else np.nan
        assert row(state, "Precision")[place - 1] == pytest.approx(expected, nan_ok=True)


def test_false_alarms_are_counted_in_healthy_people_cleaned_alike():
    state = explorer(median=True, erosion=True)
    maps = anomaly.clean(anomaly.brightness(state.healthy), state.healthy.brain)
    for k in (100, 127, 140):
        share = (maps > PLACES[k])[state.healthy.brain].double().mean()
        assert row(state, "Healthy FPR")[k] == pytest.approx(100 * float(share))


def test_the_honest_mark_is_set_by_healthy_people_and_the_oracle_by_the_truth():
    state = plainly(pool="people")
    worth, pooled = state.worth(), state.scans()
    maps = anomaly.brightness(pooled)
    cut = anomaly.threshold_at_fpr(anomaly.brightness(state.healthy), state.healthy.brain, FPR)
    assert worth.honest[0] == cut
    assert worth.honest[3] == pytest.approx(metrics.dice((maps > cut) & pooled.brain, pooled.masks))
    assert worth.oracle[3] == metrics.oracle_dice(maps, pooled.masks, pooled.brain).dice == 1.0
    assert worth.average_precision == metrics.average_precision(maps, pooled.masks, pooled.brain)


def test_a_slice_is_judged_alone_and_people_together():
    state = plainly(method="darkness", level="hyper")
    alone = state.worth().average_precision
    state.pool = "people"
    pooled = state.scans()
    assert set(pooled.subjects) == set(PEOPLE)
    assert set(pooled.visit) == {"tumour-hyper"}
    together = metrics.average_precision(anomaly.darkness(pooled), pooled.masks, pooled.brain)
    assert state.worth().average_precision == together != alone


def test_the_threshold_goes_to_the_mark_that_is_pressed():
    canvas = show(explorer(method="double"))
    canvas.state.press("oracle")
    assert canvas.look["threshold"] == pytest.approx(canvas.state.worth().oracle[0] / canvas.state._top("double"))
    canvas.state.press("honest")
    canvas.look = canvas.look | {"threshold": 0.9}  # the learner moves on,
    canvas.state.press("honest")  # and back: the same mark again
    assert canvas.look["threshold"] == pytest.approx(canvas.state.worth().honest[0] / canvas.state._top("double"))
    canvas.close()


def test_another_method_starts_at_its_own_honest_mark():
    canvas = show(explorer())
    canvas.state.method = "darkness"
    assert canvas.look["threshold"] == pytest.approx(canvas.state.worth().honest[0])
    assert canvas.failure is None
    canvas.close()


def test_the_plain_threshold_stands_beside_every_other_method():
    names = [line.name for line in explorer(method="double").frame().pictures["curve"].lines]
    assert names == ["double", "plain threshold: brightness", "chance", "+ 1 % healthy FPR", "× oracle"]
    dark = explorer(method="double", level="hypo").frame()
    assert "plain threshold: darkness" in [line.name for line in dark.pictures["curve"].lines]
    assert "of darkness itself" in dark.readout
    assert "plain threshold" not in str([line.name for line in explorer().frame().pictures["curve"].lines])


def test_the_plain_threshold_stands_beside_scores_that_do_not_hold_it():
    state = explorer({"double": SCORES["double"]})
    assert "of brightness itself" in state.frame().readout


def test_the_truth_can_be_hidden_and_lies_on_the_lesion():
    state = explorer()
    edge = state.frame().pictures["truth"].overlay
    mask = np.kron(state.case().masks[0, 0].numpy(), np.ones((4, 4), bool))
    assert edge[mask].any()
    assert not edge[~mask].any()
    state.truth = False
    assert not state.frame().pictures["truth"].overlay.any()


def test_a_toggle_and_a_look_at_all_people_ask_no_method_twice():
    asked = []
    scores = {"counted": lambda slices: asked.append(len(slices)) or anomaly.brightness(slices)}
    state = explorer(scores)
    state.frame()
    assert asked == [1, 4]  # the slice, and the healthy people's
    state.components, state.median, state.truth = True, False, False
    state.frame()
    assert asked == [1, 4]
    state.pool = "people"
    state.frame()
    assert asked == [1, 4, 6]


def test_a_score_is_made_once_and_only_when_it_is_asked():
    made = []
    score = later(lambda: made.append(1) or anomaly.brightness)
    assert made == []
    score(scans())
    score(scans())
    assert made == [1]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), least=st.integers(1, 9))
def test_small_pieces_go_at_every_threshold_at_once(seed, least):
    draw = torch.Generator().manual_seed(seed)
    maps = (torch.rand(2, 1, 7, 9, generator=draw) ** 2 * 6).round() / 6  # many ties, and up to the edge
    new = opened(maps, least)
    for t in (0.0, 0.1, 0.3, 0.6, 0.9):
        assert torch.equal(new > t, anomaly.small_components(maps > t, least))


def test_what_cannot_be_explored_says_how_to_mend_it():
    with pytest.raises(InputError, match="give scores"):
        explorer({})
    with pytest.raises(InputError, match="show a lesion"):
        AnomalyExplorerState(SCORES, scans(), scans())
    with pytest.raises(InputError, match="show no lesion"):
        AnomalyExplorerState(SCORES, scans(("healthy",)), scans(("healthy",)))
    for name in ("method", "person", "kind", "level"):
        with pytest.raises(InputError, match=f"{name} must be one of"):
            explorer().set_trait(name, "nobody")


def test_a_lesion_that_a_person_does_not_have_is_a_sentence_and_the_picture_stays():
    slices = scans()
    keep = [not (s == "ben" and v == "ms-hyper") for s, v in zip(slices.subjects, slices.visit, strict=True)]
    canvas = show(AnomalyExplorerState(SCORES, slices[np.array(keep)], scans(("healthy",))))
    canvas.state.person = "ben"
    before = canvas.get_state()["picture_called"]
    canvas.state.kind = "ms"
    assert "choose another person" in canvas.frame["error"]
    assert canvas.get_state()["picture_called"] == before
    canvas.close()


def test_the_sentence_says_which_pixels_and_whose_mark():
    words = explorer(pool="people").frame().readout
    assert words.startswith("Tumour, bright; ann, slice at z = 20 mm.")
    assert "all 6 slices of these 3 people" in words
    assert "2 healthy people's brain" in words
    assert "Oracle, the best threshold once the truth is known" in words


def test_letters_stand_only_where_the_slices_lie_as_the_kits_do():
    panels = show(explorer()).spec["panels"]
    assert panels[0]["edges"] == ("A", "P", "R", "L")
    assert panels[0]["pixel_mm"] == pytest.approx(panels[1]["pixel_mm"] / 4)  # its picture is sharper
    turned = replace(scans(), affine=np.tile(np.eye(4), (len(scans()), 1, 1)))
    assert show(AnomalyExplorerState(SCORES, turned, scans(("healthy",)))).spec["panels"][0]["edges"] is None


def test_scans_of_ones_own_are_called_by_their_visit():
    mine = scans(("tumour-hyper",))
    state = AnomalyExplorerState(SCORES, replace(mine, visit=("2026-11-01",) * len(mine)), scans(("healthy",)))
    assert (state.kinds, state.levels) == (("2026-11-01",), ())
    assert state.frame().readout.startswith("2026-11-01; ann")
