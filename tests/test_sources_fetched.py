"""Every downloadable source end to end: served from this computer, fetched, unpacked and read."""

import sys
from dataclasses import replace
from types import ModuleType

import pytest
import source_layouts as layouts
from served import checksum, tar_of, zip_of

from brainlab import downloads, sources
from brainlab.sources import cheng_tumours, ds004199, ixi_t1, medianomaly_brats, ms_lesions, neurite_oasis


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """And brain extraction stood in for."""
    stands_in = ModuleType("brainlab.preprocessing")
    stands_in.extract_brain = layouts.extracted  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "brainlab.preprocessing", stands_in)
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BRAINLAB_SHARED", raising=False)


def read_from(served, source, bodies, size=32):
    """The slices of a source whose files are these bytes, in their order."""
    files = tuple(
        replace(file, url=served.put(f"{k}", body), checksum=checksum(body), bytes=len(body))
        for k, (file, body) in enumerate(zip(source.download.files, bodies, strict=True))
    )
    return source.read(downloads.fetch(replace(source.download, files=files), yes=True), size)


def test_all_six_are_known_by_their_names():
    modules = (medianomaly_brats, neurite_oasis, cheng_tumours, ms_lesions, ixi_t1, ds004199)
    known = sources.known()
    assert all(known[one.SOURCE.download.name] is one.SOURCE for one in modules)
    assert {"medianomaly-brats", "neurite-oasis", "cheng-tumours", "ms-lesions", "ixi-t1", "ds004199"} <= known.keys()


@pytest.mark.parametrize("name", sorted(sources.known()))
def test_who_downloads_is_told_licence_citation_and_page(name):
    source = sources.known()[name]
    download = source.download
    assert all([download.title, download.licence, download.citation])
    assert download.page.startswith("https://")
    assert sys.modules[source.read.__module__].__doc__


def test_medianomaly(served):
    found = read_from(served, medianomaly_brats.SOURCE, [tar_of(layouts.medianomaly())])
    assert found.labels.count("tumour") == 1


def test_neurite_oasis(served):
    found = read_from(served, neurite_oasis.SOURCE, [tar_of(layouts.neurite(), gz=False)])
    assert len(found) == 3


def test_cheng(served):
    found = read_from(served, cheng_tumours.SOURCE, [zip_of(one) for one in layouts.cheng()])
    assert len(found) == 5


def test_ms_lesions(served):
    scan, marker = layouts.scan_and_marker()
    bodies = [marker if file.name.endswith("LESION.nii.gz") else scan for file in ms_lesions.DOWNLOAD.files]
    found = read_from(served, ms_lesions.SOURCE, bodies)
    assert set(found.subjects) == {"patient07", "patient26"}


def test_ixi(served):
    found = read_from(served, ixi_t1.SOURCE, [tar_of(layouts.ixi(), gz=False)])
    assert len(found) == 48


def test_ds004199(monkeypatch):
    stands_in = ModuleType("openneuro")
    stands_in.download = lambda target_dir, **_: layouts.written(target_dir, layouts.dysplasia())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "openneuro", stands_in)
    found = ds004199.SOURCE.read(downloads.fetch(ds004199.DOWNLOAD, yes=True), 32)
    assert found.labels.count("dysplasia") > 0
