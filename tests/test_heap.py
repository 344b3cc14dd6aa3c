"""Where freed memory is kept: glibc alone is asked, and nothing else is touched."""

import ctypes
import sys

import pytest
import torch

from brainlab.training import heap


def test_asking_twice_does_no_harm():
    heap.keep()
    heap.keep()
    assert float(torch.ones(3_000_000).sum()) == 3_000_000


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_are_left_alone(platform, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_: pytest.fail("asked"))
    heap.keep()


def test_a_linux_without_glibc_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda *_: object())
    heap.keep()
