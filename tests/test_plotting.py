import sys

import numpy as np
import pytest
import torch
from matplotlib import colormaps

from brainlab import InputError, plotting

IMAGES = torch.linspace(0, 1, 3 * 64).reshape(3, 1, 8, 8)
MASKS = torch.zeros(3, 1, 8, 8, dtype=torch.bool)
MASKS[1, 0, 2:5, 2:5] = True


def test_a_notebook_shows_every_figure_with_its_alternative_text_escaped():
    figure = plotting.grid(IMAGES, alt='three "squares" & more')
    shown = figure._repr_mimebundle_()
    assert 'alt="three &quot;squares&quot; &amp; more"' in shown["text/html"]
    assert shown["text/plain"] == 'three "squares" & more'


def test_all_images_of_a_grid_share_one_intensity_scale():
    figure = plotting.grid(IMAGES * 0.5, alt="a", masks=MASKS)
    shown = [axis.images[0] for axis in figure.axes if axis.images]
    assert len(shown) == 3
    assert {image.get_clim() for image in shown} == {(0.0, 1.0)}


def test_an_overlay_colours_only_what_lies_above_the_threshold():
    figure = plotting.overlay(IMAGES, IMAGES, MASKS, alt="a", above=0.5)
    drawn = [axis.images[1].get_array() for axis in figure.axes if axis.images]
    hidden = [np.ma.getmaskarray(np.ma.asarray(one)) for one in drawn]
    assert np.array_equal(np.stack(hidden), (IMAGES[:, 0] <= 0.5).numpy())


def test_a_signed_residual_is_drawn_around_zero_in_two_colours():
    figure = plotting.rows({"image": IMAGES, "residual": IMAGES - 0.7}, alt="a", masks=MASKS)
    low, high = figure.axes[3].images[0].get_clim()
    assert low == -high
    assert figure.axes[3].images[0].get_cmap() == colormaps["BrBG"]


def test_curves_have_one_line_a_name():
    figure = plotting.curves({"loss": [3.0, 2.0], "kl": [1.0, 1.5]}, alt="a")
    assert [line.get_label() for line in figure.axes[0].lines] == ["loss", "kl"]


def test_intervals_have_a_panel_a_name_and_a_dot_and_a_bar_a_method_at_their_values():
    found = {
        "dark": {"ae": (0.5, 0.4, 0.7), "vae": (0.2, np.nan, np.nan)},
        "iso": {"ae": (0.1, 0, 0.2), "vae": (0, 0, 0)},
    }
    figure = plotting.intervals(found, alt="a", xlabel="AP", chance={"dark": 0.01, "iso": 0.02}, filled=["ae"])
    dark, iso = figure.axes
    assert [axis.get_title() for axis in figure.axes] == ["dark", "iso"]
    bar, dot, _, other, guess = dark.lines
    assert np.asarray(bar.get_xdata()).tolist() == [0.4, 0.7]
    assert np.asarray(dot.get_xdata()).tolist() == [0.5]
    assert (dot.get_markerfacecolor(), other.get_markerfacecolor()) == ("#0072b2", "white")
    assert np.asarray(guess.get_xdata())[0] == 0.01
    assert np.asarray(iso.lines[1].get_xdata())[0] == 0.1
    assert [label.get_text() for label in dark.get_yticklabels()] == ["ae", "vae"]
    assert dark.get_ylim()[0] > dark.get_ylim()[1], "the first method stands on top"


def test_no_figure_is_left_open_and_pyplot_is_never_needed():
    plotting.grid(IMAGES, alt="a")
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


def test_what_is_no_set_of_images_is_refused():
    with pytest.raises(InputError, match="needs images"):
        plotting.grid(torch.zeros(0, 1, 8, 8), alt="a")


def test_a_figure_of_curves_carries_its_alternative_text():
    figure = plotting.lines([1, 2], {"a": [0, 1], "b": [1, 0]}, xlabel="x", ylabel="y", alt="Two lines that cross.")
    assert 'alt="Two lines that cross."' in figure._repr_mimebundle_()["text/html"]


def test_every_curve_is_drawn_however_many_there_are():
    figure = plotting.lines([1, 2], {str(k): [k, k] for k in range(6)}, xlabel="x", ylabel="y", alt="Six level lines.")
    assert len(figure.axes[0].lines) == 6
