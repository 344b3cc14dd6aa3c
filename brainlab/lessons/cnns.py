"""The exercises of lesson 01: CNNs."""

LESSON = "01"
