"""Sources of whole heads: IXI and the Bonn dysplasia set, made up, with brain extraction stood in for."""

import sys
from types import ModuleType

import numpy as np
import pytest
import source_layouts as layouts
from made_up import MARKER

from brainlab import InputError
from brainlab.sources import ds004199, ixi_t1
from brainlab.volumes import Volume


@pytest.fixture(autouse=True)
def asked(monkeypatch, tmp_path_factory) -> list[str]:
    """The scans whose brains were cut out, by name; with a cache of the test's own."""
    names: list[str] = []

    def extract_brain(volume: Volume) -> Volume:
        names.append(volume.path.name)
        return layouts.extracted(volume)

    stands_in = ModuleType("brainlab.preprocessing")
    stands_in.extract_brain = extract_brain  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "brainlab.preprocessing", stands_in)
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
    return names


@pytest.fixture
def ixi(tmp_path):
    return layouts.written(tmp_path, layouts.ixi())


@pytest.fixture
def bonn(tmp_path):
    return layouts.written(tmp_path, layouts.dysplasia())


def test_ixi_names_say_who_and_where(ixi):
    found = ixi_t1.read(ixi, 32)
    assert found.subjects == ("IXI002",) * 16 + ("IXI012",) * 16 + ("IXI013",) * 16
    assert found.visit == ("Guys-0828",) * 16 + ("HH-1211",) * 16 + ("HH-1212",) * 16
    assert set(found.labels) == {"healthy"}
    assert found.contrast == "T1w"
    assert (found.about.licence, found.about.synthetic) == ("CC BY-SA 3.0", False)
    assert "brain-development.org" in found.about.citation


def test_a_heads_slices_show_the_brain_alone(ixi):
    found = ixi_t1.read(ixi, 64)
    assert found.images[~found.brain].max() == 0
    assert np.abs(found.position_mm[:16].mean() - 9).item() < 3  # the middle of 0.25 to 0.85 of a brain from -54 to 66
    widest = found.brain[:16, 0].sum(dim=(1, 2)).max() * found.spacing**2
    assert widest == pytest.approx(np.pi * 65 * 85, rel=0.05)  # the scalp would add a third


def test_the_first_people_are_read_and_each_brain_is_cut_out_once(ixi, asked, monkeypatch):
    monkeypatch.setattr(ixi_t1, "MOST", 2)
    first = ixi_t1.read(ixi, 32)
    assert asked == ["IXI002-Guys-0828-T1.nii.gz", "IXI012-HH-1211-T1.nii.gz"]
    again = ixi_t1.read(ixi, 32)
    assert len(asked) == 2
    assert first.images.equal(again.images)


def test_a_head_without_a_brain_is_left_out_but_the_first_stops_all(ixi):
    layouts.written(ixi, {"IXI012-HH-1211-T1.nii.gz": b"cut short"})
    with pytest.warns(UserWarning, match=r"IXI012-HH-1211-T1\.nii\.gz is left out: .*not the gzip file"):
        assert set(ixi_t1.read(ixi, 32).subjects) == {"IXI002", "IXI013"}
    layouts.written(ixi, {"IXI002-Guys-0828-T1.nii.gz": b"cut short"})
    (ixi / "IXI012-HH-1211-T1.nii.gz").unlink()
    with pytest.raises(InputError, match="IXI002"):
        ixi_t1.read(ixi, 32)


def test_without_brain_extraction_one_sentence_says_what_to_do(ixi, monkeypatch):
    monkeypatch.undo()  # the stand-in
    monkeypatch.setenv("BRAINLAB_CACHE", str(ixi.parent))
    monkeypatch.setitem(sys.modules, "deepbet", None)
    with pytest.raises(InputError, match=r"needs deepbet, which is not installed: pip install 'brainlab\[brains\]'"):
        ixi_t1.read(ixi, 32)


def test_ixi_in_another_layout_is_named_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"should hold scans such as IXI002-Guys-0828-T1\.nii\.gz"):
        ixi_t1.read(tmp_path, 32)
    layouts.written(tmp_path, {"002-Guys-T1.nii.gz": b""})
    with pytest.raises(InputError, match=r"002-Guys-T1\.nii\.gz is not named as IXI002-Guys-0828-T1\.nii\.gz"):
        ixi_t1.read(tmp_path, 32)


def test_bonn_patients_have_lesions_and_controls_none(bonn, asked):
    found = ds004199.read(bonn, 64)
    assert found.subjects == ("sub-00001",) * 16 + ("sub-00005",) * 16
    assert set(found.labels[:16]) == {"dysplasia", "healthy"}
    assert set(found.labels[16:]) == {"healthy"}
    assert found.contrast == "FLAIR"
    assert (found.about.licence, found.about.synthetic) == ("CC0", False)
    assert "Schuch" in found.about.citation
    assert asked == ["sub-00001_acq-iso08_T1w.nii.gz", "sub-00005_acq-iso08_T1w.nii.gz"]  # the T1s, on another grid
    assert found.images[~found.brain].max() == 0
    widest = found.brain[:16, 0].sum(dim=(1, 2)).max() * found.spacing**2
    assert widest == pytest.approx(np.pi * 65 * 85, rel=0.05)  # the T1's outline, laid over the FLAIR's grid


def test_the_lesion_is_marked_where_it_shines(bonn):
    found = ds004199.read(bonn, 104)
    nearest = int(np.abs(found.position_mm[:16] - MARKER[2]).argmin())
    mask = found.masks[nearest, 0]
    row, column = np.argwhere(mask.numpy()).mean(axis=0)
    np.testing.assert_allclose((found.affine[nearest] @ [row, column, 0, 1])[:2], MARKER[:2], atol=1.5)
    assert found.images[nearest, 0][mask].mean() > found.images[nearest, 0][found.brain[nearest, 0]].mean() + 0.2


def test_a_mask_among_the_derivatives_is_found(bonn):
    mask = next(bonn.rglob("*_roi.nii.gz"))
    layouts.written(bonn, {"derivatives/lesions/sub-00001/anat/sub-00001_label-lesion_mask.nii.gz": mask.read_bytes()})
    mask.unlink()
    assert "dysplasia" in ds004199.read(bonn, 32).labels


def _table(text):
    return lambda folder: layouts.written(folder, {"participants.tsv": text})


def _second_mask(folder):
    layouts.written(folder, {"sub-00001/anat/sub-00001_acq-old_FLAIR_seg.nii.gz": b""})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: next(folder.rglob("*_roi.nii.gz")).unlink(), "one mask of sub-00001's lesion.*none is there"),
        (_second_mask, r"one mask of sub-00001's lesion.*FLAIR_roi\.nii\.gz, .*FLAIR_seg\.nii\.gz"),
        (lambda folder: next(folder.rglob("sub-00005*T1w.nii.gz")).unlink(), "should hold sub-00005's T1"),
        (lambda folder: [one.unlink() for one in folder.rglob("*_FLAIR.nii.gz")], "sub-00001_…_FLAIR.nii.gz, and"),
        (lambda folder: (folder / "participants.tsv").unlink(), "should be a table with the columns participant_id"),
        (_table(b"id\tkind\nsub-00001\tfcd\n"), "should be a table with the columns participant_id and group"),
        (_table(b"participant_id\tgroup\nsub-00001\tpatient\n"), "sub-00001 the group fcd or hc, and gives patient"),
        (_table(b"participant_id\tgroup\nsub-00001\tfcd\n"), "sub-00005 the group fcd or hc, and gives None"),
    ],
)
def test_bonn_in_another_layout_is_named_in_one_sentence(bonn, change, says):
    change(bonn)
    with pytest.raises(InputError, match=says):
        ds004199.read(bonn, 32)


def test_openneuro_is_asked_for_the_subset_only(monkeypatch, tmp_path):
    asked: dict = {}
    stands_in = ModuleType("openneuro")
    stands_in.download = lambda **wanted: asked.update(wanted)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "openneuro", stands_in)
    ds004199.fetch(tmp_path)
    assert (asked["dataset"], asked["tag"], asked["target_dir"]) == ("ds004199", "1.0.5", tmp_path)
    assert len(asked["include"]) == 24 * 2 + 12  # T1 and FLAIR of all; a mask that a control lacks would be an error
    assert "sub-00001/anat/*_FLAIR_roi.nii.gz" in asked["include"]
    assert "sub-00005/anat/*_FLAIR_roi.nii.gz" not in asked["include"]
    monkeypatch.setitem(sys.modules, "openneuro", None)
    with pytest.raises(InputError, match=r"pip install 'brainlab\[openneuro\]'"):
        ds004199.fetch(tmp_path)
