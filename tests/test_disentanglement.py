import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

import brainlab as bl
from brainlab import disentanglement

seeds = given(st.integers(0, 10_000))
few = settings(deadline=None, max_examples=25)
SLICES = 4


class Population:
    """Three uniform factors of each of ``people``, four slices each, and a latent space that is a function of them."""

    def __init__(self, seed, people=120):
        self.rng = np.random.default_rng(seed)
        self.causes = self.rng.random((people, 3))  # (people, 3)
        order = self.rng.permutation(people * SLICES)  # slices of one person need not lie together
        self.owner = np.repeat(np.arange(people), SLICES)[order]
        self.subjects = tuple(f"s{i}" for i in self.owner)
        self.factors = {name: self.causes[self.owner, i] for i, name in enumerate("abc")}

    def slices(self, of_subject, noise=0.01):
        """Vectors (people, d) as z (slices, d), each slice a little off its subject."""
        z = of_subject[self.owner]
        return torch.from_numpy(z + noise * self.rng.standard_normal(z.shape))


@few
@seeds
def test_a_space_that_holds_the_factors_linearly_scores_one_however_it_is_rotated_and_scaled(seed):
    population = Population(seed)
    mixed = population.causes @ np.linalg.qr(population.rng.standard_normal((3, 3)))[0]
    scaled = population.slices(mixed, noise=0.001) * torch.tensor([1e-6, 1, 1e6]) + 5
    scores = disentanglement.linear_probe(scaled, population.factors, population.subjects)
    assert list(scores) == ["a", "b", "c"]
    assert min(scores.values()) > 0.9


@few
@seeds
def test_a_space_that_knows_every_person_and_no_cause_scores_nothing(seed):
    # A random vector for each person, nearly the same in all their slices: with slices of one person on both sides, a
    # probe would recognise the person and score near 1.
    population = Population(seed)
    z = population.slices(population.rng.standard_normal((120, 80)))
    assert disentanglement.linear_probe(z, {"a": population.factors["a"]}, population.subjects)["a"] < 0.2


def test_r2_of_a_noisy_factor_is_the_share_of_its_variance_that_is_signal():
    population = Population(0, people=400)
    # one latent number, a + b: it explains half of the variance of each, and nothing of c
    z = population.slices(population.causes[:, :2].sum(axis=1, keepdims=True))
    scores = disentanglement.linear_probe(z, population.factors, population.subjects)
    assert [scores[name] for name in "abc"] == pytest.approx([0.5, 0.5, 0.0], abs=0.08)


@few
@seeds
def test_the_gap_is_near_one_where_each_number_holds_one_factor_and_near_zero_where_two_share_it(seed):
    population = Population(seed, people=300)
    factors, subjects = population.factors, population.subjects
    aligned = disentanglement.mutual_information_gap(population.slices(population.causes, 0.001), factors, subjects)
    assert min(aligned.values()) > 0.85
    shared = population.causes[:, :2] @ np.array([[1, 1], [1, -1]])  # turned by 45 degrees
    gaps = disentanglement.mutual_information_gap(population.slices(shared), factors, subjects)
    assert max(gaps.values()) < 0.15


def test_a_factor_held_twice_has_no_gap():
    population = Population(0)
    twice = population.causes[:, [0, 0, 1]]
    gaps = disentanglement.mutual_information_gap(population.slices(twice, 0), population.factors, population.subjects)
    assert gaps["a"] == 0
    assert gaps["b"] > 0.8


def test_mutual_information_of_a_case_worked_by_hand():
    a, b = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    # p(0,0) = 1/2, p(1,0) = p(1,1) = 1/4; p(a) = 1/2, 1/2; p(b) = 3/4, 1/4
    by_hand = 1 / 2 * math.log(4 / 3) + 1 / 4 * math.log(2 / 3) + 1 / 4 * math.log(2)
    assert disentanglement.mutual_information(a, b) == pytest.approx(by_hand)
    assert disentanglement.mutual_information(a, a) == pytest.approx(math.log(2))  # its entropy


@few
@seeds
def test_mutual_information_agrees_with_scikit_learn(seed):
    a, b = np.random.default_rng(seed).integers(0, 4, (2, 60))
    ours = disentanglement.mutual_information(a, b)
    assert ours == pytest.approx(mutual_info_score(a, b), abs=1e-12)


def test_the_bias_of_mutual_information_is_as_documented():
    rng = np.random.default_rng(0)
    independent = [[disentanglement.quantile_bins(rng.random(120), 5) for _ in "ab"] for _ in range(300)]
    assert np.mean([disentanglement.mutual_information(*pair) for pair in independent]) == pytest.approx(
        0.07, abs=0.005
    )


def test_quantile_bins_are_equally_filled_and_keep_equal_values_together():
    assert disentanglement.quantile_bins(np.array([5.0, 1, 100, 3]), 2).tolist() == [1, 0, 1, 0]
    assert len(set(disentanglement.quantile_bins(np.ones(8), 4).tolist())) == 1


def test_every_subject_counts_once_and_with_the_mean_of_its_slices():
    z = torch.tensor([[1.0, 0], [3, 0], [9, 9]])
    x, causes = disentanglement.by_subject(z, {"a": np.array([7.0, 7, 8])}, ("p", "p", "q"), least=2)
    assert x.tolist() == [[2, 0], [9, 9]]
    assert causes["a"].tolist() == [7, 8]


def test_a_constant_factor_is_not_a_number_for_nothing_was_asked():
    population = Population(0)
    constant = {"k": np.full(len(population.owner), 3.0)}
    z = population.slices(population.causes)
    assert math.isnan(disentanglement.linear_probe(z, constant, population.subjects)["k"])
    assert math.isnan(disentanglement.mutual_information_gap(z, constant, population.subjects)["k"])


@pytest.mark.parametrize("score", [disentanglement.linear_probe, disentanglement.mutual_information_gap])
def test_what_cannot_be_scored_is_refused_in_a_sentence(score):
    people = Population(0)
    z, factors, subjects = people.slices(people.causes), people.factors, people.subjects
    few_people = np.flatnonzero(people.owner < 8)
    changing, nan = {"a": people.rng.random(len(z))}, {"a": np.full(len(z), math.nan)}
    for wrong, sentence in [
        ((z[:-1], factors, subjects), "one entry a slice"),
        ((z[:, 0], factors, subjects), "shape"),
        ((z * math.nan, factors, subjects), "finite"),
        ((z, changing, subjects), "changes within a subject"),
        ((z, nan, subjects), "NaN"),
        (
            (z[few_people], {"a": factors["a"][few_people]}, tuple(np.array(subjects)[few_people])),
            "got 8; load a split",
        ),
    ]:
        with pytest.raises(bl.InputError, match=sentence):
            score(*wrong)


def test_a_gap_needs_two_latent_numbers_and_two_bins():
    people = Population(0)
    with pytest.raises(bl.InputError, match="z has one"):
        disentanglement.mutual_information_gap(people.slices(people.causes[:, :1]), people.factors, people.subjects)
    with pytest.raises(bl.InputError, match="at least 2 bins"):
        disentanglement.mutual_information_gap(people.slices(people.causes), people.factors, people.subjects, bins=1)
