"""A set of slices stays one: whatever is picked, every field is picked alike."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from brainlab import InputError, geometry
from brainlab.slices import About, Slices, joined

N = 6


@pytest.fixture
def six() -> Slices:
    images = torch.arange(N, dtype=torch.float32).reshape(N, 1, 1, 1).expand(N, 1, 4, 4) / N
    return Slices(
        images=images,
        masks=images > 0.5,
        brain=torch.ones(N, 1, 4, 4, dtype=torch.bool),
        subjects=("a", "a", "b", "b", "c", "c"),
        labels=("healthy", "tumour") * 3,
        position_mm=np.arange(N) * 5.0,
        visit=("healthy", "tumour-hypo") * 3,
        affine=np.stack([geometry.slice_affine(4, (0, 0, z)) for z in range(N)]),
        contrast="T1w",
        spacing=52.0,
        about=About("made up", "CC0", "nobody", synthetic=True),
        factors={"age": np.arange(N) * 10.0},
    )


def assert_picked(picked: Slices, six: Slices, index: list[int]) -> None:
    assert len(picked) == len(index)
    for one in fields(Slices):
        got, whole = getattr(picked, one.name), getattr(six, one.name)
        if one.name in ("contrast", "spacing", "about"):
            assert got == whole
        elif one.name == "factors":
            assert got["age"].tolist() == [10.0 * i for i in index]
        elif isinstance(whole, tuple):
            assert got == tuple(whole[i] for i in index)
        else:
            assert type(got) is type(whole)
            assert np.array_equal(np.asarray(got), np.asarray(whole)[index])


@pytest.mark.parametrize(
    ("chosen", "index"),
    [
        (2, [2]),
        (-1, [5]),
        (np.int64(3), [3]),
        (slice(1, 4), [1, 2, 3]),
        (slice(None, None, -2), [5, 3, 1]),
        ([4, 0], [4, 0]),
        ([], []),
        ([True, False, False, True, False, False], [0, 3]),
        (np.array([False] * N), []),
        (np.array([1, 1]), [1, 1]),
        (torch.tensor([5, 2]), [5, 2]),
        (torch.tensor([False, True, False, False, False, False]), [1]),
        (torch.tensor(4), [4]),
    ],
    ids=str,
)
def test_an_index_picks_the_same_entries_of_every_field(six, chosen, index):
    assert_picked(six[chosen], six, index)


def test_slices_can_be_walked_one_by_one(six):
    assert [one.subjects[0] for one in six] == list(six.subjects)


@pytest.mark.parametrize("chosen", [6, -7, [0, 6]])
def test_an_index_beyond_the_end_is_an_error(six, chosen):
    with pytest.raises(IndexError):
        six[chosen]


def test_where_keeps_what_equals_all_that_is_asked(six):
    assert_picked(six.where(labels="tumour"), six, [1, 3, 5])
    assert_picked(six.where(subjects="b", visit="healthy"), six, [2])
    assert len(six.where(labels="healthy", visit="tumour-hypo")) == 0
    assert len(six[[]].where(visit="tumour-hypo")) == 0
    assert len(six.where()) == N


def test_where_refuses_a_value_that_no_slice_has_and_names_those_there_are(six):
    with pytest.raises(InputError, match=r"No slice has visit='tumor-hypo'; there are healthy, tumour-hypo\."):
        six.where(visit="tumor-hypo")
    many = replace(six[[0] * 30], subjects=tuple(f"s{k:02d}" for k in range(30)))
    with pytest.raises(InputError, match=r"there are s00, .*, s19 and 10 more\.$"):
        many.where(subjects="nobody")


def test_where_says_which_fields_it_knows(six):
    for wrong in ({"label": "tumour"}, {"contrast": "T1w"}, {"images": "x"}):
        with pytest.raises(InputError, match=r"subjects.*labels.*visit"):
            six.where(**wrong)


@pytest.mark.parametrize("name", ["subjects", "labels", "visit", "position_mm", "affine", "masks", "brain"])
def test_a_field_of_another_length_is_refused_by_name(six, name):
    with pytest.raises(InputError, match=rf"Slices.{name} has 5 entries for 6 images"):
        replace(six, **{name: getattr(six, name)[:5]})


def test_factors_of_another_length_are_refused_by_name(six):
    with pytest.raises(InputError, match=r"factors.*age"):
        replace(six, factors={"age": np.arange(5.0)})


def test_factors_may_be_missing(six):
    assert replace(six, factors=None)[1:3].factors is None


def test_parts_joined_are_the_whole_again(six):
    whole = joined([six[:2], six[2:3], six[3:]])
    for one in fields(Slices):
        got, wanted = getattr(whole, one.name), getattr(six, one.name)
        if one.name == "factors":
            assert got is None
        elif isinstance(wanted, torch.Tensor | np.ndarray):
            assert type(got) is type(wanted)
            assert np.array_equal(np.asarray(got), np.asarray(wanted))
        else:
            assert got == wanted


def test_slices_of_another_contrast_or_size_and_none_at_all_are_not_joined(six):
    with pytest.raises(InputError, match="contrast, shape and spacing agree"):
        joined([six, replace(six, contrast="FLAIR")])
    small = replace(six, images=six.images[..., :2, :2])
    with pytest.raises(InputError, match="contrast, shape and spacing agree"):
        joined([six, small])
    with pytest.raises(InputError, match="at least one set"):
        joined([])
