"""The exercises of lesson 01: a convolution by hand, the receptive field, one training step, Grad-CAM, balanced recall.

The training step is judged by what it does to the weights of a small network: twice in a row, for a gradient that is
not set back shows at the second step only.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab.lessons.answers import Wrong, call, close, kind, number, recognise, tensor
from brainlab.lessons.checking import check

LESSON = "01"


@check.add(
    lesson=LESSON,
    hints=[
        "Two steps: put a frame of zeros around the image, as wide as the kernel reaches; then visit every pixel.",
        "`F.pad(image, [r, r, r, r])` with `r = k // 2` makes the frame; pixel (i, j) looks at "
        "`padded[i : i + k, j : j + k]`.",
        "There, multiply by the kernel *as it is written* and sum: `(window * kernel).sum()`.",
    ],
    solution="""
        def convolve(image, kernel):
            k = kernel.shape[0]
            padded = torch.nn.functional.pad(image, [k // 2] * 4)
            y = torch.zeros_like(image)
            for i in range(image.shape[0]):
                for j in range(image.shape[1]):
                    y[i, j] = (padded[i : i + k, j : j + k] * kernel).sum()
            return y
    """,
)
def convolve(answer: Any) -> str:
    """Cross-correlation of (H, W) with (k, k), zeros beyond the border, (H, W)."""
    draw = torch.Generator().manual_seed(0)
    image, kernel = torch.rand(7, 9, generator=draw), torch.randn(3, 3, generator=draw)
    value = call(answer, image, kernel)
    if isinstance(value, Tensor) and tuple(value.shape) == (5, 7):
        raise Wrong("The picture shrank by a pixel on each side: put a frame of zeros around it first.")
    got = tensor(value, image.shape, "The filtered image").double()
    _recognise_convolution(got, image, kernel)
    inside = (slice(1, -1), slice(1, -1))
    if not close(got, _slid(image, kernel)):
        if close(got[inside], _slid(image, kernel)[inside].double()):
            raise Wrong("Inside it is right; beyond the border zeros are asked for.")
        raise Wrong("Not that. Try the kernel with a single 1 in its middle: the image should come back unchanged.")
    wide = torch.randn(5, 5, generator=draw)
    if not close(tensor(call(answer, image, wide), image.shape, "Under a 5 × 5 kernel the image"), _slid(image, wide)):
        raise Wrong("Right for a kernel of 3 × 3, not for 5 × 5: is the frame `k // 2` wide, and the window k × k?")
    return "Nine weights, used at every place: that is all that a convolutional layer knows how to do."


def _slid(image: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None], padding=kernel.shape[0] // 2)[0, 0]


def _recognise_convolution(got: Tensor, image: Tensor, kernel: Tensor) -> None:
    """Wrong with a word for each of the usual slips."""
    edge = F.conv2d(F.pad(image[None, None], [1] * 4, mode="replicate"), kernel[None, None])[0, 0]
    recognise(
        got,
        (
            _slid(image, kernel.flip(0, 1)),
            "You turned the kernel by 180°. That *is* convolution as mathematics defines it; what deep learning calls "
            "so is a cross-correlation, with the kernel as it is written.",
        ),
        (_slid(image, kernel.flip(0)), "The kernel is upside down: rows of the window meet rows of the kernel."),
        (_slid(image, kernel.flip(1)), "The kernel is mirrored left to right: take its columns as they are."),
        (_slid(image, kernel.T), "Rows and columns of the kernel have changed places."),
        (_slid(image, kernel) / 9, "That is a mean over the window: sum, so that a kernel may have any gain."),
        (_slid(image, kernel) / kernel.sum(), "Do not divide by the kernel's sum: an edge kernel sums to 0."),
        (edge, "Inside it is right; beyond the border you repeat the edge, and zeros are asked for."),
        (
            F.pad(_slid(image, kernel)[1:-1, 1:-1], [1] * 4),
            "Inside it is right, and the border is left at 0: visit it.",
        ),
    )


@check.add(
    lesson=LESSON,
    hints=[
        "Go through the layers from the image up, and keep two numbers: the field so far, and the jump, how many "
        "pixels of the image lie between two neighbours of the present layer.",
        "Field and jump both start at 1. A kernel of k adds (k − 1) jumps to the field; then its stride multiplies "
        "the jump.",
        "`field += (k - 1) * jump` and *then* `jump *= s`, for each k and s.",
    ],
    solution="""
        def receptive_field(kernels, strides):
            field, jump = 1, 1
            for k, s in zip(kernels, strides):
                field += (k - 1) * jump
                jump *= s
            return field
    """,
)
def receptive_field(answer: Any) -> str:
    """1 + Σ (k_l − 1) · Π of the strides below layer l."""
    got = number(call(answer, [4, 4, 4, 4], [2, 2, 2, 2]), "The receptive field")
    recognise(
        got,
        (13, "The strides are missing: one step in a higher layer is several pixels of the image."),
        (16, "That is the sum of the kernels. They overlap, and the strides spread them."),
        (256, "That is the product of the kernels, as if they did not overlap."),
        (91, "A layer's own stride came too early: it spreads what comes *after* the layer, not its own kernel."),
        (61, "The sum adds k for each layer: a kernel of k adds k − 1 to what one place saw already."),
        (45, "Begin with 1: with no layer at all, a pixel sees itself."),
        (64, "That is the kernel times all the strides, or the whole image: layers below have kernels too."),
    )
    cases = [([3], [1], 3), ([3, 3], [1, 1], 5), ([3, 3], [2, 1], 7), ([5, 1, 3], [1, 2, 3], 9), ([7, 3], [3, 5], 13)]
    for kernels, strides, right in [*cases, ([4, 4, 4, 4], [2, 2, 2, 2], 46)]:
        one = number(call(answer, kernels, strides), "The receptive field")
        if not close(one, right):
            raise Wrong(f"For kernels {kernels} with strides {strides} it says {one:g}, and one number sees {right}.")
    return "46 of 64 pixels: only after four layers does one number see a brain from left to right."


@check.add(
    lesson=LESSON,
    hints=[
        "Five lines: training mode; gradients back to zero; the loss; its gradients; one step of the optimiser.",
        "`F.cross_entropy` takes logits as they come: it has the softmax inside.",
        "`net.train()`, `optimiser.zero_grad()`, `loss = F.cross_entropy(net(x), label)`, `loss.backward()`, "
        "`optimiser.step()`.",
    ],
    solution="""
        def train_step(net, optimiser, x, label):
            net.train()
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(x), label)
            loss.backward()
            optimiser.step()
            return loss.item()
    """,
)
def train_step(answer: Any) -> str:
    """One step of gradient descent on the cross-entropy, judged by the weights after one call and after two."""
    if not callable(answer):
        raise Wrong(f"A function is asked for, and this is {kind(answer)}: pass its name, without calling it.")
    x, label, net = _small()
    said, first, second, mode = _two_steps(answer, net, x, label)
    _recognise_step(first, net, x, label)
    once = _stepped(net, x, label)
    if not _same(first, once):
        raise Wrong(
            "The weights moved, but not by one step of the given optimiser down the slope of the mean cross-entropy of "
            "the logits."
        )
    if not _same(second, _stepped(once, x, label)):
        raise Wrong(
            "The first step is right and the second is not: PyTorch *adds* each gradient to the last one. "
            "`optimiser.zero_grad()` comes before `backward()`."
        )
    if not mode:
        raise Wrong(
            "The weights are right, but the network came here in eval mode and saw the batch in it: dropout would "
            "sleep all through training, and batch normalisation learn nothing. `net.train()` first."
        )
    if not close(number(said, "The loss"), F.cross_entropy(net(x), label)):
        raise Wrong("The weights are right; now return the loss of this batch, as it was before the step.")
    return "Five lines. Every network of this course, up to the GANs, is trained by these and no others."


def _small() -> tuple[Tensor, Tensor, nn.Module]:
    """Six images, their labels, and a network with weights from a generator of our own."""
    draw = torch.Generator().manual_seed(1)
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.Tanh(), nn.Linear(6, 3))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw) / 2)
    return torch.rand(6, 1, 4, 4, generator=draw), torch.tensor([0, 1, 2, 0, 0, 1]), net


def _two_steps(answer: Callable, net: nn.Module, x: Tensor, label: Tensor) -> tuple[Any, nn.Module, nn.Module, bool]:
    """What the learner's step says, the network after it and after another, and whether it took the batch to train."""
    mine, modes = copy.deepcopy(net).eval(), []
    hook = mine.register_forward_hook(lambda seen, *_: modes.append(seen.training))
    optimiser = torch.optim.SGD(mine.parameters(), lr=0.5)
    images, names = x.clone(), label.clone()
    said = call(lambda: answer(mine, optimiser, images, names))
    hook.remove()
    mode, first = modes[0] if modes else mine.training, copy.deepcopy(mine)
    call(lambda: answer(mine, optimiser, images, names))
    if not (torch.equal(images, x) and torch.equal(names, label)):
        raise Wrong("Your step changes the batch in place. Work on new tensors.")
    return said, first, mine, mode


def _stepped(net: nn.Module, x: Tensor, label: Tensor, loss: Callable = F.cross_entropy, lr: float = 0.5) -> nn.Module:
    """A copy of the network after one step of gradient descent."""
    after = copy.deepcopy(net)
    slopes = torch.autograd.grad(loss(after(x), label), list(after.parameters()))
    with torch.no_grad():
        for parameter, slope in zip(after.parameters(), slopes, strict=True):
            parameter -= lr * slope
    return after


def _same(a: nn.Module, b: nn.Module) -> bool:
    return all(close(one.detach(), two.detach()) for one, two in zip(a.parameters(), b.parameters(), strict=True))


def _recognise_step(first: nn.Module, net: nn.Module, x: Tensor, label: Tensor) -> None:
    """Wrong with a word for each of the usual slips, as it shows after one step."""
    if _same(first, net):
        raise Wrong(
            "The weights have not moved. Are `loss.backward()` and `optimiser.step()` both there, in this order, with "
            "`zero_grad()` before them and not between?"
        )

    def twice(logits: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(logits.softmax(1), label)

    typical: list[tuple[Callable, float, str]] = [
        (
            twice,
            0.5,
            "You take the softmax before `F.cross_entropy`, which takes it again: probabilities differ by 1 at most, "
            "so the second softmax is nearly flat. Hand it the logits.",
        ),
        (
            lambda logits, label: F.cross_entropy(logits, label, reduction="sum"),
            0.5,
            "The loss is the *sum* over the batch: twice the images would make twice the step. Take the mean.",
        ),
        (F.cross_entropy, -0.5, "The step goes *up* the slope: is there a minus before the loss?"),
        (
            lambda logits, label: F.mse_loss(logits.softmax(1), F.one_hot(label, 3).float()),
            0.5,
            "That is the squared error of the probabilities: the cross-entropy is asked for.",
        ),
        (
            lambda logits, label: F.nll_loss(logits.softmax(1), label),
            0.5,
            "The logarithm is missing: that is −p, and −log p is asked for. `F.cross_entropy` takes the logits as they "
            "come.",
        ),
        (
            lambda logits, label: F.nll_loss(logits, label),
            0.5,
            "`F.nll_loss` takes log-probabilities, and these are logits: `F.cross_entropy` is for those.",
        ),
        (F.cross_entropy, 1.0, "The step is twice as long as it should be: is `step()` or `backward()` there twice?"),
    ]
    for loss, lr, message in typical:
        if _same(first, _stepped(net, x, label, loss, lr)):
            raise Wrong(message)


@check.add(
    lesson=LESSON,
    hints=[
        "Accuracy counts slices; here every *class* counts the same. Begin with one class: of its slices, which share "
        "is named rightly?",
        "`mine = truth == c` picks a class's slices; `(answer[mine] == c)` says which of them were named so.",
        "The mean over the classes that occur in `truth` of `(answer[truth == c] == c).float().mean()`.",
    ],
    solution="""
        def balanced_accuracy(truth, answer):
            recalls = [(answer[truth == c] == c).float().mean() for c in truth.unique()]
            return torch.stack(recalls).mean()
    """,
)
def balanced_accuracy(answer: Any) -> str:
    """The mean over classes of recall."""
    truth = torch.tensor([0] * 12 + [1] * 5 + [2] * 3)
    said = torch.tensor([0] * 8 + [1, 1, 1, 2] + [1] * 3 + [0, 2] + [2, 0, 0])
    value = call(answer, truth, said)
    if isinstance(value, Tensor | list | tuple) and len(torch.as_tensor(value).flatten()) == 3:
        raise Wrong("One number a class is nearly there: now their mean.")
    got = number(value, "The balanced accuracy")
    right = [int(((truth == c) & (said == c)).sum()) for c in range(3)]
    have, called = ([int((one == c).sum()) for c in range(3)] for one in (truth, said))
    recognise(
        got,
        (
            sum(right) / 20,
            "That is plain accuracy: whoever always says the commonest class has 60 % of it here. Average the classes' "
            "recalls.",
        ),
        (
            sum(r / n for r, n in zip(right, called, strict=True)) / 3,
            "You divide by how often a class was *called*: that is precision. Divide by how often it *is*.",
        ),
        (sum(r / n for r, n in zip(right, have, strict=True)), "Now divide by the number of classes."),
        (1 - sum(r / n for r, n in zip(right, have, strict=True)) / 3, "That is the share that goes wrong."),
        (sum(r / 20 for r in right) / 3, "You divide by all slices: divide by the slices of the class."),
    )
    if not close(got, sum(r / n for r, n in zip(right, have, strict=True)) / 3):
        raise Wrong("Not that: for each class the share of its slices named rightly; then the mean of these shares.")
    _knows_no_count(answer)
    return "Whoever says the same of everybody scores 1 / classes, however rare the others are."


def _knows_no_count(answer: Any) -> None:
    """Wrong where the number of classes is written into the answer, or a class without slices becomes NaN."""
    truth, said = torch.tensor([0, 0, 0, 3, 3, 1]), torch.tensor([0, 0, 1, 3, 2, 1])
    try:
        got = number(call(answer, truth, said), "With a class that no slice has, the balanced accuracy")
    except Wrong as wrong:
        raise Wrong(f"{wrong} Average over the classes that occur in `truth`.") from None
    if not close(got, (2 / 3 + 1 / 2 + 1) / 3):
        raise Wrong("With other classes than 0, 1, 2 it goes wrong: average over those that occur in `truth`.")


@check.add(
    lesson=LESSON,
    hints=[
        "α_k says how much channel k matters: the mean of its slope over all places. One number a channel.",
        "`slopes.mean((2, 3))` is α, (N, K). Weight the maps with it and add the channels up.",
        "`(alpha[:, :, None, None] * maps).sum(1, keepdim=True).relu()`.",
    ],
    solution="""
        def cam(maps, slopes):
            alpha = slopes.mean((2, 3))
            return (alpha[:, :, None, None] * maps).sum(1, keepdim=True).relu()
    """,
)
def cam(answer: Any) -> str:
    """ReLU(Σ_k α_k A_k) with α the mean slope of each channel."""
    draw = torch.Generator().manual_seed(2)
    maps, slopes = torch.rand(3, 5, 4, 6, generator=draw), torch.randn(3, 5, 4, 6, generator=draw)
    value = call(answer, maps, slopes)
    if isinstance(value, Tensor) and tuple(value.shape) == (3, 4, 6):
        raise Wrong("Keep the channel axis, (N, 1, h, w): `.sum(1, keepdim=True)`.")
    if isinstance(value, Tensor) and value.shape == maps.shape:
        raise Wrong("The channels are still apart: add them up, `.sum(1, keepdim=True)`.")
    got, whole = tensor(value, (3, 1, 4, 6), "The map").double(), (maps * slopes).sum(1, keepdim=True)
    alpha = slopes.mean((2, 3), keepdim=True)
    raw = (alpha * maps).sum(1, keepdim=True)
    scaled = raw.relu() / raw.relu().amax((1, 2, 3), keepdim=True)
    recognise(
        got,
        (raw, "What speaks *against* the class is still in it: the ReLU comes last."),
        (raw.abs(), "The absolute value counts what speaks against the class as if it spoke for it: take the ReLU."),
        ((alpha.relu() * maps).sum(1, keepdim=True), "The ReLU comes after the sum, not on the weights."),
        ((24 * raw).relu(), "α is the *mean* slope over the places, not the sum."),
        ((raw / 5).relu(), "Add the channels up; their mean is another scale."),
        (whole.relu(), "You weight each place by its own slope. That is HiResCAM, a respectable map; Grad-CAM takes "
         "the mean slope of a channel first."),
        ((slopes.mean(1, keepdim=True) * maps).sum(1, keepdim=True).relu(), "The mean goes over places, (2, 3), not "
         "over channels."),
        (scaled, "Do not scale to 1: then maps of two images, or of two classes, could not be compared."),
    )  # fmt: skip
    if not close(got, raw.relu()):
        raise Wrong("Not that: the mean slope of each channel over its places; maps times that, added up; ReLU.")
    return "One weight a channel: it says *which* patterns matter, and the maps say where those are."
