"""Colours beside the formulas of their specifications, written again here."""

from __future__ import annotations

import struct
import sys
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from pairmill.pipeline.images.decode import ImageRejected, decode
from pairmill.schemas.errors import MissingLibraryError
from pairmill.schemas.image import Conversion, ImageReason, IngestConfig
from tests.support.odd_images import (
    file_bytes,
    icc_bytes,
    png_bytes,
    png_chunk,
    srgb_profile,
)

SMALL = IngestConfig(min_side=16)
Array = npt.NDArray[Any]
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
SRGB_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
ADOBE_XYZ = np.array(
    [
        [0.5767309, 0.1855540, 0.1881852],
        [0.2973769, 0.6273491, 0.0752741],
        [0.0270343, 0.0706872, 0.9911085],
    ]
)
"""Linear RGB to XYZ of D65, as Lindbloom and the specification of Adobe RGB (1998) print them."""
P3_TO_SRGB = np.array(
    [
        [1.2249401, -0.2249402, 0.0],
        [-0.0420569, 1.0420571, 0.0],
        [-0.0196376, -0.0786361, 1.0982735],
    ]
)
"""As CSS Color 4 has it."""


def colours(bits: int = 8) -> Array:
    """Moderate colours in all directions, (37, 31, 3)."""
    top = 2**bits - 1
    y, x = np.mgrid[:37, :31] / 40
    image = np.stack([0.25 + 0.5 * x, 0.3 + 0.5 * y, 0.7 - 0.4 * x * y], axis=-1)
    return np.rint(image * top).astype(np.uint16 if bits == 16 else np.uint8)


def decoded_srgb(values: Array) -> Array:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(light: Array) -> Array:
    """Light as sRGB, in levels of 0..255, not rounded."""
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def adobe(values: Array) -> Array:
    """What values 0..1 of Adobe RGB (1998) are in sRGB."""
    return encoded(values ** (563 / 256) @ (np.linalg.inv(SRGB_XYZ) @ ADOBE_XYZ).T)


def display_p3(values: Array) -> Array:
    return encoded(decoded_srgb(values) @ P3_TO_SRGB.T)


def by_profile(values: Array, gamma: float) -> Array:
    """What values of `icc_bytes(gamma)` are in sRGB: D50 to D65 by Bradford."""
    columns = np.array(
        [(0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)]
    ).T
    d50, d65 = np.array([0.9642, 1, 0.8249]), np.array([0.95047, 1, 1.08883])
    to_d65 = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ d65) / (BRADFORD @ d50)) @ BRADFORD
    exponent = round(gamma * 256) / 256
    return encoded(values**exponent @ (np.linalg.inv(SRGB_XYZ) @ to_d65 @ columns).T)


def check(data: bytes, wanted: Array, *conversions: Conversion, within: float = 0.55) -> None:
    """Decoded pixels are the wanted levels, rounded."""
    image, _, done = decode(data, SMALL)
    assert np.abs(image - wanted).max() < within
    assert done == conversions


def cicp(*numbers: int) -> bytes:
    return png_chunk(b"cICP", bytes(numbers))


def gama(gamma: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))


def chrm(*points: float) -> bytes:
    return png_chunk(b"cHRM", struct.pack(">8I", *(round(point * 100_000) for point in points)))


def iccp(profile: bytes) -> bytes:
    return png_chunk(b"iCCP", b"a profile\0\0" + zlib.compress(profile))


CHRM_ADOBE = chrm(0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
CHRM_SRGB = chrm(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
SRGB_CHUNK = png_chunk(b"sRGB", b"\0")
SIXTEEN = Conversion.SIXTEEN_TO_EIGHT_BIT


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_sixteen_bits_are_rounded_after_their_profile(gamma: float) -> None:
    values, profile = colours(16), icc_bytes(gamma)
    data = png_bytes(values, 2, extra=iccp(profile))
    check(data, by_profile(values / 65535, gamma), SIXTEEN, Conversion.ICC_TO_SRGB, within=0.6)


def test_a_dark_linear_sky_keeps_its_noise() -> None:
    rng = np.random.default_rng(0)
    sky = rng.normal(24, 1.5, (64, 64))  # in levels of sRGB
    linear = np.rint(decoded_srgb(sky / 255) * 65535).astype(np.uint16)
    profile = icc_bytes(1.0, grey=True)
    image, _, done = decode(png_bytes(linear, 0, extra=iccp(profile)), SMALL)
    assert done == (SIXTEEN, Conversion.GREY_TO_RGB, Conversion.ICC_TO_SRGB)
    np.testing.assert_array_equal(image[..., 0], np.rint(encoded(linear / 65535)))
    assert abs(image[..., 0].std() - sky.std()) < 0.05  # was 2.7 by way of 8 linear bits


def test_every_sixteen_bit_level_of_a_linear_profile() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    image, _, _ = decode(png_bytes(levels, 0, extra=iccp(icc_bytes(1.0, grey=True))), SMALL)
    wanted = encoded(levels / 65535)
    assert np.abs(image[..., 0] - wanted).max() < 0.502
    assert (np.diff(image[..., 0].ravel().astype(int)) >= 0).all()


def parametric_profile() -> bytes:
    """Adobe's primaries with the curve of sRGB, by parts."""
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    curve = b"para" + struct.pack(">IHH5i", 0, 3, 0, *(round(number * 65536) for number in numbers))
    profile = icc_bytes(1.0)
    count, place = struct.unpack_from(">I", profile, 128)[0], len(profile)
    table = bytearray(profile + curve)
    for entry in range(132, 132 + 12 * count, 12):
        if table[entry + 1 : entry + 4] == b"TRC":
            struct.pack_into(">II", table, entry + 4, place, len(curve))
    struct.pack_into(">I", table, 0, len(table))
    return bytes(table)


def test_parametric_curves() -> None:
    values = colours(16)
    linear = np.rint(decoded_srgb(values / 65535) * 65535).astype(np.uint16)
    by_parts = decode(png_bytes(values, 2, extra=iccp(parametric_profile())), SMALL)[0]
    by_power = decode(png_bytes(linear, 2, extra=iccp(icc_bytes(1.0))), SMALL)[0]
    assert np.abs(by_parts.astype(int) - by_power).max() <= 1
    assert (by_parts != by_power).mean() < 0.02


def table_profile() -> bytes:
    """An RGB profile of a table (`mft2` of 2 x 2 x 2) to Lab: greys by the mean of the channels."""
    white = np.zeros((2, 2, 2, 3))
    white[..., 0] = np.indices((2, 2, 2)).mean(axis=0) * 0xFF00
    white[..., 1:] = 0x8000
    head = struct.pack(">4sIBBBx", b"mft2", 0, 3, 3, 2)
    matrix = struct.pack(">9i", *(65536 * np.eye(3, dtype=int).ravel()))
    ramps = struct.pack(">HH", 2, 2) + struct.pack(">6H", *(0, 65535) * 3)
    table = struct.pack(">24H", *white.ravel().astype(int))
    element = head + matrix + ramps + table + struct.pack(">6H", *(0, 65535) * 3)
    plain = icc_bytes(1.0)
    start = 132 + 12 * 2
    wtpt = b"XYZ \0\0\0\0" + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    tags = struct.pack(">I", 2) + b"wtpt" + struct.pack(">II", start, len(wtpt))
    tags += b"A2B0" + struct.pack(">II", start + len(wtpt), len(element))
    body = plain[4:20] + b"Lab " + plain[24:128] + tags + wtpt + element
    return struct.pack(">I", len(body) + 4) + body


def test_profiles_of_tables_at_sixteen_bits() -> None:
    values = colours(16)
    lightness = 100 * values.mean(axis=2) / 65535
    third = (lightness + 16) / 116
    light = np.where(third > 6 / 29, third**3, 3 * (6 / 29) ** 2 * (third - 4 / 29))
    wanted = np.repeat(encoded(light)[..., None], 3, axis=2)
    data = png_bytes(values, 2, extra=iccp(table_profile()))
    check(data, wanted, SIXTEEN, Conversion.ICC_TO_SRGB, within=0.6)


def test_profiles_of_tables_name_the_library_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(MissingLibraryError, match="codecs"):
        decode(png_bytes(colours(16), 2, extra=iccp(table_profile())), SMALL)


def adobe_exif(space: int = 65535, index: str = "R03") -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = space
    if index:
        exif.get_ifd(0x8769)[0xA005] = {1: index}
    return exif.tobytes()


@pytest.mark.parametrize(("space", "index"), [(65535, "R03"), (2, "")])
def test_adobe_rgb_that_stands_in_exif_alone(space: int, index: str) -> None:
    exif, values = adobe_exif(space, index), colours()
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True})):
        data = file_bytes(kind, values, exif=exif, **options)
        check(data, adobe(values / 255), Conversion.EXIF_COLOUR_TO_SRGB)
    jpeg = file_bytes("JPEG", values, quality=95, exif=exif)
    plain = decode(file_bytes("JPEG", values, quality=95), SMALL)[0]
    check(jpeg, adobe(plain / 255), Conversion.EXIF_COLOUR_TO_SRGB)
    check(file_bytes("JPEG", values, quality=95, exif=exif, icc_profile=srgb_profile()), plain)


@pytest.mark.parametrize(("space", "index"), [(1, "R98"), (1, "R03"), (65535, ""), (65535, "THM")])
def test_exif_of_srgb_or_of_nothing_changes_no_pixel(space: int, index: str) -> None:
    data = file_bytes("PNG", colours(), exif=adobe_exif(space, index))
    check(data, colours(), within=0.01)


PNG_COLOURS: dict[str, tuple[bytes, Any, tuple[Conversion, ...]]] = {
    "P3 by cICP": (cicp(12, 13, 0, 1), display_p3, (Conversion.CICP_TO_SRGB,)),
    "sRGB by cICP": (cicp(1, 13, 0, 1), lambda v: 255 * v, ()),
    "linear by cICP": (cicp(1, 8, 0, 1), encoded, (Conversion.CICP_TO_SRGB,)),
    "linear by gAMA": (gama(1), encoded, (Conversion.GAMMA_TO_SRGB,)),
    "Adobe RGB by gAMA and cHRM": (
        gama(256 / 563) + CHRM_ADOBE,
        adobe,
        (Conversion.GAMMA_TO_SRGB,),
    ),
    "cHRM alone": (
        chrm(0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
        display_p3,
        (Conversion.GAMMA_TO_SRGB,),
    ),
    "the gAMA that stands for sRGB": (gama(0.45455) + CHRM_SRGB, lambda v: 255 * v, ()),
    "that gAMA alone": (gama(0.45455), lambda v: 255 * v, ()),
    "sRGB before gAMA": (gama(1) + SRGB_CHUNK, lambda v: 255 * v, ()),
    "iCCP before sRGB": (
        SRGB_CHUNK + gama(1) + iccp(icc_bytes(2.2)),
        lambda v: by_profile(v, 2.2),
        (Conversion.ICC_TO_SRGB,),
    ),
    "cICP before iCCP": (
        iccp(icc_bytes(1.0)) + cicp(12, 13, 0, 1),
        display_p3,
        (Conversion.CICP_TO_SRGB,),
    ),
    "a cICP that is not known before iCCP": (
        cicp(10, 17, 0, 1) + iccp(icc_bytes(2.2)),
        lambda v: by_profile(v, 2.2),
        (Conversion.ICC_TO_SRGB,),
    ),
    "a cICP that says nothing": (cicp(2, 2, 0, 1), lambda v: 255 * v, ()),
    "a cHRM of zeros": (
        gama(1) + chrm(*[0] * 8),
        lambda v: 255 * v,
        (Conversion.BROKEN_COLOUR_IGNORED,),
    ),
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", sorted(PNG_COLOURS))
def test_what_the_chunks_of_a_png_say_of_colour(name: str, bits: int) -> None:
    extra, formula, conversions = PNG_COLOURS[name]
    values = colours(bits)
    depth = (SIXTEEN,) if bits == 16 else ()
    # Pillow's transform of 8 bits rounds inside, too.
    within = 1.1 if Conversion.ICC_TO_SRGB in conversions and bits == 8 else 0.55
    data = png_bytes(values, 2, bits=bits, extra=extra)
    check(data, formula(values / (2**bits - 1)), *depth, *conversions, within=within)


def test_rec_709_and_narrow_range() -> None:
    values = colours()
    light = np.where(
        values / 255 < 0.081, values / 255 / 4.5, ((values / 255 + 0.099) / 1.099) ** (1 / 0.45)
    )
    data = png_bytes(values, 2, bits=8, extra=cicp(1, 1, 0, 1))
    check(data, encoded(light), Conversion.CICP_TO_SRGB, within=0.6)
    narrow = ((values - 16.0) / 219).clip(0, 1) * 255
    data = png_bytes(values, 2, bits=8, extra=cicp(1, 13, 0, 0))
    check(data, narrow, Conversion.CICP_TO_SRGB)


def test_grey_stays_grey() -> None:
    for bits in (8, 16):
        data = png_bytes(colours(bits)[..., 0], 0, bits=bits, extra=cicp(12, 13, 0, 1) + CHRM_ADOBE)
        image, _, _ = decode(data, SMALL)
        assert (image == image[..., :1]).all()


def test_a_colour_that_is_not_known_is_rejected_by_name() -> None:
    with pytest.raises(ImageRejected, match="colour primaries 10, transfer 17") as rejected:
        decode(png_bytes(colours(), 2, bits=8, extra=cicp(10, 17, 0, 1)), SMALL)
    assert rejected.value.reason == ImageReason.UNKNOWN_COLOUR


def pq_profile() -> bytes:
    """A profile whose curve is SMPTE ST 2084, sampled, and whose name says nothing."""
    values = np.linspace(0, 1, 256) ** (1 / 78.84375)
    light = (np.maximum(values - 0.8359375, 0) / (18.8515625 - 18.6875 * values)) ** (
        1 / 0.1593017578125
    )
    return _with_curve(light)


def hlg_profile() -> bytes:
    """The inverse OETF of Rec. ITU-R BT.2100 HLG."""
    values = np.linspace(0, 1, 256)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return _with_curve(np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12))


def _with_curve(light: Array) -> bytes:
    samples = np.rint(light.clip(0, 1) * 65535).astype(">u2").tobytes()
    curve = b"curv" + struct.pack(">II", 0, len(light)) + samples
    profile = bytearray(icc_bytes(1.0) + curve)
    for entry in range(132, 132 + 12 * struct.unpack_from(">I", profile, 128)[0], 12):
        if profile[entry + 1 : entry + 4] == b"TRC":
            struct.pack_into(">II", profile, entry + 4, len(profile) - len(curve), len(curve))
    struct.pack_into(">I", profile, 0, len(profile))
    return bytes(profile)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_stills_are_rejected_with_what_to_do(transfer: int, name: str) -> None:
    profile = pq_profile() if name == "PQ" else hlg_profile()
    for data in (
        png_bytes(colours(), 2, bits=8, extra=cicp(9, transfer, 0, 1)),
        png_bytes(colours(16), 2, extra=cicp(9, transfer, 0, 1)),
        png_bytes(colours(16), 2, extra=iccp(profile)),
        file_bytes("JPEG", colours(), icc_profile=profile),
        file_bytes("WEBP", colours(), icc_profile=profile),
        file_bytes("TIFF", colours(), icc_profile=profile),
    ):
        with pytest.raises(ImageRejected, match="export it as SDR, in sRGB") as rejected:
            decode(data, SMALL)
        assert rejected.value.reason == ImageReason.HDR


def test_ordinary_profiles_are_not_hdr() -> None:
    for profile in (icc_bytes(2.6), icc_bytes(1.0), srgb_profile()):
        decode(file_bytes("JPEG", colours(), icc_profile=profile), SMALL)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    check(file_bytes("PNG", colours(), icc_profile=lab), colours(), Conversion.BROKEN_ICC_IGNORED)


def test_the_profile_that_a_bmp_embeds() -> None:
    plain, profile = file_bytes("BMP", colours()), icc_bytes(2.2)
    pixels = plain[54:]
    header = struct.pack("<I", 124) + plain[18:54] + bytes(124 - 40)
    header = (
        header[:56] + b"DEBM" + header[60:112] + struct.pack("<II", 124 + len(pixels), len(profile))
    )
    header += bytes(124 - len(header))
    data = plain[:10] + struct.pack("<I", 14 + 124) + header + pixels + profile
    data = data[:2] + struct.pack("<I", len(data)) + data[6:]
    check(data, by_profile(colours() / 255, 2.2), Conversion.ICC_TO_SRGB, within=1.1)
    check(data.replace(b"DEBM", b"BGRs"), colours(), within=0.01)
