"""The doctor finds each thing that we break on purpose, and says in one sentence how to mend it."""

import errno
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

import brainlab
from brainlab import cli, doctor

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def says(check) -> str:
    """The one sentence of a check that fails."""
    [finding] = [one for one in doctor.examine() if doctor.CHECKS[one.name] is check]
    assert not finding.ok
    assert finding.says.endswith(".")
    assert "\n" not in finding.says
    return finding.says


def test_a_computer_that_is_well_passes_every_check():
    command = [sys.executable, "-m", "brainlab", "doctor"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)
    assert run.returncode == 0, run.stdout
    assert run.stdout.count("ok  ") == len(doctor.CHECKS)
    assert run.stdout.rstrip().endswith("All is well.")


def test_it_answers_as_a_script_where_the_package_cannot_be_imported(tmp_path):
    (tmp_path / "torch.py").write_text("raise OSError('libgomp is missing')")
    command = [sys.executable, str(CHECKOUT / "brainlab" / "doctor.py")]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert run.returncode == 1
    assert "FAIL  torch" in run.stdout
    assert "libgomp is missing" in run.stdout
    assert not run.stderr


def test_an_old_python_is_found(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    assert "This is Python 3.10.4" in says(doctor.python)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["numpy>=1", "no-such-package>=2"])
    assert "no-such-package is missing" in says(doctor.packages)


def test_a_package_that_is_too_old_is_named_and_an_extra_is_not_asked_for(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["no-such>=2; extra == 'dev'", "numpy>=99"])
    assert "is too old, brainlab needs >=99" in says(doctor.packages)


def test_a_torch_that_does_not_compute_is_found(monkeypatch):
    def broken(*_):
        raise RuntimeError("Illegal instruction\nand much more")

    monkeypatch.setattr(torch.nn.functional, "conv2d", broken)
    assert "RuntimeError (Illegal instruction)" in says(doctor.torch_works)


def test_torch_before_brainlab_is_found(monkeypatch):
    monkeypatch.setattr(brainlab, "TORCH_CAME_FIRST", True)
    assert "import brainlab first" in says(doctor.torch_works)


@pytest.mark.parametrize(("code", "first"), [("import torch, brainlab", True), ("import brainlab, torch", False)])
def test_brainlab_knows_whether_torch_came_first(code, first):
    run = [sys.executable, "-c", f"{code}; print(brainlab.TORCH_CAME_FIRST)"]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == str(first)


def test_threads_that_spin_are_found(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert "OMP_WAIT_POLICY is ACTIVE" in says(doctor.threads)


def test_more_threads_than_cores_are_found(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 999)
    assert "999 threads" in says(doctor.threads)


def test_a_kernel_of_another_python_is_found(monkeypatch, tmp_path):
    from jupyter_client.kernelspec import KernelSpecManager

    other = SimpleNamespace(argv=[str(tmp_path / "python")])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: other)
    assert "kernelspec remove python3" in says(doctor.jupyterlab)


def test_missing_widget_javascript_is_found(monkeypatch):
    monkeypatch.setattr(doctor, "LAB_EXTENSIONS", {"anywidget": "no-such-extension"})
    assert "The JavaScript of anywidget is missing" in says(doctor.widgets)


def test_brainlabs_own_missing_javascript_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "WIDGETS_JS", tmp_path)
    assert "brainlab's own JavaScript is missing" in says(doctor.widgets)


def test_a_missing_atlas_is_found(monkeypatch, tmp_path):
    fake = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: fake if name == "nilearn" else None)
    assert "--force-reinstall nilearn" in says(doctor.atlas)


def test_a_cache_that_cannot_be_made_is_found(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path / "file" / "cache"))
    assert "set the environment variable BRAINLAB_CACHE" in says(doctor.cache)


def test_a_cache_that_cannot_be_written_is_found(monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", full)
    assert "No space left on device" in says(doctor.cache)


def test_a_full_disk_is_found(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=3e8))
    assert "Only 0.3 GB are free" in says(doctor.disk)


def test_too_little_memory_is_found(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5e8))
    assert "Only 0.5 GB of memory" in says(doctor.memory)


def test_a_failed_check_is_the_commands_exit_code(monkeypatch, capsys):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5e8))
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "FAIL  memory" in said
    assert said.rstrip().endswith(f"1 of {len(doctor.CHECKS)} checks failed.")


def test_the_doctor_asks_nothing_of_the_network(monkeypatch):
    import socket

    def refuse(*_, **__):
        raise AssertionError("the doctor opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert all(one.ok for one in doctor.examine()), doctor.examine()
