"""The exercises of lesson 07: a voxel's place, a name in a header, false alarms here, millilitres, unseen levels."""

from typing import Any

import numpy as np
import torch

from brainlab import geometry
from brainlab.lessons.answers import Wrong, call, close, kind, number, recognise
from brainlab.lessons.checking import check

LESSON = "07"
GIVEAWAY = "descrip"
NUMBERS = ("dim", "pixdim", "qoffset", "quatern", "srow", "scl_", "cal_", "datatype", "bitpix", "vox_offset", "_code")
EMPTY = ("aux_file", "db_name", "intent_name", "data_type", "session_error", "extents")


@check.add(
    lesson=LESSON,
    hints=[
        "Two steps: turn and stretch the voxel's three numbers, then move the result to where the scanner's origin is.",
        "The affine's upper left 3 × 3 turns and stretches; its last column says where voxel (0, 0, 0) lies.",
        "`affine[:3, :3] @ voxel + affine[:3, 3]`.",
    ],
    solution="""
        def to_mm(voxel, affine):
            return affine[:3, :3] @ voxel + affine[:3, 3]
    """,
)
def to_mm(answer: Any) -> str:
    """World mm (3,) of a voxel (3,): A v + t."""
    affine, voxel = _tilted(), np.array([20, 31, 7])
    value = _floats(call(answer, voxel, affine), "The point")
    grid, origin = affine[:3, :3], affine[:3, 3]
    if value.shape == (4,):
        raise Wrong("That is the point with its 1 at the end: return the first three numbers.")
    if value.shape != (3,):
        raise Wrong(f"A point in mm has three numbers, and yours has shape {value.shape}.")
    voxel_mm = np.linalg.norm(grid, axis=0)
    recognise(
        value,
        (grid @ voxel, "Turned and stretched, but not moved: add the last column, where voxel (0, 0, 0) lies."),
        (
            voxel @ grid + origin,
            "The matrix has changed sides (or is transposed): it stands left of the voxel, `A @ v`.",
        ),
        (voxel @ grid, "The matrix stands left of the voxel, `A @ v`, and then the last column is added."),
        (voxel * voxel_mm, "Voxel sizes alone: that forgets which way the axes run, and where the origin is."),
        (
            voxel * voxel_mm + origin,
            "The size of a voxel is there, the *directions* of the axes are not: use the matrix.",
        ),
        (np.diag(grid) * voxel + origin, "Only the diagonal: this scan is tilted, so the other six numbers count too."),
        (grid @ (voxel + origin), "First turn and stretch, then move: the last column is in mm already."),
        (
            np.linalg.solve(affine, [*voxel, 1])[:3],
            "That is the way back, from mm to voxels: no inverse is needed here.",
        ),
        (voxel, "Those are still voxel indices."),
        (origin, "That is where voxel (0, 0, 0) lies; the voxel asked for is elsewhere."),
    )
    if not close(value, grid @ voxel + origin):
        raise Wrong("Not that: the 3 × 3 part times the voxel, plus the last column.")
    return "One matrix says it all: how large a voxel is, which way it lies, and where. Lose it and left may be right."


@check.add(
    lesson=LESSON,
    hints=[
        "Most fields are numbers on size and place. Look for *text*: where would software leave a remark?",
        "One text field of the listing is not empty; its name is short for *description*.",
    ],
    solution='giveaway = "descrip"',
)
def giveaway(answer: Any) -> str:
    """The practice scan's header field in which a name and a date of birth stand."""
    if not isinstance(answer, str | bytes | np.bytes_ | np.str_):
        raise Wrong(f"The name of a field is asked for, in quotation marks, and this is {kind(answer)}.")
    said = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    words = said.lower().replace("header:", "").strip(" '\"[]:")
    if words == GIVEAWAY:
        return "Eighty letters for whatever a program likes to write, and some like to write who, when and where."
    if "erika" in words or "1968" in words or "004711" in words:
        raise Wrong(
            "That is *what* it gives away; asked is the field in which it stands, so that you find it elsewhere."
        )
    if words in ("description", "descr", "desc", "descripe", "describe"):
        raise Wrong("The right one, if you spell it as the header does.")
    if words in EMPTY:
        raise Wrong(f"`{words}` could hold text, but is empty here. Look again at the listing: which is not?")
    if any(part in words for part in NUMBERS):
        raise Wrong(f"`{words}` holds numbers on size, place or brightness, which many scans share. Look for text.")
    if "affine" in words or "shape" in words:
        raise Wrong("Place and size of the voxels: many scans share them. Look for text.")
    if "name" in words or "path" in words:
        raise Wrong("File and folder names give people away too, but this one is harmless; asked is a field *inside*.")
    raise Wrong("No such text in the header: copy a field's name from the left column of the listing.")


@check.add(
    lesson=LESSON,
    hints=[
        "How high is a level between the brain's lowest and highest point, as a share? 0 is the bottom, 1 the top.",
        "`share = (heights - bottom) / (top - bottom)`; the networks know shares from 0.25 to 0.85.",
        "`(share < 0.25) | (share > 0.85)`, with the parentheses.",
    ],
    solution="""
        def unseen(heights, bottom, top):
            share = (heights - bottom) / (top - bottom)
            return (share < 0.25) | (share > 0.85)
    """,
)
def unseen(answer: Any) -> str:
    """One boolean a level: whether it lies outside 25 to 85 % of the brain's height."""
    bottom, top = -62.0, 78.0
    heights = np.array([-60.0, -40, -28, -26, 0, 30, 56, 58, 70, 77])
    got = _booleans(call(answer, heights, bottom, top), len(heights))
    share = (heights - bottom) / (top - bottom)
    low, high = geometry.AXIAL_SPAN
    right, position = (share < low) | (share > high), np.linspace(0, 1, len(heights))
    for wrong, message in (
        (~right, "True and false have changed places: True is for levels that the networks have *not* learned."),
        (share < low, "The levels below are named; those above are as strange to the networks."),
        (share > high, "The levels above are named; those below are as strange to the networks."),
        (
            (position < low) | (position > high),
            "That counts slices. What matters is how high each one lies in the brain.",
        ),
        (
            (heights < low) | (heights > high),
            "Heights are in mm, 0.25 and 0.85 are shares: divide by the brain's height.",
        ),
        (heights / top > high, "Measure from the brain's lowest point, not from the scanner's 0."),
    ):
        if np.array_equal(got, wrong):
            raise Wrong(message)
    if not np.array_equal(got, right):
        wrong_at = heights[got != right][0]
        raise Wrong(
            f"At {wrong_at:g} mm in a brain from {bottom:g} to {top:g} mm it says {bool(got[got != right][0])}."
        )
    moved = _booleans(call(answer, heights + 100, bottom + 100, top + 100), len(heights))
    if not np.array_equal(moved, right):
        raise Wrong("Another scanner has its 0 elsewhere: with everything 100 mm higher the answer should stay.")
    return "A network says nothing sensible of levels it never saw, and it does not know that it does not know."


@check.add(
    lesson=LESSON,
    hints=[
        "Which voxels could be false alarms at all? Those of the brain that are *not* lesion.",
        "If nobody has drawn the lesion (`lesion is None`), take the whole brain for healthy.",
        "`healthy = brain if lesion is None else brain & ~lesion`, then `(score > cut)[healthy].mean()`.",
    ],
    solution="""
        def alarm_rate(score, cut, brain, lesion):
            healthy = brain if lesion is None else brain & ~lesion
            return (score > cut)[healthy].mean()
    """,
)
def alarm_rate(answer: Any) -> str:
    """The share of the healthy brain's voxels above the cut; of the whole brain where no lesion is drawn."""
    rng = np.random.default_rng(7)
    score = rng.random((12, 10, 8)) ** 2
    brain, lesion = rng.random(score.shape) < 0.6, rng.random(score.shape) < 0.2
    lesion &= brain
    score = score + 0.5 * lesion + 0.4 * ~brain  # what lies outside is bright, so that counting it shows
    cut, above = 0.55, score > 0.55
    got, healthy = _rate(answer, score, cut, brain, lesion), brain & ~lesion
    recognise(
        got,
        (above[brain].mean(), "Hits were counted as false alarms: leave the lesion out, above and below."),
        ((above & healthy).sum() / brain.sum(), "You divide by the whole brain; lesion voxels cannot be false alarms."),
        (above.mean(), "That is a share of the whole volume, air included: only the brain's voxels count."),
        ((above & healthy).sum() / above.size, "Divide by the healthy voxels, not by all: air is no tissue."),
        (above[~lesion].mean(), "The air around the brain is in it: use `brain & ~lesion`."),
        (1 - above[healthy].mean(), "That is the share left in peace; asked is the share above the cut."),
        ((above & healthy).sum() / (above & brain).sum(), "That is the share of what is *marked* that is false. The "
         "promise was made on healthy tissue: divide by that."),
        (above[lesion].mean(), "That is the share of the lesion that was found."),
        ((above & healthy).sum(), "That is a number of voxels: divide it by how many are healthy."),
        (100 * above[healthy].mean(), "In per cent it is right; return the share, from 0 to 1."),
    )  # fmt: skip
    if not close(got, above[healthy].mean()):
        raise Wrong("Not that: of the healthy voxels of the brain, the share with a score above the cut.")
    if not close(_rate(answer, score, cut, brain, None), above[brain].mean()):
        raise Wrong("Right where the lesion is drawn. With `lesion=None` take the whole brain as healthy.")
    return "Measured, not promised. Without a drawn lesion it is an upper bound: some of it may be real."


@check.add(
    lesson=LESSON,
    hints=[
        "How many voxels are there, and how many mm³ is each? A millilitre is 1,000 mm³ (a cube of 1 cm).",
        "A voxel's volume is the determinant of the affine's 3 × 3 part: right for tilted voxels of any shape. "
        "Its sign says whether the axes are mirrored.",
        "`component.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000`.",
    ],
    solution="""
        def volume_ml(component, affine):
            return component.sum() * abs(np.linalg.det(affine[:3, :3])) / 1000
    """,
)
def volume_ml(answer: Any) -> str:
    """Voxels × |det A| / 1000."""
    affine, component = _tilted(), np.zeros((9, 8, 7), dtype=bool)
    component[2:6, 1:7, 3:5] = True  # 48 voxels
    got = number(call(answer, component, affine), "The volume")
    grid = affine[:3, :3]
    one = abs(np.linalg.det(grid))  # mm³
    sizes = np.linalg.norm(grid, axis=0)
    recognise(
        got,
        (48, "That is the number of voxels; each has a size."),
        (48 * one, "In mm³ it is right. A millilitre is 1,000 of them."),
        (-48 * one / 1000, "A negative volume: this scan's axes are mirrored, so the determinant is. Take `abs`."),
        (-48 * one, "Negative, and in mm³: take `abs`, and divide by 1,000."),
        (48 * one / 100, "A millilitre is 10 × 10 × 10 mm³."),
        (48 * one / 10, "A millilitre is 10 × 10 × 10 mm³."),
        (48 / 1000, "Voxels of 1 mm³ are assumed; these are larger."),
        (48 * abs(np.prod(np.diag(grid))) / 1000, "The diagonal alone: for a tilted scan it is not the voxel's size. "
         "Use the determinant."),
        (48 * np.prod(np.diag(grid)) / 1000, "The diagonal alone: for a tilted scan it is not the voxel's size."),
        (48 * sizes[0] ** 3 / 1000, "Voxels need not be cubes: these are thicker than wide."),
        (48 * sizes[2] ** 3 / 1000, "Voxels need not be cubes: these are thicker than wide."),
        (48 * sizes.sum() / 1000, "The three sizes are multiplied, not added."),
        (component.size * one / 1000, "That is the whole volume's: count only the voxels of the component."),
    )  # fmt: skip
    if not close(got, 48 * one / 1000):
        raise Wrong("Not that: the number of voxels, times the volume of one in mm³, divided by 1,000.")
    return "The same lesion has the same millilitres in any scanner's voxels; its number of voxels says nothing."


def _tilted() -> np.ndarray:
    """A mirrored, tilted affine (4, 4) of voxels 1.2 × 1.2 × 4 mm."""
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag([-1.2, -1.2, -4.0])
    affine[:3, 3] = [88.0, 97.0, 71.0]
    return affine


def _floats(value: Any, what: str) -> np.ndarray:
    """A 1-D array of finite floats from a list, a tuple, an array or a tensor, or Wrong."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if not isinstance(value, list | tuple | np.ndarray):
        raise Wrong(f"{what} should be three numbers, and is {kind(value)}.")
    try:
        array = np.asarray(value, dtype=float).squeeze()
    except (TypeError, ValueError):
        raise Wrong(f"{what} should be numbers only.") from None
    if not np.isfinite(array).all():
        raise Wrong(f"{what} has values that are NaN or infinite.")
    return array


def _rate(answer: Any, *inputs: Any) -> float:
    value = call(answer, *inputs)
    if isinstance(value, np.ndarray | torch.Tensor) and value.ndim > 0:
        raise Wrong(f"One number is asked for, a share; yours has shape {tuple(value.shape)}: take a mean.")
    return number(value, "The rate")


def _booleans(value: Any, length: int) -> np.ndarray:
    """One boolean a level, or Wrong."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if not isinstance(value, list | tuple | np.ndarray):
        raise Wrong(f"One boolean a level is asked for, and this is {kind(value)}.")
    try:
        array = np.asarray(value)
    except ValueError:
        raise Wrong("One boolean a level is asked for, in one row.") from None
    if array.shape != (length,):
        raise Wrong(f"One boolean a level is asked for, {length} here, and yours has shape {array.shape}.")
    if array.dtype != bool:
        raise Wrong(
            f"True or False is asked for each level, and yours has the type {array.dtype}: compare with < and >."
        )
    return array
