"""The checks of lesson 03: what learners really write for a draw, a KL, a bound, a β, and what they are told."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Laplace, Normal, kl_divergence
from torch.nn import functional as F

from brainlab import losses
from brainlab.lessons import check
from brainlab.models.vae import reparameterize

NAMES = ("reparameterise", "kl", "elbo", "hidden_beta", "kl_each")


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "answers.jsonl"))


def each(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def right_kl(mu, logvar):
    return each(mu, logvar).sum(1).mean()


def nll(x, x_hat, sigma):
    return losses.gaussian_nll(x, x_hat, sigma)


def sse(x, x_hat):
    return losses.squared_error(x, x_hat)


def flat(x, sigma):
    return x[0].numel() / 2 * math.log(2 * math.pi * sigma**2)


def with_constant(x, x_hat, mu, logvar, sigma, pixels):
    constant = pixels / 2 * math.log(2 * math.pi * sigma**2)
    return -sse(x, x_hat) / (2 * sigma**2) - constant - right_kl(mu, logvar)


def seeded(mu, logvar):
    return reparameterize(mu, logvar, torch.Generator().manual_seed(0))


def with_numpy(mu, logvar):
    return mu.numpy() + np.exp(logvar.numpy() / 2) * np.random.default_rng().standard_normal(mu.shape)


def from_inside(mu, logvar):
    logvar /= 2
    return mu + logvar.exp() * torch.randn_like(mu)


RIGHT = [
    ("reparameterise", reparameterize),
    ("reparameterise", lambda m, v: Normal(m, v.exp().sqrt()).rsample()),
    ("reparameterise", lambda m, v: torch.exp(0.5 * v) * torch.randn(m.shape) + m),
    ("reparameterise", lambda m, v: m - v.exp() ** 0.5 * torch.randn(*m.size())),
    ("kl", losses.kl),
    ("kl", lambda m, v: -0.5 * torch.sum(1 + v - m.pow(2) - v.exp()) / len(m)),
    ("kl", lambda m, v: kl_divergence(Normal(m, (v / 2).exp()), Normal(0, 1)).sum(-1).mean()),
    ("kl", lambda m, v: torch.stack([each(a, b).sum() for a, b in zip(m, v, strict=True)]).mean()),
    ("elbo", lambda x, y, m, v, s: losses.elbo(x, y, m, v, s).elbo),
    ("elbo", lambda x, y, m, v, s: -nll(x, y, s) - right_kl(m, v)),
    ("elbo", lambda x, y, m, v, s: Normal(y, s).log_prob(x).flatten(1).sum(1).mean() - right_kl(m, v)),
    ("elbo", lambda x, y, m, v, s: float(-nll(x, y, s) - right_kl(m, v))),
    ("hidden_beta", 51200),
    ("hidden_beta", 4096 / (2 * 0.2**2)),
    ("hidden_beta", torch.tensor(51200.0)),
    ("kl_each", lambda m, v: each(m, v).mean(0)),
    ("kl_each", lambda m, v: each(m, v).numpy().mean(axis=0)),
    ("kl_each", lambda m, v: torch.stack([losses.kl(a[:, None], b[:, None]) for a, b in zip(m.T, v.T, strict=True)])),
]

WRONG = [
    ("reparameterise", lambda m, v: m, "Where is eps"),
    ("reparameterise", lambda m, v: m + (v / 2).exp(), "no draw"),
    ("reparameterise", lambda m, v: m + v.exp() * torch.randn_like(m), "as its *variance*"),
    ("reparameterise", lambda m, v: m + v * torch.randn_like(m), "logvar itself"),
    ("reparameterise", lambda m, v: m + v / 2 * torch.randn_like(m), "`exp` is missing"),
    ("reparameterise", lambda m, v: m + torch.randn_like(m), "one wide"),
    ("reparameterise", lambda m, v: m + (2 * v).exp() * torch.randn_like(m), "σ⁴"),
    ("reparameterise", lambda m, v: m + (-v / 2).exp() * torch.randn_like(m), "sign is turned round"),
    ("reparameterise", lambda m, v: m + (v / 4).exp() * torch.randn_like(m), "root of σ"),
    ("reparameterise", lambda m, v: m + (v / 2).exp() * torch.rand_like(m), "`randn`"),
    ("reparameterise", lambda m, v: (v / 2).exp() * torch.randn_like(m), "add mu once"),
    ("reparameterise", lambda m, v: 2 * m + (v / 2).exp() * torch.randn_like(m), "add mu once"),
    ("reparameterise", lambda m, v: m + 3 * (v / 2).exp() * torch.randn_like(m), "spread of many draws"),
    ("reparameterise", lambda m, v: m + (v / 2).exp() * 12**0.5 * (torch.rand_like(m) - 0.5), "not *normal*"),
    ("reparameterise", lambda m, v: m + (v / 2).exp() * torch.randn_like(m).sign(), "not *normal*"),
    ("reparameterise", lambda m, v: m + Laplace(0 * m, (v / 2).exp() / 2**0.5).rsample(), "not *normal*"),
    ("reparameterise", lambda m, v: m + torch.sqrt(v) * torch.randn_like(m), "NaN"),
    ("reparameterise", lambda m, v: m + (v / 2).exp() * torch.randn(m.shape[1]), "share one eps"),
    ("reparameterise", lambda m, v: m + (v / 2).exp() * torch.randn(1, m.shape[1]), "share one eps"),
    ("reparameterise", lambda m, v: m + (v / 2).exp() * torch.randn(len(m), 1), "move together"),
    ("reparameterise", lambda m, v: m + (v / 2).exp() * torch.randn(()), "share one eps"),
    ("reparameterise", seeded, "Two draws are the same"),
    ("reparameterise", lambda m, v: Normal(m, (v / 2).exp()).sample(), "no gradient"),
    ("reparameterise", lambda m, v: torch.normal(m, (v / 2).exp()), "No gradient reaches mu"),
    ("reparameterise", lambda m, v: m + torch.normal(0 * m, (v / 2).exp()), "No gradient reaches logvar"),
    ("reparameterise", lambda m, v: reparameterize(m, v).detach(), "no gradient"),
    ("reparameterise", lambda m, v: reparameterize(m.detach(), v), "reaches mu"),
    ("reparameterise", lambda m, v: reparameterize(m, v.detach()), "reaches logvar"),
    ("reparameterise", lambda m, v: reparameterize(m, (v + v.detach()) / 2), "detached"),
    ("reparameterise", with_numpy, "it stops"),
    ("reparameterise", from_inside, "in place"),
    ("reparameterise", lambda m, v: reparameterize(m, v).mean(0), "shape"),
    ("reparameterise", lambda m, v: torch.randn(1), "shape"),
    ("kl", lambda m, v: each(m, v).mean(), "sum them"),
    ("kl", lambda m, v: each(m, v).sum(), "Average the batch"),
    ("kl", lambda m, v: each(m, v).sum(0).mean(), "other way"),
    ("kl", lambda m, v: each(m, v).sum(1), "average over the batch"),
    ("kl", lambda m, v: each(m, v).mean(0), "each latent number"),
    ("kl", lambda m, v: 2 * right_kl(m, v), "½ is missing"),
    ("kl", lambda m, v: 0.5 * (1 + v - m**2 - v.exp()).sum(1).mean(), "never below 0"),
    ("kl", lambda m, v: (1 + v - m**2 - v.exp()).sum(1).mean(), "sign is turned round, and"),
    ("kl", lambda m, v: 0.5 * (m**2 + (v / 2).exp() - 1 - v).sum(1).mean(), "the variance already"),
    ("kl", lambda m, v: 0.5 * (m**2 + v.exp() ** 2 - 1 - v).sum(1).mean(), "do not square"),
    ("kl", lambda m, v: 0.5 * (m**2 + v.exp() ** 2 - 1 - 2 * v).sum(1).mean(), "not log σ"),
    ("kl", lambda m, v: 0.5 * (m**2 + v.exp() - v).sum(1).mean(), "−1 is missing"),
    ("kl", lambda m, v: 0.5 * (m + v.exp() - 1 - v).sum(1).mean(), "mu should be squared"),
    ("kl", lambda m, v: 0.5 * (m**2 + v.exp() - 1).sum(1).mean(), "shrink to a point"),
    ("kl", lambda m, v: 0.5 * (m**2 + v.exp() - 1 + v).sum(1).mean(), "narrow clouds"),
    ("kl", lambda m, v: 0.5 * (v.exp() - 1 - v).sum(1).mean(), "drift apart"),
    ("kl", lambda m, v: kl_divergence(Normal(0, 1), Normal(m, (v / 2).exp())).sum(1).mean(), "other way round"),
    ("kl", lambda m, v: right_kl(m, v) + 1, "should cost 0"),
    ("kl", lambda m, v: 3 * right_kl(m, v), "should cost ½"),
    ("kl", lambda m, v: right_kl(m.detach(), v), "respect to mu"),
    ("kl", lambda m, v: right_kl(m, v.detach()), "respect to logvar"),
    ("kl", lambda m, v: right_kl(m, v).item(), "no gradient"),
    ("kl", lambda m, v: (m.numpy() ** 2 + np.exp(v.numpy()) - 1 - v.numpy()).sum(1).mean() / 2, "it stops"),
    ("kl", lambda m, v: 0.5 * (m**2 + v - 1 - v.log()).sum(1).mean(), "finite"),
    ("elbo", lambda x, y, m, v, s: losses.elbo(x, y, m, v, s).loss, "*loss*"),
    ("elbo", lambda x, y, m, v, s: right_kl(m, v) - nll(x, y, s), "it is a cost"),
    ("elbo", lambda x, y, m, v, s: nll(x, y, s) - right_kl(m, v), "wrong sign"),
    ("elbo", lambda x, y, m, v, s: -nll(x, y, s), "KL is missing"),
    ("elbo", lambda x, y, m, v, s: -right_kl(m, v), "reconstruction is missing"),
    ("elbo", lambda x, y, m, v, s: -sse(x, y) / (2 * s**2) - right_kl(m, v), "constant"),
    ("elbo", lambda x, y, m, v, s: -sse(x, y) - right_kl(m, v), "divided by 2σ²"),
    ("elbo", lambda x, y, m, v, s: -sse(x, y) / s**2 - flat(x, s) - right_kl(m, v), "½ is missing"),
    ("elbo", lambda x, y, m, v, s: -sse(x, y) / (2 * s) - flat(x, s) - right_kl(m, v), "σ should be squared"),
    ("elbo", lambda x, y, m, v, s: -F.mse_loss(y, x) - right_kl(m, v), "Pixels are averaged"),
    ("elbo", lambda x, y, m, v, s: -F.mse_loss(y, x) / (2 * s**2) - flat(x, s) - right_kl(m, v), "Pixels are averaged"),
    ("elbo", lambda x, y, m, v, s: with_constant(x, y, m, v, s, 4096), "64 × 64"),
    ("elbo", lambda x, y, m, v, s: with_constant(x, y, m, v, s, x.numel()), "whole batch"),
    ("elbo", lambda x, y, m, v, s: with_constant(x, y, m, v, s, 1), "one pixel"),
    ("elbo", lambda x, y, m, v, s: with_constant(x, y, m, v, s, 2 * x[0].numel()), "½ is missing"),
    ("elbo", lambda x, y, m, v, s: with_constant(x, y, m, v, s, -x[0].numel()), "constant has the wrong sign"),
    ("elbo", lambda x, y, m, v, s: -len(x) * (nll(x, y, s) + right_kl(m, v)), "sum over the batch"),
    ("elbo", lambda x, y, m, v, s: -nll(x, y, s) - each(m, v).sum(), "summed over the batch"),
    ("elbo", lambda x, y, m, v, s: -nll(x, y, s) - each(m, v).mean(), "averages over latent"),
    ("elbo", lambda x, y, m, v, s: -nll(x, y, s) - 2 * right_kl(m, v), "double"),
    ("elbo", lambda x, y, m, v, s: -nll(x, y, 0.3) - right_kl(m, v), "another sigma"),
    ("elbo", lambda x, y, m, v, s: -nll(x, y, 0.05) - right_kl(m, v), "Not that"),
    ("elbo", lambda x, y, m, v, s: losses.elbo(x, y, m, v, s), "should be a"),
    ("hidden_beta", 1, "believes"),
    ("hidden_beta", 4096, "σ = 0.2"),
    ("hidden_beta", 2 * 0.2**2 / 4096, "Turned round"),
    ("hidden_beta", 4096 / 0.2**2, "½ is missing"),
    ("hidden_beta", 4096 / (2 * 0.2), "squared"),
    ("hidden_beta", 4096 / 0.2, "squared"),
    ("hidden_beta", 4096 * 2 * 0.2**2, "2σ² divides"),
    ("hidden_beta", 64 * 64 / 2 * 0.2**2, "left to right"),
    ("hidden_beta", 1 / (2 * 0.2**2), "pixels"),
    ("hidden_beta", 1 / 4096, "back in nats"),
    ("hidden_beta", 51200 / 32, "no d"),
    ("hidden_beta", 64 / (2 * 0.2**2), "rows"),
    ("hidden_beta", 17, "Not that"),
    ("hidden_beta", "51200", "a str"),
    ("kl_each", lambda m, v: each(m, v).sum(1), "one number an *image*"),
    ("kl_each", lambda m, v: each(m, v).mean(1), "one number an *image*"),
    ("kl_each", each, "each image and latent number"),
    ("kl_each", losses.kl, "leave the latent numbers apart"),
    ("kl_each", lambda m, v: float(losses.kl(m, v)), "leave the latent numbers apart"),
    ("kl_each", lambda m, v: each(m, v).sum(0), "You sum over the images"),
    ("kl_each", lambda m, v: 2 * each(m, v).mean(0), "½ is missing"),
    ("kl_each", lambda m, v: -each(m, v).mean(0), "sign"),
    ("kl_each", lambda m, v: each(m, v).max(0).values, "largest"),
    ("kl_each", lambda m, v: each(m, v).max(0), "a tensor"),
    ("kl_each", lambda m, v: 0.5 * (m.mean(0) ** 2 + v.exp().mean(0) - 1 - v.mean(0)), "cancels"),
    ("kl_each", lambda m, v: each(m, v).mean(0) + 1, "Not that"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=[name for name, _ in RIGHT])
def test_every_way_to_the_same_properties_is_correct(name, answer):
    result = check.all[name](answer)
    assert result.outcome == "correct", result


@pytest.mark.parametrize("seed", range(30))
def test_no_right_draw_is_turned_down_by_chance(seed):
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    assert check.reparameterise(lambda m, v: reparameterize(m, v, draw)).outcome == "correct"


@pytest.mark.parametrize(("name", "answer", "says"), WRONG, ids=[f"{name}: {says}" for name, _, says in WRONG])
def test_what_learners_really_write_is_told_what_is_wrong_with_it(name, answer, says):
    result = check.all[name](answer)
    assert result.outcome == "incorrect"
    assert says in result.text


class Hostile:
    def __getattr__(self, name):
        raise RuntimeError(name)


NONSENSE = ["eps", b"", [], {}, float("nan"), -3, 1j, True, print, torch, torch.zeros(0), np.array(["a"]), Hostile()]
NONSENSE += [lambda *a: "z", lambda *a: torch.zeros(2, 2, 2), lambda *a: [1], lambda *a: float("inf"), lambda: 0]
NONSENSE += [lambda *a: 1 / 0, lambda *a: Hostile(), lambda *a: a[0].long(), lambda *a: torch.zeros(5) * float("nan")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda one: type(one).__name__)
def test_nonsense_is_incorrect_and_never_raises(name, nonsense):
    result = check.all[name](nonsense)
    assert result.outcome == "incorrect"
    assert result.text


def stub(mu, logvar): ...  # your turn


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "blank", [None, ..., stub, NotImplemented], ids=lambda blank: getattr(blank, "__name__", repr(blank))
)
def test_an_untouched_stub_is_not_attempted(name, blank):
    assert check.all[name](blank).outcome == "not attempted"


@pytest.mark.parametrize("name", NAMES)
def test_a_check_leaves_the_learners_random_numbers_alone(name):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    check.all[name](reparameterize)
    assert torch.equal(before, torch.get_rng_state())


def test_the_colleagues_beta_is_the_one_that_makes_their_loss_the_kits_own():
    x, x_hat, (mu, logvar) = torch.rand(3, 1, 64, 64), torch.rand(3, 1, 64, 64), torch.randn(2, 3, 8)
    copied = F.mse_loss(x_hat, x) + losses.kl(mu, logvar)
    ours = losses.elbo(x, x_hat, mu, logvar, sigma=0.2, beta=51200).loss
    assert torch.isclose(4096 / 0.08 * copied + torch.tensor(flat(x, 0.2)), ours)
