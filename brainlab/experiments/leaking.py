"""Slices of one person in training and in the test: then a model is praised for knowing the person.

Every person gets a label by the toss of a coin, heads or tails. Nothing in a brain tells it, so an honest accuracy is
one half. A slice is named after its nearest neighbour among the training slices. If slices are shared out at random,
the neighbour is often the same person, and the coin is "predicted"; if people are, it is not (Yagis et al. 2021,
"Effect of data leakage in brain MRI classification using 2D convolutional neural networks", Scientific Reports
11:22544, who did the same with labels drawn at random).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import data, metrics
from brainlab.errors import InputError
from brainlab.experiments import drawing, material
from brainlab.metrics import Interval
from brainlab.slices import Slices

if TYPE_CHECKING:
    from brainlab.plotting import Figure


class Leakage(NamedTuple):
    """Accuracy of each label by each way to split, and how often the neighbour was the person."""

    by_slice: dict[str, Interval]  # by label; leaks
    by_person: dict[str, Interval]  # by label; honest
    same_person: float  # share of slices, split by slice, whose nearest neighbour is of the same person
    people: int

    def figure(self) -> Figure:
        """A pair of points a label."""
        figure, ((axis,),) = drawing.chart(6.2, 1.6 + 0.8 * len(self.by_slice))
        sides = ((self.by_slice, "split by slice", drawing.ORANGE), (self.by_person, "split by person", drawing.BLUE))
        for k, (found, told, colour) in enumerate(sides):
            y = np.arange(len(found)) + 0.15 * (2 * k - 1)
            values = [100 * one.value for one in found.values()]
            axis.errorbar(values, y, xerr=100 * drawing.bars(list(found.values())), fmt="o", color=colour)
            drawing.name(axis, 100 * next(iter(found.values())).high, y[0], told, colour, (7, 0))
        axis.axvline(50, color=drawing.GREY, linestyle=":")
        axis.set_yticks(range(len(self.by_slice)), list(self.by_slice))
        axis.set(xlabel="slices named rightly (%); chance is 50", ylim=(len(self.by_slice) - 0.5, -0.5))
        each = "; ".join(
            f"{label}: {100 * one.value:.0f} % split by slice, {100 * self.by_person[label].value:.0f} % by person"
            for label, one in self.by_slice.items()
        )
        alt = (
            f"Accuracy of naming slices of {self.people} people after their nearest neighbour. {each}. Split by slice, "
            f"the neighbour is the same person in {100 * self.same_person:.0f} % of slices."
        )
        return drawing.finish(figure, "A split by slice predicts even the toss of a coin", alt)


def leakage(seed: int = 0, slices: Slices | None = None, *, folds: int = 5, draws: int = material.DRAWS) -> Leakage:
    """The accuracy of nearest neighbours in ``folds``-fold cross-validation, over folds of slices and of people.

    ``slices`` are healthy people (the train split), at least ten, each with several slices; distances are between
    pixels. Where it is known, a true label is named too: whether a person's ventricles are larger than the median.
    ``seed`` tosses the coins and deals the folds. Intervals are 95 %, over people.
    """
    material.whole("folds", folds, 2)
    slices = material.healthy(data.load("phantom", "train") if slices is None else slices)
    names, owner = np.unique(slices.subjects, return_inverse=True)
    if len(names) < max(folds, metrics.LEAST_SUBJECTS) or len(names) == len(slices):
        least = max(folds, metrics.LEAST_SUBJECTS)
        raise InputError(f"This needs {least} people or more with several slices each, got {len(names)} people.")
    rng = np.random.default_rng(seed)
    labels = {"the toss of a coin": rng.permutation(np.arange(len(names)) % 2)[owner]}
    if slices.factors and "ventricle_size" in slices.factors:
        size = slices.factors["ventricle_size"]
        labels["large ventricles"] = (size > np.median(size)).astype(int)
    x = slices.images.flatten(1)
    apart = torch.cdist(x, x)
    by_slice = nearest(apart, rng.permutation(len(slices)) % folds)
    by_person = nearest(apart, (rng.permutation(len(names)) % folds)[owner])

    def accuracy(neighbour: np.ndarray, label: np.ndarray) -> Interval:
        right = label[neighbour] == label
        return metrics.bootstrap(lambda i: float(right[i].mean()), slices.subjects, draws)

    return Leakage(
        {name: accuracy(by_slice, label) for name, label in labels.items()},
        {name: accuracy(by_person, label) for name, label in labels.items()},
        float((owner[by_slice] == owner).mean()),
        len(names),
    )


def nearest(apart: Tensor, fold: np.ndarray) -> np.ndarray:
    """The nearest slice (N,) in another fold, by distances (N, N)."""
    of = torch.from_numpy(fold)
    return apart.masked_fill(of[:, None] == of, torch.inf).argmin(dim=1).numpy()
