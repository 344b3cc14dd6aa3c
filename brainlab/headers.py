"""What an image file's header says, decoded and checked: size, number type, scaling, and where its voxels lie."""

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from nibabel.analyze import AnalyzeHeader
from nibabel.freesurfer.mghformat import MGHHeader
from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader, data_type_codes
from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader

from brainlab.errors import InputError

BLOCK = 1024  # bytes that hold every header read here
MOST_OFFSET = 2**24  # bytes of notes between a NIfTI header and its voxels
MGH_BYTES = 284  # an MGH file's voxels follow; its optional footer comes after them
VOXEL_MM = (0.01, 100.0)  # smallest and largest side of a voxel; what lies beyond was not meant in mm
FARTHEST_MM = 10_000.0  # from the world's origin, which lies in the scanner's or an atlas's middle
FLATTEST = 0.1  # a grid cell's volume over that of an upright one; a tilted gantry still gives 0.8


class Claim(NamedTuple):
    """What a header says of its image, before it is held against the file."""

    path: Path  # where the voxels are; of a .hdr/.img pair the .img
    shape: tuple[int, int, int, int]  # X, Y, Z, volumes
    dtype: np.dtype
    offset: int  # bytes before the first voxel
    scale: tuple[float, float]  # slope and intercept
    affine: np.ndarray  # (4, 4) from the file's voxels to world mm
    header: Any  # nibabel's NIfTI header, to save results with; None for other formats
    oriented: bool  # whether the file says which side is left
    loose: bool  # whether bytes may follow the last voxel


def nifti(block: bytes, file: Path) -> Claim:
    """Claim of a NIfTI-1 or NIfTI-2 file from its first bytes."""
    kind = {b"n+1\0": Nifti1Header}.get(block[344:348]) or {b"n+2\0": Nifti2Header}.get(block[4:8])
    if kind is None:
        raise InputError(
            f"{file} does not start as a NIfTI file does (its magic bytes are wrong); it is damaged, or another kind "
            f"of file under this name: get it again, or convert it."
        )
    return _nifti(kind, block, file, file)


def pair(block: bytes, header: Path, voxels: Path) -> Claim:
    """Claim of a .hdr/.img pair, NIfTI or Analyze, from the first bytes of its .hdr file."""
    kind = {b"ni1\0": Nifti1PairHeader}.get(block[344:348]) or {b"ni2\0": Nifti2PairHeader}.get(block[4:8])
    if kind is not None:
        return _nifti(kind, block, header, voxels)
    if int.from_bytes(block[:4], "little") != 348 and int.from_bytes(block[:4], "big") != 348:
        raise InputError(f"{header} is neither an Analyze nor a NIfTI header; get it again, or convert the image.")
    raw = AnalyzeHeader(_cut(block, 348, header), check=False)
    shape, _ = _shape(raw["dim"], header), _check_type(int(raw["datatype"]), header)
    _check_voxel_size(raw["pixdim"][1:4], header)
    image: Any = nib.load(header)  # reads SPM's .mat with the orientation, where there is one
    slope, inter = image.dataobj.slope, image.dataobj.inter
    offset = _offset(image.dataobj.offset, 0, header)
    oriented = header.with_suffix(".mat").exists()
    return Claim(voxels, shape, image.dataobj.dtype, offset, (slope, inter), image.affine, None, oriented, False)


def mgh(block: bytes, file: Path) -> Claim:
    """Claim of a FreeSurfer MGH or MGZ file from its first bytes."""
    raw = MGHHeader(_cut(block, MGH_BYTES, file) + bytes(20), check=False)
    if raw["version"] != 1:
        raise InputError(f"{file} does not start as an MGH file does; get it again, or convert it to NIfTI.")
    shape = _shape(np.concatenate([[4], raw["dims"]]), file)
    _check_voxel_size(raw["delta"], file)
    header = MGHHeader(block[:MGH_BYTES] + bytes(20))
    affine, oriented = header.get_affine(), bool(raw["goodRASFlag"])
    dtype: Any = header.get_data_dtype()
    return Claim(file, shape, dtype, MGH_BYTES, (1.0, 0.0), affine, None, oriented, True)


def _nifti(kind: type, block: bytes, file: Path, voxels: Path) -> Claim:
    block = _cut(block, kind.template_dtype.itemsize, file)
    raw = kind(block, check=False)
    shape = _shape(raw["dim"], file)
    _check_type(int(raw["datatype"]), file)
    _check_voxel_size(raw["pixdim"][1:4], file)
    offset = _offset(raw["vox_offset"], kind.single_vox_offset if kind.is_single else 0, file)
    header = kind(block)
    slope, inter = header.get_slope_inter()
    scale = (1.0, 0.0) if slope is None else (slope, inter or 0.0)
    oriented = bool(header["sform_code"] > 0 or header["qform_code"] > 0)
    affine = header.get_best_affine()
    return Claim(voxels, shape, header.get_data_dtype(), offset, scale, affine, header, oriented, False)


def bare(found: Claim) -> Nifti1Header | Nifti2Header:
    """A new NIfTI header with a claim's shape, number type, scaling, voxel sizes and affine, and not a word besides."""
    large = isinstance(found.header, Nifti2Header) or max(found.shape) > np.iinfo(np.int16).max
    header = Nifti2Header(endianness="<") if large else Nifti1Header(endianness="<")
    header.set_data_dtype(found.dtype.newbyteorder("<"))
    header.set_data_shape(found.shape if found.shape[3] > 1 else found.shape[:3])
    header.set_slope_inter(*found.scale)
    header.set_xyzt_units("mm")
    header["vox_offset"] = header.single_vox_offset
    if found.header is not None:  # as it stands there: a quaternion recomputed is another one in its last digits
        lies = [name for name in header if re.match(r"[qs]form_code|quatern_|qoffset_|srow_", str(name))]
        for name in lies:
            form = "sform_code" if str(name).startswith("s") else "qform_code"
            if int(found.header[form]) > 0:
                header[name] = found.header[name]
        header["pixdim"][:4] = found.header["pixdim"][:4]
        return header
    header["pixdim"][1:4] = np.linalg.norm(found.affine[:3, :3], axis=0)
    implied: Any = header.get_best_affine()
    if found.oriented or not np.allclose(implied, found.affine):
        header.set_sform(found.affine, code="scanner" if found.oriented else "aligned")
    return header


def _cut(block: bytes, size: int, file: Path) -> bytes:
    if len(block) < size:
        raise InputError(f"{file} is cut short: it has {len(block)} bytes, less than a header; copy it again.")
    return block[:size]


def _shape(dim: np.ndarray, file: Path) -> tuple[int, int, int, int]:
    """(X, Y, Z, volumes) from a header's ``dim``: the number of dimensions, then each one's size."""
    ndim, sizes = int(dim[0]), tuple(int(n) for n in dim[1:])
    if not 1 <= ndim <= 7 or min(sizes[:ndim]) < 1:
        raise InputError(f"{file} claims an impossible size ({ndim} dimensions: {sizes}); it is damaged, get it again.")
    x, y, z, n, *more = (*sizes[:ndim], *(1,) * (7 - ndim))
    if min(x, y, z) == 1:
        raise InputError(f"{file} is a single 2-D slice ({x} x {y} x {z}); brainlab needs a volume of several slices.")
    if math.prod(more) > 1:
        raise InputError(f"{file} has {ndim} dimensions; save one volume of it, with three, on its own.")
    return x, y, z, n


def _check_type(code: int, file: Path) -> None:
    try:
        kind: np.dtype = np.dtype(data_type_codes.dtype[code])  # type: ignore[attr-defined]  # made at run time
    except KeyError:
        raise InputError(f"{file} has an unknown number type (code {code}); it is damaged, get it again.") from None
    if kind.names:
        raise InputError(
            f"{file} is a colour (RGB) picture; brainlab needs the grey-valued scan that it was made from."
        )
    if kind.kind == "c":
        raise InputError(f"{file} holds complex numbers; save their magnitude (numpy.abs) as an image of its own.")
    if kind.kind not in "iuf":
        raise InputError(f"{file} has a number type that holds no image (code {code}); save it as float32.")


def _check_voxel_size(mm: np.ndarray, file: Path) -> None:
    if not np.all((np.abs(mm) >= VOXEL_MM[0]) & (np.abs(mm) <= VOXEL_MM[1])):  # false for NaN too
        sizes = " x ".join(f"{one:g}" for one in mm)
        raise InputError(f"{file} has an impossible voxel size ({sizes} mm); correct its header or convert it anew.")


def _offset(claimed: float, least: int, file: Path) -> int:
    if not least <= float(claimed) <= MOST_OFFSET:  # false for NaN too
        raise InputError(f"{file} claims that its voxels start at byte {claimed:g}; it is damaged, get it again.")
    return int(claimed)


def check_affine(found: Claim) -> None:
    """InputError unless the grid fills space, in voxels of a sensible size, somewhere near the scanner."""
    grid = np.asarray(found.affine, dtype=float)[:3]
    sides = np.linalg.norm(grid[:, :3], axis=0)
    if not np.isfinite(grid).all() or abs(np.linalg.det(grid[:, :3])) <= FLATTEST * sides.prod():
        raise InputError(
            f"{found.path} has an affine that cannot be inverted, so its voxels have no place in space; correct its "
            f"header's sform and qform, or convert the scan anew."
        )
    if np.abs(grid[:, 3]).max() > FARTHEST_MM:
        raise InputError(
            f"{found.path} has an affine that puts the scan metres away; correct its header's sform and qform."
        )
    _check_voxel_size(sides, found.path)
