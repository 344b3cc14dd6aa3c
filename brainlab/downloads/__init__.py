"""Files from the web, fetched whole or not at all: with consent, resumed, checked, and unpacked with care."""

from brainlab.downloads.catalogue import Download, File

__all__ = ["Download", "File"]
