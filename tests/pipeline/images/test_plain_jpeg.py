"""JPEGs by the faster decoder: pixels, verdicts and conversions are Pillow's."""

from __future__ import annotations

import io
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from pairmill.pipeline.images import decode as decoding
from pairmill.pipeline.images.decode import OpenedImage, decode, open_image
from pairmill.pipeline.images.find import FoundFile
from pairmill.pipeline.images.header import read_header
from pairmill.pipeline.images.plain_jpeg import decode_plain
from pairmill.schemas.image import Conversion, ImageRecord, IngestConfig, RejectedImage, Role
from tests.support.odd_images import exif_bytes, file_bytes, icc_bytes, picture

CONFIG = IngestConfig(min_side=16)
SIZES = [(16, 16), (17, 31), (37, 31), (64, 65), (16, 130), (131, 17)]
SAMPLINGS = {
    "444": 0x111111,
    "422": 0x211111,
    "420": 0x221111,
    "440": 0x121111,
    "411": 0x411111,
}


def scenes(height: int, width: int) -> list[NDArray[np.uint8]]:
    """Noise, a ramp, and blobs of saturated colours."""
    rng = np.random.default_rng(height * width)
    coarse = rng.integers(0, 256, (height // 5 + 1, width // 5 + 1, 3)).astype(np.uint8)
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    return [
        rng.integers(0, 256, (height, width, 3)).astype(np.uint8),
        np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (height, width, 3))),
        np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8),
    ]


def by_pillow(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def plain(data: bytes) -> NDArray[np.uint8] | None:
    return decode_plain(read_header(data, CONFIG), data)


def written(image: NDArray[np.uint8], *options: int) -> bytes:
    return bytes(cv2.imencode(".jpg", image[..., ::-1], options)[1])


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_pixels_are_those_of_pillow(sampling: str) -> None:
    """All kinds of subsampling, sequential and progressive, with restart markers and without, over
    sizes that are no multiples of blocks."""
    chosen = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling]
    for size, quality, progressive, restart in product(SIZES, (5, 60, 92, 100), (0, 1), (0, 2)):
        for image in scenes(*size):
            data = written(
                image,
                *chosen,
                *(cv2.IMWRITE_JPEG_QUALITY, quality),
                *(cv2.IMWRITE_JPEG_PROGRESSIVE, progressive),
                *(cv2.IMWRITE_JPEG_RST_INTERVAL, restart),
            )
            found = plain(data)
            assert found is not None
            assert found.flags.c_contiguous
            assert found.flags.writeable
            np.testing.assert_array_equal(found, by_pillow(data))


def test_other_jpegs_are_left_to_pillow() -> None:
    grey = file_bytes("JPEG", picture()[..., 0])
    rgb = file_bytes("JPEG", keep_rgb=True)
    assert plain(grey) is None
    assert plain(rgb) is None
    assert plain(file_bytes("PNG")) is None
    np.testing.assert_array_equal(decode(rgb, CONFIG)[0], by_pillow(rgb))
    assert decode(grey, CONFIG)[2] == (Conversion.GREY_TO_RGB,)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_upright_as_pillow_turns_it(orientation: int, kind: str) -> None:
    data = file_bytes(kind, exif=exif_bytes(orientation))
    image, _, conversions = decode(data, CONFIG)
    with Image.open(io.BytesIO(data)) as opened:
        turned = ImageOps.exif_transpose(opened)
        assert turned is not None
        np.testing.assert_array_equal(image, np.array(turned.convert("RGB")))
    assert image.flags.c_contiguous
    assert image.flags.writeable
    assert (Conversion.EXIF_ROTATED in conversions) == (orientation != 1)


Verdict = ImageRecord | RejectedImage


def slowly(data: bytes, monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[Verdict, Verdict]:
    """What becomes of a file with the faster decoder, and without."""
    path = folder / "file.jpg"
    path.write_bytes(data)
    found = FoundFile(url=str(path), bytes=len(data), modified="0")
    fast = open_image(found, Role.REAL, CONFIG, camera=True)
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "decode_plain", lambda _header, _data: None)
        slow = open_image(found, Role.REAL, CONFIG, camera=True)
    return _verdict(fast), _verdict(slow)


def _verdict(opened: OpenedImage | RejectedImage) -> Verdict:
    return opened.record if isinstance(opened, OpenedImage) else opened


PROFILES = {
    "sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    "wide": icc_bytes(2.2),
    "grey": icc_bytes(grey=True),
    "broken": b"no profile",
}


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_are_applied_as_before(
    profile: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = file_bytes("JPEG", quality=90, icc_profile=PROFILES[profile])
    fast, slow = slowly(data, monkeypatch, tmp_path)
    assert fast == slow
    assert isinstance(fast, ImageRecord)
    assert (
        fast.conversions
        == {
            "sRGB": (),
            "wide": (Conversion.ICC_TO_SRGB,),
            "grey": (Conversion.BROKEN_ICC_IGNORED,),
            "broken": (Conversion.BROKEN_ICC_IGNORED,),
        }[profile]
    )


def test_damaged_files_get_the_same_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One flipped bit, a lost byte, a cut, zeros, a stray marker; anywhere in the file."""
    rng = np.random.default_rng(0)
    verdicts = list[bool]()
    for number in range(240):
        image = scenes(64, 65)[number % 3]
        data = bytearray(
            written(
                image,
                *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, list(SAMPLINGS.values())[number % 5]),
                *(cv2.IMWRITE_JPEG_PROGRESSIVE, number // 5 % 2),
                *(cv2.IMWRITE_JPEG_RST_INTERVAL, number // 10 % 2 * 3),
            )
        )
        place = int(rng.integers(2, len(data)))
        if number % 5 == 0:
            data[place] ^= 1 << int(rng.integers(8))
        elif number % 5 == 1:
            del data[place]
        elif number % 5 == 2:
            del data[place:]
        elif number % 5 == 3:
            data[place : place + 20] = bytes(20)
        else:
            data[place:place] = b"\xff\xd3"
        fast, slow = slowly(bytes(data), monkeypatch, tmp_path)
        assert fast == slow
        verdicts.append(isinstance(fast, RejectedImage))
    assert 40 < sum(verdicts) < 220
