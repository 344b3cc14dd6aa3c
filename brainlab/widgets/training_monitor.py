"""Any training seen from inside: every number of a step as a curve, and one slice as the model draws it by now."""

from collections.abc import Sequence
from typing import Any

import traitlets
from torch import Tensor

from brainlab import data, geometry, models, training
from brainlab.models.protocols import Reconstructs
from brainlab.training import History, Step
from brainlab.training.budget import Budget
from brainlab.widgets.fitting import Fitting, FittingCanvas, headless
from brainlab.widgets.frame import Frame, Picture, Table
from brainlab.widgets.monitored import SAMPLES, _drawing, _first, _fullest, _look, names
from brainlab.widgets.parts import Button, Curve, Panel
from brainlab.widgets.trace import Trace, lines

LABELS = {
    "loss": "loss",
    "elbo": "ELBO",
    "kl": "KL",
    "nll": "−log p(x|z)",
    "real": "mean logit of real slices",
    "fake": "mean logit of samples",
}


class TrainingMonitorState(traitlets.HasTraits):
    """A run of ``fit`` that plays, pauses and stops, its curves, and what the model makes of one slice.

    ``worker.history`` is fit's; ``step`` stays as the run leaves it, whether it ended, was stopped or failed.
    """

    changed = traitlets.Int(0)

    def __init__(
        self, step: Step, batches: Any, image: Tensor | None = None, history: History | None = None, **budget: Any
    ) -> None:
        """``image`` (C, H, W) is the slice to watch, by default the fullest of the first batch."""
        super().__init__()
        self.step, self.batches = step, batches
        self.worker = Fitting(step, batches, self._seen, self._show, history, **budget)
        self.budget = Budget(replay=None, history=self.worker.history, **{u: budget.get(u) for u in UNITS})
        first = _first(batches)
        self.names = names(step, first)
        self.model = _drawing(step)
        self.x = _fullest(first["x"]) if image is None else image.reshape(1, *image.shape[-3:])
        self.traces: dict[str, Trace] = {}
        self.stopped = False
        self._drawn: tuple[int, dict[str, Picture], str] | None = None

    def press(self, name: str) -> None:
        """Do "play", "pause", "once" or "stop"; after "stop" the run is over, and the model keeps what it learned."""
        if name == "stop":
            self.stopped = True
        act = {"play": self.worker.play, "once": self.worker.once}.get(name, self.worker.pause)
        if not self.over or act == self.worker.pause:
            act()

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do: stopped, or the budget is spent."""
        return self.stopped or self._done() >= 1

    def left_s(self) -> float | None:
        """Seconds that the run still needs at its pace so far; None while there is no telling."""
        history, size = self.worker.history, self.budget.size
        if self.budget.unit == "seconds":
            return max(0.0, size - history.seconds)
        if not history.steps or (self.budget.unit == "epochs" and not hasattr(self.batches, "__len__")):
            return None
        steps = size * len(self.batches) if self.budget.unit == "epochs" else size
        return max(0.0, (steps - history.steps) * history.seconds / history.steps)

    def frame(self) -> Frame:
        """Curves, the slice as the model draws it now, and where the run stands."""
        with self.worker.lock:
            if self.worker.failure:
                raise self.worker.failure
            pictures, said = self._pictures()
            curves = {_key(group): lines(self.traces, [(n, _label(n)) for n in group]) for group in groups(self.names)}
            latest = self.worker.history.latest
            rows: list[tuple[str, str, float | None]] = [
                (_title([n]), _number(latest[n]) if n in latest else "–", None) for n in self.names
            ]
            table = Table("Averages of this epoch so far", rows)
            return Frame(pictures | curves, f"{self._progress()}{said}", table, self._disabled())

    def _progress(self) -> str:
        history, left = self.worker.history, self.left_s()
        doing = "Training" if self.worker.playing else "Stopped" if self.stopped else "Paused"
        doing = "Finished" if self.over and not self.stopped else doing if history.steps else "Ready"
        goal = {"steps": f" of {self.budget.size}", "epochs": f", epoch {history.passes} of {self.budget.size}"}
        words = f"{doing}: step {history.steps}{goal.get(self.budget.unit, '')}"
        return f"{words}." if self.over else f"{words}, {'time left unknown' if left is None else _time(left)}."

    def _disabled(self) -> tuple[str, ...]:
        if self.over:
            return ("play", "pause", "once", "stop")
        return ("play",) if self.worker.playing else ("pause",)

    def _done(self) -> float:
        history = self.worker.history
        spent = {"epochs": history.epochs, "seconds": history.seconds}.get(self.budget.unit, history.steps)
        return spent / self.budget.size if self.budget.size else 1.0

    def _pictures(self) -> tuple[dict[str, Picture], str]:
        """One look at the model a step: a decode costs as much as a third of a step."""
        steps = self.worker.history.steps
        if self._drawn is None or self._drawn[0] != steps:
            self._drawn = (steps, *_look(self.model, self.x))
        return self._drawn[1:]

    def _seen(self, number: int, numbers: dict[str, float]) -> None:
        for name, value in numbers.items():
            self.traces.setdefault(name, Trace()).add(number, value)

    def _show(self) -> None:
        self.changed += 1


UNITS = ("epochs", "steps", "seconds")


def training_monitor(
    step: Step | None = None,
    batches: Any = None,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    history: History | None = None,
    image: Tensor | None = None,
    plane: geometry.Plane | None = "axial",
    wait: bool | None = None,
    title: str = "Training, live",
    caption: str | None = None,
) -> FittingCanvas:
    """Train beside the page: play, pause, watch; ``canvas.state`` is the ``TrainingMonitorState``.

    ``step`` is any of ``brainlab.training``, by default a VAE's; ``batches`` are what it learns from, by default
    phantom slices. The budget is ``epochs`` (by default 5), ``steps`` or ``seconds``, as in ``fit``, whose loop this
    is: the step and its model are at every moment what fit would have made of them. ``history`` goes on with a run.
    ``image`` (C, H, W) is the slice to watch, ``plane`` the letters around it. ``wait`` trains before it returns, and
    raises what fit raises: by default where a program such as nbclient runs the notebook, whose page nobody could use.
    Closing the widget stops its training, and so does making or playing another; both keep the model. The networks
    compute where they are: to train on a GPU, move the model there before you make its step.

    Raises InputError for a budget or batches that cannot be trained with.
    """
    step = training.vae_step(models.VAE(models.ModelConfig())) if step is None else step
    synthetic, batches = batches is None, _phantoms() if batches is None else batches
    epochs = 5 if epochs is steps is seconds is None else epochs
    state = TrainingMonitorState(step, batches, image, history, epochs=epochs, steps=steps, seconds=seconds)
    if headless() if wait is None else wait:
        state.worker.whole()
    kind = "Synthetic brain slices. " if synthetic else ""
    return FittingCanvas(
        state,
        [*_panels(state, plane), *(Curve(_key(g), _title(g), "step", _unit(g)) for g in groups(state.names))],
        [Button("play", "Play"), Button("pause", "Pause"), Button("once", "One step"), Button("stop", "Stop")],
        title=title,
        caption=f"{kind}For teaching, not for clinical use." if caption is None else caption,
        display=("window", "zoom") if state.model is not None else (),
        look={"low": 0.0, "high": 1.0},
    )


def groups(found: Sequence[str]) -> list[tuple[str, ...]]:
    """Names whose curves share a panel: both players' losses, and the logits of real and fake; others stand alone."""
    kinds: dict[str, list[str]] = {}
    for name in found:
        kind = "logits" if name in ("real", "fake") else name.rpartition("_")[2] if name.endswith("_loss") else name
        kinds.setdefault(f"{kind}s" if name.endswith("_loss") else kind, []).append(name)
    return [tuple(group) for group in kinds.values()]


def _panels(state: TrainingMonitorState, plane: geometry.Plane | None) -> list[Panel]:
    if state.model is None:
        return []
    if not isinstance(state.model, Reconstructs):
        return [Panel("live", f"{SAMPLES} samples, now")]
    named = {}
    if plane is not None:
        named = {"edges": geometry.EDGES[plane], "pixel_mm": geometry.pixel_mm(state.x.shape[-1])}
    return [Panel("slice", "Slice", **named), Panel("live", "Reconstruction, now", **named)]


def _phantoms() -> data.Batches:
    return data.Batches(data.load("phantom").images)


def _key(group: Sequence[str]) -> str:
    return f"curve_{group[0]}"


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " "))


def _title(group: Sequence[str]) -> str:
    together = " and ".join(map(_label, group))
    return together[:1].upper() + together[1:]


def _unit(group: Sequence[str]) -> str:
    return "logit" if group[0] in ("real", "fake") else "loss" if group[0].endswith("loss") else _label(group[0])


def _number(value: float) -> str:
    """Four digits, or all before the point: 0.1234, but 20,220 and not 2.022e+04."""
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "−")


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s left" if minutes else f"{rest} s left"
