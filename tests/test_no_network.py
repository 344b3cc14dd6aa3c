"""The guard under which test_notebooks.py runs every lesson does refuse a connection, and finds it out."""

import subprocess
import sys
from pathlib import Path

import no_network
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

CELL_SECONDS = 60


@pytest.fixture
def attempts(tmp_path, monkeypatch):
    """Guard every Python started from here, kernels too; the function gives what they attempted."""
    folder = tmp_path / "guard"
    folder.mkdir()
    environment, log = no_network.install(folder)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return lambda: log.read_text().splitlines() if log.exists() else []


def run(notebook: NotebookNode, folder: Path) -> None:
    NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(folder)}}).execute()


@pytest.mark.notebook
def test_a_notebook_that_opens_a_page_fails_and_is_found_out(attempts, tmp_path):
    cell = new_code_cell("import urllib.request\nurllib.request.urlopen('http://example.org', timeout=5)")
    with pytest.raises(CellExecutionError, match="refused"):
        run(new_notebook(cells=[cell]), tmp_path)
    assert attempts()[0] == "socket.getaddrinfo 'example.org'"


HIDDEN = {
    "by number": "import socket; socket.create_connection(('93.184.216.34', 80), 1)",
    "without raising": "import socket; socket.socket().connect_ex(('93.184.216.34', 80))",
    "a datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('93.184.216.34', 53))",
    "over IPv6": "import socket; socket.socket(socket.AF_INET6).connect(('2606:2800:220:1::', 80))",
    "beneath the library": "import _socket; _socket.socket().connect(('93.184.216.34', 80))",
    "an old look-up": "import socket; socket.gethostbyname('example.org')",
    "asynchronously": "import asyncio; asyncio.run(asyncio.open_connection('93.184.216.34', 80))",
    "another program": "import subprocess; subprocess.run(['curl', 'http://example.org'])",
    "another Python": "import subprocess, sys; subprocess.run([sys.executable, '-c', "
    "'import socket; socket.create_connection((\"93.184.216.34\", 80))'], check=True)",
}


@pytest.mark.parametrize("how", HIDDEN)
def test_an_attempt_is_refused_and_found_out_however_it_is_made(how, attempts):
    quiet = f"try:\n    {HIDDEN[how]}\nexcept Exception:\n    print('caught')"  # as telemetry does
    ran = subprocess.run([sys.executable, "-c", quiet], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "caught"
    assert len(attempts()) == 1


def test_this_computer_may_talk_to_itself(attempts):
    talk = (
        "import socket, asyncio, tempfile, os\n"
        "server = socket.create_server(('127.0.0.1', 0)); socket.create_connection(server.getsockname()).close()\n"
        "socket.getaddrinfo('localhost', 80)\n"
        "if hasattr(socket, 'AF_UNIX'):\n"
        "    path = os.path.join(tempfile.mkdtemp(), 's')\n"
        "    server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()\n"
        "    socket.socket(socket.AF_UNIX).connect(path)\n"
        "print('done')"
    )
    ran = subprocess.run([sys.executable, "-c", talk], capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "done", ran.stderr
    assert attempts() == []
