"""The exercises of lesson 03: VAEs."""

LESSON = "03"
