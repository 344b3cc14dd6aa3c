"""A DICOM series written by hand with pydicom: the truth of where everything lies is known before any converter."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

COLUMNS, ROWS, SLICES = 40, 48, 20
SPACING = (2.5, 3.0, 4.0)  # mm between columns, rows and slices
SLOPE, INTERCEPT = 2.0, -7.0
MARKER_LPS = np.array([30.0, -22.0, 18.0])  # DICOM's world: to the patient's Left, Posterior and Superior
MARKER_RAS = MARKER_LPS * [-1, -1, 1]  # the same place in brainlab's: so it lies left, front and up
SECRETS = {
    "PatientName": "Quimby^Zyzzyva",
    "PatientID": "ZQ-4711-77",
    "PatientBirthDate": "19370523",
    "PatientBirthTime": "031415",
    "PatientAddress": "Zyzzyva Lane 7",
    "OtherPatientIDs": "ZQOTHER99",
    "AccessionNumber": "ZQACC12",
    "StudyDate": "20190817",
    "StudyTime": "161803",
    "SeriesDate": "20190818",
    "AcquisitionDate": "20190819",
    "AcquisitionTime": "171717",
    "AcquisitionDateTime": "20190819171717",
    "ContentDate": "20190820",
    "InstitutionName": "Zyzzyva Hospital",
    "InstitutionAddress": "Zyzzyva Square 1",
    "InstitutionalDepartmentName": "ZyzDepartment",
    "ReferringPhysicianName": "Dr^Zyzzreferrer",
    "OperatorsName": "Zyzzoperator",
    "PerformingPhysicianName": "Zyzzperformer",
    "StationName": "ZYZSTATION",
    "DeviceSerialNumber": "ZYZ31337",
    "StudyID": "ZYZSTUDY",
    "StudyDescription": "Zyzzyva head",
    "ImageComments": "Zyzzyva comments",
    "PatientComments": "Zyzzyva is ill",
    "RequestedProcedureDescription": "Zyzzyva procedure",
    "ProtocolName": "Zyzzyva protocol",
    "PatientAge": "082Y",
    "PatientSex": "F",
}


def grid(turned: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """(axes (3, 3), origin (3,)) in LPS: columns of ``axes`` are unit steps along a row, a column and the slices."""
    axes = np.eye(3)
    if turned:
        a, b = np.radians([17, -11])
        about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
        axes = about_x @ about_z
    middle = (np.array([COLUMNS, ROWS, SLICES]) - 1) / 2 * SPACING
    return axes, np.array([3.0, -5.0, 8.0]) - axes @ middle


def truth(turned: bool = True) -> np.ndarray:
    """(columns, rows, slices) of stored numbers: a ball, an asymmetric marker in it at MARKER_LPS."""
    axes, origin = grid(turned)
    index = np.stack(np.meshgrid(np.arange(COLUMNS), np.arange(ROWS), np.arange(SLICES), indexing="ij"), -1)
    world = (index * SPACING) @ axes.T + origin
    ball = ((world - [3, -5, 8]) ** 2).sum(-1) < 36**2
    return (100 * ball + 900 * (((world - MARKER_LPS) ** 2).sum(-1) < 8**2)).astype(np.uint16)


def dataset(k: int, series: int, uid: str, study: str, **changes: Any) -> Dataset:
    """Slice ``k`` of a series."""
    axes, origin = grid()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = changes.get("SOPClassUID", MRImageStorage)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    one = Dataset()
    one.file_meta = meta
    facts: dict[str, Any] = SECRETS | {
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": uid,
        "FrameOfReferenceUID": study,
        "Modality": "MR",
        "Manufacturer": "SIEMENS",
        "SeriesNumber": series,
        "SeriesDescription": "t1_mprage Zyzzyva",
        "InstanceNumber": k + 1,
        "ImagePositionPatient": [f"{v:.6f}" for v in origin + axes[:, 2] * SPACING[2] * k],
        "ImageOrientationPatient": [f"{v:.9f}" for v in [*axes[:, 0], *axes[:, 1]]],
        "PixelSpacing": [SPACING[1], SPACING[0]],  # rows first, as the standard has it
        "SliceThickness": SPACING[2],
        "SpacingBetweenSlices": SPACING[2],
        "Rows": ROWS,
        "Columns": COLUMNS,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "RescaleSlope": SLOPE,
        "RescaleIntercept": INTERCEPT,
        "EchoTime": 3,
        "RepetitionTime": 2000,
        "MagneticFieldStrength": 3,
        "PixelData": truth()[:, :, k].T.tobytes(),  # a row after the other
    }
    for name, value in (facts | changes).items():
        if value is not None:
            setattr(one, name, value)
    block = one.private_block(0x0019, "ZYZ PRIVATE", create=True)
    block.add_new(1, "LO", "Zyzzprivate")
    return one


def write(
    folder: Path, series: int = 3, left_out: tuple[int, ...] = (), suffix: str = "", seed: int = 0, **changes: Any
) -> Path:
    """Write a series into ``folder`` in shuffled order under names that say nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    uid, study = generate_uid(), generate_uid()
    order = np.random.default_rng(seed).permutation(SLICES)
    for name, k in enumerate(order):
        if k not in left_out:
            one = dataset(int(k), series, uid, study, **changes)
            one.save_as(folder / f"IM{series:02d}{name:03d}{suffix}", enforce_file_format=True)
    return folder


def write_enhanced(folder: Path) -> Path:
    """The same images in one file, as newer scanners write: enhanced MR, frames last slice first."""
    folder.mkdir(parents=True, exist_ok=True)
    axes, origin = grid()
    one = dataset(0, 3, generate_uid(), generate_uid(), SOPClassUID=EnhancedMRImageStorage)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(one, name)
    del one.RescaleSlope, one.RescaleIntercept, one.SpacingBetweenSlices
    order = range(SLICES - 1, -1, -1)
    one.NumberOfFrames = SLICES
    one.SharedFunctionalGroupsSequence = [
        _group(
            PlaneOrientationSequence={"ImageOrientationPatient": [f"{v:.9f}" for v in [*axes[:, 0], *axes[:, 1]]]},
            PixelMeasuresSequence={
                "PixelSpacing": [SPACING[1], SPACING[0]],
                "SliceThickness": SPACING[2],
                "SpacingBetweenSlices": SPACING[2],
            },
            PixelValueTransformationSequence={
                "RescaleSlope": SLOPE,
                "RescaleIntercept": INTERCEPT,
                "RescaleType": "US",
            },
        )
    ]
    one.PerFrameFunctionalGroupsSequence = [
        _group(
            PlanePositionSequence={
                "ImagePositionPatient": [f"{v:.6f}" for v in origin + axes[:, 2] * SPACING[2] * k],
            },
            FrameContentSequence={"DimensionIndexValues": [1, k + 1], "StackID": "1", "InStackPositionNumber": k + 1},
        )
        for k in order
    ]
    one.PixelData = b"".join(truth()[:, :, k].T.tobytes() for k in order)
    one.save_as(folder / "IM0001", enforce_file_format=True)
    return folder


def _group(**macros: dict[str, Any]) -> Dataset:
    group = Dataset()
    for name, facts in macros.items():
        item = Dataset()
        for keyword, value in facts.items():
            setattr(item, keyword, value)
        setattr(group, name, [item])
    return group
