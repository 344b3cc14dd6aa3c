import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi
from torch import nn

import brainlab as bl
from brainlab import latent

seeds = given(st.integers(0, 10_000))
few = settings(deadline=None, max_examples=25)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tiny():
    return bl.Autoencoder(bl.ModelConfig(image_size=32, latent_dim=3, width=4))


def spatial():
    return bl.SpatialAutoencoder(bl.ModelConfig(image_size=32, latent_dim=3, width=4))


def test_vectors_in_double_precision_are_decoded_too():
    model, z = tiny(), normal(2, 3)
    assert torch.equal(latent.decode(model, z.double()), latent.decode(model, z))


def test_embedding_and_decoding_in_batches_give_what_one_batch_gives_and_keep_every_mode():
    model = tiny().train()
    model.encoder[0].eval()  # a frozen block in a model that trains
    modes = [layer.training for layer in model.modules()]
    images = torch.rand(5, 1, 32, 32)
    z = latent.embed(model, images, batch=2)
    torch.testing.assert_close(z, model.embed(images).detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(latent.decode(model, z, batch=2), model.decode(z).detach(), atol=1e-5, rtol=1e-4)
    assert [layer.training for layer in model.modules()] == modes
    assert not z.requires_grad


def test_a_model_works_in_eval_mode_and_a_failure_leaves_its_mode_too():
    class Fails(nn.Module):
        config = bl.ModelConfig(image_size=32, latent_dim=3)

        def decode(self, z, condition=None):
            assert not self.training
            raise ZeroDivisionError

    model = Fails().train()
    with pytest.raises(ZeroDivisionError):
        latent.decode(model, normal(2, 3))
    assert model.training


def test_a_straight_line_of_a_case_worked_by_hand():
    path = latent.interpolate(torch.tensor([0.0, 4.0]), torch.tensor([2.0, 0.0]), 3)
    assert path.tolist() == [[0, 4], [1, 2], [2, 0]]


def test_a_quarter_arc_has_its_middle_at_45_degrees_and_lengths_in_between():
    path = latent.slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0]), 3)
    r = math.sqrt(0.5) * 2  # halfway between lengths 1 and 3
    torch.testing.assert_close(path, torch.tensor([[1, 0], [r, r], [0, 3]]))


@few
@seeds
def test_an_arc_stays_on_the_sphere_in_equal_steps_and_is_whites_formula(seed):
    ends = nn.functional.normalize(normal(2, 16, seed=seed).double()) * 4
    path = latent.slerp(ends[0], ends[1], 7)
    torch.testing.assert_close(path.norm(dim=1), torch.full((7,), 4.0, dtype=torch.float64))
    torch.testing.assert_close(path[[0, -1]], ends)
    omega = torch.acos(ends[0] @ ends[1] / 16)
    t = torch.linspace(0, 1, 7, dtype=torch.float64)[:, None]
    white = (torch.sin((1 - t) * omega) * ends[0] + torch.sin(t * omega) * ends[1]) / torch.sin(omega)
    torch.testing.assert_close(path, white)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, -1), (0, 1), (1, 0), (0, 0), (1, -2), (2, 1 + 1e-7)])
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_parallel_opposite_and_zero_vectors_have_an_arc_too(a, b, dim):
    v = normal(dim, seed=3)
    path = latent.slerp(a * v, b * v, 5)
    torch.testing.assert_close(path[[0, -1]], torch.stack([a * v, b * v]), atol=1e-5, rtol=1e-5)
    if dim > 1:
        torch.testing.assert_close(path.norm(dim=1), torch.linspace(abs(a), abs(b), 5) * v.norm())
    assert (path.diff(dim=0).norm(dim=1) <= math.pi * v.norm()).all()  # and no jump on the way


@few
@seeds
def test_principal_axes_find_the_planted_ones(seed):
    rotation = torch.linalg.qr(normal(3, 3, seed=seed)).Q
    # (±6, 0, 0), (0, ±3, 0), (0, 0, 0) twice: six points, sums of squares 72 and 18, over 6 - 1
    points = torch.tensor([[6.0, 0, 0], [-6, 0, 0], [0, 3, 0], [0, -3, 0], [0, 0, 0], [0, 0, 0]])
    axes = latent.principal_axes(points @ rotation.T + 5)
    torch.testing.assert_close(axes.mean, torch.full((3,), 5.0))
    torch.testing.assert_close(axes.std, torch.tensor([math.sqrt(72 / 5), math.sqrt(18 / 5), 0]), atol=1e-3, rtol=1e-4)
    torch.testing.assert_close((axes.directions @ rotation).abs(), torch.eye(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(axes.directions @ axes.directions.T, torch.eye(3), atol=1e-5, rtol=0)


@few
@seeds
def test_the_largest_entry_of_an_axis_is_positive_so_that_its_sign_is_no_accident(seed):
    directions = latent.principal_axes(normal(30, 4, seed=seed)).directions
    assert (directions.max(dim=1).values == directions.abs().max(dim=1).values).all()


def test_a_traversal_goes_through_the_mean_by_standard_deviations_of_its_axis_alone():
    axes = latent.principal_axes(normal(50, 4) * torch.tensor([8.0, 4, 2, 1]) + 7)
    path = latent.traverse(axes, 1, sigmas=[-2, 0, 3])
    torch.testing.assert_close(path[1], axes.mean)
    moved = (path - axes.mean) @ axes.directions.T / axes.std
    torch.testing.assert_close(moved, torch.tensor([[0.0, -2, 0, 0], [0, 0, 0, 0], [0, 3, 0, 0]]), atol=1e-5, rtol=0)


def test_prior_samples_are_standard_normal_and_belong_to_their_seed():
    z = latent.prior_samples(4000, 3, seed=1)
    torch.testing.assert_close(z.mean(dim=0), torch.zeros(3), atol=0.07, rtol=0)  # four standard errors
    torch.testing.assert_close(z.T.cov(), torch.eye(3), atol=0.1, rtol=0)
    assert torch.equal(z, latent.prior_samples(4000, 3, seed=1))
    assert not torch.equal(z, latent.prior_samples(4000, 3, seed=2))


def test_distance_of_the_mean_is_zero_and_of_one_sigma_is_one():
    axes = latent.principal_axes(normal(4000, 3) * torch.tensor([5.0, 1, 0.4]) + 2)
    assert latent.mahalanobis(axes, axes.mean[None]).tolist() == [0]
    for k in range(3):
        torch.testing.assert_close(
            latent.mahalanobis(axes, latent.traverse(axes, k, [-1, 2])), torch.tensor([1.0, 2]), atol=0.05, rtol=0
        )


@few
@seeds
def test_distances_of_gaussian_data_are_chi_distributed_whatever_the_data_are_mixed_with(seed):
    mix = torch.tensor([4.0, 2, 1, 1, 0.5])[:, None] * torch.linalg.qr(normal(5, 5, seed=seed)).Q
    fitted, fresh = normal(4000, 5, seed=seed + 1) @ mix + 3, normal(2000, 5, seed=seed + 2) @ mix + 3
    distances = latent.mahalanobis(latent.principal_axes(fitted), fresh)
    np.testing.assert_allclose(np.quantile(distances, [0.1, 0.5, 0.9]), chi(5).ppf([0.1, 0.5, 0.9]), rtol=0.06)


def test_fewer_points_than_dimensions_or_a_constant_dimension_still_give_finite_distances():
    few_points = normal(5, 20)
    assert latent.mahalanobis(latent.principal_axes(few_points), normal(9, 20, seed=1)).isfinite().all()
    constant = normal(4000, 3) * torch.tensor([1.0, 1, 0])
    away = latent.mahalanobis(latent.principal_axes(constant), torch.tensor([[0.0, 0, 1]]))
    assert 15 < away < 40  # the average variance is 2/3, so at most 1 / √(LEAST_SPREAD · 2/3) = 39: far, not infinitely
    assert latent.mahalanobis(latent.principal_axes(torch.tensor([[0.0, 0], [1, 0]])), constant[:, :2]).isfinite().all()


def test_shrinkage_puts_unseen_points_at_the_right_distance_where_there_are_few():
    # 20 points in 15 dimensions: their own covariance has the typical new point at a distance near 8, the truth is √15
    fresh = latent.mahalanobis(latent.principal_axes(normal(20, 15)), normal(500, 15, seed=1))
    assert fresh.median() == pytest.approx(math.sqrt(15), rel=0.2)


def test_a_percentile_counts_the_usual_distances_that_are_smaller():
    percent = latent.percentile(torch.tensor([0.0, 2.5, 9.0]), torch.tensor([1.0, 2, 3, 4]))
    assert percent.tolist() == [0, 50, 100]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: latent.embed(nn.Identity(), torch.zeros(1, 1, 32, 32)), "cannot embed"),
        (lambda: latent.decode(nn.Identity(), torch.zeros(1, 3)), "cannot decode"),
        (lambda: latent.embed(tiny(), torch.zeros(1, 1, 48, 48)), "size=32"),
        (lambda: latent.embed(tiny(), torch.zeros(1, 1, 32, 32), batch=0), "batch must be at least 1"),
        (lambda: latent.embed(spatial(), torch.zeros(1, 1, 32, 32)), "a map, not a vector"),
        (lambda: latent.decode(spatial(), torch.zeros(1, 3)), "a map, not a vector"),
        (lambda: latent.decode(tiny(), torch.zeros(1, 4)), r"\(N, 3\)"),
        (lambda: latent.decode(tiny(), torch.full((1, 3), math.nan)), "finite"),
        (lambda: latent.interpolate(torch.zeros(3), torch.zeros(4), 5), "two vectors"),
        (lambda: latent.interpolate(torch.zeros(2, 3), torch.zeros(2, 3), 5), "two vectors"),
        (lambda: latent.interpolate(torch.zeros(3), torch.zeros(3), 1), "at least 2 points"),
        (lambda: latent.slerp(torch.zeros(3), torch.full((3,), math.inf), 5), "finite"),
        (lambda: latent.principal_axes(torch.zeros(1, 3)), "at least 2 vectors"),
        (lambda: latent.principal_axes(torch.zeros(3)), "shape"),
        (lambda: latent.principal_axes(torch.ones(5, 3)), "All vectors are the same"),
        (lambda: latent.traverse(latent.principal_axes(normal(5, 3)), 3), "axes 0 to 2"),
        (lambda: latent.mahalanobis(latent.principal_axes(normal(5, 3)), torch.zeros(2, 4)), r"\(N, 3\)"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(call, sentence):
    with pytest.raises(bl.InputError, match=sentence):
        call()
