"""Pictures without a table: what names tell, what they do not, and that the latter is said."""

import warnings

import numpy as np
import pytest
from PIL import Image
from test_images_source import picture

from brainlab import InputError, data
from brainlab.sources import picturefile, untold


def put(folder, *names, values=None):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture() if values is None else values).save(path)


def touch(folder, *names):
    """Files that nobody opens."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def told(folder, *columns):
    return [tuple(row[column] for column in columns) for row in untold.rows(folder)]


@pytest.mark.filterwarnings("error")
def test_a_folder_is_a_subject_and_a_known_word_a_class(tmp_path):
    touch(tmp_path, "healthy/anna/2.png", "healthy/anna/10.png", "tumor/bert/1.jpg", "images/No_Tumor/cora/1.png")
    assert told(tmp_path, "file", "subject", "class") == [
        ("healthy/anna/2.png", "anna", "healthy"),
        ("healthy/anna/10.png", "anna", "healthy"),
        ("images/No_Tumor/cora/1.png", "cora", "healthy"),
        ("tumor/bert/1.jpg", "bert", "tumor"),
    ]


@pytest.mark.filterwarnings("error")
def test_names_that_count_within_a_person_tell_who_it_is(tmp_path):
    touch(tmp_path, *(f"s{person:03d}_z{level:02d}.png" for person in (1, 2) for level in (1, 2, 3)))
    assert told(tmp_path, "subject") == [("s001",)] * 3 + [("s002",)] * 3


def test_neighbours_make_groups_where_nobody_can_know_and_that_is_said(tmp_path):
    touch(tmp_path, *(f"glioma/{k:04d}.jpg" for k in range(120)), *(f"yes/Te-{k}.jpg" for k in range(9)))
    with pytest.warns(UserWarning, match=r"neighbours by name count as one group.*promise too much"):
        rows = untold.rows(tmp_path)
    groups = [row["subject"] for row in rows]
    assert groups[:13] == ["glioma/block-00"] * 12 + ["glioma/block-01"]
    assert groups[-2:] == ["yes/block-03", "yes/block-04"]
    assert {row["class"] for row in rows} == {"glioma", "yes"}


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/7.png", "masks/7.png"),
        ("p1/a_1.tif", "p1/a_1_mask.tif"),
        ("p1/1.png", "masks/p1/1.png"),
        ("test/x_00_flair_4.png", "test/annotation/x_00_seg_4.png"),
        ("tumor/images/p1/1.jpg", "tumor/masks/p1/1.png"),
    ],
)
def test_a_mask_is_known_by_its_folder_or_a_word_of_its_name(tmp_path, image, mask):
    put(tmp_path, image, mask, "images/other.png")
    with warnings.catch_warnings(action="ignore"):
        rows = {row["file"]: row for row in untold.rows(tmp_path)}
    assert set(rows) == {image, "images/other.png"}
    assert rows[image]["mask"] == mask
    assert rows["images/other.png"]["class"] == "unknown"  # nobody said that it is healthy


def test_masks_alone_are_counted_and_two_of_one_picture_refused(tmp_path):
    touch(tmp_path, "p/1.png", "masks/p/2.png", "masks/p/3.png")
    with pytest.warns(UserWarning, match=r"2 masks without a picture.*p/2.png, masks/p/3.png"):
        untold.rows(tmp_path)
    touch(tmp_path, "masks/p/1.png", "masks/p/1.bmp")
    with warnings.catch_warnings(action="ignore"), pytest.raises(InputError, match=r"p/1.png has two masks"):
        untold.rows(tmp_path)


def test_a_folder_of_pictures_becomes_slices_by_mask_and_class(tmp_path):
    lesion = np.zeros((208, 176), np.uint8)
    lesion[60:75, 50:65] = 255
    put(tmp_path, "p1/1.png", "p2/1.png", "healthy/p3/1.png", "p4/1.png")
    put(tmp_path, "masks/p1/1.png", values=lesion)
    put(tmp_path, "masks/p2/1.png", values=lesion * 0)
    cut = data.load(tmp_path)
    labels = dict(zip(cut.subjects, cut.labels, strict=True))
    assert labels == {"p1": "lesion", "p2": "healthy", "p3": "healthy", "p4": "unknown"}
    assert cut.masks.flatten(1).any(1).tolist() == [name == "p1" for name in cut.subjects]


def test_pages_of_a_tiff_are_a_stack_of_one_person(tmp_path):
    sheets = [Image.fromarray(picture(seed=k)) for k in range(3)]
    sheets[0].save(tmp_path / "anna.tif", save_all=True, append_images=sheets[1:])
    put(tmp_path, "bert.tif")
    put(tmp_path, "cora.tif")
    with pytest.warns(UserWarning, match="neighbours"):
        cut = data.load(tmp_path)
    assert cut.subjects == ("anna",) * 3 + ("block-00",) * 2
    assert cut.position_mm.tolist() == [0, 1, 2, 0, 0]
    assert not np.array_equal(cut.images[0], cut.images[1])
    (tmp_path / "index.csv").write_text("file,subject,page\nanna.tif,a,1\n")
    assert np.array_equal(data.load(tmp_path).images[0], cut.images[1])
    (tmp_path / "index.csv").write_text("file,subject\nanna.tif,a\n")
    with pytest.raises(InputError, match="has 3 pages; say which in a column page, from 0 to 2"):
        data.load(tmp_path)
    (tmp_path / "index.csv").write_text("file,subject,page\nanna.tif,a,3\n")
    with pytest.raises(InputError, match="has no page 3"):
        data.load(tmp_path)


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_sixteen_bit_and_float_pictures_keep_their_greys(tmp_path, kind):
    fine = (picture().astype(np.float32) * 16 + 3 * (picture() > 0)).astype(kind)
    name = "a.tif" if kind is np.float32 else "a.png" if kind is np.uint16 else "a.tiff"
    put(tmp_path, f"p/{name}", values=fine)
    assert np.array_equal(picturefile.grey(tmp_path / "p" / name), fine.astype(np.float32))
    plain = tmp_path / "plain"
    put(plain, "p/a.png")
    assert np.abs(data.load(tmp_path / "p", size=32).images - data.load(plain / "p", size=32).images).max() < 0.02


def test_a_picture_with_nan_is_refused(tmp_path):
    values = picture().astype(np.float32)
    values[3, 3] = np.nan
    put(tmp_path, "p/a.tif", "p/b.tif", values=values)
    with pytest.raises(InputError, match=r"a.tif has pixels that are NaN"):
        data.load(tmp_path)


def test_masks_alone_or_one_picture_are_told_so(tmp_path):
    put(tmp_path, "a_mask.png")
    with pytest.raises(InputError, match="no picture that is not a mask"):
        data.load(tmp_path)
    with pytest.raises(InputError, match="single picture; give the folder"):
        data.load(tmp_path / "a_mask.png")
