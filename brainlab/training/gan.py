"""The GAN's step: the discriminator's turn, then the generator's, and neither moves the other's weights."""

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from brainlab import losses
from brainlab.errors import InputError
from brainlab.models.gan import GAN
from brainlab.training.settings import check_family, check_settings
from brainlab.training.step import TrainingStep, adams, descend, finite, gradients, prepare

GameName = Literal["non_saturating", "minimax", "least_squares", "hinge", "wgan_gp"]


class GANStep(TrainingStep):
    """``turns`` of the "discriminator" and the "generator" on one batch, new noise in each; see ``gan_step``."""

    watch = None  # what one player gains the other loses: no number of a sound run must fall

    def __init__(
        self, gan: GAN, game: losses.Game, turns: list[str], rates: dict[str, float], penalty: float, seed: int
    ) -> None:
        prepare(gan)
        self.gan, self.game, self.turns, self.penalty = gan, game, turns, penalty
        self.logits: dict[str, Tensor] = {}  # of the last batch's "real" and "fake" images, each (B,), for a histogram
        super().__init__({"gan": gan}, adams(gan, **rates), {"noise": torch.Generator().manual_seed(seed)})

    def improve(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """All turns; a player whose objective is not finite keeps its weights and ends the step."""
        numbers: dict[str, Tensor] = {}
        for player in self.turns:
            numbers |= self.judge(batch["x"]) if player == "discriminator" else self.fool(batch["x"])
            objective, optimizer = numbers[f"{player}_loss"], self.optimizers[player]
            if not finite([objective]):
                break
            descend(optimizer, gradients(objective, optimizer))
        both = [value for name, value in numbers.items() if name.endswith("_loss")]
        return {"loss": torch.stack(both).sum(), **numbers}

    def judge(self, x: Tensor) -> dict[str, Tensor]:
        """The discriminator's objective, and its mean logits of real and of generated images."""
        with torch.no_grad():
            x_tilde = self.imagine(x)
        judge = self.gan.discriminator
        real, fake = judge(x), judge(x_tilde)  # each (B,)
        self.logits = {"real": real.detach(), "fake": fake.detach()}
        loss = self.game.discriminator(real, fake)
        if self.penalty:
            loss = loss + self.penalty * losses.gradient_penalty(judge, x, x_tilde, self.generators["noise"])
        return {"discriminator_loss": loss, "real": real.mean(), "fake": fake.mean()}

    def fool(self, x: Tensor) -> dict[str, Tensor]:
        """The generator's objective: what the discriminator, as it now is, says of new images."""
        return {"generator_loss": self.game.generator(self.gan.discriminator(self.imagine(x)))}

    def imagine(self, x: Tensor) -> Tensor:
        """As many generated images as there are in ``x``, of new z ~ N(0, I), drawn on the CPU."""
        z = torch.randn(len(x), self.gan.config.latent_dim, generator=self.generators["noise"])
        return self.gan.decode(z.to(x))


def gan_step(
    gan: GAN,
    loss: GameName = "non_saturating",
    *,
    lr_d: float = 1e-4,
    lr_g: float = 4e-4,
    k_d: int = 1,
    k_g: int = 1,
    label_smoothing: float = 0.1,
    penalty: float = 10.0,
    seed: int = 0,
) -> GANStep:
    """Improve a GAN on ``batch["x"]`` (B, C, H, W) in the game named ``loss``, one of ``losses.GAMES``.

    ``k_d`` and ``k_g`` are each player's turns a batch, ``lr_d`` and ``lr_g`` the learning rates. ``label_smoothing``
    is for the two games with probabilities, ``penalty`` for "wgan_gp" alone, which needs a ``WGAN`` and wants k_d = 5.
    Returns both players' losses and the mean logits ``real`` and ``fake``; ``loss`` is the sum of the two, and, the
    players being at odds, tells whether they are in balance rather than how good the images are.

    As they stand, the other settings are DCGAN's, but for the rates: at its 2e-4 for both the discriminator soon wins
    on brain slices, so here the generator learns four times as fast. Gulrajani et al. 2017 (algorithm 1) play "wgan_gp"
    with 5 turns of the critic, and Adam with betas (0, 0.9) and rate 1e-4 for both: ``k_d=5, lr_d=1e-4, lr_g=1e-4``
    comes near, but the betas here are (0.5, 0.999) in every game, and all turns of a step see the same real images, in
    the paper new ones.
    """
    check_family(gan, "gan_step")
    check_settings(lr_d=lr_d, lr_g=lr_g, label_smoothing=label_smoothing, penalty=penalty)
    if loss not in losses.GAMES:
        raise InputError(f"loss must be one of {', '.join(losses.GAMES)}, got {loss!r}.")
    if k_d < 1 or k_g < 1:
        raise InputError(f"k_d and k_g are turns a batch, at least 1 each, got {k_d} and {k_g}.")
    if loss == "wgan_gp" and any(isinstance(m, nn.BatchNorm2d) for m in gan.discriminator.modules()):
        raise InputError("The gradient penalty needs a critic without BatchNorm: build a bl.WGAN instead of a bl.GAN.")
    game = losses.GAMES[loss]
    if loss in ("non_saturating", "minimax"):
        game = game._replace(discriminator=partial(losses.discriminator, smoothing=label_smoothing))
    turns, rates = ["discriminator"] * k_d + ["generator"] * k_g, {"discriminator": lr_d, "generator": lr_g}
    return GANStep(gan, game, turns, rates, penalty if loss == "wgan_gp" else 0.0, seed)
