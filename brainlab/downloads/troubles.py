"""What goes wrong between a web server and a disk, each as one sentence that says what to do."""

import errno
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
AGAIN = "try again later"


def unreachable(error: "requests.RequestException", url: str) -> str:
    """Why no answer came at all."""
    import requests  # not above: whoever only looks what is here needs no network library

    host, text = urlsplit(url).netloc, repr(error)
    if isinstance(error, requests.TooManyRedirects):
        return f"{url} leads from one address to the next without end: {AGAIN}, or tell the source's makers."
    if isinstance(error, requests.Timeout):
        return f"{host} does not answer: check the network connection, or {AGAIN}."
    if isinstance(error, requests.exceptions.ProxyError):
        return f"The proxy to {host} cannot be used: correct the environment variable HTTPS_PROXY, or unset it."
    if isinstance(error, requests.exceptions.SSLError):
        return f"The connection to {host} is not safe: check this computer's date, or use a network without a filter."
    if "NameResolution" in text or "getaddrinfo" in text or "gaierror" in text:
        return f"The name {host} cannot be found: check the network connection; offline, the phantoms still work."
    if isinstance(error, requests.ConnectionError):
        return f"{host} cannot be reached: check the network connection; offline, the phantoms still work."
    return f"{url} cannot be asked for ({error}): tell the source's makers."


def refusal(status: int, url: str, title: str = "") -> str:
    """What an answer without the file means."""
    page = f" (its page is called {title!r})" if title else ""
    if status in (404, 410):
        return f"{url} is not there any more (status {status}){page}: update brainlab, or look at the source's page."
    if status in (401, 403):
        return f"{url} is not given to this computer (status {status}){page}: try another network, or {AGAIN}."
    if status == 429 or status >= 500:
        return f"{urlsplit(url).netloc} is busy or broken (status {status}){page}: {AGAIN}."
    return f"{url} was answered with status {status}{page}, not with the file: {AGAIN}, or look at the source's page."


def web_page(name: str, url: str, title: str) -> str:
    """A page where a file was expected: a login of the network, a firewall's question, or an error in disguise."""
    called = f", called {title!r}," if title else ""
    return f"A web page{called} came instead of {name}: open {url} in a browser to see what it wants, then try again."


def title_of(start: bytes) -> str:
    """The title of a page, from its first bytes; empty where it has none."""
    found = re.search(rb"<title[^>]*>(.*?)</title", start, re.IGNORECASE | re.DOTALL)
    return " ".join(html.unescape(found[1].decode(errors="replace")).split())[:80] if found else ""


def is_page(start: bytes) -> bool:
    """Whether bytes begin like a web page."""
    return re.match(rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)?<(!doctype html|html|head)\b", start, re.I | re.S) is not None


def disk(error: OSError, folder: Path) -> str:
    """Why something could not be written."""
    if error.errno in FULL:
        return f"The disk of {folder} is full: free some space, or set BRAINLAB_CACHE to a folder on another disk."
    return (
        f"{folder} cannot be written ({error.strerror or error}): make it writable, or set BRAINLAB_CACHE to another."
    )
