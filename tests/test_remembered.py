"""A threshold is found once, and found anew as soon as anything that it depends on has changed."""

import pytest
import torch
from tiny import tiny

import brainlab as bl
from brainlab.widgets.remembered import key, remembered


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINLAB_CACHE", str(tmp_path))
    return tmp_path


def test_what_was_found_is_not_looked_for_again_and_not_rounded():
    found = [1 / 3, 2.0]
    assert [remembered("a", lambda: found.pop(0)) for _ in range(3)] == [1 / 3] * 3
    assert remembered("b", lambda: found.pop(0)) == 2.0


def test_a_broken_note_is_no_error(own_cache):
    remembered("a", lambda: 1.0)
    (own_cache / "thresholds" / "a.txt").write_text("half a num")
    assert remembered("a", lambda: 2.0) == 2.0


def test_a_cache_that_cannot_be_written_is_no_error(own_cache, monkeypatch):
    (own_cache / "file").touch()
    monkeypatch.setenv("BRAINLAB_CACHE", str(own_cache / "file"))
    assert remembered("a", lambda: 1.0) == 1.0


def test_another_weight_pixel_rate_or_model_has_another_key():
    model, x = tiny(bl.VAE).eval(), torch.rand(2, 1, 4, 4)
    first = key("VAE", model, x, 0.01)
    assert first == key("VAE", tiny(bl.VAE), x.clone(), 0.01)
    other = tiny(bl.VAE)
    with torch.no_grad():
        next(other.parameters()).view(-1)[0] += 1e-3
    keys = {key("VAE", other, x, 0.01), key("VAE", model, x + 1e-6, 0.01), key("VAE", model, x, 0.02)}
    assert key("GAN", tiny(bl.GAN)) == key("GAN", tiny(bl.GAN))  # whose BatchNorm counts batches in a single number
    keys |= {key("AE", model, x, 0.01), key("VAE", None, x, 0.01), key("VAE", model, x.flip(0), 0.01)}
    assert len({first, *keys}) == 7
