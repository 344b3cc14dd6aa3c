"""One step per kind of model that has a single objective: networks, an optimizer, and what is minimised."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from brainlab import losses
from brainlab.models.autoencoder import Autoencoder
from brainlab.models.denoising import DenoisingAutoencoder, coarse_noise


class OneNetworkStep:
    """A step for a model with one network and one objective, improved by Adam."""

    def __init__(
        self,
        model: nn.Module,
        objective: Callable[[dict[str, Tensor]], dict[str, Tensor]],
        lr: float,
        generators: dict[str, torch.Generator] | None = None,
    ) -> None:
        # channels_last is worth 1.2 to 1.5 times the speed on a CPU and changes nothing else.
        self.model = model.train().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.objective = objective
        self.modules: dict[str, nn.Module] = {"model": model}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"adam": torch.optim.Adam(model.parameters(), lr=lr)}
        self.generators: dict[str, torch.Generator] = generators or {}

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """One step down the gradient of ``loss``; if it is not finite, the weights stay as they are."""
        optimizer = self.optimizers["adam"]
        optimizer.zero_grad(set_to_none=True)
        numbers = self.objective(batch)
        if torch.isfinite(numbers["loss"]):
            numbers["loss"].backward()
            optimizer.step()
        return {name: float(value.detach()) for name, value in numbers.items()}

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizer state and the state of each generator, by name."""
        parts = {**self.modules, **self.optimizers}
        states = {name: generator.get_state() for name, generator in self.generators.items()}
        return {name: part.state_dict() for name, part in parts.items()} | states

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to what ``state_dict`` gave."""
        for name, part in {**self.modules, **self.optimizers}.items():
            part.load_state_dict(state[name])
        for name, generator in self.generators.items():
            generator.set_state(state[name])


def ae_step(model: Autoencoder, lr: float = 1e-3, sigma: float = 0.05) -> OneNetworkStep:
    """Improve an autoencoder on ``batch["x"]`` (B, C, H, W): minimise −log N(x | x̂, σ²), in nats an image.

    ``lr`` is Adam's learning rate; ``sigma`` the decoder's fixed standard deviation, in units of intensity.
    """

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
    generator = torch.Generator().manual_seed(seed)

    def objective(batch: dict[str, Tensor]) -> dict[str, Tensor]:
        x = batch["x"]
        corrupted = x + noise * coarse_noise(x.shape, generator).to(x.device) * batch["brain"]
        return {"loss": losses.gaussian_nll(x, model(corrupted), sigma)}

    return OneNetworkStep(model, objective, lr, {"noise": generator})
