"""The kit's own networks in pythae's hands: its models, trained by its own pipeline as its documentation runs it.

pythae takes networks of one's own. What it trains here *are* the modules of the ``bl.VAE`` or ``bl.VAEGAN`` that goes
in, so that this model is what has learned afterwards: there is nothing to copy back.
"""

import contextlib
import importlib
import io
import logging
import tempfile
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import brainlab as bl
from brainlab.models.vae import LOGVAR_RANGE

BATCH = 64
"""pythae's default, and the kit's."""


class TimeUp(Exception):
    """Ends pythae's training between two steps."""


class Trained(NamedTuple):
    """What a training took."""

    seconds: float
    steps: int


def load(name: str) -> ModuleType:
    """A peer's module, such as ``"pythae.models"``; where it is not installed the benchmarks end with a sentence."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error.name} is not installed: `make bench` installs what this figure needs.") from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Progress bars are drawn as ever, but nobody sees them; log lines are not made."""
    logging.disable(logging.INFO)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def pythae_vae(model: bl.VAE) -> nn.Module:
    """pythae's VAE around the networks of ``model``."""
    models, (encoder, decoder) = load("pythae.models"), _networks(model)
    return models.VAE(models.VAEConfig(**_sizes(model)), encoder=encoder, decoder=decoder)


def pythae_vaegan(model: bl.VAEGAN) -> nn.Module:
    """pythae's VAEGAN around the networks of ``model``, weighed as by default, alike in D_l."""
    models, (encoder, decoder) = load("pythae.models"), _networks(model)
    config = models.VAEGANConfig(**_sizes(model), reconstruction_layer=1)
    return models.VAEGAN(config, encoder=encoder, decoder=decoder, discriminator=_discriminator(model))


def train(model: nn.Module, images: Tensor, seed: int = 8, seconds: float | None = None, **settings: Any) -> Trained:
    """Train a pythae model by its ``TrainingPipeline``, for ``num_epochs`` in ``settings`` or so many ``seconds``.

    The time is that from the first step to the end of the last epoch: without the checks before and the file that it
    writes after them. ``seed`` is for the order of the images and the noise; the weights stay those of the last step,
    where the file has those of the epoch with the lowest loss.
    """
    trainers, pipelines = load("pythae.trainers"), load("pythae.pipelines")
    kind = "CoupledOptimizerAdversarialTrainerConfig" if hasattr(model, "discriminator") else "BaseTrainerConfig"
    clock = _clock(seconds)
    with quiet(), tempfile.TemporaryDirectory() as folder, contextlib.suppress(TimeUp):
        config = getattr(trainers, kind)(
            output_dir=folder, per_device_train_batch_size=BATCH, seed=seed, no_cuda=True, **settings
        )
        pipelines.TrainingPipeline(training_config=config, model=model)(train_data=images, callbacks=[clock])
    return Trained(clock.ended - clock.began, clock.steps)


def _sizes(model: bl.VAE) -> dict[str, Any]:
    config = model.config
    return {
        "input_dim": (config.channels, config.image_size, config.image_size),
        "latent_dim": config.latent_dim,
    }


def _networks(model: bl.VAE) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder behind pythae's interface."""
    bases, output = load("pythae.models.nn"), load("pythae.models.base.base_utils").ModelOutput

    class Encoder(bases.BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = model.encoder

        def forward(self, x: Tensor) -> Any:
            mu, logvar = self.net(x).chunk(2, dim=1)
            return output(embedding=mu, log_covariance=logvar.clamp(*LOGVAR_RANGE))

    class Decoder(bases.BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.net = model.decoder

        def forward(self, z: Tensor) -> Any:
            return output(reconstruction=self.net(z))

    return Encoder(), Decoder()


def _discriminator(model: bl.VAEGAN) -> nn.Module:
    """The discriminator behind pythae's interface: its layer 1 is D_l, and it says probabilities."""
    bases, output = load("pythae.models.nn"), load("pythae.models.base.base_utils").ModelOutput

    class Discriminator(bases.BaseDiscriminator):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.depth = model.discriminator, 2

        def forward(self, x: Tensor, output_layer_levels: list[int] | None = None) -> Any:
            if output_layer_levels:
                return output(embedding_layer_1=self.net.features(x))
            return output(embedding=torch.sigmoid(self.net(x)))

    return Discriminator()


def _clock(seconds: float | None) -> Any:
    """A callback of pythae's that takes the time, and ends the training after so many ``seconds``."""
    callbacks = load("pythae.trainers.training_callbacks")

    class Clock(callbacks.TrainingCallback):
        began = ended = 0.0
        steps = 0

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.perf_counter()

        def on_train_step_end(self, *_: Any, **__: Any) -> None:
            self.ended, self.steps = time.perf_counter(), self.steps + 1
            if seconds is not None and self.ended - self.began >= seconds:
                raise TimeUp

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            self.ended = time.perf_counter()

    return Clock()
