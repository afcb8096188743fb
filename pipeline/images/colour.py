"""Any allowed colour as 8-bit sRGB: 16 bits, alpha, palettes, grey, ICC profiles and other words on
colour. Values are rounded to 8 bits once, after all that is not linear.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pairmill.pipeline.extras import extra
from pairmill.pipeline.images.colour_space import (
    IMPERCEPTIBLE,
    changes_nothing,
    probe_levels,
    to_srgb8,
)
from pairmill.pipeline.images.header import Header
from pairmill.pipeline.images.icc import hdr_of, matrix_space
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.pipeline.images.tiff16 import decode_tiff16
from pairmill.pipeline.images.told import Told, rejected_hdr
from pairmill.schemas.image import Conversion, ImageReason

Levels = NDArray[np.uint8] | NDArray[np.uint16]
"""(height, width) of grey or (height, width, 3) of RGB."""
Done = list[Conversion]

_TO_EIGHT_BIT = ((np.arange(65536) + 128) // 257).astype(np.uint8)
"""round(v / 257) for every 16-bit v; 257 is odd, so there are no ties."""
UNREADABLE = (ImageCms.PyCMSError, OSError, ValueError, TypeError, struct.error)
"""What is raised of profiles."""
_GREY_WITH_ALPHA = 4
"""Colour type of a PNG."""
_BAND = 256
"""Rows at a time of a conversion in floating point."""


def to_srgb(
    header: Header, plain: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.uint8], tuple[Conversion, ...]]:
    """Decode a file to an RGB image, not yet upright, and say what was converted.

    Args:
        header: Of the file.
        plain: What Pillow would decode, (height, width, 3) uint8 RGB, where that is known.

    Returns:
        (height, width, 3) uint8 RGB, C-contiguous and writable; and what was converted.

    Raises:
        ImageRejected: `transparent`, `hdr`, or `corrupt` if 16 bits cannot be decoded.
        MissingLibraryError: A profile of tables at 16 bits needs extra `codecs`.
        Exception: Damaged data, as Pillow and OpenCV raise it.
    """
    if header.told.profile:
        _check_hdr(header.told.profile)
    levels: Levels
    if plain is not None:
        levels, done = plain, Done()
    elif header.bits == 16:
        levels, done = _from_sixteen_bit(header)
    else:
        levels, done = _from_eight_bit(header)
    if levels.ndim == 2:
        done.append(Conversion.GREY_TO_RGB)
    image, conversions = _converted(levels, header.told)
    return image, (*done, *conversions)


def to_srgb_of(pixels: NDArray[np.uint8], told: Told) -> NDArray[np.uint8]:
    """(height, width, 3) pixels of a file that tells of its colours, in sRGB."""
    return _converted(pixels, told)[0]


def from_eight_bit(header: Header) -> NDArray[np.uint8]:
    """An 8-bit file as it stands, (height, width, 3) RGB, not upright, in its own colours."""
    return _rgb8(_from_eight_bit(header)[0])


def _from_eight_bit(header: Header) -> tuple[NDArray[np.uint8], Done]:
    header.image.load()
    image: Image.Image = header.image
    done = Done()
    for step in (_without_alpha, _without_palette):
        image, conversions = step(image)
        done += conversions
    return np.array(image), done


def _from_sixteen_bit(header: Header) -> tuple[NDArray[np.uint16], Done]:
    done = [Conversion.SIXTEEN_TO_EIGHT_BIT]
    pixels: NDArray[Any] | None
    if header.container == "TIFF":
        pixels = decode_tiff16(header.data)
    else:  # Pillow would keep the high bytes alone
        pixels = cv2.imdecode(np.frombuffer(header.data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is not None and pixels.ndim == 3:
            pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    if pixels is None or pixels.dtype != np.uint16:
        detail = (
            f"The 16-bit {header.container} cannot be decoded; 16-bit grey and RGB are allowed."
        )
        raise ImageRejected(ImageReason.CORRUPT, detail)
    if pixels.ndim == 2:
        _check_grey_key(header, pixels)
        return (65535 - pixels if header.white_is_zero else pixels), done
    if pixels.shape[2] == 4:
        _check_opaque(int(_TO_EIGHT_BIT[pixels[..., 3].min()]))
        done.append(Conversion.OPAQUE_ALPHA_DROPPED)
    if header.container == "PNG" and header.data[25] == _GREY_WITH_ALPHA:
        return np.ascontiguousarray(pixels[..., 0]), done
    return np.ascontiguousarray(pixels[..., :3]), done


def _check_grey_key(header: Header, pixels: np.ndarray) -> None:
    key = header.image.info.get("transparency")
    if key is not None and (pixels == key).any():
        raise ImageRejected(
            ImageReason.TRANSPARENT,
            f"Grey value {key} is transparent; only opaque ones are allowed.",
        )


def _check_opaque(least: int) -> None:
    if least < 255:
        detail = (
            f"The least opacity is {least} of 255; only opaque pixels are allowed: flatten "
            "the image."
        )
        raise ImageRejected(ImageReason.TRANSPARENT, detail)


def _without_alpha(image: Image.Image) -> tuple[Image.Image, list[Conversion]]:
    if not image.has_transparency_data:
        return image, []
    least = int(np.asarray(image.convert("RGBA").getchannel("A")).min())
    _check_opaque(least)
    image.info.pop("transparency", None)
    opaque = {"LA": "L", "La": "L", "RGBA": "RGB", "RGBa": "RGB", "PA": "P"}.get(
        image.mode, image.mode
    )
    return image.convert(opaque), [Conversion.OPAQUE_ALPHA_DROPPED]


def _without_palette(image: Image.Image) -> tuple[Image.Image, list[Conversion]]:
    if image.mode == "P":
        return image.convert("RGB"), [Conversion.PALETTE_TO_RGB]
    if image.mode == "1":
        return image.convert("L"), []
    if image.mode != "L":
        return image.convert("RGB"), []
    return image, []


def _converted(levels: Levels, told: Told) -> tuple[NDArray[np.uint8], Done]:
    """Levels of sRGB, of a profile or of a space as sRGB."""
    if told.profile:
        return _by_profile(levels, told.profile)
    if told.space is None or told.by is None or changes_nothing(told.space):
        passed_over = told.by == Conversion.BROKEN_COLOUR_IGNORED
        return _rgb8(levels), [Conversion.BROKEN_COLOUR_IGNORED] if passed_over else []
    return to_srgb8(levels, told.space), [told.by]


def _rgb8(levels: Levels) -> NDArray[np.uint8]:
    eight: NDArray[np.uint8]
    if levels.dtype == np.uint16:
        eight = _TO_EIGHT_BIT[levels]
    else:
        eight = levels.astype(np.uint8, copy=False)
    return eight if eight.ndim == 3 else np.repeat(eight[..., None], 3, axis=2)


def _by_profile(levels: Levels, profile: bytes) -> tuple[NDArray[np.uint8], Done]:
    try:
        transform = _transform_to_srgb(profile)
        if transform is None:
            return _rgb8(levels), []
        if transform.input_mode == "L" and levels.ndim == 3:
            raise ValueError("a profile for grey in an RGB image")
        if levels.dtype == np.uint16:
            return _by_profile16(levels, profile, transform.input_mode), [Conversion.ICC_TO_SRGB]
        image = Image.fromarray(levels)
        if transform.input_mode == "RGB":
            image = image.convert("RGB")
        return np.array(_applied(transform, image)), [Conversion.ICC_TO_SRGB]
    except UNREADABLE:
        # A profile that cannot be read, or is for printing inks, or is for grey in an RGB image.
        return _rgb8(levels), [Conversion.BROKEN_ICC_IGNORED]


def _by_profile16(levels: Levels, profile: bytes, mode: str) -> NDArray[np.uint8]:
    """Pillow transforms 8 bits alone, and Little CMS at 16 bits is up to a level off, for it puts a
    grid in place of curves: here curves and primaries are applied as they stand, and tables by
    Little CMS in floating point.
    """
    space = matrix_space(profile)
    if space is not None:
        return to_srgb8(levels, space)
    with extra("codecs", "A 16-bit image with an ICC profile of tables"):
        import imagecodecs
    image = np.empty((*levels.shape[:2], 3), np.uint8)
    for row in range(0, len(levels), _BAND):
        band = levels[row : row + _BAND].astype(np.float32) / 65535
        if mode == "RGB" and levels.ndim == 2:
            band = np.stack([band] * 3, axis=-1)
        found = imagecodecs.cms_transform(
            band,
            profile,
            _srgb_profile().tobytes(),
            colorspace="rgb" if mode == "RGB" else "gray",
            outcolorspace="rgb",
            outdtype=np.float32,
            intent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        image[row : row + _BAND] = np.rint(found.clip(0, 1) * 255)
    return image


@lru_cache(maxsize=32)
def _check_hdr(profile: bytes) -> None:
    try:
        description = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile)))
    except UNREADABLE:
        return
    if says := hdr_of(profile, description):
        raise rejected_hdr(says)


def _srgb_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=32)
def _transform_to_srgb(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """The transform of a profile; None if it changes nothing that could be seen, as that of sRGB
    itself.
    """
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    mode = {"RGB": "RGB", "GRAY": "L"}.get(source.profile.xcolor_space.strip())
    if mode is None:
        raise ValueError(f"the profile is for {source.profile.xcolor_space}")
    transform = ImageCms.buildTransform(
        source,
        _srgb_profile(),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    probe = _probe(mode)
    before, after = (
        np.asarray(image, np.int16) for image in (probe.convert("RGB"), _applied(transform, probe))
    )
    if np.abs(after - before).max() > IMPERCEPTIBLE:
        return transform
    return None


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    result = ImageCms.applyTransform(image, transform)
    assert result is not None  # None is for work in place
    return result


def _probe(mode: str) -> Image.Image:
    levels = probe_levels()
    return Image.fromarray(levels[:, :18, 2] if mode == "L" else levels)
