"""ZSSR: when it stops, where it starts, that it moves nothing, and that it gives the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pairmill.models.fitting.threads import one_thread
from pairmill.models.functional.kernels import gaussian_kernel, target_centre, to_fixed_point
from pairmill.models.functional.resize import bicubic_up
from pairmill.models.inference.ensemble import ensembled
from pairmill.models.zssr.pairs import downscale, pairs, symmetries, tensor
from pairmill.models.zssr.schedule import Schedule, fewest_steps, levelled
from pairmill.models.zssr.start import cubic_filter, least_squares
from pairmill.models.zssr.train import Training
from pairmill.models.zssr.upscale import in_bands, upscale
from pairmill.pipeline.kernels.quality import phase_shift
from pairmill.schemas.zero_shot import ZssrConfig
from tests.support.make import photograph

Array = NDArray[np.float64]
QUICK = ZssrConfig(features=4, layers=3, crop=24, max_steps=12)
AT = (50, 100, 150, 200, 250)


def kernel(across: float, along: float, angle: float, scale: int = 2) -> Array:
    size = 8 * scale + 1
    return to_fixed_point(gaussian_kernel(size, across, along, angle, target_centre(size, scale)))


@pytest.mark.parametrize(
    ("errors", "level"),
    [
        ((5, 4, 3, 2, 1), False),
        # Slope -0.008, its standard error sqrt(1.2 / 3 / 25000) = 0.004 < 1.5 * 0.008.
        ((3, 2, 3, 2, 1), False),
        # Slope -0.002, standard error sqrt(4.7 / 3 / 25000) = 0.0079 > 1.5 * 0.002.
        ((3, 2, 1, 4, 2), True),
        ((2, 2, 2, 2, 2), True),
        ((1, 2, 3, 4, 5), True),
    ],
)
def test_errors_level_when_the_slope_is_small_against_its_scatter(
    errors: tuple[float, ...], level: bool
) -> None:
    assert levelled(AT, errors) == level


def test_the_step_size_falls_three_times_at_300_600_and_900_at_the_earliest() -> None:
    """Looked at every 60 steps, 256 after the last fall: 300, 600 (not 540), 900."""
    schedule, falls = Schedule(1e-3, 3000), []
    for step in range(1, 1001):
        before = schedule.rate
        if schedule.measures(step):
            schedule.errors.append((step, 1.0))
        schedule.passed(step)
        if schedule.rate != before:
            falls.append(step)
        if schedule.ended(step):
            break
    assert falls == [300, 600, 900]
    assert step == 900 == fewest_steps(1e-3, 3000)
    assert fewest_steps(1e-3, 500) == 500


@pytest.mark.parametrize("scale", [2, 3])
def test_without_least_squares_it_starts_from_cubic_interpolation(scale: int) -> None:
    lr = photograph(1, 37, 31)
    config = QUICK.with_(reach=0, scale=scale, max_steps=1)
    network = Training(lr, None, scale, config, "cpu").network
    with torch.no_grad():
        found = network(tensor(lr))[0].permute(1, 2, 0).numpy() * 255
    inside = slice(2 * scale, -2 * scale)  # borders are continued otherwise
    assert np.abs(found - bicubic_up(lr, scale))[inside, inside].max() < 1e-3
    assert np.abs(cubic_filter(scale, 2).sum((1, 2)) - 1).max() < 1e-6


def test_the_least_squares_start_is_nearer_to_the_father_and_keeps_flat_parts() -> None:
    made = pairs(photograph(2, 96, 80), kernel(1.8, 0.8, 0.5), 2)
    assert [father.shape[:2] for father, _ in made] == [(96, 80)] * 4 + [(80, 96)] * 4
    errors = []
    for reach in (0, 4):
        found = least_squares(made, 2, reach, 0.0)
        assert np.abs(found.sum((1, 2)) - 1).max() < 1e-6
        father, son = made[0]
        config = QUICK.with_(reach=reach)
        network = Training(father, kernel(1.8, 0.8, 0.5), 2, config, "cpu").network
        with torch.no_grad():
            errors.append(float((network.filtered(tensor(son)) - tensor(father)).square().mean()))
    assert errors[1] < 0.8 * errors[0]


def test_the_ensemble_is_over_turns_that_leave_the_kernel_as_it_is() -> None:
    assert symmetries(None, 2) == tuple(range(8))
    assert symmetries(kernel(1.2, 1.2, 0), 2) == tuple(range(8))
    assert symmetries(kernel(2.0, 1.0, 0), 2) == (0, 1, 2, 3)
    assert symmetries(kernel(2.0, 1.0, 0.5), 2) == (0, 3)
    assert symmetries(kernel(2.0, 1.0, 0.5, 3), 3) == (0, 3)
    # A half turn moves what weighs more on one side.
    lopsided = kernel(1.2, 1.2, 0)
    lopsided[8, 11] += 0.1
    assert symmetries(to_fixed_point(lopsided), 2) == (0,)


def test_the_ensemble_is_the_mean_over_the_turns_that_it_is_given() -> None:
    """Of a network that moves everything by a row: an image and its half turn."""
    lr = torch.arange(12.0).view(1, 1, 4, 3)
    made = ensembled(lambda image: image.roll(1, 2), positions=(0, 3))(lr)
    assert torch.equal(made, (lr.roll(1, 2) + lr.roll(-1, 2)) / 2)


@pytest.mark.parametrize("shape", [(2.0, 0.8, 0.6), None])
def test_nothing_moves(shape: tuple[float, float, float] | None) -> None:
    """A ramp and a photograph lie after upscaling where they lay in HR."""
    blur = kernel(*shape) if shape else None
    rows, columns = np.mgrid[:96, :88]
    ramp = np.repeat((20 + 1.37 * columns + 0.83 * rows)[..., None], 3, 2)
    found = upscale(downscale(np.rint(ramp).astype(np.uint8), blur, 2), blur, QUICK)
    off = (found - ramp)[12:-12, 12:-12].mean()
    assert abs(off) / 1.37 < 0.1
    hr = photograph(3, 96, 88)
    made = upscale(downscale(hr, blur, 2), blur, QUICK)
    moved = phase_shift(hr.mean(2)[8:-8, 8:-8], made.mean(2)[8:-8, 8:-8])
    assert max(map(abs, moved)) < 0.1


def test_the_same_bytes_from_a_seed_and_others_from_another() -> None:
    lr = photograph(4, 37, 41)
    with one_thread():
        first, again, other = (
            upscale(lr, kernel(1.5, 0.9, 0.3), QUICK.with_(seed=seed, noise=2.0))
            for seed in (1, 1, 2)
        )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.abs(first.astype(int) - other).max() < 60


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bands_are_the_whole_and_scales_have_their_size(
    scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lr, shares = photograph(5, 67, 53), list[float]()
    found = upscale(lr, None, QUICK.with_(scale=scale), advanced=shares.append)
    assert found.shape == (67 * scale, 53 * scale, 3)
    assert sum(shares) == pytest.approx(1)
    training = Training(lr, None, 2, QUICK, "cpu")
    training.step()
    training.step()
    monkeypatch.setattr("pairmill.models.zssr.upscale.ROWS", 16)
    with torch.no_grad():
        bands, whole = in_bands(training.network, tensor(lr)), training.network(tensor(lr))
    assert float((bands - whole).abs().max()) < 1e-5
