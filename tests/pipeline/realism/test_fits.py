"""The realism that a fit affords at its checks, and losses in words."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest

from pairmill.pipeline.realism.fits import number, realism, words
from tests.support.make import photograph

NAMES = [f"photo {place % 8}" for place in range(240)]


def patches(seed: int, noise: float, side: int = 32) -> np.ndarray:
    """30 patches of each of eight scenes."""
    rng = np.random.default_rng(seed)
    scenes = [photograph(number, 80, 90, noise=0).astype(float) for number in range(8)]
    cut = []
    for place in range(240):
        top, left = rng.integers(0, 80 - side), rng.integers(0, 90 - side)
        cut.append(scenes[place % 8][top : top + side, left : left + side])
    return np.clip(np.stack(cut) + rng.normal(0, noise, (240, side, side, 3)), 0, 255)


def test_noise_is_told_and_likeness_is_not() -> None:
    alike, other = (realism(patches(1, 3), patches(2, noise), (NAMES, NAMES)) for noise in (3, 5))
    assert alike.interval is not None
    assert alike.interval[0] < 0.5 < alike.interval[1]
    assert number(other) > 0.95
    assert other == realism(patches(1, 3), patches(2, 5), (NAMES, NAMES))


def test_too_little_to_say_is_no_number() -> None:
    few = ["a", "b", "c"] * 80
    result = realism(patches(1, 3), patches(2, 3), (few, few))
    assert isnan(number(result))
    assert "there are 3 real" in result.problem
    small = patches(1, 3, 12)
    assert "16 pixels" in realism(small, small, (NAMES, NAMES)).problem


def test_what_is_not_finite_is_always_told() -> None:
    broken = patches(2, 3)
    broken[3, 4, 5, 1] = nan
    assert number(realism(patches(1, 3), broken, (NAMES, NAMES))) == 1


def test_losses_in_words() -> None:
    curves = [np.array([place, 2.0 * place]) for place in range(50)]
    lately = np.mean(range(30, 50))
    assert (
        words(curves, [0.9, 0.8], ("a", "b"), ("b", "a"))
        == f"AUC 0.80, b {2 * lately:.3g}, a {lately:.3g}"
    )
    assert words(curves[:2], [nan], ("a", "b"), ("b",)) == "b 1"
    assert words(curves[:1], [nan], ("a", "b"), ("b",)) == ""  # a term that the fit has not
    assert words(curves[:1], [], ("a", "b"), ()) == ""


@pytest.mark.parametrize("side", [16, 24, 48])
def test_other_sides(side: int) -> None:
    assert realism(patches(1, 3, side), patches(2, 3, side), (NAMES, NAMES)).patches > 80
