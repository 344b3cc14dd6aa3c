"""``python -m book html`` writes the book to build/book, ``python -m book slides`` a deck a lesson to build/slides."""

import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.cmd.build import main as sphinx

from book import checking, decks
from book.executing import CHECKOUT, NOTEBOOKS, executed, lessons
from book.pages import page
from book.sliders import SHOWCASE

HERE, BUILD = Path(__file__).parent, CHECKOUT / "build"
SOURCE = BUILD / "book-source"
LARGEST_MB = 40  # of the whole book: it goes onto sticks and phones


def html(written: dict[str, NotebookNode], glossary: Path, out: Path, source: Path = SOURCE) -> None:
    """Write the book of executed lessons, by name, to ``out``; ends with ``SystemExit`` where Sphinx warns."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    source.mkdir(parents=True)
    for name, notebook in written.items():
        nbformat.write(page(notebook), source / f"{name}.ipynb")
    nbformat.write(page(showcase()), source / "sliders.ipynb")
    text = glossary.read_text(encoding="utf-8")
    (source / "glossary.md").write_text(f"{text}\n", encoding="utf-8")
    for file in ("index.md", "style.css"):
        shutil.copy(HERE / file, source)
    if sphinx(["-q", "-W", "--keep-going", "-c", str(HERE), "-d", str(source / "_build"), str(source), str(out)]):
        sys.exit("Sphinx had warnings: see above.")


def showcase() -> NotebookNode:
    """The page of sliders that no lesson need have called."""
    words = "Move them with the pointer or the arrow keys; the pictures were computed beforehand."
    cells = [new_markdown_cell(f"# Sliders without a kernel\n\n{words}")]
    for heading, words, call in SHOWCASE:
        cells += [new_markdown_cell(f"## {heading}\n\n{words}"), new_code_cell(call)]
    return new_notebook(
        cells=cells, metadata={"kernelspec": {"display_name": "", "language": "python", "name": "python3"}}
    )


def main(what: str) -> None:
    """Build, check, and say where it lies and how large it is."""
    found = {one.stem: executed(one) for one in lessons()}
    out = BUILD / ("book" if what == "html" else "slides")
    if what == "html":
        html(found, NOTEBOOKS / "glossary.md", out)
    else:
        decks.write(found, out)
    faults = [fault for file in sorted(out.rglob("*.html")) for fault in checking.page_faults(file)]
    faults += [fault for file in sorted(out.rglob("*.css")) for fault in checking.style_faults(file)]
    size = sum(one.stat().st_size for one in out.rglob("*") if one.is_file()) / 1e6
    faults += [f"{out} takes {size:.0f} MB, more than {LARGEST_MB}"] if size > LARGEST_MB else []
    if faults:
        sys.exit("\n".join(faults))
    print(f"{out / 'index.html'}, {size:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
