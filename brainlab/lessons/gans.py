"""The exercises of lesson 04: GANs."""

LESSON = "04"
