"""A source's folder: put together whole, with consent, by one at a time, and removed again."""

import errno
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from brainlab import InputError, downloads
from brainlab.downloads import Download, File, consent, unpacking
from tests.served import checksum, tar_of, zip_of

FIRST, SECOND = tar_of({"train/1.png": b"one", "test/2.png": b"two"}), zip_of({"train/3.png": b"three"})


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path))
    monkeypatch.delenv("BRAINLAB_SHARED", raising=False)


def file(served, name: str, body: bytes, **behaviour) -> File:
    return File(served.put(name, body, **behaviour), name, checksum(body), len(body))


def made_up(*files: File, **more) -> Download:
    said: dict[str, Any] = {"licence": "CC BY 4.0", "citation": "Nobody 2000", "page": "https://example.org/set"}
    return Download("made-up", "A made-up source", files, **(said | more))


@pytest.fixture
def two(served) -> Download:
    """Two archives and a plain file."""
    archives = file(served, "first.tar.gz", FIRST), file(served, "second.zip", SECOND)
    return made_up(*archives, file(served, "labels/index.txt", b"1 2 3"))


def files_in(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"
    }


WHOLE = {"train/1.png", "test/2.png", "train/3.png", "labels/index.txt", "brainlab-download.json"}


def test_archives_are_unpacked_into_one_folder_and_do_not_stay(two, tmp_path):
    folder = downloads.fetch(two, yes=True)
    assert files_in(folder) == WHOLE
    assert files_in(tmp_path) == {f"downloads/made-up/{name}" for name in WHOLE}
    assert os.listdir(tmp_path / "downloads") in (["made-up", ".made-up.lock"], [".made-up.lock", "made-up"])


def test_a_marker_says_what_it_is(two):
    said = json.loads((downloads.fetch(two, yes=True) / "brainlab-download.json").read_text(encoding="utf-8"))
    assert said["licence"] == "CC BY 4.0"
    assert said["page"] == "https://example.org/set"
    assert said["date"].startswith("20")
    assert [one["checksum"] for one in said["files"]] == [one.checksum for one in two.files]


def test_what_was_fetched_before_a_failure_is_not_fetched_again(two, served, tmp_path):
    served.put("second.zip", b"", status=503)
    with pytest.raises(InputError, match="503"):
        downloads.fetch(two, yes=True)
    assert downloads.where(two) is None
    assert not (tmp_path / "downloads" / "made-up").exists()
    served.put("second.zip", SECOND)
    assert files_in(downloads.fetch(two, yes=True)) == WHOLE
    assert [one.path for one in served.asked] == ["/first.tar.gz", "/second.zip", "/second.zip", "/labels/index.txt"]


def test_a_new_version_in_the_catalogue_takes_the_place_of_the_old(two, served):
    downloads.fetch(two, yes=True)
    newer = made_up(file(served, "first.tar.gz", tar_of({"new.png": b"new"})))
    assert downloads.where(newer) is None
    assert files_in(downloads.fetch(newer, yes=True)) == {"new.png", "brainlab-download.json"}


def test_a_half_fetched_older_version_is_not_mixed_with_the_new(two, served):
    served.put("second.zip", b"", status=503)
    with pytest.raises(InputError):
        downloads.fetch(two, yes=True)
    newer = made_up(file(served, "first.tar.gz", tar_of({"new.png": b"new"})))
    assert files_in(downloads.fetch(newer, yes=True)) == {"new.png", "brainlab-download.json"}


def test_a_folder_of_somebody_elses_is_left_alone(two, tmp_path):
    theirs = tmp_path / "mine" / "made-up" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("years of work")
    with pytest.raises(InputError, match="holds something else"):
        downloads.fetch(two, yes=True, out=tmp_path / "mine")
    assert theirs.read_text() == "years of work"


def test_a_source_can_be_put_elsewhere(two, tmp_path):
    folder = downloads.fetch(two, yes=True, out=tmp_path / "elsewhere")
    assert folder == tmp_path / "elsewhere" / "made-up" == downloads.fetch(two, out=tmp_path / "elsewhere")
    assert downloads.where(two) is None


def test_a_refused_archive_is_removed_and_nothing_of_it_is_unpacked(served, tmp_path):
    link = tarfile.TarInfo("a/odd")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    bad = made_up(file(served, "first.tar.gz", tar_of({"fine.png": b"1", "odd": link})))
    with pytest.raises(InputError, match="'a/odd' is a link"):
        downloads.fetch(bad, yes=True)
    assert files_in(tmp_path) == set()


def test_a_wrong_archive_is_never_opened(served, monkeypatch):
    monkeypatch.setattr("brainlab.downloads.assembling.unpack", lambda *_: pytest.fail("opened"))
    one = file(served, "first.tar.gz", FIRST)
    served.put("first.tar.gz", SECOND)
    with pytest.raises(InputError, match="checksum"):
        downloads.fetch(made_up(one), yes=True)


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up_while_unpacking_keeps_the_archive_only(two, served, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(unpacking, "write", full)
        with pytest.raises(InputError, match="is full: free some space"):
            downloads.fetch(two, yes=True)
    assert files_in(tmp_path) == {"downloads/made-up.part/incoming/first.tar.gz"}
    assert files_in(downloads.fetch(two, yes=True)) == WHOLE
    assert [one.path for one in served.asked].count("/first.tar.gz") == 1


def test_an_interrupt_while_unpacking_leaves_nothing_half_unpacked(two, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(unpacking, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            downloads.fetch(two, yes=True)
    assert files_in(tmp_path) == {"downloads/made-up.part/incoming/first.tar.gz"}
    assert files_in(downloads.fetch(two, yes=True)) == WHOLE


def test_what_a_killed_process_left_unpacked_is_not_taken(two, tmp_path):
    stray = tmp_path / "downloads" / "made-up.part" / "unpacked" / "half.png"
    stray.parent.mkdir(parents=True)
    stray.touch()
    assert files_in(downloads.fetch(two, yes=True)) == WHOLE


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_is_really_full_is_a_sentence_and_a_second_try_works(served, tmp_path, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        monkeypatch.setenv("BRAINLAB_CACHE", str(disk))
        large = made_up(file(served, "first.tar.gz", tar_of({"1.png": os.urandom(300_000) + bytes(900_000)})))
        with pytest.raises(InputError, match="is full: free some space"):
            downloads.fetch(large, yes=True)
        assert files_in(disk) == {"downloads/made-up.part/incoming/first.tar.gz"}
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        assert downloads.fetch(large, yes=True)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a second process is a fork here, for a new Python takes long")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_two_notebooks_at_once_download_once_and_the_second_says_that_it_waits(served, monkeypatch):
    download = made_up(file(served, "first.tar.gz", FIRST, stall=10))
    other = os.fork()
    if not other:
        try:
            assert len(files_in(downloads.fetch(download, yes=True))) == 3
            os._exit(0)
        finally:  # never back into pytest, which runs in the other process
            os._exit(1)
    while not served.asked:  # the other has the lock, and waits for the server
        time.sleep(0.01)
    said = []

    def heard(text: str, **_) -> None:
        said.append(text)
        served.released.set()

    monkeypatch.setattr("builtins.print", heard)
    assert len(files_in(downloads.fetch(download, yes=True))) == 3
    assert said == ["Another notebook or program is downloading made-up: waiting for it."]
    assert os.waitpid(other, 0)[1] == 0
    assert len(served.asked) == 1


def test_removing_frees_what_was_downloaded_and_what_was_begun(two, served, tmp_path):
    folder = downloads.fetch(two, yes=True)
    size = sum((folder / name).stat().st_size for name in files_in(folder))
    assert downloads.remove(two) == size
    assert downloads.where(two) is None
    assert files_in(tmp_path) == set()
    assert downloads.remove(two) == 0
    served.put("second.zip", SECOND, status=503)
    with pytest.raises(InputError):
        downloads.fetch(two, yes=True)
    assert downloads.remove(two) > 0
    assert files_in(tmp_path) == set()


def test_what_is_being_downloaded_is_not_removed(two):
    from filelock import FileLock

    folder = downloads.fetch(two, yes=True)
    with FileLock(folder.with_name(".made-up.lock")), pytest.raises(InputError, match="just now"):
        downloads.remove(two)
    assert downloads.where(two)


def library(folder: Path) -> None:
    (folder / "sub-1").mkdir(exist_ok=True)
    (folder / "sub-1" / "t1.nii.gz").write_bytes(b"1")


def test_a_library_that_fetches_by_itself_does_so_into_the_same_kind_of_folder(tmp_path):
    folder = downloads.fetch(made_up(fetch_with=library), yes=True)
    assert files_in(folder) == {"sub-1/t1.nii.gz", "brainlab-download.json"}


def test_what_a_library_fetched_before_it_failed_stays_for_its_next_try(tmp_path):
    seen = []

    def breaks(folder: Path) -> None:
        seen.append(files_in(folder))
        library(folder)
        if len(seen) == 1:
            raise RuntimeError("HTTP\n 500")

    download = made_up(fetch_with=breaks)
    with pytest.raises(InputError, match=r"could not be fetched \(HTTP 500\)"):
        downloads.fetch(download, yes=True)
    assert downloads.where(download) is None
    downloads.fetch(download, yes=True)
    assert seen == [set(), {"sub-1/t1.nii.gz"}]


def test_a_library_that_brings_nothing_is_a_sentence():
    with pytest.raises(InputError, match="no file at all"):
        downloads.fetch(made_up(fetch_with=lambda _: None), yes=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_all_that_matters_is_shown_before_the_first_byte_and_yes_begins(two, served, monkeypatch, capsys):
    def answer(question: str) -> str:
        assert not served.asked
        shown = capsys.readouterr().out
        for said in ("A made-up source", "CC BY 4.0", "Nobody 2000", "https://example.org/set", two.size):
            assert said in shown
        assert str(downloads._own(two)) in shown
        return " Yes "

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("builtins.input", answer)
    assert downloads.fetch(two)
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked again"))
    assert downloads.fetch(two)


@pytest.mark.parametrize("answer", ["", "n", "no", "yesterday"])
def test_any_other_answer_downloads_nothing_and_writes_nothing(two, served, tmp_path, monkeypatch, answer):
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda _: answer)
    with pytest.raises(InputError, match=r"Nothing was downloaded.*brainlab data get made-up --yes"):
        downloads.fetch(two)
    assert not served.asked
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_can_answer_the_sentence_names_the_command(two, served, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(InputError, match="brainlab data get made-up --yes"):
        downloads.fetch(two)
    assert not served.asked


@pytest.mark.parametrize("allowed", [True, False])
def test_a_notebook_is_asked_where_its_page_takes_input(two, monkeypatch, allowed):
    class Kernel:
        _allow_stdin = allowed

    class Shell:
        kernel = Kernel()

    class IPython:
        get_ipython = staticmethod(Shell)

    monkeypatch.setitem(sys.modules, "IPython", IPython)  # type: ignore[arg-type] - all that is used of it
    monkeypatch.setattr("builtins.input", lambda _: "y")
    if allowed:
        assert downloads.fetch(two)
    else:
        with pytest.raises(InputError, match="Nobody can be asked"):
            consent.ask(two, Path("there"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "ftp://example.org/x"}, "https://"),
        ({"name": "../x"}, "leads out"),
        ({"name": "/x"}, "absolute"),
        ({"checksum": "-"}, "checksum"),
        ({"checksum": "md5:123"}, "checksum"),
    ],
)
def test_a_catalogue_entry_that_cannot_be_right_is_refused(wrong, told):
    good: dict[str, Any] = {"url": "https://example.org/x", "name": "x.zip", "checksum": checksum(b"")}
    File(**good)
    with pytest.raises(InputError, match=told):
        File(**(good | wrong))


def test_a_download_needs_files_or_a_library_and_a_plain_name():
    one = File("https://example.org/x", "x", checksum(b""))
    good: dict[str, Any] = {"name": "n", "title": "", "files": (one,), "licence": "", "citation": "", "page": ""}
    Download(**good)
    wrongs: list[dict[str, Any]] = [{"files": ()}, {"fetch_with": library}, {"files": (one, one)}]
    for wrong in [*wrongs, {"name": "../up"}, {"name": "nul"}]:
        with pytest.raises(InputError):
            Download(**(good | wrong))


def test_sizes_are_told_as_a_reader_likes_them():
    assert [downloads.amount(size) for size in (12, 1500, 214_401_279, 6.6e9)] == [
        "12 bytes",
        "1.5 kB",
        "214 MB",
        "6.6 GB",
    ]
    assert made_up(File("https://example.org/x", "x", checksum(b""))).size == "size not stated"


def test_a_file_that_somebody_removed_is_fetched_again(two, served):
    folder = downloads.fetch(two, yes=True)
    (folder / "train" / "1.png").unlink()
    assert downloads.where(two) is None
    assert files_in(downloads.fetch(two, yes=True)) == WHOLE


@pytest.mark.parametrize(
    "said", ['{"complete": true, "files": 5}', "[1]", '{"complete": true, "files": [null]}', "null"]
)
def test_a_marker_that_somebody_has_edited_counts_as_none(two, said):
    folder = downloads.fetch(two, yes=True)
    (folder / "brainlab-download.json").write_text(said)
    assert downloads.where(two) is None
