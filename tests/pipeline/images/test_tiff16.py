"""TIFF files of 8 and 16 bits: one rule for both; what no library reads is called by its name."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from pairmill.pipeline.images.decode import ImageRejected, decode
from pairmill.schemas.image import Conversion, ImageReason, IngestConfig
from tests.support.odd_images import icc_bytes, picture, sixteen_bit

SMALL = IngestConfig(min_side=16)


def written(image: npt.NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, image, **({"photometric": "rgb", "metadata": None} | options))
    return file.getvalue()


def of_depth(bits: int) -> npt.NDArray[Any]:
    return sixteen_bit() if bits == 16 else picture()


def levels(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.rint(image / 257) if image.dtype == np.uint16 else image


def with_samples(image: npt.NDArray[Any], *values: int) -> npt.NDArray[Any]:
    return np.concatenate([image, *(np.full_like(image[..., :1], value) for value in values)], -1)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "zstd", "lzma"])
def test_every_compression_at_both_depths(compression: str, byteorder: str, bits: int) -> None:
    image = of_depth(bits)
    plain = {"compression": compression, "byteorder": byteorder}
    layouts: list[dict[str, Any]] = [{}, {"tile": (32, 48)}, {"rowsperstrip": 7}]
    if compression not in (None, "packbits"):
        layouts.append({"predictor": 2})
    for layout in layouts:
        found, _, _ = decode(written(image, **plain, **layout), SMALL)
        np.testing.assert_array_equal(found, levels(image))
        grey, _, _ = decode(written(image[..., 0], photometric="minisblack", **plain), SMALL)
        np.testing.assert_array_equal(grey[..., 0], levels(image[..., 0]))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_sample_that_is_not_alpha_is_left_out(compression: str, bits: int) -> None:
    image, top = of_depth(bits), 2**bits - 1
    options = {"compression": compression, "extrasamples": ["unspecified"]}
    found, _, done = decode(written(with_samples(image, 7), **options), SMALL)
    np.testing.assert_array_equal(found, levels(image))
    assert Conversion.OPAQUE_ALPHA_DROPPED not in done
    for kind in ("assocalpha", "unassalpha"):
        options["extrasamples"] = [kind]
        found, _, done = decode(written(with_samples(image, top), **options), SMALL)
        np.testing.assert_array_equal(found, levels(image))
        assert done[-1] == Conversion.OPAQUE_ALPHA_DROPPED
        with pytest.raises(ImageRejected) as rejected:
            decode(written(with_samples(image, top // 2), **options), SMALL)
        assert rejected.value.reason == ImageReason.TRANSPARENT


def test_what_is_not_read_is_called_by_its_name() -> None:
    wide = with_samples(sixteen_bit(), 1, 2)
    grey = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    for data, name in (
        (written(picture(), compression="lerc"), "LERC"),
        (written(sixteen_bit(), compression="lerc"), "LERC"),
        (written(picture(), compression="jpeg2000"), "JPEG 2000"),
        (written(picture(), compression="jpegxl"), "JPEG XL"),
        (written(picture(), compression="webp"), "WebP"),
        (written(wide, extrasamples=["unspecified"] * 2), "5 samples of 16 bits"),
        (written(wide[..., :2], **grey), "2 samples of 16 bits"),
        (written(sixteen_bit().transpose(2, 0, 1), planarconfig="separate"), "separate planes"),
        (written(with_samples(picture(), *range(9)), extrasamples=[0] * 9), "such samples"),
    ):
        with pytest.raises(ImageRejected, match=name) as rejected:
            decode(data, SMALL)
        assert rejected.value.reason == ImageReason.UNSUPPORTED_FORMAT


def test_profiles_of_tiffs_are_applied_at_full_depth() -> None:
    image = sixteen_bit()
    found, _, done = decode(written(image, iccprofile=icc_bytes(1.0)), SMALL)
    assert done == (Conversion.SIXTEEN_TO_EIGHT_BIT, Conversion.ICC_TO_SRGB)
    coarse = decode(
        written(levels(image).astype(np.uint16) * 257, iccprofile=icc_bytes(1.0)), SMALL
    )
    assert np.abs(found.astype(int) - coarse[0]).max() > 2  # what rounding first would cost


@pytest.mark.parametrize("compression", ["zlib", "lzma", "jpeg"])
def test_libtiff_prints_nothing(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    data, refused = written(picture(), compression=compression), 0
    for place in range(300, len(data) - 20, len(data) // 10):
        for damaged in (data[:place], data[:place] + b"\x93" * 16 + data[place + 16 :]):
            try:
                decode(damaged, SMALL)
            except ImageRejected:
                refused += 1
    assert refused > 3
    assert capfd.readouterr() == ("", "")
