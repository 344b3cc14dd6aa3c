"""One JupyterLab and one Chromium for all browser tests; a page of each failure is kept in ``failures/``."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from .jupyter import Lab, complaints, launch, open_page, serve

FAILURES = Path(__file__).parent / "failures"

expect.set_options(timeout=30_000)  # a kernel imports torch in seconds, or in many where much else is running


# "package", not "session": Playwright's event loop must be gone before other tests start their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except Error as problem:
            why = str(problem).strip().splitlines()[0]
            pytest.skip(f"no Chromium starts ({why}): set BRAINLAB_CHROMIUM or run 'playwright install chromium'")
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with serve(tmp_path_factory.mktemp("jupyter") / "root") as lab:
        yield lab


@pytest.fixture(scope="module")
def notebook(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """A function that runs cells in a new notebook in JupyterLab and gives the page."""
    pages: list[Page] = []

    def run(*cells: str, scale: float = 1) -> Page:
        page = open_page(browser, scale=scale)
        pages.append(page)
        lab.open(page, lab.write(f"{request.module.__name__.split('.')[-1]}-{len(pages)}.ipynb", *cells))
        lab.run_all(page)
        return page

    run.pages = pages  # for a picture of each, should the test fail
    yield run
    for page in pages:
        page.context.close()
    lab.stop_kernels()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    given = getattr(item, "funcargs", {}).values()
    pages = [page for one in given for page in ([one] if isinstance(one, Page) else getattr(one, "pages", []))]
    if report.when == "call" and report.failed and pages:
        FAILURES.mkdir(exist_ok=True)
        for number, page in enumerate(page for page in pages if not page.is_closed()):
            page.screenshot(path=FAILURES / f"{item.name}-{number}.png")
            (FAILURES / f"{item.name}-{number}.txt").write_text("\n".join(complaints(page)))
    return report
