"""Scans read one after another as slices: of thousands only a few are in memory at a time."""

import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from brainlab import filenames, geometry, volumes
from brainlab.errors import InputError
from brainlab.slices import About, Slices
from brainlab.sources import folders
from brainlab.sources.pairing import Scan
from brainlab.volumes import Volume

AT_ONCE = 2  # volumes under way: gunzip and numpy let go of the interpreter, so two cores are kept busy
FINE = 208  # pixels of 1 mm
BETWEEN = "lesion-nearby"
"""Label of the slice nearest to a lesion that no slice shows: its patient is ill, and is never taken for healthy."""

SHIFTED = 10  # mm from a scan's grid to its mask's of the same shape, and something is wrong
POINTS = 20_000  # voxels of a mask that are looked at, to see whether it lies in the brain


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
    for path in (scan.item.path, scan.mask):
        if path:
            folders.check_fetched(path)
    volume = volumes.as_stored(scan.item.path)
    lesions = None if scan.mask is None else volumes.read(scan.mask, mask=True)
    cut = volumes.slices(volume, size, lesions=lesions)
    labels = cut.labels
    if lesions is not None:
        labels = _labels(cut, volume, lesions)
    elif scan.item.label:
        labels = (scan.item.label,) * len(cut)
    session = scan.item.session
    told = not session or filenames.visit(Path(scan.item.path.name))
    return replace(
        cut,
        subjects=(scan.item.subject,) * len(cut),
        labels=labels,
        visit=cut.visit if told else tuple(f"{session}/{name}" for name in cut.visit),
        contrast=scan.item.contrast,
        about=about or cut.about,
    )


def _labels(cut: Slices, volume: Volume, lesions: Volume) -> tuple[str, ...]:
    """ "lesion" or "healthy" by the mask at 1 mm, and ``BETWEEN`` for the slice next to a lesion that all of them miss;
    InputError for a mask that lies beside the brain."""
    marked = lesions.data > 0.5
    if not marked.any():
        return ("healthy",) * len(cut)
    _check_place(marked, volume, lesions)
    centre = _middle(cut)
    fine = [volumes.plane(marked, lesions.affine, "axial", z, FINE, centre) for z in cut.position_mm]
    sick = np.array([one.any() or bool(mask.any()) for one, mask in zip(fine, cut.masks, strict=True)])
    labels = np.where(sick, "lesion", "healthy").tolist()
    if not sick.any():
        height = np.median(_world(marked, lesions.affine)[:, 2])
        labels[np.abs(cut.position_mm - height).argmin()] = BETWEEN
    return tuple(labels)


def _middle(cut: Slices) -> np.ndarray:
    """World mm (3,) in the middle of the first slice."""
    half = (cut.images.shape[-1] - 1) / 2
    return (cut.affine[0] @ [half, half, 0, 1])[:3]


def _world(marked: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """World mm (N, 3) of the marked voxels, of many an even sample."""
    index = np.argwhere(marked)
    index = index[:: -(-len(index) // POINTS)]
    return index @ affine[:3, :3].T + affine[:3, 3]


def _check_place(marked: np.ndarray, volume: Volume, lesions: Volume) -> None:
    """InputError where hardly any of the marked voxels lies in the brain, a warning where most do not."""
    back, world = np.linalg.inv(volume.affine), _world(marked, lesions.affine)
    index = np.round(world @ back[:3, :3].T + back[:3, 3]).astype(int)
    index = index[((index >= 0) & (index < volume.data.shape)).all(axis=1)]
    if marked.shape == volume.data.shape and np.abs(_box(lesions) - _box(volume)).max() > SHIFTED:
        warnings.warn(
            f"{lesions.path} has as many voxels as {volume.path}, whose mask it should be, but lies elsewhere by its "
            f"header; if both were drawn on one grid, copy the scan's affine to the mask.",
            stacklevel=2,
        )
    share = np.count_nonzero(volumes.brain_mask(volume)[tuple(index.T)]) / len(world)
    mend = "both must lie in one space: register the mask to the scan."
    if share < 0.1:
        what = "nothing inside" if share == 0 else "next to nothing inside the brain of"
        raise InputError(f"{lesions.path} marks {what} {volume.path}, whose mask it should be; {mend}")
    if share < 0.5:
        warnings.warn(
            f"Of what {lesions.path} marks only {share:.0%} lies inside the brain of {volume.path}; {mend}",
            stacklevel=2,
        )


def _box(volume: Volume) -> np.ndarray:
    """Lowest and highest world mm (2, 3) that a volume's grid reaches, however its axes run."""
    return geometry.bounding_box(np.ones(volume.data.shape, dtype=bool), volume.affine)


def named(folder: Path) -> About:
    """What is known of a folder of someone's own."""
    return About(folder.name, "not known; ask where the files came from", "", synthetic=False)
