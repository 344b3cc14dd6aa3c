"""A folder of pictures without a table: whose each one is, what it shows and which is its mask, as far as names tell.

- A mask lies in a folder called masks, labels, seg or the like, or has such a word in its name (``filenames.role``),
  and else the name of its picture. Where some pictures have masks, those without are "unknown", not healthy.
- A folder's name is a class only if it is one of ``classes.CLASSES`` (healthy, normal, tumor, glioma, yes, no, …);
  what means that nothing was found becomes "healthy". Every other folder that is not for order's sake (images, train,
  …), a contrast's or a visit's is a subject's; but words without a digit that are in no class's folder may as well be a
  class that nobody knows, and are no subject's.
- Without subjects' folders, names such as s001_z12.png tell them: a last number that counts, before it a word with a
  digit in it, and several words like that; slice_12_patient_3.png is patient_3's. Pages of a TIFF are one subject's.
- Of several contrasts one must be asked for, as of volumes.
- Else nobody can know. Neighbours in the order of their names then make a group, and a warning says why.
"""

import re
import warnings
from collections import Counter, defaultdict
from pathlib import Path

from brainlab import filenames
from brainlab.errors import InputError
from brainlab.sources import classes, folders, pairing, picturefile
from brainlab.sources.pairing import Item

GROUP = 50  # neighbours in a group at most; a small folder has at least ten groups
NUMBERED = re.compile(r"(.*?\d.*?)(?:[-_. ]+[A-Za-z]*|[A-Za-z]+)\d+")
"""Someone's word, with a digit in it, and then the number of a slice."""

SLICE_FIRST = re.compile(r"(?:slice|level|img|image|im|z)[-_. ]*\d+(?![A-Za-z0-9])", re.IGNORECASE)
"""A name that begins with its slice's number, and so with nobody."""

CLASS_LIKE = re.compile(r"(?:class|grade|stage|type)[-_ ]*\d+$", re.IGNORECASE)

SOMEBODY = re.compile(r"(?<![A-Za-z])(?:patient|subject|subj|sub|case|person|pat)[-_ ]?\d+", re.IGNORECASE)

Place = tuple[tuple[str, ...], tuple[str, ...]]


def rows(folder: Path, contrast: str | None = None) -> list[dict[str, str]]:
    """What an ``index.csv`` would say, a row a picture in the natural order of names; paths are within the folder.

    Raises InputError where there is no picture, where one has two masks, and where there are several contrasts by their
    names and none was asked for.
    """
    files = [one.relative_to(folder) for one in picture_files(folder)]
    pictures = [one for one in files if filenames.role(one) == "scan"]
    if not pictures:
        raise InputError(f"{folder} has no picture that is not a mask by its name; add pictures, or an index.csv.")
    drawn = [one for one in files if filenames.role(one) == "lesion"]
    pictures, drawn = _of_contrast(pictures, drawn, contrast, folder)
    masks = _masks(pictures, drawn, folder)
    subjects = _subjects(pictures, folder)
    found = []
    for path in pictures:
        label = classes.of_folders(path.parts[:-1]) or ("unknown" if masks and path not in masks else "")
        row = {"file": path.as_posix(), "class": label, "subject": subjects[path], "mask": ""}
        if path in masks:
            row["mask"] = masks[path].as_posix()
        n = picturefile.pages(folder / path)
        found += [row] if n == 1 else [row | {"page": str(k), "level": str(k)} for k in range(n)]
    return found


def picture_files(folder: Path) -> list[Path]:
    """Every picture under a folder, in natural order: 2.png before 10.png. What is hidden is left out."""
    found = []
    for here, names in folders.walk(folder):
        found += [Path(here, name) for name in names if name.lower().endswith(picturefile.ENDINGS) and name[0] != "."]
    return sorted(found, key=lambda path: _natural(path.as_posix()))


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if k % 2 and len(part) < 300 else (-1, part) for k, part in enumerate(parts)]


def _of_contrast(
    pictures: list[Path], masks: list[Path], contrast: str | None, folder: Path
) -> tuple[list[Path], list[Path]]:
    """The pictures of one contrast and the masks that are not of another; of a single contrast all."""
    known = {path: _contrast(path) for path in pictures + masks}
    if contrast is None and len({known[path] for path in pictures} - {None}) < 2:
        return pictures, masks
    picked = pairing.chosen([Item(path, "", known[path]) for path in pictures], contrast, folder)
    return [one.path for one in picked], [path for path in masks if known[path] in (None, contrast)]


def _contrast(path: Path) -> str | None:
    """The contrast that a picture's name or the nearest folder's tells."""
    found = (filenames.CONTRASTS.get(word.lower()) for name in _names(path) for word in filenames.words(name))
    return next(filter(None, found), None)


def _names(path: Path) -> list[str]:
    """A picture's name without its ending, and its folders', the nearest first."""
    return [path.stem, *reversed(path.parts[:-1])]


def _person(path: Path) -> str:
    """The folders of a path that are somebody's, as one name, without what they say of classes, contrasts and visits.

    "" where there is none, and where it might be a class.
    """
    if known := next(filter(None, map(filenames.PERSON.search, _names(path))), None):
        return known.group()
    above = [one for one in path.parts[:-1] if one.lower() not in filenames.FOLDERS]
    own = [_own_words(one) for one in above if not classes.is_class(one)]
    name = "/".join(one for one in own if one)
    return "" if len(own) == len(above) and _may_be_a_class(name) else name


def _own_words(name: str) -> str:
    """What a name says of a person: "P01" of P01_T1, P01_visit2; "" of FLAIR."""
    kept = [word for word in filenames.without_visit(name) if word.lower() not in filenames.CONTRASTS]
    return name if len(kept) == len(filenames.words(name)) else "_".join(kept)


def _may_be_a_class(name: str) -> bool:
    return not re.search(r"\d|^sub-", name) or CLASS_LIKE.match(name) is not None


def _subjects(pictures: list[Path], folder: Path) -> dict[Path, str]:
    """Whose each picture is."""
    people = {path: _person(path) for path in pictures}
    loose = [path for path in pictures if not people[path] and picturefile.pages(folder / path) == 1]
    people |= {path: path.stem for path in pictures if not people[path] and path not in loose}
    counted = {path: _by_name(path) for path in loose}
    names = Counter(counted.values())
    if loose and None not in names and 2 <= len(names) <= len(loose) / 2:
        if any(SLICE_FIRST.match(path.stem) for path in loose):
            warnings.warn(
                f"{folder} has pictures such as {loose[0].name}, taken to be of {counted[loose[0]]}; that is a guess: "
                f"give each person a folder, or write an index.csv with a column subject.",
                stacklevel=2,
            )
        return people | {path: name for path, name in counted.items() if name}
    return people | _grouped(loose, folder)


def _by_name(path: Path) -> str | None:
    """Whose a picture is by its name alone."""
    if SLICE_FIRST.match(path.stem):
        found = SOMEBODY.search(path.stem)
        return found.group() if found else None
    found = NUMBERED.fullmatch(path.stem)
    return (_own_words(found.group(1)) or None) if found else None


def _grouped(loose: list[Path], folder: Path) -> dict[Path, str]:
    """Neighbours of one folder as groups, with a warning."""
    people: dict[Path, str] = {}
    beside = defaultdict(list)
    for path in loose:
        beside[path.parent.as_posix()].append(path)
    for here, paths in beside.items():
        each = min(GROUP, max(2, len(paths) // 10))
        people |= {path: f"{here}/block-{k // each:02d}".removeprefix("./") for k, path in enumerate(paths)}
    unknown = sorted({one for path in loose for one in path.parts[:-1] if not _is_for_order(one)})
    if unknown:
        warnings.warn(
            f"{folder} has folders that may be people or classes, nobody can tell which: {pairing.few(unknown)}; they "
            f"are taken to be neither. Write an index.csv with the columns subject and class.",
            stacklevel=2,
        )
    if loose:
        warnings.warn(
            f"{folder} does not say which pictures are of one person, so neighbours by name count as one group: a "
            f"person's slices look alike, and a random split would put some on both sides and promise too much. Give "
            f"each person a folder, or write an index.csv with a column subject.",
            stacklevel=2,
        )
    return people


def _is_for_order(folder: str) -> bool:
    return folder.lower() in filenames.FOLDERS or classes.is_class(folder) or not _own_words(folder)


def _place(path: Path, drop: set[str]) -> Place:
    """Where a picture and its mask have the same: folders but those of masks and images, and words of the name."""
    above = tuple(one.lower() for one in path.parts[:-1] if one.lower() not in filenames.FOLDERS | drop)
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
