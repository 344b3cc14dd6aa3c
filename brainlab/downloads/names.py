"""Names of files that every system can hold, and that stay inside the folder they are meant for."""

import re
import unicodedata

NO_WINDOWS_NAME = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
LONGEST_PART, LONGEST = 240, 1000  # bytes; systems allow 255 for a part, and our own endings need a few


def trouble(name: str) -> str | None:
    """Why a relative path cannot be kept, as the end of "its name …"; None where it can."""
    parts = tidy(name).split("/")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "is an absolute path"
    if ".." in re.split(r"[/\\]", name):
        return "leads out of its folder"
    if "\\" in name or NO_WINDOWS_NAME.search(name):
        return "has a character that not every system allows"
    if any(not part or part.endswith((".", " ")) or DEVICE.fullmatch(part) for part in parts):
        return "is one that not every system allows"
    try:
        if len(name.encode()) > LONGEST or any(len(part.encode()) > LONGEST_PART for part in parts):
            return "is too long"
    except UnicodeEncodeError:
        return "is not text"
    return None


def tidy(name: str) -> str:
    """The name without "./" in front and "/" behind, which tar likes to write."""
    return name.removeprefix("./").removesuffix("/")


def folded(name: str) -> str:
    """The same for two names that Windows or macOS take for one, such as "a/B.png" and "A/b.png"."""
    return unicodedata.normalize("NFC", tidy(name)).casefold()
