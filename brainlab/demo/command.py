"""``brainlab demo``: which scenes, in which size and theme."""

import argparse

from brainlab.demo import scenes, serving
from brainlab.demo.scenes import Scene
from brainlab.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said after ``brainlab demo``."""
    parser.add_argument(
        "name", nargs="?", help="a widget (latent, painter, gan, anomaly, time-machine, …), a lesson, or a scene"
    )
    parser.add_argument("--list", action="store_true", help="name the scenes that ship")
    parser.add_argument("--scene", metavar="FILE", help="show the scene in a file, first")
    parser.add_argument("--font", type=int, default=22, metavar="PX", help="size of the words (22)")
    parser.add_argument("--dark", action="store_true", help="light on dark")
    parser.add_argument("--port", type=int, default=serving.PORT, help=f"where to serve, {serving.PORT} if it is free")
    parser.add_argument("--no-browser", action="store_true", help="print the link and open nothing")
    parser.epilog = "Keys on the page: r resets, n and p go to the next and the previous scene, f fills the screen."


def run(arguments: argparse.Namespace) -> int:
    """List the scenes, or serve the chosen ones until Ctrl-C."""
    if arguments.list:
        print(listing())
        return 0
    if not 8 <= arguments.font <= 72:
        raise InputError(f"--font must be 8 to 72 pixels, got {arguments.font}.")
    if not 0 <= arguments.port < 65536:
        raise InputError(f"--port must be 0 to 65535, got {arguments.port}.")
    theme = "dark" if arguments.dark else "light"
    chosen = choose(arguments.name, arguments.scene)
    try:
        return serving.serve(
            chosen, font=arguments.font, theme=theme, port=arguments.port, browser=not arguments.no_browser
        )
    except KeyboardInterrupt:
        return 0


def choose(name: str | None, file: str | None) -> list[Scene]:
    """The scenes to show, in order: that of ``file`` first, then those of ``name``, else those of its widget."""
    if name is None and file is None:
        raise InputError(
            "Say which demo: brainlab demo latent, a lesson such as 03, or a scene; --list names them all."
        )
    own = [scenes.read_file(file)] if file else []
    if own and name in scenes.OPTIONS and name != own[0].widget:
        raise InputError(f"{file} is a scene for {own[0].widget}, not for {name}: say brainlab demo --scene {file}.")
    return own + (scenes.find(name) if name else [])


def listing() -> str:
    """Every shipped scene in a line: lesson, widget, name and title."""
    rows = [(one.lesson, one.widget, one.name, one.title) for one in scenes.shipped()]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(n) for cell, n in zip(row, widths, strict=False)), row[3]]) for row in rows
    )
