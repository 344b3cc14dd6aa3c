"""The exercises of lesson 06: average precision by hand, false alarms, Dice by person, a score that beats the VAE's.

The last has many answers. It is judged as in the lesson: cleaned like every map, cut where 1 % of healthy people's
pixels lie above, and compared with the VAE person by person. Nothing is stored: the VAE is measured when it is asked.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import anomaly, checkpoints, data, metrics
from brainlab.lessons.answers import Wrong, call, close, kind, number, recognise, tensor
from brainlab.lessons.checking import check
from brainlab.slices import Slices

LESSON = "06"
FPR = 0.01
PROBE = 6  # slices that a score is tried on before it may take its time


@check.add(
    lesson=LESSON,
    hints=[
        "Recall rises only where a lesion pixel comes up: at the first, the third and the sixth place. What is the "
        "precision at each?",
        "After one pixel 1 of 1 called is lesion, after three 2 of 3, after six 3 of 6. Each counts for a third.",
        "(1/1 + 2/3 + 3/6) / 3.",
    ],
    solution="by_hand = (1 / 1 + 2 / 3 + 3 / 6) / 3",
)
def by_hand(answer: Any) -> str:
    """The average precision of lesion, healthy, lesion, healthy, healthy, lesion, healthy, healthy."""
    got = number(answer, "The average precision")
    places = (
        (0.375, "That is the prevalence, 3 of 8: what a guess would score."),
        (0.5, "That is the precision at the last lesion pixel alone; average over all three."),
        (11 / 15, "That is the AUROC, the share of pairs in the right order. Here precision is asked for."),
        (13 / 6, "The sum is right; now divide by the number of lesion pixels."),
        (13 / 48, "Divide by the three lesion pixels, not by all eight: recall rises three times."),
        (0.5463, "You averaged over all eight places; only those count at which recall rises."),
        (0.6778, "Trapezia flatter or punish where the curve jumps: take steps, each at its own precision."),
        (1 / 3, "Is that one step of recall? Multiply each by its precision, then add the three."),
    )
    for value, message in places:
        if abs(got - value) < 0.002:
            raise Wrong(message)
    if abs(got - 13 / 18) > 0.005:
        raise Wrong("Not that: at each lesion pixel, the share of lesion among all called so far; then their mean.")
    return "The healthy pixel in second place costs most: what is ranked on top weighs in every later precision."


@check.add(
    lesson=LESSON,
    hints=[
        "A rate needs its base. Of which pixels is a false alarm a share, if the promise is made on *healthy* tissue?",
        "Of the healthy pixels of the brain, `brain & ~mask`: those called above, all of them below.",
        "`(prediction & brain & ~mask).sum() / (brain & ~mask).sum()`.",
    ],
    solution="""
        def false_alarms(prediction, mask, brain):
            healthy = brain & ~mask
            return (prediction & healthy).sum() / healthy.sum()
    """,
)
def false_alarms(answer: Any) -> str:
    """FP / (FP + TN) inside the brain."""
    p, m, b = _guess()
    got = number(call(answer, p, m, b), "The rate")
    false, healthy, called = (float(one.sum()) for one in (p & b & ~m, b & ~m, p & b))
    recognise(
        got,
        (
            false / called,
            "That is the share of what is *called* that is false, the false discovery rate: published code has mixed "
            "the two. Divide by the healthy pixels.",
        ),
        (false / float(b.sum()), "You divide by the whole brain; lesion pixels cannot be false alarms."),
        (float((p & ~m).sum() / (~m).sum()), "The background was counted in: only pixels inside `brain` count."),
        (float((p & ~m).sum()) / healthy, "Predictions outside the brain were counted as well: use `& brain`."),
        (1 - false / healthy, "That is the share left in peace, the specificity: asked is what remains to 1."),
        (false, "That is a number of pixels; divide it by the healthy ones."),
        (float((~p & b & m).sum() / (b & m).sum()), "That is the share of the lesion that was missed."),
        (float((p & b & m).sum() / (b & m).sum()), "That is the share of the lesion that was found, the recall."),
        (called / float(b.sum()), "That is all that is called, hits among it: leave the lesion out, above and below."),
    )
    if number(call(answer, p & m, m, b), "The rate") != 0:
        raise Wrong("Where only lesion pixels are called there is no false alarm: the rate should be 0.")
    if not close(got, false / healthy):
        raise Wrong("Not that: false alarms inside the brain, divided by its healthy pixels.")
    return "A share of the healthy: it can be promised before anybody has a lesion. The other one cannot."


@check.add(
    lesson=LESSON,
    hints=[
        "One person at a time: which slices are theirs? `np.array(subjects) == name` picks them.",
        "All slices of the person together give one Dice. Whoever has no lesion is left out: any false pixel makes it "
        "0.",
        "`metrics.dice(prediction[mine], mask[mine])` for each name with `mask[mine].any()`, then `np.mean`.",
    ],
    solution="""
        def dice_by_person(prediction, mask, subjects):
            values = []
            for name in set(subjects):
                mine = np.array(subjects) == name
                if mask[mine].any():
                    values.append(metrics.dice(prediction[mine], mask[mine]))
            return np.mean(values)
    """,
)
def dice_by_person(answer: Any) -> str:
    """The Dice of each person's slices together, then the mean over those who have a lesion."""
    p, m, _ = _guess()
    names = ["ada", "eva", "ada", "ben", "eva", "ben", "ada", "kim"]  # kim is healthy; slices come in any order
    value = call(answer, p, m, names)
    if isinstance(value, float) and np.isnan(value):
        raise Wrong("It comes out as NaN: Dice is undefined where nothing is called and nothing is there. Who is that?")
    got, owner = number(value, "The Dice"), np.array(names)
    each = [metrics.dice(p[owner == name], m[owner == name]) for name in ("ada", "ben", "eva")]
    slices = [metrics.dice(a, b) for a, b in zip(p, m, strict=True)]
    joint = [float((p[owner == n] & m[owner == n]).sum() / (p[owner == n] | m[owner == n]).sum()) for n in names[:4]]
    recognise(
        got,
        (metrics.dice(p, m), "All pixels of all people together: one large tumour outvotes everybody else."),
        (sum(each) / 4, "kim has no lesion, so her Dice is 0 whatever is called: leave her out of the mean."),
        (np.nanmean(slices), "That is the mean over slices: a person with many slices counts more often."),
        (
            np.mean([s for s, one in zip(slices, m, strict=True) if one.any()]),
            "That is the mean over slices: slices of one person belong together, and are pooled first.",
        ),
        (np.mean([joint[0], joint[1], joint[3]]), "That is Jaccard's index, intersection over union; Dice is asked."),
        (sum(each), "Now divide by the number of people with a lesion."),
        (np.median(each), "That is the median; report the mean."),
    )
    if not close(got, np.mean(each)):
        raise Wrong("Not that: one Dice a person, from all their slices; then the mean over ada, ben and eva.")
    return "Everybody counts once, with the large lesion and with the small."


@check.add(
    lesson=LESSON,
    hints=[
        "Three ways lead on: ask the VAE *another question* (`anomaly.dissimilarity`, `anomaly.kl_gradient`, or only "
        "what is darker than expected), ask *another model*, or *clean up* more.",
        "Clean-up alone does it: `anomaly.median(SCORES['VAE'](slices), 5)`. See whether wider is better still.",
        "Another model does more. Which rows of the table lead for dark lesions?",
        "Methods that err in different places can vouch for each other: the product of two scores is high only where "
        "both are. Try |z| by level times the denoising autoencoder's residual.",
    ],
    solution="""
        denoising = anomaly.scored(checkpoints.load("dae"))

        def my_score(slices):
            return denoising(slices)  # times |z| by level it is better still
    """,
)
def my_score(answer: Any) -> str:
    """Better Dice at 1 % FPR on dev's dark lesions than the shipped VAE's |x − x̂|, by more than chance over people."""
    val, ill = people()
    _honest(answer, ill)
    mine, plain = _measure(lambda s: _maps(answer, s), val, ill), vae(val, ill)
    gain = metrics.mean_interval({name: mine.each[name] - plain.each[name] for name in plain.each})
    against = f"Dice {mine.dice:.3f} at 1 % false alarms; the VAE has {plain.dice:.3f}."
    if mine.dice == 0:
        raise Wrong(f"{against} Nothing of a lesion lies above your threshold: is your score high where it is dark?")
    if gain.value == 0:
        raise Wrong(f"{against} That is the same: your score ranks pixels as the VAE's own residual does.")
    if gain.value < 0:
        raise Wrong(f"{against} Not there yet. `check.my_score.hint()` names three directions.")
    told = f"a gain of {gain.value:.3f}, 95 % interval {gain.low:.3f} to {gain.high:.3f} over {len(plain.each)} people"
    if not gain.low > 0:
        raise Wrong(f"{against} Higher, but {told}: with 0 inside it may be luck. A little more is needed.")
    return f"{against} That is {told}. On `dev` you may go on; on `test` you look once."


class Measured(NamedTuple):
    """Dice at the threshold from healthy people: the mean, and each person's."""

    dice: float
    each: dict[str, float]


@lru_cache(maxsize=1)
def people() -> tuple[Slices, Slices]:
    """Healthy slices for the threshold, and the dark lesions of ``dev``, with nothing but the masks to tell them by."""
    val, dev = (data.load("phantom", name) for name in ("val", "dev"))
    return _unnamed(val), _unnamed(dev[[visit.endswith("-hypo") for visit in dev.visit]])


def vae(val: Slices, ill: Slices) -> Measured:
    """The shipped VAE's |x − x̂|, measured like every answer."""
    return _measure(anomaly.scored(checkpoints.load("vae")), val, ill)


def _measure(score: anomaly.Score, val: Slices, ill: Slices) -> Measured:
    quiet, maps = (anomaly.clean(score(s), s.brain) for s in (val, _blind(ill)))
    cut = anomaly.threshold_at_fpr(quiet, val.brain, FPR)
    found = metrics.dice_by_subject((maps > cut) & ill.brain, ill.masks, ill.brain, ill.subjects)
    return Measured(found.value, found.by_subject)


def _maps(answer: Any, slices: Slices) -> Tensor:
    """What the learner's score makes of slices, as floats, once it has proved to be maps; Wrong otherwise."""
    if not callable(answer):
        raise Wrong(f"A function from slices to maps is asked for, and this is {kind(answer)}.")
    handed = replace(slices, images=slices.images.clone(), masks=slices.masks.clone(), brain=slices.brain.clone())
    value = tensor(call(lambda: answer(handed)), slices.images.shape, "The map").float()
    if not (torch.equal(handed.images, slices.images) and torch.equal(handed.brain, slices.brain)):
        raise Wrong("Your score changes the slices it is given. Work on new tensors: `slices.images * 1`.")
    return value


def _honest(answer: Any, ill: Slices) -> None:
    """Wrong if a score rests on the masks, or on which other slices are asked about."""
    area = ill.masks.flatten(1).sum(dim=1)
    few = ill[area.argsort(descending=True)[:PROBE].numpy()]
    blind = _maps(answer, _blind(few))
    if not torch.equal(blind, _maps(answer, few)):
        if not torch.equal(blind, _maps(answer, _blind(few))):
            raise Wrong("Asked twice about the same slices it answers differently: give its random numbers a seed.")
        raise Wrong("Your score changes with `slices.masks`: it has seen the truth, which no patient brings along.")
    alone = _maps(answer, _blind(few[:1]))
    if not torch.allclose(alone, blind[:1], rtol=1e-3, atol=1e-3 * float(blind.abs().max())):
        raise Wrong(
            "A slice's score changes with the *other* slices it comes with (a mean or maximum over all?). A patient "
            "comes alone: let every slice be scored by itself."
        )
    if not (blind[few.brain] > 0).any():
        raise Wrong("No score is above 0, and 0 is what cleaning gives the brain's rim: add a constant, or turn it.")


def _blind(slices: Slices) -> Slices:
    return replace(slices, masks=torch.zeros_like(slices.masks))


def _unnamed(slices: Slices) -> Slices:
    """The same without the words that tell a lesion's kind."""
    hidden = ("hidden",) * len(slices)
    return replace(slices, labels=hidden, visit=hidden, factors=None)


def _guess() -> tuple[Tensor, Tensor, Tensor]:
    """A made-up prediction, truth and brain, (8, 1, 12, 12) bool: the guess is uneven, and the last slice healthy."""
    draw = torch.Generator().manual_seed(6)
    brain, mask, hit, stray = (torch.rand(8, 1, 12, 12, generator=draw) < share for share in (0.7, 0.25, 0.6, 0.15))
    mask[5], mask[7] = mask[5] & (torch.arange(12) < 4), False
    mask &= brain
    hit[[0, 2]] &= torch.rand(2, 1, 12, 12, generator=draw) < 0.4
    return (mask & hit) | stray, mask, brain
