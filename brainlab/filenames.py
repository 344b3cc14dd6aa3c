"""Who and what an image file shows, as far as its name and its folders' names tell."""

import re
from pathlib import Path
from typing import Literal

CONTRASTS = {"t1": "T1w", "t1w": "T1w", "t1post": "T1ce", "t1ce": "T1ce", "t1gd": "T1ce", "t1c": "T1ce"}
CONTRASTS |= {"t2": "T2w", "t2w": "T2w", "flair": "FLAIR"}

LESIONS = set(
    re.findall(
        r"\w+",
        "annotation annotations dseg groundtruth gt label labels labelstr labelsts lesion lesionmask lesions mask "
        "masks roi rois seg segmentation segmentations segs truth",
    )
)
"""Words in a file's name that make it a mask: it marks what a reader has drawn, and is never a scan."""

MASK_FOLDERS = LESIONS - {"lesion", "lesions"}
"""The same in a folder's name; "lesions" may as well be the folder of those who have one."""

TISSUES = set(re.findall(r"\w+", "aparc aseg bet brain brainmask brains csf gm hd hdbet head ribbon skull tissue wm"))
"""Words beside those that make it a mask of the brain or its tissues, and not of a lesion."""

DRAWN = set(re.findall(r"\w+", "groundtruth gt label labels lesion lesionmask lesions roi rois seg truth"))
"""Words that make it a lesion's mask all the same: T1_brain_lesion.nii."""

PROCESSING = LESIONS | set(
    re.findall(
        r"\w+",
        "aligned bet bfc bias biascorrected brain brainmask brains bse coreg coregistered corrected desc extracted "
        "final hd hdbet image img in lin linear masked mni mni152 mri n3 n4 native nlin norm normalised normalized nu "
        "orig preproc preprocessed raw reg registered resampled robex scan skull skullstrip skullstripped space ss "
        "stripped strip synthstrip t88 to volume warped",
    )
)
"""Words in a name that say what was done with a scan, and not whose it is."""

FOLDERS = MASK_FOLDERS | set(
    re.findall(
        r"\w+",
        "anat analyze data derivatives dicom images imagestr imagests mgz mri niftis nifti nii post pictures pngs pre "
        "scans slices test testing train training val validation",
    )
)
"""Words in a folder's name that say what lies in it; the person's folder is then the one above."""


PERSON = re.compile(r"(?<![A-Za-z0-9])(?:\d{3}_S_\d{4}|OAS\d_?\d{4})(?!\d)", re.IGNORECASE)
"""Whose a scan of ADNI or OASIS is, wherever it stands in a name."""

ISBI = re.compile(r"((?:training|test)\d\d)_(\d\d)(?!\d)", re.IGNORECASE)
"""Person and visit in the longitudinal MS lesion challenge of ISBI 2015: training01_02_flair_pp.nii."""

VISIT = re.compile(
    r"(ses|session|visit|tp|timepoint|baseline|follow-?up|months?|weeks?)\d*|mr\d+|\d+(months?|weeks?)|(19|20)\d{6}",
    re.IGNORECASE,
)
"""A word that says which of a person's scans it is, a date among them."""

COUNTED = re.compile(r"ses|session|visit|tp|timepoint|follow-?up|months?|weeks?", re.IGNORECASE)
"""Visits whose number may be the next word: visit_1."""


def stem(path: Path) -> str:
    """A file's name without its ending."""
    return re.sub(r"(\.nii)?\.\w+$", "", path.name, flags=re.IGNORECASE)


def subject_and_contrast(path: Path) -> tuple[str, str | None]:
    """Who and what a file shows, by its name: case07_flair.nii.gz is FLAIR of case07, patient07/FLAIR.nii of patient07.

    One person's scans must bear one name, or a person could stand on both sides of a split. BIDS, ADNI and OASIS names
    say it outright, for a file or a folder (sub-07_ses-1_T1w.nii); else it is what is left of the file's name without
    contrasts, visits and what was done (P01_visit2_T1_bet.nii), or, where nothing is, of the nearest folder's
    (P01/baseline/T1.nii, bert/mri/norm.mgz). Of several contrasts the first is the scan's own: FLAIR_in_T1.nii is a
    FLAIR.
    """
    names = [stem(path), *(folder.name for folder in path.absolute().parents)]
    contrast = next((CONTRASTS[word] for word in words(names[0].lower()) if word in CONTRASTS), None)
    bids = (re.match(r"sub-[A-Za-z0-9]+", name) for name in names)
    known = (found for pattern in (PERSON, ISBI) for found in map(pattern.search, names))
    if found := next(filter(None, (*bids, *known)), None):
        return found.group(1) if found.re is ISBI else found.group(), contrast
    kept = (_words_of_a_person(name, above=k > 0) for k, name in enumerate(names))
    return next(("-".join(one) for one in kept if one), names[0]), contrast


def visit(path: Path) -> str:
    """Which of a person's scans a file is, by its name or else the nearest folder's, or "": visit1, ses2, 20060418.

    ``path`` is within its folder.
    """
    for name in (stem(path), *reversed(path.parts[:-1])):
        if found := ISBI.match(name):
            return found.group(2)
        if found := _parted(name)[1]:
            return found[0].lower()
    return ""


def without_visit(name: str) -> list[str]:
    """The words of a name that say nothing of a visit: P01_visit_1 is P01's."""
    return _parted(name)[0]


def _parted(name: str) -> tuple[list[str], list[str]]:
    """The words of a name that tell no visit, and those that do, with the number that follows (visit_1 is visit1)."""
    kept: list[str] = []
    visits: list[str] = []
    name = re.sub(r"(?<!\d)((?:19|20)\d\d)-(\d\d)-(\d\d)(?!\d)", r"\1\2\3", name)
    name = re.sub(r"(?<![a-z])(follow|time)[-_ ](up|point)", r"\1\2", name, flags=re.IGNORECASE)
    counted = False
    for word in words(name):
        if counted and re.fullmatch(r"\d{1,2}", word):
            visits[-1] += word
            counted = False
            continue
        counted = COUNTED.fullmatch(word) is not None
        (visits if VISIT.fullmatch(word) else kept).append(word)
    return kept, visits


def role(path: Path) -> Literal["scan", "lesion", "tissue"]:
    """Whether a file is a scan, a mask of lesions, or one of the brain or its tissues; ``path`` is within its folder.

    Known by whole words, at capitals too: lesionMask.nii, masks/07.png, FLAIR_seg.nii; T1_brain_mask.nii is the brain.
    """
    own = set(_lower_words(stem(path)))
    above = {word for folder in path.parts[:-1] for word in _lower_words(folder)}
    if {"aseg", "aparc", "ribbon", "wmparc"} & own:
        return "tissue"
    if not own & LESIONS and not above & MASK_FOLDERS and "brainmask" not in own:
        return "scan"
    return "tissue" if own & TISSUES and not own & DRAWN else "lesion"


def _lower_words(name: str) -> list[str]:
    """Words in lower case, parted at capitals too, without the numbers at their ends."""
    return [word.lower().rstrip("0123456789") for word in words(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))]


def words(name: str) -> list[str]:
    """The parts of a name, between hyphens, underscores, dots and spaces."""
    return [word for word in re.split(r"[-_. ]+", name) if word]


def _words_of_a_person(name: str, above: bool) -> list[str]:
    """What is left of a file's name, or of a folder's ``above`` it, without contrasts, visits and processing."""
    if above and re.match(r"ses-", name):
        return []
    dropped = CONTRASTS.keys() | PROCESSING | (FOLDERS if above else set())
    kept = without_visit(name)
    return [word for word in kept if word.lower() not in dropped and not set(_lower_words(word)) & LESIONS]
