"""Why did it say so? Where in an image a classifier finds what speaks for a class, asked in two ways.

    Grad-CAM    α_k = mean over places of ∂y_c / ∂A_k,   map = ReLU(Σ_k α_k A_k)
    occlusion   how far the class's probability falls when a patch is covered

A_k are a layer's feature maps and y_c the class's logit, before the softmax (Selvaraju et al. 2017, ICCV, eq. 1 and 2);
covering patches is Zeiler & Fergus 2014's (ECCV). Neither map is a segmentation: it shows what the answer rests on,
which may be a neighbour of the lesion, the other half of the brain, or an artefact.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from brainlab.errors import InputError
from brainlab.models.batched import check_images, in_batches
from brainlab.models.classifier import Classifier


def layer_maps(model: Classifier, images: Tensor, layer: int) -> Tensor:
    """Feature maps (N, K, h, w) that leave layer 1, 2, … of the classifier, after normalisation and ReLU."""
    _check_layer(model, layer)
    check_images(model.config, images)
    return in_batches(model, model.cnn[:layer], images)


def channel_weights(tail: Callable[[Tensor], Tensor], maps: Tensor, target: int) -> Tensor:
    """α (N, K): the mean over places of ∂y_c / ∂A_k. ``tail`` takes maps (N, K, h, w) to logits (N, classes)."""
    with torch.enable_grad():
        maps = maps.detach().requires_grad_()
        # A sum over images: the slope of one image's logit must not know its company.
        slope = torch.autograd.grad(tail(maps)[:, target].sum(), maps)[0]  # of the maps alone: no parameter's grad
    return slope.mean((2, 3))


def cam(maps: Tensor, alpha: Tensor) -> Tensor:
    """ReLU(Σ_k α_k A_k), (N, 1, h, w), of maps (N, K, h, w) and weights (N, K): only what speaks for the class."""
    return (alpha[:, :, None, None] * maps).sum(1, keepdim=True).relu()


def grad_cam(model: Classifier, images: Tensor, target: int, layer: int = 4) -> Tensor:
    """Grad-CAM of class number ``target`` at a layer, (N, 1, H, W), at least 0, bilinearly at the images' size.

    Not scaled: a map's numbers are shares of a logit, so two images' maps may be compared. At the last layer, where
    mean and dense layer follow, α is the dense layer's weight divided by the number of places: the class activation
    map of Zhou et al. 2016 (CVPR).
    """
    _check_layer(model, layer)
    _check_target(model, target)
    check_images(model.config, images)

    def explain(x: Tensor) -> Tensor:
        maps = model.cnn[:layer](x)
        return cam(maps, channel_weights(lambda a: model.last(model.pool(model.cnn[layer:](a))), maps, target))

    coarse = in_batches(model, explain, images)
    return F.interpolate(coarse, size=images.shape[2:], mode="bilinear")


def occlusion(
    probability: Callable[[Tensor], Tensor], image: Tensor, region: Tensor, patch: int, stride: int, fill: float
) -> Tensor:
    """How far ``probability`` falls when what a patch × patch square has of the region is covered by ``fill``, (H, W).

    ``image`` (C, H, W); ``region`` (H, W) bool, such as the brain: beyond it nothing is covered, for a grey square on
    black would be a new object. ``probability`` takes images (N, C, H, W) to (N,). Squares lie ``stride`` apart and
    reach to the borders; a pixel of the region has the mean of those that cover it, below 0 where the covered image
    convinces more, and others have 0.
    """
    height, width = image.shape[1:]
    if not 1 <= stride <= patch <= min(height, width):
        raise InputError(
            f"A patch must fit into the image, and patches must leave no gaps: 1 ≤ stride ≤ patch ≤ "
            f"{min(height, width)}, got stride={stride} and patch={patch}."
        )
    rows, columns = _spans(height, patch, stride), _spans(width, patch, stride)  # (R, H) and (C, W) bool
    squares = (rows[:, None, :, None] & columns[None, :, None, :]).flatten(0, 1) & region  # (R · C, H, W)
    squares = squares[squares.flatten(1).any(1)]
    whole, fallen = probability(image[None]), torch.zeros(height, width)
    for some in squares.split(256):
        drop = whole - probability(torch.where(some[:, None], fill, image))
        fallen += (drop[:, None, None] * some).sum(0)
    return fallen / squares.sum(0).clamp(min=1)


def probabilities(model: Classifier, images: Tensor) -> Tensor:
    """The softmax of the logits, (N, classes)."""
    check_images(model.config, images)
    return in_batches(model, lambda x: model(x).softmax(1), images)


def classifier_occlusion(
    model: Classifier, image: Tensor, region: Tensor, target: int, patch: int = 8, stride: int = 4
) -> Tensor:
    """``occlusion`` of class number ``target``'s probability, covered by the region's mean; (1, H, W) to (H, W)."""
    _check_target(model, target)
    if not region.any():
        raise InputError("Occlusion needs a region to cover, such as the brain; this one is empty.")
    fill = float(image[:, region].mean())
    return occlusion(lambda x: probabilities(model, x)[:, target], image, region, patch, stride, fill)


def _spans(side: int, patch: int, stride: int) -> Tensor:
    """Which pixels each square has along an axis, (N, side) bool: every ``stride``, and once flush with the far end."""
    first = torch.tensor(sorted({*range(0, side - patch + 1, stride), side - patch}))[:, None]
    return (torch.arange(side) >= first) & (torch.arange(side) < first + patch)


def _check_layer(model: Classifier, layer: int) -> None:
    if not 1 <= layer <= len(model.cnn):
        raise InputError(f"layer must be from 1 to {len(model.cnn)}, got {layer}.")


def _check_target(model: Classifier, target: int) -> None:
    if not 0 <= target < len(model.config.classes):
        raise InputError(f"target is a class's number, 0 to {len(model.config.classes) - 1}, got {target}.")
