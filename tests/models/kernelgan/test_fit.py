"""Fitting many images: bits do not depend on the batch; what is drawn, refused and reported."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from pairmill.models.kernelgan import fit
from pairmill.models.kernelgan.batch import CPU_LANES, largest_batch
from pairmill.models.kernelgan.fit import fit_kernels
from pairmill.models.kernelgan.sampling import (
    centre_weights,
    centre_window,
    check_image,
    draw,
    gradient_map,
    lane_stream,
)
from pairmill.schemas.kernel import KernelGanConfig, KernelReason

CONFIG = KernelGanConfig(iterations=60, crop=40, learning_rate=2e-3)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def photograph(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    height, width = 71 + 13 * seed, 97 + 5 * seed
    blocks = rng.integers(0, 256, (height // 6 + 1, width // 5 + 1, 3))
    return np.repeat(np.repeat(blocks, 6, axis=0), 5, axis=1)[:height, :width].astype(np.uint8)


IMAGES = [photograph(seed) for seed in range(8)]


@pytest.mark.parametrize(
    "order", [[0, 1], [1, 0], [2, 3, 0], [7, 6, 5, 4, 0], [6, 5, 4, 3, 0, 2, 1, 7]], ids=str
)
def test_estimate_has_the_same_bits_in_any_batch(order: list[int], alone: fit.KernelFit) -> None:
    fits = fit_kernels([IMAGES[i] for i in order], [100 + i for i in order], CONFIG)
    together = fits[order.index(0)]
    np.testing.assert_array_equal(together.raw, alone.raw)
    np.testing.assert_array_equal(together.finished, alone.finished)
    np.testing.assert_array_equal(together.curves, alone.curves)


@pytest.mark.parametrize("tile", [3, 6, 16])
def test_estimate_has_the_same_bits_in_tiles_of_other_sizes(
    tile: int, alone: fit.KernelFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "CPU_LANES", tile)
    fits = fit_kernels(IMAGES[3::-1], [103, 102, 101, 100], CONFIG)
    np.testing.assert_array_equal(fits[3].raw, alone.raw)


@pytest.fixture(scope="module")
def alone() -> fit.KernelFit:
    torch.set_num_threads(1)
    made = fit_kernels([IMAGES[0]], [100], CONFIG)[0]
    assert np.abs(made.raw).max() > 1e-3
    assert np.abs(made.raw[0] - made.raw[1]).max() > 1e-3
    return made


def test_progress_counts_every_iteration() -> None:
    seen: list[tuple[int, int]] = []
    config = CONFIG.with_(iterations=10)
    fit_kernels(
        IMAGES[:3], [1, 2, 3], config, on_iteration=lambda done, total: seen.append((done, total))
    )
    assert seen == [(done, 20) for done in range(1, 21)]
    assert fit_kernels([], [], config) == []


def test_one_seed_per_image() -> None:
    with pytest.raises(ValueError, match="2 images and 1 seeds"):
        fit_kernels(IMAGES[:2], [1], CONFIG)


def test_results_do_not_depend_on_the_precision_chosen_elsewhere() -> None:
    before = torch.get_float32_matmul_precision()
    fit_kernels(IMAGES[:1], [1], CONFIG.with_(iterations=10))
    assert torch.get_float32_matmul_precision() == before


def test_batches_fill_the_lanes_and_the_memory() -> None:
    config = KernelGanConfig()
    assert largest_batch(config, "cpu", 1 << 30) * config.restarts == CPU_LANES
    assert largest_batch(config, "cpu", 0) == 1
    assert largest_batch(config, "cuda", 130 << 30) >= 256


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((63, 200, 3), np.uint8), KernelReason.TOO_SMALL),
        (np.full((80, 80, 3), 77, np.uint8), KernelReason.TOO_FLAT),
        (photograph(0), None),
    ],
)
def test_unusable_images_are_refused(image: np.ndarray, reason: KernelReason | None) -> None:
    assert check_image(image, KernelGanConfig()) is reason


def test_images_of_other_kinds_are_errors() -> None:
    with pytest.raises(ValueError, match="uint8"):
        check_image(np.zeros((80, 80), np.uint8), KernelGanConfig())


def test_crops_lie_inside_have_even_corners_and_follow_the_edges() -> None:
    image = np.full((90, 120, 3), 128, np.uint8)
    image[20:50, 60:] = 255
    config = KernelGanConfig(iterations=400, crop=40)
    draws = draw(config, lane_stream(3, 0), centre_weights(image, config.crop))
    for corners, side in ((draws.generator, 40), (draws.discriminator, 14)):
        assert (corners % 2 == 0).all()
        assert (corners >= 0).all()
        assert (corners <= [90 - side, 120 - side]).all()
    assert (draws.discriminator[:, 1] > 30).mean() > 0.95, "crops stay where the edges are"
    np.testing.assert_array_equal(
        draws.generator, draw(config, lane_stream(3, 0), centre_weights(image, 40)).generator
    )
    assert (
        draws.generator != draw(config, lane_stream(3, 1), centre_weights(image, 40)).generator
    ).any()


def test_gradient_map_has_mean_one_and_is_zero_where_nothing_stands_out() -> None:
    assert gradient_map(photograph(2)).mean() == pytest.approx(1)
    assert gradient_map(np.full((40, 40, 3), 9, np.uint8)).max() == 0


def test_window_is_centred_and_even() -> None:
    image = np.arange(37 * 31, dtype=np.int64).reshape(37, 31, 1).repeat(3, 2).astype(np.uint8)
    assert centre_window(image, 64).shape == (36, 30, 3)
    np.testing.assert_array_equal(centre_window(image, 10), image[13:23, 10:20])
