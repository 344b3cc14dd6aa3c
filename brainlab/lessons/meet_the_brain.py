"""The exercises of lesson 00: the signal equation, a leak between splits, a split by subject, a first threshold."""

import math
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from brainlab.lessons.answers import Wrong, call, close, kind, number, recognise, tensor
from brainlab.lessons.checking import check

LESSON = "00"


@check.add(
    lesson=LESSON,
    hints=[
        "Two things happen: longitudinal magnetisation recovers with T1 while you wait TR, and transverse "
        "magnetisation decays with T2 until TE.",
        "Recovery goes from 0 to 1: `1 - exp(-tr / t1)`. Decay goes from 1 to 0: which formula is that?",
        "Multiply three factors: the protons `pd`, the recovery in `tr / t1`, the decay in `te / t2`.",
    ],
    solution="""
        def spin_echo(pd, t1, t2, tr, te):
            return pd * (1 - math.exp(-tr / t1)) * math.exp(-te / t2)
    """,
)
def spin_echo(answer: Any) -> str:
    """S = PD · (1 − exp(−TR/T1)) · exp(−TE/T2)."""

    def s(pd: float, t1: float, t2: float, tr: float, te: float) -> float:
        return number(call(answer, pd, t1, t2, tr, te), "The signal")

    pd, t1, t2, tr, te = 0.8, 900.0, 90.0, 600.0, 30.0
    got, recovery, decay = s(pd, t1, t2, tr, te), 1 - math.exp(-tr / t1), math.exp(-te / t2)
    recognise(
        got,
        (
            pd * (1 - math.exp(-tr / t2)) * math.exp(-te / t1),
            "T1 and T2 have changed places: T1 goes with TR, T2 with TE.",
        ),
        (pd * (1 - math.exp(-te / t1)) * math.exp(-tr / t2), "TR and TE have changed places."),
        (pd * (1 - recovery) * decay, "The recovery is missing its `1 -`: with TR = 0 there must be no signal."),
        (pd * recovery * (1 - decay), "The T2 factor decays from 1, so it needs no `1 -`."),
        (pd * recovery / decay, "The exponent of the T2 factor needs a minus: the signal decays."),
        (pd * (1 - math.exp(tr / t1)) * decay, "The exponent of the T1 factor needs a minus: the recovery ends at 1."),
        (recovery * decay, "The proton density is missing."),
        (pd + recovery + decay, "The factors are multiplied, not added."),
    )
    if not close(s(pd / 2, t1, t2, tr, te), got / 2):
        raise Wrong("Half the protons should give half the signal.")
    if not close(s(pd, t1, t2, 1e7, 0.0), pd):
        raise Wrong("With a very long TR and TE = 0 nothing is lost: the signal should be the proton density itself.")
    if abs(s(pd, t1, t2, 0.0, te)) > 1e-6:
        raise Wrong("With TR = 0 nothing has recovered: the signal should be 0.")
    if not close(got, pd * recovery * decay):
        raise Wrong("The limits are right but not what lies between: look again at `tr / t1` and `te / t2`.")
    return "A long TR takes T1 out of the picture, a short TE takes T2 out: two knobs, and every contrast between."


@check.add(
    lesson=LESSON,
    hints=[
        "A subject appears many times in each list, once a slice. Which Python type forgets repetitions?",
        "`set(train)` holds every training subject once. What is the operation for 'in both sets'?",
    ],
    solution="""
        def leaked(train, test):
            return set(train) & set(test)
    """,
)
def leaked(answer: Any) -> str:
    """The subjects that stand in both lists."""
    train, test = ["ada", "ben", "ada", "eva", "ben"], ["eva", "zoe", "ada", "ada", "kim"]
    got = call(answer, train, test)
    if isinstance(got, bool | int | np.integer):
        raise Wrong("It says whether, or how many; the exercise asks who: return the subjects' names.")
    if isinstance(got, str) or not hasattr(got, "__iter__"):
        raise Wrong(f"It should return a set or a list of names, and returns {kind(got)}.")
    names = [str(one) for one in got]
    typical = [
        (set(train) | set(test), "That is everyone in either list; a leak is who stands in both."),
        (set(train) ^ set(test), "Those stand in one list only; a leak is who stands in both."),
        (set(train) - set(test), "Those are training subjects who are not tested; a leak is who stands in both."),
        ({"ada"}, "Position is compared with position; a subject may stand anywhere in the two lists."),
    ]
    for wrong, message in typical:
        if set(names) == wrong:
            raise Wrong(message)
    if set(names) != {"ada", "eva"}:
        raise Wrong(f"For train = {train} and test = {test} it should be ada and eva; you return {sorted(names)[:9]}.")
    if len(names) != 2:
        raise Wrong("The names are right, but some are listed twice: name each subject once.")
    if list(call(answer, ["ada"], ["ben"])):
        raise Wrong("With nobody in common the result should be empty.")
    return "Run this on every split you are ever handed: a model that has met the test subject is not being tested."


class _Renamed(str):
    """A name whose hash changes with ``salt``, as every string's hash does each time Python starts."""

    salt = 0

    def __hash__(self) -> int:
        return hash((self.salt, str(self)))


@check.add(
    lesson=LESSON,
    hints=[
        "Draw subjects, not slices: first make a list with each subject once, then choose among those.",
        "`sorted(set(subjects))` gives the same order in every session; `list(set(subjects))` does not. Then shuffle "
        "with `random.Random(seed)`.",
        "The first `round(share * len(names))` names of the shuffled list are for testing; return "
        "`[s in chosen for s in subjects]`.",
    ],
    solution="""
        def split(subjects, share, seed):
            names = sorted(set(subjects))
            random.Random(seed).shuffle(names)
            chosen = names[: round(share * len(names))]
            return [s in chosen for s in subjects]
    """,
)
def split(answer: Any) -> str:
    """One boolean a slice, True for test, and no subject on both sides."""
    subjects = [f"subject-{i:02d}" for i in range(20) for _ in range(6)]
    random.Random(1).shuffle(subjects)

    def drawn(names: list[str], seed: int) -> np.ndarray:
        return _booleans(call(answer, names, 0.25, seed), len(names))

    test = drawn(subjects, 0)
    for_test = {s for s, t in zip(subjects, test, strict=True) if t}
    both = for_test & {s for s, t in zip(subjects, test, strict=True) if not t}
    if both:
        raise Wrong(f"{len(both)} of 20 subjects stand on both sides: this splits the slices, not the subjects.")
    if len(for_test) == 15:
        raise Wrong("15 of 20 subjects are for testing: True (for testing) and False have changed places.")
    if len(for_test) != 5:
        raise Wrong(f"{len(for_test)} of 20 subjects are for testing, and share = 0.25 asks for 5.")
    if not np.array_equal(test, drawn(subjects, 0)):
        raise Wrong("Two calls with the same seed give two splits: let the randomness come from `seed` alone.")
    if all(np.array_equal(test, drawn(subjects, seed)) for seed in (7, 8, 9)):
        raise Wrong(
            "Every seed gives the same split: `seed` is not used, so nobody can repeat the study with another draw."
        )
    runs = []
    for _Renamed.salt in range(1, 4):
        runs.append(drawn([_Renamed(s) for s in subjects], 0))
    if not all(np.array_equal(runs[0], other) for other in runs[1:]):
        raise Wrong(
            "The split rests on the order of a `set`, which changes each time Python starts: tomorrow your test "
            "subjects would be training subjects. Sort the names first."
        )
    return "By subject, repeatable, and the same tomorrow. Published kits have failed each of the three."


@check.add(
    lesson=LESSON,
    hints=[
        "You want a share `fpr` of the healthy brain pixels above the cut. Which statistic has a given share below it?",
        "The background is not brain: pick the pixels first, `images[brain]`.",
        "`np.quantile(images[brain].numpy(), 1 - fpr)`.",
    ],
    solution="""
        def threshold(images, brain, fpr):
            return np.quantile(images[brain].numpy(), 1 - fpr)
    """,
)
def threshold(answer: Any) -> str:
    """The cut above which a share fpr of the healthy brain pixels lie."""
    images, brain = skewed_maps()
    values = images[brain].numpy()
    mean, deviation = float(values.mean()), float(values.std())
    for fpr in (0.05, 0.2):
        cut = number(call(answer, images, brain, fpr), "The threshold")
        share = float((values > cut).mean())
        if abs(share - fpr) < 0.005:
            continue
        recognise(
            cut,
            (np.quantile(values, fpr), "That cut has `fpr` *below* it: take the quantile at `1 - fpr`."),
            (
                np.quantile(images.numpy(), 1 - fpr),
                "The background was counted in: use only the pixels inside `brain`.",
            ),
            (mean + 2 * deviation, f"Mean plus 2 standard deviations assumes a bell curve: {share:.1%} lie above it."),
            (deviation, "That is the standard deviation; a quantile is asked for."),
            (values.max(), "That is the healthy maximum: no false positives at all, and few lesions found."),
        )
        raise Wrong(f"With fpr = {fpr:g}, {share:.1%} of the healthy brain pixels lie above your cut.")
    return "Chosen on healthy brains alone: no lesion was needed, and no test image was looked at."


def skewed_maps() -> tuple[Tensor, Tensor]:
    """Six made-up maps (6, 1, 32, 32) with a heavy tail on a disc of brain, 0 outside, and that brain (bool)."""
    rows = torch.arange(32) - 15.5
    brain = ((rows[:, None] ** 2 + rows[None, :] ** 2) < 12**2).expand(6, 1, 32, 32).clone()
    draws = torch.rand((6, 1, 32, 32), generator=torch.Generator().manual_seed(0))
    return draws**3 * brain, brain


def _booleans(value: Any, length: int) -> np.ndarray:
    if isinstance(value, Tensor | np.ndarray):
        value = tensor(value, (length,), "The split").tolist()
    if isinstance(value, str | dict | set) or not hasattr(value, "__len__"):
        raise Wrong(f"The split should be a list of booleans, one a slice, and is {kind(value)}.")
    if len(value) != length:
        raise Wrong(f"The split should be one boolean for each of the {length} slices, and has {len(value)} entries.")
    if not all(isinstance(one, bool | int | np.bool_) and one in (0, 1) for one in value):
        raise Wrong("The split should hold True or False for each slice.")
    return np.array(value, dtype=bool)
