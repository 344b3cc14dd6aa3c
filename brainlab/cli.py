"""The ``brainlab`` command: nothing that the package cannot do from Python."""

import argparse
import sys
from collections.abc import Sequence

import brainlab
from brainlab.errors import InputError


def parser(command: str | None) -> argparse.ArgumentParser:
    """The command line; each subcommand sets ``run``, a function from the parsed arguments to an exit code.

    ``command`` is the subcommand asked for: what only one of them needs is imported for that one alone.
    """
    top = argparse.ArgumentParser(prog="brainlab", description="Deep generative models on brain MRI, hands on.")
    top.add_argument("--version", action="version", version=f"brainlab {brainlab.__version__}")
    commands = top.add_subparsers(required=True, metavar="command")

    lab = commands.add_parser("lab", help="copy the lessons to my_lessons/ and open them in JupyterLab")
    lab.epilog = "What else you write goes on to jupyter lab, such as --no-browser or --port 9999."
    lab.set_defaults(run=run_lab)

    doctor = commands.add_parser("doctor", help="check this computer, offline, and say how to mend what fails")
    doctor.set_defaults(run=run_doctor)

    demo = commands.add_parser("demo", help="show a widget to a lecture hall: scenes, keys, large words")
    if command == "demo":
        from brainlab.demo import command as democommand

        democommand.add_arguments(demo)
        demo.set_defaults(run=democommand.run)

    data = commands.add_parser("data", help="say what data is here; list, get and remove what can be downloaded")
    if command == "data":
        from brainlab import datacommand

        datacommand.add_arguments(data)
        data.set_defaults(run=datacommand.run)

    handed_in = commands.add_parser("class", help="read what a class handed in: who solved what, and where it stumbled")
    handed_in.add_argument("folder", help="of the files that lessons.export wrote")
    handed_in.add_argument("--picture", metavar="FILE", help="draw learners by exercises into a .png, .svg or .pdf")
    handed_in.set_defaults(run=run_class)

    weights = commands.add_parser("pretrain", help="make the shipped weights anew, each with its card")
    if command == "pretrain":
        from brainlab import pretrain

        pretrain.add_arguments(weights)
        weights.set_defaults(run=pretrain.run)

    tables = commands.add_parser("evaluate", help="compute the published numbers")
    if command == "evaluate":
        from brainlab import evaluate

        evaluate.add_arguments(tables)
        tables.set_defaults(run=evaluate.run)
    return top


def run_lab(arguments: argparse.Namespace) -> int:
    """Copy the lessons and serve them until the student stops JupyterLab."""
    from brainlab import lab

    return lab.serve(arguments.rest)


def run_class(arguments: argparse.Namespace) -> int:
    """Print the class's table; ``--picture`` draws it as well."""
    from brainlab.lessons import classroom

    seen = classroom(arguments.folder)
    print(seen)
    if arguments.picture:
        try:
            seen.figure().savefig(arguments.picture, dpi=150, bbox_inches="tight")
        except (OSError, ValueError) as error:
            raise InputError(f"The picture could not be written to {arguments.picture}: {error}.") from error
    return 0


def run_doctor(_: argparse.Namespace) -> int:
    """Print every check; 1 where one failed."""
    from brainlab import doctor

    return doctor.report()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; what a user can mend is one line on standard error and exit code 2."""
    argv = sys.argv[1:] if argv is None else list(argv)
    top = parser(argv[0] if argv else None)
    arguments, rest = top.parse_known_args(argv)
    if rest and arguments.run is not run_lab:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    try:
        return arguments.run(arguments)
    except InputError as error:
        print(f"brainlab: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
