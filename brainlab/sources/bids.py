"""A folder in the Brain Imaging Data Structure: ``sub-*/[ses-*/]anat/*_T1w.nii.gz``, masks in ``derivatives``.

A mask is a lesion's where its suffix is ``_roi``, or ``_mask`` or ``_dseg`` and its ``label-`` or ``desc-`` says so
("lesion", "L", "tumor", "stroke", …); ``desc-brain_mask`` and the like are passed over. It belongs to the scan of its
subject, session and run that lies in the same ``space-``. Other suffixes (bold, dwi, T2starw, …) are none of the kit's.
``participants.tsv`` is not read: whoever has no mask is "unknown".
"""

import re
from pathlib import Path

from brainlab.errors import InputError
from brainlab.sources import pairing
from brainlab.sources.niftis import image_files
from brainlab.sources.pairing import Item, Scan

CONTRASTS = {"T1w": "T1w", "T2w": "T2w", "FLAIR": "FLAIR"}
LESION = re.compile(r"lesion|tumou?r|stroke|infarct|wmh|plaque|fcd|glioma|metastas|^l$", re.IGNORECASE)
OWN_SPACES = {"orig", "individual", "native", "T1w", "FLAIR", "T2w"}  # other words for the scan's own space


def is_bids(folder: Path) -> bool:
    """Whether a folder has people in it as BIDS lays them out."""
    return any(one.is_dir() for one in folder.glob("sub-*/anat")) or any(folder.glob("sub-*/ses-*/anat"))


def find(folder: Path, contrast: str | None = None) -> list[Scan]:
    """The anatomical scans of a BIDS folder with their lesions' masks; InputError as ``niftis.find``."""
    raw = [one for one in image_files(folder) if _is_anatomical(one.relative_to(folder))]
    items = {one: _item(one) for one in raw}
    scans = [items[one] for one in raw if _suffix(one) in CONTRASTS]
    if not scans:
        there = pairing.few(sorted({_suffix(one) for one in raw})) or "nothing"
        raise InputError(
            f"{folder} has no T1w, T2w or FLAIR in its sub-*/anat folders, only {there}; if the images are still to "
            f"be fetched (DataLad, git-annex), fetch them first."
        )
    below = folder / "derivatives"
    masks = [one for one in raw + (image_files(below) if below.is_dir() else []) if _marks_a_lesion(one)]
    everyone = {one.subject for one in scans}
    chosen = pairing.chosen(scans, contrast, folder)
    return pairing.paired(chosen, [_item(one) for one in masks], folder, everyone)


def _is_anatomical(path: Path) -> bool:
    return path.parts[0].startswith("sub-") and "anat" in path.parts[1:3]


def _suffix(path: Path) -> str:
    return path.name.split(".")[0].rpartition("_")[2]


def _entities(path: Path) -> dict[str, str]:
    """``sub-07_ses-1_T1w.nii`` as {"sub": "07", "ses": "1"}."""
    pairs = (part.partition("-") for part in path.name.split(".")[0].split("_"))
    return {key: value for key, dash, value in pairs if dash}


def _marks_a_lesion(path: Path) -> bool:
    said, suffix = _entities(path), _suffix(path)
    words = [said.get("label", ""), said.get("desc", "")]
    return suffix == "roi" or (suffix in ("mask", "dseg") and any(LESION.search(word) for word in words))


def _item(path: Path) -> Item:
    said = _entities(path)
    people = (one.removeprefix("sub-") for one in path.parts if one.startswith("sub-"))
    subject = "sub-" + (said.get("sub") or next(people, path.name))
    contrast = CONTRASTS.get(_suffix(path))
    if contrast == "T1w" and "ce" in said:
        contrast = "T1ce"
    space = said.get("space", "")
    space = "" if space in OWN_SPACES else space
    return Item(path, subject, contrast, said.get("ses", ""), space, run=said.get("run", "").lstrip("0"))
