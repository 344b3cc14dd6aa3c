"""The exercises of lesson 05: VAE-GANs."""

LESSON = "05"
