"""A folder of DICOM files becomes a volume that lies right and knows nothing of the person, or a sentence."""

import importlib.util
import pickle
import shutil
import time

import dicom_series
import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import centre_of, load

from brainlab import InputError, dicom, volumes

FACTS = {name: value for name, value in dicom_series.SECRETS.items() if len(value) > 4} | {"private": "Zyzzprivate"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return dicom_series.write(tmp_path_factory.mktemp("cd") / "Quimby Zyzzyva")


@pytest.fixture(scope="module")
def volume(folder):
    return dicom.read(folder)


def test_an_asymmetric_marker_lies_where_dicoms_own_arithmetic_puts_it(volume):
    """DICOM's x runs to the left and y to the back, ours to the right and the front: a sign is easily lost."""
    bright = volume.data > dicom_series.SLOPE * 500 + dicom_series.INTERCEPT
    assert 20 < bright.sum() < 200
    np.testing.assert_allclose(centre_of(bright, volume.affine), dicom_series.MARKER_RAS, atol=0.6)
    assert nib.aff2axcodes(volume.affine) == ("R", "A", "S")


def test_every_voxel_has_its_rescaled_value_at_its_place(volume):
    axes, origin = dicom_series.grid()
    index = np.argwhere(dicom_series.truth() >= 0)
    lps = (index * dicom_series.SPACING) @ axes.T + origin
    voxel = (lps * [-1, -1, 1] - volume.affine[:3, 3]) @ np.linalg.inv(volume.affine[:3, :3]).T
    np.testing.assert_allclose(voxel, voxel.round(), atol=2e-3)
    stored = dicom_series.truth()[tuple(index.T)] * dicom_series.SLOPE + dicom_series.INTERCEPT
    np.testing.assert_array_equal(volume.data[tuple(voxel.round().astype(int).T)], stored)


def test_files_may_be_named_and_ordered_anyhow(folder, volume, tmp_path):
    other = dicom_series.write(tmp_path / "x" / "y", suffix=".dcm", seed=7)
    (other / "readme.txt").write_text("viewer software")
    again = dicom.read(tmp_path / "x")
    np.testing.assert_array_equal(again.data, volume.data)
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-4)
    np.testing.assert_array_equal(dicom.read(next(other.glob("*.dcm"))).data, volume.data)  # one of its files will do


def test_enhanced_dicom_with_all_slices_in_one_file_lies_at_the_same_place(volume, tmp_path):
    enhanced = dicom.read(dicom_series.write_enhanced(tmp_path / "cd"))
    np.testing.assert_array_equal(enhanced.data, volume.data)
    np.testing.assert_allclose(enhanced.affine, volume.affine, atol=1e-4)


def test_nothing_of_the_person_comes_through(volume, folder):
    everything = pickle.dumps(volume) + volume.original.header.binaryblock + repr(volume).encode()
    leaked = [name for name, value in FACTS.items() for one in value.split("^") if one.encode() in everything]
    assert leaked == []
    assert b"brainlab-dicom-" not in everything  # nor the temporary folder
    assert str(volume.path) in ("dicom/series-3_T1w.nii", "dicom\\series-3_T1w.nii")
    assert volume.about.source == "DICOM series 3"
    texts = [name for name in volume.original.header if volume.original.header.structarr.dtype[name].kind == "S"]
    assert {name: bytes(volume.original.header[name].item()) for name in texts if name != "magic"} == dict.fromkeys(
        [name for name in texts if name != "magic"], b""
    )


def test_a_result_is_saved_in_the_series_own_grid(volume, tmp_path):
    path = volumes.save(tmp_path / "result.nii.gz", np.ones(volume.original.shape), volume)
    np.testing.assert_allclose(load(path).affine, volume.original.affine, atol=1e-5)


def test_the_temporary_folder_is_gone_afterwards(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dicom.read(folder)
    assert list(tmp_path.iterdir()) == []


def test_several_series_are_listed_without_names_and_one_is_named(tmp_path):
    dicom_series.write(tmp_path, series=3)
    dicom_series.write(tmp_path, series=5, SeriesDescription="flair for Zyzzyva Quimby", left_out=(0, 1))
    with pytest.raises(InputError) as caught:
        dicom.read(tmp_path)
    message = str(caught.value)
    assert "3 (t1_mprage …, 20 images); 5 (flair for … …, 18 images)" in message
    assert "series=3" in message
    assert not any(one in message for value in FACTS.values() for one in value.split("^"))
    assert dicom.read(tmp_path, series=5).data.shape[2] == 18
    assert dicom.read(tmp_path, series=5).path.name == "series-5_FLAIR.nii"
    with pytest.raises(InputError, match=r"no series 4; it holds 3 \("):
        dicom.read(tmp_path, series=4)


def test_series_that_share_a_number_are_counted(tmp_path):
    dicom_series.write(tmp_path / "a", series=3)
    dicom_series.write(tmp_path / "b", series=3, left_out=(0,))
    with pytest.raises(InputError, match=r"1 \(.*20 images\); 2 \(.*19 images\)"):
        dicom.read(tmp_path)
    assert dicom.read(tmp_path, series=2).data.shape[2] == 19


WRONG = {
    "a slice is missing in the middle": ({"left_out": (9,)}, "lacks 1 of its slices"),
    "three slices are missing": ({"left_out": (4, 5, 12)}, "lacks 3 of its slices"),
    "one slice": ({"left_out": tuple(range(1, 20))}, "single slice"),
    "RGB": ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, r"colour picture \(RGB\)"),
    "a dose": ({"Modality": "RTDOSE"}, r"no scan \(RTDOSE\)"),
    "a screenshot": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "screenshot"),
    "no place": ({"ImagePositionPatient": None}, "does not say where"),
    "one place": ({"ImagePositionPatient": [0, 0, 0]}, "one slice again and again"),
    "a report": ({"Rows": None, "Columns": None, "PixelData": None}, "no images in them"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_volume_gets_a_sentence(what, tmp_path):
    changes, says = WRONG[what]
    dicom_series.write(tmp_path / "cd", **changes)
    with pytest.raises(InputError, match=says) as caught:
        dicom.read(tmp_path / "cd")
    assert str(tmp_path / "cd") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_localiser_gets_a_sentence(tmp_path):
    dicom_series.write(tmp_path, left_out=tuple(range(2, 20)))
    from pydicom import dcmread

    first = min(tmp_path.iterdir())
    turned = dcmread(first)
    turned.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    turned.save_as(first)
    with pytest.raises(InputError, match="several directions"):
        dicom.read(tmp_path)


def test_a_folder_without_dicom_and_none_at_all_get_sentences(tmp_path):
    with pytest.raises(InputError, match="no DICOM files"):
        dicom.read(tmp_path)
    (tmp_path / "a.dcm").write_text("text")
    with pytest.raises(InputError, match="no DICOM files in it"):
        dicom.read(tmp_path)
    with pytest.raises(InputError, match="not a DICOM file"):
        dicom.read(tmp_path / "a.dcm")
    with pytest.raises(InputError, match="does not exist"):
        dicom.read(tmp_path / "b")


def test_volumes_read_points_to_dicom_read(folder):
    with pytest.raises(InputError, match=r"brainlab\.dicom\.read"):
        volumes.read(folder)
    with pytest.raises(InputError, match=r"DICOM file.*brainlab\.dicom\.read"):
        volumes.read(next(folder.iterdir()))


@pytest.mark.parametrize("package", ["dcm2niix", "pydicom"])
def test_without_the_extra_there_is_one_sentence_with_the_command(package, folder, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(InputError, match=f"needs {package}, which is not installed.*pip install"):
        dicom.read(folder)


def test_a_series_with_an_overlay_is_read_without_it(folder, volume, tmp_path):
    import pydicom

    shutil.copytree(folder, tmp_path / "x")
    for file in (tmp_path / "x").iterdir():
        one = pydicom.dcmread(file)
        rows, columns = one.Rows, one.Columns
        for element, kind, value in [
            (0x10, "US", rows),
            (0x11, "US", columns),
            (0x40, "CS", "G"),
            (0x50, "SS", [1, 1]),
            (0x100, "US", 1),
            (0x102, "US", 0),
            (0x3000, "OW", b"\xf0\x0f" * (rows * columns // 16)),
        ]:
            one.add_new((0x6000, element), kind, value)
        one.save_as(file)
    np.testing.assert_array_equal(dicom.read(tmp_path / "x").data, volume.data)


def test_a_converter_that_hangs_is_ended(folder, monkeypatch):
    monkeypatch.setattr(dicom, "MOST_SECONDS", 1e-6)
    with pytest.raises(InputError, match="was not converted within"):
        dicom.read(folder)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), flips=st.integers(1, 40), within=st.sampled_from([400, 1500, 5000]))
def test_damaged_files_become_a_finite_volume_or_a_sentence(folder, tmp_path, seed, flips, within):
    rng, damaged = np.random.default_rng(seed), tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    started, said = time.perf_counter(), ""
    for file in sorted(damaged.iterdir())[:: rng.integers(1, 8)]:
        raw = bytearray(file.read_bytes())
        for at in rng.integers(132, min(within, len(raw)), flips):
            raw[at] = rng.integers(256)
        file.write_bytes(raw[: rng.integers(132, len(raw))] if rng.random() < 0.2 else raw)
    try:
        assert np.isfinite(dicom.read(damaged, series=3).data).all()
    except InputError as error:
        said = str(error)
    finally:
        shutil.rmtree(damaged)
    assert "\n" not in said
    assert not any(value in said for value in FACTS.values())
    assert time.perf_counter() - started < 20
