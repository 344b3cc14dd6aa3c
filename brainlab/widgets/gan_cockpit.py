"""Fly a GAN: two players that must stay in balance, every lever of the game, and disasters to recover from."""

from torch import Tensor

from brainlab import data
from brainlab.widgets import balance
from brainlab.widgets.fitting import FittingCanvas
from brainlab.widgets.gan_starts import GAMES, RATES, STARTS
from brainlab.widgets.gan_state import EVERY, SHOWN, GANCockpitState
from brainlab.widgets.parts import Button, Choice, Curve, Panel, Slider


def gan_cockpit(
    name: str = "gan", images: Tensor | None = None, *, batch: int = 32, seed: int = 0, caption: str | None = None
) -> FittingCanvas:
    """Train a GAN beside the page with every lever of the game; ``canvas.state`` is the ``GANCockpitState``.

    ``name``: "gan", one of the disasters "gan-mode-collapse", "gan-discriminator-wins" and "gan-vanishing-gradient",
    "new" for an untrained one, or any weights or folder that hold a GAN. ``images`` (N, 1, H, W) in [0, 1] are the real
    slices, by default the phantom's; ``batch`` of them make a round. ``canvas.state.balance_check()`` says in a
    sentence whether the players are in balance, and is true if they are. Without a page, ``state.worker`` is not
    needed: ``for _ in range(20): canvas.state.press("round")``.

    Raises InputError for weights that are no GAN, or not of the images' size.
    """
    synthetic, images = images is None, data.load("phantom").images if images is None else images
    kind = "Synthetic brain slices. " if synthetic else ""
    state = GANCockpitState(images, name, batch=batch, seed=seed)
    return show(state, f"{kind}For teaching, not for clinical use." if caption is None else caption)


def show(state: GANCockpitState, caption: str) -> FittingCanvas:
    """The cockpit of any state."""
    starts = {name: label for name, (label, _) in STARTS.items()} | {
        state.start: STARTS.get(state.start, (state.start,))[0]
    }
    return FittingCanvas(
        state,
        [
            Panel("samples", f"{SHOWN} samples, always of the same z"),
            Curve("verdicts", f"What D said in the last {balance.ROUNDS} rounds", "D, probability of real", "share"),
            Curve("losses", "Losses", "round", "loss"),
            Curve("means", "Mean verdict of each round", "round", "D, probability of real"),
            Curve("variety", "Variety: 1 as real slices, 0 all alike", "round", "variety"),
            Curve("gradients", "Gradient norms, as powers of ten", "round", "log₁₀ ‖∇‖"),
        ],
        [
            Choice("start", "Begin with", tuple(starts.items())),
            Button("play", "Play"),
            Button("pause", "Pause"),
            Button("round", "One round"),
            Button("step_d", "Step D"),
            Button("step_g", "Step G"),
            Button("rewind", f"Rewind {EVERY} rounds"),
            Button("restart", "Start over"),
            Choice("loss", "Loss", tuple(GAMES.items())),
            Slider("lr_d", "Learning rate of D", stops=RATES, digits=6),
            Slider("lr_g", "Learning rate of G", stops=RATES, digits=6),
            Slider("k_d", "Updates of D a round", 1, 5, 1),
            Slider("k_g", "Updates of G a round", 1, 5, 1),
            Slider("smoothing", "Label smoothing", 0, 0.3, 0.05, digits=2),
        ],
        title="Adversarial cockpit",
        caption=caption,
        display=("zoom",),
        look={"low": 0.0, "high": 1.0},
    )
