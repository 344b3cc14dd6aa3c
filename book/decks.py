"""A lecture deck a lesson: headings, formulas, figures and questions on the slides, all other prose in the notes.

A slide says a section's first sentence or two, its formulas and its lists. Predictions and quiz questions stand
large on slides of their own, what came out on the next one. Speaker notes (key S) have the lesson's prose, the
instructor's notes and the answers. nbconvert writes the decks with reveal.js from this disk.
"""

import ast
import html
import importlib.resources
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook, new_output

from book.mathml import with_mathml
from book.pages import NO_PREDICTION, WIDGET, feedback
from notebooks import generate

HERE = Path(__file__).parent
HEADING = re.compile(r"^(#{1,4}) (.+)$", re.M)
LINKED = re.compile(r"\[([^\]]+)\]\([\w./-]+\.(?:ipynb|md)\)")  # decks travel without the lessons
READING = "**Further reading**"  # and what follows it: for the notes
LIST = re.compile(r"^(?:- |\d+\. )")
SENTENCE = re.compile(r"(?<=[^A-Z].[.?!])([*_]*)\s+(?=[A-Z*`$“\"])")
MOST_LINES, MOST_COLUMNS = 16, 100  # of printed text that a back row can read
MOST_SAID = 170  # characters of a section's opening
CROWDED = 420  # characters, above which a slide's text is set smaller


def write(found: dict[str, NotebookNode], out: Path) -> None:
    """Write a deck for each executed lesson, by name, and a page that lists them."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    _copy_reveal(out / "reveal")
    shutil.copy(HERE / "deck" / "deck.css", out)
    titles = {}
    for name, notebook in found.items():
        source = generate.NOTEBOOKS / "src" / f"{name}.py"
        made = deck(generate.build(source, instructor=True), notebook)
        titles[name] = made.metadata.title
        (out / f"{name}.html").write_text(rendered(made), encoding="utf-8")
    (out / "index.html").write_text(_list(titles), encoding="utf-8")


def rendered(deck: NotebookNode) -> str:
    """A deck's HTML, beside which reveal/ and deck.css must lie."""
    exporter = SlidesExporter(template_name="deck", extra_template_basedirs=[str(HERE)], reveal_url_prefix="reveal")
    exporter.reveal_theme, exporter.exclude_anchor_links = "white", True
    return exporter.from_notebook_node(deck)[0]


def deck(lesson: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The slides of an instructor's notebook with the outputs of the student's; cells belong together by their id."""
    outputs = {cell.id: cell.get("outputs", []) for cell in executed.cells}
    slides, asked = _Slides(), _asked(lesson)
    for cell in lesson.cells:
        tags = cell.metadata.get("tags", [])
        cell.source = LINKED.sub(r"\1", cell.source.replace(f"\n\n{generate.GLOSSARY}", ""))
        if "instructor" in tags:
            slides.note(cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```")
        elif cell.cell_type == "markdown":
            _prose(slides, cell.source)
        else:
            stub = next((one.source for one in executed.cells if one.id == cell.id), "")
            shown = [] if asked & _names(cell.source) else outputs.get(cell.id, [])
            _code(slides, cell.source, stub if "solution" in tags else "", shown)
    return slides.notebook()


def _asked(lesson: NotebookNode) -> set[str]:
    """The functions that the learner writes: what else calls them has nothing to show as long as they are open."""
    answers = "\n".join(one.source for one in lesson.cells if "solution" in one.metadata.get("tags", []))
    return set(re.findall(r"^(?:def|class) (\w+)", answers, re.M))


def _names(source: str) -> set[str]:
    """The names that a cell uses; words in its strings are none."""
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


class _Slides:
    """Slides as they come, each with its notes; knows the section that it is in."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str, list[str]]] = []  # slide or subslide, its text, its notes
        self.section = ""

    def add(self, text: str, kind: str = "subslide") -> None:
        self.made.append((kind, text, []))

    def under(self, text: str) -> None:
        """A slide that says small which section it belongs to; on the last one where that has but a heading."""
        if self.made and re.fullmatch(r"#+ [^\n]+\s*", self.made[-1][1]):
            return self.join(text)
        return self.add(f"<p class='section'>{html.escape(self.section)}</p>\n\n{text}")

    def join(self, text: str) -> None:
        """More on the last slide."""
        kind, before, notes = self.made[-1]
        self.made[-1] = (kind, f"{before.strip()}\n\n{text}", notes)

    def note(self, text: str) -> None:
        if self.made and text.strip():
            self.made[-1][2].append(text)

    def notebook(self) -> NotebookNode:
        cells = []
        for kind, text, notes in self.made:
            crowded = len(re.sub(r"<[^>]*>|data:[^\s\"]+", "", text)) > CROWDED and "<img" not in text
            wrapped = f"<div class='tight'>\n\n{with_mathml(text)}\n\n</div>" if crowded else with_mathml(text)
            cells.append(new_markdown_cell(wrapped, metadata={"slideshow": {"slide_type": kind}}))
            if notes:
                said = with_mathml("\n\n".join(notes))
                cells.append(new_markdown_cell(said, metadata={"slideshow": {"slide_type": "notes"}}))
        title = HEADING.search(self.made[0][1])
        return new_notebook(cells=cells, metadata={"title": title[2] if title else "brainlab"})


def _prose(slides: _Slides, text: str) -> None:
    """A markdown cell: a slide a heading, and one for what has a formula or a list."""
    for level, heading, body in parts(text):
        short = brief(body.split(READING)[0])
        if level == 1:
            slides.section = heading
            slides.add(f"# {heading}\n\n{opening(body)}", "slide")
            slides.note(body)
            goals = [one for one in paragraphs(body) if LIST.match(one)]
            if goals:
                slides.add(f"## You will be able to\n\n{goals[0]}")
        elif heading == "Set up":
            slides.note(body)
        elif level:
            slides.section = heading if level == 2 else slides.section
            slides.add(f"{'#' * level} {heading}\n\n{short}", "slide" if level == 2 else "subslide")
            slides.note(body)
        else:
            if "$$" in short or any(LIST.match(one) for one in paragraphs(short)):
                slides.under(short)
            slides.note(body)


def parts(text: str) -> Iterator[tuple[int, str, str]]:
    """Level, heading and body of each part of a markdown cell; level 0 for what stands before the first heading."""
    ends = [*HEADING.finditer(text)]
    before = text[: ends[0].start()] if ends else text
    if before.strip():
        yield 0, "", before.strip()
    for one, following in zip(ends, [*ends[1:], None], strict=False):
        body = text[one.end() : following.start() if following else len(text)]
        yield len(one[1]), one[2], body.strip()


def paragraphs(text: str) -> list[str]:
    """Blocks between empty lines."""
    return [one.strip() for one in re.split(r"\n\s*\n", text) if one.strip()]


def opening(text: str) -> str:
    """The first sentences of the first paragraph that is prose, as many as a slide takes; empty where there is none."""
    prose = [one for one in paragraphs(text) if not LIST.match(one) and not one.startswith(("$$", "|", ">", "```"))]
    if not prose:
        return ""
    first, *more = SENTENCE.sub(r"\1\n", " ".join(prose[0].split())).splitlines()
    while more and len(first) + len(more[0]) < MOST_SAID:
        first += f" {more.pop(0)}"
    open_strong, open_emphasis = first.count("**") % 2, (first.count("*") - 2 * first.count("**")) % 2
    return first + "**" * open_strong + "*" * open_emphasis


def brief(text: str) -> str:
    """What of a section stands on its slide: its opening, formulas, lists, tables and listings."""
    said = opening(text)
    kept = [one for one in paragraphs(text) if LIST.match(one) or one.startswith(("$$", "|", ">", "```"))]
    return "\n\n".join([said, *kept]).strip()


def _code(slides: _Slides, source: str, stub: str, outputs: list[NotebookNode]) -> None:
    """A code cell: an exercise as its stub, else what it shows."""
    if stub:
        slides.join(f"```python\n{stub}\n```")
        return slides.note(f"One answer:\n\n```python\n{source}\n```")
    if "check." in source:
        return None
    shown = [one for output in _printed(outputs) if (one := _shown(output, source))]
    for one in shown:
        slides.under(one)
    if shown and "lessons.quiz(" in source:
        slides.note(feedback(source))
    return None


def _printed(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """The outputs with all that was printed as one."""
    text = "".join(one.text for one in outputs if one.get("name") == "stdout")
    others = [one for one in outputs if one.output_type != "stream"]
    return [*([new_output("stream", name="stdout", text=text)] if text else []), *others]


def _shown(output: NotebookNode, source: str) -> str:
    """What a slide shows of an output; empty for progress bars, long listings and widgets' live halves."""
    data = output.get("data", {})
    picture = str(data.get("text/html", ""))
    if "lessons.reveal(" in source:
        return picture.replace(NO_PREDICTION, "").replace(
            "What did you expect?", "What did you expect?</strong><br><strong>"
        )
    if WIDGET in data:
        return picture and f"<div class='question'>{picture}</div>"
    if "<svg" in picture:  # the learner's own progress
        return ""
    if picture:
        return re.sub(r"<style>.*?</style>", "", picture, flags=re.S).replace(
            " Static picture: run this cell to use the widget.", ""
        )
    if "text/markdown" in data:
        return data["text/markdown"]
    text = output.get("text", "") if output.get("name") == "stdout" else ""
    lines = text.rstrip().splitlines()
    fits = 0 < len(lines) <= MOST_LINES and max(map(len, lines)) <= MOST_COLUMNS
    code = f"```python\n{source}\n```\n\n" if len(source.splitlines()) <= 6 and "import " not in source else ""
    return f"{code}```text\n{text.rstrip()}\n```" if fits and code else ""


def _copy_reveal(out: Path) -> None:
    """reveal.js as sphinx-revealjs carries it: script, white theme with its fonts, notes."""
    reveal = importlib.resources.files("sphinx_revealjs") / "_static" / "revealjs"
    with importlib.resources.as_file(reveal) as here:
        for folder in ("dist/theme/fonts/source-sans-pro", "plugin/notes"):
            shutil.copytree(here / folder, out / folder)
        for file in ("LICENSE", "dist/reveal.js", "dist/reveal.css", "dist/theme/white.css"):
            shutil.copy(here / file, out / file)


def _list(titles: dict[str, str]) -> str:
    items = "".join(f'<li><a href="{name}.html">{html.escape(title)}</a></li>' for name, title in titles.items())
    keys = "Arrow keys turn, Esc shows all, S opens the speaker's notes, ?print-pdf in the address prints."
    return (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>brainlab: slides</title>"
        "<body style='font: 1.2em/1.6 sans-serif; max-width: 40em; margin: 2em auto; padding: 0 1em'>"
        f"<h1>Slides</h1><ul>{items}</ul><p>{keys}</p></body></html>"
    )
