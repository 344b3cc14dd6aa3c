"""What an image file says beside its voxels: in header fields, extensions, gaps, after the end, in its gzip header."""

import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from nibabel.analyze import AnalyzeHeader
from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader, extension_codes
from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader

from brainlab import imagefile
from brainlab.headers import MGH_BYTES, MOST_OFFSET, Claim
from brainlab.privacy.finding import Finding, Identifying, decoded, texts

COPY = "drop it with privacy.clean_copy"
FORMAT = {"sizeof_hdr", "magic", "regular", "eol_check", "dim", "datatype", "bitpix", "pixdim", "vox_offset"}
FORMAT |= {"scl_slope", "scl_inter"}  # fields that say how to read the file
WHOLE = {"extents", "glmax", "glmin"}  # fields of four bytes for whole numbers, unused since Analyze
PERSONAL: dict[str, Identifying] = {
    "patient_id": "directly",
    "exp_date": "in combination",
    "exp_time": "in combination",
}
PERSONAL |= {"extension 2 (dicom)": "directly"}  # the scanner's own header, with the name
MOST_TAIL = 2**20  # bytes after the last voxel that are looked at
MOST_READ = 2**30  # bytes of voxels that are read over for the sake of what follows them


class Part(NamedTuple):
    """Bytes that are not voxels, and where in the file they stand."""

    where: str
    raw: bytes


def findings(found: Claim) -> list[Finding]:
    """All texts of an image file whose claim has been checked, of a pair in both files."""
    header = found.path.with_suffix(".HDR" if found.path.suffix.isupper() else ".hdr")
    file = header if header.exists() and found.path.suffix.lower() == ".img" else found.path
    with imagefile.plainly(file), imagefile.unpacked(file) as stream:
        block = stream.read(MOST_OFFSET if file != found.path else found.offset)
    parts = [*_mgh(block)] if found.path.suffix.lower() in (".mgh", ".mgz") else [*_fields(block), *_extensions(block)]
    if file != found.path:
        with imagefile.plainly(found.path), imagefile.unpacked(found.path) as stream:
            parts.append(Part("before the first voxel", stream.read(found.offset)))
    parts.append(Part("after the last voxel", _tail(found)))
    said = [_finding(part) for part in parts if texts(part.raw, 3 if part.where.startswith("header: ") else 4)]
    return said + (gzip_findings(found.path) if found.path.suffix.lower() in (".gz", ".mgz") else [])


def _finding(part: Part) -> Finding:
    field = part.where.removeprefix("header: ")
    text = texts(part.raw, 3 if field != part.where else 4)
    return Finding(part.where, text, PERSONAL.get(field, "perhaps"), COPY)


def _header(block: bytes) -> np.ndarray:
    """The header as a record, of whatever kind it is; its fields as they stand."""
    kinds = {b"n+1\0": Nifti1Header, b"ni1\0": Nifti1PairHeader, b"n+2\0": Nifti2Header, b"ni2\0": Nifti2PairHeader}
    kind = kinds.get(block[344:348]) or kinds.get(block[4:8]) or AnalyzeHeader
    return kind(block[: kind.template_dtype.itemsize], check=False).structarr


def _fields(block: bytes) -> Iterator[Part]:
    """Every field of text; and those meant for numbers, where what stands there is text."""
    record = _header(block)
    adjacent: list[Part] = []
    for name in record.dtype.names or ():
        part = Part(f"header: {name}", record[name].tobytes())
        if record.dtype[name].kind in "iuf" and name not in FORMAT and not _is_affine(record, name):
            adjacent.append(part)
            continue
        yield from _written_over(adjacent)
        adjacent = []
        if record.dtype[name].kind == "S" and name not in FORMAT:
            yield part
    yield from _written_over(adjacent)


def _is_affine(record: np.ndarray, name: str) -> bool:
    """Whether a field repeats a place that the affine says as well, and so is a number whatever its bytes look like."""
    if not name.startswith("qoffset_") or "srow_x" not in (record.dtype.names or ()):
        return False
    return record[name].tobytes() == record[f"srow_{name[-1]}"][3].tobytes()


def _written_over(adjacent: list[Part]) -> Iterator[Part]:
    """Text in fields for numbers that stand side by side: one number's bytes may be letters by chance, eight are not.

    A whole number of four letters is above 800 million, which no field means: there four are enough.
    """
    raw, at = b"".join(part.raw for part in adjacent), 0
    text = [one.span() for one in re.finditer(rb"[0-9A-Za-z ]{8,}", raw)]
    for part in adjacent:
        end = at + len(part.raw)
        for first, last in text:
            if at <= first < end:
                yield Part(part.where, raw[first:last])
        whole = part.where.removeprefix("header: ") in WHOLE
        if whole and part.raw.isalnum() and not any(first < end and at < last for first, last in text):
            yield part
        at = end


def _extensions(block: bytes) -> Iterator[Part]:
    """Extensions of a NIfTI header by their code, and what stands between or after them."""
    size = _header(block).dtype.itemsize
    at = size
    if block[size : size + 1] not in (b"", b"\0"):
        at += 4
        while at + 8 <= len(block):
            length, code = (int(one) for one in np.frombuffer(block, _order(block) + "i4", 2, at))
            if length < 8 or at + length > len(block):
                break
            yield Part(f"extension {code} ({_code_name(code)})", block[at + 8 : at + length])
            at += length
    yield Part("after the header", block[at:])


def _order(block: bytes) -> str:
    return "<" if int.from_bytes(block[:4], "little") in (348, 540) else ">"


def _code_name(code: int) -> str:
    known = code in extension_codes.code  # type: ignore[attr-defined]  # made at run time
    return extension_codes.label[code] if known else "unknown"  # type: ignore[attr-defined]


def _mgh(block: bytes) -> Iterator[Part]:
    """An MGH header's unused bytes; what it says of its history stands after the voxels."""
    yield Part("header: unused", block[90:MGH_BYTES])


def _tail(found: Claim) -> bytes:
    """What follows the last voxel, up to a megabyte; reading there also proves the file whole."""
    end = found.offset + math.prod(found.shape) * found.dtype.itemsize
    if end > MOST_READ:
        return b""
    with imagefile.plainly(found.path), imagefile.unpacked(found.path) as stream:
        stream.seek(end)
        if stream.tell() < end:
            raise EOFError
        return stream.read(MOST_TAIL)


def gzip_findings(file: Path) -> list[Finding]:
    """What a gzip header says of the file that was compressed: name, comment, extra field and when (RFC 1952)."""
    with open(file, "rb") as raw:
        block = raw.read(2**17)
    flags, seconds, at = block[3], int.from_bytes(block[4:8], "little"), 10
    found = []
    if flags & 4:
        length = int.from_bytes(block[at : at + 2], "little")
        if extra := texts(block[at + 2 : at + 2 + length]):
            found.append(Finding("gzip header: extra field", extra, "perhaps", COPY))
        at += 2 + length
    for flag, what in ((8, "file name"), (16, "comment")):
        if flags & flag:
            end = block.find(b"\0", at)
            found.append(Finding(f"gzip header: {what}", decoded(block[at:end]), "perhaps", COPY))
            at = end + 1
    if seconds:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
        found.append(Finding("gzip header: time", f"compressed {when} UTC", "in combination", COPY))
    return [one for one in found if one.value.strip()]
