"""How each of the shipped weights is made: a recipe is one training run, and the weights that it leaves on the way."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from brainlab import data, lesions, models, training
from brainlab.errors import InputError
from brainlab.models.config import ModelConfig

JUDGE = "classifier"  # whose features tell what generated images are worth


@dataclass(frozen=True, eq=False)
class Recipe:
    """One training run: all that decides, beside the kit's own code, what the weights become."""

    family: type[nn.Module]
    step: Callable[..., training.Step]
    epochs: int
    about: str  # one sentence for the card: what the weights are for
    saves: Mapping[str, int]  # name of the weights: epochs after which they are kept, 0 for the untrained network
    settings: Mapping[str, Any] = field(default_factory=dict)  # the step's, where they are not its defaults
    config: ModelConfig = field(default_factory=ModelConfig)
    contrast: str = "T1w"
    split: data.Split = "train"
    populations: int = 1  # of phantoms, each of other people
    batch: int = 32  # more and smaller steps: better than 64 after as many images
    seed: int = 0
    inverts: str | None = None  # the weights of the GAN that this model goes around
    folder: bool = False  # trained on real slices of the user's own; such weights do not ship

    @property
    def name(self) -> str:
        """What the run is called: the first of its weights."""
        return next(iter(self.saves))

    @property
    def needs(self) -> tuple[str, ...]:
        """Which other runs come first."""
        judged = issubclass(self.family, models.VAE | models.GAN) and self.contrast == find(JUDGE).contrast
        needed = (JUDGE,) if judged and not self.folder else ()
        return needed if self.inverts is None else (*needed, find(self.inverts).name)

    def fingerprint(self) -> str:
        """Eight hexadecimal digits that change when the recipe does, or a default of its step."""
        defaults = {name: p.default for name, p in inspect.signature(self.step).parameters.items()}
        parts = vars(self) | {"family": self.family.__name__, "step": self.step.__name__}
        parts |= {"saves": dict(self.saves), "settings": sorted((defaults | dict(self.settings)).items())}
        if self.inverts is not None:
            parts["inverts"] = find(self.inverts).fingerprint()
        del parts["about"]
        return hashlib.sha256(repr(sorted(parts.items())).encode()).hexdigest()[:8]

    def call(self) -> str:
        """The step as a student would write it."""
        settings = "".join(f", {name}={value!r}" for name, value in self.settings.items())
        if self.family is models.Classifier:
            settings += ", class_weights=1 / share"
        return f"training.{self.step.__name__}(model{settings})"


def latent(size: int) -> Recipe:
    """An autoencoder with ``size`` latent numbers, one of a set that differs in nothing else."""
    names = ["ae"] * (size == ModelConfig.latent_dim) + [f"ae-latent-{size}"]
    about = f"The dense autoencoder with {size} latent numbers: what so many can say of a brain."
    config = ModelConfig(latent_dim=size)
    return Recipe(models.Autoencoder, training.ae_step, 40, about, dict.fromkeys(names, 40), config=config)


def beta(value: float) -> Recipe:
    """A VAE with a weight β on its KL term, one of a set that differs in nothing else."""
    names = ["vae"] * (value == 1) + [f"vae-beta-{value:g}"]
    about = f"The VAE at β = {value:g}: how much z may say is bought at this price."
    return Recipe(models.VAE, training.vae_step, 40, about, dict.fromkeys(names, 40), settings={"beta": value})


def gamma(value: str) -> Recipe:
    """A VAE-GAN at one γ, one of a set that differs in nothing else."""
    names = ["vaegan"] * (value == "1e-3") + [f"vaegan-gamma-{value}"]
    about = f"The VAE-GAN at γ = {value}: from texture without likeness (small γ) to likeness with blur (1)."
    return Recipe(
        models.VAEGAN, training.vaegan_step, 24, about, dict.fromkeys(names, 24), settings={"gamma": float(value)}
    )


def single(
    name: str, family: type[nn.Module], step: Callable[..., training.Step], epochs: int, about: str, **more: Any
) -> Recipe:
    """A run that leaves one set of weights, at its end."""
    return Recipe(family, step, epochs, about, {name: epochs}, **more)


HEALTHY = {"lr_d": 1e-4, "lr_g": 4e-4}
CERTAIN = {"lr_d": 4e-4, "lr_g": 1e-4, "label_smoothing": 0.0}


def disaster(name: str, why: str, **wrong: Any) -> Recipe:
    """A GAN trained as ``gan`` is but for the settings that go ``wrong``, for learners to see what happens."""
    return single(name, models.GAN, training.gan_step, 12, f"A GAN gone wrong: {why}.", settings=HEALTHY | wrong)


KINDS = ModelConfig(classes=("healthy", *lesions.KINDS))
LARGE = ModelConfig(image_size=128)

SHIPPED = (
    single(
        "classifier",
        models.Classifier,
        training.classifier_step,
        10,
        "Names the kind of lesion in a slice; its features judge the images that generative models make.",
        config=KINDS,
        split="labelled",
        populations=8,
        batch=64,
    ),
    *(latent(size) for size in (2, 4, 8, 16, 32, 64, 128)),
    single(
        "ae-spatial",
        models.SpatialAutoencoder,
        training.ae_step,
        40,
        "The negative example: its bottleneck is a map, through which a lesion passes unhindered.",
    ),
    single(
        "dae",
        models.DenoisingAutoencoder,
        training.dae_step,
        40,
        "The denoising autoencoder: a U-Net that takes blotches out, the strong baseline for anomalies.",
    ),
    *(beta(value) for value in (0.1, 1.0, 4.0, 16.0)),
    Recipe(
        models.VAE,
        training.vae_step,
        20,
        "The VAE after so many epochs of one run of 20: the time machine.",
        {f"vae-epoch-{epoch}": epoch for epoch in (0, 1, 2, 5, 20)},
    ),
    Recipe(
        models.GAN,
        training.gan_step,
        60,
        "The GAN after so many epochs of one run of 60; the last is `gan` itself.",
        {"gan": 60, **{f"gan-epoch-{epoch}": epoch for epoch in (0, 1, 3, 5, 10, 20)}},
        settings=HEALTHY,
    ),
    disaster("gan-mode-collapse", "its discriminator learns too slowly to object to one brain for all z", lr_d=2e-5),
    disaster(
        "gan-discriminator-wins",
        "its discriminator learns four times as fast and may be certain, so that its gradient is no advice",
        **CERTAIN,
    ),
    disaster(
        "gan-vanishing-gradient",
        "against the same certain discriminator the minimax loss is flat: the generator is told next to nothing",
        loss="minimax",
        **CERTAIN,
    ),
    single("vae-128", models.VAE, training.vae_step, 25, "The VAE at 128 px, for the showcase.", config=LARGE),
    single(
        "dae-128",
        models.DenoisingAutoencoder,
        training.dae_step,
        20,
        "The denoising autoencoder at 128 px, for the showcase.",
        config=LARGE,
    ),
    single("vae-flair", models.VAE, training.vae_step, 40, "The VAE for FLAIR.", contrast="FLAIR"),
    single(
        "dae-flair",
        models.DenoisingAutoencoder,
        training.dae_step,
        40,
        "The denoising autoencoder for FLAIR.",
        contrast="FLAIR",
    ),
    *(gamma(value) for value in ("1e-3", "1e-2", "1e-5", "1e-4", "1")),
    single(
        "fanogan",
        models.FAnoGAN,
        training.fanogan_step,
        40,
        "f-AnoGAN: the GAN called `gan` and an encoder that inverts it.",
        inverts="gan",
    ),
)
"""In the order in which they are made: the classifier judges the others, and f-AnoGAN needs its GAN."""

LOCAL = (
    single("vae-oasis", models.VAE, training.vae_step, 40, "The VAE on real slices of your own.", folder=True),
    single(
        "dae-oasis",
        models.DenoisingAutoencoder,
        training.dae_step,
        40,
        "The denoising autoencoder on real slices of your own.",
        folder=True,
    ),
)
"""Made from a folder of real slices, for use where they are made: a data use agreement may forbid to pass them on."""

EVERY = (*SHIPPED, *LOCAL)


def find(name: str) -> Recipe:
    """The recipe that leaves the weights called ``name``; raises InputError where there is none."""
    for recipe in EVERY:
        if name in recipe.saves:
            return recipe
    names = [one for recipe in EVERY for one in recipe.saves]
    raise InputError(f"There is no recipe for {name!r}: choose from {', '.join(names)}.")
