"""Folders that nobody would make on purpose: whatever lies in them becomes slices or one sentence, in bounded time."""

import gzip
import time
import warnings

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import made_up
from PIL import Image
from test_images_source import picture

from brainlab import InputError, data

FUZZ = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
MOST_SECONDS = 10


def is_right_or_refused(folder) -> bool:
    """Whether a folder becomes finite slices, or one sentence; anything else escapes."""
    started = time.perf_counter()
    with warnings.catch_warnings(action="ignore"):
        try:
            right = bool(data.load(folder, size=16).images.isfinite().all())
        except InputError as error:
            right = "\n" not in str(error) and str(error).endswith((".", ".)"))
    return right and time.perf_counter() - started < MOST_SECONDS


@pytest.fixture
def folder(tmp_path):
    """A table beside two pictures; outside the folder lies a third."""
    inside = tmp_path / "inside"
    inside.mkdir()
    for path in (inside / "a.png", inside / "b.png", tmp_path / "outside.png"):
        Image.fromarray(picture()).save(path)
    return inside


@pytest.mark.parametrize(
    "name",
    [
        "../outside.png",
        "{parent}/outside.png",
        "x/../../outside.png",
        "..\\outside.png",
        "C:\\a.png",
        "\\\\a\\b.png",
        ".",
    ],
)
@pytest.mark.parametrize("column", ["file", "mask"])
def test_a_row_leads_nowhere_but_into_its_folder(folder, name, column):
    name = name.format(parent=folder.parent)
    row = f"a.png,{name}" if column == "mask" else f"{name},"
    (folder / "index.csv").write_text(f"file,mask,subject\n{row},a\n")
    with pytest.raises(InputError, match=r"index.csv, line 2, names .* must be a path inside"):
        data.load(folder)


def test_a_table_written_on_windows_is_read(folder):
    (folder / "sub").mkdir()
    (folder / "a.png").rename(folder / "sub" / "a.png")
    (folder / "index.csv").write_bytes(b"\xef\xbb\xbffile,subject\r\nsub\\a.png,a\r\n")
    assert data.load(folder).subjects == ("a",)


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
CELL = st.one_of(
    TEXT,
    st.sampled_from(
        ["a.png", "b.png", "", "..", "/", "a.png\0", '"', "a" * 200_000, "nan", "inf", "1e999", "²", "9" * 5000]
    ),
)
COLUMNS = ["file", "image", "mask", "class", "label", "subject", "group", "level", "page"]


@FUZZ
@given(
    columns=st.lists(st.one_of(st.sampled_from(COLUMNS), TEXT), min_size=1, max_size=6),
    rows=st.lists(st.lists(CELL, max_size=7), max_size=4),
    encoding=st.sampled_from(["utf-8", "utf-16", "latin-1"]),
    quoted=st.booleans(),
)
def test_any_table_becomes_slices_or_a_sentence(folder, columns, rows, encoding, quoted):
    lines = [",".join(f'"{cell}"' if quoted else cell for cell in line) for line in [columns, *rows]]
    (folder / "index.csv").write_bytes("\n".join(lines).encode(encoding, errors="replace"))
    assert is_right_or_refused(folder)


@FUZZ
@given(content=st.binary(max_size=300))
def test_any_bytes_as_a_table_become_slices_or_a_sentence(folder, content):
    (folder / "index.csv").write_bytes(content)
    assert is_right_or_refused(folder)


@FUZZ
@given(seed=st.integers(0, 2**32 - 1), flips=st.integers(1, 8), ending=st.sampled_from(["png", "tif", "jpg", "bmp"]))
def test_a_damaged_picture_becomes_slices_or_a_sentence(folder, seed, flips, ending):
    rng = np.random.default_rng(seed)
    for old in folder.glob("a.*"):
        old.unlink()
    path = folder / f"a.{ending}"
    Image.fromarray(picture()[::4, ::4]).save(path)
    raw = bytearray(path.read_bytes())
    for at in rng.integers(0, min(len(raw), 400), flips):
        raw[at] = rng.integers(256)
    path.write_bytes(bytes(raw))
    assert is_right_or_refused(folder)


@FUZZ
@given(seed=st.integers(0, 2**32 - 1), flips=st.integers(1, 6), which=st.sampled_from(["p1_t1", "p1_mask"]))
def test_a_damaged_header_in_a_folder_becomes_slices_or_a_sentence(tmp_path, seed, flips, which):
    rng = np.random.default_rng(seed)
    values, affine = made_up(np.diag([9.0, 9.0, 9.0]))
    for name, one in (("p1_t1", values), ("p1_mask", (values > 250).astype(np.uint8)), ("p2_t1", values)):
        raw = bytearray(nib.Nifti1Image(one, affine).to_bytes())
        if name == which:
            for at in rng.integers(0, 352, flips):
                raw[at] = rng.integers(256)
        (tmp_path / f"{name}.nii.gz").write_bytes(gzip.compress(bytes(raw), 1))
    assert is_right_or_refused(tmp_path)


@FUZZ
@given(
    names=st.lists(st.text(st.characters(codec="ascii"), min_size=1, max_size=12), min_size=1, max_size=8),
    seed=st.integers(0, 99),
)
def test_any_names_become_slices_or_a_sentence(tmp_path_factory, names, seed):
    folder = tmp_path_factory.mktemp("names")
    rng = np.random.default_rng(seed)
    endings = rng.choice([".png", ".nii", ".nii.gz", ".jpg", "_mask.png", ".hdr", ""], len(names))
    for name, ending in zip(names, endings, strict=True):
        clean = "".join("_" if one == "/" or not one.isprintable() else one for one in name)
        (folder / f"{clean}{ending}").write_bytes(b"x") if clean.strip(".") else None
    assert is_right_or_refused(folder)
