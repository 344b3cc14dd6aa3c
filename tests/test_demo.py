"""Scenes: every shipped one works, a state comes back exactly, and a bad file is one clear sentence."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from scans import scans
from tiny import tiny

import brainlab as bl
from brainlab import anomaly, cli
from brainlab.demo import scenes, serving, stage, widgets
from brainlab.demo.playing import Player
from brainlab.demo.scenes import Scene
from brainlab.errors import InputError
from brainlab.widgets.anomaly_explorer import AnomalyExplorerState
from brainlab.widgets.anomaly_explorer import show as show_explorer
from brainlab.widgets.answering import thresholded
from brainlab.widgets.gan_cockpit import show as show_cockpit
from brainlab.widgets.gan_state import GANCockpitState
from brainlab.widgets.lesion_painter import LesionPainterState
from brainlab.widgets.lesion_painter import show as show_painter

SHIPPED = scenes.shipped()
HEALTHY = scans(("healthy",), ("emil", "fred"), seed=1)
FORMULAS = {"brightness": anomaly.brightness, "darkness": anomaly.darkness, "vae": anomaly.darkness}


def little(monkeypatch, widget: str) -> None:
    """The widget's own state on made-up scans and networks of a few hundred weights, built in no time."""
    painted, nets = scans(("healthy",)), {"AE": tiny(bl.Autoencoder).eval()}
    made = {
        "painter": lambda: show_painter(LesionPainterState(painted, thresholded(nets, HEALTHY))),
        "gan": lambda: show_cockpit(GANCockpitState(torch.rand(8, 1, 32, 32), "new", batch=4), ""),
        "anomaly": lambda: show_explorer(AnomalyExplorerState(FORMULAS, scans(), HEALTHY)),
    }
    monkeypatch.setitem(widgets.KINDS, widget, widgets.KINDS[widget]._replace(make=made[widget]))


def pictures(player: Player) -> dict[str, Any]:
    """All that the page would show."""
    canvas = player.canvas
    shown = {name: getattr(canvas, name) for name in canvas.traits() if name.startswith("picture_")}
    return shown | {"values": player.values(), "look": dict(canvas.look), "words": canvas.frame["readout"]}


def test_ten_scenes_or_more_ship_and_every_lesson_has_one():
    assert len(SHIPPED) >= 10
    assert {one.lesson for one in SHIPPED} == {f"0{i}" for i in range(8)}
    assert {"latent", "painter", "gan", "anomaly", "time-machine"} <= {one.widget for one in SHIPPED}


@pytest.mark.parametrize("scene", SHIPPED, ids=lambda one: one.name)
def test_a_shipped_scene_says_what_to_point_at_and_is_written_in_full(scene):
    assert scene.title
    assert scene.say
    assert scenes.read(scene.text(), scene.name) == scene


def test_every_widget_that_a_scene_can_name_can_be_built():
    assert widgets.KINDS.keys() == scenes.OPTIONS.keys()


QUICK = ("time-machine", "duel", "anomaly", "map")  # of the phantom's dev and val splits, which other tests grow too


@pytest.mark.parametrize("widget", [*QUICK, "latent", "gan"])
def test_the_shipped_scenes_of_a_widget_reach_their_state_and_come_back_exactly(widget):
    players: list[Player] = []
    for scene in (one for one in SHIPPED if one.widget == widget):
        player = next((one for one in players if one.fits(scene)), None) or Player(scene)
        players.append(player)
        player.play(scene)
        assert player.canvas.failure is None
        assert {name: player.values()[name] for name in scene.settings} == scene.settings
        before, again = pictures(player), scenes.read(player.scene(scene).text(), scene.name)
        player.play(replace(scene, settings={}, look={}, acts=[]))
        player.play(again)
        assert pictures(player) == before


@pytest.mark.parametrize("widget", ["contrast", "filter"])
def test_the_scenes_of_a_grown_subject_reach_their_state(widget):
    shown = stage.Stage([one for one in SHIPPED if one.widget == widget])
    for place, scene in enumerate(shown.scenes):
        shown.answer({"go": place})
        before = pictures(shown.player)
        assert shown.player.canvas.failure is None
        shown.player.play(scenes.read(shown.player.scene(scene).text(), scene.name))
        assert pictures(shown.player) == before


def wish(player: Player, **what: Any) -> None:
    """As the browser asks: the canvas answers, and then the player hears of it."""
    player.canvas._handle_custom_msg({"client": "page", "values": {}, "events": []} | what, [])


def test_a_painting_comes_back_stroke_by_stroke(monkeypatch):
    little(monkeypatch, "painter")
    scene = Scene("mine", "painter", settings={"level": -0.3, "radius": 5.0})
    player = Player(scene)
    player.play(scene)
    stroke = {"panel": "paint", "stroke": [[100.25, 90.5], [110.125, 99.0]], "begins": True, "values": {"radius": 7.0}}
    wish(player, events=[{"n": 1, **stroke}, {"n": 2, "pressed": "tumour", "values": {"level": 0.2}}])
    wish(player, events=[{"n": 2, "pressed": "tumour", "values": {}}], values={"slice": "1"})  # 2 is a repeat
    wish(player, events=[{"n": 3, "pressed": "ms", "values": {}}, {"n": 4, "pressed": "ms", "values": {}}])
    wish(player, events=[{"n": 5, "pressed": "undo", "values": {}}], values={"softness": 0.9})
    before, kept = pictures(player), player.scene(scene)
    assert [one.get("press", "stroke") for one in kept.acts] == ["stroke", "tumour", "ms", "undo"]
    player.play(scene)
    assert pictures(player) != before
    player.play(scenes.read(kept.text()))
    assert pictures(player) == before


def test_a_game_comes_back_with_its_levers_and_its_rounds(monkeypatch):
    little(monkeypatch, "gan")
    scene = Scene("game", "gan", settings={"start": "new"}, acts=[{"press": "round", "times": 2}])
    player = Player(scene)
    player.play(scene)
    wish(player, events=[{"n": 1, "pressed": "round", "values": {"lr_g": 1e-3}}], values={"k_d": 2.0})
    wish(player, events=[{"n": 2, "pressed": "step_d", "values": {}}])
    player.canvas.state.press("round")  # as two rounds that went by in play
    player.canvas.state.press("round")
    player.canvas.state.changed += 1
    before, kept = pictures(player), player.scene(scene)
    before.pop("picture_variety")  # a curve with a point wherever a frame was drawn, not wherever a step was taken
    assert [(one["press"], one.get("times", 1)) for one in kept.acts] == [
        ("round", 2), ("round", 1), ("step_d", 1), ("round", 2)
    ]  # fmt: skip
    player.play(scene)
    player.play(scenes.read(kept.text()))
    after = pictures(player)
    assert {name: after[name] for name in before} == before


def test_a_game_begun_anew_forgets_what_was_played(monkeypatch):
    little(monkeypatch, "gan")
    scene = Scene("game", "gan", settings={"start": "new"})
    player = Player(scene)
    player.play(scene)
    wish(player, events=[{"n": 1, "pressed": "round", "values": {"lr_g": 1e-3}}])
    wish(player, events=[{"n": 2, "pressed": "restart", "values": {}}])
    assert player.scene(scene).acts == []


def test_a_long_game_keeps_its_levers_alone(monkeypatch):
    little(monkeypatch, "gan")
    monkeypatch.setattr("brainlab.demo.recording.MOST_STEPS", 1)
    scene = Scene("game", "gan", acts=[{"press": "round", "times": 2}])
    shown = stage.Stage([scene])
    shown.answer({"copy": True})
    assert "rounds" in shown.bar.shown["copied"]["note"]
    assert "acts" not in json.loads(shown.bar.shown["copied"]["text"])


def test_the_stage_goes_round_resets_and_copies(monkeypatch):
    little(monkeypatch, "anomaly")
    shows = [Scene(name, "anomaly", name.upper(), settings={"level": name}) for name in ("hyper", "hypo")]
    shown = stage.Stage(shows)
    shown.warm()
    assert shown.bar.shown["title"] == "HYPER"
    shown.answer({"go": 1})
    assert (shown.bar.shown["name"], shown.player.values()["level"]) == ("hypo", "hypo")
    shown.player.canvas.answer({"values": {"kind": "ms"}})
    shown.answer({"copy": True})
    copied = shown.bar.shown["copied"]["text"]
    shown.player.canvas.look |= {"zoom": 3.0}
    shown.answer({"go": 1})  # reset
    assert shown.player.canvas.look["zoom"] == 1.0
    assert shown.player.values()["level"] == "hypo"
    shown.answer({"scene": copied})
    assert shown.player.values()["kind"] == "ms"
    shown.answer({"go": 2})
    assert shown.bar.shown["name"] == "hyper"
    assert len(shown.players) == 1  # one widget for all of them
    shown.answer({"scene": "no-such-scene"})
    assert "no demo 'no-such-scene'" in shown.bar.shown["problem"]
    assert shown.bar.shown["name"] == "hyper"


BAD = {
    "{": "is no JSON",
    "[]": "must be a JSON object",
    '{"title": "x"}': "does not say which widget",
    '{"widget": "laten"}': "did you mean 'latent'",
    '{"widget": 3}': "does not exist",
    '{"widget": "latent", "settngs": {}}': "did you mean 'settings'",
    '{"widget": "latent", "weights": 3}': "weights must be a text",
    '{"widget": "latent", "settings": []}': "settings must be an object",
    '{"widget": "latent", "settings": {"a1": NaN}}': "NaN is not a number",
    '{"widget": "gan", "acts": [{"press": "round", "times": 1e9}]}': "an act must be",
    '{"widget": "painter", "acts": [{"stroke": "paint", "points": [1, 2]}]}': "an act must be",
    '{"widget": "latent", "say": "' + "x" * scenes.MOST + '"}': "at most 1,000,000",
}  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=list(BAD.values()))
def test_a_bad_scene_is_refused_in_a_sentence(text):
    with pytest.raises(InputError) as refused:
        scenes.read(text, "mine.json")
    said = str(refused.value)
    assert said.startswith("mine.json")
    assert BAD[text] in said
    assert "\n" not in said


WRONG = {
    "sets 'brightness'": {"settings": {"brightness": 1}},
    "level must be one of hypo, hyper": {"settings": {"level": "dark"}},
    "truth must be true or false": {"settings": {"truth": 1}},
    "look has no 'colour'": {"look": {"colour": 1}},
    "does 'honest'": {"acts": [{"press": "honest"}]},
}


@pytest.mark.parametrize("said", WRONG)
def test_what_a_widget_has_not_is_refused_and_nothing_moves(monkeypatch, said):
    little(monkeypatch, "anomaly")
    player = Player(Scene("mine", "anomaly"))
    before = pictures(player)
    with pytest.raises(InputError, match=r"^mine") as refused:
        player.play(Scene("mine", "anomaly", **WRONG[said]))
    assert said in str(refused.value)
    assert pictures(player) == before


def test_a_number_out_of_a_sliders_range_is_refused(monkeypatch):
    little(monkeypatch, "painter")
    player = Player(Scene("mine", "painter"))
    with pytest.raises(InputError, match=r"^mine: level must be a number from −0\.6 to 0\.6, got 7"):
        player.play(Scene("mine", "painter", settings={"level": 7}))


def test_weights_that_are_missing_are_named():
    with pytest.raises(InputError, match=r"^mine: .*no-such-vae"):
        Player(Scene("mine", "latent", options={"weights": "no-such-vae", "one_height": False}))


def test_a_file_is_read_by_its_name(tmp_path):
    (tmp_path / "mine.json").write_text(SHIPPED[0].text(), encoding="utf-8-sig")
    assert scenes.read_file(tmp_path / "mine.json") == replace(SHIPPED[0], name="mine")
    (tmp_path / "mine.json").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "mine.json", tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match=r"scene"):
            scenes.read_file(path)


def test_a_demo_is_a_widget_a_lesson_a_scene_or_all_of_them():
    assert scenes.find("all") == SHIPPED
    assert {one.widget for one in scenes.find("time-machine")} == {"time-machine"}
    assert {one.lesson for one in scenes.find("03")} == {"03"}
    by_name = scenes.find("latent-walk")
    assert (by_name[0].name, {one.widget for one in by_name}) == ("latent-walk", {"latent"})


def test_the_command_lists_chooses_and_refuses(monkeypatch, tmp_path, capsys):
    given: dict[str, Any] = {}
    monkeypatch.setattr(serving, "serve", lambda chosen, **more: given.update(more, chosen=chosen) or 0)
    assert cli.main(["demo", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(SHIPPED)
    (tmp_path / "mine.json").write_text(scenes.find("gan")[0].text())
    assert (
        cli.main(["demo", "gan", "--scene", str(tmp_path / "mine.json"), "--font", "30", "--dark", "--no-browser"]) == 0
    )
    assert [one.name for one in given["chosen"]][:1] == ["mine"]
    assert (given["font"], given["theme"], given["browser"]) == (30, "dark", False)
    for bad in (["demo"], ["demo", "laten"], ["demo", "gan", "--font", "0"], ["demo", "gan", "--port", "70000"],
                ["demo", "latent", "--scene", str(tmp_path / "mine.json")]):  # fmt: skip
        assert cli.main(bad) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_without_voila_a_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[demo\]'"):
        serving.serve(SHIPPED[:1])


def test_a_port_that_is_taken_gives_way_to_another():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert serving.free_port(port) != port
    assert serving.free_port(port) == port


def test_a_scene_that_does_not_work_is_told_to_the_server(monkeypatch, tmp_path):
    ready = tmp_path / "ready"
    broken = {"name": "mine", "widget": "latent", "options": {"weights": "no-such-vae", "one_height": False}}
    monkeypatch.setenv(serving.PLAN, json.dumps({"scenes": [broken], "ready": str(ready)}))
    monkeypatch.setattr("IPython.display.display", lambda *one, **more: None)
    stage.present()
    assert "no-such-vae" in ready.read_text(encoding="utf-8")


def test_nothing_but_the_stage_is_shown_to_the_audience(monkeypatch, capsys):
    little(monkeypatch, "anomaly")
    make = widgets.KINDS["anomaly"].make
    noisy = widgets.KINDS["anomaly"]._replace(make=lambda: print("Growing 8 subjects") or make())
    monkeypatch.setitem(widgets.KINDS, "anomaly", noisy)
    monkeypatch.setenv(serving.PLAN, json.dumps({"scenes": [{"name": "mine", "widget": "anomaly"}]}))
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    stage.present()
    assert len(shown) == 1
    assert capsys.readouterr().out == ""
