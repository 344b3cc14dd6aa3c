"""What the README promises: its Python runs, its commands and links exist, its lessons are all of them."""

import json
import re
from pathlib import Path

import pytest

from tests.benchmarks import record

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]


def test_the_twelve_lines_are_twelve():
    assert [len([line for line in text.splitlines() if line]) for text in PYTHON] == [12]


@pytest.mark.timeout(1200)  # grows three splits where no earlier test has
def test_the_twelve_lines_run_and_print_a_score(capsys):
    exec(compile(PYTHON[0], "README.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("Dice ")
    assert 0 < float(said.removeprefix("Dice ")) <= 1


def test_every_make_command_that_it_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make (?:-s )?([a-z]+)", README, re.MULTILINE))
    assert {"lab", "test"} <= named <= targets


def test_every_brainlab_command_that_it_names_exists(capsys):
    from brainlab import cli

    for command in set(re.findall(r"(?:^|[`\\])brainlab ([a-z]+)", README, re.MULTILINE)):
        with pytest.raises(SystemExit, match="0"):
            cli.main([command, "--help"])


def test_every_file_that_it_links_exists():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert not [link for link in links if not (CHECKOUT / link).is_file()]


def test_the_lessons_are_listed_in_order_and_none_is_left_out():
    listed = re.findall(r"\(notebooks/(\w+\.ipynb)\)", README)
    assert listed == sorted(path.name for path in (CHECKOUT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize(
    "promise", ["For teaching, not for clinical use", "McConnell Brain Imaging Centre", "CITATION.cff"]
)
def test_what_must_be_said_is_said(promise):
    assert promise in " ".join(README.replace("> ", "").split())


def test_the_table_of_figures_is_what_the_benchmarks_kept():
    kept = json.loads(record.KEPT.read_text(encoding="utf-8"))
    assert README.partition(record.BEGIN)[2].partition(record.END)[0].strip() == record.table(kept)
    assert set(record.ROWS) <= set(kept)


def test_the_table_of_methods_is_what_was_evaluated():
    assert README.partition(record.EVALUATED)[2].partition(record.END)[0].strip() == record.evaluation()


def test_recording_keeps_what_was_measured_before_and_all_other_text(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "KEPT", tmp_path / "bench.json")
    monkeypatch.setattr(record, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text(f"before\n{record.BEGIN}\nold\n{record.END}\nafter\n", encoding="utf-8")
    record.record({"import_vs_torch": 1.01})
    record.record({"cached_load_s": 0.5, "some_detail": 3.0})
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"before\n{record.BEGIN}\n| figure")
    assert text.endswith(f"{record.END}\nafter\n")
    assert "| 1.01 | ≤ 1.15 |" in text
    assert "| 0.5 | ≤ 1 |" in text
    assert "old" not in text
    assert "some_detail" not in text
    assert record.machine() in text


def test_the_share_of_comparisons_won_follows_from_the_leads_of_several_days(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "KEPT", tmp_path / "bench.json")
    monkeypatch.setattr(record, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text(f"{record.BEGIN}\n{record.END}\n", encoding="utf-8")
    record.record({"fresh_vaegan_psnr_ahead": 8.6, "fresh_vae_psnr_ahead": -0.4, "fresh_quality": 0.5})
    record.record({"fresh_vae_psnr_ahead": 0.2})
    kept = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert kept["fresh_quality"]["value"] == 1
    assert kept["fresh_quality"]["machine"] == record.machine()


def test_every_collection_that_can_be_downloaded_is_listed_with_its_size_and_licence():
    from brainlab.sources import known

    rows = [
        f"| `{name}` | {one.download.title} ({one.download.size}) | {one.download.licence} |"
        for name, one in known().items()
    ]
    assert re.findall(r"^\| `[a-z0-9-]+` \| .+\) \| .+ \|$", README, re.MULTILINE) == rows
