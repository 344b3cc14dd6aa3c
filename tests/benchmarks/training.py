"""How fast the kit trains: its loop and its step against pythae's, MONAI's and a loop that does nothing else.

The VAE with its default sizes (64 px, latent_dim 32), batches of 64 random images, all on the CPU. The sides of a
figure take turns within one run, in an order that turns round each time, so that what else the machine does meets them
alike; a figure is the median over the rounds. Peers are trained in processes of their own, for ``fit`` changes how the
process that it runs in keeps its memory.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import brainlab as bl
from brainlab import data, losses, training
from tests.benchmarks import peers
from tests.benchmarks.speeds import Figure, fresh

SLICES, ROUNDS = 1920, 9
"""The slices of the phantom's train split; a round is an epoch of each side, the second of its process."""
README = {
    "train_dataloader_num_workers": 2,
    "optimizer_cls": "AdamW",
    "optimizer_params": {"weight_decay": 0.05, "betas": (0.91, 0.995)},
    "scheduler_cls": "ReduceLROnPlateau",
    "scheduler_params": {"patience": 5, "factor": 0.5},
}
"""How pythae 0.1.2's README trains ("Launching a model training"), but for batches of 64 and no held-out set."""
FEW, SHORT_ROUNDS = 320, 40
"""Where both sides share a process, shorter turns: the shorter, the more alike is what else the machine does."""


def train_vs_pythae() -> Figure:
    """Images/s of ``fit`` over those of pythae's trainer, with the same networks, run as pythae's README runs it.

    Its README loads images in two worker processes, which cost more here than they save: an epoch starts them anew.
    ``train_vs_pythae_no_workers`` is over pythae with its defaults, none, and ``train_vs_pythae_channels_last`` over
    one whose model was put in channels_last beside, which its user can do too: the fastest pythae that we know.
    """
    peers.load("pythae.models")
    sides = {"fit": apart("our_epochs(random_images(SLICES))")}
    for name, how in {"pythae": "**README", "no_workers": "", "channels_last": "layout=torch.channels_last"}.items():
        sides[name] = apart(f"pythae_epochs(random_images(SLICES), {how})")
    speeds = take_turns(sides, SLICES, ROUNDS)
    details = {"fit_images_per_s": median(speeds["fit"]), "pythae_images_per_s": median(speeds["pythae"])}
    for name in ("no_workers", "channels_last"):
        details[f"train_vs_pythae_{name}"] = ratio(speeds["fit"], speeds[name])
    return ratio(speeds["fit"], speeds["pythae"]), details


def train_vs_monai() -> Figure:
    """Images/s of ``fit`` over those of MONAI's VarAutoEncoder in a plain loop with the same loss and optimizer.

    Ours is in channels_last; MONAI's flattens by ``view``, which refuses that. MONAI's kernels are odd: 3 on the way
    down and 5 on the way up, or the other way round, come nearest to our 4 by 4 in parameters and in operations. The
    faster of the two counts.
    """
    peers.load("monai.networks.nets")
    kernels = {"monai_3_5": (3, 5), "monai_5_3": (5, 3)}
    batches = "random_images(SLICES).split(peers.BATCH)"
    sides = {"fit": apart("our_epochs(random_images(SLICES))")}
    sides |= {name: apart(f"bare(monai_vae{pair}, {batches})") for name, pair in kernels.items()}
    speeds = take_turns(sides, SLICES, ROUNDS)
    faster = max(kernels, key=lambda name: median(speeds[name]))
    details = {f"{name}_images_per_s": median(speeds[name]) for name in kernels}
    details |= {"parameters": parameters(new_vae()), "monai_parameters": parameters(monai_vae(*kernels[faster]))}
    return ratio(speeds["fit"], speeds[faster]), details


def fit_vs_bare_step() -> Figure:
    """Images/s of ``fit`` over those of forward, backward and Adam alone, on batches that lie ready."""
    images = random_images(FEW)
    vae = new_vae()
    training.vae_step(vae)  # channels_last
    sides = {"fit": our_epochs(images), "bare": bare(vae, images.split(peers.BATCH))}
    speeds = take_turns(sides, FEW, SHORT_ROUNDS)
    return ratio(speeds["fit"], speeds["bare"]), {"bare_images_per_s": median(speeds["bare"])}


def apart(side: str) -> Callable[[], float]:
    """A fresh process, in which the expression ``side`` gives an epoch of this module; returns the second's seconds."""
    code = f"from tests.benchmarks.training import *; epoch = {side}; epoch(); print(epoch())"
    return lambda: fresh(code)[0]


def our_epochs(images: Tensor) -> Callable[[], float]:
    """An epoch of ``fit`` with ``vae_step``, its progress bar included; returns seconds."""
    step = training.vae_step(new_vae())
    batches = data.Batches(images, peers.BATCH)

    def epoch() -> None:
        with peers.quiet():
            training.fit(step, batches, epochs=1, device="cpu")

    return timed(epoch)


def pythae_epochs(
    images: Tensor, layout: torch.memory_format = torch.contiguous_format, **settings: Any
) -> Callable[[], float]:
    """An epoch of pythae's trainer, its progress bar included; returns seconds."""
    model = peers.pythae_vae(new_vae())
    model.to(memory_format=layout)  # pyright: ignore[reportCallIssue] - it takes one, its stub does not say so
    return lambda: peers.train(model, images, num_epochs=1, learning_rate=1e-3, **settings).seconds


def bare(model: nn.Module, batches: Sequence[Tensor]) -> Callable[[], float]:
    """An epoch of the loop that anyone writes; returns seconds. ``model`` gives x̂, μ, log σ² and z."""
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch() -> None:
        for x in batches:
            x_hat, mu, logvar, _ = model(x)
            adam.zero_grad()
            losses.elbo(x, x_hat, mu, logvar, sigma=0.05).loss.backward()
            adam.step()

    return timed(epoch)


def monai_vae(down: int, up: int) -> nn.Module:
    """MONAI's VAE with our widths, norm and activation; ``down`` and ``up`` are its kernels' sides in pixels."""
    return peers.load("monai.networks.nets").VarAutoEncoder(
        spatial_dims=2,
        in_shape=(1, 64, 64),
        out_channels=1,
        latent_size=32,
        channels=(16, 32, 64, 64),
        strides=(2, 2, 2, 2),
        kernel_size=down,
        up_kernel_size=up,
        act="RELU",
        norm=("GROUP", {"num_groups": 8}),
        bias=False,
        use_sigmoid=False,
    )


def take_turns(sides: dict[str, Callable[[], float]], images: int, rounds: int) -> dict[str, list[float]]:
    """Images/s of every side in every round, each round in the opposite order of the last; the first does not count.

    A side takes one turn, an epoch of so many ``images``, and returns its seconds.
    """
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name in list(sides)[:: 1 if turn % 2 else -1]:
            speeds[name].append(images / sides[name]())
    return {name: values[1:] for name, values in speeds.items()}


def timed(epoch: Callable[[], object]) -> Callable[[], float]:
    """The same, returning the seconds that it took."""

    def run() -> float:
        started = time.perf_counter()
        epoch()
        return time.perf_counter() - started

    return run


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median over the rounds of one side's speed over another's."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


median = statistics.median


def random_images(n: int) -> Tensor:
    """(n, 1, 64, 64) in [0, 1]."""
    return torch.rand(n, 1, 64, 64, generator=torch.Generator().manual_seed(0))


def new_vae() -> bl.VAE:
    """With the same first weights every time."""
    with training.seeded(0):
        return bl.VAE(bl.ModelConfig())


def parameters(model: nn.Module) -> int:
    """How many numbers it learns."""
    return sum(one.numel() for one in model.parameters())
