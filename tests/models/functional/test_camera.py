"""Development against the closed formulas, and the demosaicking filters against their published
coefficients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import correlate

from pairmill.models.functional import camera
from tests.support.make import photograph

COLOUR = ((1.6, -0.45, -0.15), (-0.2, 1.5, -0.3), (0.05, -0.55, 1.5))
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
ENDS = np.concatenate([[0.0, 1.0], 10.0 ** -np.arange(1, 17), 1 - 10.0 ** -np.arange(1, 16)])
VALUES = np.concatenate(
    [
        np.linspace(0, 1, 5001),
        np.linspace(0.0403, 0.0406, 301),
        np.linspace(0.0031, 0.0032, 301),
        ENDS,
    ]
)


def test_curves_are_the_formulas() -> None:
    x = VALUES
    encoded = np.where(x <= camera.LINEAR_TOE, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(camera.encode(x), encoded, atol=2e-15, rtol=0)
    linear = np.where(x <= camera.ENCODED_TOE, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(camera.decode(x), linear, atol=2e-15, rtol=0)
    inner = x[
        (x > 1e-3) & (x < 1 - 1e-3)
    ]  # further out the sine's formula loses digits, ours does not
    sine = 0.5 - np.sin(np.arcsin(1 - 2 * inner) / 3)
    np.testing.assert_allclose(camera.tone_undone(inner), sine, atol=1e-13, rtol=0)


def test_curves_undo_each_other() -> None:
    np.testing.assert_allclose(camera.encode(camera.decode(VALUES)), VALUES, atol=3e-15, rtol=0)
    np.testing.assert_allclose(camera.decode(camera.encode(VALUES)), VALUES, atol=3e-15, rtol=0)
    np.testing.assert_allclose(camera.tone(camera.tone_undone(VALUES)), VALUES, atol=1e-15, rtol=0)


def test_the_curve_is_srgbs() -> None:
    """Values of the standard, and its toe: 0.0031308 and 0.04045 are the rounded ends of ours."""
    given_ = camera.encode(np.array([0.0, 0.002, 0.18, 0.5, 1.0]))
    assert given_.tolist() == pytest.approx([0, 0.02584, 0.461356, 0.735357, 1], abs=1e-6)
    np.testing.assert_allclose(
        [camera.LINEAR_TOE, camera.ENCODED_TOE], [0.0031308, 0.04045], rtol=5e-5
    )


colours = st.sampled_from([IDENTITY, COLOUR])
gains = st.tuples(st.floats(1, 2.5), st.floats(1, 1.3), st.floats(1, 2.5))


@given(st.integers(0, 99), gains, colours, st.booleans())
@settings(deadline=None, max_examples=30)
def test_process_undoes_unprocess(
    seed: int, gains: tuple[float, float, float], colour: camera.Rows, tone: bool
) -> None:
    """At any value, black and white as well, from 8 bits and from floats."""
    image = np.random.default_rng(seed).integers(0, 256, (37, 31, 3), np.uint8)
    for given_ in (
        image,
        image.astype(np.float64),
        image + np.random.default_rng(seed).random(image.shape) * (image < 255),
    ):
        raw = camera.unprocess(given_, gains, colour, tone)
        np.testing.assert_allclose(
            camera.process(raw, gains, colour, tone), given_, atol=1e-9, rtol=0
        )


def test_eight_bits_and_floats_are_the_same() -> None:
    image = photograph(4, 67, 71)  # more than one strip
    for tone in (False, True):
        ours = camera.unprocess(image, (2.0, 1.0, 1.7), COLOUR, tone)
        np.testing.assert_array_equal(
            ours, camera.unprocess(image.astype(np.float64), (2.0, 1.0, 1.7), COLOUR, tone)
        )


def test_raw_values_in_numbers() -> None:
    """White through gains 2, 1, 1.7 is 255 / gain; grey 188 (0.5 linear) without tone; black
    stays."""
    image = np.array([[[255, 255, 255], [188, 188, 188], [0, 0, 0]]], np.uint8)
    raw = camera.unprocess(image, (2.0, 1.0, 1.7), IDENTITY, False)
    assert raw[0, 0].tolist() == pytest.approx([127.5, 255, 150])
    assert raw[0, 1].tolist() == pytest.approx([64.1, 128.2, 75.4], abs=0.1)
    assert raw[0, 2].tolist() == [0, 0, 0]
    assert camera.process(raw * 3, (2.0, 1.0, 1.7), IDENTITY, True)[0, 0].tolist() == [
        255,
        255,
        255,
    ]
    assert camera.process(raw - 40, (2.0, 1.0, 1.7), IDENTITY, True)[0, 2].tolist() == [0, 0, 0]


def test_a_colour_matrix_mixes_rows() -> None:
    pixels = np.array([[1.0, 10.0, 100.0]])
    assert camera.mixed(pixels, ((0, 1, 0), (0.5, 0, 0), (1, 1, 1))).tolist() == [[10, 0.5, 111]]
    np.testing.assert_allclose(np.array(COLOUR) @ camera.inverse(COLOUR), np.eye(3), atol=1e-15)
    np.testing.assert_allclose(camera.inverse(COLOUR), np.linalg.inv(COLOUR), atol=1e-15)


GREEN = (
    np.array(
        [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
    )
    / 8
)
ROW = (
    np.array(
        [
            [0, 0, 0.5, 0, 0],
            [0, -1, 0, -1, 0],
            [-1, 4, 5, 4, -1],
            [0, -1, 0, -1, 0],
            [0, 0, 0.5, 0, 0],
        ]
    )
    / 8
)
DIAGONAL = (
    np.array(
        [
            [0, 0, -1.5, 0, 0],
            [0, 2, 0, 2, 0],
            [-1.5, 0, 6, 0, -1.5],
            [0, 2, 0, 2, 0],
            [0, 0, -1.5, 0, 0],
        ]
    )
    / 8
)


def by_filters(image: NDArray[np.uint8], pattern: str) -> NDArray[np.float64]:
    """Malvar, He and Cutler's figure 2, pixel by pixel."""
    names = {(row, column): pattern[2 * row + column] for row in (0, 1) for column in (0, 1)}
    kept = np.zeros(image.shape[:2])
    for row, column in np.ndindex(kept.shape):
        kept[row, column] = image[row, column, "rgb".index(names[row % 2, column % 2])]
    filters = {
        name: correlate(kept, kernel, mode="mirror")
        for name, kernel in {
            "green": GREEN,
            "row": ROW,
            "column": ROW.T,
            "diagonal": DIAGONAL,
        }.items()
    }
    out = np.zeros(image.shape)
    for row, column in np.ndindex(kept.shape):
        own, beside = names[row % 2, column % 2], names[row % 2, 1 - column % 2]
        for channel, name in enumerate("rgb"):
            if name == own:
                out[row, column, channel] = kept[row, column]
            elif own == "g":
                out[row, column, channel] = filters["row" if name == beside else "column"][
                    row, column
                ]
            else:
                out[row, column, channel] = filters["green" if name == "g" else "diagonal"][
                    row, column
                ]
    return out


@pytest.mark.parametrize("pattern", sorted(camera.RED_AT))
@pytest.mark.parametrize("size", [(37, 31), (6, 9), (3, 2), (2, 2)])
def test_demosaicking_is_the_published_filters(pattern: str, size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    ours = camera.demosaic(camera.mosaic(image, pattern), pattern)
    np.testing.assert_array_equal(ours, by_filters(image, pattern))


@pytest.mark.parametrize("pattern", sorted(camera.RED_AT))
def test_grey_ramps_and_flat_colours_pass(pattern: str) -> None:
    """A flat grey is kept to the border, a linear grey ramp inside; a flat colour is kept as
    well."""
    rows, columns = np.mgrid[:37, :31]
    ramp = np.repeat((3.0 * rows + 2 * columns)[..., None], 3, axis=2)
    np.testing.assert_allclose(
        camera.demosaic(camera.mosaic(ramp, pattern), pattern)[2:-2, 2:-2],
        ramp[2:-2, 2:-2],
        atol=1e-12,
    )
    grey = np.full((37, 31, 3), 255, np.uint8)
    np.testing.assert_array_equal(camera.demosaic(camera.mosaic(grey, pattern), pattern), grey)
    flat = np.broadcast_to(np.array([10.0, 200.0, 90.0]), (37, 31, 3))
    np.testing.assert_allclose(
        camera.demosaic(camera.mosaic(flat, pattern), pattern), flat, atol=1e-12
    )
