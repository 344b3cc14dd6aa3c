"""What is installed: one list of dependencies in three files, and the commands that others rely on."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import brainlab

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
FROM_CONDA_NAME = {"pytorch": "torch", "matplotlib-base": "matplotlib", "python-isal": "isal"}


def requirements(lines: list[str]) -> dict[str, str]:
    """Name → version bounds."""
    return {one.name.lower(): str(one.specifier) for one in map(Requirement, lines)}


def constraints() -> dict[str, str]:
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_conda_and_pip_are_told_the_same_dependencies_and_bounds():
    environment = yaml.safe_load((CHECKOUT / "environment.yml").read_text())
    conda = requirements([one for one in environment["dependencies"] if isinstance(one, str)])
    assert conda.pop("python") == PROJECT["requires-python"]
    conda.pop("pip")
    assert {FROM_CONDA_NAME.get(name, name): bound for name, bound in conda.items()} == requirements(
        PROJECT["dependencies"]
    )


def test_the_conda_environment_is_named_brainlab_and_holds_the_package_itself():
    environment = yaml.safe_load((CHECKOUT / "environment.yml").read_text())
    assert environment["name"] == "brainlab"
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert {"pip": ["-e ."]} in environment["dependencies"]


def test_every_direct_dependency_has_a_tested_version_within_its_bounds():
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    bounds, tested = requirements(PROJECT["dependencies"] + extras), constraints()
    assert tested.keys() == bounds.keys()
    outside = {
        name for name, bound in bounds.items() if not Requirement(f"{name}{bound}").specifier.contains(tested[name])
    }
    assert not outside


def test_the_installed_versions_are_the_tested_ones():
    """What CI runs is what ``make lab`` installs; another environment's versions are a stated skip.

    What only an extra beside ``dev`` needs, as the peers that ``make bench`` measures, need not be there.
    """
    extras = PROJECT["optional-dependencies"]
    free = {name for extra in extras for name in requirements(extras[extra])} - requirements(extras["dev"]).keys()
    needed = {name: wanted for name, wanted in constraints().items() if name not in free or installed(name)}
    other = {name: found for name, wanted in needed.items() if (found := installed(name)) != wanted}
    if other:
        assert os.environ.get("BRAINLAB_STRICT") != "1", other
        pytest.skip(f"this environment has other versions than constraints.txt: {other}")


def installed(name: str) -> str | None:
    try:
        return Version(metadata.version(name)).public
    except metadata.PackageNotFoundError:
        return None


def test_pre_commit_has_the_same_ruff_as_ci():
    hooks = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text())["repos"]
    revision = next(repo["rev"] for repo in hooks if "ruff" in repo["repo"])
    assert revision == f"v{constraints()['ruff']}"


def test_the_version_is_the_same_wherever_it_stands():
    citation = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text())
    assert PROJECT["version"] == brainlab.__version__ == citation["version"]


@pytest.mark.parametrize("banned", ["torchvision", "ipympl", "monai"])
def test_the_kit_needs_none_of_the_packages_that_rot(banned):
    assert banned not in requirements(PROJECT["dependencies"])


def test_the_widgets_javascript_is_packaged():
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert settings["package-data"]["brainlab.widgets"] == ["static/*"]
    assert list((CHECKOUT / "brainlab" / "widgets" / "static").glob("*.js"))


def test_jupytext_pairs_nothing_so_that_a_students_save_never_reaches_the_source():
    assert "formats" not in tomllib.loads((CHECKOUT / "jupytext.toml").read_text())


def test_ci_runs_make_test_strictly_with_the_real_data():
    script = (CHECKOUT / ".ci" / "run").read_text()
    assert script.rstrip().splitlines()[-1] == "make test"
    assert "export BRAINLAB_STRICT=1" in script
    assert re.search(r'^export BRAINLAB_REAL_DATA="\$PWD/\.\./shared/data"$', script, re.MULTILINE)


@pytest.fixture
def make(tmp_path):
    """Run make in a checkout that has nothing installed, whatever make runs these tests."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(CHECKOUT / name, tmp_path)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["make", *arguments], cwd=tmp_path, capture_output=True, text=True, env=env)

    return run


def test_make_alone_lists_the_commands_and_installs_nothing(make, tmp_path):
    assert re.findall(r"^  make (\w+)", make().stdout, re.MULTILINE)[:2] == ["help", "lab"]
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_too_old_gets_a_sentence(make, tmp_path):
    old = tmp_path / "python3.8"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    run = make("lab", f"PYTHON={old}")
    assert run.returncode != 0
    assert "brainlab needs Python 3.11 or newer" in run.stderr
    assert not (tmp_path / ".venv").exists()


def installs(run: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in run.stdout.splitlines() if " install " in line]


def test_torch_comes_first_and_on_linux_from_the_cpu_index(make):
    torch, rest = installs(make("--dry-run", "lab"))
    assert re.search(r" torch\b", torch)
    assert rest.split(" install ")[1].startswith("-c constraints.txt -e .")
    assert ("--extra-index-url https://download.pytorch.org/whl/cpu --retries 1" in torch) == (sys.platform == "linux")


def test_with_a_gpu_torch_is_the_default_build(make):
    torch, _ = installs(make("--dry-run", "lab", "GPU=1"))
    assert re.search(r" torch\b", torch)
    assert "index-url" not in torch
