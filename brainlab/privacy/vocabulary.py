"""Which named facts about a scan identify a person: one list for DICOM's tags and for the sidecars made from them.

After the attributes that DICOM PS3.15, annex E, has removed or replaced, in the coarser grades of ``Identifying``.
"""

import re

from brainlab.privacy.finding import Identifying

DIRECTLY = re.compile(
    r"^Patient(s?Name|ID|sID|BirthName|MotherBirthName|Address|TelephoneNumbers|TelecomInformation|BirthDate|BirthTime)$"
    r"|PatientID|OtherPatient(IDs|Names)|MedicalRecordLocator|InsurancePlan|AccessionNumber|MilitaryRank"
    r"|(Physician|Operator|Person|Performer|Reader|Reviewer|Requester|Author|Verifier|Observer)\w*(Name|Names|Identification)"
    r"|PhysiciansOfRecord|^Person(Name|Address|TelephoneNumbers)|ClinicalTrialSubject\w*ID"
    r"|(?i:dob|mrn|birth|subject_?id|patient_?(id|name)$)"
)
IN_COMBINATION = re.compile(
    r"Date$|Time$|DateTime|^(Date|Time)Of|UID$|Institution|Hospital|Department|StationName|AETitle|ApplicationEntityTitle"
    r"|SerialNumber|DeviceUID|StudyID$|AdmissionID|FillerOrder|PlacerOrder|RequestedProcedureID|ScheduledProcedureStepID"
    r"|PerformedProcedureStepID|Patient(Age|Sex|Size|Weight)|Ethnic|Occupation|Country|Region|Address|Telephone|Nationality"
    r"|Smoking|Pregnancy|Religious|Species|Breed|ClinicalTrial\w*ID|ServiceEpisodeID|GantryID"
)
HARMLESS = re.compile(
    r"^(Modality|Manufacturer|Manufacturers?ModelName|SpecificCharacterSet|ImageType|ScanningSequence|SequenceVariant"
    r"|ScanOptions|MRAcquisitionType|SequenceName|AngioFlag|ImagedNucleus|PatientPosition|PhotometricInterpretation"
    r"|InPlanePhaseEncodingDirection(DICOM)?|PhaseEncodingDirection|PhaseEncodingAxis|BodyPart(Examined)?|Laterality"
    r"|PositionReferenceIndicator|SoftwareVersions|ConversionSoftware(Version)?|BidsGuess|SOPClassUID|TransferSyntaxUID"
    r"|MediaStorageSOPClassUID|ImplementationClassUID|ImplementationVersionName|LossyImageCompression|RescaleType"
    r"|ReceiveCoil(Name|ActiveElements)|TransmitCoilName|CoilString|CoilCombinationMethod|MatrixCoilMode|PulseSequenceName"
    r"|PatientOrientation|PresentationLUTShape|PixelPaddingValue|AcquisitionContrast|ComplexImageComponent|VolumetricProperties"
    r"|(Repetition|Echo|Inversion|Dwell|Exposure|TotalReadout|EstimatedTotalReadout|SliceThickness|AcquisitionDuration)Time"
    r"|EchoTime\d*|TriggerTime|TimeOfFlight\w*|EffectiveEchoTime|FrameReferenceTime|SliceTiming|ReferencedSOPClassUID"
    r"|DirectoryRecordType|BurnedInAnnotation|ShimSetting|ConsistencyInfo|\w*CodingScheme(Designator|Version)|StackID|CodeValue|CodeMeaning)$"
)


def identifying(name: str, value: str, free: bool = True) -> Identifying | None:
    """How far a fact of this name identifies; None where it says nothing of a person.

    ``free``: whether anyone may have typed it, so that digits alone may be an id, a date or a telephone number.
    """
    if DIRECTLY.search(name):
        return "directly"
    if HARMLESS.search(name):
        return None
    if IN_COMBINATION.search(name):
        return "in combination"
    return "perhaps" if re.search(r"[^\W_]" if free else r"[^\W\d_]", value) else None
