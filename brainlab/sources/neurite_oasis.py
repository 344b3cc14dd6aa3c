"""One coronal T1 slice of each of 414 adults aged 18 to 96: neurite-OASIS, two-dimensional.

Hoopes and Dalca took OASIS-1 (Marcus et al. 2007), removed skull and bias field with FreeSurfer, aligned every brain to
FreeSurfer's Talairach space and kept coronal slice 109 of it, with tissues segmented: cortex, deep grey matter, white
matter, fluid.

Traps. A hundred of the OASIS subjects have very mild to moderate dementia, and the archive does not say who: labels
are "unknown". Who needs healthy brains alone filters by the clinical table of OASIS (CDR 0), which is to be had at
oasis-brains.org. Ids have gaps, so ``subjects.txt`` is read. Some OASIS people were scanned twice (MR1, MR2); one
person is one subject here. These slices are coronal: a model of axial slices knows nothing of them.

Where a pixel lies follows from how the slices were made and not from the files: FreeSurfer's 256 x 256 x 256 grid of
1 mm, whose axes run to the patient's left, down and to the front, cropped by 48, 31 and 3 voxels on the near side. So
x = 80 - i, z = 97 - j, and slice 109 lies at y = -16 mm, through the thalamus. Left and right rest on that alone.
"""

import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from brainlab.downloads.catalogue import Download, File
from brainlab.errors import InputError
from brainlab.imagefile import plainly
from brainlab.slices import About, Slices
from brainlab.sources import Source
from brainlab.sources.pictures import Layout, Picture, as_slices

DOWNLOAD = Download(
    name="neurite-oasis",
    title="neurite-OASIS 2-D: one coronal T1 slice of 414 adults, with tissues",
    files=(
        File(
            url="https://surfer.nmr.mgh.harvard.edu/ftp/data/neurite/data/neurite-oasis.2d.v1.0.tar",
            name="neurite-oasis.2d.v1.0.tar",
            checksum="md5:c9ae5864f250c7e4b8d83a104e51ae8e",
        ),
    ),
    licence="OASIS Data Use Agreement",
    roughly="about 24 MB",
    citation="Hoopes et al. 2021, HyperMorph, arXiv:2101.01035; Marcus et al. 2007, Journal of Cognitive Neuroscience "
    "19:1498",
    page="https://github.com/adalca/medical-datasets/blob/master/neurite-oasis.md",
    note="24 MB. Includes people with dementia, without saying who.",
)

FOLDER = re.compile(r"OASIS_(OAS1_\d{4})_(MR\d)")
SHAPE = (160, 192)  # to the patient's left, then down
TISSUES = 4  # seg4 is 0 outside the brain, and 1 to 4 in it

LAYOUT = Layout(
    About(
        source="neurite-OASIS, coronal T1-weighted slices in FreeSurfer's Talairach space",
        licence=DOWNLOAD.licence,
        citation=DOWNLOAD.citation,
        synthetic=False,
    ),
    spacing_mm=1.0,
    contrast="T1w",
    origin_px=(97.0, 80.0),
    first_level_mm=-16.0,
    plane="coronal",
)


def read(folder: Path, size: int = 64) -> Slices:
    """The slice of every subject in the unpacked ``folder``, coronal: (N, 1, size, size), labelled "unknown".

    ``position_mm`` is the slices' world y, the same for all.
    """
    root = _root(Path(folder))
    names = (root / "subjects.txt").read_text(encoding="utf-8").split()
    if not names:
        raise InputError(f"{root / 'subjects.txt'} should name the subjects' folders, and is empty; fetch it again.")
    return as_slices([_picture(root / name) for name in names], LAYOUT, size)


def _root(folder: Path) -> Path:
    """Where subjects.txt lies: in the folder, or one below, as archives are packed either way."""
    found = sorted([*folder.glob("subjects.txt"), *folder.glob("*/subjects.txt")])
    if not found:
        raise InputError(f"{folder} should hold neurite-OASIS's subjects.txt, and does not; fetch it again.")
    return found[0].parent


def _picture(folder: Path) -> Picture:
    named = FOLDER.fullmatch(folder.name)
    if named is None:
        raise InputError(
            f"{folder.parent / 'subjects.txt'} names {folder.name!r}, where names like OASIS_OAS1_0001_MR1 were "
            f"expected; the collection has changed, and this reader must be changed with it."
        )
    grey, tissue = (_upright(folder / f"slice_{kind}.nii.gz") for kind in ("norm", "seg4"))
    if not np.isin(tissue, range(TISSUES + 1)).all() or not tissue.any():
        raise InputError(f"{folder / 'slice_seg4.nii.gz'} should hold tissues numbered 1 to 4 on 0, and does not.")
    return Picture(str(folder), grey, subject=named[1], brain=tissue > 0)


def _upright(path: Path) -> np.ndarray:
    """A two-dimensional NIfTI as a picture (192, 160) float32: top up, the patient's left on the right."""
    with plainly(path):
        image: Any = nib.load(path)  # brainlab.imagefile reads volumes only
        shape = tuple(n for k, n in enumerate(image.shape) if k < 2 or n != 1)  # (160, 192) or (160, 192, 1)
        if shape != SHAPE:
            raise InputError(f"{path} should be one slice of 160 x 192, and is of shape {image.shape}.")
        data = np.asarray(image.dataobj, dtype=np.float32).reshape(SHAPE)
    if not np.isfinite(data).all():
        raise InputError(f"{path} has values that are NaN or infinite; fetch the collection again.")
    return data.T


SOURCE = Source(DOWNLOAD, read)
