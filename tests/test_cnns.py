"""Lesson 01's exercises: right answers, what learners get wrong and are told, and the material that the lesson uses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from brainlab import InputError
from brainlab.lessons import check, cnns, naming
from brainlab.pretrain import recipes
from brainlab.slices import Slices
from brainlab.sources import phantom

OURS = ("convolve", "receptive_field", "train_step", "balanced_accuracy", "cam")


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "work" / "answers.jsonl"))


def solved(name) -> Any:
    namespace = {"torch": torch}
    exec(check.all[name].solution().code, namespace)
    return namespace[name]


def test_no_other_lesson_has_taken_the_name_of_an_exercise():
    assert [check.all[name].lesson for name in OURS] == [cnns.LESSON] * len(OURS)


@pytest.mark.parametrize("name", OURS)
def test_the_solution_passes(name):
    assert check.all[name](solved(name)).outcome == "correct"


def conv(image, kernel, **more):
    return F.conv2d(image[None, None], kernel[None, None], **more)[0, 0]


def same(image, kernel):
    return conv(image, kernel, padding=kernel.shape[0] // 2)


def by_einsum(image, kernel):
    k = kernel.shape[0]
    return torch.einsum("ijab,ab->ij", F.pad(image, [k // 2] * 4).unfold(0, k, 1).unfold(1, k, 1), kernel)


def in_numpy(image, kernel):
    from scipy import ndimage

    return ndimage.correlate(image.numpy(), kernel.numpy(), mode="constant")


def by_formula(kernels, strides):
    return 1 + sum((k - 1) * np.prod(strides[:at]) for at, k in enumerate(kernels))


def downwards(kernels, strides):
    field = 1
    for k, s in zip(reversed(kernels), reversed(strides), strict=True):
        field = (field - 1) * s + k
    return field


def set_to_none(net, optimiser, x, label):
    net.train()
    loss = -net(x).log_softmax(1)[torch.arange(len(x)), label].mean()
    for parameter in net.parameters():
        parameter.grad = None
    loss.backward()
    optimiser.step()
    return loss


def zeroes_last(net, optimiser, x, label):
    net.train()
    loss = F.cross_entropy(net(x), label)
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()
    return loss.detach().numpy()


def back_to_eval(net, optimiser, x, label):
    loss = set_to_none(net, optimiser, x, label)
    net.eval()
    return loss


def with_loops(truth, answer):
    each = []
    for c in set(truth.tolist()):
        mine = [a == c for t, a in zip(truth.tolist(), answer.tolist(), strict=True) if t == c]
        each.append(sum(mine) / len(mine))
    return sum(each) / len(each)


def by_sklearn(truth, answer):
    from sklearn.metrics import balanced_accuracy_score

    return balanced_accuracy_score(truth.numpy(), answer.numpy())


def cam_by_einsum(maps, slopes):
    return torch.einsum("nk,nkhw->nhw", slopes.mean((2, 3)), maps)[:, None].clamp(min=0)


RIGHT = [
    ("convolve", same),
    ("convolve", by_einsum),
    ("convolve", in_numpy),
    ("receptive_field", by_formula),
    ("receptive_field", downwards),
    ("train_step", set_to_none),
    ("train_step", zeroes_last),
    ("train_step", back_to_eval),
    ("balanced_accuracy", with_loops),
    ("balanced_accuracy", by_sklearn),
    ("cam", cam_by_einsum),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=lambda one: getattr(one, "__name__", one))
def test_other_right_answers_pass_too(name, answer):
    result = check.all[name](answer)
    assert result.outcome == "correct", result


def step(*order, loss=F.cross_entropy, train=True, result: Any = "item"):
    """A training step that does these things in this order."""

    def made(net, optimiser, x, label):
        if train:
            net.train()
        value = loss(net(x), label)
        for what in order:
            {"zero": optimiser.zero_grad, "back": value.backward, "step": optimiser.step}[what]()
        return value.item() if result == "item" else result

    return made


def own_optimiser(net, optimiser, x, label):
    return step("zero", "back", "step")(net, torch.optim.Adam(net.parameters()), x, label)


def recall_of(truth, answer, c):
    return float((answer[truth == c] == c).float().mean())


def precision(truth, answer):
    return np.mean([float((truth[answer == c] == c).float().mean()) for c in range(3)])


def three_classes(truth, answer):
    return np.mean([recall_of(truth, answer, c) for c in range(3)])


def weighted(maps, slopes):
    return (slopes.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True)


WRONG = [
    ("convolve", lambda x, w: same(x, w.flip(0, 1)), "cross-correlation"),
    ("convolve", lambda x, w: conv(x, w), "shrank"),
    ("convolve", lambda x, w: same(x, w.T), "changed places"),
    ("convolve", lambda x, w: same(x, w.flip(0)), "upside down"),
    ("convolve", lambda x, w: same(x, w.flip(1)), "mirrored"),
    ("convolve", lambda x, w: same(x, w) / 9, "mean over the window"),
    ("convolve", lambda x, w: same(x, w) / w.sum(), "sums to 0"),
    ("convolve", lambda x, w: conv(F.pad(x[None], [1] * 4, mode="replicate")[0], w), "repeat the edge"),
    ("convolve", lambda x, w: F.pad(conv(x, w), [1] * 4), "border is left at 0"),
    ("convolve", lambda x, w: conv(F.pad(x[None], [1] * 4, mode="reflect")[0], w), "zeros are asked for"),
    ("convolve", lambda x, w: conv(F.pad(x, [1] * 4), w) if len(w) == 3 else x, "not for 5 × 5"),
    ("convolve", lambda x, w: x, "single 1 in its middle"),
    ("convolve", lambda x, w: same(x, w)[None, None], "shape"),
    ("convolve", lambda x, w: x.mul_(2), "in place"),
    ("receptive_field", lambda k, s: 1 + sum(k) - len(k), "strides are missing"),
    ("receptive_field", lambda k, s: sum(k), "sum of the kernels"),
    ("receptive_field", lambda k, s: np.prod(k), "product of the kernels"),
    ("receptive_field", lambda k, s: 1 + sum((j - 1) * np.prod(s[: i + 1]) for i, j in enumerate(k)), "too early"),
    ("receptive_field", lambda k, s: 1 + sum(j * np.prod(s[:i]) for i, j in enumerate(k)), "adds k"),
    ("receptive_field", lambda k, s: by_formula(k, s) - 1, "Begin with 1"),
    ("receptive_field", lambda k, s: 64, "kernel times all the strides"),
    ("receptive_field", lambda k, s: 46, "kernels [3]"),
    ("receptive_field", lambda k, s: k.append(1) or 46, "in place"),
    ("receptive_field", 46, "without calling it"),
    ("train_step", step("back", "step"), "*adds*"),
    ("train_step", step("back", "zero", "step"), "not moved"),
    ("train_step", step("zero", "step"), "not moved"),
    ("train_step", step("zero", "back"), "not moved"),
    ("train_step", step("zero", "back", "step", loss=lambda y, c: F.cross_entropy(y.softmax(1), c)), "second softmax"),
    ("train_step", step("zero", "back", "step", loss=lambda y, c: F.cross_entropy(y, c, reduction="sum")), "*sum*"),
    ("train_step", step("zero", "back", "step", loss=lambda y, c: -F.cross_entropy(y, c)), "*up* the slope"),
    (
        "train_step",
        step("zero", "back", "step", loss=lambda y, c: F.mse_loss(y.softmax(1), F.one_hot(c, 3).float())),
        "squared error",
    ),
    (
        "train_step",
        step("zero", "back", "step", loss=lambda y, c: F.nll_loss(y.softmax(1), c)),
        "logarithm is missing",
    ),
    ("train_step", step("zero", "back", "step", loss=F.nll_loss), "log-probabilities"),
    ("train_step", own_optimiser, "given optimiser"),
    ("train_step", step("zero", "back", "step", "step"), "twice"),
    ("train_step", step("zero", "back", "step", train=False), "eval mode"),
    ("train_step", step("zero", "back", "step", result=1.0), "return the loss"),
    ("train_step", step("zero", "back", "step", result=None), "`return`"),
    (
        "train_step",
        lambda net, opt, x, c: (x.zero_(), step("zero", "back", "step")(net, opt, x, c))[1],
        "changes the batch in place",
    ),
    ("train_step", lambda net, opt, x, c: net(x), "not moved"),
    ("balanced_accuracy", lambda t, a: (t == a).float().mean(), "plain accuracy"),
    ("balanced_accuracy", precision, "precision"),
    ("balanced_accuracy", lambda t, a: 3 * three_classes(t, a), "divide by the number of classes"),
    ("balanced_accuracy", lambda t, a: 1 - three_classes(t, a), "goes wrong"),
    ("balanced_accuracy", lambda t, a: [recall_of(t, a, c) for c in range(3)], "now their mean"),
    ("balanced_accuracy", three_classes, "occur in `truth`"),
    ("balanced_accuracy", lambda t, a: 0.5, "Not that"),
    ("cam", weighted, "*against*"),
    ("cam", lambda a, s: weighted(a, s).abs(), "absolute value"),
    ("cam", lambda a, s: (s.mean((2, 3), keepdim=True).relu() * a).sum(1, keepdim=True), "after the sum"),
    ("cam", lambda a, s: (s.sum((2, 3), keepdim=True) * a).sum(1, keepdim=True).relu(), "not the sum"),
    ("cam", lambda a, s: weighted(a, s).relu() / 5, "another scale"),
    ("cam", lambda a, s: (a * s).sum(1, keepdim=True).relu(), "HiResCAM"),
    ("cam", lambda a, s: (s.mean(1, keepdim=True) * a).sum(1, keepdim=True).relu(), "not over channels"),
    ("cam", lambda a, s: solved("cam")(a, s) / solved("cam")(a, s).amax((1, 2, 3), keepdim=True), "scale to 1"),
    ("cam", lambda a, s: solved("cam")(a, s)[:, 0], "channel axis"),
    ("cam", lambda a, s: (s.mean((2, 3), keepdim=True) * a).relu(), "still apart"),
    ("cam", lambda a, s: weighted(a, s).relu() + 1, "Not that"),
]


@pytest.mark.parametrize(("name", "answer", "says"), WRONG, ids=[f"{name}: {says}" for name, _, says in WRONG])
def test_a_typical_mistake_is_recognised(name, answer, says):
    result = check.all[name](answer)
    assert result.outcome == "incorrect"
    assert says in result.text, result.text


def boom(*_):
    raise RuntimeError("boom")


NONSENSE = [
    "46", "", [], {}, object(), float("nan"), -1, 1j, True, print, torch.zeros(2, 3), np.array(["a"]), boom,
    lambda: 1, lambda *a: "text", lambda *a: float("nan"), lambda *a: torch.zeros(0), lambda *a: a, lambda *a: [None],
    lambda *a: torch.zeros(3, 1, 4, 6, dtype=torch.complex64), lambda *a: [[1], [2, 3]], lambda *a: ["a", "b", "c"],
    lambda *a: {"a": 1}, lambda *a: iter([]), lambda *a: torch.full((3,), float("nan")),
]  # fmt: skip


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda one: type(one).__name__)
def test_nonsense_is_incorrect_and_never_raises(name, nonsense):
    assert check.all[name](nonsense).outcome == "incorrect"


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("blank", [None, ..., (..., ...)], ids=lambda blank: getattr(blank, "__name__", repr(blank)))
def test_a_stub_is_not_attempted(name, blank):
    assert check.all[name](blank).outcome == "not attempted"


def test_a_step_that_raises_not_implemented_is_not_attempted():
    def stub(net, optimiser, x, label):
        raise NotImplementedError

    assert check.train_step(stub).outcome == "not attempted"


def test_a_check_leaves_the_random_numbers_of_the_lesson_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    check.train_step(solved("train_step"))
    assert torch.equal(torch.rand(1), expected)


@pytest.fixture(scope="module")
def two_people() -> Slices:
    return phantom.build("labelled", "T1w", 64, 0, subjects=2)


def test_the_people_of_the_lesson_are_not_among_those_whom_the_shipped_classifier_has_met(two_people, monkeypatch):
    asked = []
    monkeypatch.setattr(naming.data, "load", lambda *what, **more: asked.append((what, more)) or two_people)
    naming.labelled("phantom", "T1w")
    ((_, wanted),) = asked
    judge = recipes.find("classifier")

    def seeds(population, split):
        return {population * phantom.POPULATION + number for number in phantom.numbers(split)}

    met = {seed for population in range(judge.populations) for seed in seeds(population, judge.split)}
    assert len(met) == 320  # as the lesson says
    assert not met & seeds(wanted["seed"], wanted["split"])
    assert not met & seeds(0, "dev")  # among whom our patient is


def test_a_folder_is_parted_as_in_the_other_lessons(two_people, monkeypatch):
    seeds = []
    monkeypatch.setattr(naming.data, "load", lambda *_, **more: seeds.append(more.get("seed", 0)) or two_people)
    naming.labelled("somewhere", "T1w")
    naming.others("somewhere", "T1w")
    assert seeds == [0, 0]  # another seed would put people of dev among those to learn from


def test_plaques_are_kept_out_and_healthy_comes_first(two_people):
    assert naming.names(two_people) == (("healthy", "tumour", "infarct"), "ms")


def test_only_large_cuts_and_slices_of_the_healthy_scan_are_kept(two_people):
    known = naming.large(two_people, ("healthy", "tumour"), 200)
    area = known.masks.flatten(1).sum(1).numpy() * known.spacing**2
    assert set(known.labels) == {"healthy", "tumour"}
    for label, visit, one in zip(known.labels, known.visit, area, strict=True):
        assert (visit == "healthy" and one == 0) if label == "healthy" else one >= 200


def test_a_healthy_scan_is_known_by_its_labels_and_not_by_what_its_file_is_called(two_people):
    stems = replace(two_people, visit=tuple(f"{visit}_T1w" for visit in two_people.visit))
    classes, out = naming.names(stems)
    assert (classes, out) == naming.names(two_people)
    assert naming.large(stems, classes, 200).labels == naming.large(two_people, classes, 200).labels


def test_without_a_healthy_scan_three_kinds_are_needed(two_people):
    ill = two_people[[visit != "healthy" for visit in two_people.visit]]
    assert "healthy" in ill.labels  # slices beside the lesion
    assert naming.names(ill) == (("tumour", "infarct"), "ms")
    with pytest.raises(InputError, match="or three kinds"):
        naming.names(ill[[visit != "ms" for visit in ill.visit]])


def test_healthy_people_are_given_dark_and_bright_lesions_to_learn_from(two_people, monkeypatch):
    well = two_people.where(visit="healthy")
    monkeypatch.setattr(naming.data, "load", lambda *_, **__: well)
    made = naming.labelled("somewhere", "T1w")
    assert set(made.visit) == {
        "healthy", "tumour-hypo", "tumour-hyper", "ms-hypo", "ms-hyper", "infarct-hypo", "infarct-hyper"
    }  # fmt: skip
    others = naming.others("somewhere", "T1w")
    assert others is not None
    assert "tumour-hypo" in others.visit


def test_where_nobody_is_healthy_a_sentence_says_so(two_people, monkeypatch, capsys):
    ill = two_people[[label == "tumour" for label in two_people.labels]]
    monkeypatch.setattr(naming.data, "load", lambda *_, **__: ill)
    assert naming.labelled("somewhere", "T1w") is ill
    assert naming.others("somewhere", "T1w") is None
    assert "Nobody in these data is healthy" in capsys.readouterr().out
    with pytest.raises(InputError, match="two kinds of lesion"):
        naming.names(ill)
