"""What an objective really descends: its gradients in a tiny VAE-GAN, each as a sum of the terms' own gradients.

The weights of that sum are those that the learner has written, however they wrote it; what is wrong with them is told
in words. Gradients and not values are judged: a constant, or a term without effect in a network, makes no difference.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from brainlab import losses
from brainlab.lessons.answers import Blank, Wrong, call, close, is_blank, kind, number
from brainlab.models.config import ModelConfig
from brainlab.models.vaegan import VAEGAN

NETWORKS = ("encoder", "decoder", "discriminator")


class Net(NamedTuple):
    """A tiny VAE-GAN with one batch passed through it, graph and all."""

    model: VAEGAN
    x: Tensor  # (B, 1, 32, 32)
    terms: dict[str, Tensor]  # everything an objective may be made of, scalars
    given: tuple[Tensor, ...]  # what the learner's function is handed, but for γ


@lru_cache(maxsize=1)
def net() -> Net:
    """In double precision, its discriminator's verdicts spread wide: else log D and −log(1 − D) have one gradient."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = VAEGAN(ModelConfig(image_size=32, latent_dim=4, width=4)).double()
        x, z_p = torch.rand(6, 1, 32, 32).double(), torch.randn(6, 4).double()
        with torch.no_grad():
            spread, last = (
                model.discriminator(torch.cat([x, model(x).x_hat, model.decode(z_p)])),
                model.discriminator.head[1],
            )
            last.weight *= 1.5 / spread.std()
            last.bias -= 1.5 * spread.mean() / spread.std()
        out = model(x)
    judge = model.discriminator
    d, d_tilde = judge.features(x), judge.features(out.x_hat)
    logits = {"x": judge.judge(d), "x̃": judge.judge(d_tilde), "x_p": judge(model.decode(z_p))}
    terms = {"prior": losses.kl(out.mu, out.logvar), "likeness": losses.feature_matching(d, d_tilde)}
    for name, one in logits.items():
        terms |= {f"real {name}": losses.called_real(one), f"fake {name}": losses.called_fake(one)}
    return Net(model, x, terms, (terms["prior"], terms["likeness"], *logits.values()))


def weights(answer: Any, gamma: float) -> dict[str, dict[str, float]]:
    """By network: the weight of each term in what the learner's objective makes it descend."""
    if not callable(answer):
        raise Wrong(f"A function is asked for, and this is {kind(answer)}: pass its name, without calling it.")
    value = call(lambda: answer(*net().given, gamma))
    if not isinstance(value, dict) or set(value) != set(NETWORKS):
        raise Wrong(f'Return a dict with one number for each of {", ".join(NETWORKS)}: {{"encoder": ..., ...}}.')
    if all(is_blank(one) for one in value.values()):
        raise Blank
    return {name: _parted(value[name], name) for name in NETWORKS}


def _parted(objective: Any, name: str) -> dict[str, float]:
    """The gradient of an objective in its own network as a sum of those of the terms."""
    if is_blank(objective):
        raise Wrong(f"What the {name} descends is still open: write its row of the table.")
    if not isinstance(objective, Tensor) or not objective.requires_grad:
        raise Wrong(
            f"What the {name} descends carries no gradient: build it from what you are given, with no `.item()`."
        )
    number(objective.detach(), f"The {name}'s objective")
    parameters = list(getattr(net().model, name).parameters())
    slopes = {term: _slope(value, parameters) for term, value in net().terms.items()}
    slopes = {term: slope for term, slope in slopes.items() if slope.abs().max() > 0}
    size = {term: float(slope.norm()) for term, slope in slopes.items()}
    columns = torch.stack([slope / size[term] for term, slope in slopes.items()], dim=1)
    mine = _slope(objective.sum(), parameters)
    found = torch.linalg.lstsq(columns, mine[:, None]).solution[:, 0]
    if float((columns @ found - mine).norm()) > 1e-4 * float(mine.norm()) + 1e-12:
        raise Wrong(f"What the {name} descends is no sum of the terms in the table: no squares, no products of losses.")
    return {term: float(weight) / size[term] for term, weight in zip(slopes, found, strict=True)}


def _slope(value: Tensor, parameters: list[Tensor]) -> Tensor:
    found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([one.flatten() for one in found])


def judge_all(found: dict[str, dict[str, float]], gamma: float) -> None:
    """Wrong, with the first thing that is, unless each network's ``weights`` are those of the lesson's table."""
    for name, judged in (("encoder", _encoder), ("decoder", _decoder), ("discriminator", _discriminator)):
        judged({term: round(weight, 3) for term, weight in found[name].items()}, gamma)


def _encoder(w: dict[str, float], gamma: float) -> None:
    if w["real x̃"] or w["fake x̃"]:
        raise Wrong(
            "Your encoder is pulled by the adversarial loss. It is no forger: it would choose codes of brains that "
            "look real, whether or not they look like x."
        )
    if close(w["likeness"], gamma):
        raise Wrong("γ weighs likeness in the decoder only; the encoder descends prior + likeness.")
    _same("encoder", w, {"prior": 1, "likeness": 1})


def _decoder(w: dict[str, float], gamma: float) -> None:
    forging, caught = w["real x̃"] + w["real x_p"], w["fake x̃"] + w["fake x_p"]
    if forging < 0 or caught > 0:
        raise Wrong(
            "The sign of your decoder's adversarial term is turned round: a step along it makes its images look *more* "
            "like fakes. It helps the discriminator, as published code has done."
        )
    if caught < 0:
        raise Wrong(
            "log(1 − D) points the right way but is flat where the discriminator is sure: descend −log D instead."
        )
    if not forging:
        raise Wrong("Nobody tells your decoder whether its images look real: the adversarial term is missing.")
    if not w["real x_p"]:
        raise Wrong(
            "Only reconstructions are judged. Samples x_p = decoder(z_p) are what one draws later: judge them too."
        )
    if not w["real x̃"]:
        raise Wrong("Only samples are judged. The reconstruction x̃ should look real too.")
    if not w["likeness"]:
        raise Wrong("Your decoder does not hear of likeness: its images will look real, and like no x. Is it detached?")
    if close(w["likeness"], 1 - gamma) and not close(gamma, 0.5):
        raise Wrong("γ and 1 − γ have changed places: γ weighs likeness.")
    if close(w["likeness"], 1):
        raise Wrong("γ is missing: it weighs likeness, and 1 − γ the forging.")
    if close(forging, 2 * (1 - gamma)):
        raise Wrong("Two kinds of fakes, so halve: ½ [log D(x̃) + log D(x_p)].")
    if close(forging, 1):
        raise Wrong("The forging is weighed by 1 − γ, so that γ = 1 is likeness alone.")
    half = (1 - gamma) / 2
    _same("decoder", w, {"likeness": gamma, "real x̃": half, "real x_p": half})


def _discriminator(w: dict[str, float], gamma: float) -> None:
    if w["likeness"]:
        raise Wrong(
            "Your discriminator is trained on the reconstruction: it will make all features equal, and likeness is "
            "perfect while it goes blind."
        )
    if w["real x"] < 0 or w["fake x̃"] < 0 or w["fake x_p"] < 0 or w["fake x"] > 0:
        raise Wrong(
            "The sign is turned round: your discriminator learns to be wrong. Descend costs, −log D(x) among them."
        )
    if w["real x̃"] or w["real x_p"]:
        raise Wrong("−log D(x̃) is the forger's loss. The discriminator pays −log(1 − D) for a fake: `called_fake`.")
    if not w["real x"]:
        raise Wrong("Your discriminator is never shown a real image: −log D(x) is missing.")
    if not w["fake x_p"] or not w["fake x̃"]:
        raise Wrong("There are two kinds of fakes, reconstructions x̃ and samples x_p: it judges both.")
    if close(w["fake x̃"], 1) and close(w["real x"], 1):
        raise Wrong("Fakes are two to one, so that calling everything fake pays: halve theirs.")
    if close(w["real x"], 1 - gamma):
        raise Wrong("γ is no concern of the discriminator: it weighs the decoder's two aims.")
    _same("discriminator", w, {"real x": 1, "fake x̃": 0.5, "fake x_p": 0.5})


def _same(name: str, w: dict[str, float], wanted: dict[str, float]) -> None:
    """Wrong, with what the network descends now, unless these are the weights that are wanted."""
    if any(abs(weight - wanted.get(term, 0)) > 0.01 for term, weight in w.items()):
        said = " + ".join(f"{weight:.2g} · {_SAID.get(term, term)}" for term, weight in w.items() if abs(weight) > 0.01)
        raise Wrong(f"Your {name} now descends {said or 'nothing'}. Compare with its row.")


_SAID = {f"real {x}": f"(−log D({x}))" for x in ("x", "x̃", "x_p")} | {
    f"fake {x}": f"(−log(1 − D({x})))" for x in ("x", "x̃", "x_p")
}
