"""Lesions in a phantom's tissues: where they are, what they are made of, and what a scanner makes of them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy import ndimage

from brainlab import InputError, geometry, growth, lesions, phantoms, planes

SEED = 3


@cache
def head():
    """One subject for all tests, without shading, so that a tissue has one brightness."""
    return phantoms.subject(SEED, bias=0.0)


@cache
def sick(kind, seed=SEED, size_ml=None):
    return lesions.add(head(), kind, seed, size_ml=size_ml)


def part(subject, *names):
    return subject.tissues[[i for i, name in enumerate(subject.names) if name in names]].sum(dim=0)


every_kind = pytest.mark.parametrize("kind", lesions.KINDS)


@every_kind
def test_the_mask_is_where_lesion_makes_up_half_of_a_voxel_and_lies_in_the_brain(kind):
    subject, mask = sick(kind)
    assert torch.equal(mask, part(subject, *lesions.TISSUES[kind]) >= 0.5)
    assert mask.any()
    assert not (mask & ~subject.brain).any()


@every_kind
def test_a_lesion_takes_the_place_of_tissue_and_adds_none(kind):
    subject, _ = sick(kind)
    assert subject.tissues.min() >= 0
    assert torch.allclose(subject.tissues.sum(dim=0), head().tissues.sum(dim=0), atol=1e-4)


@every_kind
def test_the_same_seed_gives_the_same_lesion_and_the_head_given_stays_as_it_was(kind):
    before = head().tissues.clone()
    again = lesions.add(head(), kind, SEED)
    assert torch.equal(again.subject.tissues, sick(kind).subject.tissues)
    assert not torch.equal(again.mask, sick(kind, SEED + 1).mask)
    assert torch.equal(head().tissues, before)
    assert head().healthy is None
    assert again.subject.healthy is head()


@every_kind
def test_lesions_come_on_either_side(kind):
    # A tumour or an infarct lies on one side; plaques are on both, so only their balance may change.
    x = growth.points_mm(head())[..., 0]
    sides = [float(x[lesions.add(head(), kind, seed, size_ml=10).mask].mean()) > 0 for seed in range(8)]
    assert len(set(sides)) == 2


@pytest.mark.parametrize(
    ("kind", "tissues"), [("tumour", ("necrosis", "enhancing")), ("ms", ("plaque",)), ("infarct", ("infarct",))]
)
@pytest.mark.parametrize("size_ml", [6.0, 15.0])
def test_a_lesion_has_the_size_asked_for(kind, tissues, size_ml):
    # An infarct spares the fluid in its territory's sulci, so that it falls short of the territory.
    low = 0.6 if kind == "infarct" else 0.9
    found = float(part(sick(kind, size_ml=size_ml).subject, *tissues).sum()) * growth.voxel_ml(head())
    assert low * size_ml < found < 1.1 * size_ml


def test_a_lesion_smaller_than_a_voxel_still_has_a_mask():
    assert all(sick(kind, size_ml=0.1).mask.any() for kind in lesions.KINDS)


@every_kind
def test_the_sixteen_slices_of_a_subject_show_the_lesion(kind):
    heights = geometry.axial_positions(head().brain.numpy(), head().affine, 16)
    centre = geometry.bounding_box_centre(head().brain.numpy(), head().affine)
    cut = planes.axial(sick(kind).mask, head().affine, heights, 64, centre)
    assert (cut >= 0.5).flatten(1).any(dim=1).sum() >= 2


def displacement(centre=(30.0, -10.0, 24.0), radius=14.0, push=8.0):
    return growth.displacement_mm(head(), torch.tensor(centre), radius, push)


def test_mass_effect_never_folds_space():
    # Jacobian of x -> x + u(x), by central differences on the voxel grid; 1 is no change of volume, below 0 a fold.
    u = displacement().numpy()
    slope = np.stack([np.stack(np.gradient(u[i], growth.spacing_mm(head()))) for i in range(3)])  # (3, 3, X, Y, Z)
    jacobian = np.linalg.det(np.moveaxis(slope, (0, 1), (-2, -1)) + np.eye(3))
    assert jacobian.min() > 0.03  # in the middle of the mass, where tissue is spread thin
    assert np.abs(u).max() > 3


def test_mass_effect_pushes_tissue_outwards_and_leaves_the_surface_where_it_is():
    u, at = displacement(), growth.points_mm(head())
    out = at - torch.tensor([30.0, -10.0, 24.0])
    rho = out.norm(dim=-1)
    ring = (rho > 10) & (rho < 18) & (growth.depth_mm(head()) > 15)
    towards_the_source = (u.movedim(0, -1) * out).sum(dim=-1) / rho.clamp(min=1)
    assert (towards_the_source[ring] < -2).all()  # what lies here came from nearer to the centre
    assert u.norm(dim=0)[(growth.depth_mm(head()) <= 2) & (growth.depth_mm(head()) > 0)].max() < 1.5


def test_the_ventricle_beside_a_mass_gives_way():
    pushed = growth.displaced(head(), displacement(radius=20.0, push=12.0))
    x, _, z = growth.points_mm(head()).unbind(dim=-1)
    ventricle = (x > 0) & (growth.depth_mm(head()) > 22) & (z > 5) & (z < 40)
    before, after = (float(tissues[2][ventricle].sum()) for tissues in (head().tissues, pushed))
    assert after < 0.85 * before


def test_far_from_a_tumour_nothing_is_changed():
    subject, mask = sick("tumour", size_ml=6.0)
    far = torch.from_numpy(ndimage.distance_transform_edt(~mask.numpy())) * growth.spacing_mm(head()) > 45
    assert (far & head().brain).any()
    assert torch.equal(subject.tissues[:3][:, far], head().tissues[:, far])


def test_a_tumour_is_a_core_in_a_rim_in_oedema_of_the_white_matter():
    subject, _ = sick("tumour")
    core, rim, wet = (part(subject, name) for name in lesions.TISSUES["tumour"])
    at = growth.points_mm(head())

    def mean_radius(tissue):
        return float(((at - at[core > 0.9].mean(dim=0)).norm(dim=-1) * tissue).sum() / tissue.sum())

    assert mean_radius(core) < mean_radius(rim) < mean_radius(wet)
    next_to_core = ndimage.binary_dilation((core > 0.5).numpy()) & ~(core > 0.5).numpy()
    assert (core + rim)[torch.from_numpy(next_to_core)].min() > 0.4  # the rim is closed, but for a sulcus beside it
    assert not ((wet > 0.5) & (part(subject, "gm") + part(subject, "csf") > 0.5)).any()


def test_plaques_are_several_small_and_mostly_beside_the_ventricles():
    subject, mask = sick("ms", size_ml=8.0)
    pieces = np.asarray(ndimage.label(mask.numpy(), np.ones((3, 3, 3)))[0])  # pyright: ignore[reportIndexIssue]
    assert pieces.max() >= 8
    assert np.median(np.bincount(pieces.ravel())[1:]) * growth.voxel_ml(head()) < 0.5
    away, _ = lesions._from_ventricles(head())
    white = head().tissues[1] > 0.8
    assert away[mask].median() < 10 < away[white].median()
    assert (part(subject, "plaque") <= head().tissues[1] + 1e-6).all()  # white matter only


@pytest.mark.parametrize("seed", range(4))
def test_an_infarct_reaches_the_cortex_and_takes_grey_and_white_on_one_side(seed):
    mask = lesions.infarct(head(), seed, size_ml=40).mask
    x = growth.points_mm(head())[..., 0][mask]
    assert min(float((x > 0).float().mean()), float((x < 0).float().mean())) == 0
    assert growth.depth_mm(head())[mask].min() <= 4
    assert growth.depth_mm(head())[mask].max() >= 18
    assert min(float(head().tissues[k][mask].mean()) for k in (0, 1)) > 0.1


def brightness(kind, level, sequence):
    """Mean of voxels that are all lesion, and of voxels that are all grey, or all white, matter."""
    subject = sick(kind).subject
    picture = phantoms.render(subject, sequence, override=lesions.override(subject, level, sequence))
    lesion = picture[part(subject, *lesions.TISSUES[kind]) > 0.98]
    return float(lesion.mean()), *(float(picture[subject.tissues[k] > 0.98].mean()) for k in (0, 1))


@every_kind
@pytest.mark.parametrize("sequence", ["T1w", "T2w", "FLAIR"])
def test_iso_intense_means_as_bright_as_grey_matter(kind, sequence):
    lesion, grey, _ = brightness(kind, "iso", sequence)
    assert lesion == pytest.approx(grey, abs=0.015)


@every_kind
@pytest.mark.parametrize("sequence", ["T1w", "T1ce", "T2w", "FLAIR"])
def test_dark_is_below_grey_and_white_and_bright_above_both(kind, sequence):
    dark, grey, white = brightness(kind, "hypo", sequence)
    assert dark < 0.9 * min(grey, white)
    assert brightness(kind, "hyper", sequence)[0] > 1.1 * max(grey, white)


@every_kind
def test_bright_lesions_do_not_reach_the_end_of_the_scale(kind):
    for tissue_contrast in (0.75, 1.25):
        subject = replace(sick(kind).subject, factors=replace(head().factors, tissue_contrast=tissue_contrast))
        subject = replace(subject, healthy=replace(head(), factors=subject.factors))
        for sequence in ("T1w", "T2w", "FLAIR"):
            picture = phantoms.render(subject, sequence, override=lesions.override(subject, "hyper", sequence))
            assert (picture[sick(kind).mask] >= 1).float().mean() < 0.1


def test_the_rim_lights_up_with_gadolinium_only():
    subject = sick("tumour").subject
    rim = part(subject, "enhancing") > 0.9
    with_it, without = (phantoms.render(subject, sequence)[rim].mean() for sequence in ("T1ce", "T1w"))
    assert with_it > 1.5 * without


@every_kind
def test_healthy_and_sick_pictures_are_paired(kind):
    healthy, ill = phantoms.render(head(), "T1w"), phantoms.render(sick(kind).subject, "T1w")
    same = (sick(kind).subject.tissues[:3] == head().tissues).all(dim=0)
    assert (same & head().brain).float().sum() > 0.2 * head().brain.sum()
    assert torch.allclose(healthy[same], ill[same], atol=1e-6)


@every_kind
def test_noise_runs_through_a_lesion_as_through_tissue(kind):
    subject = sick(kind).subject
    picture = phantoms.render(subject, "T1w", override=lesions.override(subject, "iso")).numpy()
    lesion = (part(subject, *lesions.TISSUES[kind]) > 0.98).numpy()
    grey = (subject.tissues[0] > 0.98).numpy()
    assert picture[lesion].std() == pytest.approx(picture[grey].std(), rel=0.35)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: lesions.add(head(), "cyst", 0),
        lambda: lesions.add(head(), "ms", 0, size_ml=1000),
        lambda: lesions.override(head(), "bright"),
        lambda: lesions.override(head(), "iso", "PD"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(wrong):
    with pytest.raises(InputError, match=r"one of|from 0.1"):
        wrong()
