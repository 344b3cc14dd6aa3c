"""The usual way from the scanner to the model, step by step, each with its picture; nothing is done twice."""

from dataclasses import dataclass, replace

import numpy as np

from brainlab import plotting, volumes
from brainlab.intensity import BRIGHT, intensity_range, normalise
from brainlab.preprocessing import bias, orientation, resampling
from brainlab.preprocessing.extraction import extract_brain
from brainlab.preprocessing.picture import figure
from brainlab.volumes import Volume

DARKEST = 1e-6  # in a normalised brain
LITTLE_SHADING = 0.10  # below it the polynomial would mostly take anatomy for shading
NOTHING = "nothing to do"


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the way: what it did, in a sentence, and the scan before and after it."""

    name: str
    says: str  # opens with "nothing to do" where the scan needed no change
    before: Volume
    after: Volume
    show: tuple[str, ...] = ("difference",)
    same_window: bool = True
    sure_of_sides: tuple[bool, bool] = (True, True)

    @property
    def changed(self) -> bool:
        """Whether the scan is another than before."""
        return not self.says.startswith(NOTHING)

    def figure(self) -> plotting.Figure:
        """Before and after; see ``preprocessing.figure``."""
        return figure(
            self.before,
            self.after,
            title=f"{self.name}: {self.says}",
            show=self.show if self.changed else (),
            same_window=self.same_window,
            sure_of_sides=self.sure_of_sides,
        )


def steps(volume: Volume, mm: float = 1.0, method: str = "polynomial") -> list[Step]:
    """Turn, resample to ``mm``, strip the skull, correct shading (``method``), normalise; ``steps(...)[-1].after``.

    A scan that is prepared already goes through with "nothing to do" at each step. The last step's outcome can go to
    ``volumes.slices``, and results map back onto the file (``volumes.to_volume``), whose grid every step keeps as
    ``original``. A whole head needs the extra ``brainlab[brains]``; raises InputError as the steps do.
    """
    taken = [_turned(volume)]
    for step in (lambda v: _resampled(v, mm), _stripped, lambda v: _unshaded(v, method), _normalised):
        taken.append(step(taken[-1].after))
    return taken


def _turned(volume: Volume) -> Step:
    stored = orientation.axes(volume.original.affine)
    says = f"the file's axes run {stored}, now RAS (to right, anterior, superior); read() has done it"
    if stored == "RAS":
        return Step("Turn", f"{NOTHING}, the file's axes run RAS already", volume, volume)
    return Step("Turn", says, orientation.as_stored(volume), volume, show=(), sure_of_sides=(False, True))


def _resampled(volume: Volume, mm: float) -> Step:
    after = resampling.resample(volume, mm)
    size = " × ".join(f"{one:.3g}" for one in np.linalg.norm(volume.affine[:3, :3], axis=0))
    if resampling.is_isotropic(volume, mm):
        return Step("Resample", f"{NOTHING}, voxels are {size} mm", volume, after)
    return Step("Resample", f"voxels were {size} mm, now cubes of {mm:g} mm", volume, after, show=())


def _stripped(volume: Volume) -> Step:
    if resampling.stripped(volume) is not None:
        return Step("Strip the skull", f"{NOTHING}, outside the brain the scan is blank", volume, volume)
    after = extract_brain(volume)
    ml = resampling.brain_ml(volumes.brain_mask(after), after.affine)
    return Step("Strip the skull", f"a brain of {ml:,.0f} ml is left", volume, after, show=())


def _unshaded(volume: Volume, method: str) -> Step:
    brain = volumes.brain_mask(volume)
    if _is_normalised(volume, brain):
        says = f"{NOTHING}, the scan is normalised, and its zero no longer the scanner's: correct before normalising"
        return Step("Correct shading", says, volume, volume)
    if intensity_range(volume.data, brain).low < 0:
        says = f"{NOTHING}, the scan has values below 0, so its zero is not the scanner's: correct it before z-scoring"
        return Step("Correct shading", says, volume, volume)
    field = bias.bias_field(volume, brain, method)
    found = bias.shading(field, brain)
    if found < LITTLE_SHADING:
        says = f"{NOTHING}, the shading found is only {found:.0%}, as little as anatomy alone can make"
        return Step("Correct shading", says, volume, volume)
    after = replace(volume, data=volume.data / field)
    says = f"bright parts were {found:.0%} brighter than dark ones"
    return Step("Correct shading", says, volume, after, show=("difference", "histogram"))


def _normalised(volume: Volume) -> Step:
    brain = volumes.brain_mask(volume)
    found = intensity_range(volume.data, brain)
    if _is_normalised(volume, brain):
        return Step("Normalise", f"{NOTHING}, percentiles 1 and 99 are 0 and {BRIGHT}", volume, volume)
    # Not 0 inside: what is blank is no brain to whoever looks next, and the brain's rim would be lost.
    data = np.where(brain, np.maximum(normalise(volume.data, brain), DARKEST), 0).astype(np.float32)
    after = replace(volume, data=data)
    says = f"percentile 1 was {found.low:.3g} and is 0, percentile 99 was {found.high:.3g} and is {BRIGHT}"
    return Step("Normalise", says, volume, after, show=("histogram",), same_window=False)


def _is_normalised(volume: Volume, brain: np.ndarray) -> bool:
    """Whether a scan is on the kit's scale; roughly, because voxels clipped to 0 have left the brain since."""
    found = intensity_range(volume.data, brain)
    return bool(np.allclose(found, (0, BRIGHT), atol=0.03) and volume.data.min() >= 0 and volume.data.max() <= 1)
