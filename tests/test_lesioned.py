"""Healthy people who are given lesions."""

import numpy as np
import pytest
import torch

from brainlab import InputError, data
from brainlab.sources import images

SIX = {f"{kind}-{level}" for kind in ("tumour", "ms", "infarct") for level in ("hypo", "iso", "hyper")}


@pytest.fixture(scope="module")
def healthy(people):
    return images.load(people)[:6]  # three made-up people of two slices


def test_each_person_is_there_healthy_and_with_each_lesion_at_each_brightness(healthy):
    found = data.with_lesions(healthy, seed=1)
    assert set(found.visit) == {"healthy", *SIX}
    assert len(found) == 10 * len(healthy)
    well = found.where(visit="healthy")
    assert torch.equal(well.images, healthy.images)
    assert not well.masks.any()
    for visit in SIX:
        part = found.where(visit=visit)
        assert part.subjects == healthy.subjects
        assert part.masks.flatten(1).any(1).all()
        assert torch.equal(part.images[~part.masks & ~part.brain], well.images[~part.masks & ~part.brain])
    assert "invented lesions" in found.about.source
    assert not found.about.synthetic


def test_place_and_shape_are_the_same_at_each_brightness_and_follow_from_the_seed(healthy):
    found, again, other = (data.with_lesions(healthy, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(found.images, again.images)
    assert not torch.equal(found.masks, other.masks)
    dark, bright = (found.where(visit=f"tumour-{level}") for level in ("hypo", "hyper"))
    assert (dark.masks == bright.masks).float().mean() > 0.99
    inside = dark.masks & bright.masks
    assert dark.images[inside].mean() < healthy.images[inside].mean() < bright.images[inside].mean()


def test_who_has_a_finding_is_left_out_and_nobody_left_is_told(healthy):
    from dataclasses import replace

    first = healthy.subjects[0]
    ill = replace(healthy, labels=tuple("mild" if who == first else "healthy" for who in healthy.subjects))
    assert first not in data.with_lesions(ill).subjects
    with pytest.raises(InputError, match="nobody healthy"):
        data.with_lesions(replace(healthy, labels=("tumour",) * len(healthy)))


def test_a_slice_with_too_little_brain_is_left_out(healthy):
    from dataclasses import replace

    brain = healthy.brain.clone()
    brain[0] = False
    brain[0, 0, 30:33, 30:33] = True  # 9 pixels of 3.25 mm are 95 mm²
    assert len(data.with_lesions(replace(healthy, brain=brain))) == 10 * (len(healthy) - 1)


def test_what_has_such_visits_already_is_left_as_it_is(healthy):
    found = data.with_lesions(healthy)
    assert data.with_lesions(found) is found


def test_a_folder_is_read_once_for_all_splits_and_anew_once_a_file_has_changed(people, tmp_path, monkeypatch):
    import shutil

    from brainlab.sources import own

    folder = tmp_path / "people"
    shutil.copytree(people, folder)
    read = []
    load = own.load
    monkeypatch.setattr(own, "load", lambda *given: read.append(given) or load(*given))
    train, val = data.load(folder, split="train"), data.load(folder, split="val")
    assert len(read) == 1
    train.images.zero_()  # who draws in it spoils nothing
    assert data.load(folder)[np.isin(data.load(folder).subjects, train.subjects)].images.any()
    assert not set(train.subjects) & set(val.subjects)
    one = sorted(folder.glob("*.png"))[0]
    one.write_bytes(sorted(folder.glob("*.png"))[1].read_bytes())
    data.load(folder)
    assert len(read) == 2
