"""The page of a lecture: one widget, the scene's title, what to point at, and keys for reset and the next scene.

The widgets of all scenes are built before the page is opened, so that a key shows the next one at once.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from brainlab.demo import scenes
from brainlab.demo.playing import Player
from brainlab.demo.scenes import Scene
from brainlab.demo.serving import PLAN
from brainlab.errors import InputError

STATIC = Path(__file__).parent / "static"


class Bar(anywidget.AnyWidget):
    """Title and keys; the browser sends what it wants, and ``shown`` tells it what is there.

    Messages: {"go": index}, {"scene": a name or a scene's text}, {"copy": true}; each is answered by a new ``shown``.
    """

    _esm = STATIC / "stage.js"
    _css = STATIC / "stage.css"

    titles = traitlets.List().tag(sync=True)  # of the scenes, in order
    names = traitlets.List().tag(sync=True)
    font = traitlets.Int(22).tag(sync=True)  # px
    shown = traitlets.Dict().tag(sync=True)


class Stage:
    """Scenes and the one that is shown; ``box`` is what goes on the page."""

    def __init__(self, shows: Sequence[Scene], font: int = 22) -> None:
        """Builds the widget of the first scene and shows it; raises InputError where that cannot be."""
        self.scenes = list(shows)
        self.players: list[Player] = []
        self.bar = Bar(titles=[one.title or one.name for one in shows], names=[one.name for one in shows], font=font)
        self.box = ipywidgets.VBox([self.bar])
        self.box.add_class("brainlab-demo")
        self.scene, self.place, self._count = self.scenes[0], 0, 0
        self._show(self.scene, 0)
        self._tell()
        self.bar.on_msg(lambda _, wish, __: self.answer(wish))

    @property
    def player(self) -> Player:
        """The widget that is shown."""
        return self._player(self.scene)

    def warm(self) -> None:
        """Build the widgets of all scenes and try every scene; raises InputError for one that does not work."""
        for scene in self.scenes:
            self._player(scene).play(scene)
        self._show(self.scenes[0], 0)

    def answer(self, wish: dict[str, Any]) -> None:
        """Do what the page asks; what cannot be is said there, in a sentence, and the scene before stays."""
        problem, copied = "", {}
        try:
            if "go" in wish:
                place = int(wish["go"]) % len(self.scenes)
                self._show(self.scenes[place], place)
            elif "scene" in wish:
                self._show(*self._asked(str(wish["scene"])))
            else:
                copied = self._copied()
        except InputError as error:
            problem = str(error)
        except Exception as error:  # nothing that a lecturer does may end in silence
            problem = f"This scene could not be shown ({type(error).__name__}: {error})."
        self._tell(problem, copied)

    def _asked(self, asked: str) -> tuple[Scene, int]:
        """A scene by its name, or by its whole text; one that is not in the list stands at the place before it."""
        for place, one in enumerate(self.scenes):
            if asked == one.name:
                return one, place
        if asked.lstrip().startswith("{"):
            return scenes.read(asked, "the scene in this link"), self.place
        return scenes.find(asked)[0], self.place

    def _show(self, scene: Scene, place: int) -> None:
        player = self._player(scene)
        if self.scene is not scene:
            self.player.pause()
        player.play(scene)
        self.scene, self.place = scene, place
        if self.box.children[1:] != (player.canvas,):
            self.box.children = (self.bar, player.canvas)

    def _player(self, scene: Scene) -> Player:
        found = next((one for one in self.players if one.fits(scene)), None)
        if found is None:
            found = Player(scene)
            self.players.append(found)
        return found

    def _copied(self) -> dict[str, Any]:
        now = self.player.scene(self.scene)
        note = "" if self.player.acts.short() else "It brings back the levers, not the rounds: they are too many."
        return {"text": json.dumps(json.loads(now.text()), indent=1, ensure_ascii=False), "note": note}

    def _tell(self, problem: str = "", copied: dict[str, Any] | None = None) -> None:
        self._count += 1
        mine = self.scene in self.scenes
        self.bar.shown = {
            "place": self.place,
            "name": self.scene.name if mine else "",
            "title": self.scene.title or self.scene.name,
            "say": self.scene.say,
            "problem": problem,
            "copied": copied or {},
            "count": self._count,
        }


def present() -> None:
    """What the demo's notebook runs: show the planned scenes, and tell the server when all of them are warm."""
    from IPython.display import HTML, display
    from IPython.utils.capture import capture_output  # of progress bars and warnings, which are not for the audience

    plan = json.loads(os.environ[PLAN])
    ready = Path(plan["ready"]) if plan.get("ready") else None
    try:
        with capture_output():
            stage = Stage([Scene(**one) for one in plan["scenes"]], plan.get("font", 22))
        display(stage.box)
        with capture_output():
            stage.warm()
        said = ""
    except Exception as error:
        said = (
            str(error)
            if isinstance(error, InputError)
            else f"The demo does not start ({type(error).__name__}: {error})."
        )
        display(HTML(f'<p class="brainlab-demo-problem" role="alert">{_plain(said)}</p>'))
    if ready:
        partial = ready.with_name(ready.name + ".partial")
        partial.write_text(said, encoding="utf-8")
        os.replace(partial, ready)


def _plain(text: str) -> str:
    import html

    return html.escape(text)
