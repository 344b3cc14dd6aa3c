"""Voilà on this computer only, behind a token, with a kernel that is warm before the page is opened.

Voilà starts the kernel and runs the notebook at once; the notebook says through a file that all scenes work, and only
then the browser is opened. When that page is taken, Voilà warms the next kernel, so that a reload is quick as well.
"""

import json
import logging
import os
import secrets
import socket
import tempfile
import threading
import time
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from brainlab.demo.scenes import Scene
from brainlab.errors import InputError

HERE = Path(__file__).resolve().parent
PORT = 8866
PATIENCE_S = 1800  # for the first start, which grows synthetic brains
PLAN = "BRAINLAB_DEMO"  # the environment variable that tells a kernel what to show, as JSON
EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget")


def serve(
    scenes: Sequence[Scene],
    *,
    font: int = 22,
    theme: str = "light",
    port: int = PORT,
    browser: bool = True,
    warm: bool = True,
    token: str = "",
) -> int:
    """Serve scenes until Ctrl-C; returns the exit code. ``warm`` False starts a kernel only when the page is opened.

    Raises InputError where Voilà is not installed, or where the scenes do not work.
    """
    if find_spec("voila") is None:
        raise InputError("A demo needs Voilà: install it with pip install -e '.[demo]' in brainlab's folder.")
    token, port = token or secrets.token_hex(16), free_port(port)
    link = f"http://127.0.0.1:{port}/?token={token}"
    with tempfile.TemporaryDirectory(prefix="brainlab-demo-") as folder:
        ready = Path(folder) / "ready"
        plan = {"scenes": [asdict(one) for one in scenes], "font": font, "ready": str(ready) if warm else ""}
        os.environ[PLAN] = json.dumps(plan)
        os.environ["JUPYTER_PATH"] = os.pathsep.join(
            filter(None, [str(HERE / "jupyter"), os.environ.get("JUPYTER_PATH")])
        )
        os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # this environment's kernel, whatever else is installed
        os.environ["IPYTHONDIR"] = _quiet(Path(folder) / "ipython")
        if warm:
            print(
                "Warming up. The first time on a computer this takes minutes: synthetic brains are grown.", flush=True
            )
        app = _voila(port, token, theme, warm)
        said: list[str] = []
        threading.Thread(
            target=_announce, args=(app, link, ready if warm else None, browser, said), daemon=True
        ).start()
        app.start()
    if said:
        raise InputError(said[0])
    return 0


def free_port(port: int) -> int:
    """This port of 127.0.0.1, or another one where it is taken."""
    for wanted in (port, 0):
        with socket.socket() as probe, suppress(OSError):
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            return probe.getsockname()[1]
    raise InputError("This computer has no free port: close other programs.")


def _voila(port: int, token: str, theme: str, warm: bool):
    """Voilà with the settings of a demo, none of the user's own."""
    from traitlets.config import Config
    from voila.app import Voila

    logging.getLogger().addHandler(logging.NullHandler())  # a terminal on a projector shows the link and nothing else
    config = Config()
    config.Voila.update(ip="127.0.0.1", port=port, port_retries=0, token=token, open_browser=False)
    config.Voila.update(config_file_paths=[], log_level=logging.CRITICAL)
    config.Voila.tornado_settings = {
        "ws_ping_interval": 90_000,
        "ws_ping_timeout": 90_000,
    }  # ms: a busy laptop is not gone
    config.KernelManager.shutdown_wait_time = 1.0  # s
    config.VoilaConfiguration.update(template="brainlab", theme=theme, preheat_kernel=warm, show_tracebacks=False)
    config.VoilaConfiguration.update(extension_allowlist=list(EXTENSIONS), file_allowlist=[])
    app = Voila(config=config)
    app.initialize([str(HERE / "demo.ipynb")])
    return app


def _quiet(folder: Path) -> str:
    """A folder of settings for the kernels: nothing of the user's runs in them, and no warnings reach the terminal."""
    (folder / "profile_default").mkdir(parents=True)
    settings = {"IPKernelApp": {"log_level": logging.ERROR}}
    (folder / "profile_default" / "ipython_kernel_config.json").write_text(json.dumps(settings))
    return str(folder)


def _announce(app, link: str, ready: Path | None, browser: bool, said: list[str]) -> None:
    """Wait until the kernel is warm, say where the page is, and open it; stop where the scenes do not work."""
    if ready:
        begun = time.monotonic()
        while not ready.exists() and time.monotonic() - begun < PATIENCE_S:
            time.sleep(0.1)
        silent = f"No kernel has answered in {PATIENCE_S // 60} minutes: run brainlab doctor."
        if problem := ready.read_text(encoding="utf-8") if ready.exists() else silent:
            said.append(problem)
            app.ioloop.add_callback(app.ioloop.stop)
            return
    print(f"{link}\nr resets, n and p change the scene, f fills the screen. Ctrl-C stops.", flush=True)
    if browser:
        webbrowser.open(link)
