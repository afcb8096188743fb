"""MATLAB's imresize of 8-bit images: worked by hand, and against its rule in exact fractions, one
sample at a time."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from pairmill.models.functional.imresize import imresize_down, imresize_up
from pairmill.models.functional.resize import bicubic_down, to_uint8

Image = NDArray[np.uint8]
HALF = Fraction(1, 2)


def cubic(t: Fraction) -> Fraction:
    t = abs(t)
    if t <= 1:
        return Fraction(3, 2) * t**3 - Fraction(5, 2) * t**2 + 1
    return -HALF * t**3 + Fraction(5, 2) * t**2 - 4 * t + 2 if t <= 2 else Fraction(0)


def along(line: list[int], scale: Fraction) -> list[int]:
    """One pass over one line, as `imresize.m` goes about it: positions from 1, taps beyond both
    ends set to the ends, weights divided by their sum, half up into 8 bits."""
    shrink, out = min(scale, Fraction(1)), []
    for x in range(1, int(len(line) * scale) + 1):
        u = x / scale + HALF * (1 - 1 / scale)
        left = math.floor(u - 2 / shrink)
        taps = range(left, left + math.ceil(4 / shrink) + 2)
        weights = [cubic(shrink * (u - tap)) for tap in taps]
        ends = [line[min(max(tap, 1), len(line)) - 1] for tap in taps]
        value = sum(w * v for w, v in zip(weights, ends, strict=True)) / sum(weights)
        out.append(min(max(math.floor(value + HALF), 0), 255))
    return out


def in_fractions(image: Image, scale: Fraction) -> Image:
    """Rows of samples above one another first, then along the others."""
    planes = []
    for plane in np.moveaxis(image, 2, 0):
        first = np.array([along(list(map(int, column)), scale) for column in plane.T]).T
        second = [along(list(map(int, row)), scale) for row in first]
        planes.append(np.array(second, np.uint8))
    return np.stack(planes, axis=2)


def grey(*rows: list[int]) -> Image:
    return np.array(rows, np.uint8)[:, :, None]


def test_the_first_pass_is_rounded() -> None:
    """A step of 9 in even columns, of 3 in odd ones, below 10. Two rows above it, 29 - 9 - 3 = 17
    of 256 parts lie below: 10.6 and 10.2, and half and half of them 10.4, which is 10. But rounded
    they are 11 and 10, and half and half 10.5, which is 11."""
    image = grey(*([10] * 16,) * 8, *([19, 13] * 8,) * 8)
    assert imresize_down(image, 2)[3, 3] == 11
    assert bicubic_down(image, 2)[3, 3] == pytest.approx(10 + 17 / 256 * 6)


def test_rows_come_first() -> None:
    """Turned, the two passes come in the other order: 17 of 256 parts of halves 14.5 and 11.5 is
    rounded from 16 - 10."""
    image = grey(*([10] * 16,) * 8, *([19, 13] * 8,) * 8)
    turned = imresize_down(np.ascontiguousarray(image.swapaxes(0, 1)), 2)
    assert turned[3, 3] == round(10 + 17 / 256 * 6) == 10


def test_the_edge_sample_continues() -> None:
    """Taps -3 -9 29 111 fall on the first sample, half of all, and 111 29 -9 -3 on the next four;
    mirrored it would be 111 + 29 on the first and 111 - 9 on the second."""
    first, second = (grey(*([level] * 8 for level in levels)) for levels in (FIRST, SECOND))
    assert imresize_down(first, 2)[0, 0] == 100  # 200 x 128 / 256
    assert imresize_down(second, 2)[0, 0] == 87  # 200 x 111 / 256
    mirrored = [to_uint8(bicubic_down(image, 2))[0, 0] for image in (first, second)]
    assert mirrored == [109, 80]  # 200 x 140 / 256, 200 x 102 / 256


FIRST, SECOND = [200, 0, 0, 0, 0, 0, 0, 0], [0, 200, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 7, 8])
def test_equals_the_rule_in_exact_fractions(factor: int) -> None:
    """Of noise and of black and white, whose overshoot is cut after each pass."""
    rng = np.random.default_rng(factor)
    for levels in (np.arange(256), np.array([0, 255])):
        image = rng.choice(levels, (4 * factor, 3 * factor, 1)).astype(np.uint8)
        padded = np.pad(image, ((0, factor - 1), (0, 1), (0, 0)))  # an incomplete block is left out
        np.testing.assert_array_equal(
            imresize_down(padded, factor), in_fractions(image, Fraction(1, factor)), strict=True
        )
        part = np.ascontiguousarray(image[:5, :4])
        np.testing.assert_array_equal(
            imresize_up(part, factor), in_fractions(part, Fraction(factor)), strict=True
        )


def test_strips_and_channels_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 256, (148, 93, 3), np.uint8)
    whole = imresize_down(image, 2), imresize_up(image[:37, :31], 3)
    alone = [imresize_down(image[:, :, [channel]], 2) for channel in range(3)]
    np.testing.assert_array_equal(np.concatenate(alone, axis=2), whole[0])
    monkeypatch.setattr("pairmill.models.functional.resize.AT_ONCE", 1)
    np.testing.assert_array_equal(imresize_down(image, 2), whole[0])
    np.testing.assert_array_equal(imresize_up(image[:37, :31], 3), whole[1])


def test_what_is_smaller_than_the_factor_is_refused() -> None:
    with pytest.raises(ValueError, match="37 x 2 cannot be downscaled by 3"):
        imresize_down(np.zeros((37, 2, 3), np.uint8), 3)
