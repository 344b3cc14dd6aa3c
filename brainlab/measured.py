"""What the card beside a model's weights states, read back as numbers: a number on a card is never typed again."""

import re
from typing import NamedTuple

MEASURES = {
    "psnr": ("PSNR of healthy slices, dB", "the mean training slice"),
    "ap_hypo": ("average precision, dark lesions", "darkness itself"),
    "ap_iso": ("average precision, lesions as bright as grey matter", "chance"),
    "ap_hyper": ("average precision, bright lesions", "brightness itself"),
    "elbo": ("ELBO of healthy slices at σ = 0.05, nats an image", ""),
    "kl": ("its KL term, nats an image", ""),
    "frechet": ("Fréchet distance of samples to real slices; 0 is best", "other people's"),
    "precision": ("precision of samples: the share that looks real", "other people's"),
    "recall": ("recall of samples: the share of real slices that they come near", "other people's"),
    "copied": (
        "P(a sample is nearer to training slices than an unseen person's is): 0.5 honest, 1 copies, 0 far off",
        "",
    ),
    "accuracy": ("share named rightly, mean over the classes", ""),
    "auroc": ("AUROC, lesion against none", ""),
}
"""Each measure of ``scorecard`` in words, and what stands in for a model in the card's last column."""

NUMBER = r"(-?[\d.]+)(?: \((-?[\d.]+)–(-?[\d.]+)\))?"
ROW = re.compile(rf"^\| `(\w+)` \|[^|]*\| {NUMBER} \|(?: {NUMBER}: ([^|]+))?", re.MULTILINE)
BUDGET = re.compile(r"^\| budget \| (\d+) epochs", re.MULTILINE)


class Stated(NamedTuple):
    """One measure as a card states it; nan where the card has no such number."""

    value: float
    low: float  # ends of its 95 % interval
    high: float
    without: float  # what one has without a model,
    stand_in: str  # and how


def read(card: str) -> dict[str, Stated]:
    """The measures that a card's text states, by their names in ``MEASURES``."""
    return {name: _stated(*cells) for name, *cells in ROW.findall(card)}


def epochs(card: str) -> int | None:
    """After how many epochs the weights were kept; None where the card does not say."""
    found = BUDGET.search(card)
    return int(found[1]) if found else None


def _stated(*cells: str) -> Stated:
    """A row's cells: the number, its interval, the same three without a model, and how."""
    value, low, high, without, _, _, stand_in = cells
    numbers = (float(one or "nan") for one in (value, low, high, without))
    return Stated(*numbers, stand_in=stand_in.strip())
