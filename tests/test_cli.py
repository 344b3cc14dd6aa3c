"""The brainlab command: what a user can mend is one line, never a traceback."""

import sys

import pytest

import brainlab
from brainlab import cli


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == f"brainlab {brainlab.__version__}"


def test_what_the_user_can_mend_is_one_line_and_exit_code_2(capsys):
    assert cli.main(["evaluate", "no-such-source"]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert said.err.startswith("brainlab: ")
    assert said.err.count("\n") == 1


def test_an_argument_that_no_command_knows_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["doctor", "--no-such-thing"])
    assert "--no-such-thing" in capsys.readouterr().err


def test_lab_passes_arguments_on_to_jupyter(monkeypatch):
    from brainlab import lab

    given = []
    monkeypatch.setattr(lab, "serve", lambda arguments: given.extend(arguments) or 0)
    assert cli.main(["lab", "--no-browser", "--port", "9999"]) == 0
    assert given == ["--no-browser", "--port", "9999"]


def test_data_says_where_built_data_lies_and_how_much(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path))
    (tmp_path / "phantom").mkdir()
    (tmp_path / "phantom" / "train.safetensors").write_bytes(bytes(2_500_000))
    assert cli.main(["data"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == str(tmp_path)
    assert said[1].split() == ["2.5", "MB", "phantom/train.safetensors"]


def test_a_cache_that_cannot_be_made_is_one_line_too(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path / "file" / "cache"))
    assert cli.main(["data"]) == 2
    assert "BRAINLAB_CACHE" in capsys.readouterr().err


def test_python_m_brainlab_is_the_same_command(monkeypatch):
    import runpy

    monkeypatch.setattr(sys, "argv", ["brainlab", "--version"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("brainlab", run_name="__main__")
