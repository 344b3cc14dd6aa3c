"""A scan read from a file of any format and orientation, and a result saved in its own space."""

import gzip
import warnings
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from made_up import GRIDS, MARKER, centre_of, load, made_up, saved

from brainlab import InputError, imagefile, volumes


@pytest.fixture(params=GRIDS)
def scan(request, tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "case07_flair.nii.gz", *made_up(GRIDS[request.param])))


@pytest.fixture
def plain(tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "plain.nii.gz", *made_up(GRIDS["RAS"])))


def test_every_grid_is_turned_to_run_right_anterior_superior(scan):
    assert nib.aff2axcodes(scan.affine) == ("R", "A", "S")
    assert scan.data.dtype == np.float32
    assert scan.data.flags.c_contiguous
    np.testing.assert_allclose(centre_of(scan.data > 250, scan.affine), MARKER, atol=0.5)


def test_turning_keeps_every_voxel_at_its_place(scan):
    stored = load(scan.path)
    there = np.argwhere(np.asarray(stored.dataobj) > 250) @ stored.affine[:3, :3].T + stored.affine[:3, 3]
    here = np.argwhere(scan.data > 250) @ scan.affine[:3, :3].T + scan.affine[:3, 3]
    np.testing.assert_allclose(np.sort(here, axis=0), np.sort(there, axis=0), atol=1e-4)


FORMATS = {
    "a.nii": nib.Nifti1Image,
    "a.nii.gz": nib.Nifti1Image,
    "b.nii": nib.Nifti2Image,
    "b.NII.GZ": nib.Nifti2Image,
    "c.hdr": nib.Nifti1Pair,
    "c.img": nib.Nifti1Pair,
    "d.mgh": nib.MGHImage,
    "d.mgz": nib.MGHImage,
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats_agree(name, tmp_path):
    data, affine = made_up(GRIDS["LPI"])
    image: Any = FORMATS[name]
    nib.save(image(data, affine), tmp_path / name)
    volume = volumes.read(tmp_path / name)
    np.testing.assert_array_equal(volume.data, data[::-1, ::-1, ::-1])
    np.testing.assert_allclose(volumes.read(str(tmp_path / name)).affine[:3, :3], np.diag([3, 3, 3]), atol=1e-5)


def test_an_analyze_file_is_read_as_radiological_with_a_warning(tmp_path):
    data = made_up(GRIDS["RAS"])[0]
    nib.save(nib.AnalyzeImage(data, None), tmp_path / "a.img")
    with pytest.warns(UserWarning, match="does not say which side is left"):
        volume = volumes.read(tmp_path / "a.hdr")
    np.testing.assert_array_equal(volume.data, data[::-1])
    nib.save(nib.Spm2AnalyzeImage(data, np.diag([3.0, 3, 3, 1])), tmp_path / "b.img")  # SPM writes a .mat that says
    with warnings.catch_warnings(action="error"):
        np.testing.assert_array_equal(volumes.read(tmp_path / "b.img").data, data)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.float64, ">i2", ">f4"])
def test_intensities_are_scaled_as_the_header_says(kind, tmp_path):
    stored = np.arange(120, dtype=kind).reshape(4, 5, 6)
    image = nib.Nifti1Image(stored, np.eye(4))
    image.header.set_data_dtype(kind)
    if np.dtype(kind).byteorder == ">":
        image = nib.Nifti1Image(stored, np.eye(4), nib.Nifti1Header(endianness=">"))
    raw = bytearray(image.to_bytes())
    raw[112:120] = np.array([0.5, -3], ">f4" if np.dtype(kind).byteorder == ">" else "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    np.testing.assert_allclose(volumes.read(tmp_path / "a.nii").data, np.arange(120).reshape(4, 5, 6) * 0.5 - 3)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgz"])
def test_one_volume_of_several_is_read_by_its_number(name, tmp_path):
    several: Any = np.random.default_rng(0).random((5, 6, 7, 4), np.float32)
    nib.save((nib.MGHImage if "mgz" in name else nib.Nifti1Image)(several, np.eye(4)), tmp_path / name)
    for k in range(4):
        np.testing.assert_array_equal(volumes.read(tmp_path / name, volume=k).data, several[..., k])


def test_python_s_own_gzip_reads_the_same_where_isal_is_missing(scan, monkeypatch):
    monkeypatch.setattr(imagefile, "gzip", gzip)
    monkeypatch.setattr(imagefile, "zlib", zlib)
    np.testing.assert_array_equal(volumes.read(scan.path).data, scan.data)
    scan.path.write_bytes(scan.path.read_bytes()[:-200])
    with pytest.raises(InputError, match="damaged or cut short"):
        volumes.read(scan.path)


def test_as_it_is_stored_a_scan_has_the_same_voxels_and_the_same_slices(scan):
    stored = volumes.as_stored(scan.path)
    np.testing.assert_array_equal(stored.data, scan.data)
    np.testing.assert_array_equal(stored.affine, scan.affine)
    np.testing.assert_array_equal(volumes.brain_mask(stored), volumes.brain_mask(scan))
    ours, theirs = volumes.slices(stored), volumes.slices(scan)
    for name in ("images", "brain", "position_mm", "affine"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_a_file_of_one_volume_needs_no_number(tmp_path):
    data = np.random.default_rng(0).random((5, 6, 7, 1), np.float32)
    np.testing.assert_array_equal(volumes.read(saved(tmp_path / "a.nii", data, np.eye(4))).data, data[..., 0])


def test_a_saved_volume_has_the_inputs_own_affine_and_shape(scan, tmp_path):
    cut = volumes.slices(scan)
    written = volumes.save(tmp_path / "map.nii.gz", volumes.to_volume(cut.images, cut, scan), scan)
    source, result = load(scan.path), load(written)
    np.testing.assert_array_equal(result.affine, source.affine)
    assert result.shape == source.shape
    assert result.get_data_dtype() == np.float32
    for code in ("sform_code", "qform_code"):
        assert result.header[code] == source.header[code]


@pytest.mark.parametrize(("sform", "qform"), [(0, 1), (4, 0), (1, 2), (0, 0)])
def test_space_codes_are_kept_and_the_scans_own_intensities_are_not_described(sform, qform, tmp_path):
    image = nib.Nifti1Image(*made_up(GRIDS["LAS"]))
    image.set_sform(image.affine, sform)
    image.set_qform(image.affine, qform)
    image.header["cal_max"], image.header["aux_file"] = 300, b"Smith^John"
    nib.save(image, tmp_path / "a.nii")
    with warnings.catch_warnings(action="ignore"):  # (0, 0) does not say which side is left
        scan = volumes.read(tmp_path / "a.nii")
    mask = np.zeros(scan.original.shape, dtype=bool)
    mask[3] = True
    source, result = load(tmp_path / "a.nii"), load(volumes.save(tmp_path / "b.nii", mask, scan))
    np.testing.assert_array_equal(result.affine, source.affine)
    assert (result.header["sform_code"], result.header["qform_code"]) == (sform, qform)
    assert result.get_data_dtype() == np.uint8
    assert result.header["cal_max"] == 0
    assert b"Smith" not in (tmp_path / "b.nii").read_bytes()
    np.testing.assert_array_equal(np.asarray(result.dataobj), mask)


@pytest.mark.parametrize("name", ["a.mgz", "a.img", "a4.nii"])
def test_a_result_for_another_format_is_nifti_in_its_space(name, tmp_path):
    data, affine = made_up(GRIDS["LPI"])
    kind = {"a.mgz": nib.MGHImage, "a.img": nib.Nifti1Pair, "a4.nii": nib.Nifti1Image}[name]
    nib.save(kind(np.stack([data, data], 3) if name == "a4.nii" else data, affine), tmp_path / name)
    scan = volumes.read(tmp_path / name, volume=0)
    result = load(volumes.save(tmp_path / "map.nii.gz", torch.from_numpy(data), scan))
    assert isinstance(result, nib.Nifti1Image)
    np.testing.assert_allclose(np.asarray(result.affine), affine, atol=1e-4)
    np.testing.assert_array_equal(result.get_fdata(), data)


def test_the_scan_itself_is_never_overwritten(plain, tmp_path):
    before = plain.path.read_bytes()
    link = tmp_path / "other name.nii.gz"
    link.symlink_to(plain.path)
    for name in (plain.path, link, tmp_path / "." / "plain.nii.gz"):
        with pytest.raises(InputError, match="scan itself"):
            volumes.save(name, plain.data, plain)
    assert plain.path.read_bytes() == before


def test_the_scan_itself_is_never_overwritten_from_another_folder(plain, tmp_path, monkeypatch):
    before = plain.path.read_bytes()
    monkeypatch.chdir(tmp_path)
    scan = volumes.read("plain.nii.gz")
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path / "results")
    with pytest.raises(InputError, match="scan itself"):
        volumes.save("../plain.nii.gz", scan.data, scan)
    assert plain.path.read_bytes() == before


def test_a_failed_save_leaves_the_earlier_result_and_nothing_else(plain, tmp_path, monkeypatch):
    target = volumes.save(tmp_path / "map.nii.gz", plain.data, plain)
    before, files = target.read_bytes(), sorted(tmp_path.iterdir())

    def full(image, path):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nib, "save", full)
    with pytest.raises(InputError, match="No space left"):
        volumes.save(target, plain.data * 2, plain)
    assert target.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == files


def test_what_cannot_be_saved_is_refused(plain, tmp_path):
    for wrong, says in [
        (("map.png", plain.data), r"\.nii or \.nii\.gz"),
        (("map.nii", plain.data[:-1]), "shape"),
        (("map.nii", plain.data * np.nan), "NaN"),
        (("no/such/folder/map.nii", plain.data), "cannot be written"),
    ]:
        with pytest.raises(InputError, match=says):
            volumes.save(tmp_path / wrong[0], wrong[1], plain)
    assert [one.name for one in tmp_path.iterdir()] == ["plain.nii.gz"]
