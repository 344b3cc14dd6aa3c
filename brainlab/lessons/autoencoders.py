"""The exercises of lesson 02: the bottleneck's size, the loss, the anomaly map, a detector with an honest threshold."""

from typing import Any

import torch
from torch import Tensor

from brainlab.lessons.answers import Wrong, call, close, number, recognise, tensor
from brainlab.lessons.checking import check
from brainlab.lessons.meet_the_brain import skewed_maps

LESSON = "02"


@check.add(
    lesson=LESSON,
    hints=[
        "Count what goes in (the pixels of a 64 × 64 image) and what passes the bottleneck (32 numbers).",
        "64 · 64 pixels, divided by 32.",
    ],
    solution="squeeze = 64 * 64 / 32",
)
def squeeze(answer: Any) -> str:
    """How many pixels share one latent number: 4096 / 32."""
    got = number(answer)
    recognise(
        got,
        (2, "An image has 64 rows *and* 64 columns."),
        (1 / 128, "That is the bottleneck as a share of the image; asked is its inverse, pixels for each number."),
        (4096, "That is the number of pixels; divide it by what passes the bottleneck."),
        (32, "That is the bottleneck; how many pixels are there for each of its numbers?"),
    )
    if not close(got, 128):
        raise Wrong("Not that: pixels in, divided by numbers through.")
    return "Each number speaks for 128 pixels. Neighbouring pixels agree and brains resemble each other, so it can."


@check.add(
    lesson=LESSON,
    hints=[
        "Three steps: the difference, its square, and then two different ways of adding up.",
        "Sum over the pixels of each image, so that you have one number an image; then average those numbers.",
        "`.flatten(1)` turns (B, 1, H, W) into (B, H·W); `.sum(dim=1)` then leaves the batch, (B,).",
    ],
    solution="""
        def sse(x, x_hat):
            return ((x - x_hat) ** 2).flatten(1).sum(dim=1).mean()
    """,
)
def sse(answer: Any) -> str:
    """Squared error: the sum over pixels, the mean over the batch."""
    draw = torch.Generator().manual_seed(0)
    x, x_hat = torch.rand(5, 1, 6, 4, generator=draw), torch.rand(5, 1, 6, 4, generator=draw)
    value = call(answer, x, x_hat)
    if isinstance(value, Tensor) and tuple(value.shape) == (5,):
        raise Wrong("One number an image is nearly there: now average over the batch.")
    got, d = number(value, "The loss"), x - x_hat
    by_image = d.flatten(1)
    recognise(
        got,
        (
            (d**2).mean(),
            "Pixels are averaged too (as `F.mse_loss` does; `sum(dim=1)` adds only the channel): sum them.",
        ),
        ((d**2).sum(), "This is the sum over the batch too: twice the images would cost double. Average the batch."),
        (by_image.abs().sum(1).mean(), "The square is missing: these are absolute differences."),
        (by_image.sum(1).mean(), "The square is missing, so errors of opposite sign cancel."),
        ((by_image.sum(1) ** 2).mean(), "You square the sum; square each pixel's difference first, then add up."),
        ((by_image**2).sum(1).sqrt().mean(), "This is the root of the squared error: leave the root out."),
        ((d**2).sum(0).mean(), "You sum over the batch and average over pixels: it should be the other way about."),
        (d.var(), "This is the variance of the difference, which forgives a constant error: sum the squares."),
        (d.std(), "This is the standard deviation of the difference: sum the squares instead."),
    )
    if number(call(answer, x, x)) != 0:
        raise Wrong("A perfect reconstruction should cost exactly 0.")
    if not close(number(call(answer, torch.cat([x, x]), torch.cat([x_hat, x_hat]))), got):
        raise Wrong("The same images twice should cost the same: average over the batch.")
    if not close(number(call(answer, torch.cat([x, x], 2), torch.cat([x_hat, x_hat], 2))), 2 * got):
        raise Wrong("An image twice as tall, with the same errors, should cost twice as much: sum over the pixels.")
    if not close(got, (by_image**2).sum(1).mean()):
        raise Wrong("The sums are right, but the cost of a pixel should be its squared difference.")
    _carries_gradient(answer, x, x_hat)
    return "Sum over pixels, mean over the batch: in this unit the later formulas read as they do in the papers."


def _carries_gradient(answer: Any, x: Tensor, x_hat: Tensor) -> None:
    try:
        loss = answer(x, x_hat.clone().requires_grad_())
    except RuntimeError as error:  # numpy refuses a tensor that needs gradients
        raise Wrong(f"With an x_hat that needs gradients it stops: {str(error).splitlines()[0]}") from None
    if not (isinstance(loss, Tensor) and loss.requires_grad):
        raise Wrong(
            "The value is right but carries no gradient, so nothing can learn: no `.detach()`, `.item()` or numpy."
        )


@check.add(
    lesson=LESSON,
    hints=[
        "The residual `x - x_hat` has a sign: bright lesions are positive, dark ones negative. Which should light up?",
        "Both: take the absolute value. Then make everything outside the brain 0.",
        "`(x - x_hat).abs() * brain`.",
    ],
    solution="""
        def anomaly_map(x, x_hat, brain):
            return (x - x_hat).abs() * brain
    """,
)
def anomaly_map(answer: Any) -> str:
    """|x − x̂| inside the brain, 0 outside."""
    draw = torch.Generator().manual_seed(1)
    x, x_hat = torch.rand(3, 1, 8, 8, generator=draw), torch.rand(3, 1, 8, 8, generator=draw)
    brain = torch.rand(3, 1, 8, 8, generator=draw) < 0.6
    value = call(answer, x, x_hat, brain)
    if isinstance(value, Tensor) and value.ndim == 1:
        raise Wrong("The map has lost its shape: multiply by `brain` to keep an image, instead of picking pixels.")
    got, d = tensor(value, x.shape, "The map").double(), (x - x_hat).double()
    recognise(
        got,
        (d * brain, "The sign is still there: a dark lesion is as abnormal as a bright one. Take the absolute value."),
        (-d * brain, "The sign is turned round but still there: take the absolute value."),
        (d.abs(), "Outside the brain the map should be 0."),
        (d, "Take the absolute value, and make the map 0 outside the brain."),
        (
            d.clamp(min=0) * brain,
            "Negative residuals are cut off, so a dark lesion stays unseen: take the absolute value.",
        ),
        (d**2 * brain, "Squared, it ranks pixels alike but is not in units of intensity: take the absolute value."),
        (d.abs() * ~brain, "This is the map outside the brain: `brain` is True where the brain *is*."),
    )
    if not close(got, d.abs() * brain):
        raise Wrong("Inside the brain each pixel should be |x − x̂|, and outside 0.")
    return "Unsigned, in units of intensity, and silent outside the brain."


@check.add(
    lesson=LESSON,
    hints=[
        "You are given more than you need. What would you have on the day a new patient arrives?",
        "Not their mask. The cut comes from the healthy maps alone: `anomaly.threshold_at_fpr`.",
        "`maps > anomaly.threshold_at_fpr(healthy_maps, healthy_brain, fpr)`.",
    ],
    solution="""
        def detect(healthy_maps, healthy_brain, maps, masks, fpr):
            return maps > anomaly.threshold_at_fpr(healthy_maps, healthy_brain, fpr)
    """,
)
def detect(answer: Any) -> str:
    """A boolean prediction whose threshold knows neither the test masks nor the other test maps."""
    healthy, brain = skewed_maps()
    draw = torch.Generator().manual_seed(2)
    masks, others = ((torch.rand(healthy.shape, generator=draw) < share) & brain for share in (0.05, 0.3))
    maps = healthy.flip(0) + 0.4 * masks

    def called(maps: Tensor, masks: Tensor, fpr: float = 0.05) -> Tensor:
        return _prediction(call(answer, healthy, brain, maps, masks, fpr), maps)

    first = called(maps, masks)
    if not torch.equal(first, called(maps, others)):
        raise Wrong(
            "With other masks the prediction changes: it has seen the truth. No patient brings their mask along."
        )
    brighter = torch.cat([maps[:1], 3 * maps[1:]])
    if not torch.equal(first[0], called(brighter, masks)[0]):
        raise Wrong("The first prediction changes with the *other* test images: the threshold comes from the test set.")
    for fpr in (0.05, 0.2):
        share = float(called(healthy, masks & False, fpr)[brain].float().mean())
        if abs(share - (1 - fpr)) < 0.01:
            raise Wrong(f"{share:.0%} of a healthy brain is called a lesion: a quantile at `fpr`, or `<` for `>`?")
        if abs(share - fpr) > 0.01:
            raise Wrong(
                f"Asked for {fpr:.0%} false positives, it calls {share:.1%} of the healthy brain a lesion: does the "
                "cut use `fpr`, and only the pixels inside `healthy_brain`?"
            )
    return "Fixed before the test begins: everything this detector reports could be had on a new patient."


def _prediction(value: Any, maps: Tensor) -> Tensor:
    if isinstance(value, float):
        raise Wrong("That is the threshold; return the prediction, a boolean for every pixel.")
    value = tensor(value, maps.shape, "The prediction")
    if value.dtype != torch.bool:
        raise Wrong(f"The prediction should be boolean (lesion or not), and is {value.dtype}: compare with `>`.")
    return value
