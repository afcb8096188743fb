"""The generator of kernels: geometry, mixtures, networks, and a fit that learns what it sees."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pairmill.models.fitting.threads import one_thread
from pairmill.models.functional.kernels import (
    SIZES,
    centre_of_mass,
    gaussian_kernel,
    offset,
    target_centre,
    to_fixed_point,
)
from pairmill.models.kmsr.fit import Fit
from pairmill.models.kmsr.geometry import (
    ORIENTATIONS,
    anisotropy,
    cores,
    finished,
    in_all_orientations,
    turned,
    whole,
)
from pairmill.models.kmsr.mixture import mixtures
from pairmill.models.kmsr.networks import LATENT, Critic, Generator
from pairmill.pipeline.kernels.quality import width
from pairmill.pipeline.rng import stream
from pairmill.schemas.kmsr import KmsrFitConfig

Array = NDArray[np.float64]
TINY = KmsrFitConfig(iterations=3, batch=4, width=2)


def gaussians(
    scale: int = 2,
    shapes: tuple[tuple[float, float, float], ...] = ((0.9, 2.0, 0.3), (1.5, 1.2, 2.0)),
) -> Array:
    side = SIZES[scale]
    centre, unit = target_centre(side, scale), scale / 2
    return np.stack(
        [gaussian_kernel(side, unit * a, unit * b, angle, centre) for a, b, angle in shapes]
    )


@pytest.mark.parametrize("scale", SIZES)
def test_a_core_is_the_kernel_around_its_centre(scale: int) -> None:
    kernels = gaussians(scale)
    found = cores(kernels, scale)
    assert found.shape == (2, SIZES[scale] - scale + 1, SIZES[scale] - scale + 1)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 1)
    for core, kernel in zip(found, kernels, strict=True):
        assert centre_of_mass(core) == pytest.approx([(len(core) - 1) / 2] * 2, abs=0.02)
        np.testing.assert_allclose(whole(core, scale), kernel, atol=1e-3)


@pytest.mark.parametrize("scale", SIZES)
def test_turned_kernels_stay_centred(scale: int) -> None:
    """A flip of the whole array would move the kernel by s - 1 pixels; one of the core does not."""
    for core in in_all_orientations(cores(gaussians(scale), scale)):
        assert np.abs(offset(whole(core, scale), scale)).max() < 0.03


def test_all_orientations_are_the_symmetries_of_a_square() -> None:
    square = np.arange(9.0).reshape(3, 3)
    found = {turned(square, number).tobytes() for number in range(ORIENTATIONS)}
    flips = [square, square[::-1], square[:, ::-1], square[::-1, ::-1]]
    assert found == {image.tobytes() for flip in flips for image in (flip, flip.T)}
    assert in_all_orientations(np.stack([square, square + 9])).shape == (16, 3, 3)


@pytest.mark.parametrize("scale", SIZES)
def test_a_finished_kernel_is_exact_and_centred(scale: int) -> None:
    core = np.roll(cores(gaussians(scale), scale)[0], 1, axis=0)  # a pixel off
    core = core - 1e-5  # and negative in its tails
    kernel = finished(core, scale)
    assert kernel.shape == (SIZES[scale], SIZES[scale])
    assert kernel.sum() == 1
    assert kernel.min() == 0
    assert (kernel * 2**16 == np.rint(kernel * 2**16)).all()
    assert np.abs(offset(kernel, scale)).max() < 0.02


def test_what_is_no_kernel_is_not_finished() -> None:
    with pytest.raises(ValueError, match="cannot be normalised"):
        finished(np.full((16, 16), -1.0), 2)


def test_anisotropy_is_the_ratio_of_sigmas() -> None:
    for angle in (0.0, 0.7, 2.5):
        assert anisotropy(gaussian_kernel(33, 2.5, 1.25, angle, 16)) == pytest.approx(2, abs=0.01)
    assert anisotropy(gaussian_kernel(33, 2, 2, 0, 16)) == pytest.approx(1, abs=1e-6)
    sharpening = np.full((3, 3), -0.125)
    sharpening[1, 1] = 2
    assert anisotropy(sharpening) == 1  # its variances are negative


def test_mixtures_are_convex() -> None:
    pool = cores(gaussians(), 2)
    made = mixtures(pool, 40, 3, np.random.default_rng(0))
    turnings = in_all_orientations(pool)
    np.testing.assert_allclose(made.sum(axis=(1, 2)), 1)
    assert (made >= turnings.min(axis=0) - 1e-15).all()
    assert (made <= turnings.max(axis=0) + 1e-15).all()
    assert len({mixture.tobytes() for mixture in made}) == 40
    same = mixtures(pool[:1] * 0 + 1 / 256, 3, 2, np.random.default_rng(0))
    np.testing.assert_allclose(same, 1 / 256)  # whatever is mixed with itself stays what it is


@pytest.mark.parametrize("side", [5, 16, 30, 58])
def test_networks_fit_every_side(side: int) -> None:
    start = torch.full((side, side), 1 / side**2, dtype=torch.float64)
    start[side // 2, side // 2] += 1.0
    start /= start.sum()
    generator = Generator(start, 2, np.random.default_rng(0))
    made = generator(torch.zeros(3, LATENT))
    assert made.shape == (3, 1, side, side)
    np.testing.assert_allclose(
        made[0, 0].detach() / generator.unit, start, atol=2e-3
    )  # without random numbers: the start
    made = generator(
        torch.from_numpy(np.random.default_rng(1).standard_normal((3, LATENT))).float()
    )
    assert (made >= 0).all()
    np.testing.assert_allclose(made.detach().sum((1, 2, 3)), generator.unit, rtol=1e-5)
    assert Critic(side, 2, np.random.default_rng(0))(made).shape == (3,)


def test_the_penalty_is_the_slope_of_the_critic() -> None:
    """Against finite differences along the slope's own direction."""
    fit = Fit(cores(gaussians(), 2), TINY, partial(stream, 5))
    fit.critic.to(torch.float64)
    real, fake = torch.from_numpy(
        np.random.default_rng(4).random((2, 4, 1, 16, 16))
    )  # no zeros, where the slope jumps
    share = np.random.default_rng(3).random((4, 1, 1, 1))
    fit.streams["mix"] = np.random.default_rng(3)
    slope = fit._slope(real, fake)
    between = (
        torch.from_numpy(share) * real + (1 - torch.from_numpy(share)) * fake
    ).requires_grad_()
    told = fit.critic(between)
    (along,) = torch.autograd.grad(told.sum(), between)
    step = 1e-6 * along / along.flatten(1).norm(dim=1)[:, None, None, None]
    np.testing.assert_allclose(
        (fit.critic(between + step) - told).detach() / 1e-6, slope.detach(), rtol=1e-3
    )


def test_the_same_seed_gives_the_same_kernels() -> None:
    pool = cores(gaussians(), 2)

    def run(seed: int) -> Array:
        with one_thread():
            fit = Fit(pool, TINY, partial(stream, seed))
            assert list(fit.advance()) == [1, 2, 3]
            return fit.draw(5)

    state = torch.get_rng_state()
    np.testing.assert_array_equal(run(7), run(7))
    assert not np.array_equal(run(7), run(8))
    assert torch.equal(torch.get_rng_state(), state)  # the global generator was left alone
    with one_thread():
        fit = Fit(pool, TINY, partial(stream, 7))
        np.testing.assert_array_equal(fit.draw(5)[:2], fit.draw(2))  # fewer are the first of more


def test_a_fit_learns_how_kernels_differ() -> None:
    """Of a pool of one long kernel, drawn lying and standing, never round: the generator's must
    become long too."""
    pool = cores(gaussians(shapes=((0.9, 2.2, 0.0),)), 2)
    with one_thread():
        fit = Fit(
            pool,
            KmsrFitConfig(iterations=100, batch=16, width=4, learning_rate=4e-3),
            partial(stream, 1),
        )
        before = [anisotropy(kernel) for kernel in fit.draw(40)]
        for _ in fit.advance():
            pass
        after = fit.draw(40)
    wanted = anisotropy(pool[0])
    assert wanted > 2
    assert np.median(before) < 1.4
    assert np.median([anisotropy(kernel) for kernel in after]) > 1.45
    assert np.mean([width(kernel) for kernel in after]) == pytest.approx(width(pool[0]), rel=0.15)
    lying = [
        np.linalg.norm(kernel - pool[0]) < np.linalg.norm(kernel - pool[0].T) for kernel in after
    ]
    assert 0.1 < np.mean(lying) < 0.9  # both directions, not one of them


def test_fixed_point_survives() -> None:
    kernel = to_fixed_point(gaussians()[0])
    np.testing.assert_allclose(finished(cores(kernel[None], 2)[0], 2), kernel, atol=2e-3)
