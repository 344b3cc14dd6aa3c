"""A secret planted wherever a scan can carry one is found, and a clean copy carries it nowhere."""

import gzip
import json
import os
import struct
import time
import warnings
from pathlib import Path
from typing import Any

import dicom_series
import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import GRIDS, load, made_up
from nibabel.analyze import AnalyzeHeader
from nibabel.nifti1 import Nifti1Extension, Nifti1Header
from nibabel.nifti2 import Nifti2Header
from scipy import ndimage

from brainlab import InputError, privacy, volumes

SECRET = b"Zyzzyva!"  # cut to the field; no format writes it
VALUES = np.random.default_rng(0).integers(0, 1000, (9, 8, 7)).astype(np.int16)
FLOATS: Any = VALUES.astype(np.float32)
AFFINE = np.array([[-1.5, 0.1, 0, 20], [0, 2, 0.2, -30], [0.1, 0, 2.5, 10], [0, 0, 0, 1]])
TEXTS = {
    kind: [
        (name, dtype.itemsize, offset)
        for name, (dtype, offset, *_) in (header.template_dtype.fields or {}).items()
        if dtype.kind == "S" and dtype.itemsize > 2 and name != "magic"
    ]
    for kind, header in {"analyze": AnalyzeHeader, "nifti1": Nifti1Header, "nifti2": Nifti2Header}.items()
}


@pytest.fixture
def tmp_path(tmp_path):
    """In two folders whose names say nothing: those nearest to a scan are looked at most closely."""
    folder = tmp_path / "sub-01" / "anat"
    folder.mkdir(parents=True)
    return folder


def good(kind: str) -> bytes:
    return (nib.Nifti2Image if kind == "nifti2" else nib.Nifti1Image)(VALUES, AFFINE).to_bytes()


def planted(folder: Path, kind: str, at: int, size: int) -> Path:
    """A scan with the secret at one place of its header, cut to ``size`` bytes."""
    if kind == "analyze":
        image = nib.AnalyzeImage(VALUES, None)
        image.header.set_data_shape(VALUES.shape)
        header = bytearray(image.header.binaryblock)
        header[at : at + size] = SECRET[:size].ljust(size, b"\0")
        (folder / "a.hdr").write_bytes(header)
        (folder / "a.img").write_bytes(VALUES.tobytes(order="F"))
        return folder / "a.hdr"
    raw = bytearray(good(kind))
    raw[at : at + size] = SECRET[:size].ljust(size, b"\0")
    (folder / "a.nii").write_bytes(raw)
    return folder / "a.nii"


def unzipped(path: Path) -> bytes:
    raw = path.read_bytes()
    return raw + (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else b"")


def says(path: Path, secret: str) -> list[privacy.Finding]:
    return [one for one in privacy.reveals(path) if secret in one.value]


@pytest.mark.filterwarnings("ignore:.*which side is left")
@pytest.mark.parametrize(
    ("kind", "name", "size", "at"), [(k, *field) for k, fields in TEXTS.items() for field in fields]
)
def test_a_secret_in_any_field_of_text_is_found_and_not_copied(kind, name, size, at, tmp_path):
    path, secret = planted(tmp_path, kind, at, size), SECRET[:size]
    before = path.read_bytes()
    (finding,) = says(path, secret.decode())
    assert finding.where == f"header: {name}"
    for out in ("clean.nii", "clean.nii.gz"):
        copy = privacy.clean_copy(path, tmp_path / out)
        assert secret not in unzipped(copy)
        again, scan = volumes.read(copy), volumes.read(path)
        np.testing.assert_array_equal(again.data, scan.data)
        np.testing.assert_array_equal(again.affine, scan.affine)
    assert path.read_bytes() == before


OFFSETS = {name: offset for name, (_, offset, *_) in (Nifti1Header.template_dtype.fields or {}).items()}
NUMBERS = {"extents": 4, "glmax": 4, "glmin": 4}  # whole numbers: four letters are above 800 million
NUMBERS |= dict.fromkeys(["intent_p1", "cal_max", "slice_duration", "quatern_b", "qoffset_x"], 12)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_secret_in_fields_for_numbers_is_found_and_not_copied(name, tmp_path):
    raw, secret = bytearray(good("nifti1")), b"ErikaZyzzyva"[: NUMBERS[name]]
    raw[OFFSETS[name] : OFFSETS[name] + len(secret)] = secret
    (tmp_path / "a.nii").write_bytes(raw)
    assert [one.where for one in says(tmp_path / "a.nii", secret.decode())] == [f"header: {name}"]
    assert secret not in unzipped(privacy.clean_copy(tmp_path / "a.nii", tmp_path / "clean.nii.gz"))


@pytest.mark.parametrize("names", [["toffset"], ["qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"]])
def test_numbers_whose_bytes_are_letters_by_chance_are_not_taken_for_text(names, tmp_path):
    """The bytes of the float 56.8… are "abcB"; a place stands twice, in the affine and beside the quaternion."""
    raw = bytearray(good("nifti1"))
    for name in names:
        at = OFFSETS[name] + (12 if name.startswith("srow") else 0)
        raw[at : at + 4] = b"abcB"
    (tmp_path / "a.nii").write_bytes(raw)
    assert not privacy.reveals(tmp_path / "a.nii")


@pytest.mark.parametrize("pair", [False, True])
@pytest.mark.parametrize(
    ("code", "name"), [(2, "dicom"), (4, "afni"), (6, "comment"), (18, "mind_ident"), (99, "unknown")]
)
def test_a_secret_in_an_extension_is_found_and_not_copied(code, name, pair, tmp_path):
    image = (nib.Nifti1Pair if pair else nib.Nifti1Image)(VALUES, AFFINE)
    for content in (b"first", b"<xml>" + b" " * 3000 + SECRET):
        image.header.extensions.append(Nifti1Extension(0, content))
    path = tmp_path / ("a.img" if pair else "a.nii.gz")
    nib.save(image, path)
    for file in tmp_path.iterdir():  # nibabel parses what it writes under the codes that it knows: so the code alone
        raw = file.read_bytes() if pair else gzip.decompress(file.read_bytes())
        raw = raw.replace(struct.pack("<i", 0) + b"<xml>", struct.pack("<i", code) + b"<xml>")
        file.write_bytes(raw if pair else gzip.compress(raw))
    (finding,) = says(path, SECRET.decode())
    assert finding.where == f"extension {code} ({name})"
    assert finding.identifying == ("directly" if code == 2 else "perhaps")
    assert len(finding.shown) <= 40
    assert SECRET not in unzipped(privacy.clean_copy(path, tmp_path / "clean.nii.gz"))


def test_a_secret_between_header_and_voxels_is_found(tmp_path):
    raw = bytearray(good("nifti1"))
    raw[108:112] = struct.pack("<f", 400.0)
    (tmp_path / "a.nii").write_bytes(raw[:352] + (bytes(8) + SECRET).ljust(48, b"\0") + raw[352:])
    assert [one.where for one in says(tmp_path / "a.nii", SECRET.decode())] == ["after the header"]
    assert SECRET not in unzipped(privacy.clean_copy(tmp_path / "a.nii", tmp_path / "b.nii"))


@pytest.mark.parametrize("name", ["a.mgh", "a.mgz"])
def test_a_secret_after_an_mgh_files_voxels_or_in_its_header_is_found(name, tmp_path):
    raw = nib.MGHImage(FLOATS, AFFINE).to_bytes()
    raw = raw[:100] + b"UNUSED-FIELD" + raw[112:] + b"mri_convert " + SECRET
    (tmp_path / name).write_bytes(gzip.compress(raw, mtime=0) if name.endswith("z") else raw)
    assert [one.where for one in says(tmp_path / name, SECRET.decode())] == ["after the last voxel"]
    assert [one.where for one in says(tmp_path / name, "UNUSED-FIELD")] == ["header: unused"]
    copy = privacy.clean_copy(tmp_path / name, tmp_path / "b.nii")
    assert SECRET not in copy.read_bytes()
    np.testing.assert_array_equal(volumes.read(copy).data, volumes.read(tmp_path / name).data)
    np.testing.assert_allclose(volumes.read(copy).affine, volumes.read(tmp_path / name).affine, atol=1e-5)


def test_what_a_gzip_header_says_is_found_and_not_copied(tmp_path):
    """RFC 1952: magic, deflate, flags for an extra field (4), a name (8) and a comment (16), then the time."""
    head = b"\x1f\x8b\x08" + bytes([4 | 8 | 16]) + struct.pack("<I", 1_600_000_000) + b"\0\xff"
    head += struct.pack("<H", 12) + b"ZX\x08\0ExtraZyz" + b"zyzzyva_jane.nii\0" + b"CommentZyz\0"
    (tmp_path / "a.nii.gz").write_bytes(head + gzip.compress(good("nifti1"), mtime=0)[10:])
    found = {one.where.removeprefix("gzip header: "): one for one in privacy.reveals(tmp_path / "a.nii.gz")}
    assert "ExtraZyz" in found["extra field"].value
    assert found["file name"].value == "zyzzyva_jane.nii"
    assert found["comment"].value == "CommentZyz"
    assert found["time"].value == "compressed 2020-09-13 12:26 UTC"
    raw = privacy.clean_copy(tmp_path / "a.nii.gz", tmp_path / "clean.nii.gz").read_bytes()
    assert raw[3:8] == bytes(5)  # no flags, no time
    assert not privacy.reveals(tmp_path / "clean.nii.gz")


ABROAD = ["Иванов Иван 1968", "王小明", "김철수", "Łukasz Yıldız", "محمد علي", "अनिल कुमार"]


@pytest.mark.parametrize("name", ABROAD)
def test_a_name_in_any_script_is_found_in_a_header_and_in_an_extension(name, tmp_path):
    image = nib.Nifti1Image(VALUES, AFFINE)
    image.header.extensions.append(Nifti1Extension(6, name.encode()))
    image.header["descrip"] = name.encode()
    nib.save(image, tmp_path / "a.nii")
    assert {one.where for one in says(tmp_path / "a.nii", name)} == {"header: descrip", "extension 6 (comment)"}


def test_a_name_that_its_field_cuts_within_a_character_is_found(tmp_path):
    image = nib.Nifti1Image(VALUES, AFFINE)
    image.header["descrip"] = ("x" + "Иванов" * 10).encode()[:80]
    nib.save(image, tmp_path / "a.nii")
    assert says(tmp_path / "a.nii", "xИвановИванов")


@pytest.mark.parametrize("code", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read(code, tmp_path):
    image = nib.Nifti1Image(VALUES, AFFINE)
    name = "Эрика Zyzzyva" if code == "utf-16" else "Erika Zyzzyva"  # without a mark only ASCII's letters can be told
    image.header.extensions.append(Nifti1Extension(6, name.encode(code)))
    nib.save(image, tmp_path / "a.nii")
    assert says(tmp_path / "a.nii", name)


def test_bytes_of_numbers_are_not_taken_for_words():
    from brainlab.privacy.finding import texts

    assert not texts(np.arange(-10, 10, dtype=np.float32).tobytes())
    assert not texts(np.arange(20, dtype=np.int16).tobytes())
    assert not texts("«»—…".encode() * 5)


SIDECAR = {
    "PatientName": ("Zyzzyva^Quimby", "directly"),
    "PatientID": ("4711", "directly"),
    "PatientBirthDate": ("1937-05-23", "directly"),
    "AccessionNumber": ("1234567", "directly"),
    "AcquisitionTime": ("16:18:03.3", "in combination"),
    "AcquisitionDateTime": ("2019-08-17T16:18:03", "in combination"),
    "InstitutionName": ("Zyzzyva Hospital", "in combination"),
    "InstitutionAddress": ("Square 1", "in combination"),
    "DeviceSerialNumber": ("31337", "in combination"),
    "StationName": ("ZYZ", "in combination"),
    "SeriesInstanceUID": ("1.2.3.4.5.6.7", "in combination"),
    "PatientSex": ("F", "in combination"),
    "SeriesDescription": ("t1 Zyzzyva", "perhaps"),
    "ImageComments": ("Zyzzyva", "perhaps"),
    "PulseSequenceDetails": ("%CustomerSeq%\\mueller\\x", "perhaps"),
    "SomethingNew": ("Zyzzyva", "perhaps"),
    "ProtocolName": ("19680412", "perhaps"),
    "StudyDescription": ("0171 2345678", "perhaps"),
    "CaseNumber": (4711815, "perhaps"),
    "PatientWeight": (72.5, "in combination"),
    "ServiceEpisodeID": (17, "in combination"),
    "subject_id": (12, "directly"),
    "dob": ("12.04.1968", "directly"),
    "mrn": (471, "directly"),
}


def test_a_sidecar_beside_a_scan_is_read_to_its_depths(tmp_path):
    (tmp_path / "a.nii").write_bytes(good("nifti1"))
    harmless = {"Modality": "MR", "EchoTime": 0.003, "RepetitionTime": 2, "Manufacturer": "Siemens", "FlipAngle": 9}
    harmless |= {"ImagingFrequency": 123.253801, "DwellOfSomething": 1e-05, "SeriesNumber": 301, "StackID": "1"}
    facts = {name: value for name, (value, _) in SIDECAR.items()} | harmless | {"global": {"deep": [["Zyzzdeep"]]}}
    (tmp_path / "a.json").write_text(json.dumps(facts))
    found = {one.where: (one.value, one.identifying) for one in privacy.reveals(tmp_path / "a.nii")}
    assert found == {f"sidecar (.json): {name}": (str(value), how) for name, (value, how) in SIDECAR.items()} | {
        "sidecar (.json): deep": ("Zyzzdeep", "perhaps")
    }
    (tmp_path / "a.json").write_text("{'no': Zyzzyva")
    assert says(tmp_path / "a.nii", "Zyzzyva")
    (tmp_path / "a.json").write_text("[" * 100_000)
    assert len(privacy.reveals(tmp_path / "a.nii")) <= 1


def test_a_sidecars_mend_is_true_of_each_line_and_none_is_no_department(tmp_path):
    """What ``dcm2niix -ba y`` leaves out of, and keeps in, the sidecar of a series with all of these was tried out."""
    (tmp_path / "a.nii").write_bytes(good("nifti1"))
    dropped = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientWeight", "StudyID"]
    dropped += ["PatientSize", "AccessionNumber", "ReferringPhysicianName", "SeriesInstanceUID", "AcquisitionDateTime"]
    kept = ["InstitutionName", "InstitutionAddress", "StationName", "DeviceSerialNumber", "AcquisitionTime"]
    kept += ["StudyDescription", "ProtocolName", "ImageComments", "SeriesDescription"]
    facts = dict.fromkeys(dropped + kept, "Zyzzyva") | {"InstitutionalDepartmentName": "None"}
    (tmp_path / "a.json").write_text(json.dumps(facts))
    found = {one.where.split()[-1]: "-ba y" in one.mend for one in privacy.reveals(tmp_path / "a.nii")}
    assert found == dict.fromkeys(dropped, True) | dict.fromkeys(kept, False)


NAMES = {
    "Quimby_Zyzzyva_t1.nii": {"words": "Quimby Zyzzyva"},
    "ZYZZYVA_QUIMBY.nii": {"words": "ZYZZYVA QUIMBY"},
    "quimby_brain.nii": {"words": "quimby"},
    "1970-01-31_t1.nii": {"date": "1970-01-31"},
    "t1_19700131.nii": {"date": "19700131"},
    "31.1.1970.nii": {"date": "31.1.1970"},
    "MR_0048151623.nii": {"number": "0048151623"},
    "1.2.840.113619.2.55.nii": {"UID": "1.2.840.113619.2.55"},
    "Иванов_T1w.nii": {"words": "Иванов"},
    "王小明_t1.nii": {"words": "王小明"},
    "Łukasz_Yıldız.nii": {"words": "Łukasz Yıldız"},
    "Mu\u0308ller_t1.nii": {"words": "Müller"},
    "sub-07_ses-1_T1w.nii": {},
    "case01_flair.nii": {},
    "T1_bet.nii": {},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_with_a_date_a_number_or_words_is_found(name, tmp_path):
    (tmp_path / name).write_bytes(good("nifti1"))
    found = {one.where: one.value for one in privacy.reveals(tmp_path / name) if one.where.startswith("its own name")}
    assert found == {f"its own name: {what}": value for what, value in NAMES[name].items()}


def test_folders_are_looked_at_up_to_the_home_folder(tmp_path, monkeypatch):
    folder = tmp_path / "19700131" / "Zyzzyva" / "2019-08-17" / "Jane Quimby" / "t1"
    folder.mkdir(parents=True)
    (folder / "a.nii").write_bytes(good("nifti1"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "19700131" / "Zyzzyva")
    assert [(one.where, one.value) for one in privacy.reveals(folder / "a.nii")] == [
        ("folder name, 3 up: date", "2019-08-17"),
        ("folder name, 2 up: words", "Jane Quimby"),
        ("folder name, 4 up", "Zyzzyva"),
    ]


def test_lower_case_words_count_in_the_two_nearest_folders_only(tmp_path):
    folder = tmp_path / "zyzzvag" / "mueller_erika" / "t1 old"
    folder.mkdir(parents=True)
    (folder / "T1w.nii").write_bytes(good("nifti1"))
    found = [("folder name, 2 up: words", "mueller erika")]
    assert [(one.where, one.value) for one in privacy.reveals(folder / "T1w.nii")] == found
    dicom_series.write(tmp_path / "quimby", left_out=tuple(range(1, 20)))
    assert ("its own name: words", "quimby") in [(one.where, one.value) for one in privacy.reveals(tmp_path / "quimby")]


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    from pydicom import dcmread
    from pydicom.dataset import Dataset

    folder = dicom_series.write(tmp_path_factory.mktemp("cd") / "x", left_out=tuple(range(3, 20)))
    first = dcmread(min(folder.iterdir()))
    inner, item = Dataset(), Dataset()
    inner.PatientName = "Zyzznested^Name"
    item.ReferencedPatientSequence = [inner]
    first.RequestAttributesSequence = [item]
    first.preamble = b"Zyzzpreamble".ljust(128, b"\0")
    first.file_meta.SourceApplicationEntityTitle = "ZYZZAE"
    first.BurnedInAnnotation = "YES"
    first.add_new(0x60003000, "OW", b"\xff\0" * 100)
    first.add_new(0x60000022, "LO", "Zyzzoverlay")
    first.private_block(0x0029, "ZYZ", create=True).add_new(0x10, "OB", b"\0\1\2Zyzzbinary\0\0")
    first.DataSetTrailingPadding = b"Zyzztrailing"
    first.save_as(min(folder.iterdir()))
    return folder


def test_every_secret_in_dicom_is_found_at_any_depth(series):
    found = privacy.reveals(series)
    said = "\n".join(one.value for one in found)
    assert [name for name, value in dicom_series.SECRETS.items() if value not in said] == []
    for secret in ["nested^Name", "preamble", "private", "overlay", "binary", "trailing"]:
        assert f"Zyzz{secret}" in said
    where = " ".join(one.where for one in found)
    assert "SourceApplicationEntityTitle" in where
    assert "BurnedInAnnotation" in where
    assert "(6000,3000) Overlay Data" in where
    assert "SeriesInstanceUID" in where
    assert "SOPClassUID" not in where
    assert "EchoTime" not in where
    assert len({one.where for one in found}) == len(found)  # three files, one line each
    grades = {one.where.split()[-1]: one.identifying for one in found}
    assert grades["PatientName"] == grades["PatientID"] == grades["OperatorsName"] == "directly"
    assert grades["StudyDate"] == grades["DeviceSerialNumber"] == grades["InstitutionName"] == "in combination"
    assert all("dcm2niix -b n, then privacy.clean_copy" in one.mend for one in found if "PatientName" in one.where)
    assert privacy.reveals(min(series.iterdir()))  # one file will do


def test_numbers_that_someone_typed_into_dicom_are_found_and_those_measured_are_not(tmp_path):
    typed = {
        "ImageComments": ("004711", "perhaps"),
        "PatientComments": ("12.04.1968", "perhaps"),
        "StudyDescription": ("0171 2345678", "perhaps"),
        "ProtocolName": ("19680412", "perhaps"),
        "ClinicalTrialSubjectID": ("0007", "directly"),
        "ClinicalTrialSiteID": ("0008", "in combination"),
        "ServiceEpisodeID": ("0009", "in combination"),
        "GantryID": ("0010", "in combination"),
        "PatientWeight": ("72.5", "in combination"),
        "PatientSize": ("1.83", "in combination"),
    }
    changes: dict[str, Any] = {name: value for name, (value, _) in typed.items()} | {
        "FlipAngle": "9",
        "ImagingFrequency": "123.2",
    }
    dicom_series.write(tmp_path, left_out=tuple(range(1, 20)), **changes)
    found = {one.where.split()[-1]: (one.value, one.identifying) for one in privacy.reveals(tmp_path)}
    assert {name: found.get(name) for name in typed} == typed
    assert not {"FlipAngle", "ImagingFrequency", "SliceThickness", "Rows", "PixelSpacing"} & found.keys()


def test_a_screenshot_is_suspected_of_text(tmp_path):
    dicom_series.write(tmp_path, left_out=tuple(range(1, 20)), SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    assert any("secondary capture" in one.value for one in privacy.reveals(tmp_path))


def test_the_table_is_readable_and_hides_values_on_request(tmp_path):
    path = planted(tmp_path, "nifti1", 148, 8).rename(tmp_path / "Jane_19700131.nii")
    shown, hidden = privacy.reveals(path), privacy.reveals(path, values=False)
    assert "header: descrip" in repr(shown)
    assert "Zyzzyva!" in repr(shown)
    assert shown._repr_html_().count("<tr>") == len(shown) + 1 == 4
    assert len(hidden) == len(shown)
    for secret in ("Zyz", "Jane", "1970"):
        assert secret not in repr(hidden) + hidden._repr_html_() + repr(list(hidden))
    raw = bytearray(path.read_bytes())
    raw[148:160] = b"<b>Zyz</b>\0\0"
    path.write_bytes(raw)
    assert "&lt;b&gt;Zyz" in privacy.reveals(path)._repr_html_()
    privacy.clean_copy(path, tmp_path / "case01.nii")
    assert "Nothing was found" in repr(privacy.reveals(tmp_path / "case01.nii"))


@pytest.mark.parametrize(
    "kind", ["nifti1", "nifti2", "big-endian", "float64", "scaled", "4-D", "qform only", "no form"]
)
def test_a_clean_copy_has_the_same_voxels_number_type_affine_and_voxel_sizes(kind, tmp_path):
    image: Any = (nib.Nifti2Image if kind == "nifti2" else nib.Nifti1Image)(VALUES, AFFINE)
    if kind == "big-endian":
        image = nib.Nifti1Image(VALUES, AFFINE, nib.Nifti1Header(endianness=">"))
    if kind == "float64":
        image = nib.Nifti1Image(VALUES / 7, AFFINE)
    if kind == "scaled":
        image.header.set_slope_inter(0.3, -5)
    if kind == "4-D":
        image = nib.Nifti1Image(np.stack([VALUES, VALUES + 1], -1), AFFINE)
    if kind == "qform only":
        image.set_sform(None, 0)
        image.set_qform(np.diag([-2.0, 2, 3, 1]), 1)  # left-handed, which pixdim[0] alone says
    if kind == "no form":
        image.set_sform(None, 0)
        image.set_qform(None, 0)
    nib.save(image, tmp_path / "a.nii")
    copy, original = load(privacy.clean_copy(tmp_path / "a.nii", tmp_path / "b.nii.gz")), load(tmp_path / "a.nii")
    np.testing.assert_array_equal(copy.get_fdata(), original.get_fdata())
    np.testing.assert_array_equal(copy.affine, original.affine)
    assert copy.header.get_zooms()[:3] == original.header.get_zooms()[:3]
    assert copy.get_data_dtype() == original.get_data_dtype().newbyteorder("<")
    for form in ("sform_code", "qform_code"):
        assert copy.header[form] == original.header[form]


def test_a_clean_copy_overwrites_nothing_and_leaves_nothing_half_written(tmp_path):
    (tmp_path / "a.nii").write_bytes(good("nifti1"))
    with pytest.raises(InputError, match="exists already"):
        privacy.clean_copy(tmp_path / "a.nii", tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"must end in \.nii"):
        privacy.clean_copy(tmp_path / "a.nii", tmp_path / "b.txt")
    with pytest.raises(InputError, match="cannot be written"):
        privacy.clean_copy(tmp_path / "a.nii", tmp_path / "none" / "b.nii")
    (tmp_path / "cut.nii.gz").write_bytes(gzip.compress(good("nifti1"))[:-200])
    with pytest.raises(InputError, match="damaged or cut short"):
        privacy.clean_copy(tmp_path / "cut.nii.gz", tmp_path / "b.nii")
    assert sorted(os.listdir(tmp_path)) == ["a.nii", "cut.nii.gz"]
    assert (tmp_path / "a.nii").read_bytes() == good("nifti1")


def head() -> tuple[np.ndarray, np.ndarray]:
    """A made-up brain within dark bone within bright scalp."""
    data, affine = made_up(GRIDS["RAS"])
    data = np.pad(data, 8)
    affine[:3, 3] -= 24
    brain = np.asarray(data > 0)
    bone, scalp = (np.asarray(ndimage.binary_dilation(brain, iterations=n)) for n in (2, 4))
    data[np.logical_and(scalp, np.logical_not(bone))] = 200
    data[np.logical_and(bone, np.logical_not(brain))] = 5
    return data, affine


def test_a_head_is_told_from_a_brain_and_warned_of(tmp_path):
    nib.save(nib.Nifti1Image(*head()), tmp_path / "head.nii")
    nib.save(nib.Nifti1Image(*made_up(GRIDS["RAS"])), tmp_path / "brain.nii")
    whole, brain = volumes.read(tmp_path / "head.nii"), volumes.read(tmp_path / "brain.nii")
    assert privacy.shows_face(whole)
    assert not privacy.shows_face(brain)
    with pytest.warns(UserWarning, match="pydeface, mri_deface, quickshear"):
        privacy.warn_of_face(whole)
    with warnings.catch_warnings(action="error"):
        privacy.warn_of_face(brain)
    assert [(one.where, one.identifying) for one in privacy.reveals(tmp_path / "head.nii")] == [("picture", "directly")]
    assert not privacy.reveals(tmp_path / "brain.nii")


def test_a_large_head_is_thinned_and_still_found(tmp_path, monkeypatch):
    from brainlab.privacy import picture

    data, affine = head()
    affine[:3, :3] /= 2
    nib.save(nib.Nifti1Image(data.repeat(2, 0).repeat(2, 1).repeat(2, 2), affine), tmp_path / "head.nii")
    monkeypatch.setattr(picture, "MOST_VOXELS", 8 * data.size - 1)
    sizes = []
    monkeypatch.setattr(
        picture.face,
        "shows_face",
        lambda volume: sizes.append((volume.data.shape, volume.affine[2, 2])) or privacy.shows_face(volume),
    )
    assert [one.identifying for one in privacy.reveals(tmp_path / "head.nii")] == ["directly"]
    assert sizes == [(data.shape, 2 * affine[2, 2])]


def picture_of(path: Path) -> list[tuple[str, str]]:
    return [(one.value, one.identifying) for one in privacy.reveals(path) if one.where == "picture"]


def test_a_head_in_dicom_is_found_and_one_that_was_not_looked_at_is_said(tmp_path):
    noise = np.random.default_rng(0).integers(1, 900, dicom_series.truth()[:, :, 0].size).astype(np.uint16)
    dicom_series.write(tmp_path / "head", PixelData=noise.tobytes())  # its air is not blank
    assert picture_of(tmp_path / "head") == [("a whole head, perhaps with its face", "directly")]
    dicom_series.write(tmp_path / "head" / "few", series=4, left_out=tuple(range(3, 20)))
    assert picture_of(tmp_path / "head") == [("a whole head, perhaps with its face", "directly")]  # the largest series
    dicom_series.write(tmp_path / "ball")
    assert picture_of(tmp_path / "ball") == []
    dicom_series.write(tmp_path / "ball" / "few", series=4, left_out=tuple(range(3, 20)))
    assert picture_of(tmp_path / "ball") == [("one series shows no face; the others were not looked at", "perhaps")]
    dicom_series.write(tmp_path / "gap", left_out=(7,))
    assert picture_of(tmp_path / "gap") == [("not looked at for a face", "perhaps")]


def test_the_note_says_what_never_to_do_and_names_only_what_there_is():
    for word in ("cloud", "git", "outputs", "doctor", "not anonymous"):
        assert word in privacy.NOTE
    for name in ("reveals", "clean_copy", "warn_of_face"):
        assert f"privacy.{name}" in privacy.NOTE
        assert hasattr(privacy, name)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    flips=st.integers(0, 60),
    within=st.sampled_from([80, 352, 420, 2000]),
    ending=st.sampled_from([".nii", ".nii.gz", ".mgh", ".hdr", ".json", ""]),
)
def test_damaged_files_become_a_table_or_a_sentence_in_bounded_time(tmp_path, series, seed, flips, within, ending):
    rng = np.random.default_rng(seed)
    for name in ("a.nii", "a.img", "a.json"):
        (tmp_path / name).unlink(missing_ok=True)
    extended = nib.Nifti1Image(VALUES, AFFINE)
    extended.header.extensions.append(Nifti1Extension(6, b"comment"))
    raw = {
        ".mgh": nib.MGHImage(FLOATS, AFFINE).to_bytes(),
        ".hdr": planted(tmp_path, "analyze", 148, 8).read_bytes(),
        "": min(series.iterdir()).read_bytes(),
        ".json": json.dumps({name: value for name, (value, _) in SIDECAR.items()}).encode(),
    }.get(ending, extended.to_bytes())
    raw = bytearray(gzip.compress(raw, mtime=0) if ending == ".nii.gz" else raw)
    start = 132 if ending == "" else 0  # another preamble is no longer DICOM
    for at in start + rng.integers(0, min(within, len(raw) - start), flips):
        raw[at] = rng.integers(256)
    (tmp_path / f"a{ending}").write_bytes(raw[: rng.integers(len(raw) // 2, len(raw))] if rng.random() < 0.2 else raw)
    if ending == ".json":
        (tmp_path / "a.nii").write_bytes(good("nifti1"))
    started, said = time.perf_counter(), ""
    try:
        privacy.reveals(tmp_path / ("a.nii" if ending == ".json" else f"a{ending}"))
    except InputError as error:
        said = str(error)
    assert "\n" not in said
    assert time.perf_counter() - started < 5
