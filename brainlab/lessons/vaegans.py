"""The exercises of lesson 05: what an edge costs, likeness in features, who learns from what, the three objectives."""

from typing import Any

import torch
from torch import Tensor

from brainlab import losses
from brainlab.lessons.answers import Blank, Wrong, call, close, is_blank, kind, number, recognise
from brainlab.lessons.checking import check
from brainlab.lessons.descending import NETWORKS, judge_all, net, weights

LESSON = "05"
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
    if not isinstance(answer, tuple | list) and not getattr(answer, "shape", ()):
        raise Wrong(f"Two numbers are asked for, (sharp, grey), and this is {kind(answer)}.")
    if isinstance(answer, str | bytes) or len(answer) != 2:
        raise Wrong(f"Two numbers are asked for, (sharp, grey), and here are {len(answer)}.")
    sharp, grey = (
        number(one, name) for one, name in zip(answer, ("The sharp edge's cost", "The grey pixel's cost"), strict=True)
    )
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
        raise Wrong("Of an image and itself the loss should be exactly 0. The Gaussian's constant is left out.")
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
        judge_all(weights(answer, gamma), gamma)
    return "Each network follows its own row. By their gradients these are the objectives of `training.vaegan_step`."
