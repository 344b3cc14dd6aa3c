"""A folder of pictures as slices."""

import csv
import tracemalloc
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from brainlab import InputError, anatomy, data, geometry, intensity, planes
from brainlab.sources import images, picturefile, pictures


def picture(shape=(208, 176), seed=0):
    """A grey brain-like ellipse on black, brighter in the upper half, with a bright spot at the upper left."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = ((y - 104) / 80) ** 2 + ((x - 88) / 62) ** 2 < 1
    grey = np.where(y < 104, 170, 110) + rng.normal(0, 8, shape)
    grey[60:75, 50:65] = 230
    return np.where(inside, grey, 0).clip(0, 255).astype(np.uint8)


def write(folder, rows, columns=None):
    folder.mkdir(exist_ok=True)
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, columns or list(rows[0]))
        table.writeheader()
        table.writerows(rows)


@pytest.fixture
def folder(tmp_path):
    """Two subjects of two slices, the second with a mask."""
    rows = []
    for subject in ("a", "b"):
        for level in (1, 2):
            name = f"{subject}{level}.png"
            Image.fromarray(picture(seed=level)).save(tmp_path / name)
            kind = "healthy" if subject == "a" else "tumour"
            mask = f"mask-{name}" if subject == "b" else ""
            rows.append({"file": name, "mask": mask, "class": kind, "subject": subject, "level": level})
            if mask:
                lesion = np.zeros((208, 176), np.uint8)
                lesion[60:75, 50:65] = 255
                Image.fromarray(lesion).save(tmp_path / mask)
    write(tmp_path, rows)
    return tmp_path


def test_every_row_becomes_a_slice_with_its_subject_label_and_height(folder):
    found = images.load(folder)
    assert found.images.shape == (4, 1, 64, 64)
    assert found.subjects == ("a", "a", "b", "b")
    assert found.labels == ("healthy", "healthy", "tumour", "tumour")
    assert found.position_mm.tolist() == [1, 2, 1, 2]
    assert not found.about.synthetic
    assert len(images.load(folder, where={"class": ["healthy"], "level": ["2"]})) == 1
    assert torch.equal(data.load(folder).images, found.images)


def test_pictures_lie_upright_and_centred_with_their_masks(folder):
    found = images.load(folder, size=104)  # 2 mm pixels of pictures of 1 mm
    image, mask, brain = found.images[2, 0], found.masks[2, 0], found.brain[2, 0]
    # The spot's middle is 36.5 px above and 30.5 left of the ellipse's: 18 and 15 pixels of 2 mm from the middle, 51.5.
    rows, columns = mask.nonzero().float().mean(dim=0).tolist()
    assert rows == pytest.approx(51.5 - 36.5 / 2, abs=0.75)
    assert columns == pytest.approx(51.5 - 30.5 / 2, abs=0.75)
    assert image[mask].mean() > image[brain].mean()
    assert int(mask.sum()) == pytest.approx(15 * 15 / 4, rel=0.2)
    assert not found.masks[:2].any()


def test_each_slice_is_scaled_inside_its_brain_and_black_outside(folder):
    found = images.load(folder)
    assert (found.images[~found.brain] == 0).all()
    assert (found.images >= 0).all()
    assert (found.images <= 1).all()
    bright = [float(np.percentile(x[b].numpy(), 99)) for x, b in zip(found.images, found.brain, strict=True)]
    assert max(bright) - min(bright) < 1e-3


def test_resampling_keeps_the_mean_and_the_total_over_the_area():
    # A 4 x 4 picture of 52 mm pixels fills the field of view: at 2 px, each new pixel is the mean of 2 x 2 old ones.
    old = np.arange(16.0).reshape(4, 4)
    new = pictures.area_resample(old, 52.0, (1.5, 1.5), 2)
    assert new.tolist() == [[2.5, 4.5], [10.5, 12.5]]
    rng = np.random.default_rng(0).random((208, 176))
    small = pictures.area_resample(rng, 1.0, (103.5, 87.5), 64)
    assert small.sum() * geometry.pixel_mm(64) ** 2 == pytest.approx(rng.sum(), rel=1e-5)


def test_the_brain_is_one_piece_with_its_holes_filled():
    grey = picture()
    grey[100:110, 80:100] = 0  # a ventricle
    grey[2:6, 2:6] = 200  # a speck
    brain = pictures.foreground(grey)
    assert brain[105, 90]
    assert not brain[4, 4]
    assert brain.sum() == pytest.approx(np.pi * 80 * 62, rel=0.02)


def test_the_group_stands_in_for_the_subject_and_neither_is_warned_of(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "x.png")
    write(tmp_path, [{"image": "x.png", "label": "glioma", "group": "block-1"}])
    assert images.load(tmp_path).subjects == ("block-1",)
    write(tmp_path, [{"image": "x.png", "label": "glioma"}])
    with pytest.warns(UserWarning, match="neither a subject nor a group"):
        images.load(tmp_path)


def test_masks_say_what_is_sick_where_no_class_does(folder):
    rows = [{"file": f"{s}1.png", "subject": s, "mask": "mask-b1.png" if s == "b" else ""} for s in ("a", "b")]
    write(folder, rows)
    found = images.load(folder)
    assert found.labels == found.visit == ("healthy", "lesion")
    write(folder, [{"file": "a1.png", "subject": "a"}])
    assert images.load(folder).labels == ("unknown",)


def test_the_bright_end_lands_where_lesions_have_headroom(folder):
    found = images.load(folder)
    bright = np.percentile(found.images[0][found.brain[0]].numpy(), 99)
    assert bright == pytest.approx(intensity.BRIGHT, abs=1e-3)


def _without_index(folder):
    (folder / "index.csv").unlink()


def _with_rows(*rows):
    return lambda folder: write(folder, list(rows))


def _damaged(folder):
    (folder / "a1.png").write_bytes(b"not a picture")


def _black(folder):
    Image.fromarray(np.zeros((208, 176), np.uint8)).save(folder / "a1.png")


def _specks(folder):
    grey = np.zeros((208, 176), np.uint8)
    grey[10, ::9] = 200
    Image.fromarray(grey).save(folder / "a1.png")


def _tiny_blob(folder):
    grey = np.zeros((2080, 1760), np.uint8)
    grey[500:505, 500:505] = 200
    Image.fromarray(grey).save(folder / "a1.png")


def _flat(folder):
    grey = np.full((208, 208), 200, np.uint8)
    grey[0, 0] = 0
    Image.fromarray(grey).save(folder / "a1.png")
    write(folder, [{"file": "a1.png", "subject": "a"}])


def _other_size(folder):
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(folder / "mask-b1.png")


def _binary_index(folder):
    (folder / "index.csv").write_bytes(b"\xff\xfe\x00\x01")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_without_index, "no index.csv"),
        (_binary_index, "cannot be read as a table"),
        (lambda folder: (folder / "index.csv").write_text("file,class\n"), "no rows"),
        (_with_rows({"class": "healthy"}), "a column named file"),
        (_with_rows({"file": "", "class": "healthy"}), "line 2"),
        (_with_rows({"file": "gone.png", "subject": "a"}), "gone.png"),
        (_with_rows({"file": "a1.png", "subject": "a", "level": "top"}), "level must be a number"),
        (_with_rows({"file": "a1.png", "subject": "a", "mask": "gone.png"}), "gone.png, the mask of a1.png"),
        (_damaged, "a1.png cannot be read"),
        (_black, "a1.png is of one shade"),
        (_specks, "a1.png shows no brain"),
        (_tiny_blob, "a1.png shows no brain"),
        (_flat, "a1.png cannot be used: The image is constant"),
        (_other_size, "a mask needs its picture's size"),
    ],
)
def test_what_is_wrong_is_named_with_its_mend(folder, spoil, says):
    spoil(folder)
    with pytest.raises(InputError, match=says):
        images.load(folder)


def test_asking_for_rows_that_are_not_there_says_so(folder):
    with pytest.raises(InputError, match="no row"):
        images.load(folder, where={"class": ["martian"]})


@pytest.mark.realdata
def test_oasis_slices_lie_as_the_atlas_does_with_the_front_at_the_top(real_data):
    found = images.load(real_data / "oasis_t1_slices", 104, where={"class": ["healthy"], "level": ["15"]})
    assert len(found) == len(set(found.subjects)) == 80
    known = anatomy.atlas()
    affine = np.eye(4)
    affine[:3, 3] = known.origin
    white = planes.plane(known.maps[1].numpy(), affine, "axial", 10.0, 104, (0, -17, 10))
    mean = found.images.mean(dim=0)[0].numpy()
    upright, upside_down = (np.corrcoef(white.ravel(), m.ravel())[0, 1] for m in (mean, mean[::-1]))
    assert upright > 0.8
    assert upright > upside_down + 0.1
    assert found.spacing == 2.0
    assert found.contrast == "T1w"


@pytest.mark.realdata
def test_oasis_slices_have_the_patients_left_on_the_right(real_data):
    # In most people the left lateral ventricle is the larger one.
    found = images.load(real_data / "oasis_t1_slices", 104, where={"class": ["healthy"], "level": ["25", "30"]})
    dark = (found.images[:, 0, 25:70] < 0.25) & found.brain[:, 0, 25:70]
    right, left = dark[..., 38:52].sum(dim=(1, 2)), dark[..., 52:66].sum(dim=(1, 2))
    assert (left > right).float().mean() > 0.6


@pytest.mark.realdata
def test_oasis_affine_puts_the_slices_where_the_atlas_has_them(real_data):
    found = images.load(real_data / "oasis_t1_slices", where={"subject": ["healthy-001"], "level": ["5", "30"]})
    assert found.position_mm.tolist() == [0.0, 25.0]
    centre = found.affine[0] @ [31.5, 31.5, 0, 1]
    assert np.abs(centre[:3] - [0, -16, 0]).max() < 4  # the middle of the MNI brain's box, in these millimetres


def test_a_folder_of_large_pictures_takes_the_memory_of_a_few():
    """Sixty pictures of 512 x 512 are 63 MB as float32; one after another they pass through a few megabytes."""
    held = []

    def read(seed):
        grey = np.kron(picture((256, 256), seed % 4), np.ones((2, 2), np.float32))
        held.append(weakref.ref(grey))
        assert sum(ref() is not None for ref in held) <= 4
        return pictures.Picture(str(seed), grey, subject=f"s{seed // 10}")

    on_demand = pictures.OnDemand(read, range(60))
    tracemalloc.start()
    found = pictures.as_slices(on_demand, images.LAYOUTS["cheng_t1ce_tumours"], 32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 60
    assert peak < 25e6
    whole = pictures.as_slices([read(seed) for seed in (0, 1)], images.LAYOUTS["cheng_t1ce_tumours"], 32)
    assert torch.equal(pictures.as_slices(on_demand[:2], images.LAYOUTS["cheng_t1ce_tumours"], 32).images, whole.images)


def test_a_folder_is_known_by_its_name_also_from_inside(tmp_path, monkeypatch):
    (tmp_path / "oasis_t1_slices").mkdir()
    rows = []
    for level in (1, 2):
        Image.fromarray(picture()).save(tmp_path / "oasis_t1_slices" / f"a{level}.png")
        rows.append({"file": f"a{level}.png", "class": "healthy", "subject": "a", "level": level})
    write(tmp_path / "oasis_t1_slices", rows)
    monkeypatch.chdir(tmp_path / "oasis_t1_slices")
    assert data.load(".").contrast == "T1w"
    assert torch.equal(data.load(".").images, data.load(tmp_path / "oasis_t1_slices").images)


@pytest.mark.parametrize(("values", "marked"), [((0, 1, 2, 4), 3), ((0, 255), 1), ((0, 3, 255), 1)])
def test_a_mask_that_numbers_its_kinds_keeps_all_of_them(tmp_path, values, marked):
    drawn = np.zeros((20, 20), dtype=np.uint8)
    drawn[0, : len(values)] = values
    Image.fromarray(drawn).save(tmp_path / "mask.png")
    assert picturefile.mask(tmp_path / "mask.png", tmp_path / "a.png", (20, 20)).sum() == marked
