"""A brain scan from a file to slices that a model can read, and an anomaly map back into the scan's own space."""

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import torch
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from torch import Tensor

from brainlab import brainmask, geometry, imagefile, levels, planes
from brainlab.errors import InputError
from brainlab.filenames import stem, subject_and_contrast
from brainlab.intensity import Range, intensity_range, normalise, rescale
from brainlab.planes import plane
from brainlab.slices import About, Slices

__all__ = [
    "Original",
    "Range",
    "Volume",
    "brain_mask",
    "intensity_range",
    "normalise",
    "plane",
    "read",
    "rescale",
    "save",
    "slices",
    "to_volume",
]


class Original(NamedTuple):
    """The grid in the file itself, which results are saved in."""

    shape: tuple[int, int, int]
    affine: np.ndarray  # (4, 4) from the file's voxels to world mm
    header: Any  # nibabel's NIfTI header; None where the file is of another format


@dataclass(frozen=True, eq=False)
class Volume:
    """One scan: its axes turned to run to the patient's right, to anterior and to superior (RAS+)."""

    data: np.ndarray  # (X, Y, Z) float32, in the file's own (scaled) units
    affine: np.ndarray  # (4, 4) from voxels of ``data`` to world mm
    path: Path
    original: Original
    about: About


def read(path: str | os.PathLike, volume: int | None = None, *, mask: bool = False) -> Volume:
    """Read a NIfTI (.nii, .nii.gz, .hdr/.img), Analyze (.hdr/.img) or FreeSurfer (.mgh, .mgz) image.

    ``volume`` names one of a 4-D file's volumes, from 0. With ``mask=True`` a file of nothing but 0 is read too: the
    lesion mask of a healthy person, which as a scan is refused. Whatever cannot become a right picture, from a cut
    download to a header that claims terabytes, raises InputError with a sentence that names the file and the mend. A
    file that does not say which side is left (old Analyze) is read as radiological, with a warning.
    """
    found = as_stored(path, volume, mask=mask)
    return replace(found, data=np.ascontiguousarray(found.data))


def as_stored(path: str | os.PathLike, volume: int | None = None, *, mask: bool = False) -> Volume:
    """As ``read``, but ``data`` is a view that lies in memory as in the file, mostly with x the quickest to change.

    Laying a volume out anew takes as long as unpacking it, and who only wants slices of it has no need of that.
    """
    claim = imagefile.claim(path)
    raw = imagefile.voxels(claim, volume, mask)
    if not claim.oriented:
        warnings.warn(
            f"{claim.path} does not say which side is left; it is read as stored radiologically (patient's left last), "
            f"as Analyze files mostly are. Check it against the original scan.",
            stacklevel=3,
        )
    turn = io_orientation(claim.affine)
    affine = claim.affine @ inv_ornt_aff(turn, raw.shape)
    about = About(Path(path).name, "not known; ask where the file came from", "", synthetic=False)
    here = Path(path).expanduser().absolute()  # save must know the scan's file wherever the notebook has moved to
    original = Original(claim.shape[:3], claim.affine, claim.header)
    return Volume(apply_orientation(raw, turn), affine, here, original, about)


def brain_mask(volume: Volume) -> np.ndarray:
    """Brain (X, Y, Z) bool of a skull-stripped scan; InputError, with what to do, where the skull is still there."""
    return brainmask.brain_mask(volume.data, volume.affine, str(volume.path))


def slices(volume: Volume, size: int = 64, positions_mm=None, lesions: Volume | None = None) -> Slices:
    """Axial slices of a skull-stripped scan, as models take them: (N, 1, size, size), normalised, 0 outside the brain.

    ``positions_mm``: heights in world mm; by default 16 over the brain, as in the phantoms
    (``geometry.axial_positions``). ``lesions``: a mask of the same patient in the same world space, where one was
    drawn (``read(..., mask=True)``); then slices are labelled "lesion" or "healthy", else "unknown". Raises InputError
    for a scan with its skull and for positions beside the brain.
    """
    brain = brain_mask(volume)
    data, brain, affine = _cropped(volume, brain)
    extent = _extent(brain, affine)
    heights = geometry.axial_positions(*extent) if positions_mm is None else positions_mm
    box = geometry.bounding_box(*extent)
    heights, centre = _check_heights(heights, box[:, 2], volume.path), box.mean(axis=0)
    scale = intensity_range(data.T, brain.T)  # turned so that voxels are taken in the order that they lie in memory
    images, inside = levels.cut(data, brain, affine, scale, heights, size, centre)
    masks = torch.zeros_like(inside)
    if lesions is not None:
        masks = _cut(lesions.data > 0.5, lesions.affine, heights, size, centre) & inside
    has_lesion = masks.flatten(1).any(1).tolist()
    subject, contrast = subject_and_contrast(volume.path)
    n = len(heights)
    return Slices(
        images=images * inside,
        masks=masks,
        brain=inside,
        subjects=(subject,) * n,
        labels=tuple("unknown" if lesions is None else "lesion" if one else "healthy" for one in has_lesion),
        position_mm=heights,
        visit=(stem(volume.path),) * n,
        affine=np.stack([geometry.slice_affine(size, (*centre[:2], z)) for z in heights]),
        contrast=contrast,
        spacing=geometry.pixel_mm(size),
        about=volume.about,
    )


def to_volume(maps: Tensor | np.ndarray, slices: Slices, like: Volume) -> np.ndarray:
    """Maps (N, 1, H, W) over ``slices`` as one volume in the voxel grid of the file that ``like`` was read from.

    Between slices it is interpolated; 0 where no slice reaches (above, below and beside them). Float32, or bool (at
    least half) for boolean maps. Raises InputError unless there is one map a slice, all of one scan.
    """
    stack = np.asarray(maps)
    if stack.shape != tuple(slices.images.shape):
        raise InputError(f"There must be one map a slice: maps are {stack.shape}, images {tuple(slices.images.shape)}.")
    beside = slices.affine[:, :3] - slices.affine[:1, :3]
    beside[:, 2, 3] = 0
    if len(np.unique(slices.position_mm)) < len(slices) or np.abs(beside).max(initial=0) > 1e-6 or not len(slices):
        raise InputError("The slices must be of one scan, each at a height of its own; pick one subject's first.")
    filled = planes.fill(stack[:, 0], slices.affine[0], slices.position_mm, like.original.shape, like.original.affine)
    return filled >= 0.5 if stack.dtype == bool else filled


def save(path: str | os.PathLike, array: Tensor | np.ndarray, like: Volume) -> Path:
    """Save ``array``, in ``like``'s own voxel grid, as NIfTI in its own space: shape, affine and space codes are kept.

    ``path`` ends in .nii or .nii.gz. The file is written aside and then moved into place, so that an interrupt leaves
    nothing half-written; an earlier result is replaced, the scan that ``like`` was read from never. Bool becomes uint8,
    anything else float32. Raises InputError for another shape, for NaN or infinite values, and where it cannot write.
    """
    target, values = Path(path).expanduser(), np.asarray(array)
    if not target.name.lower().endswith((".nii", ".nii.gz")):
        raise InputError(f"{target} must end in .nii or .nii.gz.")
    if values.shape != like.original.shape:
        raise InputError(
            f"An array of shape {values.shape} does not lie in {like.path}, which is {like.original.shape}."
        )
    if np.shares_memory(values, like.data) and nib.aff2axcodes(like.original.affine) != ("R", "A", "S"):
        raise InputError(
            "These are the voxels of volume.data, whose axes were turned to RAS, and the file's run otherwise: they "
            "would be saved mirrored. Save what volumes.to_volume gives, or copy the scan's file."
        )
    if not np.isfinite(values).all():
        raise InputError("The array has NaN or infinite values; replace them (numpy.nan_to_num) before saving it.")
    if _is_input(target, like):
        raise InputError(f"{target} is the scan itself; save the result under another name.")
    image = _image(values.astype(np.uint8 if values.dtype == bool else np.float32), like.original)
    aside = target.with_name(f".{os.getpid()}-{target.name}")
    try:
        nib.save(image, aside)
        os.replace(aside, target)
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error.strerror or error}); name another folder.") from None
    finally:
        aside.unlink(missing_ok=True)
    return target


def _cropped(volume: Volume, brain: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Data, brain and affine of the box that the brain fills: what lies outside it is 0 in every slice.

    In memory each axial level lies together, so that one can be cut without a look at the others.
    """
    ends = brainmask.ends(brain)
    box = tuple(slice(first, last + 1) for first, last in ends)
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [first for first, _ in ends]
    return np.asfortranarray(volume.data[box]), np.asfortranarray(brain[box]), affine


def _extent(brain: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A mask and its affine with the bounding box of a brain that fills its grid: of an upright grid just its corners,
    whose box is quick to find."""
    if np.count_nonzero(affine[:3, :3]) > 3:
        return np.ascontiguousarray(brain), affine
    spread = affine.copy()
    spread[:3, :3] *= np.array(brain.shape) - 1
    return np.ones((2, 2, 2), dtype=bool), spread


def _cut(data: np.ndarray, affine: np.ndarray, heights: np.ndarray, size: int, centre: np.ndarray) -> Tensor:
    """Axial slices (N, 1, size, size) of a volume at ``heights``."""
    cuts = [plane(data, affine, "axial", z, size, centre) for z in heights]
    return torch.from_numpy(np.stack(cuts))[:, None]


def _check_heights(positions_mm, span: np.ndarray, path: Path) -> np.ndarray:
    """Positions as (N,) float, all of them heights in the brain."""
    try:
        heights = np.asarray(positions_mm, dtype=float).ravel()
    except (TypeError, ValueError):
        heights = np.array([])  # not numbers
    if not len(heights) or not np.all((heights >= span[0]) & (heights <= span[1])):
        raise InputError(
            f"positions_mm must be heights in the brain of {path}, {span[0]:.0f} to {span[1]:.0f} mm, "
            f"got {positions_mm!r}."
        )
    return heights


def _is_input(target: Path, like: Volume) -> bool:
    """Whether a path is the scan's own file, under whatever name, or the other half of its pair."""
    own = [like.path, *(like.path.with_suffix(end) for end in (".hdr", ".img"))]
    return target.exists() and any(one.exists() and target.samefile(one) for one in own)


def _image(values: np.ndarray, original: Original) -> nib.Nifti1Image:
    """NIfTI of values in the original's space; with its header, freed of what described the scan's intensities."""
    kind = nib.Nifti2Image if isinstance(original.header, Nifti2Header) else nib.Nifti1Image
    image = kind(values, original.affine, original.header)
    image.set_data_dtype(values.dtype)
    header = image.header
    for name in ("db_name", "data_type"):  # of NIfTI-1: who or what it was to a program of the nineties
        if name in header:
            header[name] = b""
    header.extensions.clear()  # a whole DICOM header may stand there
    header["cal_max"] = header["cal_min"] = 0  # viewers window by these, where they are not 0
    header["descrip"], header["aux_file"] = b"brainlab result: for teaching, not for clinical use", b""
    header.set_intent("none")
    return image
