"""Every lesson has the parts that the course promises: read from its source, without running it."""

import ast
import re
from functools import cached_property
from pathlib import Path

import jupytext
import pytest

from brainlab import widgets
from brainlab.lessons import check
from brainlab.lessons.picture import TITLES

SOURCES = sorted((Path(__file__).resolve().parents[1] / "notebooks" / "src").glob("*.py"))
PICTURES = {"plotting.grid", "plotting.rows", "plotting.overlay", "plotting.curves", "plotting.intervals"}
LONGEST_CELL = 30  # lines of code, the stub lines apart; most have a handful
FROM_LESSON_07 = ("lessons.calibration",)


class Source:
    """A lesson's source, taken apart."""

    def __init__(self, path: Path) -> None:
        self.number, self.cells = path.stem[:2], jupytext.read(path, fmt="py:percent").cells

    def tagged(self, tag: str) -> list[str]:
        return [one.source for one in self.cells if tag in one.metadata.get("tags", [])]

    @cached_property
    def code(self) -> list[str]:
        return [one.source for one in self.cells if one.cell_type == "code"]

    @cached_property
    def prose(self) -> str:
        text = [
            c.source for c in self.cells if c.cell_type == "markdown" and "instructor" not in c.metadata.get("tags", [])
        ]
        return "\n\n".join(text)

    @cached_property
    def calls(self) -> list[tuple[str, ast.Call]]:
        """Every call by its dotted name, in order."""
        trees = [ast.parse(re.sub(r"^\s*[%!].*$", "pass", cell, flags=re.MULTILINE)) for cell in self.code]
        found = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
        return [(ast.unparse(node.func), node) for node in found]

    def named(self, name: str) -> list[str]:
        """The first argument of every call of a name, where it is written out (an f-string with its gaps as *)."""
        first = [node.args[0] for called, node in self.calls if called == name and node.args]
        return [_written(one) for one in first]

    def section(self, heading: str) -> str:
        """The prose below a heading or bold words that match, to the next heading of its kind."""
        found = re.search(rf"(?:^#+ .*|\*\*)(?:{heading}).*$", self.prose, re.MULTILINE | re.IGNORECASE)
        return self.prose[found.start() :].split("\n## ", 2)[0] if found else ""


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def lesson(request) -> Source:
    return Source(request.param)


def bullets(text: str) -> list[str]:
    return re.findall(r"^- (.+)$", text, re.MULTILINE)


def test_it_opens_with_three_to_five_things_one_will_be_able_to_do_each_a_verb(lesson):
    listed = re.search(r"\*\*You will be able to\*\*\n\n((?:- .*\n(?:  .*\n)*)+)", lesson.prose)
    assert listed, "no list under **You will be able to**"
    aims = bullets(listed.group(1))
    assert 3 <= len(aims) <= 5
    assert all(re.match(r"\*[a-z]+\*", aim) for aim in aims), aims


def test_it_says_how_long_it_takes_and_what_it_builds_on(lesson):
    minutes = re.search(r"\*\*Time\*\* (?:about )?(\d+) minutes", lesson.prose)
    assert minutes
    assert int(minutes.group(1)) <= 45
    assert re.search(r"\*\*Builds\s+on\*\* \S", lesson.prose)


def test_it_says_that_it_is_not_for_clinical_use(lesson):
    assert re.search(r"not\s+for\s+clinical\s+use", lesson.cells[0].source + lesson.cells[1].source)


def test_it_checks_at_least_three_exercises_with_hints_and_a_solution_each_with_a_stub(lesson):
    asked = [
        name.removeprefix("check.") for name, call in lesson.calls if re.fullmatch(r"check\.\w+", name) and call.args
    ]
    mine = [one.name for one in check.all.values() if one.lesson == lesson.number]
    assert sorted(set(asked)) == sorted(mine)
    assert len(mine) >= 3
    for name in mine:
        assert len(check.all[name]._hints) >= 2
        assert check.all[name]._solution
    assert len(lesson.tagged("solution")) >= len(mine)


def test_every_checked_answer_stands_in_a_solution_cell_above_its_check(lesson):
    defined: set[str] = set()
    for cell in lesson.cells:
        if cell.cell_type != "code":
            continue
        if "solution" in cell.metadata.get("tags", []):
            defined |= {
                node.name
                for node in ast.walk(ast.parse(cell.source))
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
            }
            defined |= {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
        for node in ast.walk(ast.parse(re.sub(r"^\s*[%!].*$", "pass", cell.source, flags=re.MULTILINE))):
            if isinstance(node, ast.Call) and re.fullmatch(r"check\.\w+", ast.unparse(node.func)) and node.args:
                answers = {one.id for argument in node.args for one in ast.walk(argument) if isinstance(one, ast.Name)}
                assert answers & defined, ast.unparse(node)


def test_it_asks_for_predictions_before_it_shows_the_result_of_each(lesson):
    asked, shown = lesson.named("lessons.predict"), lesson.named("lessons.reveal")
    assert len(asked) + sum("*" in id for id in asked) >= 2  # one in a loop is asked more than once
    assert sorted(asked) == sorted(set(shown)), "each prediction is revealed, and nothing else"
    assert all(id.startswith(f"{lesson.number}.") for id in asked)
    whole = "\n".join(lesson.code)
    for id in asked:
        id = re.escape(id).replace(r"\*", "{[^}]*}")
        places = [re.search(rf'{what}\(\s*f?"{id}"', whole) for what in ("predict", "reveal")]
        assert places[0]
        assert places[1]
        assert places[0].start() < places[1].start()


def test_it_shows_what_can_go_wrong(lesson):
    assert lesson.section("What can go wrong")


def test_it_ends_with_three_questions_a_recap_of_its_aims_progress_and_further_reading(lesson):
    quizzes = lesson.named("lessons.quiz")
    assert len(quizzes) >= 3
    assert all(id.startswith(f"{lesson.number}.quiz") for id in quizzes)
    assert len(bullets(lesson.section("You can now"))) >= 3
    assert any(name == "lessons.progress" for name, _ in lesson.calls)
    assert len(bullets(lesson.section("Further reading"))) >= 3


def test_every_picture_has_alternative_text_that_says_something(lesson):
    drawn = [(name, call) for name, call in lesson.calls if name in PICTURES]
    assert drawn or "plotting.Figure" in "".join(lesson.code)
    for name, call in drawn:
        alt = [_long(one.value) for one in call.keywords if one.arg == "alt"]
        assert alt, f"{name} has no alt="
        assert alt[0] > 25, ast.unparse(call)
    for cell in lesson.code:
        if "plotting.Figure(" in cell:
            assert ".alt = " in cell, cell


def _long(node: ast.expr) -> int:
    """Characters of a text that is written out; what is put together counts as its parts do."""
    return sum(len(str(one.value)) for one in ast.walk(node) if isinstance(one, ast.Constant))


def test_it_has_a_widget_that_can_be_played_with(lesson):
    used = {name.rpartition(".")[2] for name, _ in lesson.calls} & set(widgets.__all__)
    assert used


def test_the_instructor_finds_times_that_add_up_to_the_lessons_own(lesson):
    notes = [one for one in lesson.tagged("instructor") if "For the instructor" in one]
    assert notes
    said = re.search(r"(\d+) minutes:([^.]*)\.", notes[0])
    assert said, "**For the instructor.** N minutes: part n, part n, ..."
    parts = [int(n) for n in re.findall(r"\b(\d+)\b", re.sub(r"\(.*?\)", "", said.group(2)))]
    assert abs(sum(parts) - int(said.group(1))) <= 2, parts
    stated = re.search(r"\*\*Time\*\* (?:about )?(\d+) minutes", lesson.prose)
    assert stated
    assert said.group(1) == stated.group(1)


def test_a_cell_is_one_thought(lesson):
    for cell in lesson.code:
        lines = [line for line in cell.splitlines() if line.strip() and "# stub:" not in line]
        assert len(lines) <= LONGEST_CELL, cell


def test_the_patient_who_is_followed_is_seen_in_every_lesson_on_synthetic_people(lesson):
    if lesson.number != "07":  # there it is a scan of one's own
        assert any(name == "lessons.patient" for name, _ in lesson.calls)


def test_every_lesson_that_measures_models_keeps_a_row_and_the_last_of_them_shows_the_table(lesson):
    kept = lesson.named("lessons.keep_row")
    if lesson.number in ("02", "03", "04", "05"):
        assert kept
    assert set(kept) <= {lesson.number}
    if lesson.number == "06":
        assert any(name == "lessons.table" for name, _ in lesson.calls)


def test_the_last_lesson_shows_how_well_the_learner_knew_what_they_knew():
    last = Source(SOURCES[-1])
    assert last.number == max(TITLES)
    for name in FROM_LESSON_07:
        assert any(called == name for called, _ in last.calls)
