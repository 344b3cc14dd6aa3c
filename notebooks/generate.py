"""Write the student's and the instructor's notebooks from one source: ``python notebooks/generate.py``.

The source of a lesson is ``notebooks/src/NAME.py`` in jupytext's py:percent format. Two tags part the versions:

``solution``    A code cell with the full answer. What the student finds instead is given in lines that begin with
                ``# stub:``; without any, the student finds ``...  # your turn``::

                    # %% tags=["solution"]
                    # stub: def kl(mu, logvar):
                    # stub:     ...  # your turn
                    def kl(mu, logvar):
                        return 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)

``instructor``  A cell that only the instructor's version has: ``# %% [markdown] tags=["instructor"]`` for text,
                ``# %% tags=["instructor"]`` for code.

The student's version goes to ``notebooks/NAME.ipynb`` and is committed; the instructor's goes to
``build/instructor/NAME.ipynb`` and is not. Neither has outputs; both name the kernel, so that JupyterLab asks nothing.
Each version's first cell ends with a link to the glossary, which no source need write.
Cell ids come from the last heading and the cell's place below it, so that an edit leaves the ids of other sections be.
"""

import re
import sys
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NOTEBOOKS = Path(__file__).parent
INSTRUCTOR = NOTEBOOKS.parent / "build" / "instructor"

LAYOUT = {"lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker"}  # how jupytext remembers blank lines
TAGS = {"solution", "instructor"}
STUB = re.compile(r"^\s*# stub:(?: (.*))?$")
NO_STUB = "...  # your turn"
GLOSSARY = "[Glossary](glossary.md): the words of the field, in English and Portuguese."
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def sources(folder: Path = NOTEBOOKS / "src") -> list[Path]:
    """The lessons' source files, in the order of the course."""
    return sorted(folder.glob("*.py"))


def read(source: Path) -> list[NotebookNode]:
    """The cells of a source file; raises ValueError where a tag or a stub would let an answer slip through."""
    cells = jupytext.read(source, fmt="py:percent").cells
    for cell in cells:
        tags, stub = set(cell.metadata.get("tags", [])), any(map(STUB.match, cell.source.splitlines()))
        if cell.metadata.keys() - {"tags", *LAYOUT}:
            raise ValueError(f'{source.name}: write a cell\'s head as # %% [markdown] tags=["…"], not {cell.metadata}.')
        if tags - TAGS:
            raise ValueError(f"{source.name}: unknown cell tag {sorted(tags - TAGS)}; known are {sorted(TAGS)}.")
        if "solution" in tags and cell.cell_type != "code":
            raise ValueError(f"{source.name}: only a code cell can be tagged solution, not {cell.source[:40]!r}.")
        if stub and "solution" not in tags:
            raise ValueError(f"{source.name}: a cell with stub lines needs the tag solution: {cell.source[:40]!r}.")
    return cells


def split(answer: str) -> tuple[str, str]:
    """What the student finds in place of a solution cell, and what the instructor finds."""
    lines = [(line, STUB.match(line)) for line in answer.splitlines()]
    stub = "\n".join(found.group(1) or "" for _, found in lines if found)
    return stub or NO_STUB, "\n".join(line for line, found in lines if not found).strip("\n")


def cell_ids(cells: list[NotebookNode]) -> list[str]:
    """One id a cell: the last heading, how often it came before, and the cell's place below it."""
    heading, place, headings, ids = "start", 0, Counter(), []
    for cell in cells:
        found = re.search(r"^#+ (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if found:
            heading, place = re.sub(r"[^a-z0-9]+", "-", found.group(1).lower()).strip("-")[:48] or "section", 0
            headings[heading] += 1
            heading += f"-{headings[heading]}" if headings[heading] > 1 else ""
        ids.append(f"{heading}_{place}")
        place += 1
    return ids


def build(source: Path, instructor: bool = False) -> NotebookNode:
    """The student's or the instructor's notebook of one source file."""
    cells, written = read(source), []
    for cell, name in zip(cells, cell_ids(cells), strict=True):
        tags, text = cell.metadata.get("tags", []), cell.source
        if "instructor" in tags and not instructor:
            continue
        if "solution" in tags:
            text = split(text)[instructor]
            tags = tags if instructor else ["exercise"]
        if not written and cell.cell_type == "markdown":
            text += f"\n\n{GLOSSARY}"
        new_cell = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        written.append(new_cell(text, id=name, metadata={"tags": tags} if tags else {}))
    notebook = new_notebook(cells=written, metadata=METADATA)
    nbformat.validate(notebook)
    return notebook


def render(source: Path, instructor: bool = False) -> str:
    """The text of the ``.ipynb`` file that ``build`` describes."""
    return nbformat.writes(build(source, instructor)) + "\n"


def main() -> None:
    """Write both versions of every lesson."""
    INSTRUCTOR.mkdir(parents=True, exist_ok=True)
    for source in sources():
        for folder, instructor in ((NOTEBOOKS, False), (INSTRUCTOR, True)):
            path = folder / f"{source.stem}.ipynb"
            path.write_text(render(source, instructor), encoding="utf-8", newline="\n")
            print(path.relative_to(NOTEBOOKS.parent), file=sys.stderr)


if __name__ == "__main__":
    main()
