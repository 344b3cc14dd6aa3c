"""Whatever a file may be, it becomes a volume or one sentence that names it and the mend: table, then fuzz."""

import builtins
import gzip
import re
import struct
import sys
import time
import traceback
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel import imageglobals

from brainlab import InputError, data, imagefile, volumes
from tests.made_up import GRIDS, made_up, saved

MOST_SECONDS = 2.0
MOST_BYTES = 16e6  # of memory, while a bad file is refused

DIM, DATATYPE, PIXDIM, VOX_OFFSET, SLOPE, QFORM_CODE, SFORM_CODE, SROW, MAGIC = 40, 70, 76, 108, 112, 252, 254, 280, 344


def nifti(values=None, affine=None) -> bytes:
    """The bytes of a small good NIfTI file."""
    if values is None:
        values = np.random.default_rng(0).integers(0, 1000, (9, 8, 7)).astype(np.int16)
    return nib.Nifti1Image(values, np.diag([2, 2, 2, 1.0]) if affine is None else affine).to_bytes()


def patched(offset: int, layout: str, *numbers, base: bytes | None = None) -> bytes:
    """A good NIfTI file with the header field at ``offset`` overwritten."""
    raw = bytearray(base or nifti())
    struct.pack_into("<" + layout, raw, offset, *numbers)
    return bytes(raw)


def mgh() -> bytes:
    values: Any = np.random.default_rng(0).random((9, 8, 7), np.float32)
    return nib.MGHImage(values, np.diag([2, 2, 2, 1.0])).to_bytes()


def analyze_header() -> bytes:
    image = nib.AnalyzeImage(np.arange(9 * 8 * 7, dtype=np.int16).reshape(9, 8, 7), None)
    image.header.set_data_shape((9, 8, 7))
    return image.header.binaryblock


def colour() -> np.ndarray:
    return np.zeros((4, 4, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])


def with_value(value: float) -> np.ndarray:
    values = np.arange(9 * 8 * 7, dtype=np.float32).reshape(9, 8, 7)
    values[3, 3, 3] = value
    return values


singular = np.diag([1.0, 1.0, 1.0, 1.0])
singular[2, :3] = singular[1, :3]

BAD: dict[str, tuple[str, bytes, str]] = {
    # what is wrong: (file name, content, what the sentence must say)
    "empty file": ("a.nii", b"", "empty"),
    "empty gzip file": ("a.nii.gz", b"", "empty"),
    "gzip of nothing": ("a.nii.gz", gzip.compress(b""), "cut short|magic"),
    "unknown ending": ("a.png", b"\x89PNG", "does not end in"),
    "text renamed": ("a.nii", b"patient,age\n1,31\n" * 50, "magic"),
    "text renamed to gzip": ("a.nii.gz", b"patient,age\n1,31\n" * 50, "not the gzip file"),
    "text renamed to MGH": ("a.mgh", b"patient,age\n1,31\n" * 50, "MGH"),
    "gzip without .gz": ("a.nii", gzip.compress(nifti()), "add .gz"),
    "NIfTI renamed to .gz": ("a.nii.gz", nifti(), "not the gzip file"),
    "wrong magic": ("a.nii", patched(MAGIC, "4s", b"n+9\0"), "magic"),
    "wrong magic in gzip": ("a.nii.gz", gzip.compress(patched(MAGIC, "4s", b"abcd")), "magic"),
    "header cut short": ("a.nii", nifti()[:200], "magic|cut short"),
    "header cut at its end": ("a.nii", nifti()[:348], "more than its .* can hold"),
    "data cut short": ("a.nii", nifti()[:-10], "more than its .* can hold"),
    "truncated gzip": ("a.nii.gz", gzip.compress(nifti())[:-200], "damaged or cut short"),
    "gzip without its checksum": ("a.nii.gz", gzip.compress(nifti())[:-8], "damaged or cut short"),
    "gzip with a wrong checksum": ("a.nii.gz", gzip.compress(nifti())[:-8] + bytes(8), "damaged or cut short"),
    "gzip with a flipped byte": (
        "a.nii.gz",
        (lambda z: z[: len(z) // 2] + bytes([z[len(z) // 2] ^ 255]) + z[len(z) // 2 + 1 :])(gzip.compress(nifti())),
        "damaged or cut short|cannot be read",
    ),
    "shape larger than the data": ("a.nii", patched(DIM, "4h", 3, 9, 8, 9), "more than its .* can hold"),
    "shape smaller than the data": ("a.nii", patched(DIM, "4h", 3, 9, 8, 6), "disagree"),
    "shape larger than the gzipped data": (
        "a.nii.gz",
        gzip.compress(patched(DIM, "4h", 3, 9, 8, 9)),
        "damaged or cut short",
    ),
    "shape smaller than the gzipped data": ("a.nii.gz", gzip.compress(patched(DIM, "4h", 3, 9, 8, 6)), "disagree"),
    "terabytes claimed": ("a.nii", patched(DIM, "4h", 3, 20000, 20000, 20000), "16 TB"),
    "terabytes claimed in gzip": ("a.nii.gz", gzip.compress(patched(DIM, "4h", 3, 20000, 20000, 20000)), "16 TB"),
    "terabytes claimed in MGH": ("a.mgh", mgh()[:4] + struct.pack(">3i", 20000, 20000, 20000) + mgh()[16:], "TB"),
    "exabytes claimed": ("a.nii", patched(DIM, "8h", 7, *[32767] * 7), "7 dimensions"),
    "gigabytes in a gzip bomb": (
        "a.nii.gz",
        gzip.compress(patched(DIM, "4h", 3, 4000, 4000, 4000) + bytes(20_000_000)),
        "128 GB",
    ),
    "a gzip bomb that could hold its claim": (
        "a.nii.gz",
        gzip.compress(patched(DIM, "4h", 3, 1200, 1200, 1200) + bytes(10_000_000)) + bytes(4_000_000),
        "more than brainlab opens",
    ),
    "a gzip bomb behind a modest header": ("a.nii.gz", gzip.compress(nifti() + bytes(40_000_000)), "disagree"),
    "gigabytes of notes": ("a.nii", patched(VOX_OFFSET, "f", 4e9), "start at byte"),
    "voxels before the file": ("a.nii", patched(VOX_OFFSET, "f", -1e30), "start at byte"),
    "voxels nowhere": ("a.nii", patched(VOX_OFFSET, "f", np.nan), "start at byte"),
    "negative shape": ("a.nii", patched(DIM, "4h", 3, -9, 8, 7), "impossible size"),
    "no shape": ("a.nii", patched(DIM, "4h", 0, 0, 0, 0), "impossible size"),
    "NaN": ("a.nii", nifti(with_value(np.nan)), "1 voxels that are NaN"),
    "infinity": ("a.nii.gz", gzip.compress(nifti(with_value(np.inf))), "NaN or infinite"),
    "minus infinity": ("a.nii", nifti(with_value(-np.inf)), "NaN or infinite"),
    "gzip of an impossible block": ("a.nii.gz", gzip.compress(nifti())[:10] + b"\xff" * 400, "damaged or cut short"),
    "too large for float32": ("a.nii", patched(SLOPE, "f", 3e38), "NaN or infinite"),
    "constant": ("a.nii", nifti(np.full((9, 8, 7), 5, np.uint8)), "every voxel is 5"),
    "constant by its scaling": ("a.nii", patched(SLOPE, "2f", 1e-30, 1.0), "every voxel is 1"),
    "RGB": ("a.nii", nifti(colour()), "RGB"),
    "complex": ("a.nii", nifti(np.ones((4, 4, 4), np.complex64)), "complex"),
    "binary type": ("a.nii", patched(DATATYPE, "h", 1), "number type"),
    "unknown number type": ("a.nii", patched(DATATYPE, "h", 4242), "number type"),
    "zero voxel size": ("a.nii", patched(PIXDIM, "4f", 1, 2, 0, 2), "voxel size"),
    "NaN voxel size": ("a.nii", patched(PIXDIM, "4f", 1, 2, np.nan, 2), "voxel size"),
    "zero voxel size in MGH": ("a.mgh", mgh()[:30] + bytes(12) + mgh()[42:], "voxel size"),
    "affine with two equal rows": ("a.nii", patched(SROW, "12f", *singular[:3].ravel()), "cannot be inverted"),
    "affine that leads metres away": ("a.nii", patched(SROW + 12, "f", 1e30), "metres away"),
    "voxel size in metres": ("a.nii", nifti(affine=np.diag([0.002, 0.002, 0.002, 1])), "voxel size"),
    "affine of zeros": ("a.nii", patched(SROW, "12f", *np.zeros(12)), "cannot be inverted"),
    "affine of NaN": ("a.nii", patched(SROW, "12f", *np.full(12, np.nan)), "cannot be inverted"),
    "impossible rotation": (
        "a.nii",
        patched(256, "3f", 5, 5, 5, base=patched(QFORM_CODE, "2h", 1, 0)),
        "cannot be read",
    ),
    "2-D": ("a.nii", nifti(np.arange(72, dtype=np.int16).reshape(9, 8)), "2-D"),
    "2-D in three dimensions": ("a.nii", nifti(np.arange(72, dtype=np.int16).reshape(9, 8, 1)), "2-D"),
    "5-D": ("a.nii", nifti(np.zeros((3, 3, 3, 2, 3), np.uint8)), "5 dimensions"),
    "4-D without a volume named": ("a.nii", nifti(np.zeros((3, 3, 3, 6), np.uint8)), "6 volumes.*volume=0 to volume=5"),
    "a pair without its data": ("a.hdr", analyze_header(), "a.img does not exist"),
    "a pair without its header": ("a.img", bytes(1000), "a.hdr does not exist"),
}


def refusal(path: Path | str, *, named: str | None = None) -> str:
    """The sentence that a path is refused with, having checked that it is one and costs little."""
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(InputError) as caught:
        volumes.read(path)
    seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    message = str(caught.value)
    assert (named or Path(path).name.split(".")[0] + ".") in message
    assert "\n" not in message
    assert message.endswith(".")
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count("Traceback") == 1  # not a word of what was raised below
    assert seconds < MOST_SECONDS
    assert peak < MOST_BYTES
    return message


@pytest.mark.parametrize("wrong", BAD)
def test_a_bad_file_gets_one_sentence_that_names_it_at_little_cost(wrong, tmp_path):
    name, content, says = BAD[wrong]
    path = tmp_path / name
    path.write_bytes(content)
    message = refusal(path)
    assert re.search(says, message), message
    with pytest.raises(InputError):
        data.load(path, split="test")


def test_the_good_file_that_the_bad_ones_are_made_of_is_read(tmp_path):
    for name, content in (("a.nii", nifti()), ("b.nii.gz", gzip.compress(nifti())), ("c.mgh", mgh())):
        (tmp_path / name).write_bytes(content)
        assert volumes.read(tmp_path / name).data.shape == (9, 8, 7)


def test_a_missing_file_a_folder_and_a_null_byte_are_named(tmp_path):
    assert "does not exist" in refusal(tmp_path / "a.nii")
    (tmp_path / "a.nii").mkdir()
    assert "folder" in refusal(tmp_path / "a.nii")
    assert "null byte" in refusal(f"{tmp_path}/a\0.nii", named="a\\x00.nii")
    assert "cannot be read" in refusal(f"{tmp_path}/{'a' * 5000}.nii", named="aaaa")
    for one in (tmp_path / "b.nii", f"{tmp_path}/a\0.nii", tmp_path / "a.nii"):
        with pytest.raises(InputError):
            data.load(one, split="test")


def test_a_file_that_may_not_be_opened_is_named(tmp_path, monkeypatch):
    """Tests may run as root, whom no mode keeps out: so the refusal itself is played."""
    path = tmp_path / "a.nii"
    path.write_bytes(nifti())
    really_open = builtins.open

    def refuse(file, *args, **kwargs):
        if str(file) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return really_open(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", refuse)
    assert "permission denied" in refusal(path)


def test_a_file_that_holds_more_volumes_than_it_claims_is_refused_whichever_is_read(tmp_path):
    several = nifti(np.random.default_rng(0).integers(0, 9, (5, 6, 7, 4)).astype(np.int16))
    (tmp_path / "a.nii").write_bytes(patched(DIM, "5h", 4, 5, 6, 7, 3, base=several))
    for volume in range(3):
        with pytest.raises(InputError, match="disagree"):
            volumes.read(tmp_path / "a.nii", volume=volume)


@pytest.mark.parametrize("volume", [-1, 3, "first", 1.0, True])
def test_a_volume_that_a_file_does_not_have_is_refused(volume, tmp_path):
    (tmp_path / "a.nii").write_bytes(nifti(np.arange(81, dtype=np.int16).reshape(3, 3, 3, 3)))
    with pytest.raises(InputError, match="from 0 to 2"):
        volumes.read(tmp_path / "a.nii", volume=volume)


def is_right_or_refused(path: Path) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):  # a damaged header may lose which side is left
            volume = volumes.read(path)
    except InputError as error:
        return "a." in str(error)
    positive = np.diag(volume.affine)[:3] > 0
    return volume.data.ndim == 3 and bool(np.isfinite(volume.data).all()) and bool(positive.any())


GOOD = nifti(np.random.default_rng(1).integers(0, 255, (6, 5, 4)).astype(np.uint8))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    zipped=st.booleans(),
    flips=st.integers(0, 8),
    cut=st.floats(0, 1),
    within=st.sampled_from([80, 352, 10_000]),
)
def test_a_damaged_file_becomes_a_finite_volume_or_a_sentence(tmp_path, seed, zipped, flips, cut, within):
    rng = np.random.default_rng(seed)
    raw = bytearray(gzip.compress(GOOD, mtime=0) if zipped else GOOD)
    for at in rng.integers(0, min(within, len(raw)), flips):
        raw[at] = rng.integers(256)
    path = tmp_path / ("a.nii.gz" if zipped else "a.nii")
    path.write_bytes(bytes(raw[: round(cut * len(raw))]) if rng.random() < 0.3 else bytes(raw))
    assert is_right_or_refused(path)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), flips=st.integers(1, 8), ending=st.sampled_from(["mgh", "hdr", "img"]))
def test_a_damaged_file_of_another_format_does_too(tmp_path, seed, flips, ending):
    rng = np.random.default_rng(seed)
    for name, content in (("a.mgh", mgh()), ("a.hdr", analyze_header()), ("a.img", bytes(range(252)) * 4)):
        raw = bytearray(content)
        for at in rng.integers(0, min(400, len(raw)), flips):
            raw[at] = rng.integers(256)
        (tmp_path / name).write_bytes(bytes(raw))
    assert is_right_or_refused(tmp_path / f"a.{ending}")


def test_two_threads_that_read_headers_leave_warnings_as_they_were(tmp_path):
    data, affine = made_up(GRIDS["RAS"])
    path = saved(tmp_path / "scan.nii.gz", data, affine)
    before = list(warnings.filters), imageglobals.logger.disabled
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: imagefile.claim(path), range(60)))
    finally:
        sys.setswitchinterval(interval)
    assert (list(warnings.filters), imageglobals.logger.disabled) == before
