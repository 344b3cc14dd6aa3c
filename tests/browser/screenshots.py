"""Pictures of every widget in a running JupyterLab: ``python -m tests.browser.screenshots [NAME...]``.

Writes ``build/screenshots/NAME-{light,dark,1024,200}.png``: both themes, a window 1024 px wide, and that at 200 % zoom.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from .jupyter import Lab, complaints, launch, open_page, serve
from .openings import SETUP, SHIPPED

FOLDER = Path("build/screenshots")
WIDTHS = {"1024": 1024, "200": 512}  # a window of 1024 px at 200 % has 512 CSS pixels


def main(names: list[str]) -> None:
    """Open the named widgets, or all, and save their pictures; an exit status of 1 where a page complained."""
    if unknown := set(names) - SHIPPED.keys():
        raise SystemExit(f"There is no widget {', '.join(sorted(unknown))}: choose from {', '.join(SHIPPED)}.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "root") as lab, sync_playwright() as playwright:
        browser = launch(playwright)
        pages = [picture(lab, open_page(browser, height=1400), name) for name in names or SHIPPED]
        said = [words for page in pages for words in complaints(page)]
        browser.close()
    print("\n".join(said))
    raise SystemExit(bool(said))


def picture(lab: Lab, page: Page, name: str) -> Page:
    """Take all pictures of one widget, then end its kernel."""
    widget = opened(lab, page, f"{name}.ipynb", SETUP, SHIPPED[name])
    for theme in ("dark", "light"):
        lab.theme(page, f"JupyterLab {theme.capitalize()}")
        shoot(page, widget, 1280, f"{name}-{theme}")
    for word, width in WIDTHS.items():
        shoot(page, widget, width, f"{name}-{word}")
    lab.stop_kernels()
    print(name, flush=True)
    return page


def shoot(page: Page, widget: Locator, width: int, name: str) -> None:
    """One picture of the whole widget, in a window high enough that nothing needs to be scrolled."""
    for _ in range(2):  # a narrower widget is a higher one
        box = widget.bounding_box()
        page.set_viewport_size({"width": width, "height": round(box["height"] if box else 800) + 600})
        page.wait_for_timeout(300)
    widget.screenshot(path=FOLDER / f"{name}.png")


def opened(lab: Lab, page: Page, notebook: str, *cells: str) -> Locator:
    """Run cells in a new notebook, with the file browser out of the way; the widget of the last one, drawn."""
    lab.open(page, lab.write(notebook, *cells))
    page.get_by_role("tab", name="File Browser").click()
    lab.run_all(page)
    widget = page.locator("section.brainlab").last
    widget.locator("canvas").first.wait_for(timeout=180_000)
    page.wait_for_timeout(500)
    return widget


if __name__ == "__main__":
    main(sys.argv[1:])
