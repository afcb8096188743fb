"""Compression read from files, estimated from pixels, and taken out of noise."""

from __future__ import annotations

import io
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import truncnorm

from pairmill.models.functional.block_cosines import blocked, unblocked
from pairmill.models.functional.camera import demosaic, mosaic
from pairmill.pipeline.codecs.jpeg import roundtrip, roundtrip_quality
from pairmill.pipeline.compression import estimate as estimating
from pairmill.pipeline.compression.blocks import planes, reduced, rgb, stored
from pairmill.pipeline.compression.codec import compress
from pairmill.pipeline.compression.estimate import estimate
from pairmill.pipeline.compression.mine import encoder_of, of_file, of_pixels
from pairmill.pipeline.compression.read import read_encoder
from pairmill.pipeline.compression.restore import restore, truncated
from pairmill.pipeline.compression.tables import (
    CHROMA,
    FACTORS,
    LUMA,
    Encoder,
    nearest_quality,
    standard,
)
from pairmill.pipeline.images.decode import decode
from pairmill.pipeline.noise.residual import residual
from pairmill.schemas.compression import CompressionConfig, CompressionSource
from pairmill.schemas.image import IngestConfig
from tests.support.make import photograph

DIGEST = "ab" * 32
PHOTO = photograph(11, 213, 245, noise=2.0)
STEPS = np.arange(2, 66).reshape(8, 8)
"""A table that is not symmetric and no standard one."""


def jpeg(image: NDArray[np.uint8], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", **options)
    return file.getvalue()


def pixels(data: bytes) -> NDArray[np.uint8]:
    return decode(data, IngestConfig())[0]


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 75, 92, 100])
def test_standard_tables_are_those_that_pillow_writes(quality: int) -> None:
    with Image.open(io.BytesIO(jpeg(PHOTO, quality=quality))) as image:
        tables = image.quantization  # type: ignore[attr-defined]
        written = {number: np.array(steps).reshape(8, 8) for number, steps in tables.items()}
    np.testing.assert_array_equal(standard(LUMA, quality), written[0])
    np.testing.assert_array_equal(standard(CHROMA, quality), written[1])
    assert nearest_quality(standard(LUMA, quality)) == (quality, True)


def test_no_two_qualities_share_a_luma_table() -> None:
    """Of chroma alone, the three coarsest are one table; with luma beside it all differ."""
    luma, chroma = (
        [standard(base, quality).tobytes() for quality in range(1, 101)] for base in (LUMA, CHROMA)
    )
    assert len(set(luma)) == len(set(zip(luma, chroma, strict=True))) == 100
    assert len(set(chroma)) == 98


def test_nearest_quality_of_other_tables() -> None:
    other = standard(LUMA, 80) + 1
    distances = [
        np.abs(np.log(standard(LUMA, quality)) - np.log(other)).mean() for quality in range(1, 101)
    ]
    assert nearest_quality(other) == (1 + int(np.argmin(distances)), False)
    partly = np.where(np.eye(8) > 0, standard(CHROMA, 60), 0)
    assert nearest_quality(partly, chroma=True) == (60, True)
    with pytest.raises(ValueError, match="no step"):
        nearest_quality(np.zeros((8, 8), np.int64))


@given(
    st.lists(st.integers(1, 65535), min_size=128, max_size=128), st.sampled_from(sorted(FACTORS))
)
def test_encoders_survive_as_rows(steps: list[int], subsampling: Any) -> None:
    luma, chroma = np.array(steps).reshape(2, 8, 8)
    again = Encoder.of_row(Encoder(luma, chroma, subsampling).row())
    assert (again.luma.tolist(), again.chroma.tolist(), again.subsampling) == (
        luma.tolist(),
        chroma.tolist(),
        subsampling,
    )


def test_a_row_that_is_no_encoder_is_refused() -> None:
    row = Encoder(STEPS, STEPS, "420").row()
    for place in ((0, 5), (2, 0)):
        broken = row.copy()
        broken[place] = 0
        with pytest.raises(ValueError, match="not a row"):
            Encoder.of_row(broken)


@settings(max_examples=20)
@given(st.integers(3, 20), st.integers(2, 20), st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2)]))
def test_reducing_undoes_the_triangle_filter(
    height: int, width: int, factors: tuple[int, int]
) -> None:
    """Upsampled by libjpeg's rule, written out: a far sample counts 1, a near one 3; borders are
    not needed."""
    samples = np.random.default_rng(height * width).normal(0, 20, (height + 2, width + 2))

    def enlarge(a: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros((len(a) - 2, 2, *a.shape[1:]))
        out[:, 0], out[:, 1] = (a[:-2] + 3 * a[1:-1]) / 4, (3 * a[1:-1] + a[2:]) / 4
        return out.reshape(-1, *a.shape[1:])

    tall = enlarge(samples) if factors[0] == 2 else samples[1:-1]
    whole = enlarge(tall.T).T if factors[1] == 2 else tall[:, 1:-1]
    np.testing.assert_allclose(reduced(whole, factors), samples[1:-1, 1:-1], atol=1e-9)


@pytest.mark.parametrize(
    ("subsampling", "factors"), [("420", (2, 2)), ("422", (1, 2)), ("440", (2, 1))]
)
def test_what_was_stored_of_weak_chroma_is_found(
    subsampling: str, factors: tuple[int, int]
) -> None:
    """FFmpeg gives the samples themselves; of libjpeg's pixels, the triangle filter undone finds
    a fifth more power and more in what varies among them."""
    noisy = flat_noise(4.0)
    option = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{subsampling}")
    options = [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, option]
    data = cv2.imencode(".jpg", np.ascontiguousarray(noisy[..., ::-1]), options)[1]
    ycc = planes(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)))
    with av.open(io.BytesIO(data.tobytes()), "r") as file:
        coded = [np.asarray(plane) for plane in next(file.decode(video=0)).planes]
    table = standard(CHROMA, 85)
    for number in (1, 2):
        rows, columns = (256 // factor for factor in factors)
        truth = coded[number].reshape(rows, -1)[:, :columns].astype(np.float64) - 128
        waves = np.rint(blocked(truth) / table).reshape(-1, 64)[:, 1:]
        assert (waves != 0).mean() > 0.001
        found = stored(ycc[number], table, factors).reshape(-1, 64)[:, 1:]
        np.testing.assert_array_equal(found, table.ravel()[1:] * waves)
        linear, own = (
            np.square(blocked(plane).reshape(-1, 64)[:, 1:]).mean()
            for plane in (reduced(ycc[number], factors), truth)
        )
        assert linear > 1.2 * own


def test_blocks_and_colours_are_undone() -> None:
    ycc = planes(PHOTO)
    np.testing.assert_allclose(rgb(ycc), PHOTO, atol=1e-9)
    np.testing.assert_allclose(unblocked(blocked(ycc)), ycc[:, :208, :240], atol=1e-9)
    assert blocked(ycc)[0, 0, 0, 0, 0] == pytest.approx(8 * ycc[0, :8, :8].mean())


@pytest.mark.parametrize(("option", "name"), [(0, "444"), (1, "422"), (2, "420")])
def test_a_file_tells_its_encoder(option: int, name: str) -> None:
    found = of_file(
        jpeg(
            PHOTO,
            qtables=[STEPS.ravel().tolist(), (STEPS + 30).ravel().tolist()],
            subsampling=option,
        ),
        DIGEST,
    )
    assert (found.source, found.subsampling, found.phase, found.known) == (
        CompressionSource.FILE,
        name,
        (0, 0),
        (64, 64),
    )
    assert found.luma == tuple(range(2, 66))
    assert found.chroma == tuple(range(32, 96))
    assert not found.standard


@pytest.mark.parametrize("coarse", [0, 1], ids=["blue", "red"])
def test_of_two_chroma_tables_the_finer_steps_are_taken_and_said_to_differ(coarse: int) -> None:
    tables = [(STEPS + 9 * n).ravel().tolist() for n in range(3)]
    order = tables if coarse else [tables[0], tables[2], tables[1]]
    found = of_file(jpeg(PHOTO, qtables=order), DIGEST)  # Pillow gives the third to Cr
    assert found.chroma == tuple(tables[1])
    assert found.known == (64, 0)
    assert of_file(jpeg(PHOTO, qtables=tables[:2]), DIGEST).known == (64, 64)


def test_a_large_image_is_mined_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plane is made that grows with the image."""
    sizes: list[int] = []

    def recorded(image: NDArray[Any]) -> NDArray[Any]:
        sizes.append(image.size)
        return planes(image)

    monkeypatch.setattr(estimating, "PIXELS", 1 << 15)
    monkeypatch.setattr(estimating, "WINDOWS", 6)
    monkeypatch.setattr(estimating, "planes", recorded)
    whole = np.tile(roundtrip_quality(PHOTO[:208, :240], 80), (3, 3, 1))
    found = of_pixels(whole, DIGEST, CompressionConfig())
    assert (found.quality, found.phase[0] % 8, found.phase[1] % 8) == (80, 0, 0)
    assert max(sizes) < whole.size / 8


def test_a_grey_file_gets_the_standard_chroma_table_and_stays_grey() -> None:
    grey = PHOTO[..., 1]
    found = of_file(jpeg(grey, quality=70), DIGEST)
    assert (found.quality, found.standard) == (70, True)
    assert found.chroma == tuple(standard(CHROMA, 70).ravel().tolist())
    again = compress(np.repeat(grey[..., None], 3, axis=2), encoder_of(found), (3, 5))
    assert (again == again[..., :1]).all()


def test_a_file_that_compresses_red_green_and_blue_is_left_out() -> None:
    assert read_encoder(jpeg(PHOTO, quality=70, keep_rgb=True, subsampling=0), 1) is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photographs_have_turned_tables_and_grids(orientation: int) -> None:
    """What the header tells must be what the pixels of the upright image tell."""
    exif = Image.Exif()
    exif[274] = orientation
    tables = [standard(LUMA, 85).ravel().tolist(), standard(CHROMA, 85).ravel().tolist()]
    tables[0][1], tables[0][8] = 3, 9  # not symmetric
    data = jpeg(PHOTO, qtables=tables, subsampling=1, exif=exif)
    told, seen = of_file(data, DIGEST), estimate(pixels(data))
    assert seen is not None
    assert (seen.phase, seen.encoder.subsampling) == (told.phase, told.subsampling)
    assert (seen.encoder.luma[0, 1], seen.encoder.luma[1, 0]) == (told.luma[1], told.luma[8])
    assert {told.luma[1], told.luma[8]} == {3, 9}


@pytest.mark.parametrize("quality", range(50, 100, 5))
def test_a_cropped_jpeg_is_found_in_its_pixels(quality: int) -> None:
    rng = np.random.default_rng(quality)
    for subsampling in ("444", "420"):
        top, left = (int(n) for n in rng.integers(0, 40, 2))
        whole = roundtrip_quality(PHOTO, quality, subsampling)
        found = of_pixels(np.ascontiguousarray(whole[top:, left:]), DIGEST, CompressionConfig())
        assert found.source == CompressionSource.PIXELS
        assert (found.phase[0] % 8, found.phase[1] % 8) == (top % 8, left % 8)
        assert found.quality == quality
        wrong = np.array(found.luma) != standard(LUMA, quality).ravel()
        assert wrong.sum() <= 3
        assert found.confidence > 0.8


def test_chroma_is_estimated_with_its_grid() -> None:
    colourful = np.stack([photograph(seed, 213, 245)[..., 0] for seed in range(3)], axis=2)
    whole = roundtrip_quality(colourful, 80, "420")
    found = of_pixels(np.ascontiguousarray(whole[11:, 5:]), DIGEST, CompressionConfig())
    assert (found.subsampling, found.phase) == ("420", (11, 5))
    assert found.known[1] > 2
    assert found.chroma == tuple(standard(CHROMA, 80).ravel().tolist())


@pytest.mark.parametrize("seed", range(12))
def test_lossless_photographs_have_no_compression(seed: int) -> None:
    image = photograph(seed, 131 + seed, 147, noise=seed / 3)
    found = of_pixels(image, DIGEST, CompressionConfig())
    assert found.source == CompressionSource.NONE
    assert (found.quality, found.luma, found.known) == (0, (), (0, 0))


@pytest.mark.parametrize(
    "image",
    [
        np.full((96, 100, 3), 77, np.uint8),
        np.zeros((90, 90, 3), np.uint8),
        photograph(1, 40, 64),
        np.repeat(np.repeat(photograph(2, 20, 22), 5, axis=0), 5, axis=1),
        photograph(3, 120, 120) // 32 * 32,
    ],
    ids=["flat", "black", "tiny", "enlarged", "posterised"],
)
def test_odd_images_have_no_compression(image: NDArray[np.uint8]) -> None:
    assert not of_pixels(np.ascontiguousarray(image), DIGEST, CompressionConfig()).found


def test_a_reduced_jpeg_has_no_compression() -> None:
    """Averaging takes the grid away: such an image must not be compressed again as if it were
    one."""
    halved = roundtrip_quality(PHOTO, 60)[:212, :244].reshape(106, 2, 122, 2, 3).mean(axis=(1, 3))
    assert not of_pixels(np.rint(halved).astype(np.uint8), DIGEST, CompressionConfig()).found


def test_thresholds_are_obeyed() -> None:
    image = roundtrip_quality(PHOTO, 80)
    found = of_pixels(image, DIGEST, CompressionConfig())
    assert found.found
    assert not of_pixels(image, DIGEST, CompressionConfig(min_evidence=found.evidence + 1)).found
    assert not of_pixels(
        image, DIGEST, CompressionConfig(min_confidence=found.confidence + 0.01)
    ).found


def test_draws_lie_in_their_interval_and_have_the_moments_of_a_truncated_normal() -> None:
    for low, high in ((-1.0, 1.0), (2.0, 6.0), (-9.0, -3.0), (-20.0, 0.5)):
        drawn = truncated(
            np.full(40000, 1.5), np.full(40000, low), np.full(40000, high), np.random.default_rng(5)
        )
        assert low <= drawn.min() <= drawn.max() <= high
        mean, variance = truncnorm.stats(low / 1.5, high / 1.5, scale=1.5)
        assert drawn.mean() == pytest.approx(mean, abs=0.03)
        assert drawn.var() == pytest.approx(variance, rel=0.05)
    far = truncated(np.array([0.1]), np.array([400.0]), np.array([402.0]), np.random.default_rng(5))
    assert 400 <= far[0] <= 402


def flat_noise(std: float) -> NDArray[np.uint8]:
    rng = np.random.default_rng(8)
    surface = np.array([140.0, 120.0, 100.0]) + np.linspace(0, 20, 256)[:, None, None]
    return np.rint(surface + rng.normal(0, std, (256, 256, 3))).astype(np.uint8)


def cut(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(
        image.reshape(4, 64, 4, 64, 3).swapaxes(1, 2).reshape(16, 64, 64, 3)
    )


def strength(patches: NDArray[Any]) -> NDArray[np.float64]:
    """Standard deviation of the residuals of Y, Cb and Cr."""
    return np.asarray(planes(np.stack([residual(patch) for patch in patches])).std(axis=(1, 2, 3)))


CORNERS = [(64 * row, 64 * column) for row in range(4) for column in range(4)]


@pytest.mark.parametrize(
    ("quality", "std", "tolerance"),
    [(95, 3.0, 0.05), (90, 3.0, 0.05), (75, 3.0, 0.08), (60, 5.0, 0.08)],
)
def test_restored_noise_is_as_strong_as_it_was(quality: int, std: float, tolerance: float) -> None:
    noisy = flat_noise(std)
    stored = cut(roundtrip_quality(noisy, quality))
    encoder = Encoder(standard(LUMA, quality), standard(CHROMA, quality), "420")
    restored = restore(stored, CORNERS, encoder, (0, 0), np.random.default_rng(1))
    truth, found = strength(cut(noisy)), strength(restored)
    assert found[0] == pytest.approx(truth[0], rel=tolerance)
    if quality < 90:
        assert strength(stored)[0] < 0.7 * truth[0]  # so much was lost
    else:
        assert strength(stored)[1] < 0.3 * truth[1]  # and of chroma everywhere
    assert found[1:] == pytest.approx(truth[1:], rel=0.1)


def sensed(kind: str, seed: int) -> NDArray[np.uint8]:
    """A flat area with noise of about 3 levels on the sensor, or of 1.5 that was blurred."""
    grain = np.random.default_rng(seed).normal(0, 3, (272, 272, 3))
    if kind == "blurred":
        grain = cv2.GaussianBlur(1.78 * grain, (0, 0), 1.0)
    if kind == "demosaiced":
        grain = demosaic(mosaic(grain, "rggb"), "rggb")
    return np.rint(np.array([140.0, 120.0, 100.0]) + grain[8:-8, 8:-8]).astype(np.uint8)


@pytest.mark.parametrize("kind", ["white", "blurred", "demosaiced"])
@pytest.mark.parametrize(
    ("quality", "subsampling", "seed"),
    [(75, "420", 12), (90, "420", 11), (95, "420", 12), (95, "444", 3)],
)
def test_noise_is_restored_with_the_correlation_of_its_source(
    kind: str, quality: int, subsampling: Any, seed: int
) -> None:
    """Strength of R, G, B and of Y, Cb, Cr, within a tenth; neighbours as alike as they were.

    White noise of seed 12 at 75 leaves no chroma at all, and looked a little more like a mosaic's.
    """
    noisy = sensed(kind, seed)
    stored = cut(roundtrip_quality(noisy, quality, subsampling))
    encoder = Encoder(standard(LUMA, quality), standard(CHROMA, quality), subsampling)
    restored = restore(stored, CORNERS, encoder, (0, 0), np.random.default_rng(1))
    truth, found = (
        np.stack([residual(patch) for patch in patches]) for patches in (cut(noisy), restored)
    )
    assert found.std(axis=(0, 1, 2)) == pytest.approx(truth.std(axis=(0, 1, 2)), rel=0.1)
    assert strength(restored) == pytest.approx(strength(cut(noisy)), rel=0.1)
    for plane in range(3):
        alike = [
            (grain[:, :, 1:] * grain[:, :, :-1]).mean() / (grain**2).mean()
            for grain in (planes(truth)[plane], planes(found)[plane])
        ]
        assert alike[1] == pytest.approx(alike[0], abs=0.12)


def test_restored_noise_is_white_again_and_compresses_to_what_was_stored() -> None:
    noisy = flat_noise(3.0)
    encoder = Encoder(standard(LUMA, 80), standard(CHROMA, 80), "420")
    stored = cut(roundtrip_quality(noisy, 80))
    restored = restore(stored, CORNERS, encoder, (0, 0), np.random.default_rng(1))
    grain = planes(np.stack([residual(patch) for patch in restored]))[0]
    power = (blocked(grain) ** 2).mean(axis=(0, 1, 2))
    assert power[5:, 5:].mean() == pytest.approx(power[1:4, 1:4].mean(), rel=0.25)
    before = (blocked(planes(np.stack([residual(patch) for patch in stored]))[0]) ** 2).mean(
        axis=(0, 1, 2)
    )
    assert before[5:, 5:].mean() < 0.1 * before[1:4, 1:4].mean()
    tables = encoder.luma.ravel().tolist(), encoder.chroma.ravel().tolist()
    again = np.stack(
        [roundtrip(np.clip(np.rint(patch), 0, 255).astype(np.uint8), tables) for patch in restored]
    )
    assert strength(again)[0] == pytest.approx(strength(stored)[0], rel=0.06)


def recompressed(patches: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Patches put together again and compressed on the grid that they had."""
    whole = patches.reshape(4, 4, 64, 64, 3).swapaxes(1, 2).reshape(256, 256, 3)
    return roundtrip_quality(np.clip(np.rint(whole), 0, 255).astype(np.uint8), 75, "420", (5, 11))


def test_restoring_depends_on_the_stream_alone_and_knows_the_grid() -> None:
    noisy = roundtrip_quality(flat_noise(3.0), 75, "420", (5, 11))
    encoder = Encoder(standard(LUMA, 75), standard(CHROMA, 75), "420")
    first, second = (
        restore(cut(noisy), CORNERS, encoder, (5, 11), np.random.default_rng(4)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert strength(first)[0] == pytest.approx(strength(cut(flat_noise(3.0)))[0], rel=0.08)
    wrong = restore(cut(noisy), CORNERS, encoder, (0, 0), np.random.default_rng(4))
    right, other = (
        np.abs(recompressed(patches).astype(float) - noisy)[12:244, 12:244].mean()
        for patches in (first, wrong)
    )
    assert right < 0.8 * other


def test_halving_columns_is_halving_rows_of_the_turned_image() -> None:
    encoder = Encoder(STEPS, STEPS + 9, "440")
    turned = Encoder(STEPS.T, (STEPS + 9).T, "422")
    image = photograph(5, 37, 31)
    seen = compress(image, encoder, (3, 10))
    other = compress(np.ascontiguousarray(image.transpose(1, 0, 2)), turned, (10, 3))
    np.testing.assert_array_equal(seen.transpose(1, 0, 2), other)
    assert seen.shape == image.shape
