"""What a scan gives away of the person in it, and a copy that gives away less.

``reveals`` reads a file, what lies beside it and its names, and lists what it finds; ``clean_copy`` keeps the voxels
and their place; ``shows_face`` tells a head from a brain. None is a guarantee: rules differ by country and by
hospital, and the picture itself stays a person's own. ``NOTE`` says what to do and what never to.
"""

import os
from pathlib import Path

from brainlab import imagefile
from brainlab.privacy import dicomtags, imagetext, names, picture, sidecar
from brainlab.privacy.cleaning import clean_copy
from brainlab.privacy.face import shows_face, warn_of_face
from brainlab.privacy.finding import Finding, Findings, table

__all__ = ["NOTE", "Finding", "Findings", "clean_copy", "reveals", "shows_face", "warn_of_face"]

NOTE = """\
A scan of your own is medical data, and a brain is as personal as a fingerprint. Only open one that you may open.

What stays here. brainlab reads your file on this computer and sends nothing anywhere: no upload, no telemetry, no
login. That is tested: whole lessons run with every connection refused.

What you should never do:
- Upload a scan to a notebook in the cloud (Colab, Kaggle, Binder): it is then on someone else's computer.
- Commit a scan, or a notebook that has shown one, to git: what was once pushed stays in the history.
- Share a notebook with its outputs: they show the brain, and paths show names. First: Edit, Clear Outputs of All Cells.
- Paste a scan, a screenshot of it or its header into a chat, a forum or an AI service.
- Read anything into what a model marks on your scan. It has no clinical value; a question about it is one for a doctor.

What the kit does. privacy.reveals(path) lists what a file's header, extensions, names and sidecar give away (with
values=False on a projector). privacy.clean_copy(path, out) writes voxels, affine and voxel sizes, and nothing else.
privacy.warn_of_face(volume) warns of a head by whose face a person can be recognised. dicom.read(folder) keeps the
picture and drops who, when and where. Your own file is never changed.

What it cannot do. Text drawn into the picture stays, rare findings stay recognisable, and a brain can be matched
with another scan of the same person. A clean copy is less of a risk; it is not anonymous.
"""
"""For people: what stays on the computer, what never to do, and what the kit does about it."""


def reveals(path: str | os.PathLike, *, values: bool = True) -> Findings:
    """What a scan gives away of a person: a table of ``Finding``s, the weightiest first.

    ``path``: a NIfTI or Analyze file (.nii, .nii.gz, .hdr, .img), a FreeSurfer one (.mgh, .mgz), a DICOM file or a
    folder of them. Looked at: header, extensions, gzip header, what follows the voxels, the file's name and those of
    its folders, a .json of the same name beside it, DICOM's tags, and whether the scan (of DICOM its largest series)
    shows a face. With ``values=False`` the table says where, not what: for a projector. An empty table is no promise.
    Raises InputError for a damaged file, and for DICOM where the optional packages are missing.
    """
    whole = Path(path).expanduser()
    with imagefile.plainly(whole):
        is_dicom = whole.is_dir() or (whole.is_file() and imagefile.is_dicom(whole))
    if is_dicom:
        found = [*dicomtags.findings(whole), *picture.in_dicom(whole)]
    else:
        found = [*imagetext.findings(imagefile.claim(whole)), *picture.in_image(whole)]
    return table([*found, *sidecar.findings(whole), *names.findings(whole)], values)
