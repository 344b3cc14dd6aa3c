"""The scan of lesson 07: what a practice scan must have wrong with it, and whatever SCAN may name, opened."""

import warnings

import nibabel as nib
import numpy as np
import pytest

from brainlab import InputError, brainmask, lessons, privacy, volumes
from brainlab.lessons import practice


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(practice, "GROWN_MM", 4.0)  # coarse, but grown in a moment
        return lessons.practice_scan(tmp_path_factory.mktemp("practice"))


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "my_lessons" / "answers.jsonl"))
    return tmp_path / "my_lessons"


@pytest.fixture(scope="module")
def scan(files):
    return volumes.read(files.path)


def test_the_practice_scan_lies_askew_in_flat_voxels_whose_axes_all_run_the_other_way(files):
    affine = volumes.read(files.path).original.affine
    assert nib.aff2axcodes(affine) == ("L", "P", "I")
    assert np.allclose(np.linalg.norm(affine[:3, :3], axis=0), (1.2, 1.2, 4.0), atol=1e-3)
    assert np.count_nonzero(np.abs(affine[:3, :3]) > 0.01) > 3  # oblique


def test_its_brightness_is_in_whole_arbitrary_numbers_and_the_same_tissue_is_twice_as_bright_near_a_coil(files, scan):
    image = nib.Nifti1Image.from_filename(files.path)
    assert image.get_data_dtype() == np.int16
    brain = volumes.brain_mask(scan)
    assert np.percentile(scan.data[brain], 99) > 500
    points = np.argwhere(brain) @ scan.affine[:3, :3].T + scan.affine[:3, 3]
    away = np.linalg.norm(points - practice.COILS_MM[0], axis=1)
    near, far = (np.median(scan.data[brain][part]) for part in (away < 70, away > 150))
    assert 1.5 < near / far < 2.5


def test_a_person_can_be_told_by_one_field_of_its_header_and_by_nothing_else(files):
    found = [one for one in privacy.reveals(files.path) if "folder" not in one.where]  # that is where the tests run
    assert [one.where for one in found] == ["header: descrip"]
    assert found[0].value == practice.SECRET


def test_its_brain_is_whole_and_blank_around_and_its_lesion_lies_in_it(files, scan):
    brain, lesion = volumes.brain_mask(scan), volumes.read(files.truth, mask=True).data > 0
    voxel_ml = abs(np.linalg.det(scan.affine[:3, :3])) / 1000
    assert 900 < brain.sum() * voxel_ml < 1800
    assert 5 < lesion.sum() * voxel_ml < 40
    assert (brain[lesion]).mean() > 0.95
    assert not any(brain.take(end, axis=axis).any() for axis in range(3) for end in (0, -1))


def test_it_is_grown_once_and_then_left_as_it_is(files):
    when = [one.stat().st_mtime_ns for one in files]
    assert lessons.practice_scan(files.path.parent) == files
    assert [one.stat().st_mtime_ns for one in files] == when


def test_with_a_skull_drawn_around_it_a_scan_is_refused_as_a_head(scan):
    head = lessons.with_skull(scan)
    with pytest.raises(brainmask.WholeHead):
        volumes.slices(head)
    brain = volumes.brain_mask(scan)
    assert np.array_equal(head.data[brain], scan.data[brain])


def test_without_a_path_the_practice_scan_is_opened_with_its_truth(files, monkeypatch):
    monkeypatch.setattr("brainlab.lessons.opening.practice_scan", lambda: files)
    for nothing in (None, ""):
        mine = lessons.open_scan(nothing)
        assert (mine.contrast, mine.practice, mine.path) == ("FLAIR", True, files.path)
        assert mine.truth is not None
        assert mine.truth.data.any()


def test_a_file_is_opened_and_the_mask_beside_it_found_by_its_name(files):
    mine = lessons.open_scan(files.path)
    assert (mine.contrast, mine.practice) == ("FLAIR", False)
    assert mine.truth is not None
    assert mine.truth.path == files.truth


def copied(files, folder, name, mask=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(files.path.read_bytes())
    if mask:
        (folder / mask).write_bytes(files.truth.read_bytes())
    return folder / name


def test_two_masks_or_another_persons_are_not_taken_for_the_truth(files, tmp_path):
    path = copied(files, tmp_path, "ada_FLAIR.nii.gz", "ben_lesion_mask.nii.gz")
    assert lessons.open_scan(path).truth is None
    copied(files, tmp_path, "ada_FLAIR.nii.gz", "ada_lesion_mask.nii.gz")
    assert lessons.open_scan(path).truth is not None
    copied(files, tmp_path, "ada_FLAIR.nii.gz", "ada_lesion_seg.nii.gz")
    assert lessons.open_scan(path).truth is None


def test_of_a_bids_folder_the_first_scan_is_taken_with_its_mask(files, tmp_path):
    anat = tmp_path / "sub-01" / "anat"
    first = copied(files, anat, "sub-01_FLAIR.nii.gz", "sub-01_label-lesion_mask.nii.gz")
    copied(files, tmp_path / "sub-02" / "anat", "sub-02_FLAIR.nii.gz")
    mine = lessons.open_scan(tmp_path)
    assert mine.path == first
    assert mine.truth is not None


def test_a_name_without_contrast_asks_for_one_and_takes_it(files, tmp_path):
    path = copied(files, tmp_path, "me.nii.gz")
    with pytest.raises(InputError, match=r'contrast="T1w"'):
        lessons.open_scan(path)
    assert lessons.open_scan(path, contrast="FLAIR").contrast == "FLAIR"


def test_a_contrast_without_networks_is_refused_in_a_sentence(files, tmp_path):
    with pytest.raises(InputError, match="T2w, and networks ship for T1w and FLAIR"):
        lessons.open_scan(copied(files, tmp_path, "me_T2w.nii.gz"))


def test_a_folder_of_dicom_is_read_as_such(files, scan, tmp_path, monkeypatch):
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM")
    monkeypatch.setattr("brainlab.dicom.read", lambda folder: scan)
    mine = lessons.open_scan(tmp_path)
    assert (mine.volume, mine.path, mine.truth) == (scan, tmp_path, None)


@pytest.mark.parametrize("named", ["nowhere/me_T1w.nii.gz", "nowhere"])
def test_what_is_not_there_is_refused_in_a_sentence(named, tmp_path):
    with pytest.raises(InputError):
        lessons.open_scan(tmp_path / named)


def test_nothing_is_written_beside_a_scan_that_is_opened(files, tmp_path):
    path = copied(files, tmp_path / "theirs", "ada_FLAIR.nii.gz", "ada_lesion_mask.nii.gz")
    before = sorted(one.name for one in path.parent.iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lessons.open_scan(path)
    assert sorted(one.name for one in path.parent.iterdir()) == before


@pytest.mark.realdata
def test_a_patients_scan_is_opened_with_the_lesions_that_radiologists_drew(real_data):
    mine = lessons.open_scan(real_data / "ms_lesions_mni" / "patient07" / "FLAIR.nii.gz")
    assert mine.contrast == "FLAIR"
    assert mine.truth is not None
    assert mine.truth.path.name == "LESION.nii.gz"
