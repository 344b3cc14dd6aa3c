"""A folder of pictures without a table: whose each one is, what it shows and which is its mask, as far as names tell.

- A mask lies in a folder called masks, labels, seg or the like, or has such a word in its name (``filenames.role``),
  and else the name of its picture. Where some pictures have masks, those without are "unknown", not healthy.
- A folder's name is a class only if it is one of ``CLASSES`` (healthy, normal, tumor, glioma, yes, no, …); what means
  that nothing was found becomes "healthy". Every other folder that is not for order's sake (images, train, …) is a
  subject's.
- Without subjects' folders, names such as s001_z12.png tell them: a last number that counts, before it a word with a
  digit in it, and several words like that. Pages of a TIFF are one subject's.
- Else nobody can know. Neighbours in the order of their names then make a group, and a warning says why.
"""

import os
import re
import warnings
from collections import Counter, defaultdict
from pathlib import Path

from brainlab import filenames
from brainlab.errors import InputError
from brainlab.sources import pairing, picturefile

NOTHING_FOUND = {"healthy", "normal", "control", "controls", "no", "notumor", "notumour", "no_tumor", "no_tumour"}
FOUND = set(
    re.findall(
        r"\w+",
        "abnormal anomalous anomaly disease glioblastoma glioma hgg infarct lesion lesions lgg meningioma metastasis "
        "metastases ms patient patients pituitary pituitary_tumor glioma_tumor meningioma_tumor sick stroke tumor "
        "tumors tumour tumours yes",
    )
)
CLASSES = {**dict.fromkeys(NOTHING_FOUND, "healthy"), **{name: name for name in FOUND}}
"""Folder names that are classes, and the label that they give."""

GROUP = 50  # neighbours in a group at most; a small folder has at least ten groups
NUMBERED = re.compile(r"(.*?\d.*?)(?:[-_. ]+[A-Za-z]*|[A-Za-z]+)\d+")
"""Someone's word, with a digit in it, and then the number of a slice."""

Place = tuple[tuple[str, ...], tuple[str, ...]]


def rows(folder: Path) -> list[dict[str, str]]:
    """What an ``index.csv`` would say, a row a picture in the natural order of names; paths are within the folder.

    Raises InputError where there is no picture, or where one has two masks.
    """
    files = [one.relative_to(folder) for one in picture_files(folder)]
    pictures = [one for one in files if filenames.role(one) == "scan"]
    if not pictures:
        raise InputError(f"{folder} has no picture that is not a mask by its name; add pictures, or an index.csv.")
    masks = _masks(pictures, [one for one in files if filenames.role(one) == "lesion"], folder)
    subjects = _subjects(pictures, folder)
    found = []
    for path in pictures:
        label = _class(path) or ("unknown" if masks and path not in masks else "")
        row = {"file": path.as_posix(), "class": label, "subject": subjects[path], "mask": ""}
        if path in masks:
            row["mask"] = masks[path].as_posix()
        n = picturefile.pages(folder / path)
        found += [row] if n == 1 else [row | {"page": str(k), "level": str(k)} for k in range(n)]
    return found


def picture_files(folder: Path) -> list[Path]:
    """Every picture under a folder, in natural order: 2.png before 10.png. What is hidden is left out."""
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".")]
        found += [Path(here, name) for name in names if name.lower().endswith(picturefile.ENDINGS) and name[0] != "."]
    return sorted(found, key=lambda path: _natural(path.as_posix()))


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if k % 2 and len(part) < 300 else (-1, part) for k, part in enumerate(parts)]


def _class(path: Path) -> str:
    """The class that the nearest folder names, or "" """
    return next((CLASSES[one.lower()] for one in reversed(path.parts[:-1]) if one.lower() in CLASSES), "")


def _person(path: Path) -> str:
    """The folders of a path that are neither a class's nor there for order's sake, as one name."""
    dropped = filenames.FOLDERS | CLASSES.keys()
    return "/".join(one for one in path.parts[:-1] if one.lower() not in dropped)


def _subjects(pictures: list[Path], folder: Path) -> dict[Path, str]:
    """Whose each picture is."""
    people = {path: _person(path) for path in pictures}
    loose = [path for path in pictures if not people[path] and picturefile.pages(folder / path) == 1]
    people |= {path: path.stem for path in pictures if not people[path] and path not in loose}
    counted = {path: NUMBERED.fullmatch(path.stem) for path in loose}
    names = Counter(found.group(1) if found else None for found in counted.values())
    if loose and None not in names and 2 <= len(names) <= len(loose) / 2:
        return people | {path: found.group(1) for path, found in counted.items() if found}
    beside = defaultdict(list)
    for path in loose:
        beside[path.parent.as_posix()].append(path)
    for here, paths in beside.items():
        each = min(GROUP, max(2, len(paths) // 10))
        people |= {path: f"{here}/block-{k // each:02d}".removeprefix("./") for k, path in enumerate(paths)}
    if loose:
        warnings.warn(
            f"{folder} does not say which pictures are of one person, so neighbours by name count as one group: a "
            f"person's slices look alike, and a random split would put some on both sides and promise too much. Give "
            f"each person a folder, or write an index.csv with a column subject.",
            stacklevel=2,
        )
    return people


def _place(path: Path, drop: set[str]) -> Place:
    """Where a picture and its mask have the same: folders but those of masks and images, and words of the name."""
    above = tuple(one.lower() for one in path.parts[:-1] if one.lower() not in filenames.FOLDERS)
    return above, tuple(word for word in filenames.words(path.stem.lower()) if word not in drop)


def _masks(pictures: list[Path], masks: list[Path], folder: Path) -> dict[Path, Path]:
    """Each picture's mask, where it has one."""
    found: dict[Path, Path] = {}
    left = masks
    for drop in (filenames.LESIONS, filenames.LESIONS | filenames.CONTRASTS.keys()):  # x_flair.png has x_seg.png
        places: dict[Place, list[Path]] = defaultdict(list)
        for path in pictures:
            places[_place(path, drop)].append(path)
        still = []
        for mask in left:
            there = places.get(_place(mask, drop), [])
            if len(there) != 1:
                still.append(mask)
            elif there[0] in found:
                raise InputError(f"{folder / there[0]} has two masks, {found[there[0]]} and {mask}; keep one of them.")
            else:
                found[there[0]] = mask
        left = still
    if left:
        names = pairing.few([one.as_posix() for one in left])
        warnings.warn(f"{folder} has {len(left)} masks without a picture, which are left out: {names}.", stacklevel=2)
    return found
