"""The VAE-GAN's step: three networks, three objectives, and each gradient goes where it belongs only.

    L_prior = KL(q(z|x) ‖ N(0, I))
    L_llike = ½ ‖D_l(x) − D_l(x̃)‖²  +  pixel · −log N(x | x̃, σ²)           the second term is not in the paper
    L_GAN   = log D(x) + ½ log(1 − D(x̃)) + ½ log(1 − D(x_p))

    encoder         descends   β · L_prior + L_llike                        nothing of L_GAN: it is no forger
    decoder         descends   γ · L_llike − (1 − γ) · ½ [log D(x̃) + log D(x_p)]
    discriminator   descends   −L_GAN                                       nothing of L_llike: it would make all alike

Larsen et al. 2016 (ICML), algorithm 1, with the non-saturating form in the decoder's row. As printed there the decoder
descends γ · L_llike − L_GAN and the discriminator L_GAN: signs that fit an L_GAN that is a cross-entropy to be
minimised. With the log-likelihood that the paper's text defines, L_GAN above, each of the two would learn the opposite
of its trade.

Neither 1 − γ nor the halves are in the paper. In its authors' code the decoder weighs the two by γ and 1 − γ, and the
discriminator's class a real image by 0.5 and the two fakes by 0.25 each unless told otherwise, as here (their CelebA
experiment weighs real 0.66); the half in the decoder's row is the kit's own. Without the halves fakes are two to one,
a discriminator that can only guess pays log 3 for a real image and 0.41 for a fake, and the equilibrium rule below,
made for log 2, stops the decoder just where it should go on. A sign read wrongly, or gradients of two objectives adding
up in one network, train the decoder to *help* the discriminator: both are in published code, both still give images,
and tests look for both.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from brainlab import losses
from brainlab.models.vaegan import VAEGAN
from brainlab.training.settings import check_family, check_settings
from brainlab.training.step import TrainingStep, adams, descend, finite, gradients, prepare

DRAW, MARGIN = 0.68, 0.35
"""A discriminator that can only guess pays log 2 = 0.69 an image; the authors' code has 0.68, and lets costs stray by
0.35 either way."""


class Updates(NamedTuple):
    """Who is improved in this step."""

    decoder: bool
    discriminator: bool


def equilibrium(real: float, fake: float, margin: float = MARGIN) -> Updates:
    """Let neither player run away, given the discriminator's costs −log D(x) and −log(1 − D(x̃)) in nats.

    If either cost is below 0.68 − ``margin`` the discriminator is ahead and pauses; if either is above 0.68 +
    ``margin`` it is behind, its gradient is no advice, and the decoder pauses; if both would pause, neither does: as
    in the authors' code. ``math.inf`` turns it off.
    """
    updates = Updates(decoder=max(real, fake) <= DRAW + margin, discriminator=min(real, fake) >= DRAW - margin)
    return updates if any(updates) else Updates(True, True)


class Weights(NamedTuple):
    """How the terms are mixed, as in ``vaegan_step``."""

    gamma: float
    beta: float
    pixel: float
    sigma: float


class VAEGANStep(TrainingStep):
    """One improvement of encoder, decoder and discriminator; ``rates`` are their learning rates, by name."""

    watch = "reconstruction"  # the features by which the encoder is judged change as the discriminator learns

    def __init__(
        self, model: VAEGAN, weights: Weights, rates: dict[str, float], margin: float, warm_up: int, seed: int
    ) -> None:
        prepare(model)
        self.model, self.weights, self.margin, self.warm_up = model, weights, margin, warm_up
        super().__init__({"model": model}, adams(model, **rates), {"noise": torch.Generator().manual_seed(seed)})

    def improve(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """All gradients are taken before any weight moves, each of its own objective and for its own network."""
        terms = self.terms(batch["x"])
        objectives = self.objectives(terms)
        numbers = {"loss": objectives["encoder"], "discriminator_loss": objectives["discriminator"], **terms}
        if not finite(objectives.values()):
            return numbers
        updates = equilibrium(float(terms["real_cost"].detach()), float(terms["fake_cost"].detach()), self.margin)
        moved = {"encoder": True, "decoder": updates.decoder or self.warming, "discriminator": updates.discriminator}
        movers = {name: self.optimizers[name] for name, moves in moved.items() if moves}
        slopes = [gradients(objectives[name], adam, more_to_come=True) for name, adam in movers.items()]
        for adam, slope in zip(movers.values(), slopes, strict=True):
            descend(adam, slope)
        return numbers | {f"{name}_moved": torch.tensor(float(moved[name])) for name in Updates._fields}

    @property
    def warming(self) -> bool:
        """Whether the decoder is still left in peace by the discriminator."""
        return self.steps_done < self.warm_up

    def terms(self, x: Tensor) -> dict[str, Tensor]:
        """Every term of the three objectives, in nats an image."""
        noise, judge = self.generators["noise"], self.model.discriminator
        out = self.model(x, generator=noise)
        x_p = self.model.decode(torch.randn(out.z.shape, generator=noise).to(x))
        d, d_tilde = judge.features(x), judge.features(out.x_hat)
        real, tilde, prior = judge.judge(d), judge.judge(d_tilde), judge(x_p)  # logits, each (B,)
        return {
            "reconstruction": losses.gaussian_nll(x, out.x_hat, self.weights.sigma),
            "kl": losses.kl(out.mu, out.logvar),
            "features": losses.feature_matching(d, d_tilde),
            "real_cost": losses.called_real(real),
            "fake_cost": (losses.called_fake(tilde) + losses.called_fake(prior)) / 2,
            "fooling": (losses.non_saturating(tilde) + losses.non_saturating(prior)) / 2,
        }

    def objectives(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """What each network minimises."""
        gamma, beta, pixel, _ = self.weights
        alike = terms["features"] + pixel * terms["reconstruction"]
        forge = 0.0 if self.warming else (1 - gamma) * terms["fooling"]
        return {
            "encoder": beta * terms["kl"] + alike,
            "decoder": gamma * alike + forge,  # γ in the warm-up too: Adam would long remember another scale, and stall
            "discriminator": terms["real_cost"] + terms["fake_cost"],
        }


def vaegan_step(
    model: VAEGAN,
    gamma: float = 1e-3,
    beta: float = 1.0,
    *,
    pixel: float = 0.05,
    sigma: float = 0.05,
    lr: float = 1e-3,
    lr_d: float = 2e-4,
    margin: float = 0.6,
    warm_up: int = 0,
    seed: int = 0,
) -> VAEGANStep:
    """Improve a VAE-GAN on ``batch["x"]`` (B, C, H, W); the objectives of its three networks head this file.

    ``gamma`` is how much the decoder cares for likeness rather than for fooling the discriminator, 0 to 1. Its scale is
    D_l's: a sum over the 4,096 features that D_l has at 64 px and width 16, and over as many pixels, weighs against one
    logit. The weights that ship show it: from γ = 1e-5 over 1e-4, 1e-3 and 1e-2 to 1 texture gives way to likeness, and
    reconstructions come nearer to x; their cards have the numbers. (The paper's 1e-5 is for its own, larger D_l.)
    ``beta`` weighs the KL term; ``pixel`` weighs a Gaussian likelihood of the pixels with standard deviation ``sigma``,
    and is 0 in the paper.

    ``lr`` is for encoder and decoder, ``lr_d`` for the discriminator, which learns faster than they; ``margin`` is that
    of ``equilibrium``, here wider than its authors' 0.35. For the first ``warm_up`` steps, a fifth of a run, say, the
    decoder hears nothing from the discriminator, which learns by looking on. ``fake_cost`` and ``fooling`` are means
    over x̃ and x_p; ``decoder_moved`` and ``discriminator_moved`` say who did not pause; ``loss`` is the encoder's
    objective.
    """
    check_family(model, "vaegan_step")
    check_settings(gamma=gamma, beta=beta, pixel=pixel, sigma=sigma, lr=lr, lr_d=lr_d, warm_up=warm_up)
    rates = {"encoder": lr, "decoder": lr, "discriminator": lr_d}
    return VAEGANStep(model, Weights(gamma, beta, pixel, sigma), rates, margin, warm_up, seed)
