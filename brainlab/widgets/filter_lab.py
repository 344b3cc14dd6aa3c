"""How a CNN sees a brain: a kernel by hand, the maps of a trained classifier, and what its answer rests on."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from torch import nn

from brainlab import geometry
from brainlab.errors import InputError
from brainlab.models.batched import check_images
from brainlab.models.classifier import Classifier
from brainlab.slices import Slices
from brainlab.widgets import heatmap
from brainlab.widgets.canvas import Canvas
from brainlab.widgets.filter_state import METHODS, PARTS, SHOWN, FilterLabState, a_classifier
from brainlab.widgets.parts import AnyPanel, Button, Choice, Control, Lookup, Matrix, Panel, Slider, Toggle

SCANS = 40  # a list of more is no help
UNSEEN = 97  # a population of phantoms that no shipped model was trained on


def filter_lab(
    model: nn.Module | None = None,
    slices: Slices | None = None,
    *,
    parts: Sequence[str] = PARTS,
    kernel_size: int = 5,
    layer: int = 3,
) -> Canvas:
    """Show what a kernel, a layer and a whole classifier make of a slice; ``canvas.state`` is the ``FilterLabState``.

    ``model``: a ``Classifier``, by default the shipped one. ``slices``: of its size; of every scan the slice with most
    lesion is offered. By default a synthetic person whom no shipped model has seen, grown on first use. ``parts``:
    any of "filter" (a kernel to edit), "features" (one channel's map) and "why" (Grad-CAM and occlusion).
    ``kernel_size`` 3 or 5; the classifier's own first kernels, 4 × 4, need 5. ``layer``, from 1, is shown first: the
    last is Grad-CAM's usual one, but at 64 px it has 4 × 4 places only.
    """
    if model is None:
        from brainlab import checkpoints

        model = checkpoints.load("classifier")
    chosen = a_classifier(model)
    if not parts or set(parts) - set(PARTS):
        raise InputError(f"parts must be some of {', '.join(PARTS)}, got {list(parts)}.")
    slices = _examples(chosen.config.image_size) if slices is None else slices
    check_images(chosen.config, slices.images)
    state = FilterLabState(chosen, one_a_scan(slices), [one for one in PARTS if one in parts], kernel_size, layer)
    return show(state)


def show(state: FilterLabState) -> Canvas:
    """The lab of any state."""
    kind = "Synthetic brains. " if state.slices.about.synthetic else "Real scans. "
    why = "why" in state.parts
    return Canvas(
        state,
        _panels(state),
        [
            Choice("slice", "Slice", tuple((str(i), _name(state.slices, i)) for i in range(len(state.slices)))),
            Toggle("outline", "Frame the lesion"),
            *(one for part in state.parts for one in _controls(part, state)),
        ],
        title="Filter lab",
        caption=f"{kind}For teaching, not for clinical use.",
        display=("opacity", "threshold", "zoom") if why else ("zoom",),
        look={"threshold": 0.3, "opacity": 0.5},
    )


def one_a_scan(slices: Slices) -> Slices:
    """Of every subject's every visit the slice with most lesion, else with most brain; the first ``SCANS`` scans."""
    if not len(slices):
        raise InputError("There are no slices to show: give at least one.")
    size = slices.masks.flatten(1).sum(1) * slices.brain[0].numel() + slices.brain.flatten(1).sum(1)
    best: dict[tuple[str, str], int] = {}
    for i, scan in enumerate(zip(slices.subjects, slices.visit, strict=True)):
        best[scan] = max(best.get(scan, i), i, key=lambda one: int(size[one]))
    return slices[list(best.values())[:SCANS]]


def _panels(state: FilterLabState) -> list[AnyPanel]:
    size = state.slices.images.shape[-1]
    tilt = state.slices.affine[0, :3, :2] / state.slices.spacing
    axial = np.allclose(tilt, geometry.slice_affine(size, (0, 0, 0))[:3, :2] / geometry.pixel_mm(size), atol=1e-3)
    edges, mm = geometry.EDGES["axial"] if axial else None, state.slices.spacing / max(1, heatmap.SIDE // size)
    offered: dict[str, list[AnyPanel]] = {
        "filter": [Panel("filtered", "Under the kernel: mid-grey is 0", smooth=False)],
        "features": [Panel("features", "Feature map: black is 0", smooth=False)],
        "why": [Panel("why", "What the answer rests on", edges, mm), Lookup("overlap", "Dice with the lesion")],
    }
    return [Panel("slice", "Slice", edges, mm), *(one for part in state.parts for one in offered[part])]


def _controls(part: str, state: FilterLabState) -> list[Control]:
    layers = Choice("layer", "Layer", tuple((str(i + 1), str(i + 1)) for i in range(len(state.model.cnn))))
    classes = [(one, SHOWN.get(one, one)) for one in state.model.config.classes]
    offered: dict[str, list[Control]] = {
        "filter": [
            Choice("preset", "Kernel", tuple((one, one.capitalize()) for one in (*state.kernels, "own"))),
            Matrix("kernel", "Its weights", state.side, state.side),
            Choice("border", "Beyond the border", (("zeros", "zeros"), ("edge", "edge"), ("reflect", "mirror"))),
            Toggle("flip", "Turn the kernel by 180° (convolution proper)"),
        ],
        "features": [
            layers,
            Slider("channel", "Channel", 1, _most(state.model), 1),
            Button("strongest", "Strongest channel"),
        ],
        "why": [
            *([] if "features" in state.parts else [layers]),
            Choice("method", "Heat map", tuple(METHODS.items())),
            Choice("target", "Why", (("answer", "its answer"), *classes)),
            Slider("patch", "Patch covered", 6, 16, 2, "px"),
        ],
    }
    return offered[part]


def _most(model: Classifier) -> int:
    """Channels of the widest layer."""
    return max(one.out_channels for one in model.cnn.modules() if isinstance(one, nn.Conv2d))


@cache
def _examples(size: int) -> Slices:
    """A person, healthy and with every lesion."""
    from brainlab.sources import phantom

    return phantom.build("labelled", "T1w", size, seed=UNSEEN, subjects=1)


def _name(slices: Slices, i: int) -> str:
    """Who, and which scan: "phantom-99-0140, tumour-hypo"."""
    label = SHOWN.get(slices.labels[i], slices.labels[i])
    return f"{slices.subjects[i]}, {label if slices.visit[i] == slices.labels[i] else slices.visit[i]}"
