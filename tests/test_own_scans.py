"""Folders of volumes as people have them: nested, with masks beside the scans, in BIDS, mixed or empty."""

import shutil
import warnings

import numpy as np
import pytest
import torch
from made_up import MARKER, made_up, saved

from brainlab import InputError, data
from brainlab.sources import bids, niftis, own, scans

BRAIN = made_up(np.diag([5.0, 5.0, 5.0]))


@pytest.fixture
def put(tmp_path):
    """Put a brain, or its marker's mask, under a path."""

    def one(name: str, kind: str = "scan"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        values, affine = BRAIN
        masks = {"mask": (values > 250).astype(np.uint8), "empty": np.zeros(values.shape, np.uint8)}
        return saved(path, masks.get(kind, values), affine)

    one.folder = tmp_path
    return one


def found(folder, contrast=None, find=niftis.find):
    """What is found, as (scan, mask, subject) within the folder."""
    return [
        (
            one.item.path.relative_to(folder).as_posix(),
            one.mask and one.mask.relative_to(folder).as_posix(),
            one.item.subject,
        )
        for one in find(folder, contrast)
    ]


def test_a_nested_folder_becomes_everyones_slices_with_masks_and_labels(put):
    put("p01/FLAIR.nii.gz")
    put("p01/lesion.nii.gz", "mask")
    put("more/p02/p02_flair.nii")
    put("more/p02/p02_seg.nii", "empty")
    put("p03/FLAIR_bet.nii.gz")
    put("controls/p04_flair.nii.gz")
    cut = data.load(put.folder, size=32)
    by_subject = {name: set(cut.where(subjects=name).labels) for name in set(cut.subjects)}
    assert by_subject == {"p01": {"lesion", "healthy"}, "p02": {"healthy"}, "p03": {"unknown"}, "p04": {"healthy"}}
    assert cut.masks[[name == "p01" for name in cut.subjects]].any()
    assert (cut.contrast, cut.images.shape, cut.about.source) == ("FLAIR", (64, 1, 32, 32), put.folder.name)
    assert not cut.about.synthetic


@pytest.mark.parametrize(
    ("scan", "mask"),
    [
        ("p1/FLAIR.nii.gz", "p1/LESION.nii.gz"),
        ("p1_t1.nii.gz", "p1_t1_mask.nii.gz"),
        ("p1_t1.nii.gz", "p1_lesionMask.nii.gz"),
        ("imagesTr/BRATS_001.nii.gz", "labelsTr/BRATS_001.nii.gz"),
        ("BraTS_01/BraTS_01_t1ce.nii.gz", "BraTS_01/BraTS_01_seg.nii.gz"),
        ("images/7.nii", "masks/7.nii"),
        ("p1/T1.nii", "p1/roi1.nii"),
        ("p1/T1.nii", "p1/p1_gt.nii"),
        ("0/pre/FLAIR.nii.gz", "0/label.nii.gz"),
        ("p1/T1_brain.nii", "p1/T1_brain_lesion.nii"),
    ],
)
def test_a_mask_is_known_by_a_word_and_never_becomes_a_scan(put, scan, mask):
    put(scan)
    put(mask, "mask")
    ((one, its, _),) = found(put.folder)
    assert (one, its) == (scan, mask)


@pytest.mark.parametrize("name", ["T1_brain_mask.nii.gz", "T1_bet_mask.nii.gz", "brainmask.nii", "aseg.mgz"])
def test_a_mask_of_the_brain_is_neither_a_scan_nor_a_lesion(put, name):
    put("p1/T1.nii.gz")
    (put.folder / "p1" / name).write_bytes(b"never opened")
    assert found(put.folder) == [("p1/T1.nii.gz", None, "p1")]


@pytest.mark.parametrize("name", ["Masked_T1.nii", "Labelle/T1.nii", "gtx07/T1.nii", "lesions/p1_T1.nii"])
def test_a_name_that_only_holds_such_letters_is_a_scan(put, name):
    put(name)
    assert len(found(put.folder)) == 1


def test_several_contrasts_are_listed_and_one_is_picked(put):
    for name in ("p1/FLAIR", "p1/T1", "p2/FLAIR"):
        put(f"{name}.nii.gz")
    with pytest.raises(InputError, match=r'FLAIR \(2\), T1w \(1\); name one, as contrast="FLAIR"'):
        data.load(put.folder)
    assert [one[0] for one in found(put.folder, "FLAIR")] == ["p1/FLAIR.nii.gz", "p2/FLAIR.nii.gz"]
    assert data.load(put.folder, contrast="T1w", size=32).contrast == "T1w"
    with pytest.raises(InputError, match=r"no scan that is T2w .* FLAIR \(2\), T1w \(1\)"):
        data.load(put.folder, contrast="T2w")


def test_where_no_name_tells_a_contrast_the_one_asked_for_is_believed(put):
    put("a.nii")
    assert data.load(put.folder, size=32).contrast is None
    assert data.load(put.folder, contrast="T2w", size=32).contrast == "T2w"
    assert data.load(put.folder / "a.nii", contrast="T2w", size=32).contrast == "T2w"
    flair = put("b_flair.nii")
    with pytest.raises(InputError, match="is FLAIR, and T1w was asked for"):
        data.load(flair, contrast="T1w")


def test_masks_without_a_scan_are_counted_in_one_warning(put):
    put("p1/T1.nii.gz")
    for k in range(2, 9):
        put(f"p{k}/lesion.nii.gz", "mask")
    with pytest.warns(UserWarning, match=r"7 lesion masks without a scan.*p2, p3, p4, p5, p6 and 2 more") as told:
        found(put.folder)
    assert len(told) == 1


def test_two_masks_of_one_scan_are_named_and_each_contrasts_own_is_taken(put):
    put("p1_t1.nii")
    put("p1_flair.nii")
    put("p1_t1_mask.nii", "mask")
    put("p1_flair_mask.nii", "mask")
    assert found(put.folder, "FLAIR") == [("p1_flair.nii", "p1_flair_mask.nii", "p1")]
    put("p1_flair_mask2.nii", "mask")
    with pytest.raises(InputError, match=r"p1_flair.nii has 2 lesion masks"):
        found(put.folder, "FLAIR")


def test_a_label_is_the_same_at_every_size_also_where_a_lesion_is_lost(put, tmp_path):
    values, affine = made_up(np.diag([3.0, 3.0, 3.0]))
    where = np.round(np.linalg.inv(affine) @ [*MARKER, 1])[:3].astype(int)
    speck = np.zeros(values.shape, np.uint8)
    speck[tuple(where)] = 1
    speck[where[0], where[1], :] = 1  # one voxel wide, all the way up
    saved(tmp_path / "p_t1.nii", values, affine)
    saved(tmp_path / "p_mask.nii", speck, affine)
    large, small = (data.load(tmp_path, size=size) for size in (208, 16))
    assert large.labels == small.labels
    assert set(small.labels) == {"lesion"}
    assert not small.masks.any()


def test_a_mask_of_another_space_is_told_so(put, tmp_path):
    put("p_t1.nii")
    affine = BRAIN[1].copy()
    affine[:3, 3] += 900
    saved(tmp_path / "p_mask.nii", (BRAIN[0] > 250).astype(np.uint8), affine)
    with pytest.raises(InputError, match=r"p_mask.nii marks nothing inside"):
        data.load(tmp_path)


def test_one_bad_file_ends_the_reading_and_is_named(put):
    for k in range(4):
        put(f"p{k}_t1.nii.gz")
    (put.folder / "p2_t1.nii.gz").write_bytes((put.folder / "p1_t1.nii.gz").read_bytes()[:-500])
    stream = data.stream(put.folder, size=16)
    assert next(stream).subjects[0] == "p0"
    assert next(stream).subjects[0] == "p1"
    with pytest.raises(InputError, match=r"p2_t1.nii.gz is damaged or cut short"):
        next(stream)
    with pytest.raises(InputError, match=r"p2_t1.nii.gz"):
        data.load(put.folder)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: None, "holds no file"),
        (lambda folder: (folder / "notes.txt").write_text("x"), "holds 1 files, none of them volume"),
        (lambda folder: (folder / "1.dcm").write_text("x"), "dcm2niix"),
        (lambda folder: (folder / "x_mask.nii").write_text("x"), "no scan, only masks"),
        (lambda folder: [(folder / one).write_text("x") for one in ("a.nii", "b.png")], "both volumes .* and pictures"),
        (lambda folder: (folder / "a.npz").write_text("x"), "name one of them"),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_why(tmp_path, spoil, says):
    spoil(tmp_path)
    with pytest.raises(InputError, match=says):
        data.load(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        data.load(tmp_path / "elsewhere")


def test_a_thousand_volumes_are_found_without_opening_one(tmp_path, monkeypatch):
    for k in range(1000):
        (tmp_path / f"p{k:04d}_t1.nii.gz").write_bytes(b"never opened")
    monkeypatch.setattr("builtins.open", None)
    assert len(niftis.find(tmp_path)) == 1000


def test_a_stream_gives_what_load_joins_and_reads_no_further_than_two_ahead(put, monkeypatch):
    for k in range(5):
        put(f"p{k}_t1.nii.gz")
    read, seen = scans.read, []
    monkeypatch.setattr(scans, "read", lambda scan, *rest: (seen.append(scan), read(scan, *rest))[1])
    stream = data.stream(put.folder, size=16)
    parts = [next(stream)]
    assert len(seen) <= 2
    parts += stream
    whole = own.load(put.folder, 16)
    assert torch.equal(torch.cat([one.images for one in parts]), whole.images)
    assert sum((one.subjects for one in parts), ()) == whole.subjects


def test_a_bids_folder_gives_its_anatomies_with_the_lesions_of_its_derivatives(put):
    put("sub-01/anat/sub-01_T1w.nii.gz")
    put("sub-01/anat/sub-01_FLAIR.nii.gz")
    put("sub-02/ses-1/anat/sub-02_ses-1_T1w.nii.gz")
    put("sub-02/ses-2/anat/sub-02_ses-2_T1w.nii.gz")
    put("sub-03/anat/sub-03_ce-gadolinium_T1w.nii.gz")
    put("sub-01/func/sub-01_bold.nii.gz")
    put("derivatives/readers/sub-01/anat/sub-01_label-lesion_mask.nii.gz", "mask")
    put("derivatives/hdbet/sub-01/anat/sub-01_desc-brain_mask.nii.gz", "mask")
    put("derivatives/fs/sub-01/anat/sub-01_dseg.nii.gz", "mask")
    put("derivatives/readers/sub-02/ses-2/anat/sub-02_ses-2_space-orig_label-L_dseg.nii.gz", "mask")
    put("derivatives/readers/sub-02/ses-1/anat/sub-02_ses-1_space-MNI152_label-lesion_mask.nii.gz", "mask")
    (put.folder / "participants.tsv").write_text("participant_id\nsub-01\n")
    lesion = "derivatives/readers/sub-01/anat/sub-01_label-lesion_mask.nii.gz"
    second = "derivatives/readers/sub-02/ses-2/anat/sub-02_ses-2_space-orig_label-L_dseg.nii.gz"
    assert bids.is_bids(put.folder)
    assert found(put.folder, "T1w", bids.find) == [
        ("sub-01/anat/sub-01_T1w.nii.gz", lesion, "sub-01"),
        ("sub-02/ses-1/anat/sub-02_ses-1_T1w.nii.gz", None, "sub-02"),
        ("sub-02/ses-2/anat/sub-02_ses-2_T1w.nii.gz", second, "sub-02"),
    ]
    assert [one[2] for one in found(put.folder, "T1ce", bids.find)] == ["sub-03"]
    with pytest.raises(InputError, match=r"FLAIR \(1\), T1ce \(1\), T1w \(3\)"):
        data.load(put.folder)
    cut = data.load(put.folder, contrast="T1w", size=32)
    assert len(cut) == 48
    assert [set(cut[k : k + 16].labels) for k in (0, 16, 32)] == [
        {"lesion", "healthy"},
        {"unknown"},
        {"lesion", "healthy"},
    ]


def test_a_mask_beside_the_scan_in_bids_is_a_lesion_and_other_images_are_none_of_ours(put):
    put("sub-1/anat/sub-1_FLAIR.nii.gz")
    put("sub-1/anat/sub-1_acq-T2sel_FLAIR_roi.nii.gz", "mask")
    put("sub-1/anat/sub-1_T2starw.nii.gz")
    assert found(put.folder, None, bids.find) == [
        ("sub-1/anat/sub-1_FLAIR.nii.gz", "sub-1/anat/sub-1_acq-T2sel_FLAIR_roi.nii.gz", "sub-1")
    ]
    shutil.move(put.folder / "sub-1/anat/sub-1_FLAIR.nii.gz", put.folder / "sub-1/anat/sub-1_PDw.nii.gz")
    with pytest.raises(InputError, match=r"no T1w, T2w or FLAIR .*, only PDw, T2starw, roi"):
        data.load(put.folder)


@pytest.mark.realdata
def test_the_ms_patients_folder_gives_two_patients_and_counts_eighteen_masks_alone(real_data):
    folder = real_data / "ms_lesions_mni"
    with pytest.warns(UserWarning, match="18 lesion masks without a scan"):
        cut = data.load(folder, contrast="FLAIR")
    assert sorted(set(cut.subjects)) == ["patient07", "patient26"]
    assert set(cut.labels) == {"healthy", "lesion"}
    with warnings.catch_warnings(action="ignore"), pytest.raises(InputError, match=r"FLAIR .*T1ce .*T1w .*T2w"):
        data.load(folder)
