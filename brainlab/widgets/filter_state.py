"""What the filter lab computes, and its words: a kernel's result, a channel's map, a heat map; no Jupyter in here."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
import traitlets
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab import filters, saliency
from brainlab.errors import InputError
from brainlab.models.classifier import Classifier
from brainlab.slices import Slices
from brainlab.widgets import heatmap
from brainlab.widgets.frame import Frame, Picture, Table, to_bytes

PARTS = ("filter", "features", "why")
STRONGEST = 5
LARGEST = 1000.0  # weight that a cell may hold: far beyond any use, and far from where float32 ends
HARDLY = 0.05  # a fall of a probability by less is not blown up to full colour
METHODS = {"grad-cam": "Grad-CAM", "occlusion": "Occlusion"}
BEYOND = {"zeros": "zeros", "edge": "the edge's values", "reflect": "a mirror image"}
ABOUT = {
    "features": "Strongest channels",
    "why": "Class probabilities; how much of a map's mass in the brain lies in the lesion",
}
SHOWN = {"ms": "MS"}


class Explained(NamedTuple):
    """What speaks for a class, and how far the map lies where the lesion is."""

    target: int
    map: Tensor  # (1, 1, H, W), at least 0
    highest: float  # of the map
    lowest: float  # below 0 where covering a patch made the class more probable
    full: float  # what full colour stands for


class FilterLabState(traitlets.HasTraits):
    """A slice, a kernel, a channel and a question in; pictures, numbers and sentences out."""

    slice = traitlets.Unicode("0")  # its number
    preset = traitlets.Unicode("sobel x")  # "own" as soon as the kernel was changed by hand
    kernel = traitlets.List(traitlets.List(traitlets.Float()))
    flip = traitlets.Bool(False)
    border = traitlets.Enum(tuple(filters.BORDERS), "zeros")
    layer = traitlets.Unicode("1")  # 1 is the first
    channel = traitlets.CInt(1, min=1)  # 1 is the first; the last where the layer has fewer
    method = traitlets.Enum(tuple(METHODS), "grad-cam")
    target = traitlets.Unicode("answer")  # a class's name, or the class that the model finds most probable
    patch = traitlets.CInt(8, min=2)  # px
    outline = traitlets.Bool(True)

    def __init__(
        self, model: nn.Module, slices: Slices, parts: Sequence[str] = PARTS, kernel_size: int = 5, layer: int = 3
    ) -> None:
        self.model, self.slices, self.parts, self.side = a_classifier(model), slices, tuple(parts), kernel_size
        self.kernels = _kernels(self.model, kernel_size)
        self._kept: dict[str, tuple[Any, Any]] = {}
        self._setting = True
        super().__init__(kernel=self.kernels["sobel x"].tolist(), layer=str(layer), slice=_most_lesion(slices))
        self._setting = False
        self.channel = self.strongest()[0]

    # ---- what is computed

    def image(self) -> Tensor:
        """The slice, (1, 1, H, W)."""
        return self.slices.images[int(self.slice)][None]

    def filtered(self) -> Tensor:
        """The slice under the kernel, (H, W)."""
        return filters.filtered(
            self.image()[0, 0], torch.tensor(self.kernel), cast("filters.Border", self.border), self.flip
        )

    def maps(self) -> Tensor:
        """Every channel of the layer, (K, h, w)."""
        key = (self.slice, self.layer)
        return self._once("maps", key, lambda: saliency.layer_maps(self.model, self.image(), int(self.layer))[0])

    def strongest(self) -> list[int]:
        """The channels with the highest means over all places, the highest first; 1 is the first channel."""
        means = self.maps().mean((1, 2))
        return [int(one) + 1 for one in means.argsort(descending=True, stable=True)[:STRONGEST]]

    def probabilities(self) -> Tensor:
        """Of every class, (classes,)."""
        return self._once("says", self.slice, lambda: saliency.probabilities(self.model, self.image())[0])

    def explained(self) -> Explained:
        """The heat map of the method for the class."""
        return self._once("why", self._question(), lambda: self._explain(self._question()[-1]))

    def _question(self) -> tuple[str, str, str | int, int]:
        """What a heat map depends on; the class's number last."""
        classes = self.model.config.classes
        target = int(self.probabilities().argmax()) if self.target == "answer" else classes.index(self.target)
        return self.slice, self.method, self.layer if self.method == "grad-cam" else self.patch, target

    def _explain(self, target: int) -> Explained:
        if self.method == "grad-cam":
            map_ = saliency.grad_cam(self.model, self.image(), target, int(self.layer))
        else:
            brain = self.slices.brain[int(self.slice), 0]
            stride = self.patch // 2
            map_ = saliency.classifier_occlusion(self.model, self.image()[0], brain, target, self.patch, stride)
        low, high = float(map_.min()), float(map_.max())
        full = max(high, 1e-12 if self.method == "grad-cam" else HARDLY)
        return Explained(target, map_.reshape(1, 1, *map_.shape[-2:]).relu(), high, low, full)

    def _once(self, name: str, key: Any, make: Callable[[], Any]) -> Any:
        """What was made for this key, if it was the last one: a move computes only what it changes."""
        if self._kept.get(name, (None,))[0] != key:
            self._kept[name] = (key, make())
        return self._kept[name][1]

    # ---- what is shown

    def press(self, name: str) -> None:
        """Do what a button says: "strongest" goes to the strongest channel."""
        if name == "strongest":
            self.channel = self.strongest()[0]

    def frame(self) -> Frame:
        """All parts of the lab, the table and the sentences."""
        pictures: dict[str, Any] = {"slice": Picture(self._framed().image)}
        words, rows = [], []
        for part in self.parts:
            told, more = {"filter": self._filter, "features": self._features, "why": self._why}[part](pictures)
            words.append(told)
            rows += more
        caption = "; ".join(ABOUT[one] for one in self.parts if one in ABOUT)
        cam = self.method == "grad-cam"
        off = (*(("patch",) if cam else ()), *(("layer",) if not cam and "features" not in self.parts else ()))
        spoken = {"channel": f"channel {self.channel} of {len(self.maps())}"}
        return Frame(pictures, " ".join(words), Table(caption, rows) if rows else None, off, spoken)

    def _filter(self, pictures: dict[str, Any]) -> tuple[str, list]:
        result, kernel = self.filtered(), np.array(self.kernel)
        reach = max(float(result.abs().max()), 1e-6)
        pictures["filtered"] = Picture(to_bytes(result.numpy(), (-reach, reach)), (-reach, reach))
        name = "convolution (kernel turned by 180°)" if self.flip else "cross-correlation (PyTorch's conv2d)"
        same = " Turned, this kernel is the same." if np.allclose(kernel, kernel[::-1, ::-1]) else ""
        return (
            f"Kernel: {name}, {BEYOND[self.border]} beyond the border; weights sum to {_number(kernel.sum())}. "
            f"Mid-grey is 0, black {_number(-reach)}, white {_number(reach)}; values from {_number(result.min())} "
            f"to {_number(result.max())}.{same}"
        ), []

    def _features(self, pictures: dict[str, Any]) -> tuple[str, list]:
        maps, strongest = self.maps(), self.strongest()
        map_, means = maps[self.channel - 1], maps.mean((1, 2))
        top = max(float(map_.max()), 1e-6)
        pictures["features"] = Picture(to_bytes(map_.numpy(), (0.0, top)), (0.0, top))
        highest = max(float(means.max()), 1e-6)
        rows = [
            (f"Channel {one}, mean", f"{float(means[one - 1]):.2f}", float(means[one - 1]) / highest)
            for one in strongest
        ]
        return (
            f"Feature map: layer {self.layer}, channel {self.channel} of {len(maps)}, {map_.shape[0]} × "
            f"{map_.shape[1]} places, after ReLU; mean {float(map_.mean()):.2f}; white is its highest, "
            f"{float(map_.max()):.2f}, of the layer's {float(maps.max()):.2f}. "
            f"Strongest: {', '.join(map(str, strongest))}."
        ), rows

    def _why(self, pictures: dict[str, Any]) -> tuple[str, list]:
        found, says = self.explained(), self.probabilities()
        share = found.map / found.full
        image, free = self._framed()
        over = F.interpolate(share, size=image.shape, mode="bilinear")[0, 0].numpy() * free
        pictures["why"] = Picture(image, overlay=to_bytes(over, (0.0, 1.0)))
        one, question = self.slices[int(self.slice)], self._question()
        pictures["overlap"] = self._once("overlap", question, lambda: heatmap.overlap(share, one))
        inside = self._once("inside", question, lambda: heatmap.inside(found.map, one))
        rows = [(f"P({self._class(i)})", f"{100 * float(p):.0f} %", float(p)) for i, p in enumerate(says)]
        return self._reasons(found, float(says[found.target])), rows + inside

    def _reasons(self, found: Explained, probability: float) -> str:
        """The heat map in words."""
        name, answer = (self._class(one) for one in (found.target, int(self.probabilities().argmax())))
        if self.method == "grad-cam":
            side = 2 ** int(self.layer)
            what = f"Grad-CAM at layer {self.layer} (a place is {side} × {side} px), full colour is its highest value, "
            what += f"{found.highest:.2g}"
        else:
            what = f"Occlusion by patches of {self.patch} px in the brain's mean grey, full colour is a fall of the "
            what += f"probability by {100 * found.full:.0f} points"
            what += f"; it falls by at most {_points(found.highest)} and rises by at most {_points(-found.lowest)}"
            what += "" if found.highest >= HARDLY else ", so no single patch matters"
        empty = "" if found.highest > 0 else " Nothing here speaks for this class."
        says = "" if name == answer else f"It says {answer}. "
        return f"{says}Why {name} ({100 * probability:.0f} %)? {what}.{empty} A heat map is no segmentation."

    def _class(self, number: int) -> str:
        """What a learner reads for a class."""
        return SHOWN.get(self.model.config.classes[number], self.model.config.classes[number])

    def _framed(self) -> heatmap.Framed:
        image, mask = self.image()[0, 0], self.slices.masks[int(self.slice), 0]
        return self._once("framed", (self.slice, self.outline), lambda: heatmap.framed(image, mask, self.outline))

    # ---- what may be set

    @traitlets.observe("preset")
    def _choose(self, change) -> None:
        if change["new"] != "own":
            self._setting = True
            self.kernel = self.kernels[change["new"]].tolist()
            self._setting = False

    @traitlets.observe("kernel")
    def _by_hand(self, _) -> None:
        if not self._setting:
            self.preset = "own"

    @traitlets.observe("layer", "slice")
    def _fewer(self, _) -> None:
        self.channel = min(self.channel, len(self.maps()))

    @traitlets.validate("kernel")
    def _square(self, proposal) -> list:
        rows = proposal["value"]
        square = len(rows) == self.side and all(len(row) == self.side for row in rows)
        if not square or not (np.abs(rows) <= LARGEST).all():
            raise InputError(
                f"kernel must be {self.side} rows of {self.side} numbers from −{LARGEST:.0f} to {LARGEST:.0f}; "
                "put 0 where nothing is."
            )
        return rows

    @traitlets.validate("channel")
    def _within(self, proposal) -> int:
        return min(proposal["value"], len(self.maps()))

    @traitlets.validate("slice", "preset", "layer", "target")
    def _known(self, proposal) -> str:
        name, value = proposal["trait"].name, proposal["value"]
        options = {
            "slice": map(str, range(len(self.slices))),
            "preset": (*self.kernels, "own"),
            "layer": map(str, range(1, len(self.model.cnn) + 1)),
            "target": ("answer", *self.model.config.classes),
        }
        if value not in (known := list(options[name])):
            raise InputError(f"{name} must be one of {', '.join(known)}, got {value!r}.")
        return value


def a_classifier(model: nn.Module) -> Classifier:
    """The model, or InputError where it is none that the lab can show."""
    if not isinstance(model, Classifier) or model.config.channels != 1:
        raise InputError(f"The filter lab needs a bl.Classifier of one channel, got a {type(model).__name__}.")
    return model


def _kernels(model: Classifier, side: int) -> dict[str, Tensor]:
    """The named kernels and the model's first ones, where they fit, by name, rounded so that cells hold them."""
    if side not in (3, 5):
        raise InputError(f"kernel_size must be 3 or 5, got {side}.")
    first = next(one for one in model.cnn.modules() if isinstance(one, nn.Conv2d)).weight.detach()[:, 0].cpu()
    every = dict(filters.KERNELS) | {f"layer 1, channel {i + 1}": one for i, one in enumerate(first)}
    return {
        name: filters.framed(one.double().round(decimals=4), side) for name, one in every.items() if len(one) <= side
    }


def _most_lesion(slices: Slices) -> str:
    """Number of the slice to begin with."""
    return str(int(slices.masks.flatten(1).sum(1).argmax()))


def _points(fall: float) -> str:
    """A probability's change in percentage points; what is smaller than one with a digit more."""
    points = 100 * max(fall, 0.0)
    return f"{points:.0f}" if points >= 1 else f"{points:.1f}"


def _number(value: Any) -> str:
    """Two digits, and a minus that is one."""
    return f"{float(value):.2f}".replace("-", "−") if abs(float(value)) >= 0.005 else "0"
