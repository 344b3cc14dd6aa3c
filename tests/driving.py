"""Run inside a lesson's kernel: every widget there is moved by its traits, and has to answer without an error.

A test sends this file's text to the kernel; it imports nothing of the tests.
"""

from typing import Any

import ipywidgets
from ipywidgets.widgets import widget as registry

from brainlab.widgets.canvas import Canvas


def every_widget() -> list[str]:
    """Move what there is; one line for each canvas and question. Raises AssertionError where one does not answer."""
    here = list(registry._instances.values())
    canvases = [one for one in here if isinstance(one, Canvas)]
    questions = [one for one in here if isinstance(one, ipywidgets.VBox) and _button(one)]
    return [move(one) for one in canvases] + [reply(one) for one in questions]


def move(canvas: Canvas) -> str:
    """Every control and crosshair of a canvas once, and back; each move must bring a frame, and no error."""
    moved, title = [], canvas.spec["title"]
    for name, value in _moves(canvas):
        before, count = getattr(canvas.state, name), canvas.frame["count"]
        setattr(canvas.state, name, value)
        if getattr(canvas.state, name) != before:
            assert canvas.frame["count"] > count, f"{title}: {name} moved, and no frame came"
            moved.append(name)
        assert not canvas.frame["error"], f"{title}, {name} = {value}: {canvas.frame['error']}"
        assert canvas.png()
        assert canvas.alt_text()
        setattr(canvas.state, name, before)
    assert moved or not canvas._names, f"{title}: nothing could be moved"
    return f"{title}: {', '.join(moved)}"


def _moves(canvas: Canvas):
    """Another value for every control, and for every axis of a crosshair."""
    for one in canvas.spec["controls"]:
        now: Any = getattr(canvas.state, one["name"], None)
        if one["kind"] == "slider":
            yield one["name"], type(now)(_beside(now, one))
        elif one["kind"] == "choice":
            yield from ((one["name"], value) for value, _ in one["options"] if value != now)
        elif one["kind"] == "toggle":
            yield one["name"], not now
        elif one["kind"] == "matrix":
            yield one["name"], [[cell + one["step"] for cell in row] for row in now]
    for panel in canvas.spec["panels"]:
        for axis in filter(None, (panel.get("rows"), panel.get("columns"))):
            yield axis["name"], getattr(canvas.state, axis["name"]) + 2 * axis["step"]


def _beside(now: float, slider: dict) -> float:
    """A value of the slider nearby: the ends of several together may contradict each other, which is no fault."""
    if stops := list(slider["stops"]):
        at = min(range(len(stops)), key=lambda i: abs(stops[i] - now))
        return stops[at - 1] if at else stops[1]
    far = max(slider["step"], round((slider["high"] - slider["low"]) / 10 / slider["step"]) * slider["step"])
    return now - far if now - far >= slider["low"] else now + far


def _button(box: ipywidgets.VBox) -> Any:
    return next((one for one in box.children if isinstance(one, ipywidgets.Button)), None)


def reply(question: ipywidgets.VBox) -> str:
    """Choose the first option, or the slider's low end, and press the button; the question must say something."""
    *parts, status = question.children
    for one in parts:
        if isinstance(one, ipywidgets.RadioButtons):
            one.value = one.options[0]
        elif isinstance(one, ipywidgets.FloatSlider):
            one.value = one.min
    _button(question).click()
    assert any(word in status.value for word in ("Kept", "Your prediction", "Correct", "Not yet")), status.value
    return f"{type(parts[1]).__name__}: {status.value[-200:]}"
