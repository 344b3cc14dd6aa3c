"""``brainlab data`` and the sources it knows: a new source is one new file."""

import sys

import pytest

from brainlab import InputError, cli, data, sources
from tests.served import checksum, tar_of

ARCHIVE = tar_of({"1.png": b"one", "2.png": b"two"})

ONE_FILE = """
'''A source as somebody adds it: one file.'''
from brainlab.downloads import Download, File
from brainlab.sources import Source

SOURCE = Source(
    Download(
        "made-up", "Two made-up pictures", (File("{url}", "all.tar.gz", "{checksum}", {size}),),
        licence="CC0", citation="Nobody 2000", page="https://example.org",
    ),
    read=lambda folder, size: sorted(path.name for path in folder.glob("*.png")),
)
"""


@pytest.fixture
def added(served, tmp_path, monkeypatch):
    """The folder of a source that is not in the package, and a cache of its own."""
    folder = tmp_path / "added"
    folder.mkdir()
    url = served.put("all", ARCHIVE)
    source = ONE_FILE.format(url=url, checksum=checksum(ARCHIVE), size=len(ARCHIVE))
    (folder / "made_up_pictures.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(folder)])
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BRAINLAB_SHARED", raising=False)
    yield folder
    sys.modules.pop("brainlab.sources.made_up_pictures", None)


def test_a_new_source_is_one_new_file(added):
    source = sources.known()["made-up"]
    assert source == sources.find("made-up")
    folder = data.get("made-up", yes=True)
    assert source.read(folder, 64) == ["1.png", "2.png"]


def test_a_source_that_cannot_be_imported_hides_no_other_and_shows_its_own_error(added):
    (added / "broken.py").write_text("import no_such_library\n")
    with pytest.warns(UserWarning, match=r"sources.broken is left out.*no_such_library"):
        assert "made-up" in sources.known()
    assert sources.find("made-up")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        sources.find("broken")


def test_an_unknown_source_is_told_with_the_names_there_are(added, capsys):
    with pytest.raises(InputError, match=r"no source called 'made-upp' to download; there are phantom, .*made-up"):
        data.get("made-upp")
    for task in ("get", "where", "remove"):
        assert cli.main(["data", task, "made-upp"]) == 2
        assert "there are phantom, " in capsys.readouterr().err


def run(capsys, *arguments: str) -> str:
    assert cli.main(["data", *arguments]) == 0
    return capsys.readouterr().out


def test_the_command_lists_gets_finds_and_removes(added, served, capsys):
    def listed() -> list[str]:
        (line,) = [line for line in run(capsys, "list").splitlines() if line.startswith("made-up ")]
        return line.split()

    assert listed() == ["made-up", str(len(ARCHIVE)), "bytes", "no", "CC0", "Two", "made-up", "pictures"]
    folder = run(capsys, "get", "made-up", "--yes").splitlines()[-1]
    assert listed()[3] == "yes"
    assert run(capsys, "where", "made-up").strip() == folder
    assert f"made-up  {folder}" in run(capsys, "where")
    assert [line.split()[2] for line in run(capsys).splitlines()[1:]] == [
        "downloads/.made-up.lock",
        "downloads/made-up",
    ]
    assert "freed" in run(capsys, "remove", "made-up")
    assert listed()[3] == "no"
    assert "was not here" in run(capsys, "remove", "made-up")
    assert cli.main(["data", "where", "made-up"]) == 2
    assert "`brainlab data get made-up`" in capsys.readouterr().err


def test_without_yes_a_script_is_told_how_to_say_it(added, served, capsys):
    assert cli.main(["data", "get", "made-up"]) == 2
    said = capsys.readouterr()
    assert "Two made-up pictures" in said.out
    assert "brainlab data get made-up --yes" in said.err
    assert not served.asked


def test_an_interrupt_is_a_line_and_no_traceback(added, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "get", interrupted)
    assert cli.main(["data", "get", "made-up"]) == 130
    assert "goes on from here" in capsys.readouterr().out


def test_the_phantoms_are_listed_and_grown_by_the_same_command(added, monkeypatch, capsys):
    from brainlab.sources import phantom

    monkeypatch.setattr(phantom, "load", lambda *_: None)
    assert "phantom" in run(capsys, "list")
    assert run(capsys, "get", "phantom").strip().endswith("phantom")
    assert cli.main(["data", "remove", "phantom"]) == 2
    assert "grown, not downloaded; they lie in" in capsys.readouterr().err
