"""The exercises of lesson 05: what an edge costs, likeness in features, who learns from what, the three objectives.

The objectives are judged by their gradients in a tiny VAE-GAN: each is written as a sum of the terms it may be made of,
and the weights of that sum say what a network would really descend.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from brainlab import losses
from brainlab.lessons.answers import Blank, Wrong, call, close, is_blank, kind, number, recognise
from brainlab.lessons.checking import check
from brainlab.models.config import ModelConfig
from brainlab.models.vaegan import VAEGAN

LESSON = "05"
NETWORKS = ("encoder", "decoder", "discriminator")
LEARNS = {"encoder": {"prior", "likeness"}, "decoder": {"likeness", "gan"}, "discriminator": {"gan"}}


@check.add(
    lesson=LESSON,
    hints=[
        "Only the pixel between the two places is in doubt: it is 0 in one case and 1 in the other.",
        "Sharp: right in one case (0), wrong by 1 in the other; average the two squares. Grey: wrong by 0.5 in both.",
        "(0² + 1²) / 2 and (0.5² + 0.5²) / 2.",
    ],
    solution="edge = (0.5, 0.25)  # sharp, grey",
)
def edge(answer: Any) -> str:
    """The expected squared error of a sharp edge at one of two places, and of a grey one between them."""
    if not isinstance(answer, tuple | list | Tensor) and not hasattr(answer, "shape"):
        raise Wrong(f"Two numbers are asked for, (sharp, grey), and this is {kind(answer)}.")
    if isinstance(answer, str | bytes) or len(answer) != 2:
        raise Wrong(f"Two numbers are asked for, (sharp, grey), and here are {len(answer)}.")
    sharp, grey = (number(one, name) for one, name in zip(answer, ("The sharp edge's cost", "The grey's"), strict=True))
    told = (
        ((0.25, 0.5), "The two have changed places: sharp comes first."),
        ((0.5, 0.5), "That is the *absolute* error, for which both cost the same. Square the differences."),
        ((1, 0.25), "The sharp edge costs 1 where it is wrong; in the other half of all cases it costs nothing."),
        ((1, 0.5), "Average over both cases, and square the grey pixel's error of 0.5."),
        ((0, 0.25), "The sharp edge is right in one case only; average over both."),
        ((0.5, 0.125), "Grey is wrong by 0.5 in *both* cases: the average of 0.25 and 0.25 is 0.25."),
        ((0.5, 0), "On average grey is right, but squares do not cancel: it is wrong by 0.5 whatever comes true."),
        ((1, 0.125), "Average the squares over both cases, for the sharp edge and for the grey one."),
    )
    recognise((sharp, grey), *told)
    if not close((sharp, grey), (0.5, 0.25)):
        raise Wrong("Not that: for each drawing the squared error in both cases, then their mean.")
    return "Grey costs half. Whoever is paid by squared error and is not sure will blur."


@check.add(
    lesson=LESSON,
    hints=[
        "`judge.features(x)` is D_l(x), (B, channels, H/8, W/8). Both images go through the same layer.",
        "From there on it is the squared error of lesson 02, in features: sum over an image, mean over the batch. The "
        "Gaussian's variance is 1, so what is left of 1/(2σ²)?",
        "`d = judge.features(x) - judge.features(x_tilde)`, then `(d**2).flatten(1).sum(dim=1).mean() / 2`.",
    ],
    solution="""
        def likeness(judge, x, x_tilde):
            d = judge.features(x) - judge.features(x_tilde)
            return (d**2).flatten(1).sum(dim=1).mean() / 2
    """,
)
def likeness(answer: Any) -> str:
    """½ ‖D_l(x) − D_l(x̃)‖², summed over features, averaged over the batch, with a gradient for the decoder."""
    if not callable(answer):
        raise Wrong(f"A function is asked for, and this is {kind(answer)}: pass its name, without calling it.")
    judge, x = net().model.discriminator, net().x
    x_tilde = x.flip(0) * 0.7
    judged = lambda x, x_tilde: answer(judge, x, x_tilde)  # noqa: E731 - call() would copy the network
    value = call(judged, x, x_tilde)
    if isinstance(value, Tensor) and tuple(value.shape) == (len(x),):
        raise Wrong("One number an image is nearly there: now average over the batch.")
    got, apart = number(value, "The loss"), (judge.features(x) - judge.features(x_tilde)).detach()
    each = apart.square().flatten(1).sum(dim=1)
    recognise(
        got,
        (apart.square().mean(), "Features are averaged too, as `F.mse_loss` does: sum them over each image."),
        (apart.square().mean() / 2, "Features are averaged too, as `F.mse_loss` does: sum them over each image."),
        (each.sum() / 2, "This is the sum over the batch too: average over the images."),
        (each.sum(), "Average over the batch, and halve: the Gaussian's exponent has a ½."),
        (each.mean(), "Nearly: −log of a Gaussian with variance 1 has a ½ in front of the square."),
        (each.sqrt().mean(), "This is the distance itself: leave the root out, and halve."),
        (apart.abs().flatten(1).sum(1).mean(), "These are absolute differences: a Gaussian squares them."),
        (losses.squared_error(x, x_tilde) / 2, "You compare pixels. Compare what the judge sees: `judge.features`."),
        (losses.squared_error(x, x_tilde), "You compare pixels. Compare what the judge sees: `judge.features`."),
        ((judge(x) - judge(x_tilde)).detach().square().mean() / 2, _VERDICT),
        ((judge(x) - judge(x_tilde)).detach().square().mean(), _VERDICT),
        (losses.non_saturating(judge(x_tilde)).detach(), "That is how well x̃ fools the judge, whatever x looks like."),
    )
    if number(call(judged, x, x), "The loss") != 0:
        raise Wrong("Of an image and itself the loss should be exactly 0.")
    if not close(got, each.mean() / 2):
        raise Wrong("Not that: half the squared difference of the features, summed over an image, averaged over them.")
    _teaches(judged, x, x_tilde)
    return "A Gaussian again, only no longer on pixels: on what a discriminator has learned to look at."


_VERDICT = "You compare the two verdicts, one number each. Compare what they rest on: `judge.features(x)`."


def _teaches(judged: Any, x: Tensor, x_tilde: Tensor) -> None:
    """Wrong unless the gradient reaches x̃, and through it the decoder."""
    x_tilde = x_tilde.clone().requires_grad_()
    try:
        loss = judged(x, x_tilde)
    except RuntimeError as error:  # numpy refuses a tensor that needs gradients
        raise Wrong(f"With an x_tilde that needs gradients it stops: {str(error).splitlines()[0]}") from None
    if not (isinstance(loss, Tensor) and loss.requires_grad):
        raise Wrong("The value is right but carries no gradient: no `no_grad`, `.item()` or numpy.")
    if torch.autograd.grad(loss, x_tilde, allow_unused=True)[0] is None:
        raise Wrong(
            "The value is right but no gradient reaches x_tilde, so the decoder learns nothing: do not detach it."
        )


@check.add(
    lesson=LESSON,
    hints=[
        "Ask of each cell: if this network follows this loss, can it cheat? The prior's row is easy: its gradient "
        "reaches one network only.",
        "A discriminator that may lower the likeness loss makes all features equal. An encoder that may lower the GAN "
        "loss picks codes whose images look real, whether or not they look like x.",
        "The decoder is the only one with two: likeness and GAN.",
    ],
    solution="""
        learns = {
            "encoder": {"prior", "likeness"},
            "decoder": {"likeness", "GAN"},
            "discriminator": {"GAN"},
        }
    """,
)
def learns(answer: Any) -> str:
    """Which of the three losses each of the three networks follows (Larsen et al. 2016, algorithm 1)."""
    if not isinstance(answer, dict) or set(answer) != set(NETWORKS):
        raise Wrong(f"A dict is asked for, with a set of losses for each of {', '.join(NETWORKS)}.")
    if all(is_blank(one) for one in answer.values()):
        raise Blank
    given = {name: _named(answer[name], name) for name in NETWORKS}
    for name, loss, message in _CHEATS:
        if loss in given[name]:
            raise Wrong(message)
    for name in NETWORKS:
        if missing := LEARNS[name] - given[name]:
            raise Wrong(_MISSING[name, min(missing)])
    return "Five of nine. Likeness teaches two networks but not the one in whose eyes it is measured."


_CHEATS = (
    ("decoder", "prior", "KL(q(z|x) ‖ N(0, I)) depends on the encoder alone: in the decoder its gradient is 0."),
    ("discriminator", "prior", "The discriminator never sees a code: the prior's gradient there is 0."),
    (
        "encoder",
        "gan",
        "The encoder is no forger. Paid for fooling, it would choose codes of brains that look real, whether or not "
        "they look like x.",
    ),
    (
        "discriminator",
        "likeness",
        "Trained on the reconstruction, the discriminator makes all features equal: likeness is perfect at once, and "
        "it has gone blind.",
    ),
)
_MISSING = {
    (
        "encoder",
        "prior",
    ): "The encoder lacks the prior: without the KL term its codes leave N(0, I), and samples z_p miss.",
    ("encoder", "likeness"): "The encoder lacks likeness: what else tells it that z should say something of x?",
    ("decoder", "likeness"): "The decoder lacks likeness: fooling alone makes it a GAN, whose images look like no x.",
    ("decoder", "gan"): "The decoder lacks the GAN loss: nobody would tell it whether its images look real.",
    ("discriminator", "gan"): "The discriminator lacks the GAN loss, the only one it is made for.",
}


def _named(value: Any, name: str) -> set[str]:
    """A learner's set of losses, in small letters."""
    value = [value] if isinstance(value, str) else value
    if is_blank(value):
        raise Wrong(f"The {name} is still open: name at least one loss.")
    if not isinstance(value, set | list | tuple | frozenset) or not all(isinstance(one, str) for one in value):
        raise Wrong(f'For the {name} give a set of names, such as {{"prior", "GAN"}}.')
    found = {one.strip().lower() for one in value}
    if unknown := found - {"prior", "likeness", "gan"}:
        raise Wrong(f'There is no loss called {min(unknown)!r}; there are "prior", "likeness" and "GAN".')
    return found


@check.add(
    lesson=LESSON,
    hints=[
        "Write the table's three rows down. From lesson 04: `losses.called_real(logits)` is −E log D, and "
        "`losses.called_fake(logits)` is −E log(1 − D), both as costs.",
        "The discriminator pays for calling x fake and for calling x̃ or x_p real. The decoder pays −log D of its own "
        "images, which is `called_real` of *their* logits.",
        "`forging = (called_real(tilde) + called_real(p)) / 2`; the decoder descends "
        "`gamma * likeness + (1 - gamma) * forging`.",
    ],
    solution="""
        from brainlab import losses

        def objectives(prior, likeness, real, tilde, p, gamma):
            forging = (losses.called_real(tilde) + losses.called_real(p)) / 2
            caught = (losses.called_fake(tilde) + losses.called_fake(p)) / 2
            return {
                "encoder": prior + likeness,
                "decoder": gamma * likeness + (1 - gamma) * forging,
                "discriminator": losses.called_real(real) + caught,
            }
    """,
)
def objectives(answer: Any) -> str:
    """What encoder, decoder and discriminator descend, by the gradients they get of it in a tiny VAE-GAN."""
    for gamma in (0.2, 0.7):
        found = _weights(answer, gamma)
        for name, judged in (("encoder", _encoder), ("decoder", _decoder), ("discriminator", _discriminator)):
            judged({term: round(weight, 3) for term, weight in found[name].items()}, gamma)
    return "Each network follows its own row. By their gradients these are the objectives of `training.vaegan_step`."


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


def _weights(answer: Any, gamma: float) -> dict[str, dict[str, float]]:
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
    weights = torch.linalg.lstsq(columns, mine[:, None]).solution[:, 0]
    if float((columns @ weights - mine).norm()) > 1e-4 * float(mine.norm()) + 1e-12:
        raise Wrong(f"What the {name} descends is no sum of the terms in the table: no squares, no products of losses.")
    return {term: float(weight) / size[term] for term, weight in zip(slopes, weights, strict=True)}


def _slope(value: Tensor, parameters: list[Tensor]) -> Tensor:
    found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([one.flatten() for one in found])


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
