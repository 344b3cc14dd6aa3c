"""A scan to practise on, as it might come from a hospital: tilted, shaded, in arbitrary units, and with a name in it.

Everything that a phantom lacks beside a real file is put in on purpose, so that each step of lesson 07 has something to
do; and as the lesion is ours, its mask is known. The person is invented, their name too.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import torch
from scipy import ndimage

from brainlab import lesions, phantoms, volumes
from brainlab.fields import generator
from brainlab.lessons import journal
from brainlab.volumes import Volume

SEED, LESION_SEED = 7_700_007, 5  # no person of the phantom's splits has this seed
LESION_ML = 4.0
GROWN_MM = 2.0  # as the shipped models' people: it takes some seconds
VOXEL_MM = (1.2, 1.2, 4.0)  # thick slices, as FLAIR is mostly taken in clinics
SHAPE = (152, 176, 44)
TILT_DEGREES = (14.0, -3.0)  # about the left-right axis, as radiographers tilt slices, and about the vertical
COILS_MM = ((75.0, 75.0, 35.0), (-80.0, 40.0, 60.0), (10.0, -110.0, 60.0))  # where receiving coils lie in the world
COIL_WEIGHTS = (1.0, 0.35, 0.3)  # what each adds: one is much closer, as when a head lies askew
COIL_REACH_MM = 85.0
UNITS = 870.0  # what 1 of brightness becomes: MRI has no units
NOISE = 12.0  # in the same units
FLOOR = 45.0  # the darkest brain voxel: a scanner's fluid is dark, not blank
SCALP_MM = (9.0, 15.0)  # from the brain's surface; below lie fluid and bone
SECRET = "Erika Beispiel *1968-04-12 MRN 004711"


class PracticeScan(NamedTuple):
    """Two files: the scan, and the mask of its lesion on the same grid."""

    path: Path
    truth: Path


def practice_scan(folder: str | os.PathLike | None = None) -> PracticeScan:
    """Write the practice scan, a FLAIR of an invented patient, unless it lies there already; returns its files.

    ``folder`` is by default ``practice`` in the learner's own folder. Growing the head takes some ten seconds.
    """
    place = journal.folder() / "practice" if folder is None else Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files = PracticeScan(place / "scan_FLAIR.nii.gz", place / "scan_lesion_mask.nii.gz")
    if not all(one.exists() for one in files):
        _write(files)
    return files


def with_skull(volume: Volume) -> Volume:
    """A stripped scan with dark bone and bright scalp drawn around its brain; the head may be cut off at the edge."""
    brain = volumes.brain_mask(volume)
    voxel_mm = np.linalg.norm(volume.affine[:3, :3], axis=0)
    away = np.asarray(ndimage.distance_transform_edt(~brain, sampling=voxel_mm))
    bright = np.percentile(volume.data[brain], 99)
    noise = torch.rand(*brain.shape, generator=generator(SEED, "skull")).numpy()
    data = np.where(brain, volume.data, bright * (0.02 + 0.05 * noise))
    scalp = (away > SCALP_MM[0]) & (away <= SCALP_MM[1])
    data[scalp] = bright * (0.9 + 0.3 * noise[scalp])
    return replace(volume, data=data.astype(np.float32))


def _write(files: PracticeScan) -> None:
    person = phantoms.subject(SEED, spacing_mm=GROWN_MM, ventricle_size=1.3, cortical_thinning=0.4)
    ill = lesions.add(person, "tumour", LESION_SEED, size_ml=LESION_ML)
    bright = lesions.override(ill.subject, "hyper", "FLAIR")
    affine = _affine()
    seen = _resliced(phantoms.render(ill.subject, "FLAIR", override=bright), person.affine, affine)
    brain, lesion = (_resliced(one.float(), person.affine, affine) >= 0.5 for one in (ill.subject.brain, ill.mask))
    rng = generator(SEED, "practice scan")
    noise = torch.randn(*SHAPE, generator=rng).numpy()
    units = (FLOOR + UNITS * seen) * _shading(affine) + NOISE * noise
    _save(files.path, np.where(brain, units.clip(1), 0).astype(np.int16), affine, SECRET)
    _save(files.truth, lesion.astype(np.uint8), affine, "")


def _affine() -> np.ndarray:
    """From voxels to world mm: axes run to the left, to posterior and down (LPI), tilted; the head in the middle."""
    about_x, about_z = np.radians(TILT_DEGREES)
    c, s = np.cos(about_x), np.sin(about_x)
    tilt = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = np.cos(about_z), np.sin(about_z)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = tilt @ turn @ np.diag([-1, -1, -1]) @ np.diag(VOXEL_MM)
    affine[:3, 3] = np.array([0, -16.8, 5]) - affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    return affine


def _shading(affine: np.ndarray) -> np.ndarray:
    """What the coils lay over the picture (X, Y, Z): the same tissue is brighter near one; 1 in the head's middle."""
    points = np.moveaxis(np.indices(SHAPE), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    gain = np.zeros(SHAPE)
    for place, weight in zip(COILS_MM, COIL_WEIGHTS, strict=True):
        gain += weight / (1 + ((points - place) ** 2).sum(axis=-1) / COIL_REACH_MM**2)
    return gain / gain[tuple(n // 2 for n in SHAPE)]


def _resliced(volume: torch.Tensor, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """A volume (X, Y, Z) on the target's grid; through a thick slice it is averaged, as a scanner does."""
    to_voxel = np.linalg.inv(source) @ target
    cuts = []
    for through in (-0.375, -0.125, 0.125, 0.375):  # of a slice's thickness
        beside = to_voxel @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, through], [0, 0, 0, 1]])
        cuts.append(ndimage.affine_transform(volume.numpy(), beside, output_shape=SHAPE, order=1))
    return np.mean(cuts, axis=0)


def _save(path: Path, data: np.ndarray, affine: np.ndarray, words: str) -> None:
    image = nib.Nifti1Image(data, affine)
    image.header["descrip"] = words.encode()
    image.set_qform(affine, code="scanner")
    image.set_sform(affine, code="scanner")
    nib.save(image, path)
