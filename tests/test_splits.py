"""Splits by subject: nobody twice, nobody lost, and nothing but seed and names decides."""

import itertools
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from brainlab import InputError, data, geometry, splits
from brainlab.slices import About, Slices
from brainlab.sources import images

KINDS = {  # each person's slices, as (label, whether the mask marks something)
    "well": [("healthy", False), ("healthy", False)],
    "unsaid": [("unknown", False), ("unknown", False)],
    "ill": [("tumour", True), ("tumour", False)],
    "partly": [("healthy", False), ("lesion", True)],
    "marked": [("unknown", True), ("unknown", False)],
}


def people(**counts: int) -> Slices:
    """So many people of each kind, two slices each, named kind-k."""
    each = [(f"{kind}-{k}", *one) for kind, n in counts.items() for k in range(n) for one in KINDS[kind]]
    n = len(each)
    masks = torch.zeros(n, 1, 8, 8, dtype=torch.bool)
    masks[:, 0, 4, 4] = torch.tensor([marked for *_, marked in each], dtype=torch.bool)
    return Slices(
        images=torch.arange(n).float()[:, None, None, None].expand(n, 1, 8, 8) / max(n, 1),
        masks=masks,
        brain=torch.ones(n, 1, 8, 8, dtype=torch.bool),
        subjects=tuple(name for name, *_ in each),
        labels=tuple(label for _, label, _ in each),
        position_mm=np.zeros(n),
        visit=("one",) * n,
        affine=np.stack([geometry.slice_affine(8, (0, 0, 0))] * n) if n else np.zeros((0, 4, 4)),
        contrast=None,
        spacing=26.0,
        about=About("the clinic", "", "", synthetic=False),
    )


def split(slices: Slices, seed: int = 0) -> dict[str, set[str]]:
    """Who is in each split; a split that raises has nobody."""
    found = {}
    for name in splits.SPLITS:
        with warnings.catch_warnings(action="ignore"):
            try:
                found[name] = set(splits.by_subject(slices, name, seed).subjects)
            except InputError:
                found[name] = set()
    return found


COUNTS = st.fixed_dictionaries({kind: st.integers(0, 12) for kind in KINDS})


@settings(deadline=None, max_examples=25)
@given(counts=COUNTS, seed=st.integers(0, 2**32))
def test_nobody_is_in_two_splits_and_nobody_is_lost(counts, seed):
    slices = people(**counts)
    found = split(slices, seed)
    for one, other in itertools.combinations(found.values(), 2):
        assert not one & other
    if len(set(slices.subjects)) > 1:
        assert set().union(*found.values()) == set(slices.subjects)
    for name in ("train", "val"):
        if found[name]:
            with warnings.catch_warnings(action="ignore"):
                part = splits.by_subject(slices, name, seed)
            assert not part.masks.any()
            assert set(part.labels) <= {"healthy", "unknown"}


@settings(deadline=None, max_examples=25)
@given(counts=COUNTS, seed=st.integers(0, 2**32))
def test_the_order_of_files_does_not_matter_and_the_seed_does(counts, seed):
    slices = people(**counts)
    shuffled = slices[np.random.default_rng(seed % 99).permutation(len(slices))]
    assert split(slices, seed) == split(shuffled, seed)
    everyone = people(well=40)
    assert split(everyone, seed) != split(everyone, seed + 1)


def test_the_interpreters_own_hash_does_not_matter():
    code = "from test_splits import people, split; print([sorted(who) for who in split(people(well=9)).values()])"
    path = os.pathsep.join(sys.path)
    env = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": path}  # here it is drawn anew each time
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    assert out.strip() == str([sorted(who) for who in split(people(well=9)).values()])


def test_shares_are_as_promised():
    sizes = {name: len(who) for name, who in split(people(well=100)).items()}
    assert sizes == {"train": 60, "val": 10, "labelled": 10, "dev": 10, "test": 10}
    found = split(people(well=50, unsaid=50, ill=50, marked=50))
    sizes = {name: len(who) for name, who in found.items()}
    assert sizes == {"train": 60, "val": 10, "labelled": 50, "dev": 30, "test": 50}
    assert not any(name.startswith(("ill", "marked")) for name in found["train"] | found["val"])
    assert {name: len(who) for name, who in split(people(partly=100)).items()} == splits.PARTLY
    assert {name: len(who) for name, who in split(people(ill=5)).items() if who} == {"labelled": 2, "dev": 1, "test": 2}


def test_healthy_slices_of_patients_are_taken_with_a_warning_where_nobody_is_well():
    slices = people(partly=10, ill=4)
    with pytest.warns(UserWarning, match="slices of patients"):
        train = splits.by_subject(slices, "train")
    assert set(train.labels) == {"healthy"}
    assert len(train) == len(set(train.subjects)) == 5
    assert len(splits.by_subject(slices, "test")) == 2 * (1 + 2 + 1)  # 15 % of 10 and 40 % of 4, with all their slices


def test_people_of_whom_nothing_is_said_are_taken_as_well_with_a_warning():
    with pytest.warns(UserWarning, match="nothing says whether 10 subjects of the 10 without a finding are healthy"):
        splits.by_subject(people(unsaid=10, marked=10), "train")
    with warnings.catch_warnings(action="error"):
        splits.by_subject(people(unsaid=10, marked=10), "test")
    with pytest.warns(UserWarning, match="nothing says whether 10 subjects of the 10"):
        splits.by_subject(people(unsaid=10), "train")


@pytest.mark.parametrize(
    ("counts", "name", "says"),
    [
        ({"well": 1}, "train", "has one subject, which cannot be split; leave split out"),
        ({"ill": 9}, "train", "has no healthy slice.*only the labels tumour; write healthy"),
        ({"ill": 9}, "val", "has no healthy slice"),
        ({"well": 2}, "val", "has 2 subjects with healthy slices, too few for a val"),
        ({"well": 1, "ill": 4}, "val", "has one subject with healthy slices"),
        ({"well": 2}, "dev", "has 2 subjects, too few for a dev"),
        ({}, "test", "has 0 subjects"),
        ({"well": 9}, "held out", "split must be one of"),
    ],
)
def test_a_split_that_would_have_nobody_says_what_is_wanting(counts, name, says):
    with pytest.raises(InputError, match=says):
        splits.by_subject(people(**counts), name)


@pytest.mark.realdata
def test_real_older_adults_are_split_with_the_healthy_in_train(real_data):
    whole = images.load(real_data / "oasis_t1_slices", 16, where={"level": ["15", "20"]})
    found = split(whole)
    assert {name: len(who) for name, who in found.items()} == {
        "train": 48,
        "val": 8,
        "labelled": 8 + 28,
        "dev": 8 + 14,
        "test": 8 + 29,
    }
    assert all(name.startswith("healthy") for name in found["train"] | found["val"])


@pytest.mark.realdata
def test_real_tumours_are_split_by_group_and_have_nothing_to_train_on(real_data):
    table = images._index(real_data / "cheng_t1ce_tumours")
    some = set({row["group"]: row["file"] for row in table}.values())  # the last picture of each group
    whole = images.load(real_data / "cheng_t1ce_tumours", 16, where={"file": some})
    found = split(whole)
    assert not found["train"] | found["val"]
    assert len(found["labelled"] | found["dev"] | found["test"]) == len(set(whole.subjects)) > 40
    with pytest.raises(InputError, match="no healthy slice"):
        splits.by_subject(whole, "train")


@pytest.mark.realdata
def test_two_real_patients_are_split_or_told_to_be_too_few(real_data):
    with warnings.catch_warnings(action="ignore"):
        test = data.load(real_data / "ms_lesions_mni", "test", "FLAIR", size=32)
        whole = data.load(real_data / "ms_lesions_mni", contrast="FLAIR", size=32)
        train = splits.by_subject(whole, "train")
        assert set(test.subjects) | set(train.subjects) == {"patient07", "patient26"}
        assert not train.masks.any()
        with pytest.raises(InputError, match="too few for a val"):
            splits.by_subject(whole, "val")
