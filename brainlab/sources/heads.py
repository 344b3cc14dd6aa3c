"""Whole heads of a collection as slices: each head's brain is cut out first, once.

Extraction takes seconds to minutes a head, so the brain is kept in the cache. One head is in memory at a time, and
after it only its slices. The extraction that brainlab knows wants a T1-weighted scan: for another contrast it is run on
the T1 of the same session, and its outline is laid over the other scan by their world coordinates. That is right to
the extent that the person lay still between the two, which in one session is mostly a millimetre or two.
"""

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
from scipy import ndimage

from brainlab import cache, volumes
from brainlab.errors import InputError
from brainlab.slices import About, Slices, joined
from brainlab.volumes import Volume


class Head(NamedTuple):
    """One scan of a collection."""

    path: Path
    subject: str
    visit: str
    t1: Path | None = None  # the T1 of the session, where ``path`` has another contrast
    lesions: Path | None = None  # a mask in the scan's world space
    kind: str = "lesion"  # the label of slices in which the mask marks something


def read(heads: Sequence[Head], about: About, name: str, size: int = 64) -> Slices:
    """16 axial slices a head, in their order: (N, 1, size, size). Slices without a lesion are labelled healthy.

    ``name`` is the source's: its folder in the cache. A head that cannot be used is left out with a warning; raises
    InputError where the first one cannot, for then likely none can, as without brain extraction installed.
    """
    parts: list[Slices] = []
    for head in heads:
        try:
            parts.append(_slices(head, about, name, size))
        except InputError as error:
            if not parts:
                raise
            warnings.warn(f"{head.path.name} is left out: {error}", stacklevel=2)
    return joined(parts)


def _slices(head: Head, about: About, name: str, size: int) -> Slices:
    lesions = volumes.read(head.lesions, mask=True) if head.lesions else None
    kept = ("brains", name, head.path.name)
    brain = cache.shared(*kept) or cache.cache_dir().joinpath(*kept)
    if not brain.is_file() or brain.stat().st_mtime < head.path.stat().st_mtime:
        _keep(brain, _cut_out(head))
    cut = volumes.slices(volumes.read(brain), size, lesions=lesions)
    return replace(
        cut,
        subjects=(head.subject,) * len(cut),
        visit=(head.visit,) * len(cut),
        labels=tuple(head.kind if one == "lesion" else "healthy" for one in cut.labels),
        about=about,
    )


def _cut_out(head: Head) -> Volume:
    """The head's scan with everything but the brain set to 0."""
    from brainlab.preprocessing import extract_brain

    if head.t1 is None:
        return extract_brain(volumes.read(head.path))
    t1, scan = extract_brain(volumes.read(head.t1)), volumes.read(head.path)
    from_t1 = volumes.brain_mask(t1).astype(np.float32)
    to_t1 = np.linalg.inv(t1.affine) @ scan.affine
    inside = ndimage.affine_transform(from_t1, to_t1, output_shape=scan.data.shape, order=1) >= 0.5
    return replace(scan, data=np.where(inside, scan.data, np.float32(0)))


def _keep(path: Path, brain: Volume) -> None:
    """Save a brain, aside first, so that an interrupt leaves nothing half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        nib.save(nib.Nifti1Image(brain.data, brain.affine), aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
