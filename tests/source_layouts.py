"""Small archives in the layouts that downloadable sources are documented to have; the brains in them are made up."""

import gzip
import io
from dataclasses import replace
from functools import cache
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
from made_up import CENTRE, GRIDS, HALF, made_up
from PIL import Image

from brainlab.volumes import Volume

MARK = (slice(50, 65), slice(75, 90))
"""A bright square in the upper left of a picture of 208 x 208, 47 px above its middle and 22 left of it."""


def picture(seed: int = 0) -> np.ndarray:
    """A brain-like ellipse (208, 208) uint8 on black, 160 px high and 124 wide, with the bright square in it."""
    y, x = np.mgrid[:208, :208]
    inside = ((y - 104) / 80) ** 2 + ((x - 104) / 62) ** 2 < 1
    grey = 110 + np.random.default_rng(seed).normal(0, 8, y.shape)
    grey[MARK] = 230
    return np.where(inside, grey, 0).clip(0, 255).astype(np.uint8)


def marked() -> np.ndarray:
    """Where the bright square is, bool (208, 208)."""
    mask = np.zeros((208, 208), dtype=bool)
    mask[MARK] = True
    return mask


def png(grey: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "PNG")
    return out.getvalue()


@cache
def medianomaly() -> dict[str, bytes]:
    """Three patients, of whom one stands in train and in test."""
    images = {
        "train/BraTS2021_00002_flair_9": 1,
        "train/BraTS2021_00002_flair_10": 2,
        "train/BraTS2021_01467_flair_40": 3,
        "test/normal/BraTS2021_00005_flair_7": 4,
        "test/tumor/BraTS2021_01467_flair_13": 5,
    }
    found = {f"BraTS2021/{name}.png": png(picture(seed)) for name, seed in images.items()}
    return found | {"BraTS2021/test/annotation/BraTS2021_01467_seg_13.png": png(marked().astype(np.uint8) * 255)}


def mat(pid: str, label: int, side: int = 512, seed: int = 0) -> bytes:
    """A file as MATLAB writes it: the matrix's columns are HDF5's rows; x and y of a border count columns and rows."""
    large = [np.kron(one, np.ones((2, 2), one.dtype)) for one in (picture(seed), marked())]  # 416 px
    grey, mask = (np.pad(one, 48) for one in large)
    if side == 256:
        grey, mask = grey[::2, ::2], mask[::2, ::2]
    rows, columns = np.argwhere(mask).min(0), np.argwhere(mask).max(0)
    corners = [(rows[1], rows[0]), (columns[1], rows[0]), (columns[1], columns[0]), (rows[1], columns[0])]  # (x, y)
    out = io.BytesIO()
    with h5py.File(out, "w", userblock_size=512) as file:
        file["cjdata/image"] = (grey.astype(np.int16) * 5).T
        file["cjdata/tumorMask"] = mask.astype(np.uint8).T
        file["cjdata/label"] = np.array([[float(label)]])
        file["cjdata/PID"] = np.array([[ord(letter)] for letter in pid], dtype=np.uint16)
        file["cjdata/tumorBorder"] = np.array(corners, dtype=float).reshape(1, -1)
    return out.getvalue()


@cache
def cheng() -> list[dict[str, bytes]]:
    """Four archives; one patient's slices lie in two of them, out of order, one slice is small."""
    return [
        {"1.mat": mat("100360", 1), "2.mat": mat("MR017260F", 2, seed=1)},
        {"767.mat": mat("100360", 1, seed=2), "cvind.mat": b"folds"},
        {"1533.mat": mat("MR040240B", 3, side=256)},
        {"2299.mat": mat("MR017260F", 2, seed=3)},
    ]


def nifti(data: np.ndarray, affine: np.ndarray | None = None) -> bytes:
    return gzip.compress(nib.Nifti1Image(data, np.eye(4) if affine is None else affine).to_bytes(), 1)


def coronal() -> tuple[np.ndarray, np.ndarray]:
    """A slice (160, 192) to the left and down, and its tissues: a bright square lies in the patient's right, on top."""
    i, j = np.mgrid[:160, :192]
    inside = ((i - 80) / 65) ** 2 + ((j - 97) / 55) ** 2 < 1
    tissue = np.where(inside, np.where(((i - 80) / 40) ** 2 + ((j - 97) / 35) ** 2 < 1, 3, 1), 0)
    grey = np.choose(tissue, [0.0, 0.4, 0.0, 0.7]).astype(np.float32)
    grey[40:50, 60:70] = 1.0
    return grey, tissue.astype(np.uint8)


@cache
def neurite() -> dict[str, bytes]:
    """Three subjects with a gap in their numbers; the third slice has a third axis of length 1."""
    grey, tissue = coronal()
    names = ["OASIS_OAS1_0001_MR1", "OASIS_OAS1_0002_MR1", "OASIS_OAS1_0457_MR1"]
    found = {"subjects.txt": "\n".join(names).encode() + b"\n", "seg4_labels.txt": b"0 Unknown\n"}
    for k, name in enumerate(names):
        noisy = grey + np.random.default_rng(k).normal(0, 0.02, grey.shape).astype(np.float32) * (tissue > 0)
        deep = (..., None) if k == 2 else ...
        found[f"{name}/slice_norm.nii.gz"] = nifti(noisy.clip(0, 1)[deep])
        found[f"{name}/slice_seg4.nii.gz"] = nifti(tissue[deep])
    return found


@cache
def scan_and_marker() -> tuple[bytes, bytes]:
    """A made-up stripped scan, and the mask of its marker on another grid in the same space."""
    data, affine = made_up(GRIDS["RAS"])
    other, elsewhere = made_up(GRIDS["LAS"])
    return nifti(data, affine), nifti((other > 250).astype(np.uint8), elsewhere)


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """The files as an unpacked archive leaves them."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def head(grid: str = "RAS", seed: int = 0, marker: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """A made-up brain in a bright scalp, with air that is not blank; (data, affine). ``extracted`` knows the way back.

    Without ``marker`` the bright spot is as bright as tissue.
    """
    data, affine = made_up(GRIDS[grid])
    rim = _within(data.shape, affine, 1.3) & ~_within(data.shape, affine, 1.15)
    noise = np.random.default_rng(seed).normal(0, 3, data.shape)
    whole = np.where(rim, 250, data if marker else data.clip(0, 130)) + noise
    return np.abs(whole).astype(np.float32), affine


def extracted(volume: Volume) -> Volume:
    """Stands in for brain extraction: the made-up brain's place is known, in mm, on whatever grid."""
    inside = _within(volume.data.shape, volume.affine, 1.0)
    return replace(volume, data=np.where(inside, volume.data, np.float32(0)))


def _within(shape: tuple[int, ...], affine: np.ndarray, times: float) -> np.ndarray:
    """The made-up brain's ellipsoid, ``times`` as large, on a grid."""
    world = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) @ affine[:3, :3].T + affine[:3, 3]
    return (((world - CENTRE) / (HALF * times)) ** 2).sum(-1) < 1


@cache
def ixi() -> dict[str, bytes]:
    """Three people of two hospitals."""
    names = ("IXI012-HH-1211", "IXI002-Guys-0828", "IXI013-HH-1212")
    return {f"{name}-T1.nii.gz": nifti(*head(seed=k)) for k, name in enumerate(names)}


@cache
def dysplasia() -> dict[str, bytes]:
    """A BIDS folder of one patient, with the mask on FLAIR's grid, and one control; the T1s lie on another grid."""
    table = "participant_id\tgroup\tsex\nsub-00001\tfcd\tM\nsub-00003\tfcd\tF\nsub-00005\thc\tF\n"
    found = {"participants.tsv": table.encode(), "dataset_description.json": b"{}"}
    for subject, lesion in (("sub-00001", True), ("sub-00005", False)):
        stem = f"{subject}/anat/{subject}_acq-"
        flair, affine = head(seed=int(lesion), marker=lesion)
        found[f"{stem}T2sel_FLAIR.nii.gz"] = nifti(flair, affine)
        found[f"{stem}iso08_T1w.nii.gz"] = nifti(*head("PIR, uneven voxels", seed=2, marker=False))
        if lesion:
            truth = (made_up(GRIDS["RAS"])[0] > 250).astype(np.uint8)
            found[f"{stem}T2sel_FLAIR_roi.nii.gz"] = nifti(truth, affine)
    return found
