"""A stripped brain is found; a head with its skull is told so."""

import numpy as np
import pytest
from made_up import CENTRE, GRIDS, made_up, saved
from PIL import Image
from scipy import ndimage

from brainlab import InputError, brainmask, phantoms, volumes


@pytest.fixture(params=GRIDS)
def scan(request, tmp_path) -> volumes.Volume:
    return volumes.read(saved(tmp_path / "case07_flair.nii.gz", *made_up(GRIDS[request.param])))


def test_the_brain_is_the_largest_piece_that_is_not_blank_with_its_holes_filled(scan):
    brain = volumes.brain_mask(scan)
    assert (brain == (scan.data > 0)).all()
    holed = scan.data.copy()
    i, j, k = np.round(np.linalg.inv(scan.affine) @ [*CENTRE, 1])[:3].astype(int)
    holed[i - 3 : i + 3, j - 3 : j + 3, k - 3 : k + 3] = 0  # a ventricle that reads 0
    holed[0, 0, 0] = 50  # a speck of noise
    assert (brainmask.brain_mask(holed, scan.affine) == brain).all()
    assert (brainmask.brain_mask(holed - 7, scan.affine) == brain).all()  # blank need not be 0


@pytest.fixture(scope="module")
def template() -> tuple[np.ndarray, np.ndarray]:
    """The MNI152 T1 template, skull-stripped, on its 1 mm grid thinned to 2 mm."""
    from nilearn import datasets

    image = datasets.load_mni152_template(resolution=1)
    return image.get_fdata(dtype=np.float32)[::2, ::2, ::2], image.affine @ np.diag([2.0, 2, 2, 1])


def with_skull(brain: np.ndarray, fat: float, air: float = 0, seed: int = 0) -> np.ndarray:
    """A brain in 2 mm voxels inside dark bone and a scalp of brightness ``fat``, in air of noise ``air``."""
    skin = np.pad(brain, 10)
    filled = np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(skin > 0, iterations=2)))
    outside = np.asarray(ndimage.distance_transform_edt(~filled, sampling=2))
    head = np.select([outside == 0, outside <= 7, outside <= 13], [skin, 0.05, fat], default=0)
    rng = np.random.default_rng(seed)
    return np.hypot(head + air * rng.normal(size=head.shape), air * rng.normal(size=head.shape)).astype(np.float32)


def test_a_stripped_template_is_a_brain_even_where_it_fills_its_box(template):
    data, affine = template
    assert (brainmask.brain_mask(data, affine) == (data > 0)).mean() > 0.999
    box = ndimage.find_objects((data > 0).astype(int))[0]
    assert brainmask.brain_mask(data[box], affine).any()
    assert brainmask.brain_mask(data[:, :, 30:50], affine).any()


@pytest.mark.parametrize("fat", [0.4, 0.8, 1.5])
@pytest.mark.parametrize("air", [0, 0.02])
@pytest.mark.parametrize("part", [slice(None), slice(45, 65)], ids=["whole", "slab"])
def test_a_head_with_its_skull_is_told_so(template, fat, air, part):
    head = with_skull(template[0], fat, air)[:, :, part]
    with pytest.raises(InputError, match=r"scan.nii looks like a whole head.*strip the skull first"):
        brainmask.brain_mask(head, template[1], "scan.nii")
    small = np.diag([0.75, 0.75, 0.75, 1]) @ template[1]  # a child's head, of a brain's volume
    with pytest.raises(InputError, match="looks like a whole head"):
        brainmask.brain_mask(head, small)


def test_a_head_whose_bone_reads_zero_is_told_so(template):
    head = with_skull(template[0], 0.8)
    head[head < 0.1] = 0
    with pytest.raises(InputError, match="two large pieces"):
        brainmask.brain_mask(head, template[1])


def test_a_head_without_a_dark_layer_is_known_by_its_size(template):
    head = with_skull(template[0], 0.8)
    head[(head > 0) & (head < 0.5)] = 0.5  # marrow and skin as bright as brain
    with pytest.raises(InputError, match="more than any brain"):
        brainmask.brain_mask(head, template[1])


def test_specks_in_the_air_are_no_skull_stripping(template):
    data = template[0].copy()
    specks = np.random.default_rng(0).random(data.shape) < 0.05
    data[specks & (data == 0)] = 0.03
    with pytest.raises(InputError, match=r"not blank.*if it is stripped already, set everything outside .* to 0"):
        brainmask.brain_mask(data, template[1])


def test_a_stripped_brain_on_noise_is_told_to_blank_it(template):
    noise = np.random.default_rng(0).normal(scale=0.001, size=template[0].shape)
    with pytest.raises(InputError, match=r"not blank.*if it is stripped already, .*linear interpolation"):
        brainmask.brain_mask(template[0] + noise, template[1])


@pytest.mark.realdata
def test_real_heads_are_told_so(real_data):
    """Slices of real heads, each drawn out into a slab 8 cm thick; most are smaller than the brain's limit in ml."""
    files = sorted((real_data / "cheng_t1ce_tumours" / "images").glob("*.jpg"))[::100]
    passed = []
    for file in files:
        image = np.asarray(Image.open(file).convert("L").resize((256, 256)), dtype=np.float32)
        slab = np.repeat(np.where(image < 8, 0, image)[:, :, None], 40, axis=2)  # JPEG leaves specks in the air
        try:
            brainmask.brain_mask(slab, np.diag([0.9, 0.9, 2, 1]))
        except InputError:
            continue
        passed.append(file.name)
    assert len(passed) <= 3, passed


@pytest.mark.parametrize("seed", [5, 9])
def test_wide_ventricles_under_dark_white_matter_are_no_skull(seed):
    """On T2 brightness falls from cortex to white matter and rises to the ventricles, but deeper than bone lies."""
    subject = phantoms.subject(seed)
    brain = brainmask.brain_mask(phantoms.render(subject, "T2w").numpy(), subject.affine)
    assert (brain == subject.brain.numpy()).mean() > 0.999


def test_what_is_no_human_brain_is_told_so(template):
    with pytest.raises(InputError, match=r"only 1\d.* mm.*voxel sizes"):
        brainmask.brain_mask(template[0], template[1] / 10)
    with pytest.raises(InputError, match="blank"):
        brainmask.brain_mask(np.zeros((9, 9, 9)), np.eye(4))
