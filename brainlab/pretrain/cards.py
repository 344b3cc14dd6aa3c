"""The card of a model's weights: what they were made from and how, what they are worth, and what not to expect."""

from collections.abc import Mapping
from typing import NamedTuple

from brainlab import measured
from brainlab.measured import MEASURES
from brainlab.metrics import Interval
from brainlab.pretrain.recipes import Recipe
from brainlab.slices import Slices

Numbers = Mapping[str, Interval]

DEVICES = {"cpu": "one CPU thread", "cuda": "a GPU", "mps": "an Apple GPU"}


class Run(NamedTuple):
    """What a card says of how the weights came about."""

    name: str
    epoch: int
    seconds: float
    device: str  # "cpu", "cuda" or "mps"
    half: bool  # stored in 16 bits
    torch: str  # version


def text(run: Run, recipe: Recipe, train: Slices, found: Numbers, without: Numbers) -> str:
    """The card as Markdown: a table of facts, one of measures, and the limits."""
    people = len(set(train.subjects))
    made = {
        "model": f"`{recipe.family.__name__}`, {recipe.config.image_size} px, {_latent(recipe)}",
        "contrast": train.contrast or "not stated",
        "trained on": f"{len(train)} axial slices of {people} people: {train.about.source}",
        "licence of the data": train.about.licence,
        "licence of the weights": "BSD 3-Clause" if train.about.synthetic else "that of the data: do not pass them on",
        "command": f"`brainlab pretrain {run.name}`" + (" `--data DIR`" if recipe.folder else ""),
        "step": f"`{recipe.call()}`",
        "budget": f"{run.epoch} epochs in batches of {recipe.batch}" + _of(recipe, run.epoch),
        "seed": f"{recipe.seed}",
        "time": f"{run.seconds:.0f} s by the clock, beside other runs, on {DEVICES[run.device]}, PyTorch {run.torch}",
        "stored in": "16 bits, which moves every measure by less than a tenth of its interval"
        if run.half
        else "32 bits",
    }
    return "\n".join(
        [
            f"# {run.name}",
            "",
            recipe.about + " **For teaching, not for clinical use.**",
            "",
            "| | |",
            "|---|---|",
            *(f"| {key} | {value} |" for key, value in made.items()),
            "",
            "## Measured",
            "",
            "| | what | value (95 % interval) | without a model |",
            "|---|---|---|---|",
            *(_row(name, found, without) for name in MEASURES if name in found),
            "",
            _basis(recipe, found),
            "",
            "## Limits",
            "",
            *(f"- {limit}" for limit in _limits(run, recipe, train, found)),
            "",
        ]
    )


def numbers(card: str) -> dict[str, float]:
    """The values that a card states, by the measures' names."""
    return {name: one.value for name, one in measured.read(card).items()}


def written(value: float) -> str:
    """A number as cards state it: three decimals below 10, else one."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _row(name: str, found: Numbers, without: Numbers) -> str:
    what, stand_in = MEASURES[name]
    plain = f"{_interval(without[name])}: {stand_in}" if name in without else ""
    return f"| `{name}` | {what} | {_interval(found[name])} | {plain} |"


def _interval(number: Interval) -> str:
    value, low, high = map(written, number)
    return value if low == "nan" else f"{value} ({low}–{high})"


def _latent(recipe: Recipe) -> str:
    has_none = recipe.family.__name__ in ("Classifier", "DenoisingAutoencoder")
    return f"width {recipe.config.width}" + ("" if has_none else f", {recipe.config.latent_dim} latent numbers")


def _of(recipe: Recipe, epoch: int) -> str:
    return "" if epoch == recipe.epochs else f", of a run of {recipe.epochs}"


def _basis(recipe: Recipe, found: Numbers) -> str:
    if recipe.folder:
        basis = "Measured on people of the folder, as its index names them, who were held out, with lesions inserted."
    else:
        basis = "Measured on the phantom's test split: 40 people, of whom the model has seen none."
    if "ap_hypo" in found:
        basis += (
            " Average precision is that of the residual's size after a median filter and without the brain's rim, over "
            "all brain pixels of tumours, plaques and infarcts together."
        )
    if "frechet" in found:
        basis += (
            " Samples are compared in the features of all layers of the kit's own `classifier`, ten sets of as many as "
            "there are real slices, over which these intervals are: such numbers compare models of this kit and "
            "are not those of any paper."
        )
    return basis


def _limits(run: Run, recipe: Recipe, train: Slices, found: Numbers) -> list[str]:
    size, contrast = recipe.config.image_size, train.contrast or "brain"
    limits = [f"Knows axial {contrast} slices without skull, {size} px, in [0, 1]; nothing else."]
    if train.about.synthetic:
        limits.append("Has seen synthetic brains only: on a real scan, all that phantoms lack looks unusual to it.")
    if "ap_hypo" in found:
        limits.append(
            "Where brightness or darkness itself has the better average precision, a threshold would have done."
        )
    if run.epoch < recipe.epochs:
        limits.append("Its training was not over: it is there to be looked at, not to be used.")
    return limits
