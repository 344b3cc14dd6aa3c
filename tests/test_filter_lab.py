"""The filter lab without a browser: traits in, bytes, numbers and sentences out."""

import numpy as np
import pytest
import torch
from tiny import tiny
from torch import nn
from torch.nn import functional as F

import brainlab as bl
from brainlab import filters, geometry, metrics, saliency
from brainlab.slices import About, Slices
from brainlab.widgets import filter_lab
from brainlab.widgets.filter_lab import one_a_scan, show
from brainlab.widgets.filter_state import FilterLabState

pytestmark = pytest.mark.usefixtures("one_thread")
CLASSES = ("healthy", "tumour", "ms")


def brains(n=3, size=32):
    """Discs with a dark square as lesion, of growing side, in all but the first."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    brain = (torch.hypot(x - 15.5, y - 15.5) < 13)[None, None].repeat(n, 1, 1, 1)
    masks = torch.zeros(n, 1, size, size, dtype=torch.bool)
    for i in range(n):
        masks[i, 0, 8 : 8 + 3 * i, 10 : 10 + 3 * i] = True
    images = brain * 0.5 + (x > 16) * brain * 0.25 - 0.4 * (masks & brain)
    return Slices(
        images.float(),
        masks,
        brain,
        subjects=("one", "two", "three")[:n],
        labels=("healthy", "tumour", "ms")[:n],
        position_mm=np.zeros(n),
        visit=("healthy", "tumour-hypo", "ms")[:n],
        affine=np.stack([geometry.slice_affine(size, (0, 0, 0))] * n),
        contrast="T1w",
        spacing=geometry.pixel_mm(size),
        about=About("made up", "none", "none", True),
    )


@pytest.fixture
def state():
    return FilterLabState(tiny(bl.Classifier, classes=CLASSES), brains(), layer=2)


def value(picture, byte):
    low, high = picture.span
    return low + byte / 255 * (high - low)


def row(state, name):
    return next(text for label, text, _ in state.frame().table.rows if label == name)


# ---- the kernel


def test_it_opens_where_there_is_most_lesion(state):
    assert state.slice == "2"


@pytest.mark.parametrize("preset", ["sobel x", "mean", "sharpen"])
def test_zero_is_mid_grey_and_black_and_white_lie_as_far_from_it(state, preset):
    state.preset = preset
    shown = state.frame().pictures["filtered"]
    result = state.filtered().numpy()
    assert shown.span[0] == -shown.span[1] == -np.abs(result).max()
    assert set(shown.image[result == 0]) == {128}
    np.testing.assert_allclose(value(shown, shown.image.astype(float)), result, atol=shown.span[1] / 255)


def test_a_kernel_chosen_by_name_fills_the_grid_and_a_cell_changed_makes_it_ones_own(state):
    state.preset = "laplacian"
    assert state.kernel == filters.framed(filters.KERNELS["laplacian"], 5).tolist()
    state.preset = "mean"
    assert state.kernel[2] == [0.0, 0.1111, 0.1111, 0.1111, 0.0]  # what the cells show is what is applied
    state.kernel = np.eye(5).tolist()
    assert state.preset == "own"
    torch.testing.assert_close(state.filtered(), filters.filtered(state.image()[0, 0], torch.eye(5)))


def test_turning_the_kernel_changes_sobels_sign_and_the_words(state):
    before, words = state.filtered(), state.frame().readout
    state.flip = True
    torch.testing.assert_close(state.filtered(), -before)
    assert "cross-correlation (PyTorch's conv2d)" in words
    assert "convolution (kernel turned by 180°)" in state.frame().readout
    state.preset = "gaussian"
    assert "Turned, this kernel is the same" in state.frame().readout


def test_the_border_is_as_chosen(state):
    state.slices.images[2] = 1.0  # bright to the edge, so that what lies beyond matters
    edge = {border: float((setattr(state, "border", border), state.filtered())[1][16, 0]) for border in filters.BORDERS}
    assert edge == {"zeros": 4.0, "edge": 0.0, "reflect": 0.0}


def test_the_classifiers_own_kernels_are_offered_to_four_decimals(state):
    own = [name for name in state.kernels if name.startswith("layer 1")]
    assert len(own) == 8
    state.preset = own[3]
    wanted = filters.framed(state.model.cnn[0][0].weight.detach()[3, 0], 5)
    torch.testing.assert_close(torch.tensor(state.kernel), wanted, atol=6e-5, rtol=0)


def test_a_small_grid_offers_what_fits_into_it():
    state = FilterLabState(tiny(bl.Classifier), brains(), ("filter",), kernel_size=3)
    assert set(state.kernels) == set(filters.KERNELS) - {"gaussian 5"}
    assert np.shape(state.kernel) == (3, 3)


@pytest.mark.parametrize("wrong", [[[1.0] * 3] * 3, [[1.0] * 5] * 4, [[np.nan] * 5] * 5, [[1e38] * 5] * 5])
def test_a_grid_that_is_no_kernel_is_refused_and_the_last_one_stays(state, wrong):
    before = state.kernel
    with pytest.raises(bl.InputError, match="5 rows of 5 numbers"):
        state.kernel = wrong
    assert state.kernel == before


# ---- feature maps


def test_it_opens_on_the_strongest_channel(state):
    assert state.channel == state.strongest()[0]


def test_a_channels_map_is_white_where_it_is_highest(state):
    state.channel = 7
    shown, maps = state.frame().pictures["features"], saliency.layer_maps(state.model, state.image(), 2)[0]
    assert shown.span == (0.0, float(maps[6].max()))
    assert shown.image.shape == (8, 8)
    assert f"{float(maps[6].max()):.2f}, of the layer's {float(maps.max()):.2f}" in state.frame().readout
    np.testing.assert_allclose(value(shown, shown.image.astype(float)), maps[6], atol=shown.span[1] / 255)


def test_the_strongest_channels_have_the_highest_means(state):
    means = saliency.layer_maps(state.model, state.image(), 2)[0].mean((1, 2))
    strongest = state.strongest()
    assert means[strongest[0] - 1] == means.max()
    assert sorted(means[[one - 1 for one in strongest]].tolist()) == sorted(means.tolist())[-5:]
    state.press("strongest")
    assert state.channel == strongest[0]
    assert row(state, f"Channel {strongest[1]}, mean") == f"{float(means[strongest[1] - 1]):.2f}"


def test_a_channel_that_the_layer_lacks_becomes_its_last(state):
    state.layer = "4"
    state.channel = 32
    state.layer = "1"
    assert state.channel == 8
    state.channel = 30
    assert state.channel == 8
    assert state.frame().spoken["channel"] == "channel 8 of 8"


# ---- why


def test_probabilities_stand_in_the_table(state):
    with torch.no_grad():
        p = state.model(state.image()).softmax(1)[0]
    assert row(state, "P(tumour)") == f"{100 * float(p[1]):.0f} %"
    assert row(state, "P(MS)") == f"{100 * float(p[2]):.0f} %"


def test_its_answer_is_the_most_probable_class_and_any_other_can_be_asked_for(state):
    answer = int(state.probabilities().argmax())
    assert state.explained().target == answer
    other = (answer + 1) % 3
    state.target = CLASSES[other]
    torch.testing.assert_close(state.explained().map, saliency.grad_cam(state.model, state.image(), other, 2))
    assert "It says " in state.frame().readout


def test_the_heat_map_lies_over_the_slice_in_full_colour_where_it_is_highest(state):
    state.outline = False
    shown = state.frame().pictures["why"]
    map_ = state.explained().map
    assert map_.max() > 0
    fine = F.interpolate(map_ / map_.max(), scale_factor=8, mode="bilinear")[0, 0]
    np.testing.assert_allclose(shown.overlay / 255, fine, atol=0.5 / 255 + 1e-6)


def test_occlusion_shows_where_the_probability_falls(state):
    state.method, state.target, state.patch = "occlusion", "ms", 8
    drop = saliency.classifier_occlusion(state.model, state.image()[0], state.slices.brain[2, 0], 2, 8, 4)
    torch.testing.assert_close(state.explained().map[0, 0], drop.relu())
    assert state.explained().highest == float(drop.max())
    frame = state.frame()
    assert 0 < drop.max() < 0.05  # an untrained network hardly minds: not blown up to full colour
    assert "full colour is a fall of the probability by 5 points" in frame.readout
    assert f"at most {100 * float(drop.max()):.1f} and rises" in frame.readout
    assert "no single patch matters" in frame.readout
    assert frame.pictures["why"].overlay.max() <= 255 * float(drop.max()) / 0.05 + 1
    assert frame.disabled == ()


def test_a_fall_that_matters_has_full_colour(state, monkeypatch):
    drop = torch.full((32, 32), -0.02)
    drop[4:20, 4:20] = 0.4
    monkeypatch.setattr(saliency, "classifier_occlusion", lambda *_: drop)
    state.method, state.outline = "occlusion", False
    shown = state.frame()
    assert shown.pictures["why"].overlay.max() == 255
    # 16 px and, interpolated, half a pixel of fading around them.
    assert (shown.pictures["why"].overlay > 0).mean() == pytest.approx((17 / 32) ** 2, abs=0.001)
    assert "40 points; it falls by at most 40 and rises by at most 2" in shown.readout


def test_a_slider_without_effect_is_off(state):
    assert state.frame().disabled == ("patch",)
    alone = FilterLabState(state.model, state.slices, ("why",))
    alone.method = "occlusion"
    assert alone.frame().disabled == ("layer",)  # it has no feature map to choose


def test_mass_and_peak_are_told_beside_a_plain_and_an_even_map(state):
    i = slice(2, 3)
    mask, brain = state.slices.masks[i], state.slices.brain[i]
    share = 100 * float(metrics.mass_share(state.explained().map * brain, mask))
    assert row(state, "In lesion: this map") == f"{share:.0f} %"
    assert row(state, "In lesion: even map") == f"{100 * float((mask & brain).sum() / brain.sum()):.0f} %"
    dark = (1 - state.slices.images[i]) * brain
    assert row(state, "In lesion: darkness") == f"{100 * float((dark * mask).sum() / dark.sum()):.0f} %"
    assert row(state, "Peak in lesion") in ("hit", "miss")


def test_dice_of_what_is_coloured_follows_the_threshold_beside_plain_darkness(state):
    coloured, plain = state.frame().pictures["overlap"].rows
    mask, brain = state.slices.masks[2][None], state.slices.brain[2][None]
    map_ = state.explained().map
    prediction = (map_ * 255 / map_.max()).round() * brain >= 100
    assert coloured.values[100] == metrics.dice(prediction, mask & brain)
    assert plain.values[0] == 1.0  # the square is darker than all else


def test_a_healthy_slice_asks_for_no_overlap(state):
    state.slice = "0"
    assert row(state, "Lesion in this slice") == "none"
    assert all(np.isnan(one.values).all() for one in state.frame().pictures["overlap"].rows)


def test_the_lesion_is_framed_and_not_covered(state):
    framed = state.frame().pictures["slice"].image
    inside = F.interpolate(state.slices.masks[2][None].float(), scale_factor=8)[0, 0].numpy() > 0
    state.outline = False
    bare = state.frame().pictures["slice"].image
    np.testing.assert_array_equal(framed[inside], bare[inside])
    plain = F.interpolate(state.image(), scale_factor=8, mode="bilinear")[0, 0].numpy()
    np.testing.assert_allclose(bare / 255, plain, atol=0.51 / 255)
    assert set(framed[framed != bare]) <= {0, 255}
    assert (framed == 255).sum() == 4 * 6 * 8 + 4  # one pixel around a square of 6 · 8


def test_the_heat_map_leaves_the_frame_free(state):
    shown = state.frame().pictures["why"]
    state.outline = False
    line = shown.image != state.frame().pictures["why"].image
    assert line.any()
    assert not shown.overlay[line].any()


def test_a_map_of_nothing_says_so(state):
    nn.init.zeros_(state.model.last.weight)  # whatever is seen, every class is as probable
    shown = state.frame()
    assert "Nothing here speaks for this class." in shown.readout
    assert row(state, "In lesion: this map") == "no map"
    assert not shown.pictures["why"].overlay.any()


# ---- what a move costs


def test_a_move_computes_only_what_it_changes(state, monkeypatch):
    calls = []
    for name in ("grad_cam", "layer_maps", "probabilities", "classifier_occlusion"):
        real = getattr(saliency, name)
        monkeypatch.setattr(saliency, name, lambda *a, real=real, name=name: calls.append(name) or real(*a))
    state.frame()
    assert sorted(calls) == ["grad_cam", "probabilities"]  # the maps are there since the channels were counted
    calls.clear()
    state.kernel, state.channel, state.flip = np.eye(5).tolist(), 3, True
    state.frame()
    assert calls == []
    state.target = "healthy" if state.explained().target else "tumour"
    state.frame()
    assert calls == ["grad_cam"]


def test_a_new_slice_brings_new_maps_numbers_and_overlap(state):
    before = state.frame()
    state.slice = "1"
    after = state.frame()
    fresh = FilterLabState(state.model, state.slices, layer=2)
    fresh.slice = "1"
    wanted = fresh.frame()
    assert after.table == wanted.table != before.table
    for name in ("slice", "why"):
        np.testing.assert_array_equal(after.pictures[name].image, wanted.pictures[name].image)
    for one, other in zip(after.pictures["overlap"].rows, wanted.pictures["overlap"].rows, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


# ---- the canvas


def test_every_part_can_stand_alone():
    model, slices = tiny(bl.Classifier, classes=CLASSES), brains()
    panels = {}
    for part in ("filter", "features", "why"):
        lab = filter_lab(model, slices, parts=(part,))
        assert lab.failure is None
        panels[part] = [one["name"] for one in lab.spec["panels"]]
        controls = {one["name"] for one in lab.spec["controls"]}
        assert ("kernel" in controls, "channel" in controls, "method" in controls) == (
            part == "filter",
            part == "features",
            part == "why",
        )
        lab.close()
    assert panels == {
        "filter": ["slice", "filtered"],
        "features": ["slice", "features"],
        "why": ["slice", "why", "overlap"],
    }


def test_the_whole_lab_shows_each_control_once_and_says_what_it_is(state):
    lab = show(state)
    names = [one["name"] for one in lab.spec["controls"]]
    assert lab.failure is None
    assert len(names) == len(set(names)) == 12
    assert lab.spec["caption"] == "Synthetic brains. For teaching, not for clinical use."
    assert lab.spec["panels"][0]["edges"] == ("A", "P", "R", "L")
    labels = dict(lab.spec["controls"][0]["options"])
    assert labels["1"] == "two, tumour-hypo"
    assert labels["2"] == "three, MS"
    assert lab.png()[:4] == b"\x89PNG"
    lab.close()


def test_each_scan_gives_the_slice_with_most_lesion():
    slices = brains()
    twice = slices[[0, 1, 2, 2, 1, 0]]
    names = ("a", "a", "a", "b", "b", "c")
    same = Slices(**{**twice.__dict__, "subjects": names, "visit": ("v",) * 6})
    chosen = one_a_scan(same)
    assert chosen.subjects == ("a", "b", "c")
    assert chosen.labels == ("ms", "ms", "healthy")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: filter_lab(tiny(bl.VAE), brains()), "bl.Classifier of one channel, got a VAE"),
        (lambda: filter_lab(tiny(bl.Classifier, 64), brains()), "size=64"),
        (lambda: filter_lab(tiny(bl.Classifier), brains()[[]]), "no slices"),
        (lambda: filter_lab(tiny(bl.Classifier), brains(), parts=("filters",)), "filter, features, why"),
        (lambda: filter_lab(tiny(bl.Classifier), brains(), kernel_size=4), "3 or 5"),
        (lambda: filter_lab(tiny(bl.Classifier), brains(), layer=5), "layer must be one of 1, 2, 3, 4"),
    ],
)
def test_what_the_lab_cannot_show_is_told(act, words):
    with pytest.raises(bl.InputError, match=words):
        act()


def test_the_shipped_classifier_fits_the_lab():
    lab = filter_lab(slices=brains(size=64))
    assert lab.failure is None
    assert "layer 1, channel 16" in lab.state.kernels
    lab.close()
