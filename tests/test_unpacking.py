"""Archives opened as if they were hostile: whole, inside their folder and within bounds, or not at all."""

import gzip
import io
import struct
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainlab import InputError
from brainlab.downloads import members, unpacking
from tests.served import tar_of, zip_of

FILES = {"a/1.png": b"one", "a/b/2.png": b"two" * 1000, "empty": b""}
KINDS = {
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "fifo": tarfile.FIFOTYPE,
    "contiguous": tarfile.CONTTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
    "unheard of": b"Q",
}


def unpack(folder: Path, body: bytes, name: str) -> dict[str, bytes]:
    """The files that an archive unpacks to, by their paths."""
    into = folder / "outer" / "into"
    into.mkdir(parents=True)
    archive = folder / name
    archive.write_bytes(body)
    try:
        unpacking.unpack(archive, into)
    finally:
        there = {path for path in folder.rglob("*") if into not in path.parents}
        assert there == {into, into.parent, archive}, "something was written outside the folder"
        assert not any(path.is_symlink() for path in into.rglob("*"))
    return {path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()}


def refused(folder: Path, body: bytes, name: str) -> str:
    with pytest.raises(InputError) as caught:
        unpack(folder, body, name)
    assert name in str(caught.value)
    assert "removed" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("x.tar", tar_of(FILES, gz=False)),
        ("x.tar.gz", tar_of(FILES)),
        ("x.tgz", tar_of(FILES)),
        ("x.tar", tar_of(FILES)),  # named as if it were not compressed
        ("x.zip", zip_of(FILES)),
        ("x.zip", zip_of(FILES, zipfile.ZIP_STORED)),
        ("x.tar.gz", tar_of({f"./{name}": body for name, body in FILES.items()})),
    ],
)
def test_every_kind_of_archive_gives_its_files(tmp_path, name, body):
    assert unpack(tmp_path, body, name) == FILES


def test_a_folder_packed_by_tar_itself_comes_out_as_it_was(tmp_path):
    source = tmp_path / "source"
    (source / "nested" / "nothing").mkdir(parents=True)
    (source / "nested" / ("long" * 50)).write_bytes(b"x" * 513)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.add(source, ".")
    (tmp_path / "test").mkdir()
    assert unpack(tmp_path / "test", out.getvalue(), "x.tar.gz") == {"nested/" + "long" * 50: b"x" * 513}
    assert (tmp_path / "test" / "outer" / "into" / "nested" / "nothing").is_dir()


NAMES = {
    "../out": "leads out",
    "a/../../out": "leads out",
    "..": "leads out",
    "a/..": "leads out",
    "..\\out": "leads out",
    "/etc/out": "absolute",
    "//host/share": "absolute",
    "C:/out": "absolute",
    "c:out": "absolute",
    "\\out": "absolute",
    "a\\b": "character",
    "ab:stream": "character",
    "what?": "character",
    "a\nb": "character",
    "aux": "not every system",
    "a/COM1.png": "not every system",
    "dot.": "not every system",
    "space /x": "not every system",
    "a//b": "not every system",
    "a/./b": "not every system",
    "x" * 250: "too long",
    "/".join(["x" * 99] * 11): "too long",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("archive", ["x.tar.gz", "x.zip"])
def test_a_name_that_leads_out_or_that_some_system_cannot_hold_is_refused_by_name(tmp_path, archive, name):
    make = zip_of if archive == "x.zip" else tar_of
    said = refused(tmp_path, make({"fine": b"1", name: b"2"}), archive)
    assert NAMES[name] in said
    assert repr(name)[1:40] in said


def test_a_name_that_goes_on_after_a_zero_byte_is_refused(tmp_path):
    body = zip_of({"fineXpng": b"1"}).replace(b"fineXpng", b"fine\0png")
    assert "character" in refused(tmp_path, body, "x.zip")


def test_a_name_that_is_not_text_is_refused(tmp_path):
    assert "not text" in refused(tmp_path, tar_of({"caf\udce9": b"1"}), "x.tar.gz")


@pytest.mark.parametrize(
    "pair", [("a", "a"), ("a/B.png", "A/b.png"), ("é", "e\u0301"), ("a", "a/b"), ("a/b", "a"), ("a", "./a")]
)
def test_two_members_that_some_system_takes_for_one_are_refused(tmp_path, pair):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in pair:
            tar.addfile(tarfile.TarInfo(name))
    said = refused(tmp_path, out.getvalue(), "x.tar")
    assert "twice" in said or "folder that is a file" in said


def test_a_folder_may_be_named_twice(tmp_path):
    folder = tarfile.TarInfo("a")
    folder.type = tarfile.DIRTYPE
    assert unpack(tmp_path, tar_of({"1": folder, "2": folder, "a/b": b"x"}), "x.tar.gz") == {"a/b": b"x"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_a_plain_file_is_refused_by_name(tmp_path, kind):
    info = tarfile.TarInfo("a/odd")
    info.type, info.linkname = KINDS[kind], "a/1.png"
    said = refused(tmp_path, tar_of(FILES | {"odd": info}), "x.tar.gz")
    assert "'a/odd'" in said
    assert ("link" in kind) == ("is a link" in said)


def test_a_link_cannot_be_written_through(tmp_path):
    link = tarfile.TarInfo("a")
    link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
    refused(tmp_path, tar_of({"a": link, "a/out": b"x"}), "x.tar.gz")


def test_a_link_in_a_zip_is_refused_by_name(tmp_path):
    info = zipfile.ZipInfo("a/odd")
    info.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    said = refused(tmp_path, out.getvalue(), "x.zip")
    assert "'a/odd' is a link" in said


def test_an_encrypted_zip_is_refused_by_name(tmp_path):
    body = bytearray(zip_of({"secret": b"1"}))
    body[6] |= 1  # the flag in the member's own header, and the one in the directory
    body[body.index(b"PK\1\2") + 8] |= 1
    assert "'secret' is encrypted" in refused(tmp_path, bytes(body), "x.zip")


def test_a_zip_compressed_in_another_way_is_refused_by_name(tmp_path):
    said = refused(tmp_path, zip_of({"old": b"1"}, zipfile.ZIP_BZIP2), "x.zip")
    assert "'old' is compressed in a way" in said


@pytest.fixture
def small_bounds(monkeypatch):
    monkeypatch.setattr(unpacking, "FLOOR", 100_000)
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 50)


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "outer").rglob("*") if path.is_file())


@pytest.mark.parametrize(("name", "make"), [("x.tar.gz", tar_of), ("x.zip", zip_of)])
def test_a_bomb_is_refused_by_name_before_it_fills_the_disk(tmp_path, small_bounds, name, make):
    body = make({"fine": b"1", "bomb": bytes(10_000_000)})
    assert "'bomb' makes it unpack to more than" in refused(tmp_path, body, name)
    assert on_disk(tmp_path) <= 60 * len(body) + 100_000


def test_many_members_that_are_small_each_are_a_bomb_together(tmp_path, small_bounds):
    body = zip_of({f"{number}": bytes(90_000) for number in range(20)})
    assert "'" in refused(tmp_path, body, "x.zip")
    assert on_disk(tmp_path) <= max(60 * len(body), 100_000)


@pytest.mark.parametrize("names", [[f"{number}" for number in range(60)], ["/".join("abcdefghij" * 6)]])
def test_too_many_members_or_folders_are_refused(tmp_path, small_bounds, names):
    assert "more than 50 members" in refused(tmp_path, tar_of(dict.fromkeys(names, b"")), "x.tar.gz")


def test_a_zip_that_claims_to_be_small_is_measured_by_what_comes_out(tmp_path, small_bounds):
    body = bytearray(zip_of({"bomb": bytes(10_000_000)}))
    directory = body.index(b"PK\1\2")
    body[directory + 24 : directory + 28] = struct.pack("<I", 5)  # the size that the directory claims
    refused(tmp_path, bytes(body), "x.zip")
    assert on_disk(tmp_path) <= 100_000


@pytest.mark.parametrize("size", [1 << 32, -5000])
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch, kind, size):
    asked = []
    monkeypatch.setattr(members.gzip.GzipFile, "read", _noting(gzip.GzipFile.read, asked))
    info = tarfile.TarInfo("long")
    info.type, info.size = kind, size
    body = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000_000))
    said = refused(tmp_path, body, "x.tar.gz")
    assert "header has no likely size" in said or size < 0, "newer Pythons refuse less than nothing themselves"
    assert 0 < min(asked) <= max(asked) <= members.HEADER


def test_a_member_that_claims_to_be_smaller_than_nothing_is_refused(tmp_path):
    info = tarfile.TarInfo("odd")
    info.size = -5000
    refused(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + bytes(5000), "x.tar")


def _noting(read, asked):
    def noted(self, size=-1):
        asked.append(size)
        return read(self, size)

    return noted


def test_headers_within_headers_end(tmp_path):
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.XHDTYPE, 0
    refused(tmp_path, info.tobuf() * 5000, "x.tar")


@pytest.mark.parametrize(("name", "make"), [("x.tar.gz", tar_of), ("x.zip", zip_of)])
def test_a_damaged_archive_is_a_sentence(tmp_path, name, make):
    body = make({"noise": bytes(range(256)) * 500, "more": b"1"})
    for number, harmed in enumerate([body[: len(body) // 2], b"", b"not an archive" * 100]):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert "damaged" in refused(folder, harmed, name)


members_drawn = st.lists(
    st.tuples(
        st.one_of(
            st.text(st.sampled_from("ab./\\:é \0\n"), min_size=1, max_size=8), st.sampled_from(["../x", "/x", "a/b"])
        ),
        st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, *KINDS.values()]),
        st.binary(max_size=64),
    ),
    max_size=5,
)
harm = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6)


def packed(drawn, archive: str) -> bytes:
    out = io.BytesIO()
    if archive == "x.zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
            for name, _, body in drawn:
                whole.writestr(zipfile.ZipInfo(name), body)
    else:
        with tarfile.open(fileobj=out, mode="w:gz" if archive.endswith("gz") else "w") as tar:
            for name, kind, body in drawn:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, "../../outside"
                info.size = len(body) if kind == tarfile.REGTYPE else 0
                tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def outcome(body: bytes, archive: str) -> str:
    """The sentence of a refusal, or what was unpacked; any other error, and a file outside, fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return f"{archive} gave {len(unpack(Path(folder), body, archive))} files"
        except InputError as error:
            return str(error)


@settings(deadline=None, max_examples=25)
@given(drawn=members_drawn, harm=harm, archive=st.sampled_from(["x.tar", "x.tar.gz", "x.zip"]))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_whatever_the_members_and_the_bytes_it_is_unpacked_inside_or_refused(drawn, harm, archive):
    body = bytearray(packed(drawn, archive))
    for place, value in harm:
        body[int(place * len(body))] = value
    began = time.monotonic()
    assert "\n" not in outcome(bytes(body), archive)
    assert time.monotonic() - began < 5


@settings(deadline=None, max_examples=25)
@given(body=st.binary(max_size=2000), archive=st.sampled_from(["x.tar", "x.tar.gz", "x.zip"]))
def test_any_bytes_under_an_archives_name_are_unpacked_inside_or_refused(body, archive):
    assert archive in outcome(body, archive)
