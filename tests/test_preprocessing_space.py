"""Turning and resampling: a point of the patient stays where it is, whatever grid it is seen through."""

import nibabel as nib
import numpy as np
import pytest
from made_up import GRIDS, MARKER, centre_of, made_up, saved

from brainlab import InputError, preprocessing, volumes


@pytest.fixture(params=GRIDS)
def scan(request, tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "case07_T1w.nii.gz", *made_up(GRIDS[request.param])))


@pytest.fixture
def one(tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "case07_T1w.nii.gz", *made_up(GRIDS["LPI"])))


def marker(volume: volumes.Volume) -> np.ndarray:
    """World mm of the marker's middle, by its brightness."""
    bright = np.where(volume.data > 200, volume.data, 0)
    at = np.argwhere(bright)
    middle = (at * bright[tuple(at.T)][:, None]).sum(axis=0) / bright.sum()
    return volume.affine[:3, :3] @ middle + volume.affine[:3, 3]


def test_a_marker_keeps_its_world_coordinates_and_voxels_become_cubes(scan):
    mm = 4.0 if scan.data.size > 300_000 else 2.5  # coarser, and finer
    before = scan.data.copy()
    out = preprocessing.resample(scan, mm)
    assert np.allclose(out.affine[:3, :3], mm * np.eye(3))
    assert np.linalg.norm(marker(out) - MARKER) < 1.0
    assert out.data.dtype == np.float32
    assert (scan.data == before).all()
    assert out.original is scan.original


def test_results_on_a_resampled_scan_go_back_into_the_file(tmp_path):
    scan = volumes.read(saved(tmp_path / "case07_T1w.nii.gz", *made_up(GRIDS["PIR, uneven voxels"])))
    out = preprocessing.resample(scan, 3.0)
    slices = volumes.slices(out, size=72, positions_mm=np.arange(-20, 40, 3.0))
    back = volumes.to_volume(slices.images > 0.9, slices, out)
    assert back.shape == scan.original.shape
    assert np.linalg.norm(centre_of(back, scan.original.affine) - MARKER) < 2.5
    assert volumes.save(tmp_path / "found.nii.gz", back, out).exists()


def test_a_stripped_brain_keeps_its_size_its_brightness_at_the_edge_and_its_blank_air(one):
    brain = volumes.brain_mask(one)
    out = preprocessing.resample(one, 5.0)
    found = volumes.brain_mask(out)
    assert found.sum() * 125 == pytest.approx(brain.sum() * 27, rel=0.03)
    assert out.data[found].min() > 0.9 * one.data[brain].min()  # air is not averaged in
    assert not out.data[~found].any()


def test_detail_finer_than_the_new_voxels_turns_into_its_mean_and_not_into_false_texture(one):
    stripes = one.data.copy()
    stripes[one.data > 0] = np.broadcast_to(100 + 90 * (-1.0) ** np.arange(stripes.shape[2]), stripes.shape)[
        one.data > 0
    ]
    out = preprocessing.resample(volumes.Volume(stripes, one.affine, one.path, one.original, one.about), 7.0)
    inner = preprocessing.resample(one, 7.0).data > 0
    inner &= np.abs(out.affine[2, 3] + 7 * np.arange(out.data.shape[2]) - 6) < 40
    assert out.data[inner].std() < 15  # of 90


def test_a_mask_stays_a_mask_of_the_same_size(one, tmp_path):
    mask = volumes.read(saved(tmp_path / "m.nii.gz", (one.data > 200).astype(np.float32), one.affine), mask=True)
    for mm in (1.5, 4.0):
        out = preprocessing.resample_mask(mask, mm)
        assert set(np.unique(out.data)) == {0, 1}
        assert out.data.sum() * mm**3 == pytest.approx(mask.data.sum() * 27, rel=0.25)
        assert np.linalg.norm(centre_of(out.data > 0, out.affine) - MARKER) < 1.5


def test_cubes_of_the_right_size_are_left_alone(tmp_path):
    same = volumes.read(saved(tmp_path / "a.nii.gz", *made_up(GRIDS["LAS"])))
    assert (preprocessing.resample(same, 3.0).data == same.data).all()


@pytest.mark.parametrize("mm", [0, 0.1, 20, float("nan"), "1"])
def test_an_impossible_width_is_told_so(one, mm):
    with pytest.raises(InputError, match=r"mm must be a voxel width from 0\.3 to 8 mm"):
        preprocessing.resample(one, mm)


def test_as_stored_is_the_files_own_array_in_a_naive_space(scan):
    stored = preprocessing.as_stored(scan)
    assert (stored.data == nib.load(scan.path).get_fdata(dtype=np.float32)).all()  # type: ignore[attr-defined]
    assert (stored.affine[:3, :3] == np.diag(np.diag(stored.affine[:3, :3]))).all()
    assert np.diag(stored.affine)[:3] == pytest.approx(np.linalg.norm(scan.original.affine[:3, :3], axis=0))


def test_a_program_that_ignores_the_header_exchanges_left_and_right(tmp_path):
    """The marker is on the patient's left; in an LAS file that is at high indices, which RAS calls right."""
    scan = volumes.read(saved(tmp_path / "a.nii.gz", *made_up(GRIDS["LAS"])))
    assert preprocessing.axes(scan.original.affine) == "LAS"
    assert marker(scan)[0] < 0 < marker(preprocessing.as_stored(scan))[0]
