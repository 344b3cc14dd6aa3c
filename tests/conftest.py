"""What every test may ask for: real data, a cache of its own, and strictness about what is missing."""

import csv
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: a second thread in each only waits for the other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import brainlab  # noqa: F401 - first, here as in the lessons: it sets how threads wait before a test imports torch

STRICT = os.environ.get("BRAINLAB_STRICT") == "1"
MUST_RUN_WHEN_STRICT = ("realdata", "browser")


def pytest_configure(config):
    """Build data into a folder of this run's own: a stale cache, or a shared one, would hide an error."""
    os.environ.pop("BRAINLAB_SHARED", None)
    if "BRAINLAB_CACHE" not in os.environ:
        os.environ["BRAINLAB_CACHE"] = tempfile.mkdtemp(prefix="brainlab-tests-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop("BRAINLAB_CACHE"), ignore_errors=True))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Where several processes share the tests (``-n 2 --dist loadgroup``): what must stay together, longest first.

    A group is what one process runs: a file, for its fixtures' sake; all browser tests, which share one JupyterLab and
    one Chromium; one lesson; the cards of one contrast and size (``test_weights.group``).
    """
    if config.getoption("dist", "no") != "loadgroup":
        return
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    names = [item.get_closest_marker("xdist_group").args[0] for item in items]
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    long = ("browser", "cards", "lesson")  # whoever begins these last keeps the others waiting

    def place(pair):
        name = pair[0]
        rank = next((k for k, word in enumerate(long) if name.startswith(word)), len(long))
        return rank, places[name]

    items[:] = [item for _, item in sorted(zip(names, items, strict=True), key=place)]


def _group(item) -> str:
    """The name of what one process runs together."""
    if item.get_closest_marker("browser"):
        return "browser"
    lesson = getattr(item, "callspec", None) and item.callspec.params.get("lesson")
    return f"lesson {lesson}" if lesson and item.get_closest_marker("notebook") else item.nodeid.split("::")[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In strict mode a missing browser or missing real data is a failure, not a skip."""
    report = yield
    must_run = any(item.get_closest_marker(name) for name in MUST_RUN_WHEN_STRICT)
    if STRICT and must_run and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"BRAINLAB_STRICT=1 forbids to skip this test. {reason}"
    return report


def pytest_terminal_summary(terminalreporter):
    """How long each lesson took, and its longest cell: shown, not asserted, for the machine may have more to do."""
    if not any("test_notebooks.py" in one.nodeid for one in terminalreporter.stats.get("passed", [])):
        return
    from tests.executed import SECONDS

    for name, cells in sorted(json.loads(SECONDS.read_text()).items()):
        slowest = max(cells, key=cells.get)
        terminalreporter.write_line(
            f"{name}: {sum(cells.values()):.0f} s, of these {cells[slowest]:.0f} s in {slowest}"
        )


@pytest.fixture
def one_thread():
    """For tiny models, which a second thread only slows down."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real MRI that BRAINLAB_REAL_DATA names; mark a test that uses it ``realdata``."""
    named = os.environ.get("BRAINLAB_REAL_DATA", "")
    if not named:
        pytest.skip("BRAINLAB_REAL_DATA is not set: it names a folder of real MRI")
    folder = Path(named).resolve()
    if not (folder / "oasis_t1_slices").is_dir():
        pytest.skip(f"BRAINLAB_REAL_DATA names {named}, which has no oasis_t1_slices in it")
    return folder


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """Twenty-four made-up people of two slices each, in the layout of the real ones."""
    folder = tmp_path_factory.mktemp("people")
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[:208, :176]
    rows = []
    for person in range(24):
        rng = np.random.default_rng(person)
        inside = ((y - 104) / rng.uniform(75, 85)) ** 2 + ((x - 88) / rng.uniform(60, 66)) ** 2 < 1
        white = ((y - 104) / 60) ** 2 + ((x - 88) / 45) ** 2 < 1
        for level in (1, 3):
            grey = (100 + 60 * white + rng.normal(0, 8, y.shape)) * inside
            name = f"p{person:02d}z{level}.png"
            Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(folder / name)
            rows.append({"file": name, "class": "healthy", "subject": f"p{person:02d}", "level": level})
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


@pytest.fixture
def served(monkeypatch):
    """A web server on this computer; see served.py."""
    from tests.served import serving

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        yield server
