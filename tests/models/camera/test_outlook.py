"""What more photographs would tell, and who tells at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pairmill.models.camera import curves
from pairmill.models.camera.estimate import estimate
from pairmill.models.camera.forms import CENTRE, Blur, P
from pairmill.models.camera.outlook import falling, outlook
from pairmill.models.camera.robust import estimate_robustly
from tests.support.cameras import spectrum_by


def test_the_error_falls_to_a_floor() -> None:
    rng = np.random.default_rng(3)
    spectra = [spectrum_by(1.2, rng) for _ in range(4)]
    found = outlook(spectra, estimate(spectra), 2, 17)
    assert 0 <= found.floor < found.twice < found.error
    more = [*spectra, *(spectrum_by(1.2, rng) for _ in range(4))]
    later = outlook(more, estimate(more), 2, 17)
    assert later.error == pytest.approx(found.twice, rel=0.25)


def test_how_many_photographs_are_wanted() -> None:
    near = falling(0.05, 0.049, 10)
    assert near.wanted == 10
    far = falling(0.1, 0.075, 10)
    at = np.sqrt(far.floor**2 + 10 * (0.1**2 - far.floor**2) / far.wanted)
    assert at == pytest.approx(1.25 * far.floor, rel=0.01)
    assert falling(0.1, 0.1 / np.sqrt(2), 5).wanted == 20


def test_photographs_of_no_scene_do_not_tell() -> None:
    rng = np.random.default_rng(4)
    spectra = [spectrum_by(1.5, rng) for _ in range(5)]
    odd = replace(spectra[0], power=np.exp(rng.standard_normal(spectra[0].power.shape) * 3) * 50)
    found = estimate_robustly([odd, *spectra])
    assert found.taking_part == (1, 2, 3, 4, 5)
    assert len(found.camera.photographs) == 6
    assert found.camera.photographs[0].misfit > 6
    alone = estimate(spectra)
    assert (found.camera.blur.values == alone.blur.values).all()
    assert estimate_robustly([odd]).taking_part == (0,)


def test_enlarged_photographs_do_not_tell() -> None:
    rng = np.random.default_rng(5)
    spectra = [spectrum_by(1.5, rng) for _ in range(4)]
    large = replace(spectrum_by(2.5, rng), enlarged=1.5)
    assert estimate_robustly([*spectra, large]).taking_part == (0, 1, 2, 3)
    assert estimate_robustly([large, large]).taking_part == (0, 1)


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.2, 2.4])
def test_the_direction_of_a_blur(angle: float) -> None:
    """A Gaussian with logarithms of variances apart along a direction."""
    values = CENTRE.copy()
    apart = 0.5
    values[P.UPRIGHT], values[P.OBLIQUE] = -apart * np.cos(2 * angle), apart * np.sin(2 * angle)
    longer, direction = curves.elongation(Blur(values))
    assert longer == pytest.approx(np.exp(apart), rel=0.02)
    assert np.cos(2 * (direction - angle)) == pytest.approx(1, abs=0.01)
