"""One brightness scale: what becomes 0, what BRIGHT, and whose scale it is."""

import numpy as np
import pytest

from brainlab import InputError, intensity, volumes


def test_the_brightest_healthy_percentile_becomes_bright_and_lesions_keep_their_headroom():
    data = np.arange(1000, dtype=np.float32).reshape(10, 100) + 500
    brain = data >= 600  # 600 to 1499: percentiles 1 and 99 are 608.99 and 1490.01
    unit = volumes.normalise(data, brain)
    assert unit.dtype == np.float32
    assert unit[~brain].max() == 0
    assert unit.min() == 0
    assert unit.max() <= 1
    np.testing.assert_allclose(unit[data == 1049], intensity.BRIGHT * (1049 - 608.99) / (1490.01 - 608.99), rtol=1e-5)


@pytest.mark.parametrize("shape", [(40, 50), (10, 20, 12), (3, 1, 8, 8)])
def test_units_do_not_matter_and_the_input_stays(shape):
    rng = np.random.default_rng(0)
    data, brain = rng.normal(100, 20, shape), rng.random(shape) > 0.3
    before = data.copy()
    np.testing.assert_allclose(volumes.normalise(data, brain), volumes.normalise(data * 7 - 50, brain), atol=1e-5)
    np.testing.assert_array_equal(data, before)


def test_a_sick_volume_on_its_healthy_twins_scale_differs_only_in_the_lesion():
    healthy = np.random.default_rng(0).normal(100, 20, (12, 12, 12)).astype(np.float32)
    sick = healthy.copy()
    sick[2:5, 2:5, 2:5] = 900
    brain = np.ones(healthy.shape, dtype=bool)
    scale = volumes.intensity_range(healthy, brain)
    differs = volumes.rescale(sick, brain, scale) != volumes.normalise(healthy, brain)
    assert differs[2:5, 2:5, 2:5].all()
    assert differs.sum() == 27


def test_what_cannot_be_scaled_is_refused():
    data, brain = np.random.default_rng(0).random((6, 6)), np.ones((6, 6), dtype=bool)
    with pytest.raises(InputError, match="constant inside the brain"):
        volumes.normalise(np.ones((6, 6)), brain)
    with pytest.raises(InputError, match="empty"):
        volumes.normalise(data, ~brain)
    with pytest.raises(InputError, match="shape"):
        volumes.normalise(data, brain[:5])
    with pytest.raises(InputError, match="NaN"):
        volumes.normalise(np.full((6, 6), np.nan), brain)
