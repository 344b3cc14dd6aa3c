"""A guard that lets a Python process reach nobody but itself, and writes down whoever tries.

``sitecustomize`` puts it into a process before anything else runs (``install(folder)`` gives the environment for that).
It is an audit hook: Python calls it from within every connect, send and name look-up, whichever library asks, and
nothing that runs later can take it out again. Loopback stays open: a notebook's kernel talks to its client there. What
it cannot see is a connection that compiled code makes without Python, as ZeroMQ does between kernel and client.
"""

import os
import sys
from pathlib import Path

LOG = "BRAINLAB_NO_NETWORK_LOG"
LOOPBACK = ("localhost", "::1", "")
PROGRAMS = ("curl", "wget", "ssh", "scp", "rsync", "git", "ftp", "nc")  # of other processes only the obvious are caught


def install(folder: Path) -> tuple[dict[str, str], Path]:
    """Environment variables under which every new Python is guarded, and the file that attempts are written to."""
    (folder / "sitecustomize.py").write_text(Path(__file__).read_text() + "\n\nguard()\n")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    log = folder / "attempts.log"
    return {"PYTHONPATH": path, LOG: str(log)}, log


def is_near(address: object) -> bool:
    """Whether an address is this computer: a path (AF_UNIX), or a host that loops back."""
    if not isinstance(address, tuple):
        return isinstance(address, (str, bytes, int))
    return is_near_host(address[0] if address else "")


def is_near_host(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name is None or name in LOOPBACK or (isinstance(name, str) and name.startswith("127."))


def refused(event: str, args: tuple) -> str | None:
    """What an audited event tries to reach beyond this computer; None where it does not."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        return None if args[1] is None or is_near(args[1]) else repr(args[1])
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        return None if is_near_host(args[0]) else repr(args[0])
    if event in ("socket.gethostbyaddr", "socket.getnameinfo"):
        host = args[0][0] if isinstance(args[0], tuple) else args[0]
        return None if is_near_host(host) else repr(host)
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
        return repr(args[0]) if os.path.basename(os.fsdecode(args[0])) in PROGRAMS else None
    return None


def guard() -> None:
    """Refuse, and log, from now on and to this process's end."""
    log = os.environ[LOG]

    def hook(event: str, args: tuple) -> None:
        if reached := refused(event, args):
            with open(log, "a") as file:
                file.write(f"{event} {reached}\n")
            raise PermissionError(f"{event} to {reached} is refused: nothing may leave this computer")

    sys.addaudithook(hook)
