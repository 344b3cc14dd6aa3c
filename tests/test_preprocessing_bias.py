"""Shading that was put in is found and taken out, and nothing else is."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from made_up import saved

from brainlab import InputError, lesions, phantoms, preprocessing, volumes


def read(tmp_path_factory, subject, contrast: str, name: str) -> volumes.Volume:
    data = phantoms.render(subject, contrast).numpy()
    return volumes.read(saved(tmp_path_factory.mktemp("scan") / f"{name}_{contrast}.nii.gz", data, subject.affine))


@pytest.fixture(scope="module")
def subject():
    return phantoms.subject(11, spacing_mm=4.0, bias=0.0, noise=0.015)


@pytest.fixture(scope="module", params=["T1w", "FLAIR"])
def scan(request, subject, tmp_path_factory) -> volumes.Volume:
    return read(tmp_path_factory, subject, request.param, "case07")


@pytest.fixture(scope="module")
def brain(subject) -> np.ndarray:
    return subject.brain.numpy()


def coil(shape: tuple[int, ...], strength: float = 0.6) -> np.ndarray:
    """Brighter near a coil at the patient's right, behind: a bell, which is no polynomial of any order."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return (1 + strength * np.exp(-((x - 0.7) ** 2 + (y + 0.5) ** 2 + (z - 0.2) ** 2))).astype(np.float32)


def variation(volume: volumes.Volume, subject) -> float:
    """Standard deviation over mean of pure white matter."""
    white = volume.data[subject.tissues[1].numpy() > 0.95]
    return float(white.std() / white.mean())


def test_known_shading_is_recovered_and_white_matter_becomes_even(scan, subject, brain):
    field = coil(scan.data.shape)
    shaded = replace(scan, data=scan.data * field)
    before = shaded.data.copy()
    found = preprocessing.bias_field(shaded, brain)
    mended = preprocessing.correct_bias(shaded, brain)
    assert np.corrcoef(np.log(found[brain]), np.log(field[brain]))[0, 1] > 0.85
    clean = variation(scan, subject)
    assert variation(mended, subject) - clean < 0.3 * (variation(shaded, subject) - clean)
    assert np.log(found[brain]).mean() == pytest.approx(0, abs=1e-4)
    assert (shaded.data == before).all()
    assert mended.data.dtype == found.dtype == np.float32
    assert (mended.data[~brain] == shaded.data[~brain]).all()


def test_a_scan_without_shading_is_hardly_changed(scan, subject, brain):
    mended = preprocessing.correct_bias(scan, brain)
    change = np.abs(mended.data[brain] - scan.data[brain]).mean() / scan.data[brain].mean()
    assert change < 0.04
    assert variation(mended, subject) < 1.25 * variation(scan, subject)


def test_n4_finds_the_same_shading(subject, brain, tmp_path_factory):
    pytest.importorskip("SimpleITK")
    scan = read(tmp_path_factory, subject, "T1w", "case07")
    field = coil(scan.data.shape)
    shaded = replace(scan, data=scan.data * field)
    ours, theirs = (np.log(preprocessing.bias_field(shaded, brain, one)[brain]) for one in ("polynomial", "n4"))
    assert np.corrcoef(theirs, np.log(field[brain]))[0, 1] > 0.85
    assert np.corrcoef(ours, theirs)[0, 1] > 0.85
    assert (ours - theirs).std() < 0.04
    mended = shaded.data.copy()
    mended[brain] /= np.exp(theirs)
    assert variation(replace(shaded, data=mended), subject) < 0.7 * variation(shaded, subject)


def test_brightness_as_a_whole_does_not_matter(scan, brain):
    """Scanners have no units, so neither has the field."""
    louder = replace(scan, data=scan.data * np.float32(700))
    a, b = (preprocessing.bias_field(one, brain) for one in (scan, louder))
    assert np.allclose(a, b, rtol=1e-3)


@pytest.mark.parametrize("kind", ["ms", "tumour"])
def test_a_lesion_keeps_its_contrast(tmp_path_factory, kind):
    """Lesion over the same tissue when healthy, before and after: at least nine tenths of it are left."""
    healthy = phantoms.subject(11, spacing_mm=4.0, bias=0.0, noise=0.015)
    sick = getattr(lesions, kind)(healthy, seed=1)
    truth = sick.mask.numpy()
    well, ill = (read(tmp_path_factory, one, "FLAIR", "case07") for one in (healthy, sick.subject))
    brain = healthy.brain.numpy()

    def contrast(one: volumes.Volume) -> float:
        ring = brain & ~truth
        return float(np.median(one.data[truth]) / np.median(one.data[ring]) - 1)

    mended = preprocessing.correct_bias(ill, brain)
    assert contrast(mended) > 0.9 * contrast(ill) > 0.9 * contrast(well)


def test_n4_that_is_not_installed_is_told_so(scan, brain, monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(InputError, match=r"not installed: pip install 'brainlab\[n4\]'.*polynomial"):
        preprocessing.correct_bias(scan, brain, "n4")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"method": "n3"}, "method must be"),
        ({"order": 9}, "order must be"),
        ({"brain": np.ones((2, 2, 2))}, "mask of its"),
    ],
)
def test_what_cannot_be_done_is_told_so(scan, brain, wrong, says):
    with pytest.raises(InputError, match=says):
        preprocessing.bias_field(scan, **{"brain": brain, **wrong})


def test_an_empty_mask_is_told_so(scan, brain):
    with pytest.raises(InputError, match="too little tissue"):
        preprocessing.bias_field(scan, np.zeros_like(brain))


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["T1", "FLAIR"])
def test_real_scans_that_n4_has_corrected_are_hardly_changed_and_shading_put_in_is_found(real_data, name):
    scan = volumes.read(real_data / "ms_lesions_mni" / "patient07" / f"{name}.nii.gz")
    brain = volumes.brain_mask(scan)
    assert preprocessing.shading(preprocessing.bias_field(scan, brain), brain) < 0.06
    field = coil(scan.data.shape)
    found = preprocessing.bias_field(replace(scan, data=scan.data * field), brain)
    assert np.corrcoef(np.log(found[brain]), np.log(field[brain]))[0, 1] > 0.98
    assert preprocessing.shading(found, brain) == pytest.approx(preprocessing.shading(field, brain), abs=0.05)
