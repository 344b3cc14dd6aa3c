"""The synthetic population: five splits of subjects grown from seeds, built once and kept in the cache."""

import hashlib
import inspect
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor
from tqdm.auto import tqdm

from brainlab import anatomy, contrast, cortex, fields, geometry, growth, intensity, lesions, phantoms, planes
from brainlab.cache import cache_dir, shared
from brainlab.errors import InputError
from brainlab.slices import About, Slices

ABOUT = About(
    source="brainlab phantom: synthetic subjects grown from the MNI152 atlas in nilearn; no patient is shown",
    licence="MNI notice (McConnell Brain Imaging Centre, McGill University): free to use, copy, modify and distribute",
    citation="Fonov et al. 2011, NeuroImage 54:313-327 (the atlas)",
    synthetic=True,
)
SLICES_A_SUBJECT = 16
SUBJECTS = {"train": 120, "val": 20, "labelled": 40, "dev": 20, "test": 40}
"""How many subjects a split has; splits take consecutive numbers, so no subject is in two."""

HEALTHY = ("healthy",)
NATURAL = ("healthy", *lesions.KINDS)  # each lesion as bright as the signal equation makes it
PAIRED = ("healthy", *(f"{kind}-{level}" for kind in lesions.KINDS for level in lesions.CONTRASTS))
VISITS = {"train": HEALTHY, "val": HEALTHY, "labelled": NATURAL, "dev": PAIRED, "test": PAIRED}
"""The scans of each subject in a split: "healthy", or a lesion's kind, or its kind and contrast, as "tumour-hypo"."""

POPULATION = 1_000_003  # subject n of population s has seed s * POPULATION + n: no two populations share a subject
LEVELS = 65535  # images are kept as 16-bit integers: finer than any noise, at half the size


class _Visit(NamedTuple):
    """One scan of one subject, cut into slices."""

    images: Tensor  # (N, 1, size, size) in [0, 1]
    masks: Tensor
    brain: Tensor
    positions: np.ndarray  # (N,)
    affine: np.ndarray  # (N, 4, 4)


def load(split: str, mr_contrast: str = "T1w", size: int = 64, seed: int = 0) -> Slices:
    """A split of the population as Slices, from the cache or built now; see ``brainlab.data.load``."""
    if split not in SUBJECTS:
        raise InputError(f"split must be one of {', '.join(SUBJECTS)}, got {split!r}.")
    if mr_contrast not in contrast.SEQUENCES:
        raise InputError(f"contrast must be one of {', '.join(contrast.SEQUENCES)}, got {mr_contrast!r}.")
    if size % 16 or not 32 <= size <= 256:
        raise InputError(f"size must be a multiple of 16 from 32 to 256, got {size}.")
    name = f"{split}-{mr_contrast}-{size}px-seed{seed}-{RECIPE}.safetensors"
    if (ready := shared("phantom", name)) and _readable(ready):
        return _read(ready)
    path = cache_dir() / "phantom" / name
    path.parent.mkdir(exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # a second notebook waits here, then finds the file
        if not _readable(path):
            _write(path, build(split, mr_contrast, size, seed))
    return _read(path)


def fill(mr_contrast: str = "T1w", size: int = 64, seed: int = 0) -> Path:
    """Grow all splits that are not there yet, as an instructor does for a class; returns the folder they lie in."""
    for split in SUBJECTS:
        load(split, mr_contrast, size, seed)
    return cache_dir() / "phantom"


def build(split: str, mr_contrast: str, size: int, seed: int, subjects: int | None = None) -> Slices:
    """The split computed anew; ``subjects`` stops after so many."""
    wanted = numbers(split)[:subjects]

    def grow(number: int) -> list[_Visit]:
        return _scan(seed * POPULATION + number, VISITS[split], mr_contrast, size)

    with (
        fields.one_thread(),
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):  # a subject a core: the sums stay in one order
        described = f"Growing {len(wanted)} synthetic subjects ({split}, {mr_contrast}, {size} px)"
        grown = list(tqdm(pool.map(grow, wanted), total=len(wanted), desc=described, unit="subject"))
    return _gather(grown, wanted, split, mr_contrast, size, seed)


def numbers(split: str) -> range:
    """Which subjects of a population a split holds: each split takes the numbers after the one before it."""
    names = list(SUBJECTS)
    first = sum(SUBJECTS[name] for name in names[: names.index(split)])
    return range(first, first + SUBJECTS[split])


def _scan(seed: int, visits: tuple[str, ...], mr_contrast: str, size: int) -> list[_Visit]:
    """Every scan of one subject. The lesion of a kind has one shape, whatever its contrast: the scans are paired."""
    healthy = phantoms.subject(seed, spacing_mm=2.0 if size <= 104 else 1.0)
    places = geometry.axial_positions(healthy.brain.numpy(), healthy.affine, SLICES_A_SUBJECT)
    centre = geometry.bounding_box_centre(healthy.brain.numpy(), healthy.affine)
    affine = np.stack([geometry.slice_affine(size, (*centre[:2], z)) for z in places])

    def cut(volume: Tensor) -> Tensor:
        return planes.axial(volume, healthy.affine, places, size, centre)

    brain = cut(healthy.brain) >= 0.5
    sick = {kind: lesions.add(healthy, kind, seed) for kind in lesions.KINDS if any(v.startswith(kind) for v in visits)}
    scans = []
    for visit in visits:
        kind, _, level = visit.partition("-")
        subject, mask = sick[kind] if kind in sick else (healthy, torch.zeros_like(healthy.brain))
        override = lesions.override(subject, level, mr_contrast) if level else None
        images = cut(phantoms.render(subject, mr_contrast, override=override)) * brain
        scans.append(_Visit(images, (cut(mask) >= 0.5) & brain, brain, places, affine))
    return scans


def _gather(grown: list[list[_Visit]], wanted: range, split: str, mr_contrast: str, size: int, seed: int) -> Slices:
    """Scans of many subjects as one set of Slices, one subject after the other."""
    scans = [scan for one in grown for scan in one]
    names = [(f"phantom-{seed}-{number:04d}", visit) for number in wanted for visit in VISITS[split]]
    factors = [asdict(phantoms.draw_factors(seed * POPULATION + n)) for n in wanted for _ in VISITS[split]]
    masks = torch.cat([scan.masks for scan in scans])
    each = [(subject, visit) for subject, visit in names for _ in range(SLICES_A_SUBJECT)]
    lesion = masks.flatten(1).any(dim=1).tolist()
    return Slices(
        images=torch.cat([scan.images for scan in scans]),
        masks=masks,
        brain=torch.cat([scan.brain for scan in scans]),
        subjects=tuple(subject for subject, _ in each),
        labels=tuple(v.split("-")[0] if sick else "healthy" for (_, v), sick in zip(each, lesion, strict=True)),
        position_mm=np.concatenate([scan.positions for scan in scans]),
        visit=tuple(visit for _, visit in each),
        affine=np.concatenate([scan.affine for scan in scans]),
        contrast=mr_contrast,
        spacing=geometry.pixel_mm(size),
        about=ABOUT,
        factors={k: np.repeat([one[k] for one in factors], SLICES_A_SUBJECT) for k in factors[0]},
    )


def _recipe() -> str:
    """Eight letters that change when the code that makes a phantom does: an old cache is then never taken for a new."""
    rooms = (anatomy, contrast, cortex, fields, geometry, growth, intensity, lesions, phantoms, planes)
    source = "".join(inspect.getsource(room) for room in rooms) + Path(__file__).read_text(encoding="utf-8")
    return hashlib.sha256(source.encode()).hexdigest()[:8]


RECIPE = _recipe()
"""Taken at import, like the code itself: a kernel left open during an update must not file old phantoms as new."""


def _write(path: Path, slices: Slices) -> None:
    """Write beside the path first, then rename: whoever interrupts this leaves no half file."""
    arrays = {
        "images": (slices.images * LEVELS).round().numpy().astype(np.uint16),
        "masks": np.packbits(slices.masks.numpy(), axis=-1),
        "brain": np.packbits(slices.brain.numpy(), axis=-1),
        "position_mm": slices.position_mm,
        "affine": slices.affine,
        **{f"factors/{name}": value for name, value in (slices.factors or {}).items()},
    }
    words = {"subjects": slices.subjects, "labels": slices.labels, "visit": slices.visit}
    words |= {"contrast": slices.contrast, "spacing": slices.spacing}
    half = path.with_suffix(f".{os.getpid()}.part")
    try:
        save_file(
            {name: np.ascontiguousarray(value) for name, value in arrays.items()}, half, {"words": json.dumps(words)}
        )
        os.replace(half, path)
    except OSError as error:
        raise InputError(
            f"The cache {path.parent} cannot be written ({error.strerror}): free some disk space."
        ) from error
    finally:
        half.unlink(missing_ok=True)


def _readable(path: Path) -> bool:
    try:
        with safe_open(path, "numpy"):
            return True
    except (FileNotFoundError, SafetensorError):
        return False


def _read(path: Path) -> Slices:
    with safe_open(path, "numpy") as file:
        array = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict: only keys() iterates
        words = json.loads(file.metadata()["words"])
    return Slices(
        images=torch.from_numpy(array["images"]).float() / LEVELS,
        masks=_unpacked(array["masks"]),
        brain=_unpacked(array["brain"]),
        subjects=tuple(words["subjects"]),
        labels=tuple(words["labels"]),
        position_mm=array["position_mm"],
        visit=tuple(words["visit"]),
        affine=array["affine"],
        contrast=words["contrast"],
        spacing=words["spacing"],
        about=ABOUT,
        factors={k.removeprefix("factors/"): v for k, v in array.items() if k.startswith("factors/")},
    )


def _unpacked(bits: np.ndarray) -> Tensor:
    return torch.from_numpy(np.unpackbits(bits, axis=-1).astype(bool))
