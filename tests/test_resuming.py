"""One file over HTTP: what a server may do wrong, and what is left on the disk afterwards."""

import errno
import hashlib
import random
import shutil
import socket
from dataclasses import replace

import pytest

from brainlab import InputError, downloads
from brainlab.downloads import Download, File, resuming
from tests.served import checksum

BODY = random.Random(0).randbytes(300_000)
TAG, OTHER = '"one"', '"two"'


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path))
    monkeypatch.delenv("BRAINLAB_SHARED", raising=False)


@pytest.fixture
def impatient(monkeypatch):
    """Waits a second for the next piece; shorter, and a busy computer looks like a server that stalls."""
    monkeypatch.setattr(resuming, "TIMEOUT_S", (10.0, 1.0))


def of(url: str, body: bytes = BODY, name: str = "scan.nii.gz") -> Download:
    files = (File(url, name, checksum(body), len(body)),)
    return Download("made-up", "A made-up source", files, "CC0", "Nobody 2000", "https://example.org")


def left(tmp_path) -> dict[str, int]:
    """The files that are on the disk, but for locks, with their sizes."""
    paths = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(tmp_path / "downloads")): path.stat().st_size for path in paths}


def refused(download: Download) -> str:
    """The one sentence of a fetch that fails."""
    with pytest.raises(InputError) as caught:
        downloads.fetch(download, yes=True)
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said
    assert downloads.where(download) is None
    assert not (downloads._own(download)).exists()
    return said


def test_a_file_arrives_as_it_lies_on_the_server_and_is_fetched_once(served, tmp_path):
    download = of(served.put("scan", BODY))
    folder = downloads.fetch(download, yes=True)
    assert (folder / "scan.nii.gz").read_bytes() == BODY
    assert folder == downloads.where(download) == downloads.fetch(download)
    assert len(served.asked) == 1
    assert set(left(tmp_path)) == {"made-up/scan.nii.gz", "made-up/brainlab-download.json"}


def test_a_sha256_is_checked_too(served):
    served.put("scan", BODY)
    file = File(f"{served.address}/scan", "a/b.nii", f"sha256:{hashlib.sha256(BODY).hexdigest()}")
    folder = downloads.fetch(Download("made-up", "", (file,), "", "", ""), yes=True)
    assert (folder / "a" / "b.nii").read_bytes() == BODY


def test_a_browser_is_what_the_server_sees_and_nothing_is_compressed_on_the_way(served):
    downloads.fetch(of(served.put("scan", BODY, encoding="x-gzip")), yes=True)
    (asked,) = served.asked
    assert asked.headers["User-Agent"].startswith("Mozilla/5.0")
    assert asked.headers["Accept-Encoding"] == "identity"


def test_a_wrong_checksum_is_told_and_nothing_stays(served, tmp_path):
    download = of(served.put("scan", BODY[:-1] + b"x"))
    assert "checksum" in refused(download)
    assert left(tmp_path) == {}
    served.put("scan", BODY)
    assert downloads.fetch(download, yes=True)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/gzip"])
def test_a_web_page_under_the_files_name_is_called_one_with_its_title(served, tmp_path, kind):
    page = b"\n<!DOCTYPE html><html><head><title>Hotel\n &amp; Spa login</title></head></html>"
    said = refused(of(served.put("scan", page, kind=kind)))
    assert "web page, called 'Hotel & Spa login', came instead of scan.nii.gz" in said
    assert left(tmp_path) == {}


def test_a_waiting_page_with_status_202_is_a_web_page_too(served):
    assert "web page" in refused(of(served.put("scan", b"<html>human?</html>", status=202, kind="text/html")))


def test_a_file_that_the_server_takes_for_a_page_is_still_a_file(served):
    assert downloads.fetch(of(served.put("scan", BODY, kind="text/html")), yes=True)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "not there any more"),
        (410, "not there any more"),
        (403, "not given to this computer"),
        (429, "busy or broken"),
        (500, "busy or broken"),
        (503, "busy or broken"),
        (418, "status 418"),
        (204, "status 204"),
    ],
)
def test_a_status_without_the_file_is_a_sentence(served, tmp_path, status, told):
    page = b"" if status == 204 else b"<html><title>Sorry</title>"
    said = refused(of(served.put("scan", page, status=status, kind="text/html" if page else "")))
    assert told in said
    assert "Sorry" in said or not page
    assert left(tmp_path) == {}


@pytest.mark.parametrize("way", [{"cut": 200_000}, {"stall": 200_000}])
def test_a_cut_or_stalled_connection_keeps_what_arrived_and_goes_on_from_there(
    served, tmp_path, impatient, monkeypatch, way
):
    download = of(served.put("scan", BODY, etag=TAG, **way))
    said = refused(download)
    assert ("sends nothing any more" if "stall" in way else "broke the connection") in said
    kept = left(tmp_path)["made-up.part/incoming/scan.nii.gz.part"]
    assert 3 * resuming.PIECE <= kept <= 200_000, "a piece that is not whole may be lost"
    assert f"{downloads.amount(kept)} of 300 kB are kept" in said
    served.put("scan", BODY, etag=TAG)
    monkeypatch.setattr(resuming, "TIMEOUT_S", (10.0, 30.0))
    assert (downloads.fetch(download, yes=True) / "scan.nii.gz").read_bytes() == BODY
    assert served.asked[1].headers["Range"] == f"bytes={kept}-"
    assert served.asked[1].headers["If-Range"] == TAG
    assert served.asked[1].sent == len(BODY) - kept
    assert set(left(tmp_path)) == {"made-up/scan.nii.gz", "made-up/brainlab-download.json"}


def test_a_server_that_stalls_before_the_first_byte_leaves_nothing(served, tmp_path, impatient):
    assert "nothing had arrived yet" in refused(of(served.put("scan", BODY, stall=0)))
    assert left(tmp_path) == {}


def test_a_server_that_knows_no_ranges_starts_anew(served):
    download = of(served.put("scan", BODY, ranges=False, cut=200_000))
    refused(download)
    served.put("scan", BODY, ranges=False)
    assert (downloads.fetch(download, yes=True) / "scan.nii.gz").read_bytes() == BODY
    assert served.asked[1].sent == len(BODY)


@pytest.mark.parametrize("said", [{"etag": OTHER}, {"modified": "Wed, 21 Oct 2015 07:28:00 GMT"}])
def test_a_file_that_has_changed_since_is_not_glued_to_the_old_part(served, said):
    old = bytes(300_000)
    refused(of(served.put("scan", old, etag='W/"weak"', modified="Mon, 01 Jan 2001 00:00:00 GMT", cut=200_000)))
    served.put("scan", BODY, **said)
    assert (downloads.fetch(of(f"{served.address}/scan"), yes=True) / "scan.nii.gz").read_bytes() == BODY
    assert served.asked[1].headers["If-Range"] == "Mon, 01 Jan 2001 00:00:00 GMT", "a weak tag must not be used"
    assert (served.asked[1].status, len(served.asked)) == (200, 2)


def test_a_change_that_the_server_does_not_tell_is_found_by_the_checksum_and_fetched_anew(served):
    refused(of(served.put("scan", bytes(300_000), cut=200_000)))
    served.put("scan", BODY)
    assert (downloads.fetch(of(f"{served.address}/scan"), yes=True) / "scan.nii.gz").read_bytes() == BODY
    assert [one.status for one in served.asked] == [200, 206, 200]


def test_a_part_longer_than_the_file_is_given_up(served, tmp_path):
    incoming = tmp_path / "downloads" / "made-up.part" / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "scan.nii.gz.part").write_bytes(bytes(400_000))
    served.put("scan", BODY)
    assert downloads.fetch(of(f"{served.address}/scan"), yes=True)


def test_a_part_that_was_not_asked_for_is_not_taken(served, tmp_path):
    assert "status 206" in refused(of(served.put("scan", BODY[5:], status=206)))
    assert left(tmp_path) == {}


def test_a_truncated_file_without_a_stated_length_is_found_by_its_size_in_the_catalogue(served, tmp_path):
    assert "200 kB of 300 kB are kept" in refused(of(served.put("scan", BODY, length=False, cut=200_000)))


def test_a_truncated_file_of_a_size_that_nobody_knows_is_found_by_its_checksum(served, tmp_path):
    unknown = of(served.put("scan", BODY, length=False, cut=200_000))
    unknown = replace(unknown, files=(replace(unknown.files[0], bytes=None),))
    assert "checksum" in refused(unknown)
    assert left(tmp_path) == {}


def test_a_redirect_is_followed_and_a_loop_is_not(served):
    url = served.put("here", status=302, to=served.put("scan", BODY))
    assert downloads.fetch(of(url), yes=True)
    downloads.remove(of(url))
    served.put("here", status=302, to=served.put("there", status=302, to=url))
    assert "without end" in refused(of(url))
    assert len(served.asked) < 20


def test_offline_is_a_sentence_that_names_the_host(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/scan"
    assert "127.0.0.1" in (said := refused(of(url)))
    assert "cannot be reached" in said
    assert left(tmp_path) == {}


def test_a_server_that_takes_the_question_and_never_answers_is_a_sentence(monkeypatch, tmp_path, impatient):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "does not answer" in refused(of(f"http://127.0.0.1:{silent.getsockname()[1]}/scan"))
    assert left(tmp_path) == {}


def test_a_name_that_cannot_be_found_is_a_sentence(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")

    def no_name(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    assert "The name data.example cannot be found" in refused(of("http://data.example/scan"))


def test_a_later_try_that_fails_leaves_the_part_for_the_next(served, tmp_path):
    download = of(served.put("scan", BODY, etag=TAG, cut=200_000))
    refused(download)
    before = left(tmp_path)
    served.put("scan", b"", status=503)
    refused(download)
    served.put("scan", b"<html>log in first</html>", kind="text/html")
    refused(download)
    assert left(tmp_path) == before


def test_a_full_disk_is_a_sentence_and_frees_what_was_written(served, tmp_path, monkeypatch):
    pieces = []

    def full(file, piece):
        pieces.append(piece)
        if len(pieces) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        file.write(piece)

    download = of(served.put("scan", BODY))
    with monkeypatch.context() as patched:
        patched.setattr(resuming, "write", full)
        assert "is full: free some space" in refused(download)
    assert left(tmp_path) == {}
    assert downloads.fetch(download, yes=True)


def test_a_file_larger_than_the_disk_is_not_begun(served, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000))  # type: ignore[attr-defined]
    assert "needs 300 kB" in refused(of(served.put("scan", BODY)))
    assert left(tmp_path) == {}


def test_an_interrupt_keeps_the_part_and_nothing_else(served, tmp_path, monkeypatch):
    pieces = []

    def interrupted(file, piece):
        if len(pieces) == 2:
            raise KeyboardInterrupt
        pieces.append(file.write(piece))

    download = of(served.put("scan", BODY, etag=TAG))
    with monkeypatch.context() as patched:
        patched.setattr(resuming, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            downloads.fetch(download, yes=True)
    assert left(tmp_path).pop("made-up.part/incoming/scan.nii.gz.part") == sum(pieces) == 2 * resuming.PIECE
    assert len(left(tmp_path)) == 2, "the part, and what the server said of it"
    assert downloads.fetch(download, yes=True)
    assert served.asked[1].sent == len(BODY) - sum(pieces)


def test_an_interrupt_while_the_checksum_is_taken_loses_nothing(served, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    download = of(served.put("scan", BODY, etag=TAG))
    with monkeypatch.context() as patched:
        patched.setattr("pooch.core.hash_matches", interrupted)
        with pytest.raises(KeyboardInterrupt):
            downloads.fetch(download, yes=True)
    assert downloads.fetch(download, yes=True)
    assert len(served.asked) == 1
    assert set(left(tmp_path)) == {"made-up/scan.nii.gz", "made-up/brainlab-download.json"}


def test_a_disk_that_knows_no_second_names_is_no_hindrance(served, tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(resuming.os, "link", no_links)
    assert downloads.fetch(of(served.put("scan", BODY)), yes=True)
    assert set(left(tmp_path)) == {"made-up/scan.nii.gz", "made-up/brainlab-download.json"}


def test_more_than_the_catalogue_promises_is_not_saved(served, tmp_path):
    url = served.put("scan.nii.gz", BODY * 3)
    with pytest.raises(InputError, match=r"sends more than the 300 kB of scan\.nii\.gz"):
        downloads.fetch(of(url), yes=True)
    assert not left(tmp_path)
