"""Choosing among the candidates of all images: shares, duplicates, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairmill.pipeline.noise.candidates import Candidates, candidates
from pairmill.pipeline.noise.select import choose, correlated, share, shortage
from pairmill.schemas.noise import NoiseConfig, NoiseReason

CONFIG = NoiseConfig(patch=32, max_per_image=40, max_patches=60)


def photo(seed: int, size: int = 192, sigma: float = 4.0, level: float = 110.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, sigma, (size, size, 3))
    return np.clip(np.rint(level + noise), 0, 255).astype(np.uint8)


def mined(*images: np.ndarray, config: NoiseConfig = CONFIG) -> list[Candidates]:
    return [
        candidates(image, f"{int(image.astype(np.int64).sum()):064x}", config) for image in images
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 50), max_size=12), st.integers(1, 200))
def test_shares_are_equal_and_use_the_room(sizes: list[int], total: int) -> None:
    given_ = share(sizes, total)
    assert sum(given_) == min(sum(sizes), total)
    assert all(got <= size for got, size in zip(given_, sizes, strict=True))
    short = [got for got, size in zip(given_, sizes, strict=True) if got < size]
    assert not short or max(given_) - min(short) <= 1


def test_shares_by_hand() -> None:
    assert share([10, 2, 5], 9) == [4, 2, 3]
    assert share([10, 2, 5], 100) == [10, 2, 5]
    assert share([3, 3], 1) == [1, 0]
    assert share([], 5) == []


def test_every_patch_is_accounted_for() -> None:
    chosen = choose(mined(photo(1), photo(2), photo(3, size=31)), CONFIG)
    assert len(chosen.picks) == len(chosen.patches) == CONFIG.max_patches
    assert [c.patches for c in chosen.coverage] == [36, 36, 0]
    assert all(c.accepted + sum(c.rejected.values()) == c.patches for c in chosen.coverage)
    assert [c.accepted for c in chosen.coverage] == [30, 30, 0]
    assert shortage(chosen, CONFIG) is None
    assert chosen.max_variance == max(p.variance for p in chosen.patches)


def test_one_image_more_only_shortens_the_shares_of_the_others() -> None:
    before = choose(mined(photo(1), photo(2)), CONFIG)
    after = choose(mined(photo(9), photo(1), photo(2)), CONFIG)
    old = {(p.image, p.top, p.left) for p in before.patches}
    new = {(p.image, p.top, p.left) for p in after.patches}
    first = mined(photo(9))[0].survey.image
    assert len(new) == CONFIG.max_patches
    assert {p for p in new if p[0] != first} <= old


def test_the_order_of_images_changes_only_the_order_of_patches() -> None:
    config = CONFIG.with_(max_patches=1000)
    one, two = (
        choose(mined(*images), config) for images in ((photo(1), photo(2)), (photo(2), photo(1)))
    )
    assert sorted(p.canonical_json() for p in one.patches) == sorted(
        p.canonical_json() for p in two.patches
    )


def test_copies_are_dropped_once_and_independent_noise_is_not() -> None:
    image = photo(1)
    other_rounding = np.random.default_rng(0).integers(-1, 2, image.shape)
    copy = np.clip(image.astype(int) + other_rounding + 3, 0, 255).astype(np.uint8)
    config = CONFIG.with_(max_patches=1000)
    alone, both, other = (
        choose(mined(*images), config) for images in ((image,), (image, copy), (image, photo(2)))
    )
    assert sum(c.rejected.get(NoiseReason.DUPLICATE, 0) for c in both.coverage) >= 30
    assert len(both.picks) <= len(alone.picks) + 4
    assert sum(c.rejected.get(NoiseReason.DUPLICATE, 0) for c in other.coverage) == 0
    assert len(choose(mined(image, image), config.with_(max_correlation=1)).picks) == 2 * len(
        alone.picks
    )


def test_correlated_equals_numpy() -> None:
    values = np.random.default_rng(0).integers(-127, 128, (1500, 12)).astype(np.int8)
    values[1200] = values[3]
    products = values.astype(float) @ values.T
    lengths = np.linalg.norm(values.astype(float), axis=1)
    expected = np.argwhere(np.triu(products / np.outer(lengths, lengths) > 0.9, 1))
    got = correlated(values, 0.9)
    assert (3, 1200) in got
    assert sorted(got) == sorted(map(tuple, expected.tolist()))


def test_patches_are_spread_over_brightness() -> None:
    image = photo(1, size=512)
    image[:128] = photo(2, size=512, level=60)[:128]
    chosen = choose(mined(image), CONFIG.with_(max_patches=20))
    dark = sum(p.mean < 80 for p in chosen.patches)
    assert dark == 10  # a quarter of the image, half of the pool


def test_nothing_found_tells_what_was_tried_and_what_would_do() -> None:
    config = CONFIG.with_(max_variance=3.0)
    chosen = choose(mined(photo(1), photo(2, sigma=0.0), config=config), config)
    error = shortage(chosen, config)
    assert error is not None
    text = error.text()
    assert "72 patches of 32 x 32 pixels in 2 real images" in text
    assert "36 no-noise" in text
    assert "36 variance" in text
    assert f"set noise.max_variance to {chosen.threshold_needed:g} or more" in text
    assert 5 < (chosen.threshold_needed or 0) < 8


@pytest.mark.parametrize("images", [[], [photo(1, size=31)]])
def test_no_patches_at_all(images: list[np.ndarray]) -> None:
    chosen = choose(mined(*images), CONFIG)
    assert chosen.picks == ()
    assert chosen.threshold_needed is None
    error = shortage(chosen, CONFIG)
    assert error is not None
    assert "every image is smaller than a patch" in error.text()
