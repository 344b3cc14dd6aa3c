"""Lesions put into finished images."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from brainlab import InputError, insertion, lesions
from brainlab.sources import images

KINDS, LEVELS = ("tumour", "ms", "infarct"), ("hypo", "iso", "hyper")
every_kind = pytest.mark.parametrize("kind", KINDS)


def slice_of_tissue(size=64, noise=0.02):
    """An elliptical brain of white matter in a rim of grey, with a dark ventricle, and noise; (1, size, size) each."""
    y, x = torch.meshgrid(*[(torch.arange(size) + 0.5) / size * 208 - 104] * 2, indexing="ij")
    r = torch.hypot(y / 85, x / 68)
    picture = torch.where(r < 0.85, 0.65, 0.45)
    picture[torch.hypot(y / 28, x / 10) < 1] = 0.1
    picture += noise * torch.randn(size, size, generator=torch.Generator().manual_seed(0))
    brain = r < 1
    return (picture * brain).clamp(0, 1)[None], brain[None]


@every_kind
@pytest.mark.parametrize("level", LEVELS)
def test_the_mask_lies_in_the_brain_and_the_rest_of_the_image_is_untouched(kind, level):
    image, brain = slice_of_tissue()
    for seed in range(10):
        found = lesions.insert(image, brain, kind, seed, level)
        assert found.mask.any()
        assert not (found.mask & ~brain).any()
        far = torch.from_numpy(np.asarray(ndimage.distance_transform_edt(~found.mask[0].numpy())) > 5)[None]
        assert torch.equal(found.image[far], image[far])
        assert found.image.min() >= 0
        assert found.image.max() <= 1


@every_kind
def test_dark_bright_and_alike_are_what_they_say(kind):
    image, brain = slice_of_tissue()
    white, grey = 0.65, 0.45
    means = {
        level: float(torch.cat([f.image[f.mask] for f in some(image, brain, kind, level)]).mean()) for level in LEVELS
    }
    assert means["hypo"] < grey - 0.05  # the rim of a small plaque is half healthy
    assert means["hyper"] > white + 0.1
    assert means["iso"] == pytest.approx(float(image[brain].median()), abs=0.05)


@every_kind
@pytest.mark.parametrize("step", [-0.2, 0.2])
def test_a_number_is_the_step_from_the_tissue_that_the_lesion_replaces(kind, step):
    image, brain = slice_of_tissue()
    for seed in range(8):
        found = lesions.insert(image, brain, kind, seed, step)
        inner = torch.from_numpy(ndimage.binary_erosion(found.mask[0].numpy()))[None]  # the rim is half healthy
        if inner.any():
            assert float((found.image - image)[inner].mean()) == pytest.approx(step, abs=0.1)
        assert ((found.image - image)[found.mask].mean() > 0) == (step > 0)


def some(image, brain, kind, level):
    return [lesions.insert(image, brain, kind, seed, level) for seed in range(8)]


@pytest.mark.parametrize("level", LEVELS)
def test_noise_goes_on_through_the_lesion_and_nothing_is_clipped(level):
    image, brain = slice_of_tissue(size=208)
    found = lesions.insert(image, brain, "tumour", 1, level)
    inner = torch.from_numpy(ndimage.binary_erosion(found.mask[0].numpy(), iterations=4))[None]
    assert found.image[inner].std() == pytest.approx(0.02, rel=0.35)
    assert ((found.image[inner] > 0) & (found.image[inner] < 1)).all()


def test_the_image_given_is_untouched_and_the_seed_decides():
    image, brain = slice_of_tissue()
    before = image.clone()
    first, again, other = (lesions.insert(image, brain, "tumour", seed) for seed in (1, 1, 2))
    assert torch.equal(image, before)
    assert torch.equal(first.image, again.image)
    assert not torch.equal(first.mask, other.mask)


def test_the_same_seed_gives_the_same_shape_at_every_contrast():
    image, brain = slice_of_tissue()
    assert torch.equal(*(lesions.insert(image, brain, "infarct", 4, level).mask for level in ("hypo", "hyper")))


@every_kind
def test_a_volume_takes_a_lesion_too(kind):
    image, brain = slice_of_tissue(size=52)
    stack, inside = image[0][..., None].expand(-1, -1, 20).clone(), brain[0][..., None].expand(-1, -1, 20).clone()
    inside[..., [0, 1, -2, -1]] = False
    found = lesions.insert(stack * inside, inside, kind, 0, "hyper", spacing_mm=4.0)
    assert found.mask.any()
    assert found.mask.any(dim=(0, 1)).sum() > 1  # in more than one plane
    assert not (found.mask & ~inside).any()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "cyst"}, "kind must be"),
        ({"contrast": "bright"}, "contrast must be"),
        ({"contrast": 0}, "contrast must be"),
        ({"contrast": float("nan")}, "contrast must be"),
        ({"contrast": -30}, "from -1 to 1"),
        ({"image": torch.full((1, 64, 64), 2.0)}, r"in \[0, 1\]"),
        ({"brain": torch.ones(1, 32, 32, dtype=torch.bool)}, "brain of its shape"),
        ({"brain": torch.zeros(1, 64, 64, dtype=torch.bool)}, "too small"),
        ({"image": torch.rand(8, 8, 8), "brain": torch.ones(8, 8, 8, dtype=torch.bool)}, "voxel width"),
    ],
)
def test_what_cannot_be_done_is_said(wrong, says):
    image, brain = slice_of_tissue()
    with pytest.raises(InputError, match=says):
        lesions.insert(**{"image": image, "brain": brain, **wrong})


@pytest.mark.realdata
def test_real_slices_take_every_lesion(real_data):
    found = images.load(real_data / "oasis_t1_slices", where={"class": ["healthy"], "level": ["4", "28"]})
    shares = []
    for i in range(0, len(found), 5):
        for kind in KINDS:
            one = lesions.insert(found.images[i], found.brain[i], kind, i, LEVELS[i % 3])
            shares.append(float(one.mask.sum() / found.brain[i].sum()))
            assert not (one.mask & ~found.brain[i]).any()
    assert min(shares) > 0
    assert max(shares) < 0.2


def test_paint_fills_a_given_shape_and_nothing_else():
    image, brain = 0.5 * torch.ones(1, 64, 64), torch.zeros(1, 64, 64, dtype=torch.bool)
    brain[:, 8:56, 8:56] = True
    shape = torch.zeros_like(brain)
    shape[:, 30:36, 4:20] = True  # partly outside the brain
    done = insertion.paint(image, brain, shape, 0.3)
    assert torch.equal(done.mask, shape & brain)
    assert torch.equal(done.image[~brain], image[~brain])
    inner = torch.zeros_like(brain)
    inner[:, 32:34, 12:17] = True
    assert done.image[inner].mean() == pytest.approx(0.8, abs=0.02)
    far = torch.ones_like(brain)
    far[:, 26:40, 2:24] = False
    assert torch.equal(done.image[far], image[far])


def test_paint_refuses_a_shape_that_is_no_mask_of_the_picture():
    image, brain = 0.5 * torch.ones(1, 64, 64), torch.ones(1, 64, 64, dtype=torch.bool)
    with pytest.raises(InputError, match="boolean shape"):
        insertion.paint(image, brain, torch.ones(1, 64, 64))
    with pytest.raises(InputError, match="boolean shape"):
        insertion.paint(image, brain, torch.ones(1, 32, 32, dtype=torch.bool))
