"""The first weights of a network from a seed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """``with seeded(3): model = Autoencoder(config)`` gives the same first weights each time.

    Layers draw them from torch's global generator, which goes on after the block as if nothing had been drawn.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
