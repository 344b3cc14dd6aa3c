"""What people read: spelling (British), links that lead somewhere, and the same order of lessons everywhere."""

import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

from book import checking
from brainlab.lessons.picture import TITLES

CHECKOUT = Path(__file__).resolve().parents[1]
LESSONS = sorted((CHECKOUT / "notebooks" / "src").glob("*.py"))
PAGES = [
    CHECKOUT / name
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "notebooks/glossary.md", "book/index.md")
]
PAGES += sorted((CHECKOUT / "assets").rglob("*.md"))
GLOSSARY = CHECKOUT / "notebooks" / "glossary.md"

NOT_WORDS = "descripe,fpr,reson,te"  # abbreviations, a journal, and a slip that a check forgives
# As British, for other things than the dictionary means: a computer's program, the noun practice, a format's name.
BRITISH_TOO = {"program", "programs", "practice", "practices", "disk", "disks", "meter", "meters", "license", "Analyze"}


def american() -> dict[str, str]:
    """American spelling → British, from codespell's own dictionary of the two."""
    import codespell_lib

    text = (Path(codespell_lib.__file__).parent / "data" / "dictionary_en-GB_to_en-US.txt").read_text(encoding="utf-8")
    pairs = [line.split("->") for line in text.splitlines() if "->" in line]
    return {us.strip().rstrip(","): british for british, us in pairs}


def prose(file: Path) -> str:
    """A page's or a lesson's text without code, formulas and addresses."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        text = "\n\n".join(cell.source for cell in jupytext.read(file).cells if cell.cell_type == "markdown")
    return re.sub(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|(?<=\])\([^)]*\)|https?://\S+", " ", text, flags=re.S)


def americanisms(text: str) -> dict[str, str]:
    known = american()
    words = set(re.findall(r"[A-Za-z]+", text)) - BRITISH_TOO
    return {word: known[word.lower()] for word in words if word.lower() in known}


@pytest.mark.parametrize("file", [*PAGES, *LESSONS], ids=lambda file: file.stem)
def test_prose_is_spelt_as_in_britain(file):
    assert not americanisms(prose(file))


def test_the_spelling_test_sees_prose_and_spares_code_and_formulas():
    assert americanisms("The color of gray matter.") == {"color": "colour", "gray": "grey"}
    assert not americanisms(re.sub(r"`[^`]*`", "", 'Draw it with `cmap="gray"`, in grey; run the program.'))


def test_nothing_is_misspelt():
    """Codespell knows how words are commonly misspelt; it reads code and comments too."""
    told = [CHECKOUT / name for name in ("brainlab", "book", "notebooks/src", "Makefile", "pyproject.toml")]
    told += [page for page in PAGES if page != GLOSSARY]  # half of which is Portuguese
    found = subprocess.run(
        [sys.executable, "-m", "codespell_lib", "-L", NOT_WORDS, *map(str, told)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("file", [*PAGES, *(CHECKOUT / "notebooks").glob("*.ipynb")], ids=lambda file: file.stem)
def test_links_lead_somewhere(file):
    assert not checking.markdown_faults(file)


def test_a_lost_file_a_lost_place_and_a_bad_address_are_told(tmp_path):
    (tmp_path / "there.md").write_text("# One place\n\n<a id='other'></a>\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#one-place) [c](there.md#other) [d](https://example.org/x) ![e](lost.png)"
        " [f](gone.md) [g](there.md#nowhere) [h](http://nowhere) [i](#lost)\n\n```\n[code](is/spared.md)\n```\n"
    )
    told = " ".join(checking.markdown_faults(page))
    assert [one in told for one in ("lost.png", "gone.md", "#nowhere", "http://nowhere", "#lost")] == [True] * 5
    assert len(checking.markdown_faults(page)) == 5


def test_the_readme_lists_every_lesson_in_order():
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    listed = list(dict.fromkeys(re.findall(r"\(notebooks/(\d\d\w+)\.ipynb\)", readme)))
    assert listed == [file.stem for file in LESSONS]


def test_a_lessons_number_and_title_are_those_of_the_course():
    for file in LESSONS:
        title = re.search(r"^# # (\d\d) · (.+)$", file.read_text(encoding="utf-8"), re.M)
        assert title, file.name
        assert title[1] == file.stem[:2]
        assert title[1] in TITLES


def rows() -> list[list[str]]:
    lines = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    return [[one.strip() for one in line.strip("|").split(" | ")] for line in lines]


def test_the_glossary_is_in_order_whole_and_names_lessons_of_the_course():
    terms = [row[0] for row in rows()]
    assert terms == sorted(terms, key=str.casefold)
    assert len(set(terms)) == len(terms)
    assert all(len(row) == 4 and all(row) for row in rows())
    assert {row[3] for row in rows()} <= TITLES.keys()


# Journals, societies, software, data sets, countries: in capitals, and no words of the field.
NAMES = "BMJ CVPR CoNLL DOI ECCV ICCV ICLR ICML IEEE JAMA JMLR MICCAI MIDL NeurIPS PLOS SPIE"
NAMES += " BraTS BraTS21 ISLES22 MNI152 MSLUB NeuroImage OASIS OmniA UniTransAD WMH17"
NAMES += " CPU DCGAN GPU JavaScript JupyterHub MONAI N4 NumPy PDF PyTorch README SimpleITK WGAN"
ACRONYM = re.compile(r"[A-Z]{2,}[A-Za-z0-9]*|[A-Za-z]+[A-Z]{2,}\w*")


@pytest.mark.parametrize("file", LESSONS, ids=lambda file: file.stem)
def test_every_acronym_of_a_lesson_is_in_the_glossary(file):
    known = {word for row in rows() for word in re.findall(r"\w+", row[0])} | set(NAMES.split())
    text = prose(file)
    words = set(
        re.findall(r"\b[a-z]+\b", text)
    )  # a word in capitals that stands elsewhere in small letters is only loud
    used = {one for one in ACRONYM.findall(text) if not {one, one.rstrip("s")} & known and one.lower() not in words}
    assert not used, "add a row to notebooks/glossary.md"
