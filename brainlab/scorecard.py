"""What a model is worth, in the same numbers for every family: what stands on the cards of weights.

    psnr                                how well it rebuilds healthy people it has not seen
    ap_hypo, ap_iso, ap_hyper           how well the residual ranks the pixels of dark, alike and bright lesions
    elbo, kl                            a VAE's bound, and the price of what z says, in nats an image
    frechet, precision, recall, copied  how its own images compare with real ones, in a classifier's features
    accuracy, auroc                     a classifier's: which kind, and lesion or not

A model is asked for what its family can do. Everything is measured on ``test`` slices, with 95 % intervals: over the
tested people, or, for a model's own images, over ``SETS`` sets of them.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab import anomaly, data, latent, losses, metrics, quality
from brainlab.errors import InputError
from brainlab.lesions import CONTRASTS, KINDS
from brainlab.metrics import Interval
from brainlab.models.batched import in_batches
from brainlab.models.classifier import Classifier
from brainlab.models.gan import GAN
from brainlab.models.protocols import Decodes, Embeds, Reconstructs
from brainlab.models.vae import VAE
from brainlab.models.vaegan import VAEGAN
from brainlab.slices import Slices

SETS = 10  # of a model's own images, each as many as there are real ones
SIGMA = 0.05  # the decoder's standard deviation in the bound, as in training
JUDGE_SIZE = 64  # pixels; larger images are averaged down to what the judge was trained on


class Test(NamedTuple):
    """What models of one contrast and size are measured on, and by whom their own images are judged."""

    slices: Slices  # the test split
    train: Slices  # healthy; nothing is fitted to them, copies of them are looked for
    judge: Classifier | None  # of the same contrast


def load(contrast: str = "T1w", size: int = 64, judge: Classifier | None = None) -> Test:
    """The phantom's test and train split, beside a judge."""
    test, train = data.load("phantom", "test", contrast, size), data.load("phantom", "train", contrast, size)
    return Test(test, train, judge)


def measure(model: nn.Module, test: Test, draws: int = 200) -> dict[str, Interval]:
    """All that can be said of a model, by name, in the units above; ``draws`` are the bootstrap's, 0 for values alone.

    Raises InputError for images of another size than the model's.
    """
    if isinstance(model, Classifier):
        return naming(model, test.slices, draws)
    found: dict[str, Interval] = {}
    if isinstance(model, Reconstructs) or (isinstance(model, Embeds) and isinstance(model, Decodes)):
        found |= rebuilding(model, test.slices, draws) | detection(anomaly.scored(model), test.slices, draws)
    if isinstance(model, VAE) and not isinstance(model, VAEGAN):
        found |= bound(model, test.slices, draws)
    if isinstance(model, VAE | GAN) and test.judge:
        found |= imagining(
            lambda n, seed: latent.decode(model, latent.prior_samples(n, model.config.latent_dim, seed)), test
        )
    return found


def references(test: Test, draws: int = 200) -> dict[str, Interval]:
    """What the same measures give without a model: the mean training slice, brightness itself, other people."""
    healthy = test.slices.where(visit="healthy")
    mean = test.train.images.mean(dim=0, keepdim=True).expand_as(healthy.images)
    found = {"psnr": _psnr(healthy, mean, draws)}
    brightness: dict[str, anomaly.Score] = {"hypo": anomaly.darkness, "hyper": anomaly.brightness}
    for contrast, score in brightness.items():
        found |= detection(score, test.slices, draws, [contrast])
    if len(sick := _sick(test.slices, "iso")):
        found["ap_iso"] = _over_people(lambda i: metrics.prevalence(sick.masks[i], sick.brain[i]), sick, draws)
    if test.judge:
        found |= imagining(lambda n, seed: _people(test.train, n, seed), test)
        del found["copied"]  # these are the training slices
    return found


def rebuilding(model: nn.Module, slices: Slices, draws: int) -> dict[str, Interval]:
    """PSNR in dB of healthy slices, their mean over slices."""
    healthy = slices.where(visit="healthy")
    return {"psnr": _psnr(healthy, anomaly.reconstruct(model, healthy.images), draws)}


def detection(
    score: anomaly.Score, slices: Slices, draws: int, contrasts: Iterable[str] = tuple(CONTRASTS)
) -> dict[str, Interval]:
    """Average precision of cleaned maps, pooled over all kinds of lesion, for each of the contrasts that are there."""
    found = {}
    for contrast in contrasts:
        if not len(sick := _sick(slices, contrast)):
            continue
        maps = anomaly.clean(score(sick), sick.brain)
        found[f"ap_{contrast}"] = metrics.average_precision_interval(maps, sick.masks, sick.brain, sick.subjects, draws)
    return found


def bound(model: VAE, slices: Slices, draws: int) -> dict[str, Interval]:
    """The ELBO of healthy slices, one z drawn for each, and its KL term, in nats an image at σ = 0.05."""
    healthy = slices.where(visit="healthy")
    generator = torch.Generator().manual_seed(0)

    def each(x: Tensor) -> Tensor:
        out = model(x, generator=generator)
        rows = zip(x.split(1), out.x_hat.split(1), out.mu.split(1), out.logvar.split(1), strict=True)
        terms = [losses.elbo(*row, SIGMA) for row in rows]
        return torch.tensor([[float(one.elbo), float(one.kl)] for one in terms])

    values = in_batches(model, each, healthy.images)
    return {
        name: _over_people(lambda i, k=k: float(values[i, k].mean()), healthy, draws)
        for k, name in enumerate(("elbo", "kl"))
    }


def imagining(draw: Callable[[int, int], Tensor], test: Test) -> dict[str, Interval]:
    """``draw(n, seed)`` gives n images (n, 1, H, W): SETS sets of as many as there are healthy slices, each compared.

    Values are means over the sets and intervals say how they differ. ``copied`` is the probability that an image is
    nearer to a training slice than a slice of an unseen person is; see ``quality``.
    """
    see = features(test)
    healthy = test.slices.where(visit="healthy")
    real, train = see(healthy.images), see(test.train.images)
    rows = []
    for seed in range(SETS):
        fake = see(draw(len(healthy), seed))
        near = quality.precision_recall(real, fake)
        rows.append([quality.frechet_distance(real, fake), *near, quality.memorisation(train, real, fake).closer])
    names = ("frechet", "precision", "recall", "copied")
    return {name: metrics.interval(float(np.mean(v)), v) for name, v in zip(names, np.transpose(rows), strict=True)}


def features(test: Test) -> Callable[[Tensor], Tensor]:
    """What the judge sees in images (N, 1, H, W), as they would be shown: within [0, 1], at 64 px; (N, 11 width).

    Means over places of every layer, in units of their standard deviation over training slices. The last layer alone is
    not enough: what names lesions overlooks grain and blur, and by it white noise came out nearer to brains than the
    samples of a trained VAE did.
    """
    judge = test.judge
    if judge is None:
        raise InputError("Generated images are compared in the features of a classifier, and there is none.")

    def layers(x: Tensor) -> Tensor:
        pooled = []
        for layer in judge.cnn:
            x = layer(x)
            pooled.append(judge.pool(x))
        return torch.cat(pooled, dim=1)

    def seen(images: Tensor) -> Tensor:
        return in_batches(judge, layers, F.adaptive_avg_pool2d(images.clamp(0, 1), JUDGE_SIZE))

    usual = seen(test.train.images)
    spread = usual.std(dim=0)
    spread = spread.where(spread > 0, 1)  # a feature that never varies is left as it is
    return lambda images: (seen(images) - usual.mean(dim=0)) / spread


def naming(model: Classifier, slices: Slices, draws: int) -> dict[str, Interval]:
    """Of a classifier of ``healthy`` and lesions: mean over its classes of the share named rightly, and AUROC of
    lesion against none, by 1 − p(healthy).
    """
    if unknown := {"healthy", *slices.labels} - set(model.config.classes):
        raise InputError(f"This classifier does not know {', '.join(sorted(unknown))}: it cannot be measured on these.")
    logits = in_batches(model, model.forward, slices.images)
    sick = 1 - logits.softmax(dim=1)[:, model.config.classes.index("healthy")].numpy()
    truth = np.array([model.config.classes.index(label) for label in slices.labels])
    named = logits.argmax(dim=1).numpy()
    lesion = np.array([label != "healthy" for label in slices.labels])

    def accuracy(i: np.ndarray) -> float:
        return float(np.mean([(named[i][truth[i] == k] == k).mean() for k in np.unique(truth[i])]))

    return {
        "accuracy": _over_people(accuracy, slices, draws),
        "auroc": _over_people(lambda i: float(roc_auc_score(lesion[i], sick[i])), slices, draws),
    }


def _sick(slices: Slices, contrast: str) -> Slices:
    """Everyone's scans with a lesion of a contrast, of every kind; also those slices that the lesion does not reach."""
    return slices[np.isin(slices.visit, [f"{kind}-{contrast}" for kind in KINDS])]


def _people(slices: Slices, n: int, seed: int) -> Tensor:
    """n images of people drawn without replacement, all of each but the last: what a perfect model would draw."""
    names = np.random.default_rng(seed).permutation(sorted(set(slices.subjects)))
    owner = np.array(slices.subjects)
    return torch.cat([slices.images[np.flatnonzero(owner == name)] for name in names])[:n]


def _psnr(slices: Slices, x_hat: Tensor, draws: int) -> Interval:
    each = np.array([metrics.psnr(x[None], y[None]) for x, y in zip(slices.images, x_hat, strict=True)])
    return _over_people(lambda i: float(each[i].mean()), slices, draws)


def _over_people(statistic: Callable[[np.ndarray], float], slices: Slices, draws: int) -> Interval:
    return metrics.bootstrap(statistic, slices.subjects, draws)
