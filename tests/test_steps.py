"""What every step promises, whatever it trains."""

import copy
import math

import pytest
import torch
from tiny import STEPS, batch, eight_images, rmse, tiny, weights

import brainlab as bl
from brainlab import data, training

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(params=STEPS, ids=lambda family: family.__name__)
def family(request):
    return request.param


def step_for(family, seed=0):
    return STEPS[family](tiny(family, seed=seed))


def everything(step):
    """Weights, buffers, optimizer states and generators, as one list of tensors."""

    def leaves(value):
        if isinstance(value, dict):
            return [leaf for one in value.values() for leaf in leaves(one)]
        if isinstance(value, list | tuple):
            return [leaf for one in value for leaf in leaves(one)]
        return [torch.as_tensor(value)] if value is not None else []

    return leaves(copy.deepcopy(step.state_dict()))


def same(first, second):
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_one_step_moves_every_parameter_that_is_to_be_trained(family):
    model = tiny(family)
    before = {name: p.clone() for name, p in model.named_parameters()}
    step = STEPS[family](model)
    numbers = step(batch())
    still = {name for name, p in model.named_parameters() if torch.equal(p, before[name])}
    expected = {name for name, p in model.named_parameters() if not p.requires_grad}  # f-AnoGAN's finished GAN
    if family is bl.WGAN:  # a critic's scores have no zero: E D(x̃) − E D(x) is the same for any last bias
        expected = {"discriminator.head.1.bias"}
    assert still == expected
    assert (family is bl.FAnoGAN) == any(name.startswith("gan.") for name in expected)
    assert math.isfinite(numbers["loss"])


def test_a_step_taken_up_again_goes_on_bit_for_bit(family):
    straight = step_for(family)
    for _ in range(2):
        straight(batch())
    state = copy.deepcopy(straight.state_dict())
    later = [straight(batch(seed)) for seed in (5, 6)]
    resumed = step_for(family, seed=99)
    resumed.load_state_dict(state)
    assert [resumed(batch(seed)) for seed in (5, 6)] == later
    assert same(everything(resumed), everything(straight))


def test_a_state_survives_a_file_that_holds_no_code(family, tmp_path):
    step = step_for(family)
    step(batch())
    torch.save(step.state_dict(), tmp_path / "state.pt")
    resumed = step_for(family, seed=99)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert resumed(batch(3)) == step(batch(3))


def test_a_step_draws_nothing_from_the_global_generator(family):
    step = step_for(family)
    before = torch.get_rng_state()
    step(batch())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_batch_with_a_number_that_is_none_changes_nothing(family):
    step = step_for(family)
    step(batch())
    before, soiled = everything(step), batch()
    soiled["x"][3, 0, 5, 5] = float("nan")
    assert math.isnan(step(soiled)["loss"])
    assert same(everything(step), before)


def test_an_objective_that_is_not_finite_leaves_the_weights(family):
    step = step_for(family)
    step(batch())
    before = weights(step.modules[next(iter(step.modules))])
    huge = batch()
    huge["x"] = huge["x"] * 3e38
    if family is bl.Classifier:  # whose GroupNorm makes any contrast one
        huge["x"] = huge["x"] * math.inf
    assert math.isnan(step(huge)["loss"])
    assert torch.equal(weights(step.modules[next(iter(step.modules))]), before)


def test_a_step_leaves_its_batch_as_it_was(family):
    given = batch()
    kept = {name: value.clone() for name, value in given.items()}
    step_for(family)(given)
    assert all(torch.equal(given[name], kept[name]) for name in kept)


def test_fit_trains_every_family(family):
    tensors = batch()
    history = training.fit(step_for(family), data.Batches(tensors, 4), epochs=2, progress=False)
    assert all(len(values) == 2 and all(map(math.isfinite, values)) for values in history.values())


@pytest.mark.parametrize("family", [bl.SpatialAutoencoder, bl.DenoisingAutoencoder])
def test_eight_images_are_learned_by_heart(family):
    model, tensors = tiny(family), batch()
    training.fit(STEPS[family](model, lr=3e-3), data.Batches(tensors, 8), steps=250, progress=False)
    assert rmse(model, eight_images()) < (0.08 if family is bl.DenoisingAutoencoder else 0.05)
