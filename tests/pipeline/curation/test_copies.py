"""Two images that show the same are found to do so, whatever was done to one; others are not."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from pairmill.pipeline.curation.align import agreement, overlay, whole
from pairmill.pipeline.curation.keypoints import grey_of, keypoints, whole_hash
from tests.support.make import photograph
from tests.support.sample_images import Pixels, flat, recompressed, resized, scene

WHOLE = (0.0, 0.0, 1.0, 1.0)
COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "recompressed": lambda image: recompressed(image, 30),
    "half as large": lambda image: resized(image, 0.5),
    "enlarged": lambda image: np.asarray(
        cv2.resize(image, None, fx=1.7, fy=1.7, interpolation=cv2.INTER_CUBIC), np.uint8
    ),
    "a quarter of it": lambda image: image[40:131, 60:177],
    "turned": lambda image: np.ascontiguousarray(np.rot90(image)),
    "brighter": lambda image: np.clip(image * 1.15 + 8, 0, 255).astype(np.uint8),
    "crop, smaller, recompressed": lambda image: recompressed(
        resized(image[20:161, 30:203], 0.7), 60
    ),
}


def alike(first: Pixels, second: Pixels) -> tuple[float, float]:
    """Overlap and correlation, as the stage finds them."""
    a, b = grey_of(np.ascontiguousarray(first)), grey_of(np.ascontiguousarray(second))
    found = overlay(keypoints(a), keypoints(b)) or whole(a.shape, b.shape)
    result = agreement(a, b, found) if found else None
    return (result.overlap, result.correlation) if result else (0.0, 0.0)


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_laid_over_its_original(name: str) -> None:
    for seed in range(3):
        original, copy = scene(seed), COPIES[name](scene(seed))
        for pair in ((original, copy), (copy, original)):
            overlap, correlation = alike(*pair)
            assert overlap > 0.9, seed
            assert correlation > 0.8, seed


def test_the_part_that_both_show_is_found() -> None:
    image = scene(1)
    found = overlay(
        keypoints(grey_of(image)), keypoints(grey_of(np.ascontiguousarray(image[40:131, 60:177])))
    )
    assert found is not None
    np.testing.assert_allclose(found.matrix, [[1, 0, -60], [0, 1, -40]], atol=0.2)
    seen = agreement(grey_of(image), grey_of(np.ascontiguousarray(image[40:131, 60:177])), found)
    np.testing.assert_allclose(seen.boxes[0], [60 / 233, 40 / 181, 177 / 233, 131 / 181], atol=0.01)
    np.testing.assert_allclose(seen.boxes[1], WHOLE, atol=0.02)


def test_crops_side_by_side_are_no_copies() -> None:
    image = scene(2)
    assert alike(image[:, :110], image[:, 118:])[1] < 0.5


def test_other_pictures_are_no_copies() -> None:
    for seed in range(6):
        assert alike(scene(seed), scene(seed + 20))[1] < 0.5
        assert alike(photograph(seed, 131, 113), photograph(seed + 20, 131, 113))[1] < 0.5


def ramp(gain: float, sideways: bool) -> Pixels:
    rows, columns = np.mgrid[:97, :121]
    return np.repeat(
        (40 + gain * (columns if sideways else rows)).astype(np.uint8)[..., None], 3, axis=2
    )


def noisy(seed: int) -> Pixels:
    return np.clip(
        128 + np.random.default_rng(seed).standard_normal((97, 121, 3)) * 3, 0, 255
    ).astype(np.uint8)


DULL = {
    "grey": (flat(128), flat(129)),
    "black and white": (flat(0), flat(255)),
    "ramps": (ramp(1, True), ramp(0.7, True)),
    "steeper ramps": (ramp(1.2, False), ramp(1.7, False)),
    "noise": (noisy(1), noisy(2)),
    "tiny": (photograph(1, 16, 17), photograph(2, 16, 17)),
    "a ramp and a flat": (ramp(1, True), flat(90)),
}


@pytest.mark.parametrize("name", DULL)
def test_pictures_that_show_nothing_are_no_copies_of_one_another(name: str) -> None:
    assert alike(*DULL[name])[1] < 0.5


def test_flat_pictures_have_no_hash_and_no_keypoints() -> None:
    assert whole_hash(grey_of(flat(128))) is None
    assert len(keypoints(grey_of(flat(128))).codes) == 0
    assert whole_hash(grey_of(noisy(1))) is None


def test_the_hash_stays_under_rescaling_and_compression() -> None:
    for seed in range(4):
        image = scene(seed)
        first = whole_hash(grey_of(image))
        for copy in (recompressed(image, 30), resized(image, 0.4)):
            second = whole_hash(grey_of(copy))
            assert first is not None
            assert second is not None
            assert (first ^ second).bit_count() <= 6


def test_keypoints_are_spread_and_bounded() -> None:
    found = keypoints(grey_of(np.tile(scene(3), (3, 3, 1))))
    assert 200 < len(found.codes) <= 320
    halves = np.histogram(found.places[:, 0], bins=3, range=(0, 3 * 233))[0]
    assert halves.min() > 0.2 * len(found.codes)
