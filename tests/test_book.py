"""The book and the decks: what a reader without a kernel finds, from a disk, and what stays folded or in the notes."""

import base64
import json
import re

import pytest
import traitlets
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from book import checking, decks, executing
from book.__main__ import html as write_book
from book.mathml import with_mathml
from book.pages import WIDGET, page
from book.sliders import SHOWCASE, SLIDERS, sliders_of
from brainlab.errors import InputError
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture, to_bytes
from brainlab.widgets.frames import frames
from brainlab.widgets.parts import Panel, Slider, Toggle

QUIZ = """lessons.quiz("00.x", "Which?", {"this": "Yes, this.", "that": "Not that."}, right="this")"""
IMAGE = '<img alt="A brain." src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'


def shown(text: str, **more):
    return new_output("display_data", {"text/html": text, "text/plain": ""} | more)


def ran(source: str, *outputs, id: str = "", tags=()):
    id = id or re.sub(r"\W", "-", source)[:20]
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(source, outputs=list(outputs), execution_count=1, id=id, metadata=metadata)


def lesson(*cells, title: str = "# 00 · A lesson\n\nText."):
    kernel = {"kernelspec": {"display_name": "", "language": "python", "name": "python3"}}
    return new_notebook(cells=[new_markdown_cell(title, id="t"), *cells], metadata=kernel)


def printed(notebook) -> list[str]:
    return [one.data["text/html"] for cell in notebook.cells for one in cell.get("outputs", []) if "data" in one]


def test_a_live_widget_leaves_its_static_picture_or_its_question_behind():
    live = {WIDGET: {"model_id": "x"}}
    made = page(
        lesson(ran("viewer()", shown(IMAGE), new_output("display_data", live)), ran("q", shown("Which?", **live)))
    )
    assert printed(made) == [IMAGE, "<div class='question'>Which?</div>"]


def test_a_progress_bar_is_left_out_and_the_notebook_itself_is_not_changed():
    notebook = lesson(ran("fit()", new_output("stream", name="stderr", text="100%")))
    assert page(notebook).cells[1].outputs == []
    assert len(notebook.cells[1].outputs) == 1


def test_answers_are_folded():
    reveal = shown("<strong>What did you expect?</strong> You kept no prediction here. What came out: 3.")
    made = page(lesson(ran(QUIZ, shown("Which?", **{WIDGET: {}})), ran("lessons.reveal('00.x', 3)", reveal)))
    question, answers, came_out = printed(made)
    assert "Yes, this." not in question
    assert re.fullmatch(r"<details class='answer'>.*<strong>this</strong> \(right\) Yes, this\..*</details>", answers)
    assert came_out.startswith("<details")
    assert "You kept no prediction" not in came_out


def test_an_exercise_shows_its_hints_and_one_solution_folded_instead_of_not_attempted():
    made = page(lesson(ran("check.spin_echo(spin_echo)", shown("Not attempted."))))
    (text,) = printed(made)
    assert "Not attempted" not in text
    assert text.count("<details") == text.count("</details>") >= 3
    assert "One solution" in text


def test_a_lesson_runs_anew_only_where_it_changed_or_stopped():
    written = lesson(new_code_cell("1", id="1"))
    whole, edited = lesson(ran("1")), lesson(ran("2"))
    failed = lesson(ran("1", new_output("error", ename="E", evalue="", traceback=[])))
    halfway = lesson(new_code_cell("1", id="c"))
    assert [executing.in_step(one, written) for one in (whole, edited, failed, halfway)] == [True, False, False, False]


def test_what_was_executed_is_taken_as_it_is(tmp_path, monkeypatch):
    import nbformat

    monkeypatch.setattr(executing, "NotebookClient", lambda *_, **__: pytest.fail("it need not run"))
    (tmp_path / "kept").mkdir()
    nbformat.write(lesson(new_code_cell("1", id="c")), tmp_path / "00.ipynb")
    nbformat.write(lesson(ran("1", new_output("stream", text="one"))), tmp_path / "kept" / "00.ipynb")
    found = executing.executed(tmp_path / "00.ipynb", tmp_path / "kept")
    assert found.cells[1].outputs[0].text == "one"


def test_formulas_become_mathml_and_code_and_prices_stay():
    text = with_mathml("Let $x_1$ be `a $b$ c`, for $5 or $6.\n\n$$ S = e^{-TE/T_2} $$")
    assert text.count("<math") == 2
    assert "`a $b$ c`" in text
    assert "$5 or $6" in text
    assert 'display="block"' in text
    assert 'title="x_1"' in text


class Dimmer(traitlets.HasTraits):
    """A picture as bright as a slider says."""

    level, inverted = traitlets.Float(0.5), traitlets.Bool(False)

    def frame(self) -> Frame:
        import numpy as np

        if self.level > 0.9:
            raise InputError("too bright")
        image = to_bytes(np.full((8, 8), self.level), (0.0, 1.0))
        return Frame({"p": Picture(image)}, f"Level {self.level:.1f} </script>.")


@pytest.fixture
def dimmer():
    canvas = Canvas(
        Dimmer(),
        [Panel("p", "Picture")],
        [Slider("level", "Level", 0.0, 0.8, 0.1, "lx", 1), Toggle("inverted", "Inverted")],
        title="Dimmer",
        caption="A test.",
    )
    yield canvas
    canvas.close()


def test_frames_are_a_sliders_places_and_the_widget_stays_where_it_was(dimmer):
    made = frames(dimmer, "level")
    assert [one.value for one in made.stills] == [f"0.{i} lx" for i in range(9)]
    assert made.stills[made.first].value == "0.5 lx"
    assert dimmer.state.level == 0.5
    assert len({one.picture for one in made.stills}) == 9


def test_a_figure_of_frames_is_whole_by_itself_and_can_be_heard(dimmer):
    text = frames(dimmer, "level", [0.2, 0.5])._repr_html_()
    assert 'alt="Dimmer. Level 0.5 &lt;/script&gt;."' in text
    assert 'type="range"' in text
    assert 'aria-valuetext="0.5 lx"' in text
    assert ">Level:</label>" in text
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.S)
    assert data
    kept = json.loads(data[1])["stills"]
    assert [one["readout"] for one in kept] == ["Level 0.2 </script>.", "Level 0.5 </script>."]
    assert all(base64.b64decode(one["src"].split(",")[1])[8:12] == b"WEBP" for one in kept)


@pytest.mark.parametrize(
    ("name", "values", "told"), [("inverted", None, "it has level"), ("level", [0.95], "too bright")]
)
def test_a_slider_that_is_none_and_a_value_without_a_picture_are_told(dimmer, name, values, told):
    with pytest.raises(InputError, match=told):
        frames(dimmer, name, values)
    assert dimmer.state.level == 0.5


def test_the_books_own_page_names_calls_that_have_sliders():
    assert all(any(call.startswith(one) for one in SLIDERS) for _, _, call in SHOWCASE)
    assert len(SLIDERS["contrast_lab()"]) == 2
    assert sliders_of("volume_viewer(scan)") == ()


@pytest.fixture
def no_sliders(monkeypatch):
    monkeypatch.setattr("book.__main__.showcase", lambda: lesson(title="# Sliders"))


def test_the_book_opens_from_a_disk(tmp_path, no_sliders):
    first = lesson(
        ran("picture", shown(IMAGE)),
        new_markdown_cell("## Next\n\nWith $x^2$: [02](02_b.ipynb), [words](glossary.md).", id="n"),
    )
    words = tmp_path / "glossary.md"
    words.write_text("# Glossary\n\n| term | português |\n|---|---|\n| AE | AE |\n")
    out = tmp_path / "out"
    write_book({"00_a": first, "02_b": lesson(title="# 02 · Another")}, words, out, tmp_path / "source")
    pages = sorted(out.glob("*.html"))
    assert {one.name for one in pages} >= {"00_a.html", "02_b.html", "glossary.html", "index.html", "sliders.html"}
    assert [fault for one in pages for fault in checking.page_faults(one)] == []
    text = (out / "00_a.html").read_text(encoding="utf-8")
    assert "<math" in text
    assert 'href="02_b.html"' in text
    assert 'href="glossary.html"' in text
    assert "https://cdn" not in text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('<script src="https://cdn.example.org/x.js"></script>', "from the network"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "from the network"),
        ('<img alt="A brain." src="lost.png">', "not there"),
        ('<img src="data:,">', "without words"),
        ('<a href="lost.html">x</a>', "no file"),
        ('<a href="#lost">x</a>', "no such place"),
        ('<a href="https://nowhere">x</a>', "no address"),
        ("<style>@import url(https://fonts.example.org/x)</style>", "from the network"),
    ],
)
def test_what_would_fail_on_a_disk_is_told(tmp_path, body, told):
    (tmp_path / "page.html").write_text(f"<html><body>{body}</body></html>")
    assert told in " ".join(checking.page_faults(tmp_path / "page.html"))


def test_a_sound_page_has_no_faults(tmp_path):
    (tmp_path / "page.html").write_text(
        f'<h1 id="a">A</h1><a href="#a">a</a><a href="https://example.org">b</a>{IMAGE}'
    )
    assert checking.page_faults(tmp_path / "page.html") == []


SECRET = "def double(x):\n    return 2 * x"
STUB = "def double(x):\n    ...  # your turn"


@pytest.fixture
def deck():
    """Pairs (kind, text) of a small lesson's deck."""
    prose = (
        "## 1 · Doubling\n\nIt is twice. That is all there is to say, at length.\n\n$$ y = 2x $$\n\nA second paragraph."
    )
    taught = lesson(
        new_markdown_cell("Five minutes.", id="i", metadata={"tags": ["instructor"]}),
        new_markdown_cell(prose, id="p"),
        ran(SECRET, id="s", tags=["solution"]),
        ran("check.double(double)", id="k"),
        ran("print(double(2))", id="u"),
        ran(QUIZ, id="q"),
        ran("picture", id="f"),
        title="# 00 · A lesson\n\nWhy it matters. And more.\n\n**You will be able to**\n\n- *double* a number.",
    )
    student = lesson(
        ran(STUB, id="s"),
        ran("check.double(double)", shown("Not attempted"), id="k"),
        ran("print(double(2))", new_output("stream", name="stdout", text="None"), id="u"),
        ran(QUIZ, shown("<p>Which?</p>", **{WIDGET: {}}), id="q"),
        ran("picture", shown(IMAGE), id="f"),
    )
    return decks.deck(taught, student)


def of(deck, *kinds: str) -> str:
    return "\n\n".join(one.source for one in deck.cells if one.metadata.slideshow.slide_type in kinds)


def test_a_slide_says_little_and_the_notes_say_all(deck):
    slides, notes = of(deck, "slide", "subslide"), of(deck, "notes")
    assert "# 00 · A lesson" in slides
    assert "*double* a number" in slides
    assert "<math" in slides
    assert "A second paragraph" not in slides
    assert "A second paragraph" in notes
    assert "Five minutes." in notes


def test_answers_stand_in_the_notes_and_never_on_a_slide(deck):
    slides, notes = of(deck, "slide", "subslide"), of(deck, "notes")
    assert STUB in slides
    assert "return 2 * x" not in slides
    assert "return 2 * x" in notes
    assert "Yes, this." not in slides
    assert "Yes, this." in notes


def test_questions_and_pictures_have_slides_and_unanswered_exercises_show_nothing(deck):
    slides = of(deck, "slide", "subslide")
    assert "<p>Which?</p>" in slides
    assert IMAGE in slides
    assert "Not attempted" not in slides
    assert "None" not in slides


def test_a_deck_opens_from_a_disk(deck, tmp_path):
    decks._copy_reveal(tmp_path / "reveal")
    (tmp_path / "deck.css").write_text((decks.HERE / "deck" / "deck.css").read_text())
    file = tmp_path / "deck.html"
    file.write_text(decks.rendered(deck), encoding="utf-8")
    assert checking.page_faults(file) == []
    text = file.read_text(encoding="utf-8")
    assert text.count('<aside class="notes">') >= 3
    assert "reveal/dist/reveal.js" in text
    for remote in ("mathjax", "require.js", "cdnjs", "unpkg"):
        assert remote not in text.lower()


def test_all_sections_of_a_long_lesson_come_in_order():
    text = "before\n\n## One\n\na\n\n### Two\n\nb"
    assert list(decks.parts(text)) == [(0, "", "before"), (2, "One", "a"), (3, "Two", "b")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("What is it? *Is it bright?* It is.", "What is it? *Is it bright?* It is."),
        ("- a list\n- only", ""),
        ("**Bold start. It goes on** and " + 200 * "x" + ". More.", "**Bold start.**"),
        ("One asks: *is it bright?* " + 200 * "X" + ".", "One asks: *is it bright?*"),
        ("Short. Also short. " + 200 * "X" + ".", "Short. Also short."),
    ],
)
def test_a_section_opens_with_as_many_sentences_as_a_slide_takes(text, said):
    assert decks.opening(text) == said
