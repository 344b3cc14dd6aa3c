import inspect
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch

import brainlab as bl
from brainlab import data, lesions
from brainlab.sources import phantom

SMALL = {"train": 2, "val": 1, "labelled": 1, "dev": 1, "test": 1}

# Loads small splits in a process of its own and prints a hash of all that came out.
PRINT_HASH = """
import hashlib, sys, torch
from brainlab import data
from brainlab.sources import phantom
torch.set_num_threads(int(sys.argv[1]))
phantom.SUBJECTS = {"train": 2, "val": 1, "labelled": 1, "dev": 1, "test": 1}
digest = hashlib.sha256()
for split in sys.argv[2].split():
    s = data.load("phantom", split=split, contrast="FLAIR")
    for array in (s.images, s.masks, s.brain):
        digest.update(array.numpy().tobytes())
    digest.update(repr((s.subjects, s.labels, s.visit, s.affine.tolist(), s.factors)).encode())
print(digest.hexdigest())
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A population of a handful of subjects, in a cache of its own."""
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path))
    monkeypatch.setattr(phantom, "SUBJECTS", SMALL)
    return tmp_path


def start(cache, threads: int = 1, splits: str = "train test") -> subprocess.Popen:
    env = os.environ | {"BRAINLAB_CACHE": str(cache)}
    command = [sys.executable, "-c", PRINT_HASH, str(threads), splits]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> str:
    out, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    return out.strip()


def test_the_population_is_the_same_in_every_process_and_for_every_number_of_threads(tmp_path):
    one, four = (start(tmp_path / str(threads), threads) for threads in (1, 4))
    assert finish(one) == finish(four)


def test_two_notebooks_that_build_the_cache_at_once_get_the_same_and_leave_it_whole(tmp_path):
    first, second = start(tmp_path, splits="train"), start(tmp_path, splits="train")
    assert finish(first) == finish(second)
    assert [p.suffix for p in (tmp_path / "phantom").iterdir() if p.suffix != ".lock"] == [".safetensors"]


def test_an_interrupted_build_leaves_nothing_half_written(small, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(phantom.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.load("phantom", split="val")
    assert not [p for p in (small / "phantom").iterdir() if p.suffix != ".lock"]
    monkeypatch.undo()


def test_a_damaged_cache_is_built_again(small):
    healthy = data.load("phantom", split="val")
    (path,) = (small / "phantom").glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:1000])
    assert torch.equal(data.load("phantom", split="val").images, healthy.images)


def test_the_second_load_equals_the_first_and_comes_from_the_cache(small, monkeypatch):
    first = data.load("phantom", split="val")
    monkeypatch.setattr(phantom, "build", lambda *_: pytest.fail("built again"))
    second = data.load("phantom", split="val")
    for name in ("images", "masks", "brain"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    assert first.visit == second.visit
    assert first.factors is not None
    assert second.factors is not None
    assert {k: v.tolist() for k, v in first.factors.items()} == {k: v.tolist() for k, v in second.factors.items()}


def test_no_subject_is_in_two_splits():
    numbers: list[str] = []
    for split in phantom.SUBJECTS:
        numbers += [f"{n}" for n in phantom.numbers(split)]
    assert len(numbers) == len(set(numbers)) == 240


def test_another_seed_is_another_population(small):
    ours, others = (data.load("phantom", split="val", seed=seed) for seed in (0, 1))
    assert not set(ours.subjects) & set(others.subjects)
    assert not torch.equal(ours.images, others.images)


def test_training_and_validation_slices_are_healthy_and_well_formed(small):
    train = data.load("phantom", split="train")
    assert train.images.shape == (2 * 16, 1, 64, 64)
    assert train.images.dtype == torch.float32
    assert 0 <= train.images.min() < train.images.max() <= 1
    assert not train.masks.any()
    assert set(train.labels) == set(train.visit) == {"healthy"}
    assert Counter(train.subjects).most_common() == [("phantom-0-0000", 16), ("phantom-0-0001", 16)]
    assert (train.images[~train.brain] == 0).all()
    assert train.about.synthetic
    assert train.spacing == 3.25


def test_a_kernel_left_open_during_an_update_keeps_the_recipe_of_the_code_it_runs(monkeypatch):
    monkeypatch.setattr(phantom, "_readable", lambda path: True)
    monkeypatch.setattr(phantom, "_read", lambda path: path)
    before = phantom.load("train")
    monkeypatch.setattr(inspect, "getsource", lambda room: "the new code on the disk")
    assert phantom.load("train") == before


def test_the_field_of_view_is_centred_on_the_brain_and_slices_rise(small):
    train = data.load("phantom", split="train")[:16]
    assert (np.diff(train.position_mm) > 0).all()
    rows, columns = np.nonzero(train.brain.any(dim=0)[0].numpy())
    for low_high in ((rows.min(), rows.max()), (columns.min(), columns.max())):
        assert abs(np.mean(low_high) - 31.5) <= 2.5


@pytest.mark.parametrize("split", ["test", "dev"])
def test_every_test_subject_appears_healthy_and_with_each_kind_and_contrast(small, split):
    test = data.load("phantom", split=split)
    assert len(test) == 16 * (1 + len(lesions.KINDS) * len(lesions.CONTRASTS))
    healthy = test.where(visit="healthy")
    for kind in lesions.KINDS:
        scans = [test.where(visit=f"{kind}-{level}") for level in lesions.CONTRASTS]
        for scan in scans:
            assert torch.equal(scan.masks, scans[0].masks), "the scans of a kind share one lesion"
            assert scan.masks.any(), f"{split}: the {kind} is in no slice"
            assert not (scan.masks & ~scan.brain).any()
            assert torch.equal(scan.brain, healthy.brain)
            assert [label == "healthy" for label in scan.labels] == (~scan.masks.flatten(1).any(1)).tolist()
        dark, alike, bright = (float(scan.images[scan.masks].mean()) for scan in scans)
        assert dark < alike < bright


def test_a_lesion_changes_nothing_far_from_it(small):
    test = data.load("phantom", split="test")
    healthy, sick = test.where(visit="healthy"), test.where(visit="ms-hyper")
    away = healthy.brain & ~torch.nn.functional.max_pool2d(sick.masks.float(), 5, 1, 2).bool()
    # Plaques that fill less than half of a pixel are not in the mask, and still change it: at most one pixel in fifty.
    changed = (healthy.images - sick.images).abs()[away] > 0.01
    assert changed.float().mean() < 0.02


def test_the_labelled_split_has_every_kind_at_its_natural_contrast(small):
    assert set(data.load("phantom", split="labelled").visit) == {"healthy", *lesions.KINDS}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "phantom", "split": "training"}, "split must be one of train, val"),
        ({"name": "phantom", "contrast": "T3w"}, "contrast must be one of T1w"),
        ({"name": "phantom", "size": 50}, "multiple of 16"),
        ({"name": "fantom"}, "no source called 'fantom'"),
        ({"name": "no/such/file.nii.gz"}, "file.nii.gz"),
        ({"name": "bad\0name.nii"}, "null"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_a_sentence(small, wrong, told):
    with pytest.raises(bl.InputError, match=told):
        data.load(**wrong)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": None}, "Give the name of a source or the path"),
        ({"name": 5}, "Give the name of a source or the path"),
        ({"size": 0}, "size must be a whole number of pixels from 8 to 1024, got 0"),
        ({"size": 64.0}, "got 64.0"),
        ({"size": "64"}, "got '64'"),
        ({"contrast": "banana"}, "contrast must be one of T1w, T1ce, T2w, FLAIR, got 'banana'"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_read(given, sentence):
    with pytest.raises(bl.InputError, match=sentence):
        data.load(**{"name": "nowhere", **given})


def test_a_source_is_not_streamed():
    with pytest.raises(bl.InputError, match=r"read at once, by data\.load"):
        data.stream("phantom")
