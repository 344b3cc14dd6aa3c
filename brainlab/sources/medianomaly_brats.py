"""FLAIR slices of brain tumour patients, with and without tumour: the BraTS2021 part of MedIAnomaly.

Made by Cai and others from the BraTS 2021 challenge for comparing anomaly detectors: 4,211 slices to train on and 828
to test with that show no tumour, and 1,948 that do, each with the tumour outlined; 208 x 208 px of 1 mm.

Traps. "Healthy" slices are tumour-free slices of *tumour patients*: a large tumour shifts and compresses the brain
well beyond its own slice, and such slices count as healthy here. The same patients may stand in the collection's
train and test folders; here they are told apart by patient, so split by subject and not by folder. The licence is not
clear (see ``DOWNLOAD.note``): download it for yourself, do not pass it on.

Which way a head lies in the files is not written down. Their makers read BraTS volumes in rows from front to back and
columns from the patient's right to left, which is how this kit draws them, so they are taken as they lie. The number in
a file's name gives the order of a patient's slices; it is not a height in any atlas.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image

from brainlab.downloads.catalogue import Download, File
from brainlab.errors import InputError
from brainlab.slices import About, Slices
from brainlab.sources import Source
from brainlab.sources.pictures import Layout, OnDemand, Picture, as_slices

DOWNLOAD = Download(
    name="medianomaly-brats",
    title="MedIAnomaly, BraTS2021 subset: FLAIR slices with and without brain tumour",
    files=(
        File(
            url="https://zenodo.org/api/records/12677223/files/BraTS2021.tar.gz/content",
            name="BraTS2021.tar.gz",
            checksum="md5:237f2aee77e099f7483808ddec49a57c",
        ),
    ),
    licence="not clear: do not pass on",
    roughly="about 70 MB",
    citation="Cai et al. 2024, MedIAnomaly, arXiv:2404.04518; Baid et al. 2021, BraTS 2021, arXiv:2107.02314",
    page="https://zenodo.org/records/12677223",
    note="70 MB. One account says CC BY 4.0, another academic use only; the terms of BraTS lie beneath. Its healthy "
    "slices are tumour-free slices of tumour patients.",
)

FOLDERS = {"train": "healthy", "test/normal": "healthy", "test/tumor": "tumour"}
NAME = re.compile(r"(BraTS2021_\d+)_flair_(\d+)\.png")
PIXELS = (208, 208)

LAYOUT = Layout(
    About(
        source="MedIAnomaly BraTS2021: FLAIR slices of tumour patients; the healthy ones are their tumour-free slices",
        licence=DOWNLOAD.licence,
        citation=DOWNLOAD.citation,
        synthetic=False,
    ),
    spacing_mm=1.0,
    contrast="FLAIR",
)


def read(folder: Path, size: int = 64) -> Slices:
    """Every slice of the unpacked ``folder``, patient by patient: (N, 1, size, size), labelled healthy or tumour."""
    root = Path(folder) / "BraTS2021"
    files = [(path, label) for part, label in FOLDERS.items() for path in _files(root / part)]
    files.sort(key=lambda one: _subject_and_number(one[0]))
    return as_slices(OnDemand(lambda one: _picture(*one), files), LAYOUT, size)


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.png"))
    if not found:
        raise InputError(f"{folder} should hold PNG files of MedIAnomaly's BraTS2021, and does not; fetch it again.")
    return found


def _subject_and_number(path: Path) -> tuple[str, int]:
    matched = NAME.fullmatch(path.name)
    if matched is None:
        raise InputError(
            f"{path} is not named as BraTS2021_01467_flair_13.png is, so it does not say whose slice it shows; the "
            f"collection has changed, and this reader must be changed with it."
        )
    return matched[1], int(matched[2])


def _picture(path: Path, label: str) -> Picture:
    subject, number = _subject_and_number(path)
    mask = None
    if label == "tumour":
        mask = _grey(path.parents[1] / "annotation" / path.name.replace("flair", "seg")) > 127
    return Picture(str(path), _grey(path), subject, label, mask, level=number)


def _grey(path: Path) -> np.ndarray:
    """A picture (208, 208) uint8."""
    try:
        with Image.open(path) as image:
            mode, grey = image.mode, np.asarray(image)
    except FileNotFoundError:
        raise InputError(f"{path} is missing, the mask of a slice with tumour; fetch the collection again.") from None
    except Exception as error:  # Pillow raises many kinds over a damaged file
        raise InputError(f"{path} cannot be read as a picture ({error}); fetch the collection again.") from None
    if mode != "L" or grey.shape != PIXELS:
        raise InputError(f"{path} should be a grey picture of 208 x 208 px, and is {mode} of shape {grey.shape}.")
    return grey


SOURCE = Source(DOWNLOAD, read)
