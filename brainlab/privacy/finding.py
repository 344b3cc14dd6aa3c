"""One thing that a file gives away, and a table of them."""

import codecs
import html
import re
import unicodedata
from collections.abc import Callable
from typing import Literal, NamedTuple

Identifying = Literal["directly", "in combination", "perhaps"]
"""``directly``: names the person. ``in combination``: with other facts (who was where on that day) it does.
``perhaps``: free text, in which anything may stand."""

SHOWN = 40  # characters of a value in a table
KEPT = 10_000  # characters of a value in a finding: an extension may hold a book


class Finding(NamedTuple):
    """One thing that a file gives away."""

    where: str  # "header: descrip", "gzip header: file name", "DICOM (0010,0010) PatientName"; never a path
    value: str  # what stands there; empty where values are hidden
    identifying: Identifying
    mend: str

    @property
    def shown(self) -> str:
        """The value, short enough for a table."""
        one_line = " ".join(self.value.split())
        return one_line if len(one_line) <= SHOWN else one_line[: SHOWN - 1] + "…"

    def __repr__(self) -> str:
        return f"{self.where}: {self.shown or '(hidden)'} [{self.identifying}] {self.mend}"


class Findings(tuple[Finding, ...]):
    """Findings in the order in which they weigh; shows itself as a table."""

    def __repr__(self) -> str:
        rows = [("where", "what", "identifies", "mend"), *((f.where, _what(f), f.identifying, f.mend) for f in self)]
        if len(rows) == 1:
            return NOTHING
        wide = [max(len(row[k]) for row in rows) for k in range(3)]
        return "\n".join("  ".join([*(row[k].ljust(wide[k]) for k in range(3)), row[3]]) for row in rows)

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{NOTHING}</p>"
        head = "".join(f"<th scope='col' style='text-align:left'>{one}</th>" for one in ("where", "what", "identifies"))
        rows = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(one)}</td>" for one in row) + "</tr>"
            for row in ((f.where, _what(f), f.identifying, f.mend) for f in self)
        )
        return f"<table><thead><tr>{head}<th scope='col' style='text-align:left'>mend</th></tr></thead>{rows}</table>"


NOTHING = (
    "Nothing was found that gives a person away; the picture of a brain is still as much one's own as a fingerprint."
)

ORDER = ("directly", "in combination", "perhaps")


def table(found: list[Finding], values: bool) -> Findings:
    """Findings with the weightiest first, one a place; without their values where those are not to be shown.

    A folder's files mostly say the same; where they differ the values stand beside each other.
    """
    places: dict[Finding, dict[str, None]] = {}
    for one in found:
        places.setdefault(one._replace(value=""), {})[one.value] = None
    joined = [place._replace(value="; ".join(said)[:KEPT] if values else "") for place, said in places.items()]
    return Findings(sorted(joined, key=lambda one: ORDER.index(one.identifying)))


def texts(raw: bytes, least: int = 4) -> str:
    """What can be read in bytes: runs of at least ``least`` printable characters that are words, parted by spaces.

    UTF-8 in any script, or else ASCII's letters among whatever other bytes; and UTF-16, marked as such or of ASCII's
    letters. A character of Chinese, Japanese or Korean counts as two: three of them are a whole name.
    """
    text, counts = _decoded(raw)
    runs = [*re.findall(r"[^\x00-\x1f\x7f-\xa0\ufffd]+", text)]
    wide = [b"".join(pair) for pair in re.findall(rb"((?:[ -~]\0){2,})|((?:\0[ -~]){2,})", raw)]
    runs += [run.replace(b"\0", b"").decode("ascii") for run in wide]
    return " ".join(run.strip() for run in runs if _is_words(run, least, counts))


def _decoded(raw: bytes) -> tuple[str, Callable[[str], bool]]:
    """Bytes as text, and which of its characters count as those of words."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace"), _is_of_words
    try:
        return raw.decode("utf-8"), _is_of_words
    except UnicodeDecodeError as error:
        if error.start > 0 and error.reason == "unexpected end of data":  # a field cuts its last character in two
            return raw[: error.start].decode("utf-8"), _is_of_words
        return raw.decode("latin-1"), lambda one: one.isascii() and one.isalnum()


def _is_of_words(one: str) -> bool:
    return unicodedata.category(one)[0] in "LMN"  # letters of any script, their marks, numbers


def _is_words(run: str, least: int, counts: Callable[[str], bool]) -> bool:
    """Whether a run of printable characters is text and not numbers that happen to print."""
    width = {one: 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in set(run)}
    ink = [one for one in run if not one.isspace()]
    words = sum(width[one] for one in ink if counts(one))
    return sum(width[one] for one in run) >= least and words >= max(least - 1, sum(width[one] for one in ink) / 2)


def decoded(raw: bytes) -> str:
    """Bytes that are known to be text: UTF-8, or else Latin-1."""
    return _decoded(raw)[0]


def _what(finding: Finding) -> str:
    return finding.shown or "(hidden)"
