"""Sulci are a person's own, and the depth below the pial surface tells the tissue."""

import pytest
import torch

from brainlab import cortex, phantoms
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


def test_visual_cortex_is_brighter_than_temporal_and_nothing_is_lost():
    # Grey matter at the calcarine sulcus, the hand knob, the midbrain, and the temporal and frontal association cortex.
    at = torch.tensor([[6.0, -84, 4], [-36, -22, 52], [4, -22, -8], [58, -20, -14], [-40, 32, 20]])
    grey = torch.tensor([1.0, 0, 0])[:, None].expand(3, 5)
    far = torch.full((5,), 60.0)  # from the ventricles
    moved = cortex._myelinated(at, far, torch.full((5,), 2.0), grey)
    assert torch.allclose(moved.sum(dim=0), torch.ones(5))
    visual, central, midbrain, temporal, frontal = moved[1].tolist()
    assert min(visual, central, midbrain) > 0.15
    assert max(temporal, frontal) < 0.01


def test_fluid_covers_the_brain_where_no_sulcus_opens():
    young = phantoms.subject(2, cortical_thinning=0.0, spacing_mm=1.0)
    fluid = young.tissues[young.names.index("csf")]
    inner = torch.nn.functional.max_pool3d(1 - young.brain.float()[None], 3, stride=1, padding=1)[0] == 0
    rim = young.brain & ~inner
    upper = torch.zeros_like(rim)
    upper[:, :, 100:] = True  # above the base of the brain, where cisterns are
    # Half a millimetre of fluid and a soft border: the outermost voxel, 1 mm thick, is about half fluid; else 0.3.
    assert 0.38 < fluid[rim & upper].mean() < 0.55
    assert fluid[inner & upper].median() < 0.05
