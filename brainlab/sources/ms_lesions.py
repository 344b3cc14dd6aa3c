"""FLAIR of two patients with multiple sclerosis, and the plaques of twenty: the Ljubljana patients in MNI space.

Lesjak and others (2017) had 30 patients outlined by three raters, who then agreed on each outline. John Muschelli
stripped, bias-corrected and registered them to the MNI152 atlas at 1 mm (github.com/muschellij2/open_ms_data); the
files here are from that copy. FLAIR, T1, T2 and contrast-enhanced T1 come for patients 07 and 26; the outlines of
eighteen more show where plaques lie and what shape they have, but have no images here.

Traps. Two patients are enough to try a method on, not to judge it by. Everyone is ill: a "healthy" slice is one of a
patient's without a plaque in it. Outlines were drawn on FLAIR: read them against FLAIR. The names here are shorter than
those in the repository, where FLAIR.nii.gz is FLAIR_N4_noneck_reduced_winsor_regtoFLAIR_brain_N4_regtoMNI.nii.gz.
"""

from dataclasses import replace
from pathlib import Path

from brainlab import volumes
from brainlab.downloads.catalogue import Download, File
from brainlab.errors import InputError
from brainlab.slices import About, Slices, joined
from brainlab.sources import Source

COMMIT = "ab6737647be9665e5448d18be2d715e0a89f7170"  # holds these files, which are known in one version only
RAW = f"https://raw.githubusercontent.com/muschellij2/open_ms_data/{COMMIT}/cross_sectional/MNI"
SCAN = "_N4_noneck_reduced_winsor_regtoFLAIR_brain_N4_regtoMNI.nii.gz"
OUTLINE = "GOLD_STANDARD_N4_noneck_reduced_winsor_regtoFLAIR_regtoMNI.nii.gz"

SCANS = {  # bytes and SHA-256
    "patient07/FLAIR": (4051200, "2f884f00d4e9cbca061a5fd2f988547df312d86194b331f4ca511cf852f775db"),
    "patient07/T1": (4090162, "0d9e0c933140e64ba42931f5ed7aece2a7cc7001fe6c8d753720c487f5e1b8b1"),
    "patient07/T1POST": (4060636, "6f12c9ee925a419eab4f7e90d795ab09e91b21b3fec87b40cbde229a1139b28f"),
    "patient07/T2": (4101885, "272765a0f017d34d51de97690dd33495ce0191d04671be648bf2bc117bd4c4d7"),
    "patient26/FLAIR": (4017515, "254ab239bdc83119015213af9c533f9af13dbed2b06b9a89fde43226cc4afa2a"),
    "patient26/T1": (4062564, "e813b2805017dcf886da9bb5e6c6c548dfa938c17d49ecd66ea1caabe3794b32"),
    "patient26/T1POST": (4031098, "710cdfee41453cad0e1bf5b5f599e5135225eae3e6cb5e6d8f9edb1d240a763c"),
    "patient26/T2": (4066719, "b84155ea55bfa1d8e1714161d302c393efae67b3bc580c99c4d09d5e49994e7f"),
}
OUTLINES = {  # by the patient's number
    1: (26435, "f35bd723ac2af1b179522f53de48e45ce485c5864e4f6954d24d684140ba0533"),
    2: (8199, "62a02ff02aa9436b725c10fdaa306ba4ad871eeaec6ae8957e68d8277daf69fa"),
    3: (7994, "96d23738bc231b468a408b126eb81ff1d269c789092b36eb3965b63eece74db7"),
    4: (23811, "68d1ee8e46973d5fa5cc34b98dcb92c40a3c84697f12ea4a25d65d57fe67ca1d"),
    5: (15358, "43c91761077c98b9cc1852e0c787eae777a4aeb0e950210e17222754e947fabf"),
    6: (33220, "69986000daad68319d2716d2ac502812d6b2f6ef0e0ad6c34c085fa72d552300"),
    7: (8252, "811e8c906d572e8675c67c98176d0e883ec87655ebea89f31da407a18fb1aae7"),
    8: (11105, "5fba14c25dd9be5dddd8b81e05a4aea74d6f06fc4b96406cc7dab0ebccf8330a"),
    9: (17217, "466e9af9fdd0e1f33a6a814c46c5c90094188dd7b518a5dc213786fda13a4e09"),
    10: (16352, "38add431d615795b2e3a4c121195ed3fedffff2aeda6109d66f65dec0e3bd1d4"),
    11: (15332, "a3f68e183368ee9992ba54e50aa8f7fa15aaf58fea87ccc136d5c7ada1b6f2a4"),
    12: (29593, "daf9a5cf97b7cb8ac3a3a6df7259bed024dd7f0d072921dd4972168bac068b15"),
    13: (18436, "8aa2646ec883b38a97c4ca9570768621a8b29662151f9762d08168b9f7a548b4"),
    14: (15072, "7cfc8ac5d2f92225993f0cc26549223a04d8fa35657536faf32defecd63d08f7"),
    15: (13279, "715f3693c0187732a3d8599f613cfa73b12a1e870dc3088267e6cfbf3f351895"),
    16: (16432, "e7bfc3d2842c7342d24091786af5b0bd05f4c918cff2025d8ac12aeff1160da8"),
    17: (8413, "c44b76e7c1e58ce318ef7c93042240a9e8d9ddea138f09506f8417b906bceb01"),
    18: (7914, "f3363a7528c640fe0e709ea5b86a331315eb1bd1418a721232bc3c364910c5e3"),
    20: (14198, "69af75532e7c6d489436cf5c171ebc5be34fb1f5be23490b044132e40ba83ce1"),
    26: (10698, "5a9cc6ffbe3a5d2df67fba4207c0585b2f02a5f9f7f31e0e7e3f57cc59c2c5ac"),
}

DOWNLOAD = Download(
    name="ms-lesions",
    title="Multiple sclerosis: FLAIR, T1 and T2 of two patients and the plaques of twenty, in MNI space",
    files=(
        *(File(f"{RAW}/{name}{SCAN}", f"{name}.nii.gz", f"sha256:{sha}", n) for name, (n, sha) in SCANS.items()),
        *(
            File(f"{RAW}/patient{k:02d}/{OUTLINE}", f"patient{k:02d}/LESION.nii.gz", f"sha256:{sha}", n)
            for k, (n, sha) in OUTLINES.items()
        ),
    ),
    licence="CC BY",
    citation="Lesjak et al. 2017, Neuroinformatics, doi 10.1007/s12021-017-9348-7",
    page="https://github.com/muschellij2/open_ms_data",
)

ABOUT = About(
    source="Ljubljana patients with multiple sclerosis, FLAIR in MNI space, brain only",
    licence=DOWNLOAD.licence,
    citation=DOWNLOAD.citation,
    synthetic=False,
)


def read(folder: Path, size: int = 64) -> Slices:
    """16 axial FLAIR slices of each patient who has images, with plaques: (N, 1, size, size), labelled ms or healthy.

    What the folder holds is read: patients added in the same layout, patientNN/FLAIR.nii.gz with LESION.nii.gz beside
    it, come along.
    """
    scans = sorted(Path(folder).glob("patient*/FLAIR.nii.gz"))
    if not scans:
        raise InputError(f"{folder} should hold patient07/FLAIR.nii.gz, and holds no such scan; fetch it again.")
    return joined([_patient(scan, size) for scan in scans])


def _patient(scan: Path, size: int) -> Slices:
    outline = volumes.read(scan.with_name("LESION.nii.gz"), mask=True)
    cut = volumes.slices(volumes.read(scan), size, lesions=outline)
    labels = tuple("ms" if label == "lesion" else label for label in cut.labels)
    return replace(cut, labels=labels, subjects=(scan.parent.name,) * len(cut), about=ABOUT)


SOURCE = Source(DOWNLOAD, read)
