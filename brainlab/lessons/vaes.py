"""The exercises of lesson 03: a draw that gradients pass through, the KL, the bound, a hidden β, who says something."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from brainlab import losses
from brainlab.lessons.answers import Wrong, call, close, number, recognise, tensor
from brainlab.lessons.checking import check

LESSON = "03"
PIXELS, SIGMA = 64 * 64, 0.2  # of the colleague whose β is asked for
DRAWS = 4000  # rows, so that a standard deviation is known to about 1 %


@check.add(
    lesson=LESSON,
    hints=[
        "Start from `eps = torch.randn_like(mu)`, a standard normal of mu's shape. How do you make it wider, and move "
        "it?",
        "z = mu + sigma · eps. You have the logarithm of the *variance*: sigma is the root of `logvar.exp()`.",
        "`mu + torch.exp(logvar / 2) * torch.randn_like(mu)`.",
    ],
    solution="""
        def reparameterise(mu, logvar):
            return mu + torch.exp(logvar / 2) * torch.randn_like(mu)
    """,
)
def reparameterise(answer: Any) -> str:
    """z = μ + σ·ε with a fresh ε for every number of every image, and gradients to both."""
    mu = torch.linspace(-2, 2, 5).expand(DRAWS, 5).contiguous()
    logvar = torch.tensor([-3.0, -1.2, 0.4, 1.3, 2.2]).expand(DRAWS, 5).contiguous()
    torch.manual_seed(3)  # the learner's own numbers are left alone: a check runs in a fork of them
    z = tensor(call(answer, mu, logvar), mu.shape, "z").double()
    away = z - mu
    if close(away, torch.zeros_like(z)):
        raise Wrong("z is mu itself, every time: nothing is drawn. Where is eps?")
    if close(away, torch.exp(logvar / 2)):
        raise Wrong("z is mu + sigma, every time: no draw, and off the middle. Multiply sigma by a random eps.")
    if torch.equal(z, tensor(call(answer, mu, logvar), mu.shape, "z").double()):
        raise Wrong("Two draws are the same: do not set a seed inside the function, or eps is no longer random.")
    _each_their_own(away)
    _as_wide_as_asked(away, logvar[0].double())
    _passes_gradient(answer)
    return "All the chance sits in eps, and eps depends on nothing: the slope of z is known for mu and for logvar."


def _each_their_own(away: Tensor) -> None:
    if close(away, away[:1].expand_as(away)):
        raise Wrong("All images of the batch share one eps. Draw one for each: `torch.randn_like(mu)`.")
    unit = away / away.std(dim=0)
    if close(unit, unit[:, :1].expand_as(unit)):
        raise Wrong("All latent numbers of an image share one eps: they would move together. `torch.randn_like(mu)`.")


def _as_wide_as_asked(away: Tensor, logvar: Tensor) -> None:
    middle, width = away.mean(dim=0), away.std(dim=0)
    if _near(away.amin(dim=0), torch.zeros(5)) and _near(middle, away.amax(dim=0) / 2):
        raise Wrong("Your eps is never below 0: `rand` is uniform from 0 to 1, `randn` is the standard normal.")
    if not _near(middle / width, torch.zeros(5)):
        raise Wrong("The mean of many draws should be mu, and is not: add mu once, to an eps whose mean is 0.")
    typical = (
        (logvar.exp(), "The cloud is as wide as its *variance*: `exp(logvar)` is σ², so take `exp(logvar / 2)`."),
        (logvar.abs(), "logvar itself is used as the width, and may be negative: σ = `exp(logvar / 2)`."),
        (logvar.abs() / 2, "logvar / 2 is the *logarithm* of σ: the `exp` is missing."),
        (torch.ones(5), "The cloud is one wide, whatever logvar says: multiply eps by σ."),
        ((2 * logvar).exp(), "That is σ⁴ for σ: `exp(logvar / 2)`."),
        ((-logvar / 2).exp(), "The width shrinks where logvar grows: a sign is turned round."),
        ((logvar / 4).exp(), "That is the root of σ: `exp(logvar / 2)` is σ already."),
    )
    for wide, message in typical:
        if _near(width / wide, torch.ones(5)):
            raise Wrong(message)
    if not _near(width / (logvar / 2).exp(), torch.ones(5)):
        raise Wrong("The spread of many draws should be σ, the root of `exp(logvar)`, and is not.")
    within = (away.abs() < (logvar / 2).exp()).double().mean()
    if abs(within - 0.683) > 0.03:  # nine standard errors; uniform draws of this spread have 0.58
        raise Wrong("Middle and spread are right, but eps is not *normal*: `torch.randn_like(mu)`.")


def _near(a: Tensor, b: Tensor) -> bool:
    """Equal but for what chance does to ``DRAWS`` draws, five standard errors of it."""
    return bool((a - b).abs().max() < 0.08)


def _passes_gradient(answer: Any) -> None:
    mu, logvar = torch.randn(6, 3).requires_grad_(), torch.randn(6, 3).requires_grad_()
    z = _with_gradient(lambda: answer(mu, logvar), "z")
    to_mu, to_logvar = torch.autograd.grad(z.sum(), (mu, logvar), allow_unused=True)
    sampled = "`torch.normal` and `.sample()` cut the gradient, and so does `.detach()`: only eps may be drawn."
    if to_mu is None or not to_mu.any():
        raise Wrong(f"No gradient reaches mu. {sampled}")
    if to_logvar is None or not to_logvar.any():
        raise Wrong(f"No gradient reaches logvar. {sampled}")
    if not close(to_mu, torch.ones_like(mu)) or not close(to_logvar, (z - mu) / 2):
        raise Wrong("The values are right and the gradient is not: is a part of mu or of logvar detached?")


def _with_gradient(run: Callable[[], Any], what: str) -> Tensor:
    try:
        value = run()
    except RuntimeError as error:  # numpy refuses a tensor that needs gradients
        raise Wrong(f"With inputs that need gradients it stops: {str(error).splitlines()[0]}") from None
    if not (isinstance(value, Tensor) and value.requires_grad):
        raise Wrong(
            f"{what} carries no gradient, so nothing can learn: no `.detach()`, `.data`, `.item()`, `.sample()`."
        )
    return value


@check.add(
    lesson=LESSON,
    hints=[
        "The formula is for one latent number. Two ways of adding up follow: over the numbers of an image, and over "
        "the batch.",
        "½ (μ² + σ² − 1 − log σ²), with σ² = `logvar.exp()`: sum over `dim=1`, then the mean.",
        "`0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()`.",
    ],
    solution="""
        def kl(mu, logvar):
            return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()
    """,
)
def kl(answer: Any) -> str:
    """KL(N(μ, σ²) ‖ N(0, I)): the sum over latent numbers, the mean over the batch, gradients to both."""
    mu, logvar = _posterior(5, 3)
    value = call(answer, mu, logvar)
    if isinstance(value, Tensor | np.ndarray) and tuple(value.shape) == (5,):
        raise Wrong("One number an image is nearly there: now average over the batch.")
    if isinstance(value, Tensor | np.ndarray) and tuple(value.shape) == (3,):
        raise Wrong("That is one number for each latent number: sum over those, and average over the batch.")
    got = number(value, "The KL")
    each = _kl_each(mu, logvar)
    recognise(got, *_typical_kl(mu, logvar, each))
    if not close(number(call(answer, 0 * mu, 0 * logvar), "The KL"), 0):
        raise Wrong("A cloud that *is* the standard normal (mu = 0, logvar = 0) should cost 0.")
    if not close(number(call(answer, torch.cat([mu, mu]), torch.cat([logvar, logvar])), "The KL"), got):
        raise Wrong("The same images twice should cost the same: average over the batch.")
    if not close(number(call(answer, torch.cat([mu, mu], 1), torch.cat([logvar, logvar], 1)), "The KL"), 2 * got):
        raise Wrong("Twice as many latent numbers, of the same kind, should cost twice as much: sum over them.")
    if not close(got, each.sum(dim=1).mean()):
        raise Wrong("The sums are right, but a latent number should cost ½ (μ² + σ² − 1 − log σ²).")
    _carries_gradient(answer)
    return "0 for the standard normal, above 0 for anything else, and in nats: the same unit as the reconstruction."


def _typical_kl(mu: Tensor, logvar: Tensor, each: Tensor) -> tuple[tuple[Tensor, str], ...]:
    def made(terms: Tensor) -> Tensor:
        return terms.sum(dim=1).mean()

    var, std = logvar.exp(), (logvar / 2).exp()
    return (
        (each.mean(), "Latent numbers are averaged too; then the term weighs a share 1/d of what it should: sum them."),
        (each.sum(), "This is the sum over the batch too: twice the images would cost double. Average the batch."),
        (each.sum(0).mean(), "You sum over the batch and average over latent numbers: it is the other way about."),
        (made(2 * each), "The factor ½ is missing."),
        (-made(each), "The sign is turned round: a KL is never below 0, and is a cost."),
        (-made(2 * each), "The sign is turned round, and the factor ½ is missing."),
        (made(mu**2 + std - 1 - logvar) / 2, "σ stands where σ² should: `logvar.exp()` is the variance already."),
        (made(mu**2 + var**2 - 1 - logvar) / 2, "`logvar.exp()` is σ² already: do not square it again."),
        (made(mu**2 + var**2 - 1 - 2 * logvar) / 2, "logvar is log σ², not log σ: `logvar.exp()` is the variance."),
        (made(mu**2 + var - logvar) / 2, "The −1 is missing: the standard normal should cost 0."),
        (made(mu + var - 1 - logvar) / 2, "mu should be squared."),
        (made(mu.abs() + var - 1 - logvar) / 2, "mu should be squared."),
        (made(mu**2 + var - 1) / 2, "The −log σ² is missing: without it a cloud may shrink to a point for nothing."),
        (made(mu**2 + var - 1 + logvar) / 2, "log σ² is subtracted: narrow clouds must cost *more*."),
        (made(mu**2 + logvar - 1 - var) / 2, "σ² and log σ² have changed places."),
        (made(var - 1 - logvar) / 2, "The μ² is missing: clouds could drift apart for nothing."),
        (made((1 + mu**2) / var - 1 + logvar) / 2, "This is KL(N(0, I) ‖ q), the other way round."),
    )


def _carries_gradient(answer: Any) -> None:
    mu, logvar = (one.requires_grad_() for one in _posterior(4, 3))
    value = _with_gradient(lambda: answer(mu, logvar), "The KL")
    to_mu, to_logvar = torch.autograd.grad(value, (mu, logvar), allow_unused=True)
    for name, got, wanted in (("mu", to_mu, mu / 4), ("logvar", to_logvar, (logvar.exp() - 1) / 8)):
        if got is None or not close(got, wanted):
            raise Wrong(f"The value is right, but its gradient with respect to {name} is not: is a part detached?")


@check.add(
    lesson=LESSON,
    hints=[
        "Two terms, both in nats an image: `losses.gaussian_nll(x, x_hat, sigma)` is −log p(x|z), and you have `kl`.",
        "The bound goes *up* as the model gets better: both terms are costs, so both are subtracted.",
        "`-(losses.gaussian_nll(x, x_hat, sigma) + kl(mu, logvar))`.",
    ],
    solution="""
        def elbo(x, x_hat, mu, logvar, sigma):
            D = x[0].numel()
            error = ((x - x_hat) ** 2).flatten(1).sum(dim=1).mean()
            log_p = -error / (2 * sigma**2) - D / 2 * np.log(2 * np.pi * sigma**2)
            return log_p - 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1).mean()
    """,
)
def elbo(answer: Any) -> str:
    """log p(x|z) − KL in nats an image, with the Gaussian's constant."""
    draw = torch.Generator().manual_seed(5)
    x, x_hat = torch.rand(5, 1, 6, 4, generator=draw), torch.rand(5, 1, 6, 4, generator=draw)
    mu, logvar = _posterior(5, 3)
    sigma = 0.3
    got = number(call(answer, x, x_hat, mu, logvar, sigma), "The bound")
    sse, nll, cost = (float(one) for one in (
        losses.squared_error(x, x_hat), losses.gaussian_nll(x, x_hat, sigma), losses.kl(mu, logvar)
    ))  # fmt: skip
    flat, each = nll - sse / (2 * sigma**2), float(_kl_each(mu, logvar).mean())
    recognise(
        got,
        (nll + cost, "This is the *loss*, which falls. The bound is its negative, and rises."),
        (cost - nll, "The KL is added to log p(x|z): it is a cost, so subtract it."),
        (nll - cost, "log p(x|z) has the wrong sign: `gaussian_nll` is −log p(x|z)."),
        (-nll, "The KL is missing: this is the reconstruction term alone."),
        (-cost, "The reconstruction is missing: this is the KL term alone."),
        (-sse / (2 * sigma**2) - cost, "The Gaussian's constant −D/2 · log(2πσ²) is missing: with it these are nats."),
        (-sse - cost, "The squared error should be divided by 2σ²: that is what makes nats of it."),
        (-sse / sigma**2 - flat - cost, "The ½ is missing: the squared error is divided by 2σ²."),
        (-sse / (2 * sigma) - flat - cost, "σ should be squared: the error is divided by 2σ²."),
        (-float(((x - x_hat) ** 2).mean()) - cost, "Pixels are averaged: then the KL weighs far too much. Sum them."),
        (
            -sse / 24 / (2 * sigma**2) - flat - cost,
            "Pixels are averaged: then the KL weighs far too much. Sum them.",
        ),
        *(
            (-sse / (2 * sigma**2) - pixels / 24 * flat - cost, message)
            for pixels, message in (
                (PIXELS, "The constant counts 64 × 64 pixels: count those of the x you are given, `x[0].numel()`."),
                (x.numel(), "The constant counts the pixels of the whole batch: D is one image's, `x[0].numel()`."),
                (1, "The constant is that of one pixel: an image has D of them."),
                (2 * 24, "The constant's ½ is missing: it is D/2 · log(2πσ²)."),
                (-24, "The constant has the wrong sign: −D/2 · log(2πσ²) stands in log p(x|z)."),
            )
        ),
        (-len(x) * (nll + cost), "You sum over the batch: average it, so that the bound is one of an image."),
        (-nll - len(x) * cost, "The KL is summed over the batch too: average it there."),
        (-nll - each, "The KL averages over latent numbers: sum them."),
        (-nll - 2 * cost, "The KL is counted double: is its ½ missing?"),
    )
    if not close(got, -nll - cost):
        raise Wrong("Not that: the log-likelihood of the pixels, −log p(x|z) turned round, minus the KL.")
    if not close(
        number(call(answer, x, x_hat, mu, logvar, 2 * sigma)), float(losses.elbo(x, x_hat, mu, logvar, 0.6).elbo)
    ):
        raise Wrong("With another sigma it is no longer right: is a sigma from outside the function used?")
    return "A lower bound on log p(x), in nats an image: the higher, the less surprised the model is by the image."


@check.add(
    lesson=LESSON,
    hints=[
        "Write the mean as SSE / D. By what must the whole loss be multiplied so that SSE is divided by 2σ², as in "
        "the ELBO?",
        "By D / (2σ²). That multiplies the KL term as well.",
        "`64 * 64 / (2 * 0.2**2)`.",
    ],
    solution="hidden_beta = 64 * 64 / (2 * 0.2**2)",
)
def hidden_beta(answer: Any) -> str:
    """The β of ``F.mse_loss(x_hat, x) + kl(mu, logvar)`` at 64 × 64 pixels and σ = 0.2: D / 2σ²."""
    got = number(answer, "β")
    right = PIXELS / (2 * SIGMA**2)
    recognise(
        got,
        (1, "That is what the colleague believes. Pixels are averaged and latent numbers are summed: not the same."),
        (PIXELS, "That would be it if the squared error itself were nats, so for 2σ² = 1. Here σ = 0.2."),
        (1 / right, "Turned round: by what is the *KL* multiplied once the error is SSE / 2σ²?"),
        (2 * right, "The ½ is missing: the error is divided by 2σ²."),
        (PIXELS / (2 * SIGMA), "σ should be squared."),
        (PIXELS / SIGMA, "σ should be squared, and doubled: the error is divided by 2σ²."),
        (PIXELS / 2 * SIGMA**2, "Python goes from left to right, and σ² multiplies: put 2σ² in brackets."),
        (PIXELS * 2 * SIGMA**2, "2σ² divides: the smaller the error is expected to be, the more it counts."),
        (1 / (2 * SIGMA**2), "And the pixels? The mean divides by 4,096 of them."),
        (1 / PIXELS, "That is what the mean does to the *error*; put the loss back in nats, and see what the KL gets."),
        (right / 32, "The KL is summed over the 32 latent numbers here, not averaged: no d in the answer."),
        (64 / (2 * SIGMA**2), "An image has 64 rows *and* 64 columns."),
    )
    if not close(got, right):
        raise Wrong("Not that: multiply the loss by what turns the mean into SSE / 2σ², and look at the KL.")
    return "51,200 times the KL. Nobody would choose that β; the line is copied all the same."


@check.add(
    lesson=LESSON,
    hints=[
        "The same formula as `kl`, with one sum left out. Which of the two dimensions is to survive?",
        "The latent numbers, `dim=1`, stay; the batch, `dim=0`, is averaged.",
        "`0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(dim=0)`.",
    ],
    solution="""
        def kl_each(mu, logvar):
            return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(dim=0)
    """,
)
def kl_each(answer: Any) -> str:
    """The KL of each latent number, (d,), averaged over the images."""
    mu, logvar = _posterior(5, 3)
    value, each = call(answer, mu, logvar), _kl_each(mu, logvar)
    if isinstance(value, Tensor | np.ndarray) and tuple(value.shape) == (5,):
        raise Wrong("That is one number an *image*; asked is one a *latent number*: average over the batch, `dim=0`.")
    if isinstance(value, Tensor | np.ndarray) and tuple(value.shape) == (5, 3):
        raise Wrong("That is one number for each image and latent number: average over the images, `dim=0`.")
    if isinstance(value, float) or (isinstance(value, Tensor | np.ndarray) and not np.shape(value)):
        raise Wrong("That is one number in all: leave the latent numbers apart, and average over the images only.")
    got = tensor(value, (3,), "The result").double()
    recognise(
        got,
        (each.sum(0), "You sum over the images: average, so that more images do not cost more."),
        (2 * each.mean(0), "The factor ½ is missing."),
        (-each.mean(0), "The sign is turned round: no latent number's KL is below 0."),
        (each.max(0).values, "That is the largest over the images; take their mean."),
    )
    average = 0.5 * (mu.mean(0) ** 2 + logvar.exp().mean(0) - 1 - logvar.mean(0))
    recognise(got, (average, "mu is averaged before it is squared, and cancels: first each image's KL, then the mean."))
    if not close(got, each.mean(0)):
        raise Wrong("Not that: ½ (μ² + σ² − 1 − log σ²) for each latent number, averaged over the images.")
    return "Near 0, a number says the same of every image: the decoder cannot learn anything from it."


def _posterior(n: int, d: int) -> tuple[Tensor, Tensor]:
    """Made-up means and log variances (n, d), with nothing in them that is equal by chance."""
    draw = torch.Generator().manual_seed(4)
    return torch.randn(n, d, generator=draw), torch.randn(n, d, generator=draw)


def _kl_each(mu: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)
