"""What a widget shows at one moment: pictures and plots, a sentence about them, perhaps a table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from brainlab.widgets.plots import Lines, Points, Readings


class Picture(NamedTuple):
    """What one panel shows: bytes, and the values that bytes 0 and 255 stand for."""

    image: np.ndarray  # (H, W) uint8
    span: tuple[float, float] = (0.0, 1.0)
    overlay: np.ndarray | None = None  # (H, W) uint8, drawn over the image where it is above the threshold
    overlay_span: tuple[float, float] = (0.0, 1.0)


class Table(NamedTuple):
    """Numbers beside the pictures: a row is a name, a text, and a length in [0, 1] for its bar (or None)."""

    caption: str
    rows: list[tuple[str, str, float | None]]


Content = Picture | Lines | Points | Readings
TAKES = {"picture": Picture, "swipe": Picture, "curve": Lines, "scatter": Points, "lookup": Readings}  # by panel kind


class Frame(NamedTuple):
    """One answer: what every panel shows and the sentence that says so without the picture."""

    pictures: Mapping[str, Any]  # a ``Content`` by name: a ``Picture`` for a ``Panel`` and so on, see ``TAKES``
    readout: str
    table: Table | None = None
    disabled: tuple[str, ...] = ()  # controls without effect just now
    spoken: Mapping[str, str] = MappingProxyType(
        {}
    )  # what a screen reader says for a control instead of its number and unit


def to_bytes(values: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Float array to uint8, ``span`` to 0 and 255, clipped; NaN becomes 0."""
    low, high = span
    scaled = (np.asarray(values, dtype=np.float32) - low) * (255 / max(high - low, 1e-12))
    return np.nan_to_num(scaled, nan=0.0).clip(0, 255).round().astype(np.uint8)


def packed(name: str, content: Content, kinds: Mapping[str, str]) -> dict[str, Any]:
    """A content as the browser takes it; ``kinds[name]`` is its panel's. An error says what came instead."""
    if name not in kinds or not isinstance(content, TAKES[kinds[name]]):
        wanted = f"takes {TAKES[kinds[name]].__name__}" if name in kinds else "does not exist"
        raise TypeError(f"the frame has {type(content).__name__} for panel {name!r}, which {wanted}")
    return _packed_picture(content) if isinstance(content, Picture) else content.packed()


def _packed_picture(picture: Picture) -> dict[str, Any]:
    """uint8 (H, W), or an error that says what came instead."""
    for one in (picture.image, picture.overlay):
        if one is not None and (one.dtype != np.uint8 or one.shape != picture.image.shape or one.ndim != 2):
            raise TypeError(f"a picture must be uint8 (H, W), got {one.dtype} {one.shape}")
    height, width = picture.image.shape
    return {
        "width": width,
        "height": height,
        "span": [float(one) for one in picture.span],
        "image": picture.image.tobytes(),
        "overlay": None if picture.overlay is None else picture.overlay.tobytes(),
        "overlay_span": [float(one) for one in picture.overlay_span],
    }
