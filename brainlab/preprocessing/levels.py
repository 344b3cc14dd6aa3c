"""Which axial heights a model sees, drawn as lines over a view from the side."""

import numpy as np

from brainlab import geometry, plotting, volumes
from brainlab.errors import InputError
from brainlab.preprocessing import picture
from brainlab.volumes import Volume

LINE = "#4be3a0"


def levels(volume: Volume, positions_mm=None, n: int = 16) -> plotting.Figure:
    """Sagittal and coronal views through the brain's middle with a line at each of ``positions_mm`` (world mm).

    By default the ``n`` heights of ``geometry.axial_positions``, those that ``volumes.slices`` cuts. For a scan without
    skull. Raises InputError for one with it, and for heights beside the brain.
    """
    brain = volumes.brain_mask(volume)
    box = geometry.bounding_box(brain, volume.affine)
    heights = geometry.axial_positions(brain, volume.affine, n) if positions_mm is None else np.ravel(positions_mm)
    if not len(heights) or heights.min() < box[0, 2] or heights.max() > box[1, 2]:
        raise InputError(f"positions_mm must be heights in the brain, {box[0, 2]:.0f} to {box[1, 2]:.0f} mm.")
    centre, half = box.mean(axis=0), np.ptp(box, axis=0) / 2 + 10
    drawn = plotting.Figure(figsize=(8.4, 8.4 * half[2] / (half[0] + half[1]) + 0.7), layout="constrained")
    axes = drawn.subplots(1, 2, width_ratios=[half[1], half[0]])
    white = float(np.percentile(volume.data[brain], 99.5))
    for axis, plane in zip(axes, ("sagittal", "coronal"), strict=True):
        image = picture.view(volume, plane, centre[geometry.PLANES[plane].through], centre, half)
        picture.draw(axis, image, plane, half, vmin=0, vmax=white)
        axis.hlines(heights - centre[2], *axis.get_xlim(), colors=LINE, linewidth=0.8)
        for z in (heights.min(), heights.max()):
            axis.text(
                0.99,
                z - centre[2] + 1,
                f"{z:.0f} mm".replace("-", "−"),
                color=LINE,
                fontsize=8,
                ha="right",
                transform=axis.get_yaxis_transform(),
            )
        axis.set_title(picture.where(plane, centre), fontsize=9)
    span = f"{len(heights)} axial slices from z = {heights.min():.0f} to {heights.max():.0f} mm".replace("-", "−")
    drawn.supxlabel(f"{span}. Patient's left (L) is on the right.", fontsize=8, color="0.35")
    drawn.alt = f"The brain from the side and from the front, with a line at the height of each of {span}."
    return drawn
