"""The classifier: a convolutional network that names what it sees in a slice.

    features = mean over places of cnn(x)      (B, 4 width), what there is, wherever it is
    logits = W features + b                    (B, classes)

Four times a convolution halves the resolution and looks for more patterns (LeCun et al. 1998, Proc. IEEE 86:2278); the
mean over all places at the end (global average pooling: Lin et al. 2014, ICLR) asks how much of each pattern there is
and not where, so a tumour counts on either side of the head, at any image size, with hardly a weight to overfit.
"""

from torch import Tensor, nn

from brainlab.models import blocks
from brainlab.models.config import ModelConfig


class Classifier(nn.Module):
    """Tells ``config.classes`` apart; their names travel with the weights, since a logit's number means nothing."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.cnn = nn.Sequential(*blocks.halvings(config))
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.last = nn.Linear(blocks.widths(config)[-1], len(config.classes))

    def features(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to what is read off them before it gets a name, (B, 4 width).

        Two sets of images can be compared by these: a Fréchet distance that needs no network trained on photographs.
        """
        return self.pool(self.cnn(x))

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B, classes); their softmax is the probability of each class."""
        return self.last(self.features(x))
