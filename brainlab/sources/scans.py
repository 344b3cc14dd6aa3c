"""Scans read one after another as slices: of thousands only a few are in memory at a time."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from brainlab import geometry, volumes
from brainlab.errors import InputError
from brainlab.slices import About, Slices
from brainlab.sources.pairing import Scan
from brainlab.volumes import Volume

AT_ONCE = 2  # volumes under way: gunzip and numpy let go of the interpreter, so two cores are kept busy
FINE = 208  # pixels of 1 mm


def stream(scans: Sequence[Scan], size: int = 64, about: About | None = None) -> Iterator[Slices]:
    """Each scan's slices in turn, as ``volumes.slices`` cuts them; two are read at a time, in threads.

    Of a lesion as small as a pixel the mask keeps nothing, so a slice's label is taken from the mask at 1 mm: it is the
    same at every ``size``. Raises InputError, which names the file, at the first that cannot be used: none is skipped.
    """
    ahead: deque[Future[Slices]] = deque()
    with ThreadPoolExecutor(AT_ONCE, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for scan in scans:
                ahead.append(pool.submit(read, scan, size, about))
                if len(ahead) == AT_ONCE:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for one in ahead:
                one.cancel()


def read(scan: Scan, size: int = 64, about: About | None = None) -> Slices:
    """One scan's slices, with the masks and labels that its mask gives."""
    volume = volumes.as_stored(scan.item.path)
    lesions = None if scan.mask is None else volumes.read(scan.mask, mask=True)
    cut = volumes.slices(volume, size, lesions=lesions)
    labels = cut.labels
    if lesions is not None:
        labels = _labels(cut, volume, lesions)
    elif scan.item.healthy:
        labels = ("healthy",) * len(cut)
    return replace(
        cut,
        subjects=(scan.item.subject,) * len(cut),
        labels=labels,
        contrast=scan.item.contrast,
        about=about or cut.about,
    )


def _labels(cut: Slices, volume: Volume, lesions: Volume) -> tuple[str, ...]:
    """ "lesion" or "healthy" by the mask at 1 mm; InputError for a mask that lies beside the brain."""
    marked = lesions.data > 0.5
    if not marked.any():
        return ("healthy",) * len(cut)
    _check_place(marked, volume, lesions)
    centre = _middle(cut)
    fine = [volumes.plane(marked, lesions.affine, "axial", z, FINE, centre) for z in cut.position_mm]
    return tuple("lesion" if one.any() or mask.any() else "healthy" for one, mask in zip(fine, cut.masks, strict=True))


def _middle(cut: Slices) -> np.ndarray:
    """World mm (3,) in the middle of the first slice."""
    half = (cut.images.shape[-1] - 1) / 2
    return (cut.affine[0] @ [half, half, 0, 1])[:3]


def _check_place(marked: np.ndarray, volume: Volume, lesions: Volume) -> None:
    low, high = geometry.bounding_box(marked, lesions.affine)
    ends = np.array([[0, 0, 0], np.array(volume.data.shape) - 1])
    corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), -1).reshape(-1, 3)
    world = corners @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    if (low > world.max(axis=0)).any() or (high < world.min(axis=0)).any():
        raise InputError(
            f"{lesions.path} marks nothing inside {volume.path}, whose mask it should be; both must lie in one space: "
            f"register the mask to the scan."
        )


def named(folder: Path) -> About:
    """What is known of a folder of someone's own."""
    return About(folder.name, "not known; ask where the files came from", "", synthetic=False)
