"""From a scan to slices and back to the scan's own grid, on made-up and on real brains."""

import itertools
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from made_up import CENTRE, GRIDS, MARKER, centre_of, load, made_up, saved, turned
from scipy import ndimage

from brainlab import InputError, filenames, geometry, planes, volumes


@pytest.fixture(params=GRIDS)
def scan(request, tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "case07_flair.nii.gz", *made_up(GRIDS[request.param])))


@pytest.fixture
def plain(tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "plain.nii.gz", *made_up(GRIDS["RAS"])))


def test_slices_are_what_a_model_takes(scan):
    cut = volumes.slices(scan)
    assert cut.images.shape == cut.masks.shape == cut.brain.shape == (16, 1, 64, 64)
    assert cut.images.dtype == torch.float32
    assert cut.brain.dtype == cut.masks.dtype == torch.bool
    assert 0 <= cut.images.min() < cut.images.max() <= 1
    assert cut.images[~cut.brain].max() == 0
    assert cut.brain.flatten(1).sum(1).min() > 300
    assert (cut.subjects[0], cut.contrast, cut.labels[0]) == ("case07", "FLAIR", "unknown")
    assert not cut.about.synthetic


def test_slices_of_one_brain_are_alike_on_every_grid(tmp_path):
    cuts = [volumes.slices(volumes.read(saved(tmp_path / "a.nii.gz", *made_up(axes)))) for axes in GRIDS.values()]
    for cut in cuts[1:]:
        np.testing.assert_allclose(cut.position_mm, cuts[0].position_mm, atol=2.5)  # the box is known to a voxel
        np.testing.assert_allclose(cut.affine[:, :2, 3], cuts[0].affine[:, :2, 3], atol=2.5)
        assert (cut.images - cuts[0].images).abs().mean() < 0.04


def test_default_positions_cover_the_same_part_of_the_brain_as_a_phantoms(plain):
    positions = volumes.slices(plain).position_mm
    low, high = CENTRE[2] - 60, CENTRE[2] + 60  # the made-up brain
    np.testing.assert_allclose(positions[[0, -1]], [low + 0.25 * 120, low + 0.85 * 120], atol=3)
    assert (np.diff(positions) > 0).all()
    assert high > positions[-1]


def test_a_slices_affine_says_where_its_pixels_are(scan):
    cut = volumes.slices(scan, size=104, positions_mm=[MARKER[2]])
    row, column = np.argwhere(cut.images[0, 0].numpy() > 0.9).mean(axis=0)
    np.testing.assert_allclose(cut.affine[0] @ [row, column, 0, 1], [*MARKER, 1], atol=0.8)


def test_lesions_of_another_grid_become_masks_and_labels(scan, tmp_path):
    data, affine = made_up(GRIDS["LAS"])
    lesions = volumes.read(saved(tmp_path / "lesion.nii", (data > 250).astype(np.uint8), affine))
    cut = volumes.slices(scan, positions_mm=[-20, MARKER[2], 50], lesions=lesions)
    assert cut.labels == ("healthy", "lesion", "healthy")
    row, column = np.argwhere(cut.masks[1, 0].numpy()).mean(axis=0)
    np.testing.assert_allclose((cut.affine[1] @ [row, column, 0, 1])[:2], MARKER[:2], atol=1.5)


@pytest.mark.parametrize("positions", [[], [500], [0, np.nan], [-200, 0], "a", ["a"], {}, [[1], [2, 3]]])
def test_positions_beside_the_brain_are_refused(plain, positions):
    with pytest.raises(InputError, match=r"-5\d to 6\d mm"):
        volumes.slices(plain, positions_mm=positions)


@pytest.mark.parametrize("size", [64.0, "64", None, 4, 5000])
def test_a_size_that_no_picture_can_have_is_refused(plain, size):
    with pytest.raises(InputError, match="size must be a whole number of pixels from 8 to 1024"):
        volumes.slices(plain, size=size)


def test_a_mask_without_a_lesion_says_that_a_person_is_healthy(plain, tmp_path):
    data, affine = made_up(GRIDS["LAS"])
    empty = saved(tmp_path / "lesion.nii", np.zeros(data.shape, np.uint8), affine)
    with pytest.raises(InputError, match=r"every voxel is 0; .*mask=True"):
        volumes.read(empty)
    cut = volumes.slices(plain, lesions=volumes.read(empty, mask=True))
    assert set(cut.labels) == {"healthy"}
    assert not cut.masks.any()
    full = saved(tmp_path / "full.nii", np.ones(data.shape, np.uint8), affine)
    with pytest.raises(InputError, match=r"every voxel is 1; check that it is the right file\.$"):
        volumes.read(full, mask=True)


@pytest.mark.parametrize(
    ("name", "subject", "contrast"),
    [
        ("patient07/FLAIR.nii.gz", "patient07", "FLAIR"),
        ("patient07/T1POST.nii.gz", "patient07", "T1ce"),
        ("sub-12/anat/sub-12_ses-1_T1w.nii.gz", "sub-12", "T1w"),
        ("x/IXI002-Guys-0828-T1.nii.gz", "IXI002-Guys-0828", "T1w"),
        ("x/case07_flair.nii", "case07", "FLAIR"),
        ("p01/T1_bet.nii.gz", "p01", "T1w"),
        ("p02/T1_bet.nii.gz", "p02", "T1w"),
        ("p02/bet/T2-brain_mask.nii.gz", "p02", "T2w"),
        ("case07_T1_stripped.nii.gz", "case07", "T1w"),
        ("bert/mri/norm.mgz", "bert", None),
        ("anna/mri/norm.mgz", "anna", None),
        ("bert/mri/T1.mgz", "bert", "T1w"),
        ("sub-01/anat/FLAIR.nii.gz", "sub-01", "FLAIR"),
        ("sub-01/ses-2/anat/p_T1w.nii.gz", "sub-01", "T1w"),
        ("anna/ses-2/anat/T1w.nii.gz", "anna", "T1w"),
        ("patient07/FLAIR_in_T1.nii.gz", "patient07", "FLAIR"),
        ("patient07_stripped/FLAIR.nii.gz", "patient07", "FLAIR"),
        ("x/brain.mgz", "x", None),
        ("/brain.mgz", "brain", None),
        ("x/OAS1_0001_MR1.img", "OAS1_0001", None),
    ],
)
def test_a_files_name_says_whose_it_is_and_what(name, subject, contrast):
    assert filenames.subject_and_contrast(Path(name)) == (subject, contrast)


def test_a_marker_comes_back_to_its_place_in_the_files_own_grid(scan):
    cut = volumes.slices(scan, size=104, positions_mm=np.arange(-10, 41, 3))
    back = volumes.to_volume(cut.images, cut, scan)
    assert back.shape == scan.original.shape
    np.testing.assert_allclose(centre_of(back > 0.9, scan.original.affine), MARKER, atol=1.5)  # half a voxel
    stored = np.asarray(load(scan.path).dataobj)
    tissue: Any = ndimage.binary_erosion((back > 0) & (stored < 250), iterations=2)
    assert np.corrcoef(back[tissue], stored[tissue])[0, 1] > 0.95
    bright = volumes.to_volume(cut.images > 0.9, cut, scan)
    assert bright.dtype == bool
    assert 0.5 < bright.sum() / (stored > 250).sum() < 1.2


def test_slices_may_come_in_any_order(plain):
    cut = volumes.slices(plain)
    mixed = cut[np.random.default_rng(0).permutation(16)]
    there, back = (volumes.to_volume(one.images, one, plain) for one in (cut, mixed))
    np.testing.assert_array_equal(there, back)


def test_where_no_slice_reaches_a_volume_is_zero(plain):
    cut = volumes.slices(plain, positions_mm=[0, 10, 20])
    ones = volumes.to_volume(torch.ones_like(cut.images), cut, plain)
    heights = plain.affine[2, 2] * np.arange(ones.shape[2]) + plain.affine[2, 3]
    covered = np.flatnonzero(ones.any(axis=(0, 1)))
    np.testing.assert_array_equal(covered, np.flatnonzero((heights >= -1.5) & (heights <= 21.5)))
    np.testing.assert_allclose(ones[5:-5, 5:-5][:, :, covered], 1)


def test_a_single_slice_fills_the_voxels_it_runs_through(plain):
    cut = volumes.slices(plain, positions_mm=[7.0])
    assert (volumes.to_volume(cut.images, cut, plain).any(axis=(0, 1))).sum() == 1


def test_large_voxels_take_the_mean_of_the_pixels_in_them():
    maps = np.zeros((1, 208, 208), dtype=np.float32)
    maps[0, ::2] = 1  # rows of 1 mm
    affine = np.diag([6.0, 6.0, 6.0, 1.0])
    affine[:3, 3] = [-60, -60, 0]
    filled = planes.fill(maps, geometry.slice_affine(208, (0, 0, 0)), np.array([0.0]), (20, 20, 1), affine)
    np.testing.assert_allclose(filled, 0.5, atol=0.01)


def test_maps_that_do_not_belong_to_one_scan_are_refused(plain):
    cut = volumes.slices(plain)
    with pytest.raises(InputError, match="one map a slice"):
        volumes.to_volume(cut.images[:3], cut, plain)
    with pytest.raises(InputError, match="of one scan"):
        volumes.to_volume(cut.images[[0, 0]], cut[[0, 0]], plain)


REAL = [f"patient{p}/{c}.nii.gz" for p, c in itertools.product(("07", "26"), ("FLAIR", "T1", "T2", "T1POST"))]


@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_a_real_stripped_scan_is_read_as_a_brain(real_data, name):
    scan = volumes.read(real_data / "ms_lesions_mni" / name)
    assert nib.aff2axcodes(scan.affine) == ("R", "A", "S")
    brain = volumes.brain_mask(scan)
    assert 1000 < brain.sum() / 1000 < 1300  # ml, at 1 mm
    cut = volumes.slices(scan)
    assert cut.images.shape == (16, 1, 64, 64)
    assert 0.2 < cut.images[cut.brain].mean() < 0.7


@pytest.mark.realdata
@pytest.mark.parametrize("way", ["as it is", "permuted", "flipped", "oblique"])
def test_a_map_of_a_real_scan_is_saved_in_its_own_space(real_data, tmp_path, way):
    image = load(real_data / "ms_lesions_mni" / "patient26" / "FLAIR.nii.gz")
    source, data = tmp_path / "FLAIR.nii.gz", np.asarray(image.dataobj)[::2, ::2, ::2]
    affine = image.affine @ np.diag([2, 2, 2, 1])
    if way == "permuted":
        data, affine = data.transpose(2, 0, 1), affine[:, [2, 0, 1, 3]]
    if way == "flipped":
        data, affine = (
            data[:, ::-1],
            affine @ np.array([[1, 0, 0, 0], [0, -1, 0, data.shape[1] - 1], [0, 0, 1, 0], [0, 0, 0, 1]]),
        )
    if way == "oblique":
        affine[:3] = turned(15, 8, 1.0) @ affine[:3]
    nib.save(nib.Nifti1Image(data, affine), source)
    scan = volumes.read(source)
    cut = volumes.slices(scan, size=104)
    result = load(volumes.save(tmp_path / "map.nii.gz", volumes.to_volume(cut.images, cut, scan), scan))
    np.testing.assert_array_equal(result.affine, load(source).affine)
    assert result.shape == data.shape
    back = result.get_fdata()
    both = (back > 0) & (data > 0)
    assert np.corrcoef(back[both], data[both])[0, 1] > 0.65  # slices are 5 mm apart: folds between them are lost


@pytest.mark.realdata
def test_real_lesions_show_where_the_flair_is_bright(real_data):
    patient = real_data / "ms_lesions_mni" / "patient26"
    cut = volumes.slices(volumes.read(patient / "FLAIR.nii.gz"), lesions=volumes.read(patient / "LESION.nii.gz"))
    assert cut.subjects[0] == "patient26"
    assert 5 <= cut.labels.count("lesion") <= 14
    assert cut.images[cut.masks].mean() > cut.images[cut.brain & ~cut.masks].mean() + 0.1
