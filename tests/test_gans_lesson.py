"""Lesson 04's checks: the answers that learners really give, each with a word that fits it, and never an exception."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from brainlab import losses
from brainlab.lessons import check, gans
from brainlab.models import GAN, ModelConfig
from brainlab.widgets.gan_state import GANCockpitState

CHECKS = ["d_loss", "g_loss", "d_turn", "best", "balanced"]


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setattr(gans, "REAL", 64)
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "answers.jsonl"))


def says(name, answer):
    result = check.all[name](answer)
    assert result.outcome == "incorrect", result
    return result.text


yes, no = lambda a: F.softplus(-a), F.softplus
bce = F.binary_cross_entropy_with_logits


def labelled(real, fake):
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def with_logsigmoid(real, fake):
    return -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()


@pytest.mark.parametrize("answer", [labelled, with_logsigmoid, losses.discriminator])
def test_the_discriminators_loss_is_right_however_it_is_written(answer):
    assert check.d_loss(answer).outcome == "correct"


D_LOSS = {
    "sigmoid is taken twice": lambda r, f: labelled(r.sigmoid(), f.sigmoid()),
    "labels are swapped": lambda r, f: labelled(f, r) * 0 + no(r).mean() + yes(f).mean(),
    "sign is turned": lambda r, f: -labelled(r, f),
    "half of it": lambda r, f: labelled(r, f) / 2,
    "One mean over all": lambda r, f: bce(torch.cat([r, f]), torch.cat([torch.ones(len(r)), torch.zeros(len(f))])),
    "sum over the batch": lambda r, f: yes(r).sum() + no(f).sum(),
    "Only the real images": lambda r, f: yes(r).mean(),
    "Only the fakes": lambda r, f: no(f).mean(),
    "wrong sign": lambda r, f: yes(r).mean() - no(f).mean(),
    "Log of a mean": lambda r, f: yes(r.mean()) + no(f.mean()),
    "logarithm is missing": lambda r, f: (1 - r.sigmoid()).mean() + f.sigmoid().mean(),
    "Wasserstein": lambda r, f: f.mean() - r.mean(),
    "D is sure: at logits": lambda r, f: -r.sigmoid().log().mean() - (1 - f.sigmoid()).log().mean(),
    "hides how wrong D is": lambda r, f: -(r.sigmoid() + 1e-8).log().mean() - (1 - f.sigmoid() + 1e-8).log().mean(),
    "no gradient": lambda r, f: labelled(r, f).item(),
    "need gradients": lambda r, f: np.logaddexp(0, -r.numpy()).mean() + np.logaddexp(0, f.numpy()).mean(),
    "should be one number": lambda r, f: torch.cat([yes(r), no(f)]),
    "with respect to `fake`": lambda r, f: labelled(r, f.detach()),
    "with respect to `real`": lambda r, f: labelled(r.detach(), f),
    "as many fakes as real images": lambda r, f: (yes(r) + no(f)).mean(),
    "Not that": lambda r, f: 2 * labelled(r, f),
    "TypeError": lambda r: yes(r).mean(),
    "a `return` missing": lambda r, f: print(end=""),
    "in place": lambda r, f: labelled(r.neg_().neg(), f),
}


@pytest.mark.parametrize("word", D_LOSS)
def test_a_wrong_loss_of_the_discriminator_is_recognised(word):
    assert word in says("d_loss", D_LOSS[word])


G_LOSS = {
    "minimax loss": lambda f: -no(f).mean(),
    "discriminator's wish": lambda f: no(f).mean(),
    "sign is turned": lambda f: -yes(f).mean(),
    "sum over the batch": lambda f: yes(f).sum(),
    "sigmoid is taken twice": lambda f: bce(f.sigmoid(), torch.ones_like(f)),
    "logarithm is missing": lambda f: (1 - f.sigmoid()).mean(),
    "Wasserstein": lambda f: -f.mean(),
    "Log of a mean": lambda f: yes(f.mean()),
    "D is sure: at logits": lambda f: -f.sigmoid().log().mean(),
    "hides how wrong D is": lambda f: -f.sigmoid().clamp(min=1e-7).log().mean(),
    "no gradient": lambda f: yes(f.detach()).mean(),
    "with respect to `fake`": lambda f: yes(torch.cat([f[:3], f[3:].detach()])).mean(),
    "Not that": lambda f: yes(f).mean() + 1,
}


@pytest.mark.parametrize("word", G_LOSS)
def test_a_wrong_loss_of_the_generator_is_recognised(word):
    assert word in says("g_loss", G_LOSS[word])


@pytest.mark.parametrize("answer", [losses.non_saturating, lambda f: bce(f, torch.ones_like(f))])
def test_the_generators_loss_is_right_however_it_is_written(answer):
    assert check.g_loss(answer).outcome == "correct"


def detached(G, D, x, z):
    return losses.discriminator(D(x), D(G(z).detach()))


def without_a_graph(G, D, x, z):
    with torch.no_grad():
        fake = G(z)
    return losses.discriminator(D(x), D(fake))


@pytest.mark.parametrize("answer", [detached, without_a_graph])
def test_ds_turn_is_right_however_the_graph_is_cut(answer):
    assert check.d_turn(answer).outcome == "correct"


def frozen(G, D, x, z):
    G.requires_grad_(False)
    return losses.discriminator(D(x), D(G(z)))


def backward_inside(G, D, x, z):
    loss = detached(G, D, x, z)
    loss.backward(retain_graph=True)
    return loss


def stepped(G, D, x, z):
    loss = detached(G, D, x, z)
    with torch.no_grad():
        for p in D.parameters():
            p -= 0.1
    return loss


D_TURN = {
    "gradient reaches the generator": lambda G, D, x, z: losses.discriminator(D(x), D(G(z))),
    "one side only": lambda G, D, x, z: losses.discriminator(D(x), D(G(z)).detach()),
    "no gradient reaches the discriminator": lambda G, D, x, z: detached(G, D, x, z).detach(),
    "swapped": lambda G, D, x, z: losses.discriminator(D(G(z).detach()), D(x)),
    "generator's turn": lambda G, D, x, z: losses.non_saturating(D(G(z))),
    "Only the real": lambda G, D, x, z: losses.non_saturating(D(x)),
    "frozen for good": frozen,
    "called `backward()`": backward_inside,
    "A weight has moved": stepped,
    "The value should be": lambda G, D, x, z: 2 * detached(G, D, x, z),
    "stopped with": lambda G, D, x, z: losses.discriminator(D(x), D(z)),
}


@pytest.mark.parametrize("word", D_TURN)
def test_a_wrong_turn_of_the_discriminator_is_recognised(word):
    assert word in says("d_turn", D_TURN[word])


@pytest.mark.parametrize("answer", [0.75, 3 / 4, torch.tensor(0.75), np.float32(0.75)])
def test_the_best_discriminator_says_three_quarters(answer):
    assert check.best(answer).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (0.25, "share of fakes"),
        (75, "per cent"),
        (3, "ratio"),
        (1 / 3, "q / p"),
        (np.log(3), "logit"),
        (1.0, "Sure?"),
        (0.5, "equally dense"),
        (0.6, "Not that"),
        ("0.75", "number"),
    ],
)
def test_a_wrong_best_discriminator_is_recognised(answer, word):
    assert word in says("best", answer)


def tiny(start):
    """A cockpit of small networks and no brains: what is tested is the check, not the game."""

    def load(name):
        torch.manual_seed(0)
        return GAN(ModelConfig(image_size=32, latent_dim=2, width=2))

    return GANCockpitState(torch.rand(32, 1, 32, 32), start, load=load, batch=8)


def test_a_cockpit_that_was_not_flown_is_not_attempted_and_a_few_rounds_are_too_few():
    state = tiny("gan-mode-collapse")
    assert check.balanced(state).outcome == "not attempted"
    state.press("round")
    assert "at least 20 rounds" in says("balanced", state)


@pytest.mark.parametrize("start", ["gan", "new", "gan-epoch-20"])
def test_a_cockpit_that_began_with_a_sound_gan_proves_nothing(start):
    assert "did not begin with a disaster" in says("balanced", tiny(start))


def test_a_flown_cockpit_is_judged_by_its_own_balance_whether_the_page_or_its_state_is_handed_in():
    state = tiny("gan-mode-collapse")
    for _ in range(20):
        state.press("round")
    found = state.balance_check()
    for answer in (state, SimpleNamespace(state=state)):
        result = check.balanced(answer)
        assert (result.outcome, result.text) == ("correct" if found else "incorrect", found.sentence)


@pytest.mark.parametrize(
    ("levers", "word"),
    [
        ({}, "No lever"),
        ({"lr": 1e-4}, "no lever 'lr'"),
        ({1: 2}, "no lever 1"),
        ({"k_d": 0}, "1 to 5 turns"),
        ({"k_g": 50}, "1 to 5 turns"),
        ({"lr_d": "fast"}, "number"),
        ({"lr_d": float("nan")}, "finite"),
        ({"lr_d": -1.0}, "at least 0, got -1"),
        ({"smoothing": 0.9}, "at most 0.5"),
        ({"loss": "wgan"}, "no loss 'wgan': choose from non_saturating"),
        ({"loss": torch.zeros(2)}, "no loss"),
    ],
)
def test_levers_that_do_not_exist_are_named(levers, word):
    assert word in says("balanced", levers)


def test_levers_that_leave_the_generator_collapsed_are_told_so(monkeypatch):
    monkeypatch.setattr(gans, "PLAYED", 20)
    monkeypatch.setattr(gans, "BATCH", 4)
    assert "too much alike" in says("balanced", {"lr_g": 1e-6})


NONSENSE = [
    "a word",
    7,
    -1.5,
    [1, 2],
    {"a": 1},
    object(),
    torch.zeros(3),
    nn.Linear(2, 2),
    lambda: 1,
    lambda *a: "x",
    int,
]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("answer", NONSENSE, ids=lambda one: type(one).__name__)
def test_nonsense_gets_a_sentence_and_never_raises(name, answer):
    result = check.all[name](answer)
    assert result.outcome == "incorrect"
    assert len(result.text) > 10


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("blank", [None, ..., (..., ...), lambda *_: ...], ids=["none", "dots", "two", "function"])
def test_an_untouched_stub_is_not_attempted(name, blank):
    assert check.all[name](blank).outcome == "not attempted"
