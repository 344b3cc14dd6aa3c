"""Planes of any volume lie as geometry says and show means, not points."""

import numpy as np
import pytest
from made_up import CENTRE, GRIDS, MARKER, made_up, saved

from brainlab import InputError, geometry, planes, volumes


@pytest.fixture(params=GRIDS)
def scan(request, tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "case07_flair.nii.gz", *made_up(GRIDS[request.param])))


@pytest.fixture
def plain(tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "plain.nii.gz", *made_up(GRIDS["RAS"])))


@pytest.mark.parametrize("plane", geometry.PLANES)
@pytest.mark.parametrize("size", [64, 208])
def test_the_marker_shows_where_geometry_says_on_any_grid(scan, plane, size):
    through = geometry.PLANES[plane].through
    image = volumes.plane(scan.data, scan.affine, plane, MARKER[through], size, CENTRE)
    assert image.shape == (size, size)
    assert image.dtype == np.float32
    row, column = np.argwhere(image > 200).mean(axis=0)
    centre = CENTRE.copy()
    centre[through] = MARKER[through]
    found = geometry.slice_affine(size, centre, plane) @ [row, column, 0, 1]
    np.testing.assert_allclose(found[:3], MARKER, atol=1.5)  # half a voxel; see the ramp below


def test_the_patients_left_is_on_the_images_right_and_anterior_on_top(scan):
    image = volumes.plane(scan.data, scan.affine, "axial", MARKER[2], 64, CENTRE)
    row, column = np.argwhere(image > 200).mean(axis=0)
    assert column > 32  # the marker lies in the patient's left
    assert row < 32  # and in front
    coronal = volumes.plane(scan.data, scan.affine, "coronal", MARKER[1], 64, CENTRE)
    row, column = np.argwhere(coronal > 200).mean(axis=0)
    assert column > 32
    assert row < 32  # superior on top
    sagittal = volumes.plane(scan.data, scan.affine, "sagittal", MARKER[0], 64, CENTRE)
    assert np.argwhere(sagittal > 200).mean(axis=0)[1] < 32  # anterior on the left


def test_an_upright_plane_is_the_array_itself_turned():
    data = np.random.default_rng(0).random((208, 208, 5), np.float32)
    affine = np.eye(4)
    image = volumes.plane(data, affine, "axial", 3.0, 208)
    np.testing.assert_allclose(image, data[:, :, 3].T[::-1, ::-1], rtol=1e-6)


@pytest.mark.parametrize("plane", geometry.PLANES)
@pytest.mark.parametrize("size", [40, 64, 104, 208])
def test_the_quick_way_for_upright_grids_equals_the_general_one(plane, size):
    rng = np.random.default_rng(1)
    data = rng.random((50, 70, 40), np.float32)
    affine = np.diag([3.1, -2.3, 4.0, 1.0])
    affine[:3, 3] = [-70, 85, -66]
    centre = np.array([1.7, -3.2, 5.1])
    quick, general = (cut(data, affine, plane, size, centre) for cut in (planes._straight_cut, planes._oblique_cut))
    # The general way takes as many samples in both directions as the finer voxel needs, so only then are they equal.
    np.testing.assert_allclose(quick, general, atol=1e-5 if geometry.pixel_mm(size) <= 2.3 else 0.12)


def test_a_large_pixel_shows_the_mean_of_its_voxels_not_one_of_them():
    """Stripes of 1 mm under 3.25 mm pixels are grey; a single point a pixel would alias them into broad bands."""
    stripes = np.zeros((208, 208, 3), dtype=np.float32)
    stripes[::2] = 1
    image = volumes.plane(stripes, np.eye(4), "axial", 1.0, 64)
    assert np.abs(image[4:-4, 4:-4] - 0.5).max() < 0.13  # the mean of 3.25 stripes lies within 0.5 / 3.25 of a half
    point = planes._weights(208, 1.0, 0.0, 64, 103.5)
    assert point.sum(axis=1)[1:-1] == pytest.approx(1, abs=1e-5)


def test_the_sum_of_a_small_bright_voxel_is_kept():
    data = np.zeros((60, 60, 60), dtype=np.float32)
    data[30, 30, 30] = 1000
    for size in (32, 64):
        image = volumes.plane(data, np.eye(4), "axial", 30.0, size)
        assert image.sum() * geometry.pixel_mm(size) ** 2 == pytest.approx(1000, rel=0.15)


def test_a_mask_covers_the_pixels_it_fills_by_half():
    data = np.zeros((208, 208, 2), dtype=bool)
    data[10:19, 100:150] = True  # under pixels of 8 mm: 6 of 8 in the one over x 8 to 15, 3 of 8 over x 16 to 23
    image = volumes.plane(data, np.eye(4), "axial", 0.0, 26)
    assert image.dtype == bool
    assert (25 - np.flatnonzero(image.any(axis=0))).tolist() == [1]  # columns run against x


def test_between_two_slices_a_plane_is_interpolated_and_beyond_the_volume_it_is_zero():
    data = np.stack([np.full((60, 60), value, np.float32) for value in (10, 20, 40)], axis=2)
    affine = np.diag([4.0, 4.0, 5.0, 1.0])
    middle = [volumes.plane(data, affine, "axial", z, 32)[16, 16] for z in (0, 2.5, 5, 9, 12.5, 30, -30)]
    np.testing.assert_allclose(middle, [10, 15, 20, 36, 20, 0, 0], rtol=1e-5)


def ramp(points: np.ndarray) -> np.ndarray:
    """A brightness that rises evenly through space: whatever is resampled, each value must be that of its place."""
    return points @ [0.7, -1.3, 2.1]


def places(shape, affine: np.ndarray) -> np.ndarray:
    """World mm (..., 3) of every point of a grid of two or three axes."""
    index = np.moveaxis(np.indices(shape), 0, -1)
    return index @ affine[:3, : index.shape[-1]].T + affine[:3, 3]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("plane", geometry.PLANES)
def test_every_pixel_shows_its_own_place(grid, plane):
    data, affine = made_up(GRIDS[grid])
    image = volumes.plane(ramp(places(data.shape, affine)).astype(np.float32), affine, plane, size=61, centre_mm=CENTRE)
    truth = ramp(places((61, 61), geometry.slice_affine(61, CENTRE, plane)))
    np.testing.assert_allclose(image[20:-20, 20:-20], truth[20:-20, 20:-20], atol=1e-3)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("size", [64, 104, 208])
def test_every_voxel_that_maps_fill_shows_its_own_place(grid, size):
    data, affine = made_up(GRIDS[grid])
    heights = np.array([-30.0, -21, -14, 0, 8, 26])
    upright = [geometry.slice_affine(size, (*CENTRE[:2], z)) for z in heights]
    maps = np.stack([ramp(places((size, size), one)) for one in upright])
    filled = planes.fill(maps, upright[0], heights, data.shape, affine)
    x, y, z = np.moveaxis(places(data.shape, affine), -1, 0)
    inside = (np.abs(x - CENTRE[0]) < 90) & (np.abs(y - CENTRE[1]) < 90) & (z > -30) & (z < 26)
    np.testing.assert_allclose(filled[inside], ramp(places(data.shape, affine))[inside], atol=1e-3)


def test_a_plane_that_cannot_be_is_refused(plain):
    with pytest.raises(InputError, match="axial, coronal, sagittal"):
        volumes.plane(plain.data, plain.affine, "transverse")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="3 dimensions"):
        volumes.plane(plain.data[0], plain.affine)
    with pytest.raises(InputError, match="size"):
        volumes.plane(plain.data, plain.affine, size=0)
