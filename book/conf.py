"""Sphinx's settings: pages from executed notebooks, formulas as MathML, nothing from a network."""

from docutils import nodes

import brainlab
from book.mathml import mathml

project = "brainlab"
author = "The brainlab authors"
copyright = "The brainlab authors. For teaching, not for clinical use"
version = release = brainlab.__version__
language = "en"

extensions = ["myst_nb"]
exclude_patterns = ["_build"]
nb_execution_mode = "off"  # what CI ran is what the book shows
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "furo"  # system fonts, light and dark, folds on a phone
html_title = "brainlab"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_math_renderer = "mathml"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def _inline(translator, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator, node: nodes.math_block) -> None:
    translator.body.append(f"<div class='formula'>{mathml(node.astext(), display=True)}</div>")
    raise nodes.SkipNode


def setup(app) -> None:
    """Draw formulas without a script."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
