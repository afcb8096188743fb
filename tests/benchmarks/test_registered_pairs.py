"""Registered pairs: known shifts, a known kernel, and blocks of other scenes are found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from benchmarks.camera_kernel import CENTRE, best_gaussian, best_sharpened, solve_forced
from benchmarks.registered_pairs import ScoredPair, aligned, load_pairs, luma, save_pairs
from benchmarks.registered_report import block_counts, figures, hr_facts, report
from benchmarks.registered_synthetic import moved, scene, synthetic_pair, unknown_field
from pairmill.models.functional.kernels import gaussian, offset
from pairmill.models.registration.grid import Array, Grid, shifts_at
from pairmill.models.registration.kernel import (
    Equations,
    Measured,
    equations,
    measure,
    relative_error,
    solve,
    together,
)
from pairmill.models.registration.register import Pair, register
from pairmill.models.registration.warp import blurred
from pairmill.pipeline.images.encode import encode_png

SIDE = 240
GRID = Grid((SIDE // 2, SIDE // 2))


def sharpened() -> Array:
    """A wide core with lobes, as cameras have."""
    core, wide = (gaussian(17, sigma**2 * np.eye(2), CENTRE) for sigma in (1.7, 3.0))
    return np.asarray(1.4 * core - 0.4 * wide)


def pair_of(seed: int, kernel: Array) -> Pair:
    rng = np.random.default_rng(seed)
    blank = Pair(str(seed), scene(SIDE, rng), np.zeros((SIDE // 2, SIDE // 2)))
    return synthetic_pair(blank, kernel, rng, bend=0.08, hr_noise=0.5, lr_noise=0.5)


@cache
def measured() -> Measured:
    return measure([pair_of(seed, sharpened()) for seed in range(3)], rounds=4)


def test_known_kernel_is_found() -> None:
    found = measured()
    assert relative_error(found.kernel, sharpened()) < 0.06
    assert found.kernel.sum() == pytest.approx(1, abs=1e-6)
    assert max(map(abs, offset(found.kernel, 2))) < 0.02
    assert found.changes[-1] < 0.02


def test_kernel_of_unit_gain() -> None:
    """With contrast as it is; an amplitude that differs does not show in the sum."""
    kernel = sharpened()
    assert relative_error(solve_forced(exact(kernel), smoothness=0.0), kernel) < 1e-9
    weaker = solve_forced(exact(0.95 * kernel), smoothness=0.0)
    assert weaker.sum() == pytest.approx(1)
    said = equations(measured().registered[0], unit_gain=True)
    assert said.noise == pytest.approx(said.pixels - measured().registered[0].accepted.sum())


def test_without_registration_the_kernel_is_not_found() -> None:
    """The trap: shifts that are not taken out blur the kernel."""
    found = measured()
    still = together(equations(replace(one, field=GRID.flat())) for one in found.registered)
    assert relative_error(solve(still), sharpened()) > 0.15


def test_known_shifts_are_found() -> None:
    rng = np.random.default_rng(5)
    hr, kernel = scene(SIDE, rng), sharpened()
    truth = unknown_field(GRID, rng, bend=0.05)
    lr = 0.9 * blurred(moved(hr, truth), kernel)[::2, ::2] + 7
    found = register(Pair("known", hr, lr), kernel)
    wrong = (found.shifts() - truth)[:, ::2, ::2][:, found.weights]
    assert np.sqrt((wrong**2).mean()) < 0.03
    assert np.median(found.gain[found.accepted]) == pytest.approx(0.9, abs=0.01)
    assert found.accepted.mean() > 0.3
    assert np.median(found.residual[found.accepted]) < 0.5


def test_a_block_of_another_scene_is_refused() -> None:
    rng, kernel = np.random.default_rng(7), sharpened()
    hr = scene(SIDE, rng)
    lr = blurred(hr, kernel)[::2, ::2]
    other = register(Pair("same", hr, lr), kernel)
    rows, columns = GRID.edges
    block = np.s_[rows[2] : rows[3], columns[2] : columns[3]]
    wrong = lr.copy()
    wrong[block] = blurred(scene(SIDE, rng), kernel)[::2, ::2][block]
    assert other.accepted[2, 2]
    assert not register(Pair("other", hr, wrong), kernel).accepted[2, 2]


def test_pairs_of_other_scenes_are_refused() -> None:
    rng, kernel = np.random.default_rng(8), sharpened()
    pairs = [
        Pair(str(n), scene(SIDE, rng), blurred(scene(SIDE, rng), kernel)[::2, ::2])
        for n in range(2)
    ]
    with pytest.raises(ValueError, match="none of 2 pairs registers"):
        measure(pairs)


def test_a_field_of_one_shift_is_that_shift() -> None:
    field = GRID.flat() + np.array([0.3, -0.7])[:, None, None]
    for on_hr in (False, True):
        shifts = shifts_at(GRID, field, on_hr=on_hr)
        np.testing.assert_allclose(shifts[0], 0.3, atol=1e-12)
        np.testing.assert_allclose(shifts[1], -0.7, atol=1e-12)


def test_sums_over_blocks() -> None:
    grid = Grid((37, 31), 10)
    values = np.arange(37.0 * 31).reshape(37, 31)
    assert grid.sums(values).shape == grid.counts == (3, 3)
    assert grid.sums(values).sum() == values.sum()
    assert grid.spread(grid.sums(values))[0, 0] == values[:12, :10].sum()


def exact(kernel: Array) -> Equations:
    """Equations that white HR would give."""
    k = kernel.ravel()
    return Equations(np.eye(289), k, float(k @ k), 0.0, 1)


def test_forms_are_found() -> None:
    anisotropic = gaussian(17, np.array([[1.5, 0.4], [0.4, 2.5]]), CENTRE)
    assert relative_error(best_gaussian(exact(anisotropic)), anisotropic) < 1e-3
    assert relative_error(best_sharpened(exact(sharpened())), sharpened()) < 0.01


def test_noise_of_hr_is_taken_out() -> None:
    """It adds its variance to the diagonal, and so weakens the frequencies that HR has least of."""
    kernel, rng = sharpened(), np.random.default_rng(3)
    smooth = 40 * gaussian_filter(rng.normal(size=(2000, 17, 17)), (0, 0.5, 0.5)).reshape(-1, 289)
    target = smooth @ kernel.ravel()
    count = len(target)
    power = float(target @ target)
    noisy = smooth.T @ smooth + 25 * count * np.eye(289)
    said = Equations(noisy, smooth.T @ target, power, float(count), count)
    plain, corrected = (
        relative_error(solve(said, smoothness=0.0, noise=noise), kernel) for noise in (0.0, 5.0)
    )
    assert plain > 0.01
    assert corrected < 1e-6


def test_figures_of_a_gaussian() -> None:
    found = figures(gaussian(17, np.diag([1.5**2, 1.2**2]), CENTRE))
    assert found["core sigma rows"] == pytest.approx(1.5, abs=0.01)
    assert found["core sigma columns"] == pytest.approx(1.2, abs=0.01)
    assert found["anisotropy"] == pytest.approx(1.25, abs=0.01)
    assert found["negative, of sum 1"] == 0
    assert found["|K| at 0.1"] == pytest.approx(np.exp(-2 * (np.pi * 0.1) ** 2 * 1.85), abs=0.02)


def test_report_says_it_all() -> None:
    found = report(measured())
    assert found["residual"]["after"] < found["residual"]["before"]
    assert sum(found["blocks"].values()) == 3 * 25
    assert found["blocks"] == block_counts(measured().registered)
    assert found["halves, relative"] < 0.2
    assert hr_facts([one.pair for one in measured().registered])["blocks of 8, median"] < 1.3


def test_aligned_hr_is_lr_without_blur() -> None:
    """Half of the registration's use: what is scored against stands where LR stands."""
    one = measured().registered[0]
    colour = [np.repeat(x[..., None], 3, -1).astype(np.uint8) for x in (one.pair.hr, one.pair.lr)]
    test = aligned(one, *colour)
    again = blurred(luma(test.hr), measured().kernel)[::2, ::2]
    left = (again - one.pair.lr)[one.weights]
    assert np.sqrt((left**2).mean()) < 2
    assert test.psnr_y(test.hr[::-1]) < 30
    better = np.clip(test.hr.astype(int) + 1, 0, 255).astype(np.uint8)
    assert test.psnr_y(better) == pytest.approx(48.13, abs=0.05)


def test_pairs_are_saved_and_loaded(tmp_path: Path) -> None:
    found = measured()
    for kind in ("HR", "LR"):
        (tmp_path / kind).mkdir()
    for one in found.registered:
        for kind, image in (("HR", one.pair.hr), ("LR", one.pair.lr)):
            colour = np.repeat(image[..., None], 3, -1).astype(np.uint8)
            (tmp_path / kind / f"{one.pair.name}.png").write_bytes(encode_png(colour))
    save_pairs(tmp_path / "pairs.npz", found, tmp_path)
    loaded = load_pairs(tmp_path / "pairs.npz")
    assert [pair.name for pair in loaded] == [one.pair.name for one in found.registered]
    assert isinstance(loaded[0], ScoredPair)
    assert loaded[0].mask.sum() == 4 * found.registered[0].weights.sum()
    with np.load(tmp_path / "pairs.npz") as file:
        assert len(file["blocks"]) == sum(int(o.accepted.sum()) for o in found.registered)
