"""Why a brain looks as it does: repetition, echo and inversion time as sliders on the MR signal equation.

The picture is honest about vanishing signal. Noise of a fixed strength is added, as in a scanner, so with the window
set by itself a faint picture turns grainy, and on the absolute scale it turns dark.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import traitlets

from brainlab import contrast, geometry
from brainlab.errors import InputError
from brainlab.planes import plane
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.frame import Frame, Picture, Table, to_bytes
from brainlab.widgets.parts import Choice, Slider, Toggle, brain_panel

if TYPE_CHECKING:
    from brainlab.phantoms import Subject

SIZE = 160  # px; 1.3 mm a pixel
NOISE = 0.006  # standard deviation in units of fully relaxed water, in both channels of the receiver
SHOWN = {
    "gm": "Grey matter",
    "wm": "White matter",
    "csf": "CSF",
    "tumour": "Tumour",
    "enhancing": "Tumour's rim",
    "necrosis": "Necrosis",
    "oedema": "Oedema",
    "plaque": "Plaque",
    "infarct": "Infarct",
}
PRESETS = ("T1w", "T2w", "FLAIR")


class ContrastLabState(traitlets.HasTraits):
    """Sequence and tissues in; image, signals and a sentence out. Times are in ms."""

    preset = traitlets.Enum((*PRESETS, "own"), "T1w")  # "own" as soon as a time was changed by hand
    inversion = traitlets.Bool(True)  # an inversion pulse TI before the excitation
    tr = traitlets.Float(2400.0, min=1.0)
    te = traitlets.Float(3.0, min=1.0)
    ti = traitlets.Float(1200.0, min=1.0)
    field = traitlets.Enum(("1.5", "3.0"), "3.0")  # tesla
    lesion = traitlets.Unicode("none")

    def __init__(self, slices: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """``slices[lesion][tissue]`` (H, W) is a tissue's fraction of every pixel, 0 to 1; there must be a "none"."""
        super().__init__()
        self.slices = slices
        draw = np.random.default_rng(0).standard_normal((2, *next(iter(slices["none"].values())).shape))
        self._noise = NOISE * draw.astype(np.float32)
        self._setting = False

    @property
    def sequence(self) -> contrast.Sequence:
        """The sequence as the sliders stand; InputError where its times contradict each other."""
        if self.te >= self.tr:
            raise InputError(f"TE ({self.te:.0f} ms) must be shorter than TR ({self.tr:.0f} ms): lengthen TR.")
        if self.inversion and self.ti + self.te >= self.tr:
            raise InputError(
                f"TI and TE ({self.ti + self.te:.0f} ms) must fit into TR ({self.tr:.0f} ms): lengthen TR."
            )
        return contrast.Sequence(self.preset, self.tr, self.te, self.ti if self.inversion else None)

    def signals(self) -> dict[str, float]:
        """Signal of every tissue in the slice, in units of fully relaxed water."""
        return {name: contrast.signal(name, self.sequence, float(self.field)) for name in self.slices[self.lesion]}

    def image(self) -> np.ndarray:
        """The slice (H, W) in units of fully relaxed water: signal × fraction, summed, and the receiver's noise."""
        signals = self.signals()
        pure = sum(np.float32(signals[name]) * map_ for name, map_ in self.slices[self.lesion].items())
        return np.hypot(pure + self._noise[0], self._noise[1])

    def frame(self) -> Frame:
        """The picture, the table of signals and the sentence about both."""
        signals, image = self.signals(), self.image()
        span = (0.0, float(image.max()))
        rows = [(SHOWN.get(name, name), f"{value:.3f}", value) for name, value in signals.items()]
        return Frame(
            {"axial": Picture(to_bytes(image, span), span)},
            readout(signals),
            Table("Signal, in units of fully relaxed water", [*rows, ("Noise", f"{NOISE:.3f}", NOISE)]),
            disabled=() if self.inversion else ("ti",),
        )

    @traitlets.observe("preset")
    def _choose(self, change) -> None:
        if change["new"] in PRESETS:
            chosen, self._setting = contrast.SEQUENCES[change["new"]], True
            self.inversion = chosen.ti is not None
            self.tr, self.te, self.ti = float(chosen.tr), float(chosen.te), float(chosen.ti or self.ti)
            self._setting = False

    @traitlets.observe("tr", "te", "ti", "inversion")
    def _by_hand(self, _) -> None:
        if not self._setting:
            self.preset = "own"

    @traitlets.validate("lesion")
    def _known(self, proposal) -> str:
        if proposal["value"] not in self.slices:
            raise InputError(f"lesion must be one of {', '.join(self.slices)}, got {proposal['value']!r}.")
        return proposal["value"]


def readout(signals: dict[str, float]) -> str:
    """Which tissue is bright and which is dark, in a sentence."""
    order = sorted(signals, key=lambda name: -signals[name])
    names = ", ".join(SHOWN.get(name, name) for name in order)
    best = signals[order[0]]
    words = f"From bright to dark: {names}. The brightest gives {100 * best:.0f} % of fully relaxed water"
    return f"{words}; the picture is mostly noise." if best < 5 * NOISE else f"{words}."


def contrast_lab(subject: "Subject | None" = None, *, seed: int = 0) -> Canvas:
    """Show an axial slice under any TR, TE and TI; ``canvas.state`` is the ``ContrastLabState``.

    ``subject``: tissue maps, see ``phantoms.subject``; by default the synthetic subject of ``seed``.
    """
    return show(ContrastLabState(tissue_slices(subject, seed)))


def show(state: ContrastLabState) -> Canvas:
    """The lab on any tissue maps."""
    lesions = {"none": "none", "tumour": "tumour", "ms": "multiple sclerosis", "infarct": "infarct"}
    return Canvas(
        state,
        [brain_panel("axial", SIZE)],
        [
            Choice("preset", "Sequence", tuple((one, one) for one in (*PRESETS, "own"))),
            Slider("tr", "TR, repetition time", unit="ms", stops=_stops(100, 12000)),
            Slider("te", "TE, echo time", unit="ms", stops=_stops(3, 600)),
            Toggle("inversion", "Inversion pulse"),
            Slider("ti", "TI, inversion time", unit="ms", stops=_stops(50, 5000)),
            Choice("field", "Field", (("1.5", "1.5 T"), ("3.0", "3 T"))),
            Choice("lesion", "Lesion", tuple((one, lesions.get(one, one)) for one in state.slices)),
        ],
        title="MR contrast lab",
        caption="Synthetic brain. For teaching, not for clinical use.",
        look={"low": 0.0, "high": 1.0, "auto": True},
        display=("window", "zoom"),
    )


def tissue_slices(subject: "Subject | None" = None, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Tissue maps of one axial slice, healthy and with each lesion: what ``ContrastLabState`` takes.

    The healthy slice passes through the lateral ventricles; a lesion's through the lesion at its widest.
    """
    from brainlab import lesions, phantoms

    subject = subject or phantoms.subject(seed)
    centre = geometry.bounding_box_centre(subject.brain.numpy(), subject.affine)
    slices = {"none": _cut(subject, centre, float(centre[2]) + 6)}
    for kind in lesions.KINDS:
        sick = lesions.add(subject, kind, seed)
        widest = int(sick.mask.sum((0, 1)).argmax())
        slices[kind] = _cut(sick.subject, centre, float((subject.affine @ [0, 0, widest, 1])[2]))
    return slices


def _cut(subject: "Subject", centre: np.ndarray, height: float) -> dict[str, np.ndarray]:
    """Every tissue of a subject in the axial plane at ``height`` mm."""
    maps = zip(subject.names, subject.tissues.numpy(), strict=True)
    return {name: plane(data, subject.affine, "axial", height, SIZE, centre) for name, data in maps}


def _stops(low: float, high: float, steps: int = 120) -> tuple[float, ...]:
    """Times from ``low`` to ``high`` ms in equal ratios, rounded to two or three figures, ascending."""
    times = np.geomspace(low, high, steps)
    digits = np.where(times < 100, 0, np.where(times < 1000, -1, -2)).astype(int)
    presets = [x for one in contrast.SEQUENCES.values() for x in (one.tr, one.te, one.ti) if x and low <= x <= high]
    return tuple(
        sorted({round(float(t), int(d)) for t, d in zip(times, digits, strict=True)} | set(map(float, presets)))
    )
