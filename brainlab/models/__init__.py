"""One file per family of models, each a lesson."""
