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


def stem(path: Path) -> str:
    """A file's name without its ending."""
    return re.sub(r"(\.nii)?\.\w+$", "", path.name, flags=re.IGNORECASE)


def subject_and_contrast(path: Path) -> tuple[str, str | None]:
    """Who and what a file shows, by its name: case07_flair.nii.gz is FLAIR of case07, patient07/FLAIR.nii of patient07.

    One person's scans must bear one name, or a person could stand on both sides of a split. BIDS names say it outright,
    for a file or a folder (sub-07_ses-1_T1w.nii); else it is what is left of the file's name without contrasts and what
    was done (p07/T1_bet.nii), or, where nothing is, of the nearest folder's (bert/mri/norm.mgz). Of several contrasts
    the first is the scan's own: FLAIR_in_T1.nii is a FLAIR.
    """
    names = [stem(path), *(folder.name for folder in path.absolute().parents)]
    contrast = next((CONTRASTS[word] for word in words(names[0].lower()) if word in CONTRASTS), None)
    bids = (re.match(r"sub-[A-Za-z0-9]+", name) for name in names)
    if found := next(filter(None, bids), None):
        return found.group(), contrast
    kept = (_words_of_a_person(name, above=k > 0) for k, name in enumerate(names))
    return next(("-".join(one) for one in kept if one), names[0]), contrast


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
    """What is left of a file's name, or of a folder's ``above`` it, without contrasts and processing."""
    if above and re.match(r"ses-", name):
        return []
    dropped = CONTRASTS.keys() | PROCESSING | (FOLDERS if above else set())
    return [word for word in words(name) if word.lower() not in dropped and not set(_lower_words(word)) & LESIONS]
