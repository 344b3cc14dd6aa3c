"""The static book and the lecture decks, made from the executed notebooks: ``python -m book html | slides``."""
