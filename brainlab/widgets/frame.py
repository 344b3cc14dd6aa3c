"""What a widget shows at one moment: pictures as bytes, a sentence about them, perhaps a table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np


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


class Frame(NamedTuple):
    """One answer: what every panel shows and the sentence that says so without the picture."""

    pictures: dict[str, Picture]
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


def packed(picture: Picture) -> dict[str, Any]:
    """A picture as the browser takes it; uint8 (H, W) or an error that says what came instead."""
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
