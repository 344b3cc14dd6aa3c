"""What a model is built from: one frozen description, saved beside its weights."""

from dataclasses import dataclass

from brainlab.errors import InputError


@dataclass(frozen=True)
class ModelConfig:
    """Sizes shared by every family, so that two models built from one config are a fair comparison."""

    image_size: int = 64  # pixels along each side, 32 to 256 in multiples of 16
    latent_dim: int = 32  # 1 to 512
    channels: int = 1
    spatial_dims: int = 2
    width: int = 16  # feature maps after the first convolution; later layers have several times as many
    classes: tuple[str, ...] = ("healthy", "lesion")  # what a classifier tells apart, in the order of its logits

    def __post_init__(self) -> None:
        self._check_types()
        object.__setattr__(self, "classes", tuple(self.classes))  # JSON has lists only
        if self.image_size % 16 or not 32 <= self.image_size <= 256:
            raise InputError(f"image_size must be a multiple of 16 from 32 to 256, got {self.image_size}.")
        if not 1 <= self.latent_dim <= 512:
            raise InputError(f"latent_dim must be from 1 to 512, got {self.latent_dim}.")
        if self.channels < 1 or self.width < 1:
            raise InputError(f"channels and width must be at least 1, got {self.channels} and {self.width}.")
        if len(set(self.classes)) < max(2, len(self.classes)):
            raise InputError(f"classes must be two or more different names, got {list(self.classes)}.")
        if self.spatial_dims != 2:
            raise InputError(f"spatial_dims must be 2 for now (slices, not volumes), got {self.spatial_dims}.")

    def _check_types(self) -> None:
        """Whole numbers and words: what is saved beside the weights comes back from JSON as the same."""
        for name in ("image_size", "latent_dim", "channels", "spatial_dims", "width"):
            if type(value := getattr(self, name)) is not int:
                raise InputError(f"{name} must be a whole number such as {getattr(ModelConfig, name)}, got {value!r}.")
        if not isinstance(self.classes, list | tuple) or not all(isinstance(name, str) for name in self.classes):
            raise InputError(f'classes must be names such as ("healthy", "lesion"), got {self.classes!r}.')
