"""Moving by a part of a pixel."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.models.functional.shift import shifted
from tests.support.make import photograph


def test_half_a_pixel_by_hand() -> None:
    """Keys' weights half-way are -1/16, 9/16, 9/16, -1/16; the edges mirror: after 0, 0, 16, 32,
    48 comes 48 again."""
    row = np.array([0.0, 0.0, 16.0, 32.0, 48.0])[None, :, None]
    moved = shifted(row, 0, 0.5)[0, :, 0]
    # The third lies between 0 and 16: (-0 + 9 x 0 + 9 x 16 - 32) / 16.
    np.testing.assert_array_equal(moved, [0.0, -1.0, 7.0, 24.0, 41.0])


def test_whole_pixels_move_exactly_and_edges_mirror() -> None:
    image = photograph(1)
    moved = shifted(image, 2, -3)
    np.testing.assert_array_equal(moved[2:, :-3], image[:-2, 3:])
    np.testing.assert_array_equal(moved[:2, :-3], image[1::-1, 3:])
    np.testing.assert_array_equal(shifted(image, 0, 0), image)


@pytest.mark.parametrize("distance", [0.25, -0.4, 1.3])
def test_there_and_back_is_nearly_where_it_was(distance: float) -> None:
    rows, columns = np.mgrid[:37, :31]
    smooth = 128 + 50 * np.sin(rows / 4 + columns / 5)[..., None]
    back = shifted(shifted(smooth, distance, -distance), -distance, distance)
    np.testing.assert_allclose(back[4:-4, 4:-4], smooth[4:-4, 4:-4], atol=0.2)
    moved = shifted(smooth, distance, 0.0)[4:-4, 4:-4, 0]
    wanted = (128 + 50 * np.sin((rows - distance) / 4 + columns / 5))[4:-4, 4:-4]
    np.testing.assert_allclose(moved, wanted, atol=0.1)


def test_the_mean_of_a_flat_image_stays_and_values_lie_on_the_grid() -> None:
    flat = np.full((5, 7, 3), 77, np.uint8)
    np.testing.assert_array_equal(shifted(flat, 0.3, -0.7), flat)
    moved = shifted(photograph(2), 0.3, -0.7) * 2**20
    np.testing.assert_array_equal(moved, np.round(moved))


def test_one_pixel_is_itself_everywhere() -> None:
    np.testing.assert_array_equal(shifted(np.full((1, 1, 3), 9, np.uint8), 0.4, 5.6), [[[9] * 3]])
