"""One file over HTTP, going on where a cut connection stopped: the downloader that pooch is given."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import requests
import urllib3
from tqdm.auto import tqdm

from brainlab.downloads import troubles
from brainlab.downloads.catalogue import amount
from brainlab.errors import InputError

TIMEOUT_S = (10.0, 30.0)  # to connect, and between two pieces of the answer
PIECE = 1 << 16  # bytes read at once, and the most that a cut connection loses
REDIRECTS = 10
# The host of neurite-OASIS, for one, answers an agent that it does not know with a page of status 403.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


class Resuming:
    """Called by pooch as ``downloader(url, output_file, pooch)``; what has arrived is in ``part`` until it is whole.

    Beside ``part`` lies what the server said of the file, so that a file that has changed since is not glued to the
    part of an older one. Raises InputError for all that can go wrong; only a cut connection leaves ``part`` behind,
    and success, so that an interrupt while pooch takes the checksum loses nothing: call ``forget`` after that.
    """

    def __init__(self, name: str, part: Path, size: int | None = None) -> None:
        self.name, self.part, self.said = name, part, part.with_name(f"{part.name}.json")
        self.bytes = size  # of the whole file, where the catalogue knows it
        self.resumed = False  # whether the last call went on with an older part

    def __call__(self, url: str, output_file: Any, pooch: Any = None) -> None:
        """Fetch ``url`` into ``output_file``."""
        try:
            if self.bytes and self._size() > self.bytes:
                self.forget()  # it is of another file
            kept, said = self._size(), self._said(url)
            self.resumed = kept > 0
            if not kept or kept != said.get("total"):  # else only the last step was missed
                with self._ask(url, kept, said) as answer:
                    self._save(answer, url)
            self._hand_over(output_file)
        finally:
            if not self._size():
                self.forget()

    def _hand_over(self, output_file: Any) -> None:
        """Give the file a second name where the disk allows it: who interrupts the checking keeps the part."""
        os.remove(output_file)
        try:
            os.link(self.part, output_file)
        except OSError:
            os.replace(self.part, output_file)

    def forget(self) -> None:
        """Remove the part."""
        self.part.unlink(missing_ok=True)
        self.said.unlink(missing_ok=True)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _said(self, url: str) -> dict[str, Any]:
        """What the server said when the part was begun, if it was at this address."""
        try:
            said = json.loads(self.said.read_text(encoding="utf-8"))
            return said if said["url"] == url else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    @contextmanager
    def _ask(self, url: str, kept: int, said: dict[str, Any]) -> Iterator[requests.Response]:
        """The answer to a request for what is missing, or for the whole where the server knows no parts."""
        with requests.Session() as session:
            session.max_redirects = REDIRECTS
            headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
            more = {"Range": f"bytes={kept}-"} | ({"If-Range": said["tag"]} if said.get("tag") else {}) if kept else {}
            answer = _get(session, url, headers | more)
            if kept and (answer.status_code == 416 or (answer.status_code == 206 and _first(answer) != kept)):
                answer.close()
                answer = _get(session, url, headers)
            with answer:
                yield answer

    def _save(self, answer: requests.Response, url: str) -> None:
        """Write the body to ``part``, from its end where the answer goes on from there."""
        start = _first(answer) if answer.status_code == 206 else 0
        self.resumed = start > 0
        length = answer.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else self.bytes
        pieces = answer.raw.stream(PIECE, decode_content=False)  # as it is: a checksum is of what lies on the server
        try:
            first = next(pieces, b"")
            self._look_at(answer, first, url, start)
            if not start:
                self._begin(answer, url, total)
            with (
                self.part.open("ab") as file,
                tqdm(desc=self.name, total=total, initial=start, unit="B", unit_scale=True) as bar,
            ):
                for piece in chain([first], pieces):
                    write(file, piece)
                    bar.update(len(piece))
                    if self.bytes and file.tell() > self.bytes:
                        raise _TooLong
        except _TooLong:
            self.forget()
            raise InputError(
                f"{url} sends more than the {amount(self.bytes or 0)} of {self.name}, so it is another file; nothing "
                f"was kept: try again later."
            ) from None
        except urllib3.exceptions.HTTPError as error:  # the connection's; those of the disk are OSErrors
            raise InputError(self._cut(total, error)) from error
        except OSError as error:
            self.forget()
            raise InputError(troubles.disk(error, self.part.parent)) from error
        if total is not None and self._size() < total:  # urllib3 before 2 says nothing of this
            raise InputError(self._cut(total))

    def _look_at(self, answer: requests.Response, first: bytes, url: str, start: int) -> None:
        """Raise InputError unless the answer is the file."""
        status, said = answer.status_code, "text/html" in answer.headers.get("Content-Type", "")
        page = troubles.is_page(first) or (said and b"\0" not in first)  # some servers call an archive text/html
        title = troubles.title_of(first) if page else ""
        if page and status < 300 and not start:
            raise InputError(troubles.web_page(self.name, url, title))
        if status not in (200, 206) or (status == 206 and start != self._size()):
            raise InputError(troubles.refusal(status, url, title))

    def _begin(self, answer: requests.Response, url: str, total: int | None) -> None:
        """Start anew: note what the server says of the file, once there is room for it."""
        self.forget()
        free = shutil.disk_usage(self.part.parent).free
        if total and total > free:
            room = f"{self.name} needs {amount(total)}, and {self.part.parent} has {amount(free)} left"
            raise InputError(f"{room}: free some space, or set BRAINLAB_CACHE to a folder on another disk.")
        etag = answer.headers.get("ETag", "")
        tag = etag if etag.startswith('"') else answer.headers.get("Last-Modified")  # a weak tag, W/"…", will not do
        self.said.write_text(json.dumps({"url": url, "tag": tag, "total": total}), encoding="utf-8")

    def _cut(self, total: int | None, error: Exception | None = None) -> str:
        stalled = isinstance(error, urllib3.exceptions.ReadTimeoutError)
        how = "sends nothing any more" if stalled else "broke the connection"
        of = f" of {amount(total)}" if total else ""
        kept = f"{amount(self._size())}{of} are kept, so try again to go on from there"
        return f"The server of {self.name} {how}: {kept if self._size() else 'nothing had arrived yet, so try again'}."


class _TooLong(Exception):
    """More has come than the file has."""


def write(file: Any, piece: bytes) -> None:
    """Write a piece; by itself, so that a test can fill the disk."""
    file.write(piece)


def _get(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    try:
        return session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise InputError(troubles.unreachable(error, url)) from error


def _first(answer: requests.Response) -> int:
    """The number of the first byte that a partial answer holds; -1 where it does not say."""
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else -1
