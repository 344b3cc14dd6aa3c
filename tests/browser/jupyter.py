"""A real JupyterLab on a free port, and notebooks in it, for tests and measurements that need a browser."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import nbformat
from playwright.sync_api import Browser, Page, Playwright

# No news, no update check, no reopened session, no autosave race with the end of a test.
SETTINGS = """{
  "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false},
  "@jupyterlab/docmanager-extension:plugin": {"autosave": false}
}"""


class Lab:
    """A running JupyterLab: where it serves, and the folder that it serves."""

    def __init__(self, url: str, token: str, root: Path) -> None:
        self.url, self.token, self.root = url, token, root

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells into the served folder; return its name."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        nbformat.write(notebook, self.root / name)
        return name

    def open(self, page: Page, name: str) -> None:
        """Open a notebook in a workspace of its own and wait until its cells are there."""
        workspace = secrets.token_hex(4)
        page.goto(f"{self.url}/lab/workspaces/{workspace}/tree/{name}?token={self.token}")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)

    def run_all(self, page: Page) -> None:
        """Run all cells from the menu, as soon as the kernel is there."""
        # Before the kernel is connected "Run All Cells" would ask which kernel to take.
        page.locator(".jp-KernelName", has_text="Python 3").or_(
            page.locator(".jp-Toolbar-kernelName", has_text="Python 3")
        ).first.wait_for()
        page.locator(".jp-NotebookPanel-toolbar .jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def set_theme(self, name: str) -> None:
        """Choose "JupyterLab Light" or "JupyterLab Dark" for the pages that are opened next."""
        settings = json.dumps({"raw": json.dumps({"theme": name})}).encode()
        self._ask("PUT", "/lab/api/settings/@jupyterlab/apputils-extension:themes", settings)

    def theme(self, page: Page, name: str) -> None:
        """Change the theme of an open page, and wait until it is drawn."""
        page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })", name)
        page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached")
        page.wait_for_timeout(500)

    def stop_kernels(self) -> None:
        """End every session, as if its tab and kernel had been closed."""
        for one in json.load(self._ask("GET", "/api/sessions")):
            self._ask("DELETE", f"/api/sessions/{one['id']}")

    def _ask(self, method: str, path: str, data: bytes | None = None):
        headers = {"Authorization": f"token {self.token}"}
        return urllib.request.urlopen(
            urllib.request.Request(self.url + path, data=data, method=method, headers=headers), timeout=30
        )


@contextmanager
def serve(root: Path) -> Iterator[Lab]:
    """JupyterLab on 127.0.0.1 with a token, serving ``root``; the user's own settings stay out of it."""
    home = root.parent / f"{root.name}-home"
    root.mkdir(parents=True, exist_ok=True)
    settings = home / "app-settings"
    settings.mkdir(parents=True)
    (settings / "overrides.json").write_text(SETTINGS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"]
    command += [f"--IdentityProvider.token={token}", f"--LabApp.app_settings_dir={settings}"]
    command += [
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.log_level=WARN",
    ]
    log = home / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(command, env=_environment(home), stdout=out, stderr=out, cwd=root)
        try:
            _wait(f"http://127.0.0.1:{port}/api/status?token={token}", server, log)
            yield Lab(f"http://127.0.0.1:{port}", token, root)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def launch(playwright: Playwright) -> Browser:
    """Start ``BRAINLAB_CHROMIUM``, else a Chromium on the PATH, else Playwright's own; an error where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("BRAINLAB_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    quiet = ["--disable-background-networking", "--disable-component-update", "--no-first-run", "--mute-audio"]
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # Chromium refuses root otherwise
    return playwright.chromium.launch(executable_path=found, args=quiet + root)


def open_page(browser: Browser, width: int = 1280, height: int = 1000, scale: float = 1) -> Page:
    """A page of its own context, ``scale`` device pixels to a CSS pixel; see ``complaints``."""
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=scale)
    page = context.new_page()
    page.set_default_timeout(60_000)
    said = _COMPLAINTS[page] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    return page


_COMPLAINTS: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()


def complaints(page: Page) -> list[str]:
    """The errors that the page has put on its console so far, and those that nothing caught."""
    return _COMPLAINTS.get(page, [])


def _environment(home: Path) -> dict[str, str]:
    """The environment with Jupyter's, IPython's and matplotlib's folders under ``home``."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    names += ("JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR", "MPLCONFIGDIR")
    folders = {name: str(home / name.lower()) for name in names}
    for one in folders.values():
        Path(one).mkdir(parents=True, exist_ok=True)
    threads = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
    # pytest's own mode would reach the kernels: code under test must not know that it is tested.
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTEST"))}
    return clean | folders | threads


def _wait(url: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(900):  # three minutes, for a machine with much else to do
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
