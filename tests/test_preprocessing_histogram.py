"""Rank is laid on rank, and what that does to a lesion is as the docstring says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import GRIDS, made_up, saved

from brainlab import InputError, intensity, preprocessing, volumes


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> volumes.Volume:
    return volumes.read(saved(tmp_path_factory.mktemp("scan") / "a_T1w.nii.gz", *made_up(GRIDS["RAS"])))


@pytest.fixture(scope="module")
def brain(scan) -> np.ndarray:
    return volumes.brain_mask(scan)


def of(scan: volumes.Volume, data: np.ndarray) -> volumes.Volume:
    return replace(scan, data=data.astype(np.float32))


@settings(deadline=None, max_examples=10)
@given(st.floats(0.2, 5), st.floats(0.5, 1.5))
def test_a_scan_of_other_units_and_contrast_comes_back_to_what_it_was(scan, brain, gain, gamma):
    other = of(scan, gain * scan.data**gamma)
    back = preprocessing.match_histogram(other, brain, scan, brain)
    inner = brain & (scan.data < np.percentile(scan.data[brain], 99)) & (scan.data > np.percentile(scan.data[brain], 1))
    assert np.abs(back.data[inner] - scan.data[inner]).max() < 2  # of 70 to 130
    assert not back.data[~brain].any()


def test_order_is_kept_beyond_the_ends_too(scan, brain):
    dull = of(scan, np.where(brain, 50 + scan.data / 10, 0))
    out = preprocessing.match_histogram(dull, brain, scan, brain)
    order = np.argsort(dull.data[brain], kind="stable")
    assert (np.diff(out.data[brain][order]) >= -1e-3).all()
    assert out.data[brain].max() > np.percentile(scan.data[brain], 99.5)


def test_the_argument_stays_as_it_was_and_a_scan_matched_to_itself_does_not_change(scan, brain):
    before = scan.data.copy()
    out = preprocessing.match_histogram(scan, brain, scan, brain)
    assert (scan.data == before).all()
    assert np.allclose(out.data[brain], before[brain], atol=0.5)


def test_a_large_lesion_loses_its_contrast_as_the_docstring_warns(scan, brain):
    """A twelfth of the brain made brighter than all tissue lands in the healthy person's own range."""
    high = np.percentile(scan.data[brain], 98)
    healthy = of(scan, np.minimum(scan.data, high))
    sick = healthy.data.copy()
    lesion = brain & (np.arange(brain.shape[0])[:, None, None] > np.argwhere(brain)[:, 0].max() - 9)
    assert 0.05 < lesion.sum() / brain.sum() < 0.15
    sick[lesion] *= 2
    matched = preprocessing.match_histogram(of(scan, sick), brain, healthy, brain).data
    assert np.median(sick[lesion]) > 1.4 * np.percentile(sick[brain & ~lesion], 90)
    assert np.median(matched[lesion]) < 1.1 * high


def test_whole_numbers_with_few_values_are_matched(scan, brain):
    coarse = of(scan, np.round(scan.data / 40))
    assert np.isfinite(preprocessing.match_histogram(coarse, brain, scan, brain).data).all()


def test_masks_that_do_not_fit_are_told_so(scan, brain):
    with pytest.raises(InputError, match="mask of its shape"):
        preprocessing.match_histogram(scan, brain[1:], scan, brain)
    with pytest.raises(InputError, match="empty"):
        preprocessing.match_histogram(scan, brain, scan, np.zeros_like(brain))


def test_normalisation_is_the_kits_own():
    assert preprocessing.normalise is intensity.normalise
