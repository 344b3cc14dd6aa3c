"""How sure a learner was, what they hand in, and what an instructor sees of a class; by cases worked by hand."""

import csv
import json

import pytest

from brainlab import cli, lessons
from brainlab.errors import InputError
from brainlab.lessons import journal
from brainlab.lessons.calibrating import of


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "my_lessons" / "answers.jsonl"))
    return tmp_path / "my_lessons" / "answers.jsonl"


def choice(id, sure, right):
    return [
        {"kind": "prediction", "id": id, "answer": "a", "of": ["a", "b"], "sure": sure},
        {"kind": "truth", "id": id, "truth": "a" if right else "b"},
    ]


def number(id, answer, truth, slider=(0, 50)):
    said = {"kind": "prediction", "id": id, "answer": answer, "slider": list(slider)}
    return [said, {"kind": "truth", "id": id, "truth": truth}]


FULL = [
    *choice("02.a", 50, True),  # 50 % sure: half came true
    *choice("02.b", 50, False),
    *choice("02.c", 90, True),  # 80 and 90: 2 of 3
    *choice("02.d", 80, True),
    *choice("02.e", 90, False),
    *number("02.n", 10, 15),  # a tenth of 50
    *number("02.m", 10, 35),  # half
]


def keep(records):
    for one in records:
        journal.write(one["kind"], one["id"], **{k: v for k, v in one.items() if k not in ("kind", "id")})


def test_groups_hold_the_share_that_came_true_beside_how_sure_it_was():
    first, second = of(FULL).groups
    assert first == (2, 50.0, 50.0)
    assert second == pytest.approx((3, 260 / 3, 200 / 3))
    assert [one.off for one in of(FULL).numbers] == [0.1, 0.5]


def test_the_words_give_both_averages_and_say_that_few_cannot_tell():
    words = repr(of(FULL))
    assert "Of 5 choices 3 came true, 60 %; you were 72 % sure" in words  # 360 / 5
    assert "as far as so few can tell" in words
    assert "1 within 10 % of the slider and 1 within 25 %" in words


@pytest.mark.parametrize(
    ("right", "says"), [(False, "surer than there was reason"), (True, "knew more than you trusted")]
)
def test_who_is_too_sure_or_not_sure_enough_is_told_so(right, says):
    sure = 55 if right else 95
    assert says in repr(of([one for k in range(20) for one in choice(f"02.{k}", sure, right)]))


def test_four_predictions_are_too_few_for_a_picture_and_a_sentence_says_so():
    few = of(FULL[:8])
    assert not few.enough
    assert repr(few).startswith("You have kept 4 predictions whose result you have seen: too few")
    assert "<img" not in few._repr_html_()


def test_the_picture_says_in_its_alternative_text_what_the_words_say():
    assert repr(of(FULL)) in of(FULL).figure().alt
    assert 'alt="How sure' in of(FULL)._repr_html_()


def test_a_changed_prediction_counts_as_it_stood_when_the_result_was_shown():
    before = {"kind": "prediction", "id": "02.a", "answer": "b", "of": ["a", "b"], "sure": 99}
    assert of([before, *choice("02.a", 60, True)]).choices == [("02.a", 60.0, True)]


def test_predictions_without_a_result_and_lines_of_another_hand_are_left_out():
    odd = [
        {"kind": "prediction", "id": "02.x", "answer": "a", "sure": 80},
        {"kind": "truth", "id": "02.y", "truth": "a"},
        *number("02.z", "many", 3),
        *number("02.u", 3, float("nan")),
        {"kind": "prediction", "id": "02.v", "answer": 3},
        {"kind": "truth", "id": "02.v", "truth": 4},  # kept before sliders told their length
        {},
    ]
    assert of(odd).choices == []
    assert of(odd).numbers == []


def test_a_slider_prediction_tells_its_length_when_it_is_kept():
    lessons.predict("02.t", "How much?", slider=(0, 40)).widget.children[2].click()
    lessons.reveal("02.t", 30)
    assert lessons.calibration().numbers == [("02.t", 0.25)]


RECORDS = [
    {"kind": "check", "id": "02.sse", "outcome": "incorrect", "answer": "def secret(): 1"},
    {"kind": "check", "id": "02.sse", "outcome": "correct", "answer": "def secret(): 2"},
    {"kind": "check", "id": "02.sse", "outcome": "incorrect", "answer": "def secret(): 3"},  # tried on: stays solved
    {"kind": "check", "id": "02.detect", "outcome": "incorrect", "answer": "def secret(): 4"},
    {"kind": "quiz", "id": "02.q", "answer": "x", "correct": True},
    *choice("02.a", 80, True),
    *number("07.face", 20, 60.123, slider=(0, 84)),
]


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_what_is_handed_in_has_results_and_neither_code_nor_dates_nor_numbers_of_a_scan(tmp_path, ending):
    keep(RECORDS)
    file = tmp_path / f"ada.{ending}"
    assert "Nothing was sent" in lessons.export(file, "Ada").text
    text = file.read_text(encoding="utf-8")
    assert not [word for word in ("secret", "when", "60.123", "202") if word in text]
    rows = json.loads(text) if ending == "json" else list(csv.DictReader(text.splitlines()))
    assert [(r["kind"], r["id"], r["result"], int(r["tries"])) for r in rows] == [
        ("exercise", "02.detect", "tried", 1),
        ("exercise", "02.sse", "solved", 3),
        ("prediction", "02.a", "right", 1),
        ("quiz", "02.q", "right", 1),
        ("prediction", "07.face", "number", 1),
    ]
    assert {row["name"] for row in rows} == {"Ada"}
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_the_file_lies_beside_the_answers_unless_told_otherwise(own_file):
    keep(RECORDS)
    lessons.export(name="Ada L.")
    assert (own_file.parent / "Ada_L_.csv").is_file()


@pytest.mark.parametrize(
    ("name", "becomes"), [("=1+1", "1+1"), (" a\nb ", "a b"), ("", "anonymous"), ("ä" * 99, "ä" * 60)]
)
def test_a_name_is_one_line_and_never_a_formula(tmp_path, name, becomes):
    keep(RECORDS)
    lessons.export(tmp_path / "x.json", name)
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))[0]["name"] == becomes


def test_the_learners_own_file_and_other_endings_are_refused(own_file, monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"end in \.csv or \.json"):
        lessons.export(own_file, "Ada")
    monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / "answers.json"))
    with pytest.raises(InputError, match="your own answers"):
        lessons.export(tmp_path / "answers.json", "Ada")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="could not be written"):
        lessons.export(tmp_path / "file" / "x.csv", "Ada")


@pytest.fixture
def handed_in(tmp_path, monkeypatch):
    """Ada solved one of two that she tried; Bo solved one, at the first try; both call Bo Bo, as do I."""
    folder = tmp_path / "in"
    for file, name, records in (
        ("a.csv", "Ada <b>", RECORDS),
        ("b.json", "Bo", [RECORDS[1], *choice("02.a", 60, False)]),
        ("c.csv", "Bo", FULL),
    ):
        monkeypatch.setenv("BRAINLAB_ANSWERS", str(tmp_path / name / file / "answers.jsonl"))
        keep(records)
        lessons.export(folder / file, name)
    return folder


def test_a_class_is_read_with_who_solved_what_and_where_it_stumbled(handed_in):
    seen = lessons.classroom(handed_in)
    assert list(seen.learners) == ["Ada <b>", "Bo", "Bo (2)"]
    assert [seen.state(name, "02.sse") for name in seen.learners] == ["solved", "solved", "open"]
    hardest = seen.stumbles()[0]
    assert (hardest.id, hardest.met, hardest.right) == ("02.detect", 1, 0)
    assert {one.id: one.tries for one in seen.stumbles()}["02.sse"] == 2  # 3 and 1
    assert [one.sure for one in seen.calibration(["Bo"]).choices] == [60]
    assert len(seen.calibration().choices) == 7
    n = len([one for one in lessons.check.all.values() if one.lesson == "02"])
    assert seen.table()[1] == ["Ada <b>", f"1 of {n}", "1 of 1", "80", "100"]
    assert "Ada &lt;b&gt;" in seen._repr_html_()
    assert "Ada <b>:" in seen.figure().alt
    assert "sent nowhere" in repr(seen)


BROKEN = {
    "cut.json": b'[{"name": "x", "kin',
    "other.json": b'{"a": 1}',
    "list.json": b"[1, 2]",
    "deep.json": b"[" * 100_000,
    "photo.csv": bytes(range(256)) * 9,
    "table.csv": b"a,b\n1,2\n",
    "empty.csv": b"",
    "wild.csv": b"name,kind,id,result,tries,sure,off\nx,prediction,02.a,right,1,1e9,\n",
    "nan.csv": b"name,kind,id,result,tries,sure,off\nx,prediction,02.a,right,1,nan,\n",
    "huge.csv": b"x" * 2_000_001,
}


def test_broken_files_are_passed_over_and_named(handed_in):
    for name, data in BROKEN.items():
        (handed_in / name).write_bytes(data)
    (handed_in / "folder.csv").mkdir()
    seen = lessons.classroom(handed_in)
    assert len(seen.learners) == 3
    assert seen.passed_over.keys() == {*BROKEN, "folder.csv"}
    assert "Passed over: cut.json" in repr(seen)


def test_a_spreadsheet_that_saves_with_semicolons_and_a_mark_is_read_all_the_same(handed_in):
    text = (handed_in / "a.csv").read_text(encoding="utf-8").replace(",", ";")
    (handed_in / "a.csv").write_text(text, encoding="utf-8-sig")
    assert "Ada <b>" in lessons.classroom(handed_in).learners


def test_a_folder_with_nothing_of_ours_says_so(tmp_path):
    with pytest.raises(InputError, match="holds nothing"):
        lessons.classroom(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        lessons.classroom(tmp_path / "none")


def test_the_command_prints_the_table_and_draws_it(handed_in, tmp_path, capsys):
    assert cli.main(["class", str(handed_in), "--picture", str(tmp_path / "class.png")]) == 0
    assert "02.detect: 0 of 1 have it" in capsys.readouterr().out
    assert (tmp_path / "class.png").stat().st_size > 5000
    assert cli.main(["class", str(tmp_path / "none")]) == 2
