"""What was pressed and painted, as a list that can be played again.

A game that is played live is kept as the rounds that went by, with the levers as they stood when it was last heard of.
"""

from typing import Any

from brainlab.widgets.canvas import Canvas

MOST_STEPS = 200  # of a game, that are played again when its scene is opened: some twenty seconds


class Acts:
    """Listens to a canvas's wishes; ``kept`` are the buttons and panels whose use is part of the state."""

    def __init__(self, canvas: Canvas, kept: frozenset[str]) -> None:
        self.canvas, self.kept = canvas, kept
        self._acts: list[dict[str, Any]] = []
        self._moved: dict[str, Any] = {}  # settings since the last act
        self._done: dict[str, int] = {}  # as the canvas counts: a browser that is unsure repeats an event

    def begin(self, acts: list[dict[str, Any]], settings: dict[str, Any]) -> None:
        """From here on the state is that of a scene."""
        self._acts, self._moved = [dict(one) for one in acts], dict(settings)

    def note(self, wish: dict[str, Any]) -> None:
        """Keep what a wish did, once the canvas has answered it."""
        new, client = [], wish.get("client", "")
        before, moved = dict(self._moved), dict(self._moved)
        for event in wish.get("events", ()):
            if event["n"] > self._done.get(client, 0):
                self._done[client] = event["n"]
                moved |= event.get("values", {})
                name = event.get("pressed") or event.get("panel")
                if name in self.kept and not self.canvas.failure:
                    new.append(_act(event) | ({"with": moved} if moved else {}))
                    moved = {}
        self._settle(new, before)
        begun_anew = hasattr(self.canvas.state, "worker") and not self.steps()  # the levers are its start's
        self._moved = dict(self.canvas.frame["values"]) if begun_anew else moved | wish.get("values", {})

    def now(self) -> list[dict[str, Any]]:
        """All acts so far."""
        self._settle([], self._moved)
        return [dict(one) for one in self._acts]

    def short(self) -> bool:
        """Whether a scene can bring all of it back in a moment."""
        return self.steps() <= MOST_STEPS

    def steps(self) -> int:
        """Steps of the game so far; 0 where there is none."""
        worker = getattr(self.canvas.state, "worker", None)
        return worker.history.steps if worker else 0

    def _settle(self, new: list[dict[str, Any]], before: dict[str, Any]) -> None:
        """Add what is new; in a game, add the rounds that went by while it played, or drop what was rewound."""
        if hasattr(self.canvas.state, "worker"):
            played = self.steps() - _count(self._acts) - _count(new)
            if played > 0:
                self._add({"press": "round", "times": played, "with": before})
                self._moved = {}
            for one in new:
                self._add(one)
            _shorten(self._acts, self.steps())
        else:
            for one in new:
                self._add(one)

    def _add(self, act: dict[str, Any]) -> None:
        """Append, as one more time of the last act where that is all that it is."""
        act = {name: value for name, value in act.items() if value != {}}
        last = self._acts[-1] if self._acts else {}
        if "press" in act and last.get("press") == act["press"] and "with" not in act:
            last["times"] = last.get("times", 1) + act.get("times", 1)
        else:
            self._acts.append(act)


def _act(event: dict[str, Any]) -> dict[str, Any]:
    if pressed := event.get("pressed"):
        return {"press": pressed}
    return {"stroke": event["panel"], "points": event["stroke"], "begins": bool(event["begins"])}


def _count(acts: list[dict[str, Any]]) -> int:
    return sum(one.get("times", 1) for one in acts)


def _shorten(acts: list[dict[str, Any]], steps: int) -> None:
    """Drop the last acts until so many steps are left."""
    while acts and (over := _count(acts) - steps) > 0:
        last = acts[-1]
        last["times"] = last.get("times", 1) - over
        if last["times"] <= 0:
            acts.pop()
