"""From a scene to a widget in exactly that state, and from a widget back to a scene.

A player brings its canvas to a scene by the same wishes that a browser would send: what was pressed and painted, then
where the controls stand, then what the browser decides alone. The page gets one frame, the last.
"""

from typing import Any

from brainlab.demo.recording import Acts
from brainlab.demo.scenes import Scene
from brainlab.demo.widgets import KINDS
from brainlab.errors import InputError
from brainlab.widgets.canvas import LOOK


class Player:
    """One widget, built for a scene's options; it plays every scene that has the same."""

    def __init__(self, scene: Scene) -> None:
        """Builds the widget, which takes seconds; raises InputError, naming the scene, where that fails."""
        self.widget, self.options, self.kind = scene.widget, scene.options, KINDS[scene.widget]
        try:
            self.canvas = self.kind.make(**scene.options)
        except InputError as error:
            raise InputError(f"{scene.name}: {error}") from error
        self.new, self.look, self._played = self.values(), dict(self.canvas.look), 0
        self.acts = Acts(self.canvas, self.kind.acts)
        self.canvas.on_msg(lambda _, wish, __: self.acts.note(wish))

    def fits(self, scene: Scene) -> bool:
        """Whether a scene is for this widget, made of the same weights."""
        return (scene.widget, scene.options) == (self.widget, self.options)

    def values(self) -> dict[str, Any]:
        """Where every control and crosshair stands."""
        return dict(self.canvas.frame["values"])

    def play(self, scene: Scene) -> None:
        """Bring the widget to a scene; raises InputError, with nothing moved, where the scene asks what cannot be."""
        check(scene, self)
        self._played += 1
        with self.canvas.hold_sync():
            self.kind.renew(self.canvas.state)
            self.canvas.look = self.look
            self._wish("new", [{"press": self.kind.restart}] if self.kind.restart else [], self.new)
            begun = {name: scene.settings[name] for name in self.kind.first if name in scene.settings}
            self._wish("begun", [], begun)
            self._wish("played", scene.acts, scene.settings)
            self.canvas.look = (
                self.canvas.look | scene.look
            )  # which a setting may have moved, as a method its threshold
        self.acts.begin(scene.acts, scene.settings)

    def scene(self, like: Scene) -> Scene:
        """The widget as it stands, under the name and the words of the scene ``like``."""
        acts = self.acts.now() if self.acts.short() else []
        words = (like.name, self.widget, like.title, like.lesson, like.say)
        return Scene(*words, self.options, self.values(), dict(self.canvas.look), acts)

    def pause(self) -> None:
        """Stop what goes on by itself."""
        if worker := getattr(self.canvas.state, "worker", None):
            worker.pause()

    def _wish(self, step: str, acts: list[dict[str, Any]], values: dict[str, Any]) -> None:
        last = {name: values[name] for name in self.kind.last if name in values}
        ordered = {name: value for name, value in values.items() if name not in last} | last
        self.canvas.answer({"client": f"{step} {self._played}", "events": _events(acts), "values": ordered})


def check(scene: Scene, player: Player) -> None:
    """Raise InputError for a setting, a look or an act that the widget has not, or that is out of its range."""
    controls = {one["name"]: one for one in player.canvas.spec["controls"]}
    for values in (scene.settings, *(one.get("with", {}) for one in scene.acts)):
        for name, value in values.items():
            if name not in player.new:
                there = ", ".join(player.new)
                raise InputError(f"{scene.name} sets {name!r}, which a {scene.widget} has not: there is {there}.")
            wrong = _wrong(value, controls.get(name, {"kind": "place"}), player.kind.beyond)
            if wrong:
                raise InputError(f"{scene.name}: {name} must be {wrong}, got {value!r}.")
    for name, value in scene.look.items():
        if name not in (known := {"low", "high", *LOOK}) or type(value) not in (int, float, bool):
            raise InputError(f"{scene.name}: look has no {name!r} of {value!r}: it has {', '.join(sorted(known))}.")
    for act in scene.acts:
        if (asked := act.get("press") or act.get("stroke")) not in player.kind.acts:
            able = ", ".join(sorted(player.kind.acts)) or "nothing"
            raise InputError(f"{scene.name} does {asked!r}, and what a {scene.widget} scene can do is {able}.")


def _wrong(value: Any, control: dict[str, Any], beyond: float) -> str:
    """What a value must be for its control; "" where it is."""
    kind, number = control["kind"], type(value) in (int, float)
    if kind == "choice":
        options = [one for one, _ in control["options"]]
        return "" if value in options else f"one of {', '.join(options)}"
    if kind == "toggle":
        return "" if type(value) is bool else "true or false"
    if kind == "matrix":
        rows = [len(one) if isinstance(one, list) else 0 for one in value] if isinstance(value, list) else []
        fits = rows == [control["columns"]] * control["rows"] and all(
            type(x) in (int, float) for one in value for x in one
        )
        return "" if fits else f"{control['rows']} lists of {control['columns']} numbers"
    if kind == "place":
        return "" if number else "a number"
    low, high = (control["stops"][0], control["stops"][-1]) if control["stops"] else (control["low"], control["high"])
    inside = number and low - beyond <= value <= high + beyond
    return "" if inside else f"a number from {low:g} to {high:g}".replace("-", "−")


def _events(acts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Acts as a browser would send them, one by one."""
    events: list[dict[str, Any]] = []
    for act in acts:
        for i in range(act.get("times", 1)):
            what = {"n": len(events) + 1, "values": act.get("with", {}) if i == 0 else {}}
            done = {"pressed": act["press"]} if "press" in act else {"panel": act["stroke"], "stroke": act["points"]}
            events.append(what | done | {"begins": act.get("begins", True)})
    return events
