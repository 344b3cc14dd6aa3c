"""Kernels and how a layer applies them, against sums worked by hand and against scipy and torch."""

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from tiny import tiny
from torch import nn

import brainlab as bl
from brainlab import filters

# The numbers 0 to 8 in a 3 × 3 image, and a kernel without symmetry.
NINE = torch.arange(9.0).view(3, 3)
ODD = torch.tensor([[1.0, 2, 0], [0, 0, 0], [0, 0, 3]])


def test_a_cross_correlation_lays_the_kernel_on_the_image_as_it_is_written():
    # In the middle: 1 · 0 + 2 · 1 + 3 · 8 = 26. At the upper left only the 3 meets a pixel that is not beyond: 3 · 4.
    out = filters.filtered(NINE, ODD)
    assert out[1, 1] == 26
    assert out[0, 0] == 12


def test_a_convolution_turns_the_kernel_first():
    assert filters.filtered(NINE, ODD, flip=True)[1, 1] == 3 * 0 + 2 * 7 + 1 * 8


def test_what_lies_beyond_the_border_is_chosen():
    left = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 0, 0]])  # takes the pixel to the left
    column = {name: filters.filtered(NINE, left, name)[:, 0].tolist() for name in get_args(filters.Border)}
    assert set(column) == set(filters.BORDERS)
    assert column == {"zeros": [0, 0, 0], "edge": [0, 3, 6], "reflect": [1, 4, 7]}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([3, 5]), st.booleans())
def test_it_is_what_scipy_calls_correlate_and_convolve(seed, side, flip):
    rng = np.random.default_rng(seed)
    image, kernel = rng.normal(size=(7, 9)), rng.normal(size=(side, side))
    modes: tuple[tuple[filters.Border, str], ...] = (("zeros", "constant"), ("edge", "nearest"), ("reflect", "mirror"))
    for border, mode in modes:
        wanted = (ndimage.convolve if flip else ndimage.correlate)(image, kernel, mode=mode)
        out = filters.filtered(torch.tensor(image), torch.tensor(kernel), border, flip)
        np.testing.assert_allclose(out, wanted, atol=1e-9)


def test_blurs_keep_a_flat_image_and_edges_are_zero_on_it():
    flat = torch.full((9, 9), 0.5)
    for name, kernel in filters.KERNELS.items():
        level = filters.filtered(flat, kernel, "edge")
        wanted = 0.0 if name in ("sobel x", "sobel y", "laplacian") else 0.5
        torch.testing.assert_close(level, torch.full_like(flat, wanted), atol=1e-6, rtol=0)


def test_sobel_is_positive_where_it_gets_brighter_to_the_right_and_downwards():
    right = torch.arange(5.0).expand(5, 5)  # a slope of 1 a pixel: (1 + 2 + 1) · 2 = 8
    for image, along, across in ((right, "sobel x", "sobel y"), (right.T, "sobel y", "sobel x")):
        assert filters.filtered(image, filters.KERNELS[along])[2, 2] == 8
        assert filters.filtered(image, filters.KERNELS[across])[2, 2] == 0


def test_a_dot_under_the_identity_stays_and_under_the_laplacian_becomes_a_cross():
    dot = torch.zeros(5, 5)
    dot[2, 2] = 1.0
    assert torch.equal(filters.filtered(dot, filters.KERNELS["identity"]), dot)
    assert filters.filtered(dot, filters.KERNELS["laplacian"])[1:4, 1:4].tolist() == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]


def test_framed_kernels_of_the_first_layer_give_its_output_at_every_second_pixel():
    layer = next(one for one in tiny(bl.Classifier).cnn.modules() if isinstance(one, nn.Conv2d))
    x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = layer(x)[0]
    for kernel, channel in zip(layer.weight.detach()[:, 0], wanted, strict=True):
        out = filters.filtered(x[0, 0], filters.framed(kernel, 5))
        torch.testing.assert_close(out[::2, ::2], channel, atol=1e-5, rtol=1e-5)


def test_a_framed_kernel_does_the_same():
    assert torch.equal(filters.filtered(NINE, filters.framed(ODD, 5)), filters.filtered(NINE, ODD))


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: filters.filtered(NINE, torch.ones(2, 2)), "odd side"),
        (lambda: filters.filtered(NINE, torch.ones(3, 1)), "odd side"),
        (lambda: filters.filtered(NINE, torch.full((3, 3), torch.nan)), "finite"),
        (lambda: filters.filtered(NINE, ODD, "wrap"), "zeros, edge, reflect"),  # pyright: ignore[reportArgumentType]
        (lambda: filters.framed(torch.ones(7, 7), 5), "at most 5"),
    ],
)
def test_what_is_no_kernel_is_told(act, words):
    with pytest.raises(bl.InputError, match=words):
        act()
