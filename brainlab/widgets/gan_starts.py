"""What a game of the cockpit begins with: weights, the levers that go with them, and the games there are."""

from typing import NamedTuple

from brainlab import checkpoints, models, training
from brainlab.errors import InputError
from brainlab.models.gan import GAN


class Settings(NamedTuple):
    """The levers, as a start comes with them: those of the recipe that made its weights."""

    loss: str = "non_saturating"
    lr_d: float = 1e-4
    lr_g: float = 4e-4
    smoothing: float = 0.1
    k_d: float = 1.0
    k_g: float = 1.0


STARTS = {
    "gan": ("the good GAN", Settings()),
    "new": ("a new one, untrained", Settings()),
    "gan-mode-collapse": ("mode collapse", Settings(lr_d=2e-5)),
    "gan-discriminator-wins": ("the discriminator wins", Settings(lr_d=4e-4, lr_g=1e-4, smoothing=0.0)),
    "gan-vanishing-gradient": ("vanishing gradient", Settings("minimax", 4e-4, 1e-4, 0.0)),
}
GAMES = {
    "non_saturating": "non-saturating",
    "minimax": "minimax",
    "least_squares": "least squares",
    "hinge": "hinge",
}
RATES = tuple(sorted({float(f"{a}e{b}") for a in (1, 1.5, 2, 3, 4, 6, 8) for b in (-6, -5, -4, -3)} | {1e-2}))


def loaded(name: str, size: int, seed: int = 0) -> GAN:
    """The GAN of these weights, or an untrained one for "new"; InputError where they hold another family or size."""
    if name == "new":
        with training.seeded(seed):
            return GAN(models.ModelConfig(image_size=size))
    gan = checkpoints.load(name)
    if not isinstance(gan, GAN):
        raise InputError(f'The weights {name!r} hold a {type(gan).__name__}; the cockpit flies a GAN, such as "gan".')
    if gan.config.image_size != size:
        raise InputError(
            f"The weights {name!r} draw {gan.config.image_size} px and the images have {size}: use as many."
        )
    return gan
