"""How far an image is from its reconstruction, pixel by pixel: the score is high where they disagree."""

from torch import Tensor, nn

from brainlab.anomaly.checks import check_region
from brainlab.anomaly.reconstruction import reconstruct


def anomaly_map(model: nn.Module, images: Tensor, brain: Tensor) -> Tensor:
    """|x − x̂| inside the brain and 0 outside, (N, C, H, W) float32: how far each pixel is from what was expected."""
    check_region(images, brain, "images")
    return (images - reconstruct(model, images)).abs() * brain
