"""What a page that is read from a disk must keep: links that lead somewhere, nothing remote, pictures in words too."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat

LOADING = {"src", "srcset", "poster", "data"}  # attributes that fetch at once; so does a <link>'s href
IDLE = {"canonical", "next", "prev", "search", "index", "author", "copyright", "license"}  # links that fetch nothing
REMOTE = re.compile(r"(?:https?:)?//")
STYLED = re.compile(r"(?:@import\s+['\"]|url\(\s*['\"]?)((?:https?:)?//[^'\")\s]+)")


class _Page(HTMLParser):
    """Ids, links, what is fetched, and pictures without words."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.wordless: list[str] = []
        self.styles, self._in_style = "", False

    def handle_starttag(self, tag, attrs) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") not in IDLE:
            self.fetched.append(given.get("href", ""))
        self.fetched += [given[name] for name in LOADING & given.keys()]
        if tag == "img" and not given.get("alt", "").strip() and given.get("role") != "presentation":
            self.wordless.append(given.get("src", "")[:60])

    def handle_data(self, data) -> None:
        self.styles += data if self._in_style else ""


@cache
def parsed(file: Path) -> _Page:
    """A page's parts."""
    page = _Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def style_faults(file: Path) -> list[str]:
    """What a style sheet fetches from the network."""
    return [f"{file.name} fetches {one} from the network" for one in STYLED.findall(file.read_text(encoding="utf-8"))]


def page_faults(file: Path) -> list[str]:
    """One sentence for each thing that would fail on a disk without a network."""
    page, faults = parsed(file), []
    faults += [f"{file.name} fetches {one} from the network" for one in page.fetched if REMOTE.match(one)]
    faults += [f"{file.name} fetches {one}, which is not there" for one in page.fetched if not _there(file, one)]
    faults += [f"{file.name} fetches {one} from the network" for one in STYLED.findall(page.styles)]
    faults += [f"{file.name} has a picture without words: {one}" for one in page.wordless]
    for link in page.links:
        if (fault := link_fault(file, link)) is not None:
            faults.append(f"{file.name}: {fault}")
    return faults


def _there(file: Path, address: str) -> bool:
    if not address or REMOTE.match(address) or address.startswith(("data:", "#", "about:")):
        return True
    return (file.parent / unquote(urlsplit(address).path)).exists()


def link_fault(file: Path, link: str) -> str | None:
    """What is wrong with a link of an HTML page, or None; remote ones are only to be well formed."""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https"):
        return None if re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.hostname or "") else f"{link} is no address"
    if parts.scheme:
        return None if parts.scheme == "mailto" else f"{link} has an unknown scheme"
    target = (file.parent / unquote(parts.path)) if parts.path else file
    if not target.is_file():
        return f"{link} leads to no file"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in parsed(target).ids:
        return f"{link} leads to no such place"
    return None


FENCED = re.compile(r"```.*?```|`[^`\n]*`", re.S)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")


def markdown_faults(file: Path) -> list[str]:
    """What is wrong with the links of a Markdown page or of a notebook's text."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n\n".join(one.source for one in cells if one.cell_type == "markdown")
    links = LINK.findall(FENCED.sub("", text))
    return [fault for link in links if (fault := _markdown_fault(file, link)) is not None]


def _markdown_fault(file: Path, link: str) -> str | None:
    parts = urlsplit(link)
    if parts.scheme:
        return link_fault(file, link)
    target = file.parent / unquote(parts.path) if parts.path else file
    if not target.exists():
        return f"{link} leads to no file"
    if parts.fragment and target.suffix == ".md" and unquote(parts.fragment) not in places(target):
        return f"{link} leads to no such place"
    return None


def places(file: Path) -> set[str]:
    """Anchors of a Markdown page: its headings as GitHub names them, and ids given by hand."""
    text = FENCED.sub("", file.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    made = {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}
    return made | set(re.findall(r"<\w+ id=['\"]([^'\"]+)['\"]", text))
