"""Images as bytes and back, in every encoding: the same pixels, the same bytes, errors with a
reason."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, features

from pairmill.pipeline.images import quick_png
from pairmill.pipeline.images.encode import (
    SUFFIXES,
    decode,
    decode_suspect,
    encode,
    encode_png,
    encoder_builds,
)
from pairmill.pipeline.images.quick_png import quick_pixels
from pairmill.schemas.errors import MissingLibraryError
from pairmill.schemas.shard import Encoding
from tests.support.photographed import scene

Image8 = NDArray[np.uint8]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
SIZES = ((1, 1), (37, 31), (1, 300), (300, 1), (2, 3), (130, 257), (128, 128))


def noise(height: int, width: int, seed: int = 0) -> Image8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def flat(height: int, width: int) -> Image8:
    return np.full((height, width, 3), (255, 0, 7), np.uint8)


def gradient(height: int, width: int) -> Image8:
    ramp = np.add.outer(np.arange(height), 3 * np.arange(width))
    return (ramp[..., None] + np.array([0, 50, 9])).astype(np.uint8)


def synthetic() -> Image8:
    """37 x 31: a gradient above, flat below, with a few pixels of noise: no arithmetic but that of
    integers."""
    image = gradient(37, 31)
    image[20:] = 200
    image[5:9, 5:9] = (np.arange(48).reshape(4, 4, 3) * 89 % 251).astype(np.uint8)
    return image


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("make", [noise, flat, gradient])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_round_trip(encoding: Encoding, make: Any, size: tuple[int, int]) -> None:
    image = make(*size)
    data = encode(image, encoding)
    for read in (decode, decode_suspect):
        again = read(data)
        assert again.dtype == np.uint8
        np.testing.assert_array_equal(again, image, strict=True)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("number", [0, 1, 4, 5])
def test_round_trip_of_photographs(encoding: Encoding, number: int) -> None:
    image = scene(number)[3:230, 5:206]  # a view, not contiguous
    assert not image.flags.c_contiguous
    np.testing.assert_array_equal(decode(encode(image, encoding)), image)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1), st.integers(1, 256))
def test_round_trip_of_any_size(height: int, width: int, seed: int, values: int) -> None:
    image = noise(height, width, seed) % np.uint8(values) if values < 256 else noise(height, width)
    for encoding in ENCODINGS:
        np.testing.assert_array_equal(decode(encode(image, encoding)), image)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_no_rgb_image_is_refused(encoding: Encoding) -> None:
    bad: Any
    for bad in (noise(5, 4)[..., :1], noise(5, 4)[..., 0], noise(5, 4).astype(np.float32)):
        with pytest.raises(ValueError, match="uint8 image, got"):
            encode(bad, encoding)
    for shape in ((0, 4, 3), (4, 0, 3)):
        with pytest.raises(ValueError, match="no pixels"):
            encode(np.zeros(shape, np.uint8), encoding)


@pytest.mark.parametrize(("encoding", "longest"), [("fast", 65535), ("small", 16383)])
def test_sides_that_a_header_does_not_hold_are_refused(encoding: Encoding, longest: int) -> None:
    for shape in ((1, longest), (longest, 1)):
        np.testing.assert_array_equal(decode(encode(flat(*shape), encoding)), flat(*shape))
    for shape in ((1, longest + 1), (longest + 1, 1)):
        with pytest.raises(ValueError, match=f"at most {longest} for {encoding}"):
            encode(flat(*shape), encoding)


def test_a_failure_of_fpng_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import fpng

    monkeypatch.setattr(fpng, "from_ndarray", lambda *_: b"")
    with pytest.raises(ValueError, match="could not encode"):
        encode(synthetic(), "fast")


def test_opencv_is_what_encode_png_makes() -> None:
    image = scene(0)[:64, :48]
    assert encode(image, "opencv") == encode_png(image)


def test_encodings_are_told_from_their_bytes() -> None:
    image = synthetic()
    found = {encoding: encode(image, encoding) for encoding in ENCODINGS}
    assert [data[:2] for data in found.values()] == [b"\x89P", b"RI", b"\x89P"]
    assert b"fdEC" in found["fast"]
    assert {encoding: SUFFIXES[encoding] for encoding in ENCODINGS} == {
        "fast": "png",
        "small": "webp",
        "opencv": "png",
    }


# Bytes of one picture by one build of each encoder; another build may make others.
GOLDEN = {
    "fast": (
        {"fpng": "0.1.0"},
        "50de5a03f078668bc97d395566a4b52be0ff129a3caa910a663388d1b0927baa",
    ),
    "small": (
        {"libwebp": "1.6.0", "pillow": "13.0.0"},
        "28661521b7ca0c07dd9927fe270015d897cb4c9135857f3049dc1067318fc3b1",
    ),
}


@pytest.mark.parametrize("encoding", ["fast", "small"])
def test_golden_bytes(encoding: Encoding) -> None:
    built, wanted = GOLDEN[encoding]
    if encoder_builds(encoding) != built:
        pytest.skip(f"made with {built}, here is {encoder_builds(encoding)}")
    assert hashlib.sha256(encode(synthetic(), encoding)).hexdigest() == wanted


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_bytes_are_the_same_in_threads_and_processes(encoding: Encoding) -> None:
    images = [synthetic(), noise(64, 80), flat(33, 33)]
    wanted = [hashlib.sha256(encode(image, encoding)).hexdigest() for image in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda image: encode(image, encoding), images * 20))
    assert [hashlib.sha256(data).hexdigest() for data in found] == wanted * 20
    code = f"""
import hashlib, sys
import numpy as np
from pairmill.pipeline.images.encode import encode
image = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(37, 31, 3)
print(hashlib.sha256(encode(image, {encoding!r})).hexdigest())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=synthetic().tobytes(), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == wanted[0]


def test_builds_are_named_by_encoding() -> None:
    assert list(encoder_builds("fast")) == ["fpng"]
    assert list(encoder_builds("small")) == ["libwebp", "pillow"]
    found = encoder_builds("opencv")
    assert list(found) == ["libpng (opencv)", "opencv", "zlib (opencv)"]
    assert found["opencv"] == cv2.__version__
    assert "unknown" not in found.values()


def test_a_missing_fpng_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(synthetic(), "fast")
    monkeypatch.setitem(sys.modules, "fpng", None)
    with pytest.raises(MissingLibraryError) as caught:
        encode(synthetic(), "fast")
    assert caught.value.todo == "pip install fpng"
    np.testing.assert_array_equal(decode(data), synthetic())  # reading needs none


def test_a_pillow_without_webp_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(MissingLibraryError, match="Pillow that was built with WebP"):
        encode(synthetic(), "small")
    assert list(encoder_builds("small")) == ["pillow"]


def test_reading_without_isal_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [encode(image, "fast") for image in (synthetic(), noise(20, 20), scene(0)[:50, :60])]
    wanted = [decode(data) for data in files]
    monkeypatch.setattr(quick_png, "zlib", zlib)
    monkeypatch.setattr(quick_png, "_Damaged", zlib.error)
    for data, image in zip(files, wanted, strict=True):
        np.testing.assert_array_equal(quick_pixels(data), image)
    with pytest.raises(ValueError, match="not a readable PNG"):
        quick_pixels(with_data(files[0], b"no zlib"))


def with_data(data: bytes, packed: bytes) -> bytes:
    """A PNG with other bytes in its one IDAT."""
    start = data.index(b"IDAT") - 4
    chunk = b"IDAT" + packed
    ending = struct.pack(">I", zlib.crc32(chunk))
    return data[:start] + struct.pack(">I", len(packed)) + chunk + ending + data[-12:]


def test_which_pngs_are_read_quickly() -> None:
    image = scene(1)[:40, :50]
    assert quick_pixels(encode(image, "fast")) is not None
    assert quick_pixels(encode(image, "opencv")) is not None
    assert quick_pixels(encode(noise(40, 50), "fast")) is not None


def pillow_png(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def test_other_pngs_are_left_to_opencv() -> None:
    image = scene(1)[:40, :50]
    picture = Image.fromarray(image)
    mixed = pillow_png(picture)  # filters by row
    assert quick_pixels(mixed) is None
    np.testing.assert_array_equal(decode(mixed), image)
    assert quick_pixels(pillow_png(picture, dpi=(72, 72))) is None  # a chunk that we do not know
    grey = pillow_png(picture.convert("L"))
    assert quick_pixels(grey) is None
    assert decode(grey).shape == (40, 50, 3)
    for other in (b"", b"no image", encode(image, "fast")[:20]):
        with pytest.raises(ValueError, match="not a readable PNG"):
            decode(other)


def test_filters_of_the_first_row() -> None:
    """Up over the first row, for which the row above counts as zero; and no filter at all."""
    image = synthetic()
    plain = encode(image, "fast")
    rows = image.reshape(37, 93)
    up = np.diff(rows, axis=0, prepend=np.zeros((1, 93), np.uint8))
    for kind, body in ((2, up), (0, rows)):
        filtered = np.concatenate([np.full((37, 1), kind, np.uint8), body], axis=1)
        data = with_data(plain, zlib.compress(filtered.tobytes()))
        np.testing.assert_array_equal(quick_pixels(data), image)
        np.testing.assert_array_equal(decode_suspect(data), image)
    short = with_data(plain, zlib.compress(filtered[:-1].tobytes()))
    with pytest.raises(ValueError, match=r"3384 bytes for 37 rows of 94"):
        decode(short)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_cut_is_an_error_or_costs_no_pixel(
    encoding: Encoding, capfd: pytest.CaptureFixture[str]
) -> None:
    data, passed = encode(synthetic(), encoding), []
    for length in range(len(data)):
        try:
            np.testing.assert_array_equal(decode_suspect(data[:length]), synthetic())
        except ValueError:
            continue
        passed.append(len(data) - length)
    assert max(passed, default=0) <= 21  # checksums behind the pixels of a PNG, and its end
    assert passed == [] or encoding != "small"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_flipped_bit_is_an_error_or_leaves_an_image(
    encoding: Encoding, capfd: pytest.CaptureFixture[str]
) -> None:
    """Maybe with other pixels, for which there are digests; never a crash, and nothing printed."""
    data, errors = encode(synthetic(), encoding), 0
    for place in range(len(data)):
        damaged = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        try:
            found = decode_suspect(damaged)
        except ValueError:
            errors += 1
        else:
            assert found.dtype == np.uint8
            assert found.shape[2:] == (3,)
    assert errors > 20
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("encoding", ["fast", "opencv"])
def test_damaged_pixels_are_errors_when_reading(encoding: Encoding) -> None:
    data = encode(scene(0)[:50, :60], encoding)
    first = data.index(b"IDAT") + 4
    for place in range(first + 10, len(data) - 20, 97):
        damaged = data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]
        with pytest.raises(ValueError, match="not a readable PNG"):
            decode(damaged)


@pytest.mark.parametrize("size", [(0, 31), (37, 0), (2**31 - 1, 2**31 - 1), (38, 31)])
def test_a_header_that_claims_another_size_is_an_error(size: tuple[int, int]) -> None:
    data = encode(synthetic(), "fast")
    head = b"IHDR" + struct.pack(">II", size[1], size[0]) + data[24:29]
    damaged = data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
    with pytest.raises(ValueError, match="not a readable PNG"):
        decode(damaged)
