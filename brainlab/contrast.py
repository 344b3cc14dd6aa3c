"""The MR signal equation: how bright a tissue is under a sequence, from its T1, T2 and proton density.

Every time is in milliseconds. Grey and white matter were measured on tissue samples; in living people T1 and T2 differ
by tens of per cent with region, age and method, and a lesion by far more.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from brainlab.errors import InputError


class Relaxation(NamedTuple):
    """What the signal equation asks of a tissue."""

    t1: float  # ms, how slowly magnetisation comes back along the field
    t2: float  # ms, how slowly the echo fades
    pd: float  # proton density, water = 1


def with_gadolinium(tissue: Relaxation, millimolar: float, r1: float, r2: float) -> Relaxation:
    """Relaxation of a tissue that has taken up contrast agent: rates add, ``1/T1' = 1/T1 + r1 C``, likewise T2.

    ``r1`` and ``r2`` are relaxivities in L/(mmol s).
    """
    return Relaxation(
        1000.0 / (1000.0 / tissue.t1 + r1 * millimolar), 1000.0 / (1000.0 / tissue.t2 + r2 * millimolar), tissue.pd
    )


# Grey and white matter: Stanisz et al., "T1, T2 relaxation and magnetization transfer in tissue at 3T", Magn Reson Med
# 54:507 (2005), Table 1: in vitro, at 37 °C, bovine. CSF is close to free water and hardly depends on the field; in
# vivo T1 is reported from about 3.8 to 4.5 s and T2 from about 1.5 to 2.5 s. Proton densities: Tofts (ed.),
# "Quantitative MRI of the Brain" (2003).
# Lesion tissues are approximate, chosen within the wide range that is reported: more water, hence longer T1 and T2.
RELAXATION: dict[float, dict[str, Relaxation]] = {
    1.5: {
        "gm": Relaxation(1124, 95, 0.82),
        "wm": Relaxation(884, 72, 0.70),
        "csf": Relaxation(4300, 2000, 1.00),
        "tumour": Relaxation(1500, 140, 0.88),
        "necrosis": Relaxation(2600, 400, 0.95),
        "oedema": Relaxation(1550, 160, 0.90),
        "plaque": Relaxation(1400, 145, 0.88),
        "infarct": Relaxation(1700, 190, 0.92),
    },
    3.0: {
        "gm": Relaxation(1820, 99, 0.82),
        "wm": Relaxation(1084, 69, 0.70),
        "csf": Relaxation(4300, 2000, 1.00),
        "tumour": Relaxation(2000, 140, 0.88),
        "necrosis": Relaxation(3000, 400, 0.95),
        "oedema": Relaxation(2050, 160, 0.90),
        "plaque": Relaxation(1900, 140, 0.88),
        "infarct": Relaxation(2200, 190, 0.92),
    },
}
"""``RELAXATION[field in tesla][tissue]``; ``"enhancing"`` is the tumour's rim once it has taken up gadolinium."""

# Gadopentetate in plasma: Rohrer et al., "Comparison of magnetic properties of MRI contrast media solutions at
# different magnetic field strengths", Invest Radiol 40:715 (2005). 0.4 mmol/L is a lively, plausible uptake.
RELAXATION[1.5]["enhancing"] = with_gadolinium(RELAXATION[1.5]["tumour"], millimolar=0.4, r1=4.1, r2=4.6)
RELAXATION[3.0]["enhancing"] = with_gadolinium(RELAXATION[3.0]["tumour"], millimolar=0.4, r1=3.7, r2=5.2)

TISSUES = tuple(RELAXATION[3.0])


@dataclass(frozen=True)
class Sequence:
    """What the scanner's operator sets: repetition, echo and inversion time; ``ti=None`` is a plain spin echo."""

    name: str
    tr: float  # ms between excitations
    te: float  # ms from excitation to echo
    ti: float | None = None  # ms from inversion to excitation
    gadolinium: bool = False  # the patient was given contrast agent


SEQUENCES: dict[str, Sequence] = {
    # What MPRAGE does in essence: invert, wait until fluid is near its null, read out at once.
    "T1w": Sequence("T1w", tr=2400, te=3, ti=1200),
    "T1ce": Sequence("T1ce", tr=2400, te=3, ti=1200, gadolinium=True),
    "T2w": Sequence("T2w", tr=5000, te=100),
    "FLAIR": Sequence("FLAIR", tr=9000, te=120, ti=2480),  # 2480 ms nulls CSF at this TR, see null_ti
}


def spin_echo(pd: float, t1: float, t2: float, tr: float, te: float) -> float:
    """Signal of a spin echo, ``PD (1 − e^(−TR/T1)) e^(−TE/T2)``, for TE much shorter than TR."""
    return pd * (1 - math.exp(-tr / t1)) * math.exp(-te / t2)


def inversion_recovery(pd: float, t1: float, t2: float, tr: float, te: float, ti: float) -> float:
    """Magnitude after a perfect inversion, ``PD |1 − 2 e^(−TI/T1) + e^(−TR/T1)| e^(−TE/T2)``, TE well below TR."""
    return pd * abs(1 - 2 * math.exp(-ti / t1) + math.exp(-tr / t1)) * math.exp(-te / t2)


def null_ti(t1: float, tr: float) -> float:
    """The inversion time in ms at which a tissue gives no signal, ``T1 (ln 2 − ln(1 + e^(−TR/T1)))``."""
    return t1 * (math.log(2) - math.log1p(math.exp(-tr / t1)))


def signal(tissue: str | Relaxation, sequence: str | Sequence, field: float = 3.0) -> float:
    """Signal of a tissue under a sequence, in units of fully relaxed water.

    ``tissue`` and ``sequence`` may be names (``TISSUES``, ``SEQUENCES``); ``field`` is 1.5 or 3.0 tesla. Without
    gadolinium an ``"enhancing"`` rim is tumour like the rest. Raises ``InputError`` for a name it does not know.
    """
    if isinstance(sequence, str):
        if sequence not in SEQUENCES:
            raise InputError(f"contrast must be one of {', '.join(SEQUENCES)}, got {sequence!r}.")
        sequence = SEQUENCES[sequence]
    if isinstance(tissue, str):
        tissue = relaxation("tumour" if tissue == "enhancing" and not sequence.gadolinium else tissue, field)
    if sequence.ti is None:
        return spin_echo(tissue.pd, tissue.t1, tissue.t2, sequence.tr, sequence.te)
    return inversion_recovery(tissue.pd, tissue.t1, tissue.t2, sequence.tr, sequence.te, sequence.ti)


def relaxation(tissue: str, field: float = 3.0) -> Relaxation:
    """T1, T2 and proton density of a named tissue at 1.5 or 3.0 tesla."""
    if field not in RELAXATION:
        raise InputError(f"field must be 1.5 or 3.0 tesla, got {field}.")
    if tissue not in RELAXATION[field]:
        raise InputError(f"tissue must be one of {', '.join(RELAXATION[field])}, got {tissue!r}.")
    return RELAXATION[field][tissue]
