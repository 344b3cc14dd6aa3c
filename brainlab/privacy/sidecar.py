"""What the JSON file beside a scan gives away: dcm2niix copies into it much of what DICOM said."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brainlab import filenames, imagefile
from brainlab.privacy.finding import Finding, texts
from brainlab.privacy.vocabulary import identifying

DROP = "do not pass the .json on; or delete this line from it"
ANONYMOUS = f"{DROP} (dcm2niix -ba y leaves it out)"
LEFT_OUT = re.compile(  # by that option
    r"^(Patient(Name|ID|BirthDate|Sex|Age|Weight|Size)|\w+InstanceUID|AcquisitionDateTime|AccessionNumber|StudyID"
    r"|ReferringPhysicianName)$"
)
LARGEST = 2**22  # bytes; sidecars have some thousand
EMPTY = {"", "n/a", "none"}  # dcm2niix writes "None" where the scanner left a field blank
SHORT = 10_000  # whole numbers below it measure; longer ones may be an id or a date


def findings(scan: Path) -> list[Finding]:
    """Everything personal in the file of the scan's name that ends in .json; none where there is no such file."""
    file = scan.with_name(filenames.stem(scan) + ".json")
    if not file.is_file():
        return []
    with imagefile.plainly(file), open(file, "rb") as stream:
        raw = stream.read(LARGEST)
    try:
        facts = list(_leaves("", json.loads(raw)))
    except (ValueError, RecursionError):
        return [Finding("sidecar (.json), not valid JSON", text, "perhaps", DROP)] if (text := texts(raw)) else []
    return [
        Finding(f"sidecar (.json): {name or 'text'}", str(value), how, ANONYMOUS if LEFT_OUT.search(name) else DROP)
        for name, value in facts
        if str(value).strip().lower() not in EMPTY and (how := identifying(name, str(value) if _is_free(value) else ""))
    ]


def _is_free(value: str | float) -> bool:
    """Whether a value says something under whatever key: text does, and a whole number of five digits or more."""
    return isinstance(value, str) or (abs(value) >= SHORT and (isinstance(value, int) or value.is_integer()))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str | float]]:
    """Each text or number with the key that it stands under, through lists and objects."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from _leaves(str(key), inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _leaves(name, inside)
    elif value is not None and not isinstance(value, bool):
        yield name, value
