"""From a score to a mask: one slice, its anomaly map, and a threshold whose worth is read while it moves.

Every method is asked the same: score the slice, clean the map, call lesion what lies above the threshold. The plain
threshold on brightness is a method too, and the first. Scores are shown as shares of the method's highest, so that
one slider serves all; what the browser needs for the threshold, numbers at each of 255 places, came with the frame.
"""

from collections.abc import Callable, Mapping
from functools import cache

from brainlab import anomaly
from brainlab.slices import Slices
from brainlab.widgets.anomaly_state import AnomalyExplorerState
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.cases import NAMES, caption, marks, scan_panel, some_people
from brainlab.widgets.judging import FPR
from brainlab.widgets.parts import Button, Choice, Curve, Lookup, Panel, Toggle


def anomaly_explorer(
    scores: Mapping[str, anomaly.Score] | None = None, slices: Slices | None = None, healthy: Slices | None = None
) -> Canvas:
    """Set a threshold on any method's anomaly map and see what it is worth; ``canvas.state`` is the state.

    ``scores``: methods by name, each Slices to maps (``anomaly.Score``); by default the plain thresholds, |z| and the
    shipped networks for the slices' contrast. ``slices``: scans with lesions, by default of eight people of the dev
    split, never of the test split; ``healthy``: slices of other, healthy people, who set the honest mark, by default
    eight of the val split. Raises InputError where no slice shows a lesion, or a "healthy" one does.
    """
    from brainlab import data

    slices = some_people(data.load("phantom", "dev")) if slices is None else slices
    if healthy is None:
        healthy = data.load("phantom", "val", slices.contrast or "T1w", slices.images.shape[-1])
        healthy = some_people(healthy)
    return show(
        AnomalyExplorerState(every_score(slices.contrast or "T1w") if scores is None else scores, slices, healthy)
    )


def show(state: AnomalyExplorerState) -> Canvas:
    """The explorer on any scores and slices; it opens with the threshold at the honest mark."""
    panels = [
        scan_panel("truth", state.slices),
        Panel("scores", "Anomaly map, scaled to 0–1", colours="inferno", **marks(state.slices)),
        Panel("called", "Called a lesion at this threshold", smooth=False, **marks(state.slices)),
        Curve("curve", "Precision and recall over all thresholds", "recall", "precision", marker="look.threshold"),
        Lookup("numbers", "At this threshold"),
    ]
    controls = [
        Choice("method", "Method", tuple((one, NAMES.get(one, one)) for one in state.scores)),
        *state.controls(),
        Choice("pool", "Pixels judged", (("slice", "this slice"), ("people", f"these {len(state.people)} people"))),
        Toggle("erosion", "Leave out the brain's rim"),
        Toggle("median", "Median filter"),
        Toggle("components", "Drop small pieces"),
        Toggle("truth", "Show the truth"),
        Button("honest", f"Threshold at {100 * FPR:.0f} % healthy FPR"),
        Button("oracle", "Threshold of the oracle"),
    ]
    state.press("honest")
    canvas = Canvas(
        state,
        panels,
        controls,
        title="Anomaly explorer",
        caption=caption(state.slices),
        display=("opacity", "threshold", "zoom"),
        look={"low": 0.0, "high": 1.0, "threshold": state.jump[1]},
    )
    state.observe(lambda change: _send(canvas, change["new"][1]), "jump")
    state.observe(lambda _: state.press("honest"), "method")  # another method's scores have another scale
    return canvas


def every_score(contrast: str) -> dict[str, anomaly.Score]:
    """The plain thresholds, |z| and the shipped networks for a contrast; each is made when it is first asked."""
    from brainlab import checkpoints, data
    from brainlab.benchmark import methods

    networks = {
        name: later(lambda name=name: anomaly.scored(checkpoints.load(name)))
        for name in methods.SHIPPED.get(contrast, ())
    }
    z = later(lambda: anomaly.ZScore.fit(data.load("phantom", "train", contrast)))
    return {"brightness": anomaly.brightness, "darkness": anomaly.darkness, "|z|": z, **networks}


def later(make: Callable[[], anomaly.Score]) -> anomaly.Score:
    """A score that is made the first time that it is asked, and kept."""
    kept = cache(make)
    return lambda slices: kept()(slices)


def _send(canvas: Canvas, threshold: float) -> None:
    canvas.look = canvas.look | {"threshold": threshold}
