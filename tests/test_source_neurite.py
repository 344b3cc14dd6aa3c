"""Neurite-OASIS's coronal slices, from a made-up folder in its layout."""

import numpy as np
import pytest
import source_layouts as layouts

from brainlab import InputError
from brainlab.sources import neurite_oasis as source


@pytest.fixture
def folder(tmp_path):
    return layouts.written(tmp_path, layouts.neurite())


def test_every_subject_of_the_list_is_a_slice_of_unknown_health(folder):
    layouts.written(folder, {"OASIS_OAS1_0003_MR1/slice_norm.nii.gz": b"not in subjects.txt"})
    found = source.read(folder, 64)
    assert found.images.shape == (3, 1, 64, 64)
    assert found.subjects == ("OAS1_0001", "OAS1_0002", "OAS1_0457")
    assert set(found.labels) == {"unknown"}
    assert found.contrast == "T1w"
    assert not found.masks.any()
    assert found.about.licence == "OASIS Data Use Agreement"
    assert "Marcus et al. 2007" in found.about.citation


def test_two_visits_of_one_person_are_one_subject(folder):
    for path in (folder / "OASIS_OAS1_0002_MR1").iterdir():
        layouts.written(folder, {f"OASIS_OAS1_0001_MR2/{path.name}": path.read_bytes()})
    (folder / "subjects.txt").write_text("OASIS_OAS1_0001_MR1\nOASIS_OAS1_0001_MR2\n")
    assert source.read(folder, 32).subjects == ("OAS1_0001",) * 2


def test_a_slice_stands_upright_with_the_patients_left_on_the_right(folder):
    found = source.read(folder, 104)
    for image, affine in zip(found.images[:, 0].numpy(), found.affine, strict=True):
        row, column = np.argwhere(image > 0.9).mean(axis=0)
        # i = 44.5 and j = 64.5 of the file: x = 80 - i = 35.5, the patient's right, and z = 97 - j = 32.5, above.
        assert (row, column) == (pytest.approx(51.5 - 32.5 / 2, abs=0.3), pytest.approx(51.5 - 35.5 / 2, abs=0.3))
        np.testing.assert_allclose((affine @ [row, column, 0, 1])[:3], [35.5, -16, 32.5], atol=0.6)
    assert found.position_mm.tolist() == [-16.0] * 3


def test_the_brain_is_where_there_is_tissue(folder):
    found = source.read(folder, 104)
    tissue = np.count_nonzero(layouts.coronal()[1])
    assert int(found.brain[0].sum()) * 4 == pytest.approx(tissue, rel=0.02)
    assert found.images[~found.brain].max() == 0


def test_the_archive_may_hold_a_folder_of_its_own(folder, tmp_path_factory):
    outer = tmp_path_factory.mktemp("outer")
    folder.rename(outer / "neurite-oasis.2d.v1.0")
    assert len(source.read(outer, 32)) == 3


def _with(name, body):
    return lambda folder: layouts.written(folder, {name: body})


ONE = "OASIS_OAS1_0001_MR1"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: (folder / "subjects.txt").unlink(), "should hold neurite-OASIS's subjects.txt"),
        (_with("subjects.txt", b""), "should name the subjects' folders, and is empty"),
        (_with("subjects.txt", b"../elsewhere\n"), "where names like OASIS_OAS1_0001_MR1 were expected"),
        (_with("subjects.txt", b"OASIS_OAS1_0009_MR1\n"), r"OAS1_0009_MR1/slice_norm\.nii\.gz"),
        (_with(f"{ONE}/slice_norm.nii.gz", b"403"), r"0001_MR1/slice_norm\.nii\.gz"),
        (
            _with(f"{ONE}/slice_norm.nii.gz", layouts.nifti(np.zeros((192, 160), np.float32))),
            r"slice_norm\.nii\.gz should be one slice of 160 x 192, and is of shape \(192, 160\)",
        ),
        (
            _with(f"{ONE}/slice_norm.nii.gz", layouts.nifti(np.full((160, 192), np.nan, np.float32))),
            r"slice_norm\.nii\.gz has values that are NaN",
        ),
        (
            _with(f"{ONE}/slice_seg4.nii.gz", layouts.nifti(np.full((160, 192), 24, np.uint8))),
            r"slice_seg4\.nii\.gz should hold tissues numbered 1 to 4",
        ),
        (
            _with(f"{ONE}/slice_seg4.nii.gz", layouts.nifti(np.zeros((160, 192), np.uint8))),
            r"slice_seg4\.nii\.gz should hold tissues numbered 1 to 4",
        ),
    ],
)
def test_another_layout_is_named_in_one_sentence(folder, change, says):
    change(folder)
    with pytest.raises(InputError, match=says):
        source.read(folder, 32)
