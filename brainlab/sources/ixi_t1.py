"""T1 scans of healthy adults from three London hospitals: IXI.

Nearly 600 people aged 20 to 86, scanned at Guy's Hospital (Philips, 1.5 T), Hammersmith Hospital (Philips, 3 T) and the
Institute of Psychiatry (GE, 1.5 T): a healthy population on three scanners, which is what a test of shift between
scanners needs. ``visit`` names site and scan, as "Guys-0828".

Traps. One archive of several GB, and whole heads: each is stripped of its skull before it is sliced, which needs brain
extraction installed and takes a while a head. So the first ``MOST`` people are read, by number. A site is told from
another by its noise and contrast: a model may learn the site in place of the anatomy.
"""

import re
from pathlib import Path

from brainlab.downloads.catalogue import Download, File
from brainlab.errors import InputError
from brainlab.slices import About, Slices
from brainlab.sources import Source, heads
from brainlab.sources.heads import Head

DOWNLOAD = Download(
    name="ixi-t1",
    title="IXI: T1 scans of nearly 600 healthy adults from three scanners",
    files=(
        File(
            url="http://biomedic.doc.ic.ac.uk/brain-development/downloads/IXI/IXI-T1.tar",
            name="IXI-T1.tar",
            checksum="md5:34901a0593b41dd19c1a1f746eac2d58",
        ),
    ),
    licence="CC BY-SA 3.0",
    roughly="several GB",
    citation="IXI dataset, brain-development.org (EPSRC GR/S21533/02)",
    page="https://brain-development.org/ixi-dataset/",
    note="Several GB. Whole heads: reading them needs brain extraction, pip install 'brainlab[brains]'.",
)

NAME = re.compile(r"(IXI\d{3})-(Guys|HH|IOP)-(\d{4})-T1\.nii\.gz")
MOST = 60
"""How many people are read, the first by number: 960 slices."""

ABOUT = About(
    source="IXI, T1-weighted scans of healthy adults, brain extracted by brainlab",
    licence=DOWNLOAD.licence,
    citation=DOWNLOAD.citation,
    synthetic=False,
)


def read(folder: Path, size: int = 64) -> Slices:
    """16 axial slices of each of the first ``MOST`` people in the unpacked ``folder``, all healthy."""
    scans = sorted(Path(folder).rglob("[!.]*.nii.gz"))
    if not scans:
        raise InputError(f"{folder} should hold scans such as IXI002-Guys-0828-T1.nii.gz, and holds none.")
    return heads.read([_head(path) for path in scans[:MOST]], ABOUT, DOWNLOAD.name, size)


def _head(path: Path) -> Head:
    named = NAME.fullmatch(path.name)
    if named is None:
        raise InputError(
            f"{path} is not named as IXI002-Guys-0828-T1.nii.gz is, so it does not say whose scan it is; take it out "
            f"of the folder."
        )
    subject, site, number = named.groups()
    return Head(path, subject, f"{site}-{number}")


SOURCE = Source(DOWNLOAD, read)
