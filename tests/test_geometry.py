"""One geometry: which way images lie, what they span, and where slices are taken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainlab import InputError, geometry


def world(affine: np.ndarray, row: float, column: float) -> np.ndarray:
    return (affine @ [row, column, 0, 1])[:3]


@pytest.mark.parametrize("plane", geometry.PLANES)
@pytest.mark.parametrize("size", [32, 64, 65, 208])
def test_a_slice_spans_the_field_of_view_around_its_centre(plane, size):
    centre = np.array([3.0, -17.0, 12.0])
    affine = geometry.slice_affine(size, centre, plane)
    first, last = world(affine, -0.5, -0.5), world(affine, size - 0.5, size - 0.5)  # outer corners of corner pixels
    np.testing.assert_allclose((first + last) / 2, centre)
    axes = geometry.PLANES[plane]
    np.testing.assert_allclose((first - last)[[axes.rows, axes.columns]], geometry.FIELD_OF_VIEW_MM)
    assert (first - last)[axes.through] == 0


@pytest.mark.parametrize("plane", geometry.PLANES)
def test_along_every_image_axis_the_world_coordinate_falls(plane):
    affine = geometry.slice_affine(64, (0, 0, 0), plane)
    axes = geometry.PLANES[plane]
    assert world(affine, 0, 0)[axes.rows] > world(affine, 1, 0)[axes.rows]
    assert world(affine, 0, 0)[axes.columns] > world(affine, 0, 1)[axes.columns]


@pytest.mark.parametrize("plane", geometry.PLANES)
def test_the_letters_at_the_edges_say_where_the_edges_are(plane):
    """R, A and S are where x, y and z are high; L, P and I where they are low."""
    affine = geometry.slice_affine(64, (0, 0, 0), plane)
    middle = 31.5
    edges = [(0, middle), (63, middle), (middle, 0), (middle, 63)]  # top, bottom, left, right
    for letter, (row, column) in zip(geometry.EDGES[plane], edges, strict=True):
        axis, sign = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}[letter]
        assert sign * world(affine, row, column)[axis] > 100


def test_an_axial_slice_has_the_patients_left_on_its_right():
    affine = geometry.slice_affine(64, (0, 0, 0), "axial")
    assert world(affine, 31.5, 63)[0] < 0 < world(affine, 31.5, 0)[0]  # x is negative on the patient's left


def test_a_bounding_box_is_that_of_the_voxel_centres():
    mask = np.zeros((10, 12, 8), dtype=bool)
    mask[2:5, 3:11, 6] = True  # x 2..4, y 3..10, z 6
    affine = np.diag([-2.0, 1.0, 3.0, 1.0])
    affine[:3, 3] = [10, -5, 1]
    np.testing.assert_allclose(geometry.bounding_box(mask, affine), [[2, -2, 19], [6, 5, 19]])  # x: 10-2*4 to 10-2*2
    np.testing.assert_allclose(geometry.bounding_box_centre(mask, affine), [4, 1.5, 19])


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_bounding_box_holds_exactly_the_mask_on_any_grid(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((6, 5, 7)) > 0.9
    mask[tuple(rng.integers((6, 5, 7)))] = True
    affine = np.eye(4)
    affine[:3] = rng.normal(size=(3, 4))
    points = np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]
    np.testing.assert_allclose(geometry.bounding_box(mask, affine), [points.min(0), points.max(0)])


def test_an_empty_mask_has_no_bounding_box():
    with pytest.raises(InputError, match="empty"):
        geometry.bounding_box_centre(np.zeros((3, 3, 3), dtype=bool), np.eye(4))


def test_axial_positions_are_evenly_spaced_over_the_span_of_the_brain():
    mask = np.zeros((4, 4, 101), dtype=bool)
    mask[1:3, 1:3, :] = True
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[2, 3] = -40  # z from -40 to 60: 25 % is -15, 85 % is 45
    np.testing.assert_allclose(geometry.axial_positions(mask, affine, 7), [-15, -5, 5, 15, 25, 35, 45])
    assert len(geometry.axial_positions(mask, affine)) == 16


def test_pixels_have_the_promised_width():
    assert [geometry.pixel_mm(size) for size in (64, 104, 208)] == [3.25, 2.0, 1.0]
