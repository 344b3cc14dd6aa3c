"""A brain is cut out of a head, and what cannot be a brain is told so."""

import sys
import types
import warnings

import numpy as np
import pytest
from heads import with_skull
from made_up import saved

from brainlab import InputError, phantoms, preprocessing, volumes

MM = 3.0


@pytest.fixture(scope="module")
def subject():
    return phantoms.subject(3, spacing_mm=MM)


@pytest.fixture(scope="module")
def head(subject, tmp_path_factory) -> volumes.Volume:
    data = with_skull(phantoms.render(subject).numpy(), MM)
    return volumes.read(saved(tmp_path_factory.mktemp("scan") / "case07_T1w.nii.gz", data, subject.affine))


@pytest.fixture(scope="module")
def truth(subject) -> np.ndarray:
    return np.pad(subject.brain.numpy(), 10)


def test_deepbet_cuts_a_phantom_out_of_a_made_up_head(head, truth):
    pytest.importorskip("deepbet")
    before = head.data.copy()
    out = preprocessing.extract_brain(head)
    found = volumes.brain_mask(out)
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.93
    assert (head.data == before).all()
    assert (out.data[found] == head.data[found]).mean() > 0.99
    assert not out.data[~found].any()


@pytest.fixture
def deepbet_says(monkeypatch):
    """Put in deepbet's place what finds a given mask, however the volume lies."""

    def put(mask):
        class BrainExtraction:
            def __init__(self, no_gpu):
                assert no_gpu

            def run(self, image):
                if isinstance(mask, Exception):
                    raise mask
                return image, type(image)(mask.astype(np.uint8), image.affine), 0.0

        monkeypatch.setitem(sys.modules, "deepbet", types.SimpleNamespace(BrainExtraction=BrainExtraction))

    return put


def test_holes_in_what_deepbet_finds_are_brain(head, truth, deepbet_says):
    holed = truth.copy()
    middle = tuple(np.argwhere(truth).mean(axis=0).astype(int))
    holed[middle] = False
    deepbet_says(holed)
    assert (preprocessing.extract_brain(head).data[truth] == head.data[truth]).all()


@pytest.mark.parametrize("share", [0.3, 3.0])
def test_what_is_too_small_or_too_large_for_a_brain_is_told_so(head, truth, deepbet_says, share):
    ball = np.linalg.norm(np.indices(truth.shape).T - np.array(truth.shape) / 2, axis=-1).T
    deepbet_says(ball**3 < share * truth.sum() / (4 / 3 * np.pi))
    with pytest.raises(InputError, match=r"ml, which is no adult's brain.*T1-weighted.*SynthStrip"):
        preprocessing.extract_brain(head)


def test_a_brain_at_the_edge_of_the_volume_is_warned_of(head, truth, deepbet_says):
    deepbet_says(np.roll(truth, -np.flatnonzero(truth.any(axis=(0, 1)))[0], axis=2))
    with pytest.warns(UserWarning, match="touches the edge"):
        preprocessing.extract_brain(head)
    deepbet_says(truth)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        preprocessing.extract_brain(head)


def test_deepbet_that_finds_nothing_is_told_in_a_sentence(head, deepbet_says):
    deepbet_says(AssertionError("Not enough foreground"))
    with pytest.raises(InputError, match=r"finds no brain in .*HD-BET"):
        preprocessing.extract_brain(head)


def test_without_the_extra_a_sentence_says_what_is_missing_and_what_else_there_is(head, monkeypatch):
    monkeypatch.setitem(sys.modules, "deepbet", None)
    with pytest.raises(InputError, match=r"pip install 'brainlab\[brains\]'.*HD-BET, SynthStrip .* FSL's bet"):
        preprocessing.extract_brain(head)


@pytest.mark.realdata
def test_a_real_t1_brain_in_a_made_up_head_is_found(real_data, tmp_path):
    pytest.importorskip("deepbet")
    scan = volumes.read(real_data / "ms_lesions_mni" / "patient07" / "T1.nii.gz")
    brain = volumes.brain_mask(scan)[::2, ::2, ::2]
    unit = np.where(brain, volumes.normalise(scan.data[::2, ::2, ::2], brain), 0)
    head = saved(tmp_path / "p07_T1w.nii.gz", with_skull(unit, 2.0), scan.affine @ np.diag([2.0, 2, 2, 1]))
    found = volumes.brain_mask(preprocessing.extract_brain(volumes.read(head)))
    truth = np.pad(brain, 15)
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.93
