"""Cheng's tumours, from made-up .mat files in the set's layout."""

import io
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import source_layouts as layouts

from brainlab import InputError
from brainlab.sources import cheng_tumours as source


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cheng")
    for archive in layouts.cheng():
        layouts.written(folder, archive)
    return folder


def test_every_slice_comes_with_its_patient_and_kind(folder):
    found = source.read(folder, 64)
    assert found.images.shape == (5, 1, 64, 64)
    assert found.subjects == ("100360",) * 2 + ("MR017260F",) * 2 + ("MR040240B",)
    assert found.labels == ("meningioma",) * 2 + ("glioma",) * 2 + ("pituitary",)
    assert found.contrast == "T1ce"
    assert (found.about.licence, found.about.synthetic) == ("CC BY 4.0", False)
    assert "Cheng et al. 2015" in found.about.citation


def test_image_and_mask_are_turned_from_matlabs_columns_and_coincide(folder):
    found = source.read(folder, 104)
    for image, mask, brain in zip(found.images[:, 0], found.masks[:, 0], found.brain[:, 0], strict=True):
        # Of 512 px on 208 mm: the spot lies 94 px above the middle and 44 left of it, so 19.1 and 8.9 pixels of 2 mm.
        rows, columns = mask.nonzero().float().mean(0).tolist()
        assert (rows, columns) == (pytest.approx(51.5 - 19.1, abs=0.6), pytest.approx(51.5 - 8.9, abs=0.6))
        assert ((image > 0.7) == mask).float().mean() > 0.995
        assert (mask & ~brain).sum() == 0


def test_the_border_in_the_file_says_the_same_of_which_way_is_up():
    with h5py.File(io.BytesIO(layouts.mat("100360", 1)), "r") as file:
        x, y = np.asarray(file["cjdata/tumorBorder"]).reshape(-1, 2).T.astype(int)
        picture = source._checked(Path("1.mat"), file)
    mask = np.asarray(picture.mask, dtype=bool)
    assert mask[y, x].all()
    assert not mask[x, y].any()


def test_one_archive_alone_can_be_read(tmp_path):
    found = source.read(layouts.written(tmp_path / "brainTumorDataPublic_1-766", layouts.cheng()[0]).parent, 32)
    assert found.labels == ("meningioma", "glioma")


def test_without_h5py_one_sentence_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(InputError, match=r"pip install 'brainlab\[mat\]'"):
        source.read(folder, 32)


def _mat_with(**fields):
    out = io.BytesIO(layouts.mat("100360", 1))
    with h5py.File(out, "r+") as file:
        for name, value in fields.items():
            del file[f"cjdata/{name}"]
            if value is not None:
                file[f"cjdata/{name}"] = value
    return out.getvalue()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "should hold the files 1.mat to 3064.mat"),
        ({"cvind.mat": b""}, "should hold the files 1.mat to 3064.mat"),
        ({"one.mat": b""}, r"one\.mat should be named by a number"),
        ({"7.mat": b"<html>403</html>"}, r"7\.mat cannot be opened as HDF5"),
        ({"7.mat": lambda: _mat_with(image=None)}, r"7\.mat should hold cjdata/image"),
        ({"7.mat": lambda: _mat_with(PID=None)}, r"7\.mat should hold cjdata/PID"),
        ({"7.mat": lambda: _mat_with(PID=np.zeros((3, 1), np.uint16))}, r"7\.mat should name its patient"),
        ({"7.mat": lambda: _mat_with(label=np.array([[4.0]]))}, r"7\.mat should have one label, 1, 2 or 3, and has"),
        ({"7.mat": lambda: _mat_with(tumorMask=np.ones((512, 511)))}, r"7\.mat should hold an image and a tumorMask"),
        ({"7.mat": lambda: _mat_with(tumorMask=np.zeros((512, 512)))}, r"7\.mat should hold a finite image"),
        ({"7.mat": lambda: _mat_with(image=np.full((512, 512), np.nan))}, r"7\.mat should hold a finite image"),
    ],
)
def test_another_layout_is_named_in_one_sentence(tmp_path, files, says):
    layouts.written(tmp_path, {name: body if isinstance(body, bytes) else body() for name, body in files.items()})
    with pytest.raises(InputError, match=says):
        source.read(tmp_path, 32)
