"""Pieces of a mask by its runs are those that scipy finds voxel by voxel; depth is the distance transform's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from brainlab import brainmask, pieces


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(*[st.integers(1, 12)] * 3), share=st.floats(0, 1))
def test_pieces_are_scipys(seed, shape, share):
    mask = np.random.default_rng(seed).random(shape) < share
    found = pieces.pieces(mask)
    labels, count = ndimage.label(mask)  # type: ignore[misc]
    assert len(found.voxels) == count
    for k in range(count):
        chosen = np.arange(count) == k
        (label,) = np.unique(labels.ravel()[found.where(chosen)])
        assert label > 0
        assert found.voxels[k] == (labels == label).sum()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(*[st.integers(2, 12)] * 3), share=st.floats(0.2, 0.95))
def test_holes_are_filled_as_scipy_fills_them(seed, shape, share):
    mask = np.random.default_rng(seed).random(shape) < share
    np.testing.assert_array_equal(brainmask._fill_holes(mask), ndimage.binary_fill_holes(mask))
    by_slice = [np.asarray(ndimage.binary_fill_holes(mask[:, :, k])) for k in range(shape[2])]
    np.testing.assert_array_equal(brainmask._fill_axial(mask), np.stack(by_slice, axis=2))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(*[st.integers(2, 14)] * 3), most=st.floats(3, 40))
def test_depth_is_the_distance_transform_as_far_as_it_is_asked_for(seed, shape, most):
    rng = np.random.default_rng(seed)
    mask, mm = rng.random(shape) < 0.97, rng.uniform(1, 4, 3)
    mask.reshape(-1)[rng.integers(mask.size)] = False
    depth = brainmask._depth(mask, mm, most)
    exact = np.asarray(ndimage.distance_transform_edt(mask, sampling=mm))
    near = exact < most
    np.testing.assert_allclose(depth[near], exact[near], atol=1e-4)
    assert (depth[~near] >= most - 1e-3).all()
