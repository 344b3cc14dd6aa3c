"""Formulas as MathML, which browsers draw themselves: no script, no fonts to fetch, and screen readers read it."""

import html
import re

from latex2mathml.converter import convert

# Displayed before inline; a formula in backticks is code and stays. An inline one neither begins nor ends with a space.
FORMULA = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^\s$](?:[^$]*?[^\s$])?)\$(?!\d)", re.S
)


def mathml(latex: str, display: bool = False) -> str:
    """One formula as a <math> element; its source stands in its title for whoever wants to copy it."""
    made = convert(latex.strip(), display="block" if display else "inline")
    return made.replace("<math ", f'<math title="{html.escape(latex.strip())}" ', 1)


def with_mathml(markdown: str) -> str:
    """Markdown with its $formulas$ as MathML."""

    def replaced(found: re.Match) -> str:
        if found["code"]:
            return found["code"]
        if found["block"]:
            return f"\n\n<div class='formula'>{mathml(found['block'], display=True)}</div>\n\n"
        return mathml(found["inline"])

    return FORMULA.sub(replaced, markdown)
