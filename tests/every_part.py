"""One widget with every part of the canvas, for tests here and in the browser."""

import threading
import time

import numpy as np
import traitlets

from brainlab import InputError
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture, to_bytes
from brainlab.widgets.parts import (
    Axis,
    Brush,
    Button,
    Choice,
    Curve,
    Lookup,
    Matrix,
    Panel,
    Scatter,
    Slider,
    Swipe,
    Toggle,
)
from brainlab.widgets.plots import Line, Lines, Points, Reading, Readings

SIZE = 48
AT = np.linspace(0, 1, 256)
SUBJECTS = tuple(f"subject {i}" for i in range(1, 10))


class EveryPart(traitlets.HasTraits):
    """Paints what it is told, counts what is pressed, and keeps what was asked of it in ``done``."""

    size = traitlets.Float(3.0)
    subject = traitlets.Enum(SUBJECTS, SUBJECTS[0])
    smooth = traitlets.Bool(True)
    z1 = traitlets.Float(0.0)
    z2 = traitlets.Float(0.0)
    kernel = traitlets.List(traitlets.List(traitlets.Float()), [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    changed = traitlets.Int(0)
    pause = 0.0  # s that a frame takes

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple] = []
        self.painted = np.zeros((SIZE, SIZE), np.float32)
        self.losses: list[float] = [3.0 * 0.9**i + 0.2 for i in range(12)]
        y, x = np.mgrid[:SIZE, :SIZE]
        self.brain = ((np.hypot(x - 23.5, y - 23.5) < 20) * (0.4 + 0.3 * (np.hypot(x - 30, y - 20) < 8))).astype(float)

    def press(self, name: str) -> None:
        """Note it; "reset" clears the picture, "train" goes on in a thread, "fail" cannot."""
        self.done.append(("press", name, self.size))
        if name == "train":
            threading.Thread(target=self.train, daemon=True).start()
        if name == "reset":
            self.painted = np.zeros_like(self.painted)
        if name == "fail":
            raise InputError("This button cannot do it; take another one.")

    def train(self) -> None:
        """Twenty more epochs, each shown."""
        for _ in range(20):
            time.sleep(0.05)
            self.losses.append(0.95 * self.losses[-1])
            self.changed += 1

    def stroke(self, panel: str, points: np.ndarray, begins: bool) -> None:
        """Note it, and paint a dab at every point."""
        self.done.append(("stroke", panel, points.tolist(), begins, self.size))
        y, x = np.mgrid[:SIZE, :SIZE]
        for column, row in points:
            self.painted[np.hypot(x - column, y - row) <= self.size] = 1.0

    def frame(self) -> Frame:
        """Everything there is."""
        time.sleep(self.pause)
        draw, epochs = np.random.default_rng(0), np.arange(len(self.losses))
        recall, precision = 1 - AT, 0.2 + 0.75 * AT**0.5
        scores = [np.histogram(draw.normal(centre, 0.12, 400), np.linspace(0, 1, 25)) for centre in (0.35, 0.6)]
        z1, z2 = draw.normal(size=(2, 60)).clip(-2.9, 2.9)
        image = to_bytes(self.brain, (0.0, 1.0))
        pictures = {
            "slice": Picture(image, overlay=to_bytes(self.painted, (0.0, 1.0))),
            "vae": Picture(to_bytes(self.brain, (0.0, 1.0))),
            "gan": Picture(to_bytes(1 - self.brain, (0.0, 1.0))),
            "loss": Lines(
                [Line("train", epochs, np.array(self.losses)), Line("validation", epochs, 0.3 + np.array(self.losses))]
            ),
            "pr": Lines([Line("VAE", recall, precision, AT), Line("plain threshold", recall, 0.6 * precision, AT)]),
            "scores": Lines([Line(name, edges, n) for name, (n, edges) in zip(("real", "fake"), scores, strict=True)]),
            "map": Points(z1, z2, z1 + z2, z2 > 1, (-3.0, 3.0)),
            "numbers": Readings(
                AT, [Reading("Dice", AT * (1 - AT) * 4), Reading("False positives", 100 - 100 * AT, 1, "%")]
            ),
        }
        presses = [name for kind, name, *_ in self.done if kind == "press"]
        strokes = sum(one[0] == "stroke" and one[3] for one in self.done)
        painted = f"{int(self.painted.sum())} pixels painted in {strokes} strokes"
        readout = f"{painted}; pressed: {', '.join(presses) or 'nothing'}."
        return Frame(pictures, readout, disabled=("never",), spoken={"size": f"{self.size:.0f} pixels wide"})


def every_part(state: EveryPart | None = None) -> Canvas:
    """The widget."""
    panels = [
        Panel("slice", "Paint here", ("A", "P", "R", "L"), 4.0, brush=Brush("size"), overlay_colours="amber"),
        Swipe("duel", "Two models", ("vae", "VAE"), ("gan", "GAN")),
        Scatter(
            "map",
            "Latent map",
            Axis("z1", -3.0, 0.06),
            Axis("z2", 3.0, -0.06),
            "axis 1 (σ)",
            "axis 2 (σ)",
            "Ventricle size",
            "healthy",
            "tumour",
        ),
        Curve("loss", "Loss while training", "epoch", "loss"),
        Curve("pr", "Precision and recall", "recall", "precision", marker="look.threshold"),
        Curve("scores", "What D says", "score", "images", marker="look.threshold"),
        Lookup("numbers", "At this threshold"),
    ]
    controls = [
        Slider("size", "Brush size", 1, 12, 1, "px"),
        Choice("subject", "Subject", tuple((one, one) for one in SUBJECTS)),
        Toggle("smooth", "Smooth edges"),
        Matrix("kernel", "Kernel", 3, 3),
        Button("train", "Train"),
        Button("reset", "Reset"),
        Button("fail", "Fail"),
        Button("never", "Never"),
    ]
    return Canvas(
        EveryPart() if state is None else state,
        panels,
        controls,
        title="Every part",
        caption="Made up. For teaching, not for clinical use.",
        display=("window", "opacity", "threshold", "zoom"),
        look={"low": 0.0, "high": 1.0, "threshold": 0.3},
    )
