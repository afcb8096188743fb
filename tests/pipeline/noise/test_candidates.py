"""Which patches of one image are noise: properties, worked examples, and the RealSR rule."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pairmill.pipeline.noise.candidates import candidates
from pairmill.pipeline.noise.examine import coherence, details, periodicity, plateau
from pairmill.pipeline.noise.measure import survey
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.noise.select import choose
from pairmill.schemas.noise import NoiseConfig, NoiseReason

DIGEST = "a" * 64
CONFIG = NoiseConfig()


def with_noise(
    clean: np.ndarray | float, sigma: np.ndarray | float, seed: int = 0, size: int = 512
) -> np.ndarray:
    levels = np.asarray(clean, float)
    base = np.broadcast_to(levels.reshape(*levels.shape, *[1] * (3 - levels.ndim)), (size, size, 3))
    noise = np.random.default_rng(seed).normal(0, 1, base.shape) * sigma
    return np.clip(np.rint(base + noise), 0, 255).astype(np.uint8)


def grid(size: int = 512) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:size, :size]
    return y.astype(float), x.astype(float)


def strength(image: np.ndarray, config: NoiseConfig = CONFIG) -> float:
    found = candidates(image, DIGEST, config)
    return float(np.sqrt(np.mean([np.square(residual(patch)) for patch in found.patches])))


def test_survey_equals_plain_statistics() -> None:
    image = with_noise(100.0, 6.0, size=200)
    found = survey(image, 64)
    grey = np.asarray(Image.fromarray(image).convert("L"), float)[:192, :192]
    tiles = grey.reshape(3, 64, 3, 64).swapaxes(1, 2).reshape(9, -1)
    assert found.mean == pytest.approx(tiles.mean(axis=1), abs=0.01)
    assert found.variance == pytest.approx(tiles.var(axis=1), rel=0.002)
    cells = grey.reshape(24, 8, 24, 8).swapaxes(1, 2).reshape(24, 24, 64)
    assert found.cells[1] == pytest.approx(cells.var(axis=2, ddof=1), rel=0.03)


@pytest.mark.parametrize("sigma", [2.0, 4.0, 8.0, 12.0])
def test_strength_of_white_noise_is_kept_beside_texture(sigma: float) -> None:
    _, x = grid()
    scene = np.where(
        x < 256, 120.0 + 0.02 * x, 120 + 25 * np.sin(x / 2)
    )  # flat with shading, then stripes
    found = candidates(with_noise(scene, sigma), DIGEST, CONFIG)
    assert (found.table["left"] < 256).all()
    assert len(found.table) >= 24  # of the 32 flat ones
    assert strength(with_noise(scene, sigma)) == pytest.approx(
        np.hypot(sigma, np.sqrt(1 / 12)), rel=0.02
    )


def test_noise_that_grows_with_brightness_is_kept_at_every_brightness() -> None:
    y, _ = grid()
    scene = 30 + 25.0 * (y // 64)
    found = candidates(with_noise(scene, np.sqrt(0.15 * scene + 2)[..., None]), DIGEST, CONFIG)
    assert len({int(top) for top in found.table["top"]}) == 8
    for top in range(0, 512, 64):
        rows = found.patches[found.table["top"] == top]
        truth = np.sqrt(0.15 * scene[top, 0] + 2 + 1 / 12)
        assert np.sqrt(np.mean([np.square(residual(p)) for p in rows])) == pytest.approx(
            truth, rel=0.04
        )


def test_a_quieter_half_does_not_hide_a_noisier_image() -> None:
    both = [strength(with_noise(100.0, sigma, seed=3)) for sigma in (1.5, 10.0)]
    assert both == pytest.approx([np.hypot(1.5, 0.289), np.hypot(10, 0.289)], rel=0.02)


def test_taking_few_of_many_does_not_take_the_calmest() -> None:
    image = with_noise(100.0, 6.0, size=1024)
    few, all_ = CONFIG.with_(max_per_image=24), CONFIG.with_(max_per_image=256)
    assert candidates(image, DIGEST, few).survey.rejected[NoiseReason.QUOTA] > 150
    assert strength(image, few) == pytest.approx(strength(image, all_), rel=0.01)
    first = candidates(image, DIGEST, all_).table["priority"][:24]
    assert (candidates(image, DIGEST, few).table["priority"] == first).all()


REJECTED = {
    "constant": (lambda: with_noise(128.0, 0.0), NoiseReason.NO_NOISE),
    "black": (lambda: with_noise(5.0, 2.0), NoiseReason.TOO_DARK),
    "white": (lambda: with_noise(250.0, 2.0), NoiseReason.TOO_BRIGHT),
    "one channel clipped": (
        lambda: with_noise(np.array([[[255.0, 120, 120]]]), 3.0),
        NoiseReason.CLIPPED,
    ),
    "bands": (lambda: with_noise(100 + np.floor(grid()[1] / 40), 0.1), NoiseReason.NO_NOISE),
    "stripes": (lambda: with_noise(120 + 6 * np.sin(grid()[1] * 1.1), 2.0), NoiseReason.STRIPES),
    "coarse waves": (
        lambda: with_noise(120 + 6 * np.sin(grid()[1] / 8) * np.sin(grid()[0] / 9), 2.0),
        NoiseReason.GRADIENT,
    ),
    "steep slope": (
        lambda: with_noise(60 + 0.5 * np.abs(grid()[1] % 64 - 32) * 3, 2.0),
        NoiseReason.GRADIENT,
    ),
    "strong noise": (lambda: with_noise(128.0, 33.0), NoiseReason.VARIANCE),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_is_not_noise_is_rejected_with_the_reason(name: str) -> None:
    make, reason = REJECTED[name]
    found = candidates(make(), DIGEST, CONFIG)
    assert len(found.table) == 0
    assert found.survey.rejected.get(reason, 0) >= 32, found.survey.rejected
    assert sum(found.survey.rejected.values()) == found.survey.patches == 64


def test_a_line_and_a_coloured_edge_are_found_in_noise() -> None:
    y, x = grid()
    scene = np.full((512, 512, 3), 120.0)
    scene[30, 20:36] += 40  # a scratch in the patch at (0, 0)
    scene[..., 0] += 12 * ((x - y > 128 - 64) & (x < 128) & (x >= 64) & (y < 64))
    scene[..., 1] -= 6.1 * (
        (x - y > 128 - 64) & (x < 128) & (x >= 64) & (y < 64)
    )  # same grey, other colour
    taken = {
        (int(r["top"]), int(r["left"]))
        for r in candidates(with_noise(scene, 3.0), DIGEST, CONFIG).table
    }
    assert (0, 0) not in taken
    assert (0, 64) not in taken
    assert len(taken) > 55


def test_measures_of_white_noise_and_of_stripes() -> None:
    noise = with_noise(120.0, 5.0, size=64)[None]
    striped = with_noise(120 + 15 * np.sin(grid(64)[1] * 0.8), 5.0, size=64)[None]
    grey, stripes = noise[..., 1], striped[..., 1]
    assert coherence(grey)[0] < 0.08 < 0.7 < coherence(stripes)[0]
    assert periodicity(grey)[0] < 16 < 50 < periodicity(stripes)[0]
    outlier, structure = details(noise)
    assert 0.6 < outlier[0] < 1.5
    assert 0.5 < structure[0] < 2
    assert plateau(noise)[0] < 0.01
    assert plateau(noise // 50)[0] > 0.9


@pytest.mark.parametrize("shape", [(37, 31), (16, 15), (8, 500), (64, 63), (1, 1)])
def test_small_and_odd_images_give_nothing_and_do_not_fail(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 100, np.uint8)
    found = candidates(image, DIGEST, CONFIG)
    assert (found.survey.patches, found.survey.rejected, len(found.patches)) == (0, {}, 0)


@pytest.mark.parametrize("patch", [16, 24, 32, 40, 64, 72, 128, 256])
def test_every_patch_size_works_on_odd_images(patch: int) -> None:
    image = with_noise(110.0, 5.0)[:511, :389]
    config = CONFIG.with_(patch=patch)
    found = candidates(image, DIGEST, config)
    assert found.survey.patches == (511 // patch) * (389 // patch)
    assert len(found.table) >= min(config.quota, 0.8 * found.survey.patches)
    assert strength(image, config) == pytest.approx(np.hypot(5, np.sqrt(1 / 12)), rel=0.04)
    for row, pixels in zip(found.table, found.patches, strict=True):
        top, left = int(row["top"]), int(row["left"])
        assert np.array_equal(pixels, image[top : top + patch, left : left + patch])


def test_grey_images_work() -> None:
    image = np.repeat(with_noise(110.0, 5.0)[..., :1], 3, axis=2)
    assert strength(image) == pytest.approx(np.hypot(5, np.sqrt(1 / 12)), rel=0.02)


def test_nothing_depends_on_chance_or_on_the_order_of_patches() -> None:
    image = with_noise(100.0, 4.0)
    first, again = (candidates(image, DIGEST, CONFIG) for _ in range(2))
    assert np.array_equal(first.table, again.table)
    assert first.survey == again.survey
    swapped = np.concatenate([image[256:], image[:256]])
    moved = candidates(swapped, DIGEST, CONFIG)
    assert sorted(moved.table["priority"]) == sorted(first.table["priority"])


def realsr_rule(image: np.ndarray, patch: int, most: float, least: float) -> set[tuple[int, int]]:
    """The rule, patch by patch: corners strictly below the length less a side."""
    kept = set()
    for top in range(0, image.shape[0] - patch, patch):
        for left in range(0, image.shape[1] - patch, patch):
            crop = Image.fromarray(
                np.ascontiguousarray(image[top : top + patch, left : left + patch])
            )
            grey = np.asarray(crop.convert("L"), np.float64)
            if grey.var() < most and grey.mean() > least:
                kept.add((top, left))
    return kept


@pytest.mark.parametrize(
    ("patch", "most", "least"),
    [(256, 20.0, 0.0), (64, 20.0, 50.0), (16, 8.0, 60.0), (40, 14.0, 0.0)],
)
def test_the_realsr_rule_is_exact(patch: int, most: float, least: float) -> None:
    y, x = grid()
    scene = 20 + 0.15 * x + 10 * (y > 300) * np.sin(x * y / 900)
    image = with_noise(scene, (1 + y / 100)[..., None], seed=5)[:, :500]
    image[:64, :64] = 0
    config = NoiseConfig(rule="realsr", patch=patch, max_variance=most, min_mean=least)
    found = candidates(image, DIGEST, config)
    expected = realsr_rule(image, patch, most, least)
    assert {(int(r["top"]), int(r["left"])) for r in found.table} == expected
    assert set(found.survey.rejected) <= {NoiseReason.VARIANCE, NoiseReason.TOO_DARK}
    assert patch == 256 or 3 < len(expected) < found.survey.patches - 3
    assert len(choose([found], config).picks) == len(expected)


def test_the_realsr_rule_by_its_name() -> None:
    """An image of 512 x 513 has patches at 0 and 256 across, and only at 0 down; what a recipe
    adds holds; recipes that do not name it are stored as before."""
    config = NoiseConfig.model_validate({"rule": "realsr"})
    assert (config.patch, config.max_variance, config.min_mean) == (256, 20, 0)
    flat = np.full((512, 513, 3), 60, np.uint8)
    for settings, count in ({}, 2), ({"min_mean": 60}, 0), ({"patch": 64}, 7 * 8):
        found = candidates(flat, DIGEST, NoiseConfig.model_validate({"rule": "realsr"} | settings))
        assert len(found.table) == count
    assert NoiseConfig.model_validate_json(config.canonical_json()) == config
    assert "rule" not in NoiseConfig().canonical_json()


def test_the_needed_threshold_is_enough() -> None:
    image = with_noise(120.0, 8.0)
    config = CONFIG.with_(max_variance=5.0)
    needed = candidates(image, DIGEST, config).survey.threshold_needed
    assert needed is not None
    assert len(candidates(image, DIGEST, config.with_(max_variance=needed + 1)).table) > 0


def test_a_large_image_is_looked_at_in_part_and_its_patches_are_where_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = with_noise(128, 4, size=640)[:, :203]
    config = NoiseConfig(patch=32, max_per_image=5)
    whole = candidates(image, "0" * 64, config)
    monkeypatch.setattr("pairmill.pipeline.noise.candidates.LOOK", 24 * 32 * 32)
    part = candidates(image, "0" * 64, config)
    assert (whole.survey.patches, part.survey.patches) == (
        120,
        24,
    )  # 20 rows of 6; every fifth of them
    assert len(part.table) == 5
    assert set(part.table["top"] // 32 % 5) == {0}
    for row, patch in zip(part.table, part.patches, strict=True):
        np.testing.assert_array_equal(
            image[row["top"] : row["top"] + 32, row["left"] : row["left"] + 32], patch
        )
    asked = candidates(image, "0" * 64, config.with_(max_per_image=64))  # more than a part has
    assert asked.survey.patches == 120


def test_where_a_part_gives_too_little_more_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairmill.pipeline.noise.candidates.LOOK", 4 * 32 * 32)
    image = np.tile(with_noise(128, 4)[:, :64], (4, 1, 1))  # 64 rows of 2
    image[:32] = image[1024:1056] = 255  # nothing in the two rows that are looked at first
    found = candidates(image, "0" * 64, NoiseConfig(patch=32, max_per_image=1))
    assert found.survey.patches == 16  # every eighth row, not all
    assert [int(top) // 32 % 8 for top in found.table["top"]] == [0]


@pytest.mark.parametrize(
    ("images", "pool", "most"),
    [
        (0, 2048, 64),
        (1, 2048, 64),
        (128, 2048, 64),
        (129, 2048, 64),
        (300, 2048, 32),
        (700, 2048, 16),
        (10**6, 2048, 8),
        (300, 10**6, 64),
        (5, 8, 8),
    ],
)
def test_large_sets_take_fewer_of_each_image(images: int, pool: int, most: int) -> None:
    config = NoiseConfig(max_patches=pool).for_images(images)
    assert config.max_per_image == config.quota == most
    assert NoiseConfig(max_per_image=5).for_images(images).max_per_image == 5
    assert images * most >= min(
        3 * pool, images * 64
    )  # enough if three images of four give nothing
