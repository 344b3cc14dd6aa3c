"""A student's copies of the lessons: up to date where untouched, never lost where worked in."""

import json
from datetime import date
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output, writes

from brainlab import lab
from brainlab.errors import InputError


class Course:
    """Lessons, and a student's copies of them."""

    def __init__(self, folder: Path):
        self.lessons, self.copies = folder / "notebooks", folder / "my_lessons"
        self.lessons.mkdir()

    def publish(self, text: str, name: str = "00") -> None:
        notebook = new_notebook(cells=[new_code_cell(text, id="a")], metadata={})
        (self.lessons / f"{name}.ipynb").write_text(writes(notebook))

    def hand_out(self) -> list[str]:
        return lab.copy_lessons(self.lessons, self.copies)

    def read(self, name: str = "00") -> str:
        return "".join(json.loads((self.copies / f"{name}.ipynb").read_text())["cells"][0]["source"])

    def edit(self, change) -> None:
        path = self.copies / "00.ipynb"
        notebook = json.loads(path.read_text())
        change(notebook)
        path.write_text(json.dumps(notebook))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.copies.iterdir())


@pytest.fixture
def course(tmp_path) -> Course:
    course = Course(tmp_path)
    course.publish("first")
    assert course.hand_out() == []
    return course


def write_an_answer(notebook):
    notebook["cells"][0]["source"] = "my answer"


NEW = f"00 (new {date.today()}).ipynb"


def test_a_lesson_is_copied_with_a_record_of_it(course):
    assert course.read() == "first"
    assert course.names() == [".copied.json", "00.ipynb"]


def test_an_untouched_copy_is_updated_without_a_word(course):
    course.publish("second")
    assert course.hand_out() == []
    assert course.read() == "second"
    assert course.names() == [".copied.json", "00.ipynb"]


def test_a_changed_copy_stays_and_the_new_version_lies_beside_it(course):
    course.edit(write_an_answer)
    course.publish("second")
    said = course.hand_out()
    assert course.read() == "my answer"
    assert course.read(NEW.removesuffix(".ipynb")) == "second"
    assert len(said) == 1
    assert NEW in said[0]


def test_a_new_version_is_put_beside_only_once(course):
    course.edit(write_an_answer)
    course.publish("second")
    course.hand_out()
    assert course.hand_out() == []
    assert course.names() == [".copied.json", NEW, "00.ipynb"]


def test_a_second_update_on_one_day_overwrites_neither_copy(course):
    course.edit(write_an_answer)
    for text in ("second", "third"):
        course.publish(text)
        course.hand_out()
    assert course.read() == "my answer"
    assert course.read(NEW.removesuffix(".ipynb")) == "second"
    assert course.read(f"00 (new {date.today()}, 2)") == "third"


def test_a_copy_that_was_run_counts_as_changed(course):
    course.edit(lambda notebook: notebook["cells"][0]["outputs"].append(new_output("stream", text="42")))
    course.publish("second")
    assert len(course.hand_out()) == 1
    assert course.read() == "first"


def test_a_copy_that_was_only_opened_does_not_count_as_changed(course):
    course.edit(lambda notebook: notebook["metadata"].update(language_info={"name": "python", "version": "3.13.0"}))
    course.publish("second")
    assert course.hand_out() == []
    assert course.read() == "second"


def test_a_copy_in_use_is_not_rewritten_without_need(course):
    path = course.copies / "00.ipynb"
    before = path.stat().st_mtime_ns
    course.hand_out()
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("record", ["", "not json", "[]", None])
def test_a_lost_record_never_costs_a_changed_copy(course, record):
    course.edit(write_an_answer)
    path = course.copies / lab.RECORD
    path.unlink() if record is None else path.write_text(record)
    course.publish("second")
    course.hand_out()
    assert course.read() == "my answer"


def test_a_copy_that_is_no_notebook_any_more_is_kept(course):
    (course.copies / "00.ipynb").write_text("half of a notebo")
    course.publish("second")
    assert len(course.hand_out()) == 1
    assert (course.copies / "00.ipynb").read_text() == "half of a notebo"


def test_a_deleted_copy_comes_back_and_notes_of_ones_own_stay(course):
    (course.copies / "00.ipynb").unlink()
    (course.copies / "notes.txt").write_text("mine")
    assert course.hand_out() == []
    assert course.names() == [".copied.json", "00.ipynb", "notes.txt"]


def test_the_glossary_comes_along_and_a_changed_one_stays(course):
    (course.lessons / "glossary.md").write_text("first")
    course.hand_out()
    mine = course.copies / "glossary.md"
    assert mine.read_text() == "first"
    mine.write_text("first, and words of mine")
    (course.lessons / "glossary.md").write_text("second")
    course.hand_out()
    assert mine.read_text() == "first, and words of mine"
    assert (course.copies / f"glossary (new {date.today()}).md").read_text() == "second"


@pytest.fixture
def command(course, monkeypatch) -> list[str]:
    """What ``serve`` would run, with the course as the checkout."""
    caught = []
    course.publish("first", "00_meet_the_brain")
    monkeypatch.setattr(lab, "CHECKOUT", course.lessons.parent)
    monkeypatch.setattr(lab, "_run", lambda command: caught.extend(command) or 0)
    lab.serve(["--no-browser", "--port", "9999"])
    return caught


def test_jupyterlab_serves_this_computer_only_and_keeps_its_token(command):
    assert "--ServerApp.ip=127.0.0.1" in command
    assert not any("token" in one.lower() or "password" in one.lower() for one in command)


def test_jupyterlab_opens_the_first_copy_and_is_given_the_arguments_last(command):
    assert "--LabApp.default_url=/lab/tree/my_lessons/00_meet_the_brain.ipynb" in command
    assert command[-3:] == ["--no-browser", "--port", "9999"]


def test_without_lessons_beside_the_package_the_mend_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "CHECKOUT", tmp_path)
    with pytest.raises(InputError, match=r"clone .* pip install -e"):
        lab.serve()
