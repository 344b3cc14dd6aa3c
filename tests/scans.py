"""Three people's scans made by formula: a disk of brain with a square of lesion, dark or bright."""

import numpy as np
import torch

from brainlab import geometry
from brainlab.slices import About, Slices

SIZE = 32
PEOPLE = ("ann", "ben", "cem")
VISITS = ("healthy", "tumour-hypo", "tumour-hyper", "ms-hyper")
LEVELS = {"hypo": 0.1, "hyper": 0.9}


def scans(visits=VISITS, people=PEOPLE, heights=(-10.0, 20.0), seed=0) -> Slices:
    """A slice for each person, visit and height; the lesion is 4 × 4 pixels below, and 6 × 6 above."""
    y, x = np.mgrid[:SIZE, :SIZE]
    disk = np.hypot(x - 15.5, y - 15.5) < 13
    draw = np.random.default_rng(seed)
    images, masks, rows = [], [], []
    for person in people:
        for visit in visits:
            for k, height in enumerate(heights):
                kind, _, level = visit.partition("-")
                mask = np.zeros_like(disk)
                if level:
                    side = 4 + 2 * k
                    mask[10 : 10 + side, 12 : 12 + side] = True
                tissue = 0.5 + 0.05 * draw.standard_normal(disk.shape)
                images.append(np.where(mask, LEVELS.get(level, 0), tissue) * disk)
                masks.append(mask)
                rows.append((person, kind if level else "healthy", height, visit))
    subjects, labels, height, visit = zip(*rows, strict=True)
    n = len(rows)
    stacked = [torch.from_numpy(np.stack(one))[:, None] for one in (images, masks, [disk] * n)]
    return Slices(
        images=stacked[0].float().clamp(0, 1),
        masks=stacked[1],
        brain=stacked[2],
        subjects=subjects,
        labels=labels,
        position_mm=np.array(height),
        visit=visit,
        affine=np.stack([geometry.slice_affine(SIZE, (0.0, 0.0, z)) for z in height]),
        contrast="T1w",
        spacing=geometry.pixel_mm(SIZE),
        about=About("a formula", "none", "", True),
    )
