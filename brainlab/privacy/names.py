"""What a scan's own name, and those of its folders, give away: dates, numbers, names."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from brainlab import filenames
from brainlab.privacy.finding import Finding

RENAME = "rename it, for example to case01; keep the list of who is who elsewhere"
ACCOUNT = "your account's name: it shows wherever a notebook prints the path; clear the output before you share one"

DATE = re.compile(
    r"(?<!\d)((19|20)\d\d([-_.]?)(0[1-9]|1[0-2])\3(0[1-9]|[12]\d|3[01])"  # 1970-01-31, 19700131
    r"|(0?[1-9]|[12]\d|3[01])([-_.])(0?[1-9]|1[0-2])\7(19|20)?\d\d)(?!\d)"  # 31.01.1970, 31-1-70
)
NUMBER = re.compile(r"\d{5,}")
UID = re.compile(r"\d+(\.\d+){4,}")
OTHER = set(
    re.findall(
        r"\w+",
        "anon anonymised anonymized archive assets ax axial backup bids bold brainlab cache case clean cohort "
        "control controls cor coronal ct cube data dataset desktop dev diffusion documents downloaded downloads dti "
        "dwi ep2d examples export exports file files folder gre head healthy home input inputs lab lessons local "
        "localizer media mnt mp2rage mprage mr mri my neuro new nobackup notebooks old openneuro output outputs own "
        "participants pat patient patients pd practice private processed projects public pytest raw rawdata real "
        "refs research results root run sag sagittal sample sc scanner scratch se sequence series ses session share "
        "shared sites sms source sourcedata space spc storage store studies study sub subject subjects swi t2star "
        "temp test tests tfe tmp tra tse ud use users var vol vols volumes wip work workspace",
    )
)
"""Words that names of scans and folders are made of, and people's are not."""

NEAR = 2  # folders above a scan that are mostly the person's own; further up, names in lower case are a computer's


def findings(path: Path) -> list[Finding]:
    """What the name of a file or folder, and of each folder above it, gives away."""
    whole = path.absolute()
    found = [*_in_name(filenames.stem(whole) if not whole.is_dir() else whole.name, "its own name", True)]
    home = Path.home()
    for up, folder in enumerate(whole.parents, start=1):
        where = f"folder name, {up} up"
        if folder == home and len(home.parts) > 2:
            found.append(Finding(where, folder.name, "perhaps", ACCOUNT))
        if home == folder or folder in home.parents:
            break  # the system's folders, the same for all
        found += _in_name(folder.name, where, up <= NEAR)
    return found


def _in_name(name: str, where: str, near: bool) -> Iterator[Finding]:
    for what, pattern in (("date", DATE), ("UID", UID), ("number", NUMBER)):
        for one in pattern.finditer(name):
            yield Finding(f"{where}: {what}", one.group(), "in combination", RENAME)
        name = pattern.sub(" ", name)
    words = _words(name)
    if words and (near or any(not word[0].islower() for word in words)):
        yield Finding(f"{where}: words", " ".join(words), "perhaps", RENAME)


def _words(name: str) -> list[str]:
    """Words that could be a person's: in letters of any script, and none of those that scans are named by."""
    composed = unicodedata.normalize("NFC", name)  # macOS writes an accent as a character of its own
    shape = "".join(map(_kind, composed))
    parts = [composed[one.start() : one.end()] for one in re.finditer(r"A[a']+|A{3,}|a{3,}|x+", shape)]
    known = OTHER | filenames.PROCESSING | filenames.FOLDERS | filenames.CONTRASTS.keys()
    return [word for word in parts if word.lower() not in known]


def _kind(one: str) -> str:
    """A for a capital, a for a small letter, x for one of a script that has neither, a space for what parts words."""
    if one in "'’":
        return "'"
    if unicodedata.category(one)[0] not in "LM":
        return " "
    return "A" if one.isupper() else "a" if one.islower() else "x"
