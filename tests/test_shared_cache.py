"""One folder that a class reads and nobody writes: two students of other names, and a teacher who filled it."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from brainlab import InputError, cache, data, downloads
from brainlab.downloads import Download, File, assembling
from brainlab.slices import Slices
from brainlab.sources import phantom
from tests.served import checksum, tar_of

ARCHIVE = tar_of({"1.png": b"one"})
STUDENTS = (65534, 65533)  # users that own nothing here


def study(made_up: Download) -> list:
    """What a student does: load a split, and find a source; nobody may grow or download anything."""
    slices = data.load("phantom", split="val")
    folder = downloads.fetch(made_up)
    pictures = sorted(path.read_bytes().decode() for path in folder.glob("*.png"))
    return [os.getuid(), slices.subjects, slices.images.sum().item(), str(folder), pictures]


def as_user(user: int, work: Callable[[], list]) -> Callable[[], list]:
    """Begin a piece of work in a process of another user; call what comes back for its result.

    A fork and not a new Python, which that user might not be allowed to read.
    """
    out, into = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            said = work()
        except BaseException as error:
            said = [repr(error)]
        os.write(into, json.dumps(said).encode())
        os._exit(0)
    os.close(into)

    def result() -> list:
        with open(out, "rb") as pipe:
            said = json.loads(pipe.read())
        os.waitpid(child, 0)
        return said

    return result


def grown(split: str, mr_contrast: str, size: int, seed: int) -> Slices:
    """Two slices of noise, in the place of a population that takes a while to grow."""
    images = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(len(split)))
    masks, affine = torch.zeros_like(images, dtype=torch.bool), np.stack([np.eye(4)] * 2)
    names, heights = (f"{split}-1", f"{split}-2"), np.array([0.0, 1.0])
    labels = ("healthy", "healthy")
    return Slices(images, masks, masks, names, labels, heights, labels, affine, mr_contrast, 3.25, phantom.ABOUT)


def seen(folder: Path) -> dict[str, tuple]:
    """Everything in a folder, as it would change if anything were written."""
    paths = [folder, *folder.rglob("*")]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}


@pytest.fixture
def filled(served, monkeypatch) -> Iterator[tuple[Path, Download]]:
    """A shared cache as a teacher fills it, then closed to writing; and the source in it."""
    with tempfile.TemporaryDirectory(prefix="brainlab-shared-") as named:
        os.chmod(named, 0o755)
        folder = Path(named) / "srv"
        monkeypatch.setenv("BRAINLAB_CACHE", str(folder))
        monkeypatch.delenv("BRAINLAB_SHARED", raising=False)
        monkeypatch.setattr(phantom, "build", grown)
        data.load("phantom", split="val")
        made_up = Download("made-up", "", (File(served.put("x", ARCHIVE), "x.tar.gz", checksum(ARCHIVE)),), "", "", "")
        downloads.fetch(made_up, yes=True)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        monkeypatch.setenv("BRAINLAB_SHARED", str(folder))
        monkeypatch.setenv("BRAINLAB_CACHE", str(Path(named) / "own"))
        yield folder, made_up
        for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
            path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can be two other users")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_two_students_of_other_names_read_it_and_nothing_is_written(filled, monkeypatch, one_thread):
    folder, made_up = filled
    monkeypatch.setattr(phantom, "build", lambda *_: pytest.fail("grown again"))
    monkeypatch.setattr(assembling, "assemble", lambda *_: pytest.fail("downloaded again"))
    teacher = study(made_up)  # imports all that the students need, too
    before = seen(folder)
    (refused,) = as_user(STUDENTS[0], lambda: [(folder / "new").touch()])()
    assert refused.startswith("PermissionError"), "the test's folder is not closed to the students"
    results = []
    for student in STUDENTS:
        own = folder.parent / f"own-{student}"
        own.mkdir()
        os.chown(own, student, student)
        monkeypatch.setenv("BRAINLAB_CACHE", str(own))
        results.append(as_user(student, lambda: study(made_up)))
    said = [result() for result in results]
    assert said == [[student, list(teacher[1]), *teacher[2:]] for student in STUDENTS]
    assert said[0][3] == str(folder / "downloads" / "made-up")
    assert seen(folder) == before
    for student in STUDENTS:
        assert not list((folder.parent / f"own-{student}").iterdir())


def test_what_is_shared_is_used_from_there_without_a_lock(filled, monkeypatch):
    folder, made_up = filled
    before = seen(folder)
    monkeypatch.setattr(phantom, "build", lambda *_: pytest.fail("grown again"))
    assert len(data.load("phantom", split="val")) == 2
    assert downloads.where(made_up) == downloads.fetch(made_up) == folder / "downloads" / "made-up"
    assert seen(folder) == before


def test_what_is_not_shared_goes_to_ones_own_cache(filled, served):
    folder, _ = filled
    before = seen(folder)
    data.load("phantom", split="train")
    other = Download("other", "", (File(f"{served.address}/x", "x.tar.gz", checksum(ARCHIVE)),), "", "", "")
    assert downloads.fetch(other, yes=True) == folder.parent / "own" / "downloads" / "other"
    assert len(list((folder.parent / "own" / "phantom").glob("*.safetensors"))) == 1
    assert seen(folder) == before


def test_what_is_shared_is_not_removed_but_ones_own_is(filled, monkeypatch):
    folder, made_up = filled
    with pytest.raises(InputError, match="belongs to everybody"):
        downloads.remove(made_up)
    monkeypatch.setenv("BRAINLAB_CACHE", str(folder))
    monkeypatch.setattr(os, "access", lambda *_: True)
    with pytest.raises(InputError, match="belongs to everybody"):
        downloads.remove(made_up)
    monkeypatch.setenv("BRAINLAB_CACHE", str(folder.parent / "own"))
    monkeypatch.delenv("BRAINLAB_SHARED")
    downloads.fetch(made_up, yes=True)
    monkeypatch.setenv("BRAINLAB_SHARED", str(folder))
    assert downloads.remove(made_up) > 0
    assert downloads.where(made_up) == folder / "downloads" / "made-up"


def test_a_shared_cache_that_is_not_a_folder_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_SHARED", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="nowhere is not a folder: ask whoever keeps it, or unset"):
        cache.shared("phantom")


def test_a_shared_file_that_may_not_be_read_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "phantom").mkdir()
    monkeypatch.setenv("BRAINLAB_SHARED", str(tmp_path))
    monkeypatch.setattr(cache.os, "access", lambda *_: False)
    with pytest.raises(InputError, match="you may not read it"):
        cache.shared("phantom")


def test_filling_grows_every_split_once(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path))
    monkeypatch.delenv("BRAINLAB_SHARED", raising=False)
    splits = []
    monkeypatch.setattr(phantom, "load", lambda split, *_: splits.append(split))
    assert data.get("phantom") == tmp_path / "phantom"
    assert splits == list(phantom.SUBJECTS)
