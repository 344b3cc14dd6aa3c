"""A phantom is the same on every run, its causes do what their names say, and a lesion changes nothing but itself."""

import hashlib
import itertools
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from brainlab import InputError, anatomy, phantoms
from brainlab.fields import lattice
from brainlab.phantoms import Factors, Subject, draw_factors, render, subject
from brainlab.planes import axial

PLAIN: dict[str, Any] = {
    "asymmetry": 0.5,
    "rotation": 0.0,
    "head_shape": 0.0,
    "cortical_thinning": 0.5,
    "ventricle_size": 1.3,
}


@pytest.fixture(scope="module")
def person() -> Subject:
    return subject(3, spacing_mm=3.0)


def volume_ml(head: Subject, name: str, where: torch.Tensor | None = None) -> float:
    fraction = head.tissues[head.names.index(name)]
    fraction = fraction if where is None else fraction * where
    return float(fraction.sum()) * abs(float(np.linalg.det(head.affine[:3, :3]))) / 1000


def around_the_ventricles(head: Subject) -> torch.Tensor:
    """A box in mm that holds the grown lateral ventricles and hardly any sulcus."""
    at = lattice(head.affine[:3, 3].tolist(), head.brain.shape, float(head.affine[0, 0]))
    low, high = torch.tensor([-26.0, -45.0, 0.0]), torch.tensor([26.0, 28.0, 28.0])
    return ((at > low) & (at < high)).all(dim=-1)


def digest(threads: int) -> str:
    torch.set_num_threads(threads)
    head = subject(11, spacing_mm=3.0)
    image = render(head, "FLAIR")
    cut = axial(image, head.affine, [0.0, 12.5], 64, (0, -18, 6))
    return hashlib.sha256(head.tissues.numpy().tobytes() + image.numpy().tobytes() + cut.numpy().tobytes()).hexdigest()


def test_the_same_seed_gives_the_same_bits_in_another_process_and_with_other_thread_counts():
    code = "import tests.test_phantoms as t; print(t.digest({}))"
    elsewhere = subprocess.run([sys.executable, "-c", code.format(2)], capture_output=True, text=True, check=True)
    before = torch.get_num_threads()
    assert digest(1) == elsewhere.stdout.split()[-1]
    torch.set_num_threads(before)


def test_another_seed_is_another_person():
    one, other = subject(1, spacing_mm=3.0), subject(2, spacing_mm=3.0)
    assert one.factors != other.factors
    assert (one.tissues - other.tissues).abs().mean() > 0.01


def test_fractions_are_fractions(person):
    total = person.tissues.sum(dim=0)
    assert person.names == ("gm", "wm", "csf")
    assert person.tissues.dtype == torch.float32
    assert person.tissues.min() >= 0
    assert total.max() <= 1 + 1e-5
    assert torch.equal(person.brain, total > 0.5)


def test_a_brain_has_the_size_of_a_brain():
    for seed in range(4):
        head = subject(seed, spacing_mm=3.0)
        litres = sum(volume_ml(head, name) for name in head.names) / 1000
        assert 1.2 < litres < 2.2


@pytest.mark.parametrize("seed", range(8))
def test_the_map_into_the_atlas_never_folds(seed):
    factors = draw_factors(seed)
    person = phantoms.shape_of(seed, factors)
    points = lattice((-84.0, -120.0, -80.0), (85, 104, 86), 2.0)
    at = anatomy.to_atlas(person, points)
    jacobian = torch.stack([torch.stack(torch.gradient(at[..., i], spacing=2.0)) for i in range(3)])
    assert torch.linalg.det(jacobian.movedim((0, 1), (-2, -1))).min() > 0


@pytest.mark.parametrize("growth", [-2.0, 12.0])
def test_ventricles_grow_without_folding(growth):
    person = anatomy.shape(0, head_shape=0, rotation=0, asymmetry=1, ventricle_growth_mm=growth)
    at = anatomy.to_atlas(person, lattice((-60.0, -80.0, -30.0), (61, 71, 46), 2.0))
    jacobian = torch.stack([torch.stack(torch.gradient(at[..., i], spacing=2.0)) for i in range(3)])
    assert torch.linalg.det(jacobian.movedim((0, 1), (-2, -1))).min() > 0


def test_a_factor_given_by_name_replaces_that_one_alone():
    named = subject(5, spacing_mm=4.0, ventricle_size=2.0)
    assert named.factors == replace(draw_factors(5), ventricle_size=2.0)


@pytest.mark.parametrize("name", ["tissue_contrast", "bias", "noise"])
def test_a_scanner_factor_leaves_the_anatomy_as_it_is(name, person):
    other = subject(3, spacing_mm=3.0, **{name: 2 * getattr(person.factors, name)})
    assert torch.equal(other.tissues, person.tissues)
    assert not torch.equal(render(other), render(person))


def test_larger_ventricles_hold_more_fluid():
    found = []
    for size in (0.8, 1.0, 1.5, 2.0, 2.5):
        head = subject(4, spacing_mm=3.0, **{**PLAIN, "ventricle_size": size})
        found.append(volume_ml(head, "csf", around_the_ventricles(head)))
    assert all(later > 1.1 * earlier for earlier, later in itertools.pairwise(found))


def test_a_thinner_cortex_is_less_grey_matter_and_more_fluid_in_the_sulci():
    young, old = (subject(4, spacing_mm=3.0, **{**PLAIN, "cortical_thinning": thin}) for thin in (0.0, 1.5))
    assert volume_ml(old, "gm") < 0.95 * volume_ml(young, "gm")
    sulci = ~around_the_ventricles(young)
    assert volume_ml(old, "csf", sulci) > 1.3 * volume_ml(young, "csf", sulci)


def test_rotation_is_in_degrees_about_the_vertical_axis():
    still, turned = (subject(6, spacing_mm=3.0, **{**PLAIN, "rotation": angle}) for angle in (0.0, 10.0))
    angles = []
    for head in (still, turned):
        at = lattice(head.affine[:3, 3].tolist(), head.brain.shape, 3.0)[head.brain][:, :2].double()
        values, axes = np.linalg.eigh(np.cov(at.numpy().T))
        long = axes[:, np.argmax(values)]
        angles.append(np.degrees(np.arctan(-long[0] / long[1])))  # from the y axis towards the patient's left
    assert angles[1] - angles[0] == pytest.approx(10.0, abs=0.5)


def test_head_shape_is_the_log_of_breadth_over_length():
    extents = []
    for value in (-0.1, 0.1):
        head = subject(6, spacing_mm=3.0, **{**PLAIN, "head_shape": value})
        at = lattice(head.affine[:3, 3].tolist(), head.brain.shape, 3.0)[head.brain]
        extents.append(np.log(float(at[:, 0].std() / at[:, 1].std())))
    assert extents[1] - extents[0] == pytest.approx(0.2, abs=0.01)


def test_without_asymmetry_left_mirrors_right_and_with_it_not():
    for asymmetry, same in ((0.0, True), (1.0, False)):
        head = subject(7, spacing_mm=3.0, rotation=0.0, asymmetry=asymmetry)
        apart = (head.tissues - head.tissues.flip(1)).abs()[:, head.brain].mean()
        assert (apart < 1e-3) == same


def test_noise_bias_and_contrast_do_what_their_names_say():
    quiet: dict[str, Any] = {"noise": 0.0, "bias": 0.0}
    flat, noisy, shaded = (
        subject(8, spacing_mm=3.0, **{**quiet, **one}) for one in ({}, {"noise": 0.08}, {"bias": 0.3})
    )
    white = flat.tissues[1] > 0.95
    assert render(noisy)[white].std() > 2 * render(flat)[white].std()
    assert render(shaded)[white].std() > 1.5 * render(flat)[white].std()
    gap = []
    for value in (0.5, 1.0):
        head = subject(8, spacing_mm=3.0, **quiet, tissue_contrast=value)
        image = render(head)
        gap.append(float(image[white].median() - image[head.tissues[0] > 0.95].median()))
    assert gap[1] > 1.4 * gap[0] > 0


@pytest.mark.parametrize(("contrast", "order"), [("T1w", "wm gm csf"), ("T2w", "csf gm wm"), ("FLAIR", "gm wm csf")])
def test_tissues_rank_as_their_signal(person, contrast, order):
    image = render(person, contrast)
    assert 0 <= image.min() < image.max() <= 1
    assert image[~person.brain].max() == 0
    means = [float(image[person.tissues[person.names.index(name)] > 0.95].mean()) for name in order.split()]
    assert means[0] > means[1] > means[2]


def with_a_ball(head: Subject, name: str) -> tuple[Subject, torch.Tensor]:
    """The same head with a ball of another tissue in it, as a lesion would be."""
    at = lattice(head.affine[:3, 3].tolist(), head.brain.shape, float(head.affine[0, 0]))
    ball = ((at - torch.tensor([30.0, -10.0, 25.0])).norm(dim=-1) < 12) & head.brain
    tissues = torch.cat([torch.where(ball, 0.0, head.tissues), ball[None].float()])
    return replace(head, tissues=tissues, names=(*head.names, name), healthy=head), ball


@pytest.mark.parametrize("override", [None, {"tumour": 0.4}, {"tumour": 1.0}, {"tumour": 2.0}])
def test_sick_and_healthy_twin_differ_in_the_lesion_alone(person, override):
    sick, ball = with_a_ball(person, "tumour")
    before, after = render(person), render(sick, override=override)
    assert torch.equal(before[~ball], after[~ball])
    assert not torch.equal(before[ball], after[ball])


def test_an_override_is_relative_to_grey_matter():
    head = subject(9, spacing_mm=3.0, bias=0.0, noise=0.0)
    sick, ball = with_a_ball(head, "tumour")
    grey = float(render(head)[head.tissues[0] > 0.98].mean())
    assert float(render(sick, override={"tumour": 1.0})[ball].mean()) == pytest.approx(grey, abs=0.03)
    assert render(sick, override={"tumour": 0.5})[ball].mean() < grey - 0.1
    assert render(sick, override={"tumour": 1.6})[ball].mean() > grey + 0.1


def test_slices_have_anterior_at_the_top_and_the_patients_right_on_the_left():
    mark = torch.zeros(40, 50, 30)
    mark[30, 45, 15] = 1.0  # right, anterior
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = (-78.0, -98.0, -58.0)
    image = axial(mark, affine, [2.0], 64, (0.0, 0.0, 0.0))[0, 0]
    row, column = divmod(int(image.argmax()), 64)
    assert row < 32
    assert column < 32


def test_a_slice_keeps_the_mean_of_what_it_averages():
    volume = torch.rand(100, 100, 5, generator=torch.Generator().manual_seed(0))
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (-99.0, -99.0, -4.0)
    for size in (32, 64, 128, 208):
        image = axial(volume, affine, [0.0], size, (0.0, 0.0, 0.0))
        total = float(image.sum()) * (208 / size) ** 2
        assert total == pytest.approx(float(volume[:, :, 2].sum()) * 4, rel=0.02)


@pytest.mark.parametrize(("given", "word"), [({"ventricles": 2.0}, "ventricles"), ({"spacing_mm": 0.1}, "spacing_mm")])
def test_a_wrong_argument_is_refused_in_one_sentence(given, word):
    with pytest.raises(InputError, match=word):
        subject(0, **given)


def test_every_factor_is_known_for_every_subject(person):
    assert all(isinstance(getattr(person.factors, one.name), float) for one in fields(Factors))
