"""Check this computer, offline: each check says what it found, or how to mend it in one sentence.

Only the standard library is imported above the checks, so that ``python brainlab/doctor.py`` answers even where torch
or another package is broken.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

REINSTALL = "install anew with `make lab`, or `pip install -e .` in brainlab's folder"
DISK_GB, MEMORY_GB = 1.0, 1.5  # what the course asks for beside what is installed; measured use is well below
OLDEST_PYTHON = (3, 11)
LAB_EXTENSIONS = {"jupyterlab-widgets": "@jupyter-widgets/jupyterlab-manager", "anywidget": "anywidget"}
WIDGETS_JS = Path(__file__).resolve().parent / "widgets" / "static"


class Trouble(Exception):
    """What is wrong and how to mend it, in one sentence."""


class Finding(NamedTuple):
    """The outcome of one check."""

    name: str
    ok: bool
    says: str  # what was found, or how to mend it


def python() -> str:
    """Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if tuple(sys.version_info) < OLDEST_PYTHON:
        raise Trouble(f"This is Python {version}, brainlab needs 3.11 or newer: install one from python.org/downloads.")
    return f"{version} at {sys.executable}"


def packages() -> str:
    """Every package that brainlab asks for is there, and new enough."""
    from packaging.requirements import Requirement

    needed = [Requirement(line) for line in importlib.metadata.requires("brainlab") or []]
    needed = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    for one in needed:
        try:
            version = importlib.metadata.version(one.name)
        except importlib.metadata.PackageNotFoundError:
            raise Trouble(f"The package {one.name} is missing: {REINSTALL}.") from None
        if not one.specifier.contains(version, prereleases=True):
            raise Trouble(f"{one.name} {version} is too old, brainlab needs {one.specifier}: {REINSTALL}.")
    return f"all {len(needed)} are there"


def torch_works() -> str:
    """PyTorch can be imported, was not before brainlab was, and computes."""
    try:
        import brainlab
        import torch  # isort: skip - brainlab first, here as everywhere

        torch.nn.functional.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3))
    except Exception as error:  # a broken build fails in many ways, with ImportError, OSError or RuntimeError
        windows = " (on Windows, install Microsoft's Visual C++ Redistributable first)" if os.name == "nt" else ""
        raise Trouble(f"torch does not work, {_first_line(error)}: {REINSTALL}{windows}.") from error
    if brainlab.TORCH_CAME_FIRST:
        raise Trouble("torch was imported before brainlab, so its threads spin: restart, and import brainlab first.")
    where = f"and a GPU, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "on the CPU"
    return f"{torch.__version__}, {where}"


def threads() -> str:
    """Threads wait quietly, and are no more than there are cores."""
    import torch

    policy, count = os.environ.get("OMP_WAIT_POLICY", "not set"), torch.get_num_threads()
    if policy.upper() != "PASSIVE":
        raise Trouble(
            f"OMP_WAIT_POLICY is {policy}, so threads spin and widgets stutter: unset it, or set it to PASSIVE."
        )
    if count > (cores := os.cpu_count() or 1):
        raise Trouble(f"torch uses {count} threads on {cores} cores and slows down: unset OMP_NUM_THREADS.")
    return f"{count} on {cores} cores, waiting quietly"


def jupyterlab() -> str:
    """JupyterLab is there, and its kernel named python3 is this Python."""
    from jupyter_client.kernelspec import KernelSpecManager

    program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    by_name = Path(program).name == program  # such as "python": Jupyter then takes its own
    if not by_name and not (os.path.exists(program) and os.path.samefile(program, sys.executable)):
        mend = "remove that kernel with `jupyter kernelspec remove python3`"
        raise Trouble(f"JupyterLab's kernel python3 is {program}, not this Python: {mend}.")
    return importlib.metadata.version("jupyterlab")


def widgets() -> str:
    """The JavaScript of ipywidgets, anywidget and brainlab lies where the browser is served it from."""
    from jupyter_core.paths import jupyter_path

    for package, extension in LAB_EXTENSIONS.items():
        if not any((Path(folder) / extension / "package.json").is_file() for folder in jupyter_path("labextensions")):
            mend = f"pip install --force-reinstall --no-deps {package}"
            raise Trouble(f"The JavaScript of {package} is missing, so widgets stay blank: {mend}.")
    if not (ours := sorted(path.name for path in WIDGETS_JS.glob("*.js"))):
        raise Trouble(f"brainlab's own JavaScript is missing from {WIDGETS_JS}: {REINSTALL}.")
    return f"the JavaScript of {', '.join(LAB_EXTENSIONS)} and brainlab ({', '.join(ours)})"


def atlas() -> str:
    """The atlas that phantoms grow from came with nilearn."""
    spec = importlib.util.find_spec("nilearn")
    if spec is None or spec.origin is None:
        raise Trouble(f"nilearn is missing: {REINSTALL}.")
    for kind in ("t1", "gm", "wm"):
        path = Path(spec.origin).parent / "datasets" / "data" / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
        if not path.is_file() or path.stat().st_size < 1e6:
            raise Trouble(f"nilearn's atlas file {path.name} is missing or cut: pip install --force-reinstall nilearn.")
    return "MNI152 in nilearn"


def cache() -> str:
    """Built data can be kept."""
    from brainlab.cache import cache_dir

    folder = cache_dir()  # raises InputError, which says how to mend
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"brainlab")
    except OSError as error:
        raise Trouble(
            f"{folder} cannot be written ({error.strerror}): set BRAINLAB_CACHE to a folder that can."
        ) from error
    return str(folder)


def disk() -> str:
    """There is room for built data."""
    from brainlab.cache import cache_dir

    free = shutil.disk_usage(cache_dir()).free / 1e9
    if free < DISK_GB:
        raise Trouble(f"Only {free:.1f} GB are free for {cache_dir()}: free {DISK_GB:.0f} GB, or set BRAINLAB_CACHE.")
    return f"{free:.0f} GB free"


def memory() -> str:
    """There is memory for a kernel and a browser."""
    import psutil

    free = psutil.virtual_memory().available / 1e9
    if free < MEMORY_GB:
        raise Trouble(f"Only {free:.1f} GB of memory are free: close other programs and other notebooks' kernels.")
    return f"{free:.0f} GB free"


CHECKS: dict[str, Callable[[], str]] = {
    "Python": python,
    "packages": packages,
    "torch": torch_works,
    "threads": threads,
    "JupyterLab": jupyterlab,
    "widgets": widgets,
    "atlas": atlas,
    "cache": cache,
    "disk": disk,
    "memory": memory,
}


def examine() -> list[Finding]:
    """Run every check; one that breaks in a way not foreseen has failed too."""
    findings = []
    for name, check in CHECKS.items():
        try:
            findings.append(Finding(name, True, check()))
        except Trouble as trouble:
            findings.append(Finding(name, False, str(trouble)))
        except Exception as error:
            mend = str(error) if type(error).__name__ == "InputError" else f"{_first_line(error)}: {REINSTALL}."
            findings.append(Finding(name, False, mend))
    return findings


def report() -> int:
    """Print every finding; returns 0 where all is well, 1 where something failed."""
    findings = examine()
    for one in findings:
        print(f"{'ok  ' if one.ok else 'FAIL'}  {one.name:<10}  {one.says}")
    failed = sum(not one.ok for one in findings)
    print(f"\n{failed} of {len(findings)} checks failed." if failed else "\nAll is well.")
    return int(failed > 0)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__} ({(str(error).splitlines() or [''])[0]})"


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # not brainlab's own folder: its modules are no packages
    raise SystemExit(report())
