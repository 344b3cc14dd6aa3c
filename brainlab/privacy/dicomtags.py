"""What DICOM files give away: tags of every depth, private ones, overlays, the bytes in front, names burned in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brainlab import dicomfile
from brainlab.privacy.finding import Finding, texts
from brainlab.privacy.vocabulary import identifying

READ = "convert it with dcm2niix -b n, then privacy.clean_copy"
BURNED = "look at every image; what is drawn into the picture no header can take out"
DEEPEST = 8  # sequences within sequences
OVERLAYS = range(0x6000, 0x6100)
PIXELS = 0x7FE0
FREE = {"LO", "LT", "SH", "ST", "UC", "UN", "UT"}  # representations in which a technician may type anything
PATIENT = 0x0010  # the group of facts about the person, whose numbers count as well


def findings(path: Path) -> list[Finding]:
    """What any file of a folder, or one file, gives away; the same fact of many files once."""
    found: dict[Finding, None] = {}
    for file in dicomfile.files(path):
        dataset = dicomfile.header(file, whole=True)
        with dicomfile.carefully(file):
            found |= dict.fromkeys(in_dataset(dataset))
    return list(found)


def in_dataset(dataset: Any) -> Iterator[Finding]:
    """What one data set of pydicom gives away."""
    if preamble := texts(getattr(dataset, "preamble", None) or b""):
        yield Finding("DICOM preamble", preamble, "perhaps", READ)
    yield from _elements(getattr(dataset, "file_meta", None) or (), 0)
    yield from _elements(dataset, 0)
    burned, kind = str(dataset.get("BurnedInAnnotation", "")), str(dataset.get("SOPClassUID", ""))
    if burned.upper().startswith("Y"):
        yield Finding("DICOM (0028,0301) BurnedInAnnotation", "YES: text in the picture", "directly", BURNED)
    elif not burned and kind.startswith("1.2.840.10008.5.1.4.1.1.7"):
        yield Finding("DICOM SOPClassUID", "secondary capture, a screenshot: it may hold text", "perhaps", BURNED)


def _elements(dataset: Any, depth: int) -> Iterator[Finding]:
    for tag in [*getattr(dataset, "keys", list)()]:
        try:
            element = dataset[tag]
            name, vr, value = element.keyword or element.name, str(element.VR), element.value
        except Exception:  # one element may be damaged, and others be whole
            raw = getattr(dataset.get_item(tag), "value", b"") or b""
            name, vr, value = "", "UN", raw
        if vr == "SQ":
            if depth < DEEPEST:
                for item in value:
                    yield from _elements(item, depth + 1)
            continue
        yield from _element(tag, name, vr, _text(value, tag.group == PATIENT) if tag.group != PIXELS else "")


def _element(tag: Any, name: str, vr: str, text: str) -> Iterator[Finding]:
    where = f"DICOM ({tag.group:04X},{tag.element:04X}) {name}".strip()
    if tag.group in OVERLAYS:
        if tag.element == 0x3000 or text.strip():
            yield Finding(where, text or "an overlay, drawn over the picture", "perhaps", BURNED)
    elif not text.strip() or (vr == "UI" and _is_standard(text)):
        return
    elif tag.is_private:
        yield Finding(f"{where} (private)", text, "perhaps", READ)
    elif vr == "PN":
        yield Finding(where, text, "directly", READ)
    elif how := identifying(name, text, vr in FREE) or (None if name else "perhaps"):
        yield Finding(where, text, how, READ)


def _is_standard(uid: str) -> bool:
    return uid.startswith("1.2.840.10008.")


def _text(value: Any, numbers: bool = False) -> str:
    """A value as text; of those with a decimal point only where ``numbers`` are wanted."""
    if isinstance(value, (bytes, bytearray)):
        return texts(bytes(value))
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        return " ".join(filter(None, (_text(one, numbers) for one in value)))
    return "" if value is None or (isinstance(value, float) and not numbers) else str(value)
