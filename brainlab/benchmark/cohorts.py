"""Whom a benchmark is about: phantoms, real people with lesions put in, and patients with lesions of their own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainlab import data, geometry, insertion, lesioned, lesions, metrics, planes, realism, volumes
from brainlab.errors import InputError
from brainlab.slices import Slices, joined
from brainlab.sources import images

REAL_SHAPES = "plaques"
"""The kind of lesion whose outlines were drawn by a reader around a patient's plaques, put into someone else."""
VAL = 10  # real people whose healthy slices give the thresholds
PATIENTS = ("patient07", "patient26")  # of ms_lesions_mni: those who have a FLAIR there, beside the outlines
FINE = 208  # pixels of 1 mm, as the outlines were drawn
SIZE = 64


class Cohort(NamedTuple):
    """Three groups of other people each. A test scan's ``visit`` is "healthy", or kind and level as "tumour-hypo"."""

    source: str  # what the table calls it
    train: Slices  # healthy: to learn from
    val: Slices  # healthy: thresholds
    test: Slices  # with the truth
    note: str  # one sentence on the lesions, fixed before anything was trained


def phantom(contrast: str = "T1w", size: int = SIZE, seed: int = 0) -> Cohort:
    """The synthetic population: each test person healthy, and with each kind of lesion at each level."""
    train, val, test = (data.load("phantom", split, contrast, size, seed) for split in ("train", "val", "test"))
    dark, alike, bright = (lesions.CONTRASTS[level] for level in ("hypo", "iso", "hyper"))
    note = (
        f"Lesions: hypo {dark:g} × the darker of grey and white matter, iso {alike:g} × grey matter, "
        f"hyper {bright:g} × the brighter of both; tumours (without their oedema), plaques and infarcts of 2 to 90 ml."
    )
    return Cohort(f"phantom {contrast}", train, val, test, note)


def few(cohort: Cohort, people: int) -> Cohort:
    """The same cohort with its first ``people`` of the test alone: what takes a second a slice cannot ask them all."""
    some = sorted(set(cohort.test.subjects))[:people]
    return cohort._replace(test=cohort.test[np.isin(cohort.test.subjects, some)])


def real(folder: Path, patients: Path | None = None, seed: int = 0) -> Cohort:
    """Real healthy slices (``oasis_t1_slices``) with lesions put into those of people held out.

    Into every second slice of twenty people go, one at a time, an invented tumour, plaques or infarct, and, where the
    folder of ``patients`` (``ms_lesions_mni``) is given, the outlines of one patient's plaques at the same height.
    """
    everyone = images.load(folder, SIZE, where={"class": ["healthy"], "level": realism.LEVELS})
    learn, test = realism.split(everyone, 60, 20)
    people = sorted(set(learn.subjects))
    held = np.isin(learn.subjects, people[-VAL:])
    healthy = replace(test, visit=("healthy",) * len(test), labels=("healthy",) * len(test))
    outlines = None if patients is None else list(_outlines(patients, np.unique(test.position_mm)))
    sick = [
        _outlined(healthy, level, outlines)
        if kind == REAL_SHAPES and outlines
        else lesioned.visit(healthy, kind, level, seed)
        for kind in (*realism.LESIONS, *([REAL_SHAPES] if outlines else []))
        for level in lesioned.LEVELS
    ]
    note = (
        f"Lesions: put into real slices, {lesioned.STRENGTH:g} darker (hypo) or brighter (hyper) than the tissue they "
        "replace, or at the brain's median (iso); invented tumours, plaques and infarcts"
        + (", and outlines of real plaques." if outlines else ".")
    )
    return Cohort("real T1w, lesions put in", learn[~held], learn[held], joined([healthy, *sick]), note)


def patients(folder: Path) -> Cohort:
    """Real plaques in FLAIR of two patients (``ms_lesions_mni``); to learn from, phantoms: healthy FLAIR is wanting."""
    train, val = (data.load("phantom", split, "FLAIR", SIZE) for split in ("train", "val"))
    found = [_patient(folder / name) for name in PATIENTS]
    fine = [volumes.slices(*_scan(folder / name, FINE)).masks for name in PATIENTS]
    outlined = sum(metrics.lesion_recall(mask, mask).lesions for mask in fine)
    lost = sum(metrics.resample_mask(mask, SIZE).lost for mask in fine)
    note = (
        "Lesions: plaques that readers outlined in two patients with multiple sclerosis, too few for intervals; "
        f"{lost} of {outlined} outlines in these slices are too small for {SIZE} px and are lost. Everything, "
        "thresholds too, was learnt from phantoms: the false-positive rate that these promise does not carry over."
    )
    return Cohort("real FLAIR, real plaques", train, val, joined(found), note)


def _patient(folder: Path) -> Slices:
    if not (folder / "FLAIR.nii.gz").exists():
        raise InputError(f"{folder} has no FLAIR.nii.gz: give the folder ms_lesions_mni, with a folder a patient.")
    found = volumes.slices(*_scan(folder, SIZE))
    n = len(found)
    return replace(found, subjects=(folder.name,) * n, visit=("plaques-real",) * n, contrast="FLAIR")


def _scan(folder: Path, size: int) -> tuple[volumes.Volume, int, None, volumes.Volume]:
    """What ``volumes.slices`` takes: a patient's FLAIR, the size, the usual heights, the outlines."""
    return volumes.read(folder / "FLAIR.nii.gz"), size, None, volumes.read(folder / "LESION.nii.gz", mask=True)


def _outlined(healthy: Slices, level: str, outlines: list[Tensor]) -> Slices:
    """Each slice with the plaques that a reader outlined in a patient at its height."""
    heights = np.unique(healthy.position_mm)
    made = []
    for i, (x, brain, z) in enumerate(zip(healthy.images, healthy.brain, healthy.position_mm, strict=True)):
        person = outlines[i // len(heights) % len(outlines)]
        shape = person[int(np.searchsorted(heights, z))]
        made.append(insertion.paint(x, brain, shape, lesioned.LEVELS[level]))
    return lesioned.painted(healthy, REAL_SHAPES, level, made)


def _outlines(folder: Path, heights: np.ndarray) -> Iterator[Tensor]:
    """Every patient's plaques (heights, 1, SIZE, SIZE) bool, at ``heights`` in mm of the MNI's space.

    The masks lie in that space; the middle of its brain, in one patient's FLAIR, comes to lie on the middle of each
    brain that they are put into. Brains are not warped onto each other: what falls outside is cut off.
    """
    found = sorted(folder.glob("*/LESION.nii.gz"))
    if not found:
        raise InputError(f"{folder} has no */LESION.nii.gz: give the folder ms_lesions_mni, with a folder a patient.")
    scan = volumes.read(folder / PATIENTS[0] / "FLAIR.nii.gz")
    brain = volumes.brain_mask(scan)
    centre = geometry.bounding_box_centre(brain, scan.affine)
    for path in found:
        mask = volumes.read(path, mask=True)
        yield planes.axial(torch.from_numpy(mask.data > 0.5).float(), mask.affine, heights, SIZE, centre) >= 0.5
