"""JPEGs in their own colours, and noise that is restored there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pairmill.models.camera.flat_blocks import Blocks, fine_noise
from pairmill.models.functional.noise_floor import ROUNDING
from pairmill.pipeline.compression.mine import encoder_of, of_file
from pairmill.pipeline.compression.restore import restore
from pairmill.pipeline.images.coded import Coded, load_coded
from pairmill.pipeline.images.colour import to_srgb_of
from pairmill.pipeline.images.decode import ingest_file, load
from pairmill.pipeline.images.find import FoundFile
from pairmill.pipeline.noise.residual import residual
from pairmill.pipeline.stages.measure_photographs import noise_blocks
from pairmill.schemas.image import ImageRecord, IngestConfig, Role
from tests.support.odd_images import icc_bytes

SIDE = 64
NOISY = np.rint(np.random.default_rng(5).normal([90, 120, 90], 3, (192, 256, 3))).astype(np.uint8)
CORNERS = [(row, column) for row in range(0, 192, SIDE) for column in range(0, 256, SIDE)]


def ingested(
    folder: Path, image: NDArray[np.uint8] = NOISY, quality: int = 85, **options: Any
) -> ImageRecord:
    path = folder / "a.jpg"
    Image.fromarray(image).save(path, quality=quality, **options)
    found = FoundFile(url=str(path), bytes=path.stat().st_size, modified="0")
    record = ingest_file(found, Role.REAL, IngestConfig())
    assert isinstance(record, ImageRecord)
    return record


def cut(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([image[top : top + SIDE, left : left + SIDE] for top, left in CORNERS])


def strength(patches: NDArray[Any]) -> NDArray[np.float64]:
    return np.stack([residual(patch) for patch in patches]).std(axis=(0, 1, 2))


def coded(record: ImageRecord) -> Coded:
    found = load_coded(record)
    assert found is not None
    return found


def test_noise_by_level_is_that_of_srgb(tmp_path: Path) -> None:
    """A gamma of 1.8 makes noise stronger in the dark, and weaker where it is bright."""
    rng = np.random.default_rng(6)
    halves = [rng.normal(level, 3, (128, 128, 3)) for level in ([55, 45, 50], [190, 200, 210])]
    image = np.rint(np.concatenate(halves, axis=1)).astype(np.uint8)
    record = ingested(tmp_path, image, 90, icc_profile=icc_bytes())
    found = coded(record)
    compression = of_file((tmp_path / "a.jpg").read_bytes(), "ab" * 32)
    seen = to_srgb_of(image, found.told).astype(np.float64)
    # Less the rounding to 8 bits, which noise is told without.
    truth = [
        math.sqrt(fine_noise(half, by_luma=True)[0] - ROUNDING)
        for half in (seen[:, :128], seen[:, 128:])
    ]
    assert truth[0] > 1.3 * truth[1]

    def strengths(blocks: Blocks) -> list[float]:
        bright = blocks.level[:, 0] > 128
        return [float(np.nanmean(blocks.noise[part])) ** 0.5 for part in (~bright, bright)]

    assert strengths(noise_blocks(load(record), compression, found)) == pytest.approx(
        truth, rel=0.05
    )
    # As if sRGB pixels had been coded.
    here = np.array(strengths(noise_blocks(load(record), compression)))
    assert np.abs(here / truth - 1).max() > 0.1


def test_a_jpeg_of_srgb_is_what_was_coded(tmp_path: Path) -> None:
    assert load_coded(ingested(tmp_path)) is None


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_with_a_profile_is_seen_as_it_was_coded(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    found = coded(ingested(tmp_path, icc_profile=icc_bytes(), exif=exif))
    with Image.open(tmp_path / "a.jpg") as image:
        plain = np.asarray(image)
    expected = np.rot90(plain, -1) if orientation == 6 else plain
    np.testing.assert_array_equal(found.pixels, expected)


def test_noise_is_restored_in_the_colours_of_the_file_and_then_converted(tmp_path: Path) -> None:
    record = ingested(tmp_path, icc_profile=icc_bytes())
    found = coded(record)
    encoder = encoder_of(of_file((tmp_path / "a.jpg").read_bytes(), "ab" * 32))
    truth = strength(cut(to_srgb_of(NOISY, found.told)))
    slopes = np.stack([found.slope(patch.mean(axis=(0, 1))) for patch in cut(found.pixels)])
    rng = np.random.default_rng(1)
    restored = restore(cut(found.pixels), CORNERS, encoder, (0, 0), rng)
    assert strength(restored) == pytest.approx(strength(cut(NOISY)), rel=0.03)
    # By slopes, which follow where the conversion is smooth: not at the edge of sRGB.
    assert strength(restored @ slopes[:, None]) == pytest.approx(truth, rel=0.05)
    # As if sRGB pixels had been coded: what it is for.
    rng = np.random.default_rng(1)
    here = restore(cut(load(record)), CORNERS, encoder, (0, 0), rng)
    assert np.abs(strength(here) / truth - 1).max() > 0.1
