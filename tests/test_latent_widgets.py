"""The latent explorer and the latent map without a browser, on a model whose latent numbers are pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny
from torch import nn

import brainlab as bl
from brainlab import InputError, latent
from brainlab.slices import About, Slices
from brainlab.widgets import latent_explorer, latent_map
from brainlab.widgets import latent_space as ls
from brainlab.widgets.frame import Table
from brainlab.widgets.latent_explorer import LatentExplorerState
from brainlab.widgets.latent_map import DOTS, LatentMapState, thinned

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE, PEOPLE = 32, 64


class Pixels(nn.Module):
    """Latent number k is pixel 32 k of the picture, so that every answer can be read off."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.config = bl.ModelConfig(image_size=SIZE, latent_dim=d)
        self.decoded = 0

    def embed(self, x, condition=None):
        return x.flatten(1)[:, ::SIZE][:, : self.config.latent_dim]

    def decode(self, z, condition=None):
        self.decoded += len(z)
        images = torch.zeros(len(z), SIZE * SIZE)
        images[:, : SIZE * self.config.latent_dim : SIZE] = z
        return images.reshape(-1, 1, SIZE, SIZE)


def waves(d: int, n: int = PEOPLE) -> np.ndarray:
    """(n, d) uncorrelated ±1 columns of mean 0: the bits of the row's number, and products of two of them."""
    bits = 1 - 2 * ((np.arange(n)[:, None] >> np.arange(6)) & 1)
    pairs = [bits[:, i] * bits[:, j] for i in range(6) for j in range(i)]
    return np.concatenate([bits, np.stack(pairs, axis=1)], axis=1)[:, :d].astype(np.float32)


def people(d: int = 3, n: int = PEOPLE, sick: int = 0, **factors) -> Slices:
    """One slice a person: latent number k is 0.5 ± 0.2 / (k + 1); the last ``sick`` have a tumour."""
    z = torch.from_numpy(0.5 + 0.2 * waves(d, n) / np.arange(1, d + 1, dtype=np.float32))
    brain = torch.zeros(n, 1, SIZE, SIZE, dtype=torch.bool)
    brain[:, :, 8:24, 8:24] = True
    return Slices(
        images=Pixels(d).decode(z),
        masks=torch.zeros_like(brain),
        brain=brain,
        subjects=tuple(f"p{i:03d}" for i in range(n)),
        labels=("healthy",) * (n - sick) + ("tumour",) * sick,
        position_mm=np.full(n, 10.0),
        visit=("healthy",) * n,
        affine=np.tile(np.eye(4), (n, 1, 1)),
        contrast="T1w",
        spacing=3.0,
        about=About("made up", "none", "none", synthetic=True),
        factors={name: np.asarray(values, dtype=float) for name, values in factors.items()},
    )


def explorer(d: int = 3, **factors) -> LatentExplorerState:
    return LatentExplorerState(Pixels(d), people(d, **factors))


def spaced(words: str) -> str:
    """Words whose spaces are plain ones."""
    return words.replace("\N{NO-BREAK SPACE}", " ")


def encoded(state: LatentExplorerState, name: str) -> torch.Tensor:
    """The vector of a subject's slice."""
    assert state.space is not None
    return state.space.z[state.homes[name]]


def table(state: LatentExplorerState) -> Table:
    found = state.frame().table
    assert found is not None
    return found


def decodes(state) -> int:
    """How many vectors the model has decoded so far."""
    return state.model.decoded


def grey(state, panel: str) -> np.ndarray:
    """A panel's values, back from bytes."""
    picture = state.frame().pictures[panel]
    low, high = picture.span
    return low + picture.image.astype(float) / 255 * (high - low)


# ---- axes and their names


def test_a_slider_moves_z_by_so_many_standard_deviations_along_its_axis():
    state = explorer()
    state.a1, state.a3 = 2.0, -1.0
    sigma = np.sqrt(64 / 63)  # of ±1, N − 1 below
    assert state.z.tolist() == pytest.approx([0.5 + 2 * 0.2 * sigma, 0.5, 0.5 - 0.2 / 3 * sigma], abs=1e-5)
    assert grey(state, "decoded")[0, 0] == pytest.approx(0.7, abs=0.005)  # white is the brightest slice's 0.7


def test_places_along_an_axis_have_a_standard_deviation_of_one():
    z = latent.prior_samples(20, 12)  # so few that ``spread`` is far from ``std``
    places = ls.coordinates(latent.principal_axes(z), z)
    assert places.std(dim=0).tolist() == pytest.approx([1.0] * 12, abs=1e-3)


def test_an_axis_is_named_after_its_cause_and_says_which_way_it_goes():
    wave = waves(3)
    state = explorer(ventricle_size=1.5 + 0.5 * wave[:, 0], head_shape=-0.05 * wave[:, 1])
    assert [spaced(one.label()) for one in state.links[:2]] == ["ventricle width, r = 1.00", "head breadth, r = −1.00"]
    state.a1, state.a2 = 1.5, 1.5
    spoken = state.frame().spoken
    assert spoken["a1"] == "axis 1, +1.5 σ: wider ventricles"
    assert spoken["a2"] == "axis 2, +1.5 σ: longer head"
    state.a1, state.a2 = -1.5, 0.0
    spoken = state.frame().spoken
    assert spoken["a1"] == "axis 1, −1.5 σ: narrower ventricles"
    assert spoken["a2"] == "axis 2, 0.0 σ"


def test_a_weak_correlation_gives_no_name_but_stands_in_the_table():
    wave = waves(3)
    strength = 0.4 / np.sqrt(1 - 0.4**2)
    state = explorer(rotation=strength * wave[:, 0] + waves(8)[:, 7])  # r = s / √(s² + 1) = 0.4
    assert state.links[0].label() == "no single cause"
    state.a1 = 2.0
    frame = state.frame()
    assert frame.spoken["a1"] == "axis 1, +2.0 σ: no single cause"
    name, r, length = table(state).rows[0]
    assert (name, spaced(r), length) == ("1: head rotation", "r = 0.40", pytest.approx(0.4, abs=1e-3))
    assert "64 slices of 64 people (named from |r| ≥ 0.50)" in table(state).caption


def test_few_people_must_agree_more_before_an_axis_is_named():
    assert ls.LatentSpace(Pixels(3), people(n=16)).bar() == pytest.approx(0.75)  # 3 / √16
    assert ls.LatentSpace(Pixels(3), people(n=64)).bar() == 0.5


def test_the_table_tells_what_the_shown_axes_hold_of_the_variance():
    squares = 1 / np.arange(1, 11) ** 2.0
    assert f"hold {100 * squares[:8].sum() / squares.sum():.0f} % of the variance" in table(explorer(10)).caption


def test_causes_that_are_constant_or_unknown_are_left_out():
    slices = people(
        bias=np.full(PEOPLE, 0.1),
        rotation=[np.inf, *range(1, PEOPLE)],
        noise=[np.nan, *[0.1] * (PEOPLE - 1)],
        asymmetry=np.arange(PEOPLE),
    )
    assert list(ls.causes(slices)) == ["asymmetry"]
    assert list(ls.causes(people())) == ["height"]  # something must colour a map


def test_a_cause_is_shown_in_its_own_unit():
    assert ls.causes(people(head_shape=np.linspace(-0.1, 0.1, PEOPLE)))["head_shape"][0] == pytest.approx(-10)
    assert ls.CAUSES["head_shape"].told(-10.0) == "−10 %"
    assert ls.CAUSES["rotation"].told(-2.51) == "−2.5°"


# ---- how unusual


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (95.5, "as unusual as 1 in 20 slices"),  # 96 to 100 lie further out: 5 of 100
        (90.5, "as unusual as 1 in 10 slices"),
        (100.5, "further out than all 100 slices"),
        (10.5, "nearer to the mean than 90 in 100 slices"),
        (0.0, "nearer to the mean than nearly all slices"),
    ],
)
def test_how_unusual_a_distance_is_in_words(distance, words):
    assert ls.unusual(torch.tensor([distance]), torch.arange(1.0, 101.0)) == words


def test_what_is_usual_is_measured_with_axes_that_the_person_had_no_part_in():
    slices = people()
    slices.images[0, 0, 0, 0] = 20.0  # one person like no other
    space = ls.LatentSpace(Pixels(3), slices)
    inside = latent.mahalanobis(space.axes, space.z)[0]
    assert float(space.usual()[0]) > 5 * float(inside)
    assert int(space.usual().argmax()) == 0


def test_the_readout_tells_the_distance_of_z():
    state = explorer(10)
    state.a1 = 3.0
    words = state.frame().readout
    distance = float(latent.mahalanobis(state.axes, state.z[None])[0])
    assert f"z lies {distance:.1f} σ from the mean" in words
    state.a1, state.a2, state.a3, state.a4 = 3.0, 3.0, -3.0, 3.0
    assert "further out than all 64 slices" in state.frame().readout


# ---- journeys


def test_a_subject_comes_back_whole_also_what_no_slider_reaches():
    state = explorer(12)
    name = list(state.homes)[3]
    state.start = name
    index = state.homes[name]
    torch.testing.assert_close(state.z, encoded(state, name))
    assert grey(state, "decoded") == pytest.approx(state.slices.images[index, 0].numpy(), abs=0.003)
    assert f"Started from {name} at 10 mm." in state.frame().readout
    state.a1 += 1.0
    torch.testing.assert_close(state.z[8:], encoded(state, name)[8:])


def test_the_middle_slice_of_a_subject_is_a_healthy_one_near_the_median_height():
    slices = people(n=8)
    slices = Slices(
        **{name: getattr(slices, name) for name in ("images", "masks", "brain", "visit", "affine", "contrast")},
        spacing=3.0,
        about=slices.about,
        subjects=("a",) * 4 + ("b",) * 4,
        labels=("healthy", "healthy", "tumour", "healthy", "tumour", "tumour", "healthy", "healthy"),
        position_mm=np.array([0.0, 10, 20, 30, 0, 10, 20, 30]),  # median 15
    )
    assert ls.middles(slices) == {"a": 1, "b": 6}


def test_half_way_is_between_start_and_goal_and_the_end_is_the_goal():
    state = explorer(10)
    state.start, state.goal = list(state.homes)[:2]
    a, b = state.ends()
    state.t = 0.5
    torch.testing.assert_close(state.z, (a + b) / 2)
    assert f"50 % of the way to {state.goal}" in state.frame().readout
    state.way = "arc"
    torch.testing.assert_close(state.z, latent.slerp(a, b, 3)[1])
    assert not torch.allclose(state.z, (a + b) / 2)
    state.t = 1.0
    torch.testing.assert_close(state.z, b)


def test_another_goal_bends_the_way_and_another_start_begins_it_anew():
    state = explorer()
    one, two, three = list(state.homes)[:3]
    state.start, state.goal, state.t = one, two, 1.0
    state.goal = three
    torch.testing.assert_close(state.z, encoded(state, three))
    state.start = two
    assert state.t == 0
    torch.testing.assert_close(state.z, encoded(state, two))


def test_there_is_no_way_from_a_subject_to_itself():
    state = explorer()
    state.start = state.goal
    assert state.frame().disabled == ("t", "way")


def test_the_change_is_none_at_the_start_and_then_what_moved_since():
    state = explorer()
    state.start = next(iter(state.homes))
    assert np.abs(grey(state, "change")).max() < 0.003
    before = state.z.clone()
    state.a2 += 2.0
    change = grey(state, "change")
    assert change[1, 0] == pytest.approx(float(state.z[1] - before[1]), abs=0.003)
    change[1, 0] = 0
    assert np.abs(change).max() < 0.003
    state.start = list(state.homes)[1]
    assert np.abs(grey(state, "change")).max() < 0.003


def test_draws_from_the_prior_are_new_each_time_and_the_same_again():
    state, again = explorer(10), explorer(10)
    for n in (1, 2):
        state.press("draw")
        torch.testing.assert_close(state.z, latent.prior_samples(1, 10, seed=n)[0], atol=1e-4, rtol=1e-4)
        assert f"draw {n} from the prior" in state.frame().readout
    state.press("mean")
    torch.testing.assert_close(state.z, state.axes.mean, atol=1e-4, rtol=1e-4)
    again.start = "draw"  # "the last draw", where there was none
    torch.testing.assert_close(again.z, latent.prior_samples(1, 10, seed=1)[0], atol=1e-4, rtol=1e-4)


def test_a_second_press_comes_back_from_where_the_sliders_went():
    state = explorer()
    state.a1 = 2.0
    state.press("mean")  # the start is the mean already
    assert state.a1 == 0


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**31))
def test_sliders_and_rest_together_are_any_vector(seed):
    state = WIDE
    z = latent.prior_samples(1, 12, seed)[0]
    state._put(z)
    torch.testing.assert_close(state.z, z, atol=1e-4, rtol=1e-4)


WIDE = LatentExplorerState(Pixels(12), people(12))


def test_one_move_costs_one_decode():
    state = explorer()
    state.start = next(iter(state.homes))
    state.frame()
    before = decodes(state)
    state.a1 += 0.1
    state.frame()
    assert decodes(state) == before + 1


def test_an_unknown_subject_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="start must be one of mean, draw, p000"):
        explorer().start = "nobody"


# ---- the real slice most alike


def test_the_slice_most_like_a_picture_is_found_and_ones_own_may_be_left_out():
    slices = people()
    gallery = ls.Gallery(slices)
    index, away = gallery.nearest(slices.images[5, 0])
    assert (index, away) == (5, 0.0)
    other, away = gallery.nearest(slices.images[5, 0], besides="p005")
    assert other != 5
    # ± differs first in the third number: 0.4 / 3 in one of 1024 pixels
    assert away == pytest.approx(0.4 / 3 / 32, abs=1e-6) or away == 0.0


def test_a_picture_between_two_people_is_told_with_what_people_differ_by():
    words = explorer().frame().readout
    assert "The real slice most like the picture is p" in words
    assert "two people's most alike slices" in words


# ---- families


def test_every_family_that_embeds_and_decodes_can_be_explored_and_mapped():
    images = people(n=24)
    for family in (bl.Autoencoder, bl.VAE, bl.VAEGAN, bl.FAnoGAN):
        for make in (latent_explorer, latent_map):
            widget = make(tiny(family), images)
            assert widget.frame["error"] == ""
            assert widget.frame["readout"]
            widget.close()


def test_a_gan_has_its_own_numbers_and_draws_and_nobody_to_visit():
    widget = latent_explorer(tiny(bl.GAN), people(n=24))
    names = [one["name"] for one in widget.spec["controls"]]
    assert names == [*[f"a{k}" for k in range(1, 9)], "mean", "draw"]
    state = widget.state
    state.a2 = 1.5
    assert state.z.tolist() == pytest.approx([0, 1.5, 0, 0, 0, 0, 0, 0])
    assert widget.frame["spoken"]["a2"] == "latent number 2, +1.5 σ"
    assert "draws from the prior" in widget.frame["readout"]
    assert widget.frame["table"] is None
    widget.close()


@pytest.mark.parametrize(
    ("make", "family", "words"),
    [
        (latent_explorer, bl.DenoisingAutoencoder, "DenoisingAutoencoder cannot decode a vector; use an autoencoder"),
        (latent_map, bl.DenoisingAutoencoder, "DenoisingAutoencoder cannot decode a vector; use an autoencoder"),
        (latent_map, bl.GAN, "GAN cannot embed an image; use an autoencoder, a VAE or a VAE-GAN"),
        (latent_explorer, bl.SpatialAutoencoder, "z is a map, not a vector"),
    ],
)
def test_who_cannot_is_refused_in_a_sentence(make, family, words):
    with pytest.raises(InputError, match=words):
        make(tiny(family), people(n=24))


def test_slices_of_another_size_too_few_and_no_model_are_refused_in_a_sentence():
    with pytest.raises(InputError, match="load data with size=48"):
        latent_explorer(tiny(bl.VAE, size=48), people(n=8))
    with pytest.raises(InputError, match="at least two slices"):
        latent_explorer(tiny(bl.VAE), people(n=8)[:1])
    with pytest.raises(InputError, match="must be a model or the name of weights"):
        latent_explorer(3, people(n=8))  # pyright: ignore[reportArgumentType]


def test_one_height_takes_one_slice_a_person():
    twice = people(n=24)[[*range(24), *range(24)]]
    assert len(latent_explorer(Pixels(3), twice).state.slices) == 48
    assert len(latent_explorer(Pixels(3), twice, one_height=True).state.slices) == 24


def test_an_axis_along_which_nothing_varies_has_no_slider():
    slices = people(6)
    slices.images[:, 0, 5, 0] = 0.5
    assert LatentExplorerState(Pixels(6), slices).count == 5


# ---- the map


def test_two_latent_numbers_are_the_map():
    state = LatentMapState(Pixels(2), people(2))
    state.x, state.y = 0.66, 0.41
    assert state.z.tolist() == pytest.approx([0.66, 0.41])
    index, away = state.nearest()
    assert state.dots[index].tolist() == pytest.approx([0.7, 0.4])
    assert away == pytest.approx(np.hypot(0.04, 0.01), abs=1e-6)
    frame = state.frame()
    assert frame.readout.startswith("Crosshair at z₁ = +0.66, z₂ = +0.41. Nearest dot: p")
    assert "0.04 away." in frame.readout
    assert grey(state, "decoded")[1, 0] == pytest.approx(0.41, abs=0.003)
    assert grey(state, "nearest")[1, 0] == pytest.approx(0.4, abs=0.003)


def test_of_a_larger_space_the_map_is_the_plane_through_the_mean():
    state = LatentMapState(Pixels(4), people(4))
    state.x, state.y = 1.0, -2.0
    sigma = np.sqrt(64 / 63)
    assert state.z.tolist() == pytest.approx([0.5 + 0.2 * sigma, 0.5 - 2 * 0.1 * sigma, 0.5, 0.5], abs=1e-5)
    words = state.frame().readout
    assert "axis 1 +1.0 σ, axis 2 −2.0 σ" in words
    # dots at ±√(63/64) σ: 1.01 σ away in the map, further with the other two numbers at ±1 σ
    assert "1.01 σ away in the map" in words
    full = float(words.split("in the map, ")[1].split(" σ")[0])
    assert full == pytest.approx(np.sqrt(1.01**2 + 2), abs=0.1)


def test_the_axes_are_those_of_the_healthy_and_rings_are_the_sick():
    slices = people(3, sick=20)
    slices.images[44:, 0, 2, 0] = 30.0  # what the sick have
    state = LatentMapState(Pixels(3), slices)
    assert abs(float(state.space.axes.directions[0, 2])) < 0.1
    hollow = state.frame().pictures["map"].hollow
    assert hollow.tolist() == [False] * 44 + [True] * 20


def test_rings_need_both_kinds():
    assert LatentMapState(Pixels(3), people(3)).frame().pictures["map"].hollow is None
    assert LatentMapState(Pixels(3), people(3, sick=PEOPLE)).frame().pictures["map"].hollow is None


def test_every_dot_is_on_the_map():
    for d in (2, 4):
        state = LatentMapState(Pixels(d), people(d))
        for k in (0, 1):
            low, high = state.span(k)
            assert low < state.dots[:, k].min()
            assert high > state.dots[:, k].max()


def test_a_factor_colours_the_dots_and_its_correlation_is_told():
    wave = waves(4)
    state = LatentMapState(Pixels(4), people(4, ventricle_size=1.5 - wave[:, 1], noise=np.arange(PEOPLE)), "noise")
    assert state.frame().pictures["map"].values.tolist() == (100.0 * np.arange(PEOPLE)).tolist()  # in %
    state.colour = "ventricle_size"
    assert state.frame().pictures["map"].values.tolist() == pytest.approx(1.5 - wave[:, 1])
    words = state.frame().readout
    assert (
        "Colour: ventricle width, 0.5 × atlas to 2.5 × atlas; r = 0.00 with axis 1 and r = −1.00 with axis 2." in words
    )
    assert LatentMapState(Pixels(4), state.slices).colour == "ventricle_size"  # by itself what goes best with an axis


def test_an_unknown_factor_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="factor must be one of noise, got 'age'"):
        latent_map(Pixels(2), people(2, noise=np.arange(PEOPLE)), "age")


def test_a_model_with_one_number_has_no_map():
    with pytest.raises(InputError, match="needs two latent numbers"):
        latent_map(Pixels(1), people(1))


def test_a_move_on_the_map_costs_one_decode_and_sends_no_dots():
    state = LatentMapState(Pixels(2), people(2))
    before, dots = decodes(state), state.frame().pictures["map"]
    state.x += 0.1
    assert state.frame().pictures["map"] is dots
    assert decodes(state) == before + 2


@pytest.mark.parametrize(
    ("healthy", "sick", "kept"),
    [(500, 500, (300, 300)), (700, 100, (500, 100)), (100, 700, (100, 500)), (40, 9, (40, 9))],
)
def test_at_most_600_dots_half_of_them_healthy_where_it_can_be(healthy, sick, kept):
    slices = people(2, n=healthy + sick, sick=sick)
    chosen = thinned(slices)
    assert (chosen.labels.count("healthy"), len(chosen) - chosen.labels.count("healthy")) == kept
    assert len(chosen) <= DOTS
    assert chosen.subjects == thinned(slices).subjects
    assert len(set(chosen.subjects)) == len(chosen)


def test_a_crosshair_moved_by_the_page_is_answered(capsys):
    widget = latent_map(Pixels(2), people(2, sick=10))
    widget.answer({"client": "a browser", "seq": 3, "values": {"x": 0.3, "y": 0.6}})
    assert (widget.state.x, widget.state.y) == (0.3, 0.6)
    assert "z₁ = +0.30, z₂ = +0.60" in widget.frame["readout"]
    assert (
        widget.spec["panels"][0]["rows"]["step"] < 0 < widget.spec["panels"][0]["columns"]["step"]
    )  # z₂ grows upwards
    assert widget.spec["panels"][0]["hollow_label"] == "slice with a lesion"
    assert "Synthetic" in widget.spec["caption"]
    widget.close()


def test_the_explorer_answers_the_page_with_words_and_pictures():
    widget = latent_explorer(Pixels(3), people(3, ventricle_size=1.5 + 0.5 * waves(3)[:, 0]))
    widget.answer({"client": "a browser", "seq": 3, "values": {"a1": -2.0}})
    assert widget.frame["spoken"]["a1"] == "axis 1, −2.0 σ: narrower ventricles"
    assert spaced(widget.spec["controls"][0]["label"]) == "Axis 1: ventricle width, r = 1.00"
    assert widget.frame["error"] == ""
    press = {"n": 1, "values": {}, "pressed": "draw"}
    widget.answer({"client": "a browser", "seq": 4, "values": {}, "events": [press]})
    assert widget.state.start == "draw"
    widget.close()
