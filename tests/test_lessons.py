"""Checked exercises: three outcomes, graded hints, and a helpful word for the mistakes that learners make."""

import math
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from nibabel.affines import apply_affine
from numpy import exp, quantile

from brainlab import anomaly, checkpoints, metrics
from brainlab.lessons import check, showdown
from brainlab.sources import phantom

NAMES = {
    "math": math,
    "random": random,
    "np": np,
    "torch": torch,
    "anomaly": anomaly,
    "checkpoints": checkpoints,
    "metrics": metrics,
}


@pytest.fixture(scope="session")
def fourteen_people():
    """Four healthy and ten with a dark tumour, in place of the lesson's forty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(phantom.VISITS, "dev", ("tumour-hypo",))
        return phantom.build("val", "T1w", 64, 0, subjects=4), phantom.build("dev", "T1w", 64, 0, subjects=10)


@pytest.fixture(autouse=True)
def few_people(request, monkeypatch):
    monkeypatch.setattr(showdown, "people", lambda: request.getfixturevalue("fourteen_people"))


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "work" / "answers.jsonl"))
    return tmp_path / "work" / "answers.jsonl"


def solved(name) -> Any:
    namespace = dict(NAMES)
    exec(check.all[name].solution().code, namespace)
    return namespace[name]


@pytest.mark.parametrize("name", list(check.all))
def test_every_solution_passes_its_own_check(name):
    result = check.all[name](solved(name))
    assert (result.outcome, result.heading) == ("correct", "Correct"), result


@pytest.mark.parametrize("name", list(check.all))
def test_every_check_has_at_least_two_hints_which_come_one_by_one_and_then_point_to_the_solution(name):
    one = check.all[name]
    one._shown = 0
    said = [one.hint() for _ in range(len(one._hints) + 1)]
    assert len(said) >= 3
    assert [m.heading for m in said[:2]] == [f"Hint 1 of {len(said) - 1}", f"Hint 2 of {len(said) - 1}"]
    assert f"check.{name}.solution()" in said[-1].text


def stub_dots(a, b): ...  # your turn


def stub_words(a, b):
    """Only a docstring."""


def stub_raises(a, b):
    raise NotImplementedError


BLANKS = [None, ..., NotImplemented, (..., ...), stub_dots, stub_words]


def test_no_two_lessons_share_a_name(monkeypatch):
    monkeypatch.setattr(check, "all", dict(check.all))
    with pytest.raises(ValueError, match="Lesson 02 has a check called sse already"):

        @check.add(lesson="99", hints=[], solution="")
        def sse(answer):
            return ""


@pytest.mark.parametrize("name", list(check.all))
@pytest.mark.parametrize("blank", BLANKS, ids=lambda blank: getattr(blank, "__name__", repr(blank)))
def test_an_untouched_stub_is_not_attempted(name, blank, own_file):
    assert check.all[name](blank).outcome == "not attempted"
    assert not own_file.exists()


def test_a_function_that_raises_not_implemented_or_returns_dots_is_not_attempted():
    assert check.leaked(stub_raises).outcome == "not attempted"
    assert check.leaked(lambda a, b: ...).outcome == "not attempted"
    assert check.leaked().outcome == "not attempted"


def boom(*_):
    raise RuntimeError("boom\nsecond line")


def leaves(*_):
    raise SystemExit(3)


class Hostile:
    """Whatever is asked of it, it raises."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __float__(self):
        raise ValueError("no")

    def __repr__(self):
        raise ValueError("no")

    def __eq__(self, other):
        raise ValueError("no")

    __hash__ = None  # pyright: ignore[reportAssignmentType]


NONSENSE = [
    "42", b"42", "", [], {}, set(), object(), Hostile(), float("nan"), float("inf"), -1, 1j, True, print, int, sys,
    np.array([]), np.array(["a"]), torch.full((6, 1, 32, 32), float("nan")), torch.zeros(2, 3), boom, leaves,
    lambda: 1, lambda *a: "text", lambda *a: float("nan"), lambda *a: torch.zeros(0), lambda *a: a,
    lambda *a: Hostile(), lambda *a: [None], lambda *a: {"a": 1}, lambda *a: np.array([["x"]]),
    lambda *a: torch.zeros(5, dtype=torch.complex64),
    lambda *a: iter([]), lambda *a: [[1], [2, 3]],
]  # fmt: skip


@pytest.mark.parametrize("name", list(check.all))
@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda v: type(v).__name__)
def test_nonsense_is_incorrect_and_never_raises(name, nonsense):
    result = check.all[name](nonsense)
    assert result.outcome == "incorrect"
    assert result.text.endswith((".", "?", "message")) or ":" in result.text


def test_an_error_in_the_learners_code_is_reported_with_its_first_line():
    assert check.sse(boom).text == "Your answer stopped with RuntimeError: boom"


def test_an_interrupt_gets_through():
    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check.sse(interrupted)


def flat(x):
    return x.flatten(1)


def in_place(x, x_hat):
    x -= x_hat
    return flat(x**2).sum(1).mean()


def forgets(x, x_hat):
    flat((x - x_hat) ** 2).sum(1).mean()


def shipped(name):
    return anomaly.scored(checkpoints.load(name))


def by_brightness_of_all(s):
    return anomaly.darkness(s) * s.images.mean()


def paints(s):
    s.images.mul_(2)
    return s.images


def now_and_then(s):
    """The denoising autoencoder where it may, the VAE elsewhere: better for some people only."""
    bright = (s.images.flatten(1).sum(1) / s.brain.flatten(1).sum(1) > 0.46).view(-1, 1, 1, 1)
    return torch.where(bright, shipped("dae")(s), shipped("vae")(s))


def over_slices(prediction, mask, subjects):
    return np.nanmean([metrics.dice(p, m) for p, m in zip(prediction, mask, strict=True)])


def everybody(prediction, mask, subjects):
    owner = np.array(subjects)
    return np.mean([metrics.dice(prediction[owner == n], mask[owner == n]) for n in set(subjects)])


WRONG = [
    ("by_hand", 3 / 8, "prevalence"),
    ("by_hand", 0.5, "the last lesion pixel alone"),
    ("by_hand", 11 / 15, "AUROC"),
    ("by_hand", 1 + 2 / 3 + 1 / 2, "divide by the number of lesion"),
    ("by_hand", (1 + 2 / 3 + 1 / 2) / 8, "not by all eight"),
    ("by_hand", np.mean([1, 1 / 2, 2 / 3, 2 / 4, 2 / 5, 3 / 6, 3 / 7, 3 / 8]), "all eight places"),
    ("by_hand", (1 + (1 / 2 + 2 / 3) / 2 + (2 / 5 + 3 / 6) / 2) / 3, "take steps"),
    ("by_hand", 0.9, "their mean"),
    ("false_alarms", lambda p, m, b: (p & b & ~m).sum() / (p & b).sum(), "false discovery rate"),
    ("false_alarms", lambda p, m, b: (p & b & ~m).sum() / b.sum(), "whole brain"),
    ("false_alarms", lambda p, m, b: (p & ~m).sum() / (~m).sum(), "background"),
    ("false_alarms", lambda p, m, b: (p & ~m).sum() / (b & ~m).sum(), "outside the brain"),
    ("false_alarms", lambda p, m, b: 1 - metrics.false_positive_rate(p, m, b), "specificity"),
    ("false_alarms", lambda p, m, b: (p & b & ~m).sum(), "number of pixels"),
    ("false_alarms", lambda p, m, b: (~p & b & m).sum() / (b & m).sum(), "missed"),
    ("false_alarms", lambda p, m, b: (p & b & m).sum() / (b & m).sum(), "recall"),
    ("false_alarms", lambda p, m, b: (p & b).sum() / b.sum(), "hits among it"),
    ("false_alarms", lambda p, m, b: p & b & ~m, "one number"),
    ("dice_by_person", lambda p, m, s: metrics.dice(p, m), "outvotes"),
    ("dice_by_person", over_slices, "mean over slices"),
    ("dice_by_person", everybody, "kim"),
    ("dice_by_person", lambda p, m, s: float("nan"), "NaN"),
    ("dice_by_person", lambda p, m, s: 3 * solved("dice_by_person")(p, m, s), "divide by the number of people"),
    ("my_score", lambda s: s.masks.float() + 0.1 * s.brain, "seen the truth"),
    ("my_score", shipped("vae"), "the same"),
    ("my_score", lambda s: anomaly.squared(checkpoints.load("vae"), s.images, s.brain), "the same"),
    ("my_score", anomaly.brightness, "Nothing of a lesion"),
    ("my_score", shipped("ae-latent-64"), "Not there yet"),
    ("my_score", now_and_then, "may be luck"),
    ("my_score", lambda s: -s.images, "above 0"),
    ("my_score", by_brightness_of_all, "*other* slices"),
    ("my_score", lambda s: torch.rand_like(s.images), "a seed"),
    ("my_score", paints, "changes the slices"),
    ("my_score", lambda s: s.images[:, 0], "shape"),
    ("my_score", lambda s: s.images.flatten(1).sum(1), "shape"),
    ("my_score", torch.zeros(3), "from slices to maps"),
    ("spin_echo", lambda pd, t1, t2, tr, te: pd * (1 - exp(-tr / t2)) * exp(-te / t1), "T1 and T2 have changed"),
    ("spin_echo", lambda pd, t1, t2, tr, te: pd * (1 - exp(-te / t1)) * exp(-tr / t2), "TR and TE have changed"),
    ("spin_echo", lambda pd, t1, t2, tr, te: pd * exp(-tr / t1) * exp(-te / t2), "`1 -`"),
    ("spin_echo", lambda pd, t1, t2, tr, te: pd * (1 - exp(-tr / t1)) * exp(te / t2), "needs a minus"),
    ("spin_echo", lambda pd, t1, t2, tr, te: (1 - exp(-tr / t1)) * exp(-te / t2), "proton density is missing"),
    ("spin_echo", lambda pd, t1, t2, tr, te: pd * (1 - exp(-tr / t1)), "look again"),
    ("leaked", lambda a, b: set(a) | set(b), "either list"),
    ("leaked", lambda a, b: set(a) - set(b), "not tested"),
    ("leaked", lambda a, b: len(set(a) & set(b)), "asks who"),
    ("leaked", lambda a, b: bool(set(a) & set(b)), "asks who"),
    ("leaked", lambda a, b: [x for x, y in zip(a, b, strict=True) if x == y], "Position"),
    ("leaked", lambda a, b: [x for x in a if x in b], "twice"),
    ("split", lambda s, share, seed: list(np.random.default_rng(seed).random(len(s)) < share), "splits the slices"),
    ("split", lambda s, share, seed: [i < share * len(s) for i in range(len(s))], "splits the slices"),
    ("split", lambda s, share, seed: [not t for t in solved("split")(s, share, seed)], "changed places"),
    ("split", lambda s, share, seed: solved("split")(s, share, random.random()), "same seed"),
    ("split", lambda s, share, seed: solved("split")(s, share, 0), "not used"),
    ("split", lambda s, share, seed: sorted(set(s))[:5], "one boolean"),
    ("threshold", lambda x, brain, fpr: quantile(x.numpy(), 1 - fpr), "background"),
    ("threshold", lambda x, brain, fpr: quantile(x[brain].numpy(), fpr), "`1 - fpr`"),
    ("threshold", lambda x, brain, fpr: float(x[brain].mean() + 2 * x[brain].std()), "bell curve"),
    ("threshold", lambda x, brain, fpr: x[brain].std(), "standard deviation"),
    ("threshold", lambda x, brain, fpr: x[brain] > 0.5, "one number"),
    ("squeeze", 2, "rows"),
    ("squeeze", 1 / 128, "inverse"),
    ("squeeze", "128", "a str"),
    ("sse", lambda x, y: ((x - y) ** 2).mean(), "F.mse_loss"),
    ("sse", lambda x, y: ((x - y) ** 2).sum(), "over the batch too"),
    ("sse", lambda x, y: ((x - y) ** 2).sum(dim=1).mean(), "the channel"),
    ("sse", lambda x, y: ((x - y) ** 2).sum(dim=0).mean(), "other way"),
    ("sse", lambda x, y: flat((x - y) ** 2).sum(1), "average over the batch"),
    ("sse", lambda x, y: flat((x - y).abs()).sum(1).mean(), "absolute"),
    ("sse", lambda x, y: flat(x - y).sum(1).mean(), "cancel"),
    ("sse", lambda x, y: (x - y).var(), "variance"),
    ("sse", lambda x, y: (x - y).std(), "standard deviation"),
    ("sse", lambda x, y: solved("sse")(x, y.detach()), "gradient"),
    ("sse", lambda x, y: solved("sse")(x, y).item(), "gradient"),
    ("sse", lambda x, y: float(((x.numpy() - y.numpy()) ** 2).sum() / len(x)), "gradients it stops"),
    ("sse", in_place, "in place"),
    ("sse", forgets, "`return`"),
    ("sse", 3.0, "without calling it"),
    ("anomaly_map", lambda x, y, brain: (x - y) * brain, "sign is still there"),
    ("anomaly_map", lambda x, y, brain: (y - x) * brain, "turned round"),
    ("anomaly_map", lambda x, y, brain: (x - y).abs(), "Outside the brain"),
    ("anomaly_map", lambda x, y, brain: (x - y).abs()[brain], "lost its shape"),
    ("anomaly_map", lambda x, y, brain: ((x - y) ** 2) * brain, "Squared"),
    ("anomaly_map", lambda x, y, brain: (x - y).relu() * brain, "cut off"),
    ("anomaly_map", lambda x, y, brain: (x - y).abs().mean(dim=(1, 2, 3)), "lost its shape"),
    ("detect", lambda h, hb, maps, masks, fpr: maps > quantile(maps[hb].numpy(), 1 - fpr), "test set"),
    ("detect", lambda h, hb, maps, masks, fpr: maps > maps[~masks & hb].max(), "seen the truth"),
    ("detect", lambda h, hb, maps, masks, fpr: masks, "seen the truth"),
    ("detect", lambda h, hb, maps, masks, fpr: maps > quantile(h.numpy(), 1 - fpr), "inside `healthy_brain`"),
    ("detect", lambda h, hb, maps, masks, fpr: maps > quantile(h[hb].numpy(), fpr), "quantile at `fpr`"),
    ("detect", lambda h, hb, maps, masks, fpr: anomaly.threshold_at_fpr(h, hb, fpr), "return the prediction"),
    ("detect", lambda h, hb, maps, masks, fpr: solved("detect")(h, hb, maps, masks, fpr).float(), "boolean"),
    ("to_mm", lambda v, a: a[:3, :3] @ v, "but not moved"),
    ("to_mm", lambda v, a: v @ a[:3, :3] + a[:3, 3], "changed sides"),
    ("to_mm", lambda v, a: v * np.linalg.norm(a[:3, :3], axis=0), "Voxel sizes alone"),
    ("to_mm", lambda v, a: v * np.linalg.norm(a[:3, :3], axis=0) + a[:3, 3], "*directions*"),
    ("to_mm", lambda v, a: np.diag(a)[:3] * v + a[:3, 3], "Only the diagonal"),
    ("to_mm", lambda v, a: a[:3, :3] @ (v + a[:3, 3]), "First turn"),
    ("to_mm", lambda v, a: a @ [*v, 1], "1 at the end"),
    ("to_mm", lambda v, a: np.linalg.inv(a)[:3] @ [*v, 1], "way back"),
    ("to_mm", lambda v, a: a[:3] @ [*v, 0], "but not moved"),
    ("to_mm", lambda v, a: a, "three numbers"),
    ("to_mm", lambda v, a: v, "still voxel"),
    ("to_mm", lambda v, a: -(a[:3, :3] @ v + a[:3, 3]), "Not that"),
    ("giveaway", "aux_file", "empty here"),
    ("giveaway", "description", "spell it"),
    ("giveaway", "Erika Beispiel", "That is *what*"),
    ("giveaway", "qoffset_x", "numbers"),
    ("giveaway", "pixdim", "numbers"),
    ("giveaway", "file name", "*inside*"),
    ("giveaway", ["descrip"], "a list"),
    ("unseen", lambda z, low, high: ~solved("unseen")(z, low, high), "changed places"),
    ("unseen", lambda z, low, high: (z - low) / (high - low) < 0.25, "those above"),
    ("unseen", lambda z, low, high: (z - low) / (high - low) > 0.85, "those below"),
    ("unseen", lambda z, low, high: (np.linspace(0, 1, len(z)) < 0.25) | (np.linspace(0, 1, len(z)) > 0.85), "slices"),
    ("unseen", lambda z, low, high: (z < 0.25) | (z > 0.85), "shares"),
    ("unseen", lambda z, low, high: (z < -27) | (z > 57), "0 elsewhere"),
    ("unseen", lambda z, low, high: (z - low) / (high - low), "compare"),
    ("unseen", lambda z, low, high: z[solved("unseen")(z, low, high)], "yours has shape"),
    ("unseen", lambda z, low, high: (z - low) / (high - low) < 0.1, "it says"),
    ("alarm_rate", lambda s, c, b, m: (s > c)[b].mean(), "Hits were counted"),
    ("alarm_rate", lambda s, c, b, m: ((s > c) & b & ~m).sum() / b.sum(), "the whole brain; lesion"),
    ("alarm_rate", lambda s, c, b, m: (s > c).mean(), "air included"),
    ("alarm_rate", lambda s, c, b, m: ((s > c) & b & ~m).mean(), "not by all"),
    ("alarm_rate", lambda s, c, b, m: (s > c)[~m].mean(), "air around"),
    ("alarm_rate", lambda s, c, b, m: (s <= c)[b & ~m].mean(), "left in peace"),
    ("alarm_rate", lambda s, c, b, m: ((s > c) & b & ~m).sum() / ((s > c) & b).sum(), "*marked*"),
    ("alarm_rate", lambda s, c, b, m: ((s > c) & b & ~m).sum(), "number of voxels"),
    ("alarm_rate", lambda s, c, b, m: 100 * (s > c)[b & ~m].mean(), "per cent"),
    ("alarm_rate", lambda s, c, b, m: (s > c)[b & ~m], "take a mean"),
    ("alarm_rate", lambda s, c, b, m: 0.5 if m is None else (s > c)[b & ~m].mean(), "`lesion=None`"),
    ("alarm_rate", lambda s, c, b, m: (s > c)[b & ~m].mean(), "TypeError"),
    ("volume_ml", lambda c, a: c.sum(), "number of voxels"),
    ("volume_ml", lambda c, a: c.sum() * abs(np.linalg.det(a[:3, :3])), "In mm³"),
    ("volume_ml", lambda c, a: c.sum() * np.linalg.det(a[:3, :3]) / 1000, "mirrored"),
    ("volume_ml", lambda c, a: c.sum() * np.prod(np.diag(a)[:3]) / 1000, "diagonal"),
    ("volume_ml", lambda c, a: c.sum() * np.linalg.norm(a[:3, 0]) ** 3 / 1000, "cubes"),
    ("volume_ml", lambda c, a: c.sum() / 1000, "assumed"),
    ("volume_ml", lambda c, a: c.size * abs(np.linalg.det(a[:3, :3])) / 1000, "whole volume"),
    ("volume_ml", lambda c, a: c, "one number"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "says"), WRONG, ids=[f"{name}: {says}" for name, _, says in WRONG])
def test_a_typical_wrong_answer_is_told_what_is_wrong_with_it(name, answer, says):
    result = check.all[name](answer)
    assert result.outcome == "incorrect"
    assert says in result.text


def by_set_order(subjects, share, seed):
    names = list(set(subjects))
    random.Random(seed).shuffle(names)
    chosen = set(names[: round(share * len(names))])
    return [s in chosen for s in subjects]


def test_a_split_that_rests_on_the_order_of_a_set_is_caught_within_one_session():
    assert "order of a `set`" in check.split(by_set_order).text


RIGHT_TOO = [
    ("leaked", lambda a, b: sorted(set(a).intersection(b))),
    (
        "split",
        lambda s, share, seed: np.isin(s, np.random.default_rng(seed).permutation(np.unique(s))[: int(share * 20)]),
    ),
    ("threshold", lambda x, brain, fpr: anomaly.threshold_at_fpr(x, brain, fpr)),
    ("squeeze", torch.tensor([128])),
    ("squeeze", np.float32(128)),
    ("sse", lambda x, y: torch.nn.functional.mse_loss(y, x, reduction="sum") / len(x)),
    ("sse", lambda x, y: torch.stack([((a - b) ** 2).sum() for a, b in zip(x, y, strict=True)]).mean()),
    ("anomaly_map", lambda x, y, brain: torch.where(brain, (x - y).abs(), 0.0)),
    ("detect", lambda h, hb, maps, masks, fpr: maps > quantile(h[hb].numpy(), 1 - fpr)),
    ("by_hand", 0.72),
    ("false_alarms", metrics.false_positive_rate),
    ("dice_by_person", lambda p, m, s: metrics.dice_by_subject(p, m, torch.ones_like(m), s).value),
    ("my_score", lambda s: anomaly.median(shipped("vae")(s), 5)),
    ("my_score", shipped("vaegan")),
    ("to_mm", lambda v, a: (a @ np.append(v, 1))[:3]),
    ("to_mm", lambda v, a: torch.from_numpy(a[:3, :3] @ v + a[:3, 3])),
    ("to_mm", lambda v, a: tuple(np.einsum("ij,j->i", a, [*v, 1])[:3])),
    ("to_mm", lambda v, a: apply_affine(a, v)),
    ("giveaway", "Descrip "),
    ("giveaway", b"descrip"),
    ("giveaway", "header: descrip"),
    ("unseen", lambda z, low, high: [not 0.25 <= (one - low) / (high - low) <= 0.85 for one in z]),
    ("unseen", lambda z, low, high: np.abs((z - low) / (high - low) - 0.55) > 0.3),
    ("alarm_rate", lambda s, c, b, m: np.mean(s[b & ~(b & False if m is None else m)] > c)),
    ("volume_ml", lambda c, a: np.count_nonzero(c) * np.linalg.norm(a[:3, :3], axis=0).prod() / 1000),
    ("volume_ml", lambda c, a: torch.tensor(c.sum() * 5.76e-3)),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT_TOO, ids=[name for name, _ in RIGHT_TOO])
def test_another_way_to_the_same_properties_is_correct_too(name, answer):
    result = check.all[name](answer)
    assert result.outcome == "correct", result


def test_a_check_leaves_the_learners_random_numbers_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    check.sse(lambda x, y: torch.rand(()))
    assert torch.equal(torch.get_rng_state(), state)


def test_an_unknown_check_names_those_there_are():
    with pytest.raises(AttributeError, match="sse"):
        _ = check.ssee


def test_a_message_says_the_same_in_html_and_in_plain_text():
    result = check.squeeze("<b>128</b>")
    assert result._repr_html_().startswith("<div role='status'")
    assert "Not yet" in result._repr_html_()
    assert "Not yet" in repr(result)
    assert "<b>" not in check.squeeze.solution()._repr_html_()


def test_lessons_import_without_a_display_and_without_matplotlib():
    code = "import brainlab.lessons, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "/usr/bin:/bin"}, timeout=120)
