"""One loop for every family, and one step per kind of model.

A *step* knows its networks, its optimizers and its objective: called with a batch it improves the networks once and
returns named numbers. ``fit`` knows nothing of models: it feeds batches, averages those numbers over an epoch, and
keeps time. Want to see one more number? Return it from the step.
"""

from brainlab.training.gan import GANStep, gan_step
from brainlab.training.loop import History, Step, fit, last_third
from brainlab.training.step import TrainingStep
from brainlab.training.steps import OneNetworkStep, ae_step, classifier_step, dae_step, fanogan_step, vae_step
from brainlab.training.vaegan import Updates, VAEGANStep, equilibrium, vaegan_step

__all__ = [
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
    "vae_step",
    "vaegan_step",
]
