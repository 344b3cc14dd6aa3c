"""CONTRIBUTING.md: its example of a source is run as it stands, so that it cannot rot."""

import io
import pkgutil
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import source_layouts as layouts
from served import checksum, zip_of

from brainlab import InputError, data, downloads, sources
from brainlab.sources import Source

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def example() -> Source:
    module = ModuleType("example_cohort")
    exec(compile(CODE[0], "CONTRIBUTING.md", "exec"), module.__dict__)
    assert module.__doc__
    return module.SOURCE


def slice_of_a_brain(seed: int) -> bytes:
    out = io.BytesIO()
    np.save(out, layouts.picture(seed))
    return out.getvalue()


def test_the_example_is_a_whole_source_of_some_25_lines(example, served, monkeypatch, tmp_path):
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path))
    monkeypatch.delenv("BRAINLAB_SHARED", raising=False)
    body = zip_of({f"person-{who}/{k}.npy": slice_of_a_brain(2 * who + k) for who in (1, 2) for k in (0, 1)})
    file = replace(example.download.files[0], url=served.put("cohort.zip", body), checksum=checksum(body))
    found = example.read(downloads.fetch(replace(example.download, files=(file,)), yes=True), 64)
    assert found.subjects == ("person-1",) * 2 + ("person-2",) * 2
    assert set(found.labels) == {"healthy"}
    assert found.about.licence == example.download.licence
    assert found.contrast == "T1w"
    with pytest.raises(InputError, match=r"should hold PERSON/SLICE\.npy"):
        example.read(tmp_path / "downloads", 64)


def test_the_example_is_known_once_it_lies_among_the_sources(example, monkeypatch, tmp_path):
    (tmp_path / "example_cohort_of_a_test.py").write_text(CODE[0])
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    assert sources.known()["example-cohort"].download.title == example.download.title


def test_what_it_names_in_the_package_is_there():
    for dotted in set(re.findall(r"`(brainlab(?:\.\w+)+)[`(]", TEXT)):
        assert pkgutil.resolve_name(dotted)
    assert callable(data.load)
    for name in ("tests/source_layouts.py", "tests/served.py", "tests/conftest.py", "brainlab/geometry.py"):
        assert name in TEXT
        assert (Path(__file__).parents[1] / name).is_file()


def test_a_scan_with_its_mask_is_read_from_where_it_lies(tmp_path):
    code = CODE[-1].replace("/data", str(tmp_path))
    stem, bodies = (
        "BraTS2021_00000/BraTS2021_00000",
        dict(zip(("flair", "seg"), layouts.scan_and_marker(), strict=True)),
    )
    layouts.written(tmp_path, {f"{stem}_{kind}.nii.gz": body for kind, body in bodies.items()})
    named: dict = {}
    exec(code, named)
    assert set(named["slices"].labels) == {"lesion", "healthy"}
    assert named["slices"].subjects[0] == "BraTS2021-00000"
    assert named["slices"].contrast == "FLAIR"
