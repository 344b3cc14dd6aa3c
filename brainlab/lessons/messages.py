"""What the kit says to a learner: a short message with a heading, in HTML and in plain text.

Nothing rests on colour alone: each outcome has its own sign and its own word. Text in `backticks` becomes code.
"""

import html
import re
from dataclasses import dataclass

SIGNS = {"Correct": "✓", "Not yet": "✗", "Not attempted": "○"}
RIMS = {"Correct": "#0a6cbd", "Not yet": "#b35900", "Not attempted": "#767676"}  # blue, amber, grey: apart for all eyes


def to_html(text: str) -> str:
    """Plain text to HTML: escaped, `backticks` as code, blank lines as paragraphs."""
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return "<br><br>".join(escaped.split("\n\n"))


@dataclass(frozen=True)
class Message:
    """A heading ("Correct", "Hint 1 of 3") with a sentence or two, and code where there is some."""

    heading: str
    text: str = ""
    code: str = ""

    def _repr_html_(self) -> str:
        rim, sign = RIMS.get(self.heading, "#767676"), SIGNS.get(self.heading, "")
        code = f"<pre style='margin:.4em 0 0'>{html.escape(self.code)}</pre>" if self.code else ""
        return (
            f"<div role='status' style='border-left:4px solid {rim};padding:.3em .8em;margin:.3em 0;max-width:46em'>"
            f"<strong>{sign} {html.escape(self._title)}</strong> {to_html(self.text)}{code}</div>"
        )

    def __repr__(self) -> str:
        code = f"\n{self.code}" if self.code else ""
        return f"{SIGNS.get(self.heading, '')} {self._title} {self.text}{code}".strip()

    @property
    def _title(self) -> str:
        return self.heading if self.heading.endswith("?") else f"{self.heading}."
