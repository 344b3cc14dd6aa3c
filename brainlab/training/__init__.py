"""One loop for every family, and one step per kind of model.

A *step* knows its networks, its optimizers and its objective: called with a batch it improves the networks once and
returns named numbers. ``fit`` knows nothing of models: it feeds batches, averages those numbers over an epoch, and
keeps time. Want to see one more number? Return it from the step.

A run is repeated by its seeds: ``with training.seeded(3): model = bl.Autoencoder(config)`` for the first weights,
``data.Batches(images, seed=3)`` for the order of the images, and a step's own ``seed=3`` for its noise.
"""

from brainlab.training.budget import last_third
from brainlab.training.divergence import Diverged
from brainlab.training.gan import GANStep, gan_step
from brainlab.training.history import History
from brainlab.training.loop import Step, fit
from brainlab.training.runs import load_run, save_run
from brainlab.training.seeds import seeded
from brainlab.training.step import TrainingStep
from brainlab.training.steps import OneNetworkStep, ae_step, classifier_step, dae_step, fanogan_step, vae_step
from brainlab.training.vaegan import Updates, VAEGANStep, equilibrium, vaegan_step

__all__ = [
    "Diverged",
    "GANStep",
    "History",
    "OneNetworkStep",
    "Step",
    "TrainingStep",
    "Updates",
    "VAEGANStep",
    "ae_step",
    "classifier_step",
    "dae_step",
    "equilibrium",
    "fanogan_step",
    "fit",
    "gan_step",
    "last_third",
    "load_run",
    "save_run",
    "seeded",
    "vae_step",
    "vaegan_step",
]
