"""One file per widget: a state that computes and can be tested without a browser, and a function that shows it.

How to write a widget on this canvas:

1. The state is a ``traitlets.HasTraits``: a trait for every control and each axis of a crosshair, no Jupyter in it.
2. ``state.frame()`` gives a ``Frame``: for every panel's name a content (``frame.TAKES``: a ``Picture`` of uint8 for a
   ``Panel`` or each side of a ``Swipe``, ``Lines`` for a ``Curve``, ``Points`` for a ``Scatter``, ``Readings`` for a
   ``Lookup``) and one sentence that says what the pictures show. Unchanged bytes are not sent again.
3. A function of the widget's name builds ``Canvas(state, panels, controls, title=…, caption=…)`` from ``parts``.
4. What the learner can mend is raised as ``InputError``, in ``frame``, ``press``, ``stroke`` or a validator: it becomes
   a sentence on the page, and the last picture stays.
5. A ``Button`` calls ``state.press(name)``; name it in ``Frame.disabled`` while it does nothing.
6. ``Panel(brush=Brush("size"))`` calls ``state.stroke(panel, points, begins)``; keep a copy where ``begins`` for undo.
7. What must need no kernel follows "look.threshold": ``Curve(marker=…)`` with ``Line.at``, ``Lookup``, the overlay.
8. What goes on by itself runs in a ``worker.Worker``; the state has an Int trait ``changed`` and ``show`` adds 1.
   ``frame`` takes ``worker.lock`` and raises ``worker.failure``; the state that is thrown away calls ``pause``.
9. Test the state like any function: set a trait, call ``press``, look at ``frame()``; see tests/every_part.py.
"""

from brainlab.widgets.anomaly_explorer import anomaly_explorer
from brainlab.widgets.contrast_lab import contrast_lab
from brainlab.widgets.filter_lab import filter_lab
from brainlab.widgets.gan_cockpit import gan_cockpit
from brainlab.widgets.latent_explorer import latent_explorer
from brainlab.widgets.latent_map import latent_map
from brainlab.widgets.lesion_painter import lesion_painter
from brainlab.widgets.model_duel import model_duel
from brainlab.widgets.time_machine import time_machine
from brainlab.widgets.training_monitor import training_monitor
from brainlab.widgets.volume_viewer import volume_viewer

__all__ = [
    "anomaly_explorer",
    "contrast_lab",
    "filter_lab",
    "gan_cockpit",
    "latent_explorer",
    "latent_map",
    "lesion_painter",
    "model_duel",
    "time_machine",
    "training_monitor",
    "volume_viewer",
]
