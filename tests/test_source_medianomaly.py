"""MedIAnomaly's BraTS slices, from a made-up folder in its layout."""

import numpy as np
import pytest
import source_layouts as layouts
from PIL import Image

from brainlab import InputError
from brainlab.sources import medianomaly_brats as source


@pytest.fixture
def folder(tmp_path):
    return layouts.written(tmp_path, layouts.medianomaly())


def test_every_slice_comes_patient_by_patient_in_order(folder):
    found = source.read(folder, 64)
    assert found.images.shape == (5, 1, 64, 64)
    assert found.subjects == ("BraTS2021_00002",) * 2 + ("BraTS2021_00005",) + ("BraTS2021_01467",) * 2
    assert found.position_mm.tolist() == [9, 10, 7, 13, 40]  # 9 before 10: numbers, not letters
    assert found.labels == ("healthy",) * 3 + ("tumour", "healthy")
    assert found.contrast == "FLAIR"


def test_a_tumour_is_marked_where_it_shines(folder):
    found = source.read(folder, 104)
    assert found.masks.flatten(1).any(1).tolist() == [False, False, False, True, False]
    rows, columns = found.masks[3, 0].nonzero().float().mean(0).tolist()
    # 47 px of 1 mm above the middle and 22 left of it; pixels of 2 mm; the middle is 51.5.
    assert (rows, columns) == (pytest.approx(51.5 - 23.5, abs=0.5), pytest.approx(51.5 - 11, abs=0.5))
    image, mask = found.images[3, 0], found.masks[3, 0]
    assert image[mask].min() > image[found.brain[3, 0] & ~mask].quantile(0.99)
    assert ((image > 0.7) == mask).float().mean() > 0.995


def test_what_may_be_done_with_it_is_said(folder):
    about = source.read(folder, 32).about
    assert not about.synthetic
    assert "do not pass on" in about.licence
    assert "2404.04518" in about.citation
    assert "tumour-free slices" in about.source


def _unlike(name):
    return lambda root: (root / "train" / "BraTS2021_00002_flair_9.png").rename(root / "train" / name)


def _coloured(root):
    Image.fromarray(np.zeros((208, 208, 3), np.uint8)).save(root / "train" / "BraTS2021_00002_flair_9.png")


def _small(root):
    Image.fromarray(layouts.picture()[:200]).save(root / "test" / "annotation" / "BraTS2021_01467_seg_13.png")


def _no_masks(root):
    (root / "test" / "annotation" / "BraTS2021_01467_seg_13.png").unlink()


def _renamed(root):
    (root / "test" / "tumor").rename(root / "test" / "abnormal")


def _cut(root):
    path = root / "train" / "BraTS2021_00002_flair_9.png"
    path.write_bytes(path.read_bytes()[:200])


def _black(root):
    Image.fromarray(np.zeros((208, 208), np.uint8)).save(root / "test" / "normal" / "BraTS2021_00005_flair_7.png")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_unlike("00002-flair-9.png"), r"00002-flair-9\.png is not named as BraTS2021_01467_flair_13\.png"),
        (_unlike("copy-of-BraTS2021_00002_flair_9.png"), r"copy-of-BraTS2021_00002_flair_9\.png is not named"),
        (_unlike("BraTS2021_00002_t1_9.png"), r"BraTS2021_00002_t1_9\.png is not named"),
        (_coloured, r"flair_9\.png should be a grey picture of 208 x 208 px, and is RGB"),
        (_small, r"seg_13\.png should be a grey picture of 208 x 208 px, and is L of shape \(200, 208\)"),
        (_no_masks, r"seg_13\.png is missing, the mask"),
        (_renamed, r"tumor should hold PNG files"),
        (_cut, r"flair_9\.png cannot be read"),
        (_black, r"flair_7\.png shows no brain"),
    ],
)
def test_another_layout_is_named_in_one_sentence(folder, change, says):
    change(folder / "BraTS2021")
    with pytest.raises(InputError, match=says):
        source.read(folder, 32)
