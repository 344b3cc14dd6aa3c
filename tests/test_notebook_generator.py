"""One source, two versions: what the student finds, what the instructor finds, and nothing that slips through."""

import importlib.util
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
_spec = importlib.util.spec_from_file_location("generate", CHECKOUT / "notebooks" / "generate.py")
assert _spec is not None
assert _spec.loader is not None
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)

LESSON = """
# %% [markdown]
# # A lesson
# with text

# %% [markdown] tags=["instructor"]
# Five minutes, no more.

# %%
given = 1

# %% tags=["solution"]
# stub: def double(x):
# stub:     ...  # your turn
# stub:
# stub: double(2)
def double(x):
    return 2 * x

double(2)

# %% tags=["solution"]
secret = 42

# %% tags=["instructor"]
print(secret)
"""


@pytest.fixture
def lesson(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "09_a_lesson.py"
        path.write_text(text.lstrip())
        return path

    return write


def cells(path: Path, instructor: bool = False) -> list[str]:
    return [cell.source for cell in generate.build(path, instructor).cells]


def test_the_student_finds_stubs_and_no_notes(lesson):
    assert cells(lesson(LESSON)) == [
        f"# A lesson\nwith text\n\n{generate.GLOSSARY}",
        "given = 1",
        "def double(x):\n    ...  # your turn\n\ndouble(2)",
        "...  # your turn",
    ]


def test_the_instructor_finds_answers_and_notes(lesson):
    assert cells(lesson(LESSON), instructor=True) == [
        f"# A lesson\nwith text\n\n{generate.GLOSSARY}",
        "Five minutes, no more.",
        "given = 1",
        "def double(x):\n    return 2 * x\n\ndouble(2)",
        "secret = 42",
        "print(secret)",
    ]


def test_the_glossary_that_every_lesson_links_to_lies_beside_it():
    target = re.search(r"\]\((.+?)\)", generate.GLOSSARY)
    assert target
    assert (CHECKOUT / "notebooks" / target[1]).is_file()


def test_the_same_cell_has_the_same_id_in_both_versions(lesson):
    student, instructor = (generate.build(lesson(LESSON), which).cells for which in (False, True))
    assert {cell.id for cell in student} < {cell.id for cell in instructor}
    assert [cell.id for cell in student if cell.source == "given = 1"] == ["a-lesson_2"]


def test_an_edit_and_a_new_section_leave_other_ids_be(lesson):
    before = {cell.source: cell.id for cell in generate.build(lesson(LESSON)).cells}
    longer = "# %% [markdown]\n# ## Before\n\n# %%\nnew = 1\n" + LESSON.replace("with text", "with other text")
    after = {cell.source: cell.id for cell in generate.build(lesson(longer)).cells}
    assert before["given = 1"] == after["given = 1"]
    first, other = (f"# A lesson\nwith {text}" for text in (f"text\n\n{generate.GLOSSARY}", "other text"))
    assert before[first] == after[other]


def test_two_sections_of_one_name_have_different_ids(lesson):
    notebook = generate.build(lesson("# %% [markdown]\n# # Set up\n\n# %% [markdown]\n# # Set up\n"))
    assert [cell.id for cell in notebook.cells] == ["set-up_0", "set-up-2_0"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('# %% tags=["soluton"]\nsecret = 42\n', "unknown cell tag"),
        ('# %% tags=["instructor"] [markdown]\n# a note\n', "write a cell's head"),
        ("# %%\n# stub: ...\nsecret = 42\n", "needs the tag solution"),
        ('# %% [markdown] tags=["solution"]\n# the answer\n', "only a code cell"),
    ],
    ids=["misspelt tag", "head out of order", "stub without a tag", "solution in text"],
)
def test_a_slip_that_would_show_an_answer_is_refused(lesson, text, message):
    with pytest.raises(ValueError, match=message):
        generate.build(lesson(text))


@pytest.mark.parametrize("source", generate.sources(), ids=lambda path: path.stem)
def test_the_committed_notebook_is_what_its_source_generates(source):
    committed = CHECKOUT / "notebooks" / f"{source.stem}.ipynb"
    assert committed.read_text(encoding="utf-8") == generate.render(source), (
        "run `make notebooks` and commit the result"
    )


def test_every_notebook_has_a_source():
    names = {path.stem for path in (CHECKOUT / "notebooks").glob("*.ipynb")}
    assert names == {path.stem for path in generate.sources()}


@pytest.mark.parametrize("source", generate.sources(), ids=lambda path: path.stem)
def test_a_notebook_names_its_kernel_and_has_no_outputs_and_no_cell_id_twice(source):
    notebook = generate.build(source)
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("source", generate.sources(), ids=lambda path: path.stem)
def test_no_line_of_an_answer_stands_in_the_students_version(source):
    student = "\n".join(cells(source))
    for cell in generate.read(source):
        if "solution" in cell.metadata.get("tags", []):
            stub, answer = (set(map(str.strip, text.splitlines())) for text in generate.split(cell.source))
            told = [line for line in answer - stub if len(line) > 12 and line in student]
            assert not told, f"{source.name} gives {told} away"
