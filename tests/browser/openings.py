"""How every widget is opened for a picture or a test: as it ships, and as something tiny that needs no data.

A widget that is missing here fails ``test_every_widget``, so that a new one is looked at, and tested, too.
"""

from pathlib import Path

SHIPPED = {
    "anomaly_explorer": "widgets.anomaly_explorer()",
    "contrast_lab": "widgets.contrast_lab()",
    "filter_lab": "widgets.filter_lab()",
    "gan_cockpit": """
cockpit = widgets.gan_cockpit()
for _ in range(20):
    cockpit.state.press("round")
cockpit""",
    "latent_explorer": "widgets.latent_explorer()",
    "latent_map": "widgets.latent_map()",
    "lesion_painter": """
painter = widgets.lesion_painter()
painter.state.stroke("paint", np.array([[85.0, 120.0], [92.0, 128.0]]), True)
painter""",
    "model_duel": "widgets.model_duel()",
    "time_machine": "widgets.time_machine()",
    "training_monitor": """
monitor = widgets.training_monitor()
for _ in range(60):
    monitor.state.press("once")
monitor""",
    "volume_viewer": "widgets.volume_viewer(phantoms.subject(0))",
}
"""Cells that open each widget as a learner first sees it; a training has taken some steps."""

SETUP = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parents[1])!r}]
import numpy as np, torch
torch.set_num_threads(1)
import brainlab as bl
from brainlab import data, models, phantoms, training, widgets
"""

TINY = {
    "anomaly_explorer": """
from brainlab import anomaly
scores = {"brightness": anomaly.brightness, "darkness": anomaly.darkness}
widgets.anomaly_explorer(scores, scans(), scans(("healthy",), ("dora",), seed=1))""",
    "contrast_lab": """
from brainlab.widgets.contrast_lab import ContrastLabState, show
stripes = np.repeat(np.eye(3, dtype=np.float32), 54, axis=1)[:, None, 1:-1].repeat(160, axis=1)
show(ContrastLabState({"none": dict(zip(("gm", "wm", "csf"), stripes))}))""",
    "filter_lab": "widgets.filter_lab(tiny(bl.Classifier), scans())",
    "gan_cockpit": """
from brainlab.widgets.gan_cockpit import show
from brainlab.widgets.gan_state import GANCockpitState
show(GANCockpitState(scans().images, load=lambda name: tiny(bl.GAN), batch=8), "Made up.")""",
    "latent_explorer": "widgets.latent_explorer(tiny(bl.VAE).eval(), scans())",
    "latent_map": "widgets.latent_map(tiny(bl.Autoencoder, latent_dim=2).eval(), scans(), 'height')",
    "lesion_painter": """
well = scans(("healthy",)), scans(("healthy",), ("dora", "eve"), seed=1)
widgets.lesion_painter({"AE": tiny(bl.Autoencoder), "VAE": tiny(bl.VAE)}, well[0], healthy=well[1])""",
    "model_duel": "widgets.model_duel(tiny(bl.VAE).eval(), tiny(bl.DenoisingAutoencoder).eval(), scans())",
    "time_machine": """
from brainlab import measured
from brainlab.widgets.time_machine import AXES, Stop, TimeMachineState, show
nan = float("nan")
stops = [Stop(float(i), str(i), {"psnr": measured.Stated(10.0 + i, nan, nan, nan, "")}) for i in range(3)]
show(TimeMachineState(AXES["epochs"], stops, scans(), lambda name: tiny(bl.VAE, seed=int(name)).eval()))""",
    "training_monitor": """
widgets.training_monitor(training.vae_step(tiny(bl.VAE)), data.Batches(scans().images, 8), steps=100_000)""",
    "volume_viewer": """
x, y, z = np.meshgrid(*(np.arange(-70, 71, 4),) * 3, indexing="ij")
ball = (x**2 + y**2 + z**2 < 60**2) * 0.4 + (np.hypot(x - 30, y - 20) < 12) * 0.4
affine = np.diag([4.0, 4.0, 4.0, 1.0]); affine[:3, 3] = -70
widgets.volume_viewer(ball.astype(np.float32), np.clip(1 - np.hypot(x + 30, z) / 40, 0, 1), affine=affine)""",
}
"""The same widgets with formulas for scans and untrained networks of 32 px, each open in a second."""

TINY_SETUP = SETUP + "from scans import scans\nfrom tiny import tiny\n"


def together(openings: dict[str, str], names: list[str]) -> str:
    """One cell that opens all the named widgets, one below the other."""
    parts = []
    for name in names:
        *before, last = openings[name].strip().splitlines()
        parts += [*before, f"display({last})"]
    return "\n".join(parts)
