"""The weights that ship: all that are promised, whole, as their cards say."""

import hashlib
import re
from functools import lru_cache

import pytest
import torch

from brainlab import InputError, checkpoints, scorecard
from brainlab.pretrain import cards, making, recipes

PROMISED = {
    *("classifier", "ae", "ae-spatial", "dae", "vae", "gan", "fanogan", "vaegan"),
    *("vae-128", "dae-128", "vae-flair", "dae-flair"),
    *(f"ae-latent-{size}" for size in (2, 4, 8, 16, 32, 64, 128)),
    *(f"vae-beta-{beta}" for beta in ("0.1", "1", "4", "16")),
    *(f"vae-epoch-{epoch}" for epoch in (0, 1, 2, 5, 20)),
    *("gan-mode-collapse", "gan-discriminator-wins", "gan-vanishing-gradient"),
}
MOST_BYTES = 40e6
RELATIVE, ABSOLUTE = 0.02, 0.008  # other processors round sums otherwise; intervals on a card are some 0.04 wide


def test_all_that_is_promised_ships_and_all_that_ships_has_a_recipe():
    shipped = checkpoints.shipped()
    assert set(shipped) >= PROMISED
    assert set(shipped) == {name for recipe in recipes.SHIPPED for name in recipe.saves}
    assert sum(name.startswith("vaegan-gamma-") for name in shipped) == 5
    assert sum(name.startswith("gan-epoch-") for name in shipped) >= 4


def test_all_together_are_small():
    size = sum(path.stat().st_size for path in checkpoints.SHIPPED.rglob("*") if path.is_file())
    assert size <= MOST_BYTES


@pytest.mark.parametrize("recipe", recipes.SHIPPED, ids=lambda recipe: recipe.name)
def test_weights_were_made_by_the_recipe_as_it_now_stands(recipe):
    assert making.is_made(recipe, checkpoints.SHIPPED)
    for name in recipe.saves:
        model = checkpoints.load(name)
        assert type(model) is recipe.family
        assert model.config == recipe.config
        assert checkpoints.about(name)["contrast"] == recipe.contrast
        card = (checkpoints.SHIPPED / name / making.CARD).read_text(encoding="utf-8")
        assert f"`{recipe.call()}`" in card
        assert f"`brainlab pretrain {name}`" in card
        assert re.search(r"licence of the data \| \S", card)


def test_names_of_one_run_s_end_hold_the_same_weights():
    for one, other in (("ae", "ae-latent-32"), ("vae", "vae-beta-1")):
        first, second = (checkpoints.load(name).state_dict() for name in (one, other))
        assert all(torch.equal(first[key], second[key]) for key in first)


@lru_cache(maxsize=1)
def measured_on(contrast, size):
    judge = checkpoints.load(recipes.JUDGE) if contrast == recipes.find(recipes.JUDGE).contrast else None
    return scorecard.load(contrast, size, judge)  # pyright: ignore[reportArgumentType] - the classifier is one


def kind(name):
    """Cards of one contrast and size follow each other: their data take gigabytes."""
    recipe = recipes.find(name)
    return recipe.config.image_size, recipe.contrast


@lru_cache
def same_weights(name):
    """The first of those names under which the very same model ships: ``ae`` for ``ae-latent-32``."""
    return min(other for other in checkpoints.shipped() if identity(other) == identity(name))


@lru_cache
def identity(name):
    recipe = recipes.find(name)
    weights = (checkpoints.SHIPPED / name / "weights.safetensors").read_bytes()
    return recipe.family, recipe.config, recipe.contrast, hashlib.sha256(weights).hexdigest()


@lru_cache
def measures(name):
    size, contrast = kind(name)
    return scorecard.measure(checkpoints.load(name), measured_on(contrast, size), draws=0)


def group(name):
    """Which process measures it, where several share the tests: the largest set is parted in three."""
    part = f" {sum(map(ord, same_weights(name))) % 3}" if kind(name) == kind("vae") else ""
    return f"cards of {kind(name)[1]} at {kind(name)[0]} px{part}"


@pytest.mark.timeout(1800)  # the first of a contrast and size grows its people
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xdist_group(group(name)))
        for name in sorted(checkpoints.shipped(), key=kind)
    ],
)
def test_the_numbers_on_a_card_come_out_again(name):
    card = (checkpoints.SHIPPED / name / making.CARD).read_text(encoding="utf-8")
    stated, found = cards.numbers(card), measures(same_weights(name))
    assert stated.keys() == found.keys()
    for key, value in stated.items():
        assert found[key].value == pytest.approx(value, rel=RELATIVE, abs=ABSOLUTE), key


def test_a_misspelt_name_is_told_what_there_is():
    with pytest.raises(InputError, match="did you mean 'vaegan'"):
        checkpoints.load("vaegam")
