"""Words that say whether somebody is ill: names of folders, and labels in people's own tables and arrays."""

import re
from collections.abc import Sequence

HEALTHY = set(
    re.findall(
        r"\w+",
        "cn cognitivelynormal control controls hc healthy healthycontrol healthycontrols nc no nolesion nondemented "
        "nondementia normal normals notumor notumors notumour notumours",
    )
)
"""What means that nothing was found."""

FOUND = set(
    re.findall(
        r"\w+",
        "abnormal ad alzheimer alzheimers anomalous anomaly demented dementia disease emci glioblastoma glioma "
        "gliomatumor hgg infarct lesion lesions lgg lmci mci meningioma meningiomatumor metastases metastasis mild "
        "milddemented milddementia moderate moderatedemented moderatedementia ms patient patients pituitary "
        "pituitarytumor severe severedemented sick stroke tumor tumors tumour tumours verymild verymilddemented "
        "verymilddementia yes",
    )
)
CLASSES = HEALTHY | FOUND
"""All that make a folder a class, in small letters without what parts words: No_Tumor is "notumor"."""


def is_class(folder: str) -> bool:
    """Whether a folder's name is a class, and so nobody's own."""
    return _plain(folder) in CLASSES


def label(text: str) -> str:
    """A label as brainlab writes it: "healthy" for all that means that nothing was found, else as it is."""
    return "healthy" if _plain(text) in HEALTHY else text


def of_folders(names: Sequence[str]) -> str:
    """The label that the nearest (last) of some folders gives that is a class, in small letters, or "" """
    return next((label(name.lower()) for name in reversed(names) if is_class(name)), "")


def _plain(text: str) -> str:
    return re.sub(r"[-_. ]", "", text).lower()
