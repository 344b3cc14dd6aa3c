"""A scene: a small JSON file that says which widget, which weights, where its controls stand and what to point at.

    {"widget": "latent", "title": "Walk from one brain to another", "lesson": "03", "say": "what to point at",
     "weights": "vae", "settings": {"t": 0.5}, "look": {"zoom": 2}, "acts": []}

Only ``widget`` must be there. ``settings`` are the values of the controls, by the names in the widget's state; ``look``
what the browser decides alone; ``acts`` what was pressed and painted, in order. A scene is read as data, never as code.
"""

import difflib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import brainlab
from brainlab.errors import InputError

SHIPPED = Path(brainlab.__file__).resolve().parent.parent / "assets" / "scenes"
MOST = 1_000_000  # characters: hours of painting
WORDS = ("widget", "title", "lesson", "say")
OPTIONS = {
    "latent": {"weights": "vae", "one_height": False},
    "map": {"weights": "ae-latent-2"},
    "painter": {},
    "gan": {},
    "anomaly": {},
    "time-machine": {"axis": "epochs"},
    "duel": {"left": "vae", "right": "dae"},
    "contrast": {"seed": 0},
    "filter": {"parts": ["filter", "features", "why"]},
}
"""What a scene may choose before its widget is built, and what it is otherwise; the keys are the widgets there are."""


@dataclass(frozen=True)
class Scene:
    """What is in the file; ``name`` is the file's."""

    name: str
    widget: str
    title: str = ""
    lesson: str = ""
    say: str = ""
    options: dict[str, Any] = field(default_factory=dict)  # complete: what the file leaves out has its default
    settings: dict[str, Any] = field(default_factory=dict)
    look: dict[str, Any] = field(default_factory=dict)
    acts: list[dict[str, Any]] = field(default_factory=list)

    def text(self) -> str:
        """The scene as its file would hold it, without what goes without saying."""
        whole = asdict(self)
        options = {name: value for name, value in self.options.items() if value != OPTIONS[self.widget][name]}
        kept = {name: whole[name] for name in WORDS} | options | {n: whole[n] for n in ("settings", "look", "acts")}
        return json.dumps(
            {name: value for name, value in kept.items() if value not in ("", {}, [])}, ensure_ascii=False
        )


def read(text: str, name: str = "this scene") -> Scene:
    """The scene in a file's text; ``name`` is how an error calls it. Raises InputError, one sentence, for a bad one."""
    content = _json(text, name)
    if "widget" not in content:
        raise InputError(f'{name} does not say which widget it is for: add "widget": one of {", ".join(OPTIONS)}.')
    widget = content.pop("widget")
    if not isinstance(widget, str) or widget not in OPTIONS:
        raise InputError(f"{name} is for a widget {widget!r}, which does not exist{_near(widget, OPTIONS)}.")
    options = {one: content.pop(one, value) for one, value in OPTIONS[widget].items()}
    for one, value in options.items():
        _check_kind(name, one, value, type(OPTIONS[widget][one]))
    kinds = {"title": str, "lesson": str, "say": str, "settings": dict, "look": dict, "acts": list}
    for one, value in content.items():
        if one not in kinds:
            raise InputError(f"{name} has a key {one!r} that a {widget} scene has not{_near(one, [*kinds, *options])}.")
        _check_kind(name, one, value, kinds[one])
    for act in content.get("acts", []):
        _check_act(name, act)
    return Scene(name, widget, options=options, **content)


def read_file(path: str | Path) -> Scene:
    """The scene in a file; raises InputError where there is none, or a bad one."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"There is no scene file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a scene: {error}.") from error
    return replace(read(text, path.name), name=path.stem)


def shipped() -> list[Scene]:
    """The scenes that ship, in the order of the lessons; raises InputError where they are not beside the package."""
    files = sorted(SHIPPED.glob("*.json"))
    if not files:
        raise InputError(f"There are no scenes in {SHIPPED}: install brainlab from a clone with pip install -e .")
    return sorted(map(read_file, files), key=lambda one: (one.lesson, one.name))


def find(name: str) -> list[Scene]:
    """Every shipped scene of a widget ("latent"), of a lesson ("03") or of all ("all"); or the scene of that name.

    A scene's name gives its widget's scenes, that one first. Raises InputError for a name that is none of these.
    """
    known = shipped()
    named = [one for one in known if one.name == name]
    kin = [one for one in known if named and one.widget == named[0].widget and one.name != name]
    found = [*named, *kin] or [one for one in known if name in ("all", one.widget, one.lesson)]
    if not found:
        names = ["all", *OPTIONS, *sorted({one.lesson for one in known}), *(one.name for one in known)]
        raise InputError(f"There is no demo {name!r}{_near(name, names)}; brainlab demo --list names them all.")
    return found


def _json(text: str, name: str) -> dict[str, Any]:
    if len(text) > MOST:
        raise InputError(f"{name} has {len(text):,} characters, and a scene has at most {MOST:,}.")
    try:
        content = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no JSON: {error}.") from error
    if not isinstance(content, dict):
        raise InputError(f'{name} must be a JSON object, {{"widget": …}}, and is a {type(content).__name__}.')
    return content


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not a number that can be shown")


def _check_kind(name: str, key: str, value: Any, kind: type) -> None:
    said = {str: "a text", dict: "an object {…}", list: "a list […]", bool: "true or false", int: "a whole number"}
    if type(value) is not kind:
        raise InputError(f"{name}: {key} must be {said[kind]}, got {value!r}.")


def _check_act(name: str, act: Any) -> None:
    """An act is {"press": name, "times": n} or {"stroke": panel, "points": [[x, y], …], "begins": true}."""
    press = isinstance(act, dict) and isinstance(act.get("press"), str)
    times = act.get("times", 1) if press else 1
    stroke = isinstance(act, dict) and isinstance(act.get("stroke"), str) and _are_points(act.get("points"))
    fits = (press or stroke) and isinstance(act.get("with", {}), dict)
    if not fits or type(times) is not int or not 1 <= times <= 1000:
        shape = '{"press": name, "times": 1 to 1000} or {"stroke": panel, "points": [[x, y], …]}'
        raise InputError(f"{name}: an act must be {shape}, got {str(act)[:80]}.")


def _are_points(points: Any) -> bool:
    return isinstance(points, list) and all(
        isinstance(one, list) and len(one) == 2 and all(type(x) in (int, float) for x in one) for one in points
    )


def _near(name: Any, known: Any) -> str:
    """A hint: what may have been meant, or all there is."""
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f": did you mean {close[0]!r}?".rstrip("?") if close else f": there is {', '.join(known)}"
