"""The time machine without a browser: the stop's own network, the same z, and the numbers of the cards."""

from typing import Any

import numpy as np
import pytest
import torch
from scans import scans
from tiny import tiny

import brainlab as bl
from brainlab import InputError, anomaly, checkpoints, latent, measured, metrics
from brainlab.widgets.cases import outlined
from brainlab.widgets.frame import to_bytes
from brainlab.widgets.time_machine import AXES, Stop, TimeMachineState, samples, shipped, show, time_machine

torch.set_num_threads(1)


def stated(value: float) -> measured.Stated:
    return measured.Stated(value, value - 1, value + 1, 17.0, "the mean training slice")


def machine_of(family: Any = bl.VAE, axis="epochs", values=(0.0, 1.0, 5.0), loaded=None) -> TimeMachineState:
    """Tiny networks, a different one at each stop; ``loaded`` takes the names that are asked for."""

    def load(name):
        if loaded is not None:
            loaded.append(name)
        return tiny(family, seed=int(float(name)) + 1).eval()

    stops = [Stop(one, f"{one}", {"psnr": stated(10 + one), "ap_hyper": stated(one)}) for one in values]
    return TimeMachineState(AXES[axis], stops, scans(), load)


def test_it_starts_at_the_last_stop():
    assert machine_of().here.value == 5.0


def test_every_stop_shows_its_own_network_on_the_same_slice():
    state = machine_of()
    for value in (0.0, 1.0, 5.0):
        state.stop = value
        x = state.case().images
        x_hat = anomaly.reconstruct(tiny(bl.VAE, seed=int(value) + 1), x)
        pictures = state.frame().pictures
        np.testing.assert_array_equal(pictures["x_hat"].image, outlined(x_hat[0, 0], None).image)
        twice = 2 * (x - x_hat).abs()[0, 0] * state.case().brain[0, 0]
        np.testing.assert_array_equal(pictures["residual"].image, to_bytes(twice.numpy(), (0, 1)))


def test_a_network_is_loaded_when_it_is_first_shown_and_kept():
    loaded = []
    state = machine_of(loaded=loaded)
    state.frame()
    assert loaded == ["5.0"]
    for value in (1.0, 5.0, 1.0):
        state.stop = value
        state.frame()
    assert loaded == ["5.0", "1.0"]


def test_a_move_asks_for_one_reconstruction(monkeypatch):
    state, asked = machine_of(), []
    rebuild = anomaly.reconstruct
    monkeypatch.setattr(anomaly, "reconstruct", lambda *given: asked.append(1) or rebuild(*given))
    state.stop = 1.0
    state.frame()
    assert len(asked) == 1


def test_a_seed_is_the_same_z_at_every_stop_and_another_seed_other_z():
    state = machine_of()
    first, again = samples(state.model(), 3), samples(state.model(), 3)
    assert torch.equal(first, again)
    assert not torch.equal(first, samples(state.model(), 4))
    z = torch.randn(9, 8, generator=torch.Generator().manual_seed(3))
    corner = latent.decode(state.model(), z)[5, 0]  # row 1, column 2
    torch.testing.assert_close(first[32:64, 64:96], corner, atol=1e-6, rtol=0)


def test_the_curve_is_the_cards_and_its_point_the_slider():
    state = machine_of()
    model, interval, without = state.frame().pictures["curve"].lines
    assert list(model.y) == [10, 11, 15]
    assert list(model.at) == [0, 1, 5]
    np.testing.assert_array_equal(interval.y[:3], [9, 11, np.nan])
    assert without.name == "without a model: the mean training slice"
    assert set(without.y) == {17}
    state.measure = "ap_hyper"
    assert list(state.frame().pictures["curve"].lines[0].y) == [0, 1, 5]


def test_a_logarithmic_axis_is_drawn_so_and_its_point_keeps_the_sliders_value():
    line = machine_of(axis="latent", values=(2.0, 8.0)).frame().pictures["curve"].lines[0]
    assert list(line.x) == [1, 3]
    assert list(line.at) == [2, 8]


def test_a_lesion_is_judged_beside_the_plain_threshold_and_a_healthy_slice_is_not():
    state = machine_of()
    case = state.case()
    plain = metrics.average_precision(anomaly.clean(anomaly.brightness(case), case.brain), case.masks, case.brain)
    assert f"brightness itself has {plain:.2f}" in state.frame().readout
    state.kind = "healthy"
    assert "precision" not in state.frame().readout
    assert state.frame().disabled == ("level",)


def test_who_has_no_prior_shows_no_samples_and_a_gan_nothing_else():
    plain, gan = machine_of(bl.Autoencoder), machine_of(bl.GAN)
    assert set(plain.frame().pictures) == {"curve", "input", "x_hat", "residual"}
    assert set(gan.frame().pictures) == {"curve", "samples"}
    assert "slice" not in gan.frame().readout
    for state in (plain, gan, machine_of()):
        canvas = show(state)
        assert canvas.failure is None
        assert {f"picture_{name}" for name in state.frame().pictures} <= set(canvas.traits())
        canvas.close()


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_finds_its_shipped_weights_in_order_with_their_cards(axis):
    stops = shipped(AXES[axis])
    values = [one.value for one in stops]
    assert values == sorted(set(values))
    assert len(stops) >= 4
    for one in stops:
        card = (checkpoints.SHIPPED / one.name / "README.md").read_text(encoding="utf-8")
        assert repr(one.stated) == repr(measured.read(card))  # nan is not nan


def test_the_gans_last_stop_is_the_shipped_gan_at_its_cards_epochs():
    assert shipped(AXES["gan"])[-1][:2] == (60.0, "gan")


def test_the_slider_says_what_a_stop_is():
    state = machine_of(axis="beta", values=(0.1, 4.0))
    assert state.frame().spoken["stop"] == "A VAE at β = 4"


def test_what_cannot_be_shown_says_how_to_mend_it():
    with pytest.raises(InputError, match="axis must be one of epochs, gan, latent, beta, gamma"):
        time_machine("time")
    with pytest.raises(InputError, match="measure must be one of psnr, ap_hyper"):
        machine_of().measure = "beauty"
    with pytest.raises(InputError, match="no weights nothing-"):
        shipped(AXES["beta"]._replace(prefix="nothing-"))
    state = TimeMachineState(AXES["epochs"], machine_of().stops, scans(), lambda _: tiny(bl.VAE, size=64))
    with pytest.raises(InputError, match="64"):
        state.frame()
