"""Sulci are a person's own, and the depth below the pial surface tells the tissue."""

import pytest
import torch

from brainlab import cortex
from brainlab.anatomy import FINE_MM


def test_from_the_surface_inwards_come_fluid_cortex_and_white_matter():
    depth = torch.tensor([-4.0, 1.5, 8.0])
    grey, white, fluid = cortex._layers(depth, torch.full((3,), 3.0))
    assert fluid.tolist() == pytest.approx([1, 0, 0], abs=0.06)
    assert grey.tolist() == pytest.approx([0, 1, 0], abs=0.1)
    assert white.tolist() == pytest.approx([0, 0, 1], abs=0.06)


def test_half_of_a_voxel_on_the_pial_surface_is_fluid():
    # At depth 0 the logistic curve is 1/2; white matter, three millimetres away, has all but none: (1/2, 0, 1/2).
    grey, _, fluid = cortex._layers(torch.zeros(1), torch.full((1,), 3.0))
    assert fluid.item() == pytest.approx(0.5, abs=0.01)
    assert grey.item() == pytest.approx(0.5, abs=0.01)


def test_a_folds_field_is_the_distance_to_its_sulcus():
    distance = cortex.folds(3, asymmetry=1.0).fields[0]
    slope = torch.stack(torch.gradient(distance, spacing=FINE_MM)).norm(dim=0)
    assert slope[distance.abs() < 1.5].median() == pytest.approx(1.0, abs=0.35)  # first order


def test_no_two_people_have_the_same_sulci():
    one, other = (cortex.folds(seed, asymmetry=1.0).fields[0] < 0 for seed in (1, 2))
    assert 0.4 < (one != other).float().mean() < 0.6


@pytest.mark.parametrize(("asymmetry", "apart"), [(0.0, 0.0), (1.0, 0.5)])
def test_the_sides_have_the_same_sulci_only_without_asymmetry(asymmetry, apart):
    inside = cortex.folds(4, asymmetry).fields[0] < 0
    assert (inside != inside.flip(0)).float().mean().item() == pytest.approx(apart, abs=0.05)


def test_sulci_lie_about_as_far_apart_as_in_people():
    inside = cortex.folds(5, asymmetry=1.0).fields[0] < 0
    crossings = (inside[1:] != inside[:-1]).float().mean().item() / FINE_MM  # a millimetre of a straight line
    assert 8 < 1 / crossings < 18  # mm from one sulcus to the next
