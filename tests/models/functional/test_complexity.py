"""How much there is to see, in bits."""

from __future__ import annotations

import numpy as np
import pytest

from pairmill.models.functional.complexity import complexity


def test_examples() -> None:
    """Sobel's reflected border makes the outermost gradients 0."""
    assert complexity(np.full((37, 31), 90, np.uint8)) == 0.0
    ramp = np.tile(np.arange(0, 124, 4, dtype=np.uint8), (37, 1))  # 4 levels per pixel
    # Two of 31 columns have gradient 0, the others 4.
    edge, rest = 2 / 31, 29 / 31
    assert complexity(ramp) == pytest.approx(-edge * np.log2(edge) - rest * np.log2(rest), abs=1e-4)


def test_noise_of_a_level_is_no_complexity_and_texture_is() -> None:
    rng = np.random.default_rng(1)
    faint = (90 + rng.integers(0, 2, (64, 64))).astype(np.uint8)
    texture = rng.integers(0, 256, (64, 64)).astype(np.uint8)
    assert complexity(faint) < 0.5
    assert complexity(texture) > 5
    assert complexity(np.ascontiguousarray(texture.T)) == complexity(texture)
