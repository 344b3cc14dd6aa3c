"""The exercises of lesson 04: both players' losses, whose turn it is, the best discriminator, a game back in balance.

The last is played. A learner hands in the cockpit that they flew, or the levers alone: then the check flies, against
samples of the good GAN in place of real slices, so that it is the same game on every machine and nobody must be grown.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab import checkpoints, losses
from brainlab.lessons.answers import Blank, Wrong, call, close, kind, number, recognise
from brainlab.lessons.checking import check
from brainlab.widgets.balance import Balance
from brainlab.widgets.gan_starts import GAMES, STARTS
from brainlab.widgets.gan_state import GANCockpitState

LESSON = "04"
START = "gan-mode-collapse"
DISASTERS = STARTS.keys() - {"gan", "new"}
LEVERS = ("loss", "lr_d", "lr_g", "k_d", "k_g", "smoothing")
MOST_TURNS, MOST_SMOOTHING = 5, 0.5  # turns a round; as the cockpit's sliders have it
PLAYED, BATCH, REAL = 80, 16, 320  # rounds that the check flies, slices in each, and samples that stand for real ones


@check.add(
    lesson=LESSON,
    hints=[
        "Two costs: of calling real images real, −log D(x), and of calling fakes fake, −log(1 − D(x̃)). Each is a mean.",
        "With D = sigmoid(a), −log D is `F.softplus(-a)`. And 1 − sigmoid(a) is sigmoid(−a).",
        "`F.softplus(-real).mean() + F.softplus(fake).mean()`.",
    ],
    solution="""
        from torch.nn import functional as F

        def d_loss(real, fake):
            return F.softplus(-real).mean() + F.softplus(fake).mean()
    """,
)
def d_loss(answer: Any) -> str:
    """−E log D(x) − E log(1 − D(x̃)), from logits."""
    real, fake = _logits(5, 1), _logits(7, 2)
    try:
        value = call(answer, real, fake)
    except (RuntimeError, ValueError):  # sizes that do not fit
        if close(number(call(answer, real, fake[:5]), "The loss"), losses.discriminator(real, fake[:5])):
            raise Wrong(
                "Right for as many fakes as real images, and it stops here, at 5 real ones and 7 fakes: take one mean "
                "over the real logits and another over the fakes', then add."
            ) from None
        raise
    got = number(value, "The loss")
    yes, no = F.softplus(-real), F.softplus(fake)
    p, q = real.sigmoid(), fake.sigmoid()
    recognise(
        got,
        (
            F.softplus(-p).mean() + F.softplus(q).mean(),
            "The sigmoid is taken twice: softplus and `binary_cross_entropy_with_logits` take logits as they are, and "
            "of a probability they can make neither 0 nor 1.",
        ),
        (
            F.softplus(real).mean() + F.softplus(-fake).mean(),
            "The labels are swapped: this rewards calling real images fake, and fakes real.",
        ),
        (-yes.mean() - no.mean(), "The sign is turned: this is what D *maximises* in the paper; a loss is minimised."),
        (
            (yes.mean() + no.mean()) / 2,
            "This is half of it: add the two means, do not average them. A draw is 2 log 2.",
        ),
        (torch.cat([yes, no]).mean(), "One mean over all logits: take a mean for each side, and add the two."),
        (yes.sum() + no.sum(), "You sum over the batch: take the mean of each side, or twice the images cost double."),
        (yes.mean(), "Only the real images are judged: a D that calls everything real would be perfect."),
        (no.mean(), "Only the fakes are judged: a D that calls everything fake would be perfect."),
        (yes.mean() - no.mean(), "The second term has the wrong sign: being fooled must cost."),
        (F.softplus(-real.mean()) + F.softplus(fake.mean()), "Log of a mean logit: take the log first, then the mean."),
        (1 - p.mean() + q.mean(), "The logarithm is missing: this is the error, and its gradient dies with certainty."),
        (fake.mean() - real.mean(), "That is the critic of a Wasserstein GAN; here D gives a probability."),
    )
    if not close(got, yes.mean() + no.mean()):
        raise Wrong("Not that: −log sigmoid(real), averaged, plus −log(1 − sigmoid(fake)), averaged.")
    _survives(answer, torch.full((3,), -200.0), torch.full((3,), 200.0), worth=400.0)
    _carries_gradient(answer, losses.discriminator, real=real, fake=fake)
    return "It costs 2 log 2 = 1.386 where D cannot tell and says ½ of all, and nothing where D is sure and right."


@check.add(
    lesson=LESSON,
    hints=[
        "The generator wants its fakes called *real*. What is the cost of calling an image real?",
        "−log D(x̃), averaged. You wrote that term in exercise 1, for the real images.",
        "`F.softplus(-fake).mean()`.",
    ],
    solution="""
        from torch.nn import functional as F

        def g_loss(fake):
            return F.softplus(-fake).mean()
    """,
)
def g_loss(answer: Any) -> str:
    """The non-saturating −E log D(x̃), from logits."""
    fake = _logits(7, 2)
    value = call(answer, fake)
    got = number(value, "The loss")
    yes, no, q = F.softplus(-fake), F.softplus(fake), fake.sigmoid()
    recognise(
        got,
        (
            -no.mean(),
            "That is the minimax loss, log(1 − D): right on paper, and flat where D is sure that it sees a fake, which "
            "is where every generator begins. Take −log D instead.",
        ),
        (
            no.mean(),
            "That is the discriminator's wish: it falls when fakes are called fake. The generator is rewarded.",
        ),
        (-yes.mean(), "The sign is turned: minimising this makes fakes look *less* real."),
        (yes.sum(), "You sum over the batch: take the mean."),
        (F.softplus(-q).mean(), "The sigmoid is taken twice: softplus takes the logits as they are."),
        (1 - q.mean(), "The logarithm is missing: where D is sure, this is as flat as minimax."),
        (-fake.mean(), "That is the generator of a Wasserstein GAN; here D gives a probability."),
        (F.softplus(-fake.mean()), "Log of a mean logit: take the log first, then the mean."),
    )
    if not close(got, yes.mean()):
        raise Wrong("Not that: −log sigmoid(fake), averaged over the batch.")
    _survives(answer, torch.full((3,), -200.0), worth=200.0)
    _carries_gradient(answer, losses.non_saturating, fake=fake)
    return "Its slope is D − 1: almost −1 where D is sure, so the worst fakes learn most; 0 where D is fooled already."


def _logits(n: int, seed: int) -> Tensor:
    return 2 * torch.randn(n, generator=torch.Generator().manual_seed(seed))


def _survives(answer: Any, *extreme: Tensor, worth: float) -> None:
    """A loss of logits so large that their sigmoid is 0 or 1 in float32 must still be finite, and right."""
    value = call(answer, *extreme)
    at = float(value)  # a number it is: that was seen before
    if not math.isfinite(at):
        raise Wrong(
            f"The value is right until D is sure: at logits of ±200 it is {at}, for the sigmoid rounds to 0 or 1, or "
            "an exponential overflows. Stay with logits: softplus, or `F.logsigmoid`."
        )
    if abs(at / worth - 1) > 0.01:
        raise Wrong(
            f"At logits of ±200 the loss should be {worth:.0f}, and is {at:.4g}: a clamp or a small constant inside "
            "the log hides how wrong D is. Stay with logits: softplus, or `F.logsigmoid`."
        )


def _carries_gradient(answer: Any, truth: Callable[..., Tensor], **logits: Tensor) -> None:
    ours = [one.clone().requires_grad_() for one in logits.values()]
    try:
        loss = answer(*ours)
    except RuntimeError as error:  # numpy refuses a tensor that needs gradients
        raise Wrong(f"With logits that need gradients it stops: {str(error).splitlines()[0]}") from None
    if not (isinstance(loss, Tensor) and loss.requires_grad):
        raise Wrong(
            "The value is right but carries no gradient, so nobody can learn: no `.detach()`, `.item()`, numpy."
        )
    slopes = torch.autograd.grad(loss, ours, allow_unused=True)
    for name, got, wanted in zip(logits, slopes, torch.autograd.grad(truth(*ours), ours), strict=True):
        if got is None or not close(got, wanted):
            raise Wrong(f"The value is right, but the gradient with respect to `{name}` is not: is a part detached?")


@check.add(
    lesson=LESSON,
    hints=[
        "Draw fakes, let D judge both, and put the two verdicts into `d_loss`. Then ask: which networks did the fakes "
        "pass on their way?",
        "`loss.backward()` follows the graph through the fakes into the generator. Cut the graph between the two.",
        "`fake = generator(z).detach()`; then `d_loss(discriminator(x), discriminator(fake))`.",
    ],
    solution="""
        from torch.nn import functional as F

        def d_loss(real, fake):
            return F.softplus(-real).mean() + F.softplus(fake).mean()

        def d_turn(generator, discriminator, x, z):
            fake = generator(z).detach()
            return d_loss(discriminator(x), discriminator(fake))
    """,
)
def d_turn(answer: Any) -> str:
    """D's loss on one batch; its gradient reaches every weight of D and none of G."""
    if not callable(answer):
        raise Wrong(f"A function is asked for, and this is {kind(answer)}: pass its name, without calling it.")
    generator, discriminator, x, z = _tiny_pair()
    weights = [*generator.parameters(), *discriminator.parameters()]
    before = [p.detach().clone() for p in weights]
    loss = call(lambda x, z: answer(generator, discriminator, x, z), x, z)
    if not all(torch.equal(*pair) for pair in zip(before, weights, strict=True)):
        raise Wrong("A weight has moved: return the loss alone; whoever calls you takes the step.")
    got = number(loss, "The loss")
    with torch.no_grad():
        real, fake = discriminator(x), discriminator(generator(z))
    recognise(
        got,
        (losses.discriminator(fake, real), "Real and fake are swapped: `d_loss` takes the real logits first."),
        (losses.non_saturating(fake), "That is the generator's turn; the discriminator must also see the real images."),
        (losses.non_saturating(real), "Only the real images are judged."),
    )
    if not close(got, losses.discriminator(real, fake)):
        raise Wrong("The value should be `d_loss` of D's logits of `x` and of `generator(z)`.")
    if not all(p.requires_grad for p in weights):
        raise Wrong(
            "A network was frozen for good, by `requires_grad`: its own turn comes next. Cut the graph instead."
        )
    if any(p.grad is not None for p in weights):
        raise Wrong("You called `backward()` yourself: return the loss alone.")
    _goes_to_one(loss, generator, discriminator, x, z)
    return "D learns from both sides, and G from nothing: in its own turn it will follow its own loss, and only that."


def _tiny_pair() -> tuple[nn.Module, nn.Module, Tensor, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        generator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 6))
        discriminator = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))  # (B, 6) -> (B,)
        return generator, discriminator, torch.randn(5, 6) + 1, torch.randn(7, 3)


def _goes_to_one(loss: Any, generator: nn.Module, discriminator: nn.Module, x: Tensor, z: Tensor) -> None:
    """Wrong unless the loss's gradient is D's whole gradient, and none of G's."""
    if not (isinstance(loss, Tensor) and loss.requires_grad):
        raise Wrong(
            "The value is right, but no gradient reaches the discriminator: detach the *fakes*, not its verdict."
        )
    ours, theirs = list(discriminator.parameters()), list(generator.parameters())
    full = torch.autograd.grad(losses.discriminator(discriminator(x), discriminator(generator(z).detach())), ours)
    found = torch.autograd.grad(loss, [*ours, *theirs], allow_unused=True)
    if any(slope is not None and bool(slope.any()) for slope in found[len(ours) :]):
        raise Wrong(
            "The gradient reaches the generator: D's step would teach G to be caught. Detach the fakes: "
            "`generator(z).detach()`."
        )
    if not all(
        slope is not None and close(slope, whole) for slope, whole in zip(found[: len(ours)], full, strict=True)
    ):
        raise Wrong("D learns from one side only: a verdict of D was detached. Detach the fakes before D sees them.")


@check.add(
    lesson=LESSON,
    hints=[
        "D must answer once for all images that look like this one, real and generated. What share of them is real?",
        "Of every four such images three are real.",
        "3 / (3 + 1).",
    ],
    solution="best = 3 / (3 + 1)",
)
def best(answer: Any) -> str:
    """The optimal D where p = 3 q: p / (p + q)."""
    got = number(answer, "D")
    places = (
        (0.25, "That is the share of fakes; D is the probability of *real*."),
        (75, "In per cent, yes; D is a probability, from 0 to 1."),
        (3, "That is the ratio p / q; D is a probability: the share of real ones among both."),
        (1 / 3, "That is q / p; asked is the share of real ones among both, p / (p + q)."),
        (1.0986, "That is the logit, log(p / q) = log 3: right, and D is its sigmoid."),
        (1, "Sure? One in four of the images that look like this is a fake, and each would cost −log 0."),
        (0.5, "That is where both are equally dense: here real ones are three times as frequent."),
    )
    for value, message in places:
        if abs(got - value) < 0.002:
            raise Wrong(message)
    if abs(got - 0.75) > 0.005:
        raise Wrong("Not that: among all images that look like this one, real and generated, the share of real ones.")
    return "Its logit is log 3: a discriminator at its best estimates a ratio of densities that nobody ever wrote down."


@check.add(
    lesson=LESSON,
    hints=[
        "What does the collapsed generator get away with? D(fake) is no lower than D(real): D does not object.",
        "So D must learn faster. Which levers make it: its learning rate, its turns? Compare with the good GAN's.",
        '`{"lr_d": 1e-4}` is what the good GAN was trained with; the collapsed one had a fifth of it.',
    ],
    solution='balanced = {"lr_d": 1e-4}',
)
def balanced(answer: Any) -> str:
    """A cockpit flown from a disaster into balance, or the levers that do it from mode collapse."""
    state = getattr(answer, "state", answer)
    if isinstance(answer, dict):
        found = _flown(answer)
    elif isinstance(state, GANCockpitState):
        if state.start not in DISASTERS:
            raise Wrong("This cockpit did not begin with a disaster: choose one under “Begin with”.")
        found = state.balance_check()
        if not state.worker.history.steps:
            raise Blank
    else:
        raise Wrong(f'Hand in the cockpit, or levers such as {{"lr_g": 2e-4}}; this is {kind(answer)}.')
    if not found:
        raise Wrong(found.sentence)
    return found.sentence


def _flown(levers: dict[Any, Any]) -> Balance:
    """What the balance is after the collapsed GAN was trained for ``PLAYED`` rounds with these levers."""
    if not levers:
        raise Wrong("No lever is moved: then it stays as it is.")
    if unknown := [name for name in levers if name not in LEVERS]:
        raise Wrong(f"There is no lever {unknown[0]!r:.40}: choose from {', '.join(LEVERS)}.")
    for name, value in levers.items():
        _in_reach(name, value)
    generator = torch.Generator().manual_seed(0)
    gan: Any = checkpoints.load("gan")
    with torch.no_grad():
        images = gan.decode(torch.randn(REAL, gan.config.latent_dim, generator=generator))
    state = GANCockpitState(images, START, batch=BATCH)
    for name, value in levers.items():
        setattr(state, name, value if name == "loss" else number(value, name))
    for _ in range(PLAYED):
        state.press("round")
    return state.balance_check()


def _in_reach(lever: str, value: Any) -> None:
    if lever == "loss":
        if value not in tuple(GAMES):
            raise Wrong(f"There is no loss {value!r:.40}: choose from {', '.join(GAMES)}.")
        return
    to = number(value, lever)
    if lever in ("k_d", "k_g") and not 1 <= to <= MOST_TURNS:
        raise Wrong(f"A player has 1 to {MOST_TURNS} turns a round.")
    if lever == "smoothing" and not 0 <= to <= MOST_SMOOTHING:
        raise Wrong(f"Smoothing is at least 0 and at most {MOST_SMOOTHING}, got {to:g}.")
    if lever in ("lr_d", "lr_g") and to < 0:
        raise Wrong(f"A learning rate is at least 0, got {to:g}.")
