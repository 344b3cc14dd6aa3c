"""The cockpit's game without a page: levers in; samples, verdicts, losses, gradients and a balance out.

What is shown is what training itself sees: samples and D's verdicts on them are those of training mode.
"""

import copy
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import traitlets
from torch import Tensor

from brainlab import data, training
from brainlab.models.gan import GAN
from brainlab.training import GANStep, History
from brainlab.widgets import balance
from brainlab.widgets.fitting import Fitting
from brainlab.widgets.frame import Frame, Picture, Table
from brainlab.widgets.gan_starts import GAMES, STARTS, Settings, loaded
from brainlab.widgets.monitored import tiled
from brainlab.widgets.plots import Line, Lines
from brainlab.widgets.trace import Trace, lines

PLAYERS = ("discriminator", "generator")
SHOWN, MEASURED = 16, 64  # samples on the picture, and those whose variety is measured
EVERY, KEPT = 25, 12  # rounds between two snapshots, and how many are kept: 5 MB each at 64 px
ENDLESS = 10**9  # rounds


class Round(NamedTuple):
    """What one whole round, both players, leaves for the balance."""

    real: np.ndarray  # (B,) D of real slices
    fake: np.ndarray  # (B,) and of samples
    gradient: float  # ‖∇G‖


class Snapshot(NamedTuple):
    """A moment to go back to."""

    state: dict[str, Any]
    history: dict[str, Any]


class GANCockpitState(traitlets.HasTraits):
    """The levers in; samples, verdicts, losses, gradients and a sentence out. ``worker.history`` counts the rounds."""

    start = traitlets.Unicode("gan")
    loss = traitlets.Enum(tuple(GAMES), "non_saturating")
    lr_d = traitlets.Float(1e-4, min=0.0)
    lr_g = traitlets.Float(4e-4, min=0.0)
    k_d = traitlets.Float(1.0, min=1.0, max=20.0)  # updates a round
    k_g = traitlets.Float(1.0, min=1.0, max=20.0)
    smoothing = traitlets.Float(0.1, min=0.0, max=0.5)
    changed = traitlets.Int(0)

    def __init__(
        self,
        images: Tensor,
        start: str = "gan",
        *,
        load: Callable[[str], GAN] | None = None,
        batch: int = 32,
        seed: int = 0,
    ) -> None:
        """``images`` (N, 1, H, W) are the real slices; ``load(start)`` gives the GAN that a start begins with."""
        super().__init__()
        self.images, self.seed = images, seed
        self.load = load or (lambda name: loaded(name, images.shape[-1], seed))
        self.batches = data.Batches(images, batch, seed)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        self.real = images[order[:MEASURED]]
        self.traces: dict[str, Trace] = {}
        self.rounds: deque[Round] = deque(maxlen=balance.ROUNDS)
        self.snapshots: deque[Snapshot] = deque(maxlen=KEPT)
        self.start = start
        self.gan = self.load(start)
        step = training.gan_step(self.gan, seed=seed)
        settings = {"steps": ENDLESS, "schedule": lambda done: 1.0}  # the rates are the learner's
        self.worker = Fitting(step, self.batches, self._seen, self._show, **settings)
        self._begin(self.gan, step)
        self.observe(lambda _: self.restart(), "start")

    def press(self, name: str) -> None:
        """Do "play", "pause", "round", "step_d", "step_g", "rewind" or "restart"."""
        act = {"play": self.play, "pause": self.worker.pause, "rewind": self.rewind, "restart": self.restart}
        turns = {"round": self._turns(), "step_d": ["discriminator"], "step_g": ["generator"]}
        if name in act:
            act[name]()
        else:
            self.step(turns[name])

    def play(self) -> None:
        """Round after round."""
        with self.worker.lock:
            self._apply(self._turns())
        self.worker.play()

    def step(self, turns: list[str]) -> None:
        """These turns on the next batch, and pause; "discriminator" and "generator" in any number and order."""
        self.worker.pause()
        with self.worker.lock:
            self._apply(turns)
            self.worker.once()

    def restart(self) -> None:
        """The start anew, weights and levers."""
        self.worker.pause()
        gan = self.load(self.start)
        self._begin(gan, training.gan_step(gan, seed=self.seed))

    def rewind(self) -> None:
        """Back to the last snapshot before now, and at the next press to the one before; the levers stay."""
        self.worker.pause()
        with self.worker.lock:
            now = self.worker.history.steps
            while len(self.snapshots) > 1 and len(self.snapshots[-1].history["done"]) >= now:
                self.snapshots.pop()
            there = self.snapshots[-1]
            self.worker.training.load_state_dict(there.state)
            self.worker.history, self.worker.failure = History.from_json(copy.deepcopy(there.history)), None
            self._drawn = None
            for trace in self.traces.values():
                trace.cut(self.worker.history.steps)
            self._look_first()

    def balance_check(self) -> balance.Balance:
        """Whether the players are in balance by the last 20 rounds and the samples now; see ``balance``."""
        with self.worker.lock:
            return balance.judge(self._measured(self._samples()), len(self.rounds))

    def frame(self) -> Frame:
        """Samples, verdicts, losses, gradients; the numbers of the balance beside their bounds."""
        with self.worker.lock:
            if self.worker.failure:
                raise self.worker.failure
            samples = self._samples()
            found = balance.judge(self._measured(samples), len(self.rounds))
            pictures = {
                "samples": Picture(tiled(samples[:SHOWN])),
                "verdicts": self._verdicts(),
                "losses": lines(self.traces, [("discriminator_loss", "D"), ("generator_loss", "G")]),
                "gradients": lines(self.traces, [("discriminator", "D"), ("generator", "G")]),
                "means": lines(self.traces, [("real", "D(real)"), ("fake", "D(fake)")])._replace(y_span=(0.0, 1.0)),
                "variety": lines(self.traces, [("variety", "samples")])._replace(y_span=(0.0, 1.4)),
            }
            return Frame(pictures, self._told(found), _table(found.numbers), self._disabled(), self._spoken())

    def _told(self, found: balance.Balance) -> str:
        doing = "Playing" if self.worker.playing else "Paused"
        return f"{doing} after {self.worker.history.steps} rounds. {found.sentence}"

    def _disabled(self) -> tuple[str, ...]:
        rewind = () if self.worker.history.steps else ("rewind",)
        smoothing = () if self.loss in ("non_saturating", "minimax") else ("smoothing",)
        return ("play" if self.worker.playing else "pause", *rewind, *smoothing)

    def _spoken(self) -> dict[str, str]:
        said = {f"lr_{p[0]}": f"{getattr(self, f'lr_{p[0]}'):g}, Adam's learning rate of the {p}" for p in PLAYERS}
        return said | {f"k_{p[0]}": f"{int(getattr(self, f'k_{p[0]}'))} updates of the {p} a round" for p in PLAYERS}

    def _verdicts(self) -> Lines:
        edges = np.linspace(0, 1, 21)
        said = {name: [getattr(one, name) for one in self.rounds or [self.before]] for name in ("real", "fake")}
        bars = {name: np.histogram(side := np.concatenate(found), edges)[0] / len(side) for name, found in said.items()}
        return Lines([Line(f"D({name})", edges, bar) for name, bar in bars.items()], (0.0, 1.0))

    @torch.no_grad()
    def _samples(self) -> Tensor:
        """(64, 1, H, W) of always the same z; drawn anew where a step was taken.

        A copy draws, in training mode: a generator's BatchNorm keeps averages whenever it is asked, also for D's sake,
        so that in evaluation mode its pictures would change while it learns nothing.
        """
        key = self.worker.history.steps
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = (key, copy.deepcopy(self.gan.generator).train()(self.z.to(self._place)).cpu())
            self.traces.setdefault("variety", Trace()).add(key, balance.variety(self._drawn[1], self.real))
        return self._drawn[1]

    def _measured(self, samples: Tensor) -> dict[str, float]:
        def mean(name: str) -> float:
            return float(np.mean([np.mean(getattr(one, name)) for one in self.rounds])) if self.rounds else float("nan")

        return {one: mean(one) for one in ("real", "fake", "gradient")} | {
            "variety": balance.variety(samples, self.real)
        }

    def _seen(self, number: int, numbers: dict[str, float]) -> None:
        """After every step, in whatever thread it was taken."""
        step: Any = self.worker.training
        norms = {p: balance.gradient_norm(list(self.gan.get_submodule(p).parameters())) for p in set(step.turns)}
        logs = {player: float(np.log10(max(norm, 1e-12))) for player, norm in norms.items()}
        for name, value in ({k: v for k, v in numbers.items() if k.endswith("_loss")} | logs).items():
            self.traces.setdefault(name, Trace()).add(number, value)
        if len(norms) == len(PLAYERS):
            real, fake = (torch.sigmoid(step.logits[name]).cpu().numpy() for name in ("real", "fake"))
            self.rounds.append(Round(real, fake, norms["generator"]))
            for name, said in (("real", real), ("fake", fake)):
                self.traces.setdefault(name, Trace()).add(number, float(said.mean()))
        if number % EVERY == 0:
            self._keep()
        self._apply(self._turns())

    def _turns(self) -> list[str]:
        return ["discriminator"] * int(self.k_d) + ["generator"] * int(self.k_g)

    def _apply(self, turns: list[str]) -> None:
        """The levers take effect between two steps."""
        step: Any = self.worker.training
        if self._game != (self.loss, self.smoothing):
            self._game = (self.loss, self.smoothing)
            game: Any = self.loss  # its Enum holds names of games alone
            step.game = training.gan_step(self.gan, game, label_smoothing=self.smoothing).game
        step.turns = turns
        for player, rate in zip(PLAYERS, (self.lr_d, self.lr_g), strict=True):
            for group in step.optimizers[player].param_groups:
                group["lr"] = rate

    def _keep(self) -> None:
        worker = self.worker
        self.snapshots.append(
            Snapshot(copy.deepcopy(worker.training.state_dict()), copy.deepcopy(worker.history.to_json()))
        )

    def _begin(self, gan: GAN, step: GANStep) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        with self.worker.lock:
            self.gan, self.worker.training, self.worker.history, self.worker.failure = gan, step, History(), None
            self.z = torch.randn(MEASURED, gan.config.latent_dim, generator=generator)
            self._game: tuple[str, float] | None = None
            self._drawn: tuple[int, Tensor] | None = None
            self.traces.clear()
            self.snapshots.clear()
            self._keep()
            self._look_first()
        for name, value in STARTS.get(self.start, ("", Settings()))[1]._asdict().items():  # not while the lock is held
            setattr(self, name, value)

    @torch.no_grad()
    def _look_first(self) -> None:
        """What D would say in a round, before there was one; asked of a copy, whose BatchNorm may note it."""
        self.rounds.clear()
        judge = copy.deepcopy(self.gan.discriminator).train()
        sides = [one.to(self._place) for one in (self.real, self._samples())]
        real, fake = (torch.sigmoid(judge(one)).cpu().numpy() for one in sides)
        self.before = Round(real, fake, float("nan"))

    @property
    def _place(self) -> torch.device:
        return next(self.gan.parameters()).device

    def _show(self) -> None:
        self.changed += 1


def _table(numbers: dict[str, float]) -> Table:
    rows = []
    for key, bound in balance.BOUNDS.items():
        value, mark = numbers[key], "" if bound.holds(numbers[key]) else " (off)"
        text = f"{value:.2g}{mark}" if np.isfinite(value) else "–"
        length = min(1.0, value / bound.high) if np.isfinite(value / bound.high) and np.isfinite(bound.high) else None
        rows.append((f"{bound.name}, {bound.words()}", text, length))
    return Table(f"Balance: means over the last {balance.ROUNDS} rounds, and variety now", rows)
