"""The Ljubljana patients with multiple sclerosis, made up and real."""

import hashlib

import numpy as np
import pytest
import source_layouts as layouts
from made_up import MARKER

from brainlab import InputError
from brainlab.sources import ms_lesions as source


@pytest.fixture
def folder(tmp_path):
    scan, marker = layouts.scan_and_marker()
    files = {f"{who}/{name}.nii.gz": scan for who in ("patient07", "patient26") for name in ("FLAIR", "T1")}
    files |= {f"patient{k:02d}/LESION.nii.gz": marker for k in (1, 7, 26)}
    return layouts.written(tmp_path, files)


def test_patients_with_images_are_read_with_their_plaques(folder):
    found = source.read(folder, 104)
    assert found.subjects == ("patient07",) * 16 + ("patient26",) * 16
    assert set(found.labels) == {"ms", "healthy"}
    assert found.contrast == "FLAIR"
    assert (found.about.licence, found.about.synthetic) == ("CC BY", False)
    assert "10.1007/s12021-017-9348-7" in found.about.citation
    sick = [label == "ms" for label in found.labels]
    assert found.masks.flatten(1).any(1).tolist() == sick
    nearest = int(np.abs(found.position_mm[:16] - MARKER[2]).argmin())
    row, column = np.argwhere(found.masks[nearest, 0].numpy()).mean(axis=0)
    np.testing.assert_allclose((found.affine[nearest] @ [row, column, 0, 1])[:2], MARKER[:2], atol=1.5)
    assert found.images[found.masks].mean() > 0.85


def test_a_folder_without_scans_or_a_scan_without_its_mask_is_refused(folder, tmp_path_factory):
    with pytest.raises(InputError, match=r"should hold patient07/FLAIR\.nii\.gz"):
        source.read(tmp_path_factory.mktemp("empty"), 32)
    (folder / "patient26" / "LESION.nii.gz").unlink()
    with pytest.raises(InputError, match=r"patient26/LESION\.nii\.gz does not exist"):
        source.read(folder, 32)


@pytest.mark.realdata
def test_the_checksums_are_those_of_the_real_files(real_data):
    for file in source.DOWNLOAD.files:
        body = (real_data / "ms_lesions_mni" / file.name).read_bytes()
        assert file.checksum == "sha256:" + hashlib.sha256(body).hexdigest()
        assert file.bytes == len(body)


@pytest.mark.realdata
def test_real_plaques_shine_on_flair(real_data):
    found = source.read(real_data / "ms_lesions_mni", 64)
    assert sorted(set(found.subjects)) == ["patient07", "patient26"]
    assert found.labels.count("ms") >= 8
    assert found.images[found.masks].mean() > found.images[found.brain & ~found.masks].mean() + 0.1
