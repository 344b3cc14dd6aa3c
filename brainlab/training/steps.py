"""One step per kind of model that has a single objective: networks, an optimizer, and what is minimised."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brainlab import losses
from brainlab.errors import InputError
from brainlab.models.autoencoder import Autoencoder
from brainlab.models.classifier import Classifier
from brainlab.models.denoising import DenoisingAutoencoder, coarse_noise
from brainlab.models.fanogan import FAnoGAN
from brainlab.models.spatial import SpatialAutoencoder
from brainlab.models.vae import VAE
from brainlab.training.settings import check_family, check_settings
from brainlab.training.step import TrainingStep, descend, finite, gradients, prepare

Objective = Callable[[dict[str, Tensor]], dict[str, Tensor]]


class OneNetworkStep(TrainingStep):
    """A step for a model with one objective, improved by Adam: ``objective(batch)["loss"]`` is minimised."""

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        lr: float,
        generator: torch.Generator | None = None,
        needs: tuple[str, ...] = ("x",),
    ) -> None:
        self.objective, self.needs = objective, needs
        parameters = [p for p in prepare(model).parameters() if p.requires_grad]
        adam = torch.optim.Adam(parameters, lr=lr)
        super().__init__({"model": model}, {"adam": adam}, {"noise": generator} if generator else {})

    def improve(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """One step down the gradient of ``loss``; if it is not finite, the weights stay as they are."""
        numbers = self.objective(batch)
        if finite([numbers["loss"]]):
            adam = self.optimizers["adam"]
            descend(adam, gradients(numbers["loss"], adam))
        return numbers


def ae_step(model: Autoencoder | SpatialAutoencoder, lr: float = 1e-3, sigma: float = 0.05) -> OneNetworkStep:
    """Improve an autoencoder on ``batch["x"]`` (B, C, H, W): minimise −log N(x | x̂, σ²), in nats an image.

    ``lr`` is Adam's learning rate; ``sigma`` the decoder's fixed standard deviation, in units of intensity.
    """
    check_family(model, "ae_step")
    check_settings(lr=lr, sigma=sigma)

    def objective(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x = batch["x"]
        return {"loss": losses.gaussian_nll(x, model(x), sigma)}

    return OneNetworkStep(model, objective, lr)


def dae_step(
    model: DenoisingAutoencoder, lr: float = 1e-3, sigma: float = 0.05, noise: float = 0.2, seed: int = 0
) -> OneNetworkStep:
    """Improve a denoising autoencoder: rebuild ``batch["x"]`` from a copy with coarse noise inside ``batch["brain"]``.

    ``noise`` is the coarse noise's standard deviation in units of intensity, drawn from ``seed``; the rest is as in
    ``ae_step``.
    """
    check_family(model, "dae_step")
    check_settings(lr=lr, sigma=sigma, noise=noise)
    generator = torch.Generator().manual_seed(seed)

    def objective(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x = batch["x"]
        soiled = x + noise * coarse_noise(x.shape, generator).to(x) * batch["brain"]
        return {"loss": losses.denoising(model, x, soiled, sigma)}

    return OneNetworkStep(model, objective, lr, generator, needs=("x", "brain"))


def vae_step(
    model: VAE, beta: float = 1.0, sigma: float = 0.05, lr: float = 1e-3, seed: int = 0, warm_up: int = 0
) -> OneNetworkStep:
    """Improve a VAE on ``batch["x"]``: minimise −log p(x|z) + β·KL. Returns ``elbo`` too, the true one, which rises.

    Over the first ``warm_up`` steps β climbs in a straight line from 0: a decoder that cannot draw yet would else be
    taught that z means nothing (Bowman et al. 2016; Sønderby et al. 2016). z is drawn from ``seed``; the rest is as in
    ``ae_step``.
    """
    check_family(model, "vae_step")
    check_settings(beta=beta, sigma=sigma, lr=lr, warm_up=warm_up)
    generator = torch.Generator().manual_seed(seed)

    def objective(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x = batch["x"]
        out = model(x, generator=generator)
        weight = beta * min(1.0, step.steps_done / warm_up) if warm_up else beta
        return losses.elbo(x, out.x_hat, out.mu, out.logvar, sigma, weight)._asdict()

    step = OneNetworkStep(model, objective, lr, generator)
    return step


def classifier_step(
    model: Classifier, lr: float = 1e-3, class_weights: Sequence[float] | None = None
) -> OneNetworkStep:
    """Improve a classifier on ``batch["x"]`` and ``batch["label"]`` (B,), whole numbers: minimise −log p(label|x).

    ``class_weights`` says how much an image of each class counts, such as 1 / its share of the data: without, a rare
    class may be ignored at little cost. Returns ``accuracy`` as well, the share of the batch that is named rightly.
    """
    check_family(model, "classifier_step")
    check_settings(lr=lr)
    if class_weights is not None and len(class_weights) != len(model.config.classes):
        raise InputError(f"class_weights needs one number for each of {list(model.config.classes)}.")
    weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)

    def objective(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        logits, label = model(batch["x"]), batch["label"]
        loss = F.cross_entropy(logits, label, None if weight is None else weight.to(logits))
        return {"loss": loss, "accuracy": (logits.argmax(dim=1) == label).float().mean()}

    return OneNetworkStep(model, objective, lr, needs=("x", "label"))


def fanogan_step(model: FAnoGAN, lr: float = 1e-3, kappa: float = 1.0) -> OneNetworkStep:
    """Teach f-AnoGAN's encoder to invert its GAN, which stays as it is, on ``batch["x"]``: ``losses.inversion``.

    ``kappa`` weighs what the discriminator sees against the pixels; 1 is the paper's.
    """
    check_family(model, "fanogan_step")
    check_settings(lr=lr, kappa=kappa)

    def objective(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x, x_hat = batch["x"], model(batch["x"])
        see = model.gan.discriminator.features
        return {"loss": losses.inversion(x, x_hat, see(x), see(x_hat), kappa)}

    return OneNetworkStep(model, objective, lr)
