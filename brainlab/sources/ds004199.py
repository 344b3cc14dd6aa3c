"""FLAIR of people with focal cortical dysplasia, the lesion outlined, and of healthy controls: OpenNeuro ds004199.

The Bonn presurgery set (Schuch and others 2023): 85 people with epilepsy and a dysplasia of type II, and 85 healthy
controls, from one hospital. Healthy and ill from one site is what a fair test of anomaly detection needs.

Traps. The lesions are subtle: in 7 of the 85 the hospital's own report suspected none. Whole heads: each is stripped of
its skull first, which needs brain extraction installed. Some patients have FLAIR of thick slices (00018, 00027, 00053,
00074, 00112, 00120, 00130), which a detector would tell by their blur: none of them is in ``PATIENTS``. Controls have
no mask, patients have one in FLAIR space. The brain is found in the T1 of the same session.

Downloaded is not the whole set but ``PATIENTS`` and ``CONTROLS``, by the package openneuro-py.
"""

import csv
from pathlib import Path

from brainlab.downloads.catalogue import Download
from brainlab.errors import InputError
from brainlab.slices import About, Slices
from brainlab.sources import Source, heads
from brainlab.sources.heads import Head

PATIENTS = (1, 3, 4, 6, 9, 10, 14, 15, 16, 20, 24, 32)
CONTROLS = (5, 7, 8, 11, 12, 13, 17, 19, 21, 22, 23, 25)
MASK_WORDS = ("roi", "mask", "lesion", "seg")  # one of them is in a mask's name


def fetch(folder: Path) -> None:
    """FLAIR and T1 of twelve patients and twelve controls, the patients' masks and the participants, into ``folder``.

    Raises InputError where openneuro-py is not installed.
    """
    try:
        import openneuro  # pyright: ignore[reportMissingImports] - an extra
    except ImportError:
        raise InputError("ds004199 is fetched by openneuro-py: pip install 'brainlab[openneuro]'.") from None
    scans = [f"sub-{k:05d}/anat/*_{kind}.nii.gz" for k in (*PATIENTS, *CONTROLS) for kind in ("T1w", "FLAIR")]
    masks = [f"sub-{k:05d}/anat/*_FLAIR_roi.nii.gz" for k in PATIENTS]
    openneuro.download(dataset="ds004199", tag="1.0.5", target_dir=folder, include=[*scans, *masks])


DOWNLOAD = Download(
    name="ds004199",
    title="Focal cortical dysplasia: FLAIR of 12 patients with masks and of 12 healthy controls (Bonn)",
    files=(),
    licence="CC0",
    roughly="some 500 MB",
    citation="Schuch et al. 2023, Scientific Data 10:475",
    page="https://openneuro.org/datasets/ds004199",
    note="Fetching it needs openneuro-py, and reading its whole heads brain extraction: "
    "pip install 'brainlab[openneuro,brains]'.",
    fetch_with=fetch,
)

ABOUT = About(
    source="OpenNeuro ds004199, FLAIR of people with focal cortical dysplasia and of controls, brain extracted by "
    "brainlab",
    licence=DOWNLOAD.licence,
    citation=DOWNLOAD.citation,
    synthetic=False,
)


def read(folder: Path, size: int = 64) -> Slices:
    """16 axial FLAIR slices of each person in ``folder``, a BIDS data set: labelled dysplasia where the mask is."""
    folder = Path(folder)
    scans = sorted(folder.glob("sub-*/anat/*_FLAIR.nii.gz"))
    if not scans:
        raise InputError(f"{folder} should hold sub-00001/anat/sub-00001_…_FLAIR.nii.gz, and holds no such scan.")
    groups = _groups(folder / "participants.tsv")
    return heads.read([_head(folder, scan, groups) for scan in scans], ABOUT, DOWNLOAD.name, size)


def _groups(path: Path) -> dict[str, str]:
    """Each participant's group, "fcd" or "hc"."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return {row["participant_id"]: row["group"] for row in csv.DictReader(file, delimiter="\t")}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error):
        raise InputError(
            f"{path} should be a table with the columns participant_id and group; fetch it again."
        ) from None


def _head(folder: Path, scan: Path, groups: dict[str, str]) -> Head:
    subject = scan.parents[1].name
    group = groups.get(subject)
    if group not in ("fcd", "hc"):
        raise InputError(f"{folder / 'participants.tsv'} should give {subject} the group fcd or hc, and gives {group}.")
    t1 = sorted(scan.parent.glob("*_T1w.nii.gz"))
    if not t1:
        raise InputError(f"{scan.parent} should hold {subject}'s T1, by which the brain is found, and holds none.")
    masks = _masks(folder, subject)
    if group == "hc":
        masks = []
    elif len(masks) != 1:
        raise InputError(
            f"{scan.parent} should hold one mask of {subject}'s lesion, a file with one of {', '.join(MASK_WORDS)} in "
            f"its name, and {'none is there' if not masks else 'there are ' + ', '.join(one.name for one in masks)}."
        )
    return Head(scan, subject, scan.name.removesuffix(".nii.gz"), t1[0], *masks, kind="dysplasia")


def _masks(folder: Path, subject: str) -> list[Path]:
    """Files of the subject's anat folder, or else of derivatives, that are named as masks are."""
    for places in (folder.glob(f"{subject}/anat/*.nii.gz"), folder.glob(f"derivatives/**/{subject}/**/*.nii.gz")):
        found = [path for path in sorted(places) if any(word in _last_word(path) for word in MASK_WORDS)]
        if found:
            return found
    return []


def _last_word(path: Path) -> str:
    """BIDS's suffix, which says what a file is: "roi" of sub-00001_acq-T2sel_FLAIR_roi.nii.gz."""
    return path.name.removesuffix(".nii.gz").rsplit("_", 1)[-1].lower()


SOURCE = Source(DOWNLOAD, read)
