"""A folder of brain volumes (NIfTI, Analyze, MGH), nested as it may be: which file is whose scan, which one a mask.

Names decide, and no file is opened for it. A mask has "mask", "lesion", "seg", "roi", "label", "gt" or the like as a
word of its name, or lies in a folder so called (``filenames.role``); a mask of the brain or its tissues is no lesion's
and is passed over. A mask belongs to the scans of its subject (``filenames.subject_and_contrast``).

A scan without a mask is "unknown", also where others have one: that nobody has drawn a lesion is not that there is
none. Who is healthy is said by a mask of nothing but 0, or by a folder called healthy, control(s), normal or another
of ``classes.CLASSES``; those that name a disease label the scans in them.
"""

from pathlib import Path

from brainlab import filenames
from brainlab.errors import InputError
from brainlab.imagefile import ENDINGS
from brainlab.sources import classes, folders, pairing
from brainlab.sources.pairing import Item, Scan


def find(folder: Path, contrast: str | None = None) -> list[Scan]:
    """The scans of a folder with their masks, in the order of their names; see the module's words.

    Raises InputError where there is none, where there are several contrasts and none was asked for, and where it cannot
    be told which mask is a scan's.
    """
    files: dict[str, list[Item]] = {"scan": [], "lesion": [], "tissue": []}
    for path in image_files(folder):
        files[filenames.role(path.relative_to(folder))].append(_item(path, folder))
    if not files["scan"]:
        what = f"only masks ({pairing.few([one.path.name for one in files['lesion'] + files['tissue']])})"
        raise InputError(f"{folder} has no scan, {what}; a scan's name must not have mask, lesion, seg or label in it.")
    scans = pairing.chosen(files["scan"], contrast, folder)
    return pairing.paired(scans, files["lesion"], folder, {one.subject for one in files["scan"]})


def image_files(folder: Path) -> list[Path]:
    """Every volume's file under a folder, by name; of a .hdr/.img pair the .img. What is hidden is left out."""
    found = []
    for here, names in folders.walk(folder):
        there = {one.lower() for one in names}
        for name in sorted(names):
            low = name.lower()
            header = low.endswith(".hdr") and low[:-4] + ".img" in there
            if low.endswith(ENDINGS) and not name.startswith(".") and not header:
                found.append(Path(here, name))
    return found


def _item(path: Path, folder: Path) -> Item:
    subject, contrast = filenames.subject_and_contrast(path)
    above = path.relative_to(folder).parts[:-1]
    if contrast is None:  # T1/07.nii
        words = [word.lower() for name in reversed(above) for word in filenames.words(name)]
        contrast = next((filenames.CONTRASTS[word] for word in words if word in filenames.CONTRASTS), None)
    return Item(path, subject, contrast, filenames.visit(path.relative_to(folder)), label=classes.of_folders(above))
