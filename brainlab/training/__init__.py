"""One loop for every family, and one step per kind of model.

A *step* knows its networks, its optimizers and its objective: called with a batch it improves the networks once and
returns named numbers. ``fit`` knows nothing of models: it feeds batches, averages those numbers over an epoch, and
keeps time. Want to see one more number? Return it from the step.
"""

from brainlab.training.loop import History, Step, fit, last_third
from brainlab.training.steps import OneNetworkStep, ae_step, dae_step

__all__ = ["History", "OneNetworkStep", "Step", "ae_step", "dae_step", "fit", "last_third"]
