"""``python -m brainlab`` does what ``brainlab`` does."""

from brainlab.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
