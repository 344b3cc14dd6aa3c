"""A painting on disk: an ``.npz`` that ``data.load`` reads like any other, and a PNG to show around."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from brainlab.errors import InputError
from brainlab.slices import Slices
from brainlab.widgets.frame import Picture
from brainlab.widgets.still import colour

SIDE = 512  # px of each picture in the PNG
LOOK = {"low": 0.0, "high": 1.0, "opacity": 0.6, "threshold": 0.5}


def save(slices: Slices, pictures: Sequence[Picture], folder: Path) -> Path:
    """Write ``painting-N.npz`` and ``painting-N.png`` with the first N that is free; return the former's path.

    ``pictures`` stand side by side in the PNG. Raises InputError where the folder cannot be written.
    """
    number = 1
    while (path := folder / f"painting-{number}.npz").exists() or path.with_suffix(".png").exists():
        number += 1
    arrays: dict[str, Any] = {one: getattr(slices, one).numpy() for one in ("images", "masks", "brain")}
    arrays |= {one: np.array(getattr(slices, one)) for one in ("subjects", "labels", "visit")}
    arrays |= {one: getattr(slices, one) for one in ("position_mm", "affine", "spacing", "contrast")}
    try:
        np.savez_compressed(path, **{name: one for name, one in arrays.items() if one is not None})
        _sheet(pictures).save(path.with_suffix(".png"))
    except OSError as error:
        mend = "make it writable, or work in another folder"
        raise InputError(f"The painting cannot be saved in {folder} ({error.strerror}): {mend}.") from error
    return path


def _sheet(pictures: Sequence[Picture]) -> Image.Image:
    panel = {"colours": "grey", "overlay_colours": "amber"}
    sheet = Image.new("RGB", (len(pictures) * SIDE, SIDE))
    for k, one in enumerate(pictures):
        tile = Image.fromarray(colour(one, LOOK, panel)).resize((SIDE, SIDE), Image.Resampling.NEAREST)
        sheet.paste(tile, (k * SIDE, 0))
    return sheet
