"""Which mask belongs to which scan, and which of the scans are wanted, by names alone: no voxel is read."""

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from brainlab.errors import InputError

NAMED = 5  # how many a sentence names before it says "and 12 more"


class Item(NamedTuple):
    """One image file, as far as its name tells."""

    path: Path
    subject: str
    contrast: str | None = None
    session: str = ""  # of several visits
    space: str = ""  # the space it was warped to, where its name says one
    label: str = ""  # "healthy", or what is wrong, where a folder says so
    run: str = ""  # of several takes in one session


class Scan(NamedTuple):
    """A scan and the mask of its lesions, if one was drawn."""

    item: Item
    mask: Path | None


def chosen(scans: Sequence[Item], contrast: str | None, folder: Path) -> list[Item]:
    """The scans of one contrast; InputError that lists them where there are several and none was asked for.

    Where no name tells a contrast, the one that is asked for is taken to be it.
    """
    there = Counter(one.contrast for one in scans)
    listed = few([f"{name or 'not named'} ({n})" for name, n in sorted(there.items(), key=lambda one: str(one[0]))])
    if contrast is None and len(there) > 1:
        name = next(one for one in sorted(map(str, there)) if one != "None")
        raise InputError(f'{folder} has scans of several contrasts, {listed}; name one, as contrast="{name}".')
    if contrast is None or set(there) == {None}:
        return list(scans)
    if contrast not in there:
        raise InputError(f"{folder} has no scan that is {contrast} by its name, only {listed}; name one of those.")
    return [one for one in scans if one.contrast == contrast]


def paired(scans: Sequence[Item], masks: Sequence[Item], folder: Path, everyone: Collection[str]) -> list[Scan]:
    """Each scan with its subject's mask. Warns, once, of masks of subjects not among ``everyone``, who has a scan.

    A mask of another session, run or space is never taken; of several, the one of the scan's contrast, in its folder,
    whose name begins as the scan's does. Raises InputError where two are left.
    """
    of: dict[str, list[Item]] = {}
    for one in masks:
        of.setdefault(one.subject, []).append(one)
    pairs = [Scan(scan, _mask(scan, of.get(scan.subject, []))) for scan in scans]
    lonely = sorted(of.keys() - set(everyone))
    if lonely:
        n = sum(len(of[name]) for name in lonely)
        warnings.warn(
            f"{folder} has {n} lesion mask{'s' * (n != 1)} without a scan, which are left out: {few(lonely)}.",
            stacklevel=2,
        )
    return pairs


def _mask(scan: Item, masks: Sequence[Item]) -> Path | None:
    left = [one for one in masks if one.session in ("", scan.session) and one.space == scan.space]
    left = [one for one in left if not scan.run or one.run in ("", scan.run)]
    likely: list[Callable[[Item], bool]] = [
        lambda one: one.session == scan.session,
        lambda one: one.run == scan.run,
        lambda one: one.contrast == scan.contrast,
        lambda one: one.path.parent == scan.path.parent,
        lambda one: one.path.name.startswith(scan.path.name.split(".")[0]),
    ]
    for is_likely in likely:
        left = [one for one in left if is_likely(one)] or left
    if len(left) > 1:
        raise InputError(
            f"{scan.path} has {len(left)} lesion masks, {few([str(one.path) for one in left])}; keep one of them in "
            f"this folder, or join them into one."
        )
    return left[0].path if left else None


def few(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
