"""Predictions, quizzes and progress, and the learner's own file behind them: nothing in it is ever lost."""

import json
import subprocess
import sys

import pytest

import brainlab as bl
from brainlab import lessons
from brainlab.lessons import check, journal


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "work" / "answers.jsonl"))
    return tmp_path / "work" / "answers.jsonl"


def test_a_prediction_is_kept_and_comes_back_when_the_cell_is_run_again(own_file):
    asked = lessons.predict("02.t", "Which?", choices=["a", "b"])
    answer, sure, button = asked.widget.children[1:4]
    button.click()
    assert "Choose one first" in asked.status.value
    answer.value, sure.value = "b", 80
    button.click()
    assert json.loads(own_file.read_text())["answer"] == "b"
    again = lessons.predict("02.t", "Which?", choices=["a", "b"])
    assert [w.value for w in again.widget.children[1:3]] == ["b", 80]


def test_a_prediction_stands_once_the_result_has_been_shown():
    lessons.predict("02.t", "How much?", slider=(0, 1)).widget.children[2].click()
    assert not lessons.predict("02.t", "How much?", slider=(0, 1)).widget.children[2].disabled
    said = lessons.reveal("02.t", 0.8, because="So it is.")
    assert "You predicted: 0.5" in said.text
    assert "0.8. So it is." in said.text
    assert lessons.predict("02.t", "How much?", slider=(0, 1)).widget.children[2].disabled


def test_a_widget_that_was_open_when_the_result_came_changes_nothing_either(own_file):
    asked = lessons.predict("02.t", "Which?", choices=["a", "b"])
    answer, _, button = asked.widget.children[1:4]
    answer.value = "a"
    button.click()
    lessons.reveal("02.t", "b")
    answer.value = "b"
    button.click()
    assert [one["answer"] for one in map(json.loads, own_file.read_text().splitlines()) if "answer" in one] == ["a"]
    assert "a (you have seen the result, so it stands)" in asked.status.value
    assert button.disabled


def test_a_result_shown_to_someone_who_kept_no_prediction_locks_nothing(own_file):
    assert "kept no prediction" in lessons.reveal("02.t", "a").text
    assert not own_file.exists()


def test_a_quiz_answers_each_option_with_its_own_feedback():
    asked = lessons.quiz("02.q", "Why?", {"yes": "Indeed.", "no": "Because of x."}, right="yes")
    answer, button = asked.widget.children[1:3]
    for option, heading, feedback in (("no", "Not yet", "Because of x."), ("yes", "Correct", "Indeed.")):
        answer.value = option
        button.click()
        assert heading in asked.status.value
        assert feedback in asked.status.value
    assert "Why?" in repr(asked)


def test_a_question_has_html_and_text_beside_its_widget():
    bundle = lessons.predict("02.t", "Which?", choices=["a & b", "c"])._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "a &amp; b" in bundle["text/html"]
    assert "a & b" in bundle["text/plain"]


def test_a_question_that_its_author_got_wrong_is_an_input_error():
    with pytest.raises(bl.InputError):
        lessons.predict("02.t", "?", choices=["a"], slider=(0, 1))
    with pytest.raises(bl.InputError):
        lessons.quiz("02.q", "?", {"a": ""}, right="b")


def test_a_line_cut_short_costs_only_itself(own_file):
    journal.write("quiz", "02.a", answer="x")
    with own_file.open("ab") as file:
        file.write(b'{"kind": "quiz", "id": "02.b", "ans')
    journal.write("quiz", "02.c", answer="y")
    assert [r["id"] for r in journal.records()] == ["02.a", "02.c"]
    assert b"02.b" in own_file.read_bytes()


@pytest.mark.parametrize(
    "strange",
    [
        '{"kind": "prediction", "id": "02.t"}',
        '{"kind": "prediction", "id": "02.t", "answer": [1], "sure": "x"}',
        "[1]",
        "\x00\xff",
    ],
)
def test_a_file_that_somebody_edited_stops_no_lesson(own_file, strange):
    own_file.parent.mkdir()
    own_file.write_text(strange + "\n")
    lessons.predict("02.t", "Which?", choices=["a", "b"])
    lessons.predict("02.t", "How much?", slider=(0, 1))
    lessons.reveal("02.t", "a")
    lessons.progress()


def test_two_notebooks_writing_at_once_lose_nothing(own_file):
    code = """import sys; from brainlab.lessons import journal
for i in range(40): journal.write('quiz', f'{sys.argv[1]}.{i}', answer='x' * 500)"""
    writers = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("00", "02")]
    assert [w.wait(timeout=120) for w in writers] == [0, 0]
    assert {r["id"] for r in journal.records()} == {f"{name}.{i}" for name in ("00", "02") for i in range(40)}


def test_what_is_there_is_never_overwritten_and_a_repeated_record_is_not_added(own_file):
    journal.write("check", "00.split", outcome="incorrect")
    before = own_file.read_bytes()
    journal.write("check", "00.split", outcome="incorrect")
    assert own_file.read_bytes() == before
    journal.write("check", "00.split", outcome="correct")
    assert own_file.read_bytes().startswith(before)


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "file" / "answers.jsonl"))
    result = check.squeeze(128)
    assert result.outcome == "correct"
    assert "could not be saved" in result.text
    asked = lessons.predict("02.t", "How much?", slider=(0, 1))
    asked.widget.children[2].click()
    assert "could not be saved" in asked.status.value


def test_answers_go_to_the_nearest_my_lessons_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("BRAINLAB_ANSWERS")
    (tmp_path / "my_lessons" / "deep").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    for folder in ("my_lessons/deep", "my_lessons", "notebooks", "."):
        monkeypatch.chdir(tmp_path / folder)
        assert journal.path() == tmp_path / "my_lessons" / "answers.jsonl"


def test_progress_counts_what_is_solved_tried_and_open():
    check.squeeze(128)
    check.squeeze(2)  # a later slip does not undo it
    check.sse(lambda x, y: 0.0)
    lessons.predict("02.t", "How much?", slider=(0, 1)).widget.children[2].click()
    row = next(row for row in lessons.progress().rows if row.title.startswith("02"))
    assert (row.exercises["squeeze"], row.exercises["sse"], row.exercises["detect"]) == ("correct", "incorrect", "open")
    assert (row.predictions, row.quizzes) == (1, 0)
    assert "1 of 4 exercises solved" in repr(lessons.progress())
    assert "aria-label" in lessons.progress()._repr_html_()


def test_every_exercise_belongs_to_a_lesson_that_progress_shows():
    shown = {name for row in lessons.progress().rows for name in row.exercises}
    assert shown == set(check.all)
