"""A web server on this computer for tests of downloads, with the ways in which real ones misbehave.

``served.put("a.zip", zip_of({"1.mat": b"…"}))`` returns the address; ``served.asked`` says what was asked and sent.
"""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What lies at one address, and how the server treats whoever asks for it."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/octet-stream"
    etag: str | None = None  # with its quotes, as '"abc"'
    modified: str | None = None  # as "Wed, 21 Oct 2015 07:28:00 GMT"
    encoding: str | None = None  # a Content-Encoding, which Apache adds to a .tar.gz
    ranges: bool = True  # False: a Range is ignored, and everything sent
    length: bool = True  # False: no Content-Length
    cut: int | None = None  # hang up after so many bytes
    stall: int | None = None  # send so many bytes, then nothing until ``served.released`` is set
    to: str | None = None  # redirect there


@dataclass
class Asked:
    """One request as it came in, and what was sent."""

    path: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0  # bytes of the body


class Served:
    """Pages by their path, each request noted in ``asked``."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.pages: dict[str, Page] = {}
        self.asked: list[Asked] = []
        self.released = threading.Event()  # ends every stall, and what is left is sent

    def put(self, path: str, body: bytes = b"", **behaviour) -> str:
        """Lay a page at a path, in the place of any before it; returns its address."""
        self.pages["/" + path] = Page(body, **behaviour)
        return f"{self.address}/{path}"

    @property
    def sent(self) -> int:
        """Bytes of all bodies together."""
        return sum(one.sent for one in self.asked)


@contextmanager
def serving() -> Iterator[Served]:
    """A server on a free port of 127.0.0.1, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.served = served = Served(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        served: Served = self.server.served  # type: ignore[attr-defined]
        asked = Asked(self.path, dict(self.headers))
        served.asked.append(asked)
        self.close_connection = True
        page = served.pages.get(self.path, Page(b"<html><title>Not here</title></html>", 404, "text/html"))
        first = self._first(page)
        asked.status = 206 if first else page.status
        self._head(page, asked.status, first)
        self._send(page, page.body[first:], asked, served)

    def _first(self, page: Page) -> int:
        """The first byte to send: what Range asks for, where If-Range agrees."""
        wanted = self.headers.get("Range", "")
        if not page.ranges or page.status != 200 or not wanted:
            return 0
        condition = self.headers.get("If-Range")
        return int(wanted.removeprefix("bytes=").rstrip("-")) if condition in (None, page.etag, page.modified) else 0

    def _head(self, page: Page, status: int, first: int) -> None:
        self.send_response(status)
        total = len(page.body)
        fields = {
            "Content-Type": page.kind,
            "Content-Length": str(total - first) if page.length else None,
            "Content-Range": f"bytes {first}-{total - 1}/{total}" if first else None,
            "Content-Encoding": page.encoding,
            "ETag": page.etag,
            "Last-Modified": page.modified,
            "Location": page.to,
            "Connection": "close",
        }
        for name, value in fields.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def _send(self, page: Page, body: bytes, asked: Asked, served: Served) -> None:
        end = len(body) if page.cut is None else min(page.cut, len(body))
        stall = end if page.stall is None else min(page.stall, end)
        try:
            self._write(body[:stall], asked)
            if page.stall is not None:
                served.released.wait(60)
            self._write(body[stall:end], asked)
        except OSError:  # whoever asked has hung up
            pass

    def _write(self, body: bytes, asked: Asked) -> None:
        for start in range(0, len(body), 65536):
            piece = body[start : start + 65536]
            self.wfile.write(piece)
            asked.sent += len(piece)
        self.wfile.flush()

    def log_message(self, format, *args) -> None:
        pass


def checksum(body: bytes, kind: str = "md5") -> str:
    """ "md5:…" or "sha256:…", as a catalogue writes it."""
    return f"{kind}:{hashlib.new(kind, body).hexdigest()}"


def tar_of(members: Mapping[str, bytes | tarfile.TarInfo], gz: bool = True) -> bytes:
    """A tar of files by their names; a ``TarInfo`` stands for itself, for links and devices."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz" if gz else "w") as tar:
        for name, body in members.items():
            info = body if isinstance(body, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(body, tarfile.TarInfo) else body
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of files by their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()
