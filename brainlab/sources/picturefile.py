"""One picture file (PNG, JPEG, TIFF, BMP) as grey values: 8 or 16 bit or float, one page or many, upright."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image

from brainlab.errors import InputError

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
MOST_KINDS = 16  # a mask whose largest value is no higher numbers its kinds of tissue


def inside(folder: Path, text: str, whence: str) -> Path:
    """The file that a table names, which must lie inside the folder; ``whence`` opens the sentence if it does not."""
    windows = PureWindowsPath(text)  # knows both \\ and /, and so what a table written on either system means
    if "\0" in text or windows.anchor or PurePosixPath(text).anchor or ".." in windows.parts or not windows.parts:
        raise InputError(f"{whence} names {text[:80]!r}, which must be a path inside {folder}; correct the row.")
    return folder.joinpath(*windows.parts)


def pages(path: Path) -> int:
    """How many pictures a file holds: 1, but for a TIFF of several pages."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return 1
    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception as error:
        raise _unreadable(path, error) from None


def grey(path: Path, page: int | None = None) -> np.ndarray:
    """Grey values (H, W) float32 of a file, or of one of its pages (from 0); InputError unless finite and varied."""
    found = _values(path, page)
    if not np.isfinite(found).all():
        raise InputError(f"{path} has pixels that are NaN or infinite; replace them, or leave the file out.")
    if np.ptp(found) == 0 or (found.max() > 1 and np.ptp(found) < 2):
        raise InputError(f"{path} is of one shade: there is no brain in it; remove its row from index.csv.")
    return found


def mask(path: Path, of: Path, shape: tuple[int, ...], page: int | None = None) -> np.ndarray:
    """The mask of the picture ``of``, as 0 and 1, (H, W) float32."""
    try:
        found = _values(path, page)
    except InputError as error:
        raise InputError(f"{path}, the mask of {of.name}, cannot be used: {error}") from None
    if found.shape != shape:
        raise InputError(f"{path} is {found.shape} and its picture {tuple(shape)}; a mask needs its picture's size.")
    # Masks are written as 0 and 255, perhaps with a soft edge, as 0 and 1, or with a small number for each kind.
    least = 0 if found.max() <= MOST_KINDS and (found == found.round()).all() else found.max() / 2
    return (found > least).astype(np.float32)


def _values(path: Path, page: int | None) -> np.ndarray:
    try:
        with Image.open(path) as image:
            several = int(getattr(image, "n_frames", 1)) if path.suffix.lower() in (".tif", ".tiff") else 1
            if page is None and several > 1:
                raise InputError(f"{path} has {several} pages; say which in a column page, from 0 to {several - 1}.")
            if page is not None and not 0 <= page < several:
                raise InputError(f"{path} has no page {page}; its pages are 0 to {several - 1}.")
            if page:
                image.seek(page)
            plain = image.mode == "F" or image.mode.startswith("I")
            return np.asarray(image if plain else image.convert("L")).astype(np.float32)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path} is named in index.csv but is not there; correct the row or add the file.") from None
    except Exception as error:  # Pillow raises many kinds, OSError and SyntaxError among them, for a damaged file
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path} cannot be read as a picture ({reason}); replace the file or remove its row.")
