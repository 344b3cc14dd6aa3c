"""Whose a scan is: one person's visits are one person, and what a folder says of health is believed and told."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from made_up import MARKER, made_up, saved

from brainlab import InputError, data, filenames, splits
from brainlab.sources import bids, classes, niftis, own

BRAIN = made_up(np.diag([5.0, 5.0, 5.0]))


def touch(folder, *names):
    """Files that nobody opens."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def put(path, values=None, affine=BRAIN[1]):
    path.parent.mkdir(parents=True, exist_ok=True)
    return saved(path, BRAIN[0] if values is None else values, affine)


@pytest.mark.parametrize(
    ("one", "other", "subject"),
    [
        ("x/P01_visit1_T1.nii", "x/P01_visit2_T1.nii", "P01"),
        ("x/P01_visit_1_T1.nii", "x/P01_visit_2_T1.nii", "P01"),
        ("x/P01_ses-01_T1.nii", "x/P01_T1_followup.nii", "P01"),
        ("x/P01_baseline.nii", "x/P01_month12_flair.nii", "P01"),
        ("x/P01_T1_follow-up_2.nii", "x/P01_tp3_T1.nii", "P01"),
        ("x/P01_20060418_T1.nii", "x/P01_2007-04-18_T1.nii", "P01"),
        ("x/OAS1_0061_MR1_mpr_n4_anon_111_t88_masked_gfc.nii", "x/OAS1_0061_MR2_mpr_n4_anon_111.nii", "OAS1_0061"),
        ("x/ADNI_002_S_0295_MR_MPRAGE_20060418_S13408_I45107.nii", "002_S_0295/I2/brain.nii", "002_S_0295"),
        ("x/training01_01_flair_pp.nii", "x/training01_02_mask1.nii", "training01"),
        ("P01/baseline/T1.nii.gz", "P01/followup/T1.nii.gz", "P01"),
        ("MS01/tp1/flair.nii", "MS01/2006-04-18/flair.nii", "MS01"),
    ],
)
def test_two_visits_are_one_person(one, other, subject):
    assert [filenames.subject_and_contrast(Path(name))[0] for name in (one, other)] == [subject] * 2
    assert filenames.visit(Path(one)) != filenames.visit(Path(other))


def test_a_number_is_somebodys_unless_a_visit_is_counted():
    names = ("x/IXI002-Guys-0828-T1.nii", "x/baseline_001_T1.nii", "x/visit_123_T1.nii", "x/07_T1.nii")
    assert [filenames.subject_and_contrast(Path(one))[0] for one in names] == ["IXI002-Guys-0828", "001", "123", "07"]


def test_masks_are_paired_within_their_visit(tmp_path):
    touch(tmp_path, *(f"training01_{k}_{what}.nii" for k in ("01", "02") for what in ("flair_pp", "mask1")))
    touch(tmp_path, *(f"P2/{k}/{what}.nii" for k in ("baseline", "followup") for what in ("flair", "lesion")))
    pairs = {scan.item.path.relative_to(tmp_path).as_posix(): scan.mask for scan in niftis.find(tmp_path)}
    assert {name: mask and mask.relative_to(tmp_path).as_posix() for name, mask in pairs.items()} == {
        "P2/baseline/flair.nii": "P2/baseline/lesion.nii",
        "P2/followup/flair.nii": "P2/followup/lesion.nii",
        "training01_01_flair_pp.nii": "training01_01_mask1.nii",
        "training01_02_flair_pp.nii": "training01_02_mask1.nii",
    }


def test_visits_of_one_person_can_be_told_apart(tmp_path):
    for name in ("P01/baseline/T1", "P01/followup/T1", "P02_visit1_T1"):
        put(tmp_path / f"{name}.nii")
    cut = own.load(tmp_path, 16)
    assert {*zip(cut.subjects, cut.visit, strict=True)} == {
        ("P01", "baseline/T1"),
        ("P01", "followup/T1"),
        ("P02", "P02_visit1_T1"),
    }


def test_the_folder_of_a_class_labels_its_scans_and_keeps_the_ill_out_of_training(tmp_path):
    for k in range(3):
        put(tmp_path / f"healthy/h{k}.nii")
        put(tmp_path / f"No_Tumor/n{k}.nii")
        put(tmp_path / f"tumour/ill{k}.nii")
    cut = own.load(tmp_path, 16)
    assert {(name[0], label) for name, label in zip(cut.subjects, cut.labels, strict=True)} == {
        ("h", "healthy"),
        ("n", "healthy"),
        ("i", "tumour"),
    }
    with warnings.catch_warnings(action="error"):
        assert {name[0] for name in splits.by_subject(cut, "train").subjects} <= {"h", "n"}


def test_whoever_has_a_lesion_between_the_slices_counts_as_ill(tmp_path):
    values, affine = made_up(np.diag([2.0, 2.0, 2.0]))
    x, y, z = np.round(np.linalg.inv(affine) @ [*MARKER, 1])[:3].astype(int)
    put(tmp_path / "p_t1.nii", values, affine)
    plain = own.load(tmp_path, 16)
    between = np.abs(plain.position_mm[:, None] - (affine[2, 3] + affine[2, 2] * np.arange(values.shape[2]))).min(0)
    z = max(range(z - 4, z + 5), key=lambda one: between[one])
    speck = np.zeros(values.shape, np.uint8)
    speck[x, y, z] = 1
    put(tmp_path / "p_mask.nii", speck, affine)
    cut = own.load(tmp_path, 16)
    assert sorted(set(cut.labels)) == ["healthy", "lesion-nearby"]
    height = affine[2, 3] + affine[2, 2] * z
    assert cut.labels.index("lesion-nearby") == np.abs(cut.position_mm - height).argmin()
    assert splits._findings(cut).sum() == 1
    put(tmp_path / "p_mask.nii", speck * 0, affine)
    assert set(own.load(tmp_path, 16).labels) == {"healthy"}


def test_a_mask_that_lies_beside_the_brain_is_refused_and_one_half_beside_it_warned_of(tmp_path):
    put(tmp_path / "p_t1.nii")
    beside = np.zeros(BRAIN[0].shape, np.uint8)
    beside[:3, :3, :3] = 1
    put(tmp_path / "p_mask.nii", beside)
    with pytest.raises(InputError, match=r"p_mask.nii marks nothing inside .*p_t1.nii.*register"):
        own.load(tmp_path, 16)
    i, j, k = (n // 2 for n in beside.shape)
    beside[i : i + 2, j : j + 2, k : k + 2] = 1  # 8 of 35
    put(tmp_path / "p_mask.nii", beside)
    with pytest.warns(UserWarning, match=r"only 23% lies inside the brain"):
        own.load(tmp_path, 16)


def test_a_mask_of_the_scans_shape_that_lost_its_affine_is_warned_of(tmp_path):
    put(tmp_path / "p_t1.nii")
    mask = np.zeros(BRAIN[0].shape, np.uint8)
    mask[15:20, 15:20, 10:15] = 1  # of mm, as the header says, and these lie in the brain
    put(tmp_path / "p_mask.nii", mask, np.eye(4))
    with pytest.warns(UserWarning, match=r"p_mask.nii has as many voxels as .*p_t1.nii.* copy the scan's affine"):
        own.load(tmp_path, 16)
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = len(mask) - 1
    put(tmp_path / "p_mask.nii", mask[::-1], BRAIN[1] @ flip)  # stored the other way round, it lies where it did
    with warnings.catch_warnings(action="error"):
        own.load(tmp_path, 16)


def test_runs_of_a_session_keep_their_own_masks(tmp_path):
    for run in ("1", "2"):
        touch(tmp_path, f"sub-1/anat/sub-1_run-{run}_T1w.nii")
    touch(tmp_path, "derivatives/r/sub-1/anat/sub-1_run-02_label-lesion_mask.nii")
    assert [bool(scan.mask) for scan in bids.find(tmp_path)] == [False, True]
    touch(tmp_path, "derivatives/r/sub-1/anat/sub-1_run-01_label-lesion_mask.nii")
    masks = [str(one.mask) for one in bids.find(tmp_path)]
    assert ["run-01" in masks[0], "run-02" in masks[1]] == [True, True]


def test_linked_folders_are_followed_but_not_in_a_circle(tmp_path):
    mine, store = tmp_path / "mine", tmp_path / "store"
    touch(mine, "p1/T1.nii")
    touch(store, "p2/T1.nii")
    (mine / "p2").symlink_to(store / "p2")
    (mine / "again").symlink_to(mine / "p1")
    (mine / "p1/up").symlink_to(tmp_path)
    (store / "p2/back").symlink_to(store / "p2")
    assert [path.relative_to(mine).as_posix() for path in niftis.image_files(mine)] == ["p1/T1.nii", "p2/T1.nii"]


def test_a_file_that_was_not_fetched_is_told_so(tmp_path):
    folder = tmp_path / "sub-1/anat"
    folder.mkdir(parents=True)
    (folder / "sub-1_T1w.nii.gz").symlink_to("../../.git/annex/objects/nowhere")
    with pytest.raises(InputError, match="is a link to a file that was not fetched: datalad get"):
        data.load(tmp_path)


def test_every_word_for_health_is_one_label():
    words = ("Healthy", "normal", "notumor", "no", "control", "No_Tumor", "NonDemented", "CN", "Non Demented")
    assert {classes.label(one) for one in words} == {"healthy"}
    assert [classes.label(one) for one in ("Tumour", "unknown", "")] == ["Tumour", "unknown", ""]
    assert not os.sep.join(classes.CLASSES).count("_")
