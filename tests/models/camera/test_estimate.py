"""Cameras of known blur are found again, and what is uncertain is said to be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pairmill.models.camera import curves
from pairmill.models.camera.estimate import _empirical_bayes, estimate
from pairmill.models.camera.forms import Blur
from pairmill.models.camera.match import match
from pairmill.models.camera.model import Model
from pairmill.models.camera.scenes import Scenes, built_in, described, like_pictures, of_pictures
from pairmill.models.functional.chroma import grey
from pairmill.models.functional.kernel_shapes import weights
from pairmill.models.functional.kernels import gaussian_kernel
from pairmill.models.registration.warp import blurred
from pairmill.schemas.ops.blur import DiscKernel
from tests.models.camera.test_forms import blur
from tests.support.photographed import distance, measured, scene

OVAL = gaussian_kernel(17, 2.0, 1.1, 0.6, 8.5)
ROUND = gaussian_kernel(17, 1.3, 1.3, 0, 8.5)


@pytest.mark.parametrize(("noise", "quality"), [(0.0, None), (3.0, 92)], ids=["plain", "jpeg"])
def test_a_camera_by_eight_photographs(noise: float, quality: int | None) -> None:
    photographs = [measured(n, OVAL, noise=noise, quality=quality) for n in range(8)]
    found = estimate(photographs)
    assert distance(found.blur.kernel(2, 17), OVAL) < 0.15
    own = [distance(one.blur.kernel(2, 17), OVAL) for one in found.photographs]
    assert np.mean(own) < 0.12
    assert max(own) < 0.35  # one half of a picture of hazy buildings


def test_one_photograph() -> None:
    found = estimate([measured(0, ROUND, noise=2)])
    assert distance(found.blur.kernel(2, 17), ROUND) < 0.2
    assert found.differences.tolist() == [0, 0, 0]
    error, width = curves.deviations(
        found.blur, [(found.matched.covariance, found.matched.free)], 2, 17
    )
    assert 0.02 < error < 0.3
    assert abs(curves.width(found.blur) - 1.3) < 4 * width


def test_a_disc_is_told_from_a_gaussian() -> None:
    disc = weights(DiscKernel(size=17, shift=(0.5, 0.5), radius=2.6))
    found = estimate([measured(n, disc) for n in range(6)])
    assert "disc" in found.form
    assert distance(found.blur.kernel(2, 17), disc) < 0.2


def test_sharpening_is_found_and_a_camera_without_it_has_none() -> None:
    sharpened = blur(SIZE=2 * math.log(1.2), AMOUNT=1.6).kernel(2, 33)
    found = estimate([measured(n, sharpened) for n in range(12)])
    assert "sharpened" in found.form
    assert curves.overshoot(curves.transfer_curve(found.blur)) > 0.1
    plain = estimate([measured(n, ROUND) for n in range(4)])
    assert curves.overshoot(curves.transfer_curve(plain.blur)) < 0.05


def test_the_order_of_photographs_does_not_matter() -> None:
    photographs = [measured(n, ROUND) for n in range(4)]
    forward, backward = estimate(photographs), estimate(photographs[::-1])
    np.testing.assert_allclose(forward.blur.values, backward.blur.values, atol=1e-4)
    for one, other in zip(forward.photographs, backward.photographs[::-1], strict=True):
        np.testing.assert_allclose(one.blur.values, other.blur.values, atol=1e-3)


def test_equal_photographs_give_equal_bytes() -> None:
    first, second = (estimate([measured(n, ROUND) for n in range(3)]) for _ in range(2))
    assert first.blur.values.tobytes() == second.blur.values.tobytes()


def test_photographs_that_differ_are_left_to_differ() -> None:
    """Half of them twice as wide: the spread is seen, and each is nearer to its own blur."""
    kernels = [gaussian_kernel(17, s, s, 0, 8.5) for s in (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)]
    found = estimate([measured(n, kernel) for n, kernel in enumerate(kernels)])
    assert found.differences[0] > 0.15
    for one, kernel in zip(found.photographs, kernels, strict=True):
        own = distance(one.blur.kernel(2, 17), kernel)
        assert own < distance(found.blur.kernel(2, 17), kernel)
        assert own < 0.3


def test_empirical_bayes_by_hand() -> None:
    """Certain photographs keep their differences, uncertain ones have none."""
    away = np.array([0.2, -0.2, 0.1, -0.1])[:, None] * np.ones(3)
    sure, unsure = np.tile(1e6 * np.eye(3), (4, 1, 1)), np.tile(1e-3 * np.eye(3), (4, 1, 1))
    spread, means, _ = _empirical_bayes(1e6 * away, sure)
    np.testing.assert_allclose(means, away, atol=1e-3)
    assert spread[0] == pytest.approx(0.13, abs=0.04)  # their root mean square is 0.158
    _, means, covariances = _empirical_bayes(1e-3 * away, unsure)
    assert np.abs(means).max() < 1e-3
    assert np.sqrt(covariances[:, 0, 0]).max() < 0.1


def test_scenes_are_written_down_and_read_again() -> None:
    first = built_in()
    again = Scenes.from_table(first.table())
    for name in ("mean", "covariance", "residual"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_hr_that_is_soft_takes_part_of_the_blur() -> None:
    """HR that was blurred with 1.0 before: of a camera of 1.5 on sharp HR about 1.1 is left."""
    soft = [described(_luma(n, gaussian_kernel(17, 1.0, 1.0, 0, 8.0)))[0] for n in range(12)] * 20
    photographs = [measured(n, gaussian_kernel(17, 1.5, 1.5, 0, 8.5)) for n in range(12)]
    found = estimate(photographs, like_pictures(soft))
    assert curves.width(found.blur) == pytest.approx(math.sqrt(1.5**2 - 1.0), abs=0.2)


def _luma(number: int, kernel: np.ndarray) -> np.ndarray:
    return blurred(grey(scene(number)), kernel)


def test_scenes_of_pictures() -> None:
    made = of_pictures([described(_luma(n, np.ones((1, 1)))) for n in range(6)])
    assert made.pictures == 6
    variances, axes = made.axes
    assert (variances > 0).all()
    np.testing.assert_allclose(axes.T @ axes, np.eye(len(variances)), atol=1e-9)
    # A picture and its mirror image are equally likely.
    assert made.mean.reshape(10, 9)[:, 2::2].tolist() == np.zeros((10, 4)).tolist()


def test_the_model_of_white_light() -> None:
    """Without blur every alias is kept: a quarter of four equal powers."""
    model = Model(built_in())
    folded = model.aliased(np.full((64, 34), 8.0))
    np.testing.assert_allclose(folded, 8.0)
    flat = Blur(np.zeros_like(blur().values))
    assert model.power(flat).max() <= 1


def test_a_match_says_how_well_it_matches() -> None:
    found = match(Model(built_in()), [measured(0, ROUND)], blur(), (0, 1, 2))
    assert 0.1 < found.misfit[0] < 1.5
