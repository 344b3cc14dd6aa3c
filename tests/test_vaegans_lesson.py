"""The exercises of lesson 05: right answers in other words, and learners' mistakes, each with its own sentence."""

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

from brainlab import losses
from brainlab.lessons import check, descending

fakes, reals = losses.called_fake, losses.called_real


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "answers.jsonl"))


def per_image(judge, x, y):
    return (judge.features(x) - judge.features(y)).square().flatten(1).sum(1)


def forgets(judge, x, y):
    per_image(judge, x, y).mean()


def three(encoder=None, decoder=None, discriminator=None):
    """The right objectives, but for those that are given as functions of everything."""

    def objectives(prior, likeness, real, tilde, p, gamma):
        everything = {"prior": prior, "likeness": likeness, "real": real, "tilde": tilde, "p": p, "gamma": gamma}
        forging, caught = (reals(tilde) + reals(p)) / 2, (fakes(tilde) + fakes(p)) / 2
        return {
            "encoder": encoder(**everything) if encoder else prior + likeness,
            "decoder": decoder(**everything) if decoder else gamma * likeness + (1 - gamma) * forging,
            "discriminator": discriminator(**everything) if discriminator else reals(real) + caught,
        }

    return objectives


def decoder(likes=1.0, forges=1.0, tilde=0.5, p=0.5, loss=reals):
    """A decoder's objective with its terms weighed anew."""
    return three(
        decoder=lambda likeness, gamma, **t: (
            likes * gamma * likeness + forges * (1 - gamma) * (tilde * loss(t["tilde"]) + p * loss(t["p"]))
        )
    )


def discriminator(real=1.0, tilde=0.5, p=0.5, likes=0.0):
    return three(
        discriminator=lambda likeness, **t: (
            real * reals(t["real"]) + tilde * fakes(t["tilde"]) + p * fakes(t["p"]) + likes * likeness
        )
    )


def table(**changed):
    right = {"encoder": {"prior", "likeness"}, "decoder": {"likeness", "GAN"}, "discriminator": {"GAN"}}
    return right | changed


def bce(real, tilde, p, **_):
    """The discriminator's objective as many write it."""
    cost = torch.nn.functional.binary_cross_entropy_with_logits
    zeros, ones = torch.zeros_like(p), torch.ones_like(real)
    return cost(real, ones) + 0.5 * (cost(tilde, zeros) + cost(p, zeros))


RIGHT = [
    ("edge", [0.5, 0.25]),
    ("edge", np.array([0.5, 0.25])),
    ("edge", torch.tensor([0.5, 0.25])),
    ("likeness", lambda judge, x, y: losses.feature_matching(judge.features(x), judge.features(y))),
    ("likeness", lambda judge, x, y: per_image(judge, x.detach(), y).mean() / 2),
    ("likeness", lambda judge, x, y: torch.stack([one / 2 for one in per_image(judge, x, y)]).mean()),
    ("learns", {"encoder": ["Prior", "likeness"], "decoder": ("gan", "likeness"), "discriminator": "GAN"}),
    ("objectives", three(discriminator=bce)),
    ("objectives", three(encoder=lambda prior, likeness, **_: likeness + prior + 3)),
    (
        "objectives",
        three(
            decoder=lambda likeness, tilde, p, gamma, **_: (
                gamma * likeness - (1 - gamma) * logsigmoid(torch.cat([tilde, p])).mean()
            )
        ),
    ),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=[name for name, _ in RIGHT])
def test_other_words_for_the_same_are_correct(name, answer):
    result = check.all[name](answer)
    assert result.outcome == "correct", result


WRONG = [
    ("edge", (0.25, 0.5), "changed places"),
    ("edge", (0.5, 0.5), "*absolute*"),
    ("edge", (1, 0.25), "the other half"),
    ("edge", (1, 0.5), "Average over both"),
    ("edge", (0, 0.25), "right in one case only"),
    ("edge", (0.5, 0.125), "*both* cases"),
    ("edge", (0.5, 0), "squares do not cancel"),
    ("edge", (0.3, 0.7), "Not that"),
    ("edge", (0.5, 0.25, 0), "here are 3"),
    ("edge", 0.5, "Two numbers"),
    ("edge", "0.5, 0.25", "Two numbers"),
    ("edge", torch.tensor(0.5), "Two numbers"),
    ("edge", np.float64(0.5), "Two numbers"),
    ("edge", (0.5, ...), "The grey pixel's cost"),
    ("edge", ("a half", 0.25), "a number"),
    ("edge", (float("nan"), 0.25), "finite"),
    ("likeness", lambda judge, x, y: (judge.features(x) - judge.features(y)).square().mean(), "averaged too"),
    ("likeness", lambda judge, x, y: per_image(judge, x, y).sum() / 2, "over the batch too"),
    ("likeness", lambda judge, x, y: per_image(judge, x, y).mean(), "a ½"),
    ("likeness", lambda judge, x, y: per_image(judge, x, y) / 2, "average over the batch"),
    ("likeness", lambda judge, x, y: per_image(judge, x, y).sqrt().mean(), "root"),
    ("likeness", lambda judge, x, y: losses.squared_error(x, y) / 2, "compare pixels"),
    ("likeness", lambda judge, x, y: (judge(x) - judge(y)).square().mean() / 2, "two verdicts"),
    ("likeness", lambda judge, x, y: reals(judge(y)), "fools the judge"),
    ("likeness", lambda judge, x, y: per_image(judge, x, y).mean() / 2 + 1, "constant is left out"),
    ("likeness", lambda judge, x, y: per_image(judge, x, y.detach()).mean() / 2, "no gradient reaches x_tilde"),
    ("likeness", lambda judge, x, y: per_image(judge, x, y).mean().item() / 2, "no gradient"),
    ("likeness", forgets, "`return`"),
    ("likeness", lambda judge, x, y: x.sub_(y).sum(), "in place"),
    ("likeness", lambda x, y: 0.0, "TypeError"),
    ("likeness", torch.zeros(3), "A function"),
    ("learns", table(encoder={"prior", "likeness", "GAN"}), "no forger"),
    ("learns", table(discriminator={"GAN", "likeness"}), "gone blind"),
    ("learns", table(decoder={"prior", "likeness", "GAN"}), "encoder alone"),
    ("learns", table(discriminator={"prior", "GAN"}), "never sees a code"),
    ("learns", table(encoder={"likeness"}), "lacks the prior"),
    ("learns", table(encoder={"prior"}), "say something of x"),
    ("learns", table(decoder={"GAN"}), "look like no x"),
    ("learns", table(decoder={"likeness"}), "look real"),
    ("learns", table(decoder=...), "still open"),
    ("learns", table(decoder={"adversarial", "likeness"}), "'adversarial'"),
    ("learns", table(decoder=3), "set of names"),
    ("learns", {"encoder": {"prior"}}, "A dict"),
    ("objectives", decoder(forges=-1), "turned round"),
    ("objectives", decoder(loss=fakes), "turned round"),
    ("objectives", decoder(loss=losses.minimax), "is flat"),
    ("objectives", decoder(forges=0), "adversarial term is missing"),
    ("objectives", decoder(p=0), "Only reconstructions"),
    ("objectives", decoder(tilde=0), "Only samples"),
    ("objectives", decoder(likes=0), "does not hear"),
    ("objectives", decoder(tilde=1, p=1), "halve"),
    ("objectives", decoder(likes=3), "now descends"),
    ("objectives", three(decoder=lambda likeness, tilde, p, **_: likeness + reals(tilde) / 2 + reals(p) / 2), "γ is"),
    (
        "objectives",
        three(decoder=lambda likeness, tilde, p, gamma, **_: gamma * likeness + (reals(tilde) + reals(p)) / 2),
        "weighed by 1 − γ",
    ),
    (
        "objectives",
        three(
            decoder=lambda likeness, tilde, p, gamma, **_: (
                (1 - gamma) * likeness + gamma * (reals(tilde) + reals(p)) / 2
            )
        ),
        "changed places",
    ),
    (
        "objectives",
        three(decoder=lambda likeness, tilde, p, **_: 0.2 * likeness + 0.4 * (reals(tilde) + reals(p))),
        "now descends",  # a γ of one's own
    ),
    ("objectives", three(decoder=lambda likeness, **_: likeness.square()), "adversarial term is missing"),
    ("objectives", three(encoder=lambda prior, likeness, tilde, **_: prior + likeness + reals(tilde)), "pulled by"),
    ("objectives", three(encoder=lambda prior, likeness, tilde, **_: prior + likeness - fakes(tilde)), "pulled by"),
    ("objectives", three(encoder=lambda prior, likeness, gamma, **_: prior + gamma * likeness), "decoder only"),
    ("objectives", three(encoder=lambda likeness, **_: likeness), "now descends"),
    ("objectives", three(encoder=lambda **_: ...), "still open"),
    ("objectives", three(encoder=lambda prior, likeness, **_: prior - likeness), "now descends"),
    ("objectives", three(encoder=lambda prior, likeness, **_: (prior + likeness).item()), "no gradient"),
    ("objectives", three(encoder=lambda prior, likeness, **_: (prior + likeness).detach()), "no gradient"),
    ("objectives", discriminator(likes=1), "trained on the reconstruction"),
    ("objectives", discriminator(-1, -0.5, -0.5), "learns to be wrong"),
    ("objectives", discriminator(tilde=1, p=1), "two to one"),
    ("objectives", discriminator(real=0), "never shown"),
    ("objectives", discriminator(p=0), "two kinds of fakes"),
    ("objectives", three(discriminator=lambda real, tilde, p, **_: reals(real) + reals(tilde)), "forger's loss"),
    ("objectives", three(discriminator=lambda real, **_: (torch.sigmoid(real) - 1).square().mean()), "no sum of"),
    ("objectives", lambda *given: given, "a dict"),
    ("objectives", lambda *given: {"encoder": given[0]}, "a dict"),
    ("objectives", lambda *given: dict.fromkeys(descending.NETWORKS, "text"), "no gradient"),
    ("objectives", lambda *given: dict.fromkeys(descending.NETWORKS, given[2]), "one number"),
    ("objectives", {"encoder": 1}, "A function"),
]


@pytest.mark.parametrize(("name", "answer", "says"), WRONG, ids=[f"{name}: {says}" for name, _, says in WRONG])
def test_a_typical_wrong_answer_is_told_what_is_wrong_with_it(name, answer, says):
    result = check.all[name](answer)
    assert result.outcome == "incorrect"
    assert says in result.text, result.text


OPEN = [
    ("edge", (..., ...)),
    ("learns", dict.fromkeys(descending.NETWORKS, ...)),
    ("objectives", lambda prior, likeness, real, tilde, p, gamma: dict.fromkeys(descending.NETWORKS, ...)),
    ("objectives", lambda *given: ...),
]


@pytest.mark.parametrize(("name", "answer"), OPEN, ids=[name for name, _ in OPEN])
def test_the_stubs_of_the_notebook_are_not_attempted(name, answer):
    assert check.all[name](answer).outcome == "not attempted"


@pytest.mark.parametrize("name", ["edge", "likeness", "learns", "objectives"])
@pytest.mark.parametrize(
    "nonsense",
    ["42", b"42", [], {}, {1: 2}, object(), float("nan"), -1, True, torch.zeros(0), torch.tensor(1.0), print],
)
def test_nonsense_is_incorrect_and_never_raises(name, nonsense):
    assert check.all[name](nonsense).outcome == "incorrect"


def test_the_weights_that_are_found_are_those_of_the_terms():
    odd = three(
        decoder=lambda likeness, tilde, p, real, **_: 3 * likeness - 2 * fakes(tilde) + 0.25 * reals(p) + reals(real)
    )
    found = descending.weights(odd, 0.2)["decoder"]
    assert found == pytest.approx({"likeness": 3, "fake x̃": -2, "real x̃": 0, "real x_p": 0.25, "fake x_p": 0}, abs=1e-6)


def test_a_check_leaves_the_tiny_network_as_it_was():
    def careless(prior, likeness, real, tilde, p, gamma):
        (prior + likeness).backward(retain_graph=True)
        return three()(prior, likeness, real, tilde, p, gamma)

    before = [one.clone() for one in descending.net().model.parameters()]
    assert check.objectives(careless).outcome == "correct"
    assert check.objectives(three()).outcome == "correct"
    assert all(torch.equal(*pair) for pair in zip(before, descending.net().model.parameters(), strict=True))
