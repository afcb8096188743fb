"""Any allowed colour as 8-bit sRGB: 16 bits, alpha, palettes, grey and ICC profiles."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pairmill.pipeline.images.header import Header
from pairmill.pipeline.images.rejected import ImageRejected
from pairmill.schemas.image import Conversion, ImageReason

_TO_EIGHT_BIT = ((np.arange(65536) + 128) // 257).astype(np.uint8)
"""round(v / 257) for every 16-bit v; 257 is odd, so there are no ties."""
_IMPERCEPTIBLE = 1
"""Largest change, in intensity levels, by a profile that is taken for sRGB."""
UNREADABLE = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
"""What Pillow raises of profiles."""


def to_srgb(
    header: Header, data: bytes, plain: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.uint8], tuple[Conversion, ...]]:
    """Decode the file `data` to an RGB image, not yet upright, and say what was converted.

    Args:
        header: Of the file.
        data: The file.
        plain: What Pillow would decode, (height, width, 3) uint8 RGB, where that is known.

    Returns:
        (height, width, 3) uint8 RGB, C-contiguous and writable; and what was converted.

    Raises:
        ImageRejected: `transparent`, or `not-8-or-16-bit` if 16 bits cannot be decoded.
        Exception: Damaged data, as Pillow and OpenCV raise it.
    """
    profile = header.image.info.get("icc_profile")
    if plain is not None:
        # Most profiles are those of sRGB, which change nothing.
        if not profile or _changes_nothing(profile):
            return plain, ()
        image, done = Image.fromarray(plain), list[Conversion]()
    elif header.bits == 16:
        image, done = _from_sixteen_bit(header, data), [Conversion.SIXTEEN_TO_EIGHT_BIT]
    else:
        header.image.load()
        image, done = header.image, list[Conversion]()
    for step in (_without_alpha, _without_palette):
        image, conversion = step(image)
        done += conversion
    image, conversion = _by_profile(image, profile)
    done += conversion
    return np.array(image if image.mode == "RGB" else image.convert("RGB")), tuple(done)


def _changes_nothing(profile: bytes) -> bool:
    try:
        return _transform_to_srgb(profile) is None
    except UNREADABLE:  # which the conversions say
        return False


def _from_sixteen_bit(header: Header, data: bytes) -> Image.Image:
    # Pillow cuts 16-bit RGB to the high bytes; OpenCV keeps all bits, but it prints about damaged
    # TIFF files.
    if header.container == "TIFF":
        header.image.load()
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.shape[:2] != header.image.size[::-1]:
        detail = (
            f"The 16-bit {header.container} cannot be decoded; 16-bit grey and RGB are allowed."
        )
        raise ImageRejected(ImageReason.CORRUPT, detail)
    if pixels.ndim == 2:
        _check_grey_key(header, pixels)
        if header.white_is_zero:
            pixels = 65535 - pixels
        return Image.fromarray(_TO_EIGHT_BIT[pixels])
    if pixels.shape[2] == 3:
        order = cv2.COLOR_BGR2RGB
    else:
        order = cv2.COLOR_BGRA2RGBA
    image = Image.fromarray(_TO_EIGHT_BIT[cv2.cvtColor(pixels, order)])
    is_grey_with_alpha = header.container == "PNG" and data[25] == 4
    if is_grey_with_alpha:
        return Image.merge("LA", (image.getchannel(0), image.getchannel(3)))
    return image


def _check_grey_key(header: Header, pixels: np.ndarray) -> None:
    key = header.image.info.get("transparency")
    if key is not None and (pixels == key).any():
        raise ImageRejected(
            ImageReason.TRANSPARENT,
            f"Grey value {key} is transparent; only opaque ones are allowed.",
        )


def _without_alpha(image: Image.Image) -> tuple[Image.Image, list[Conversion]]:
    if not image.has_transparency_data:
        return image, []
    least = int(np.asarray(image.convert("RGBA").getchannel("A")).min())
    if least < 255:
        detail = (
            f"The least opacity is {least} of 255; only opaque pixels are allowed: flatten "
            "the image."
        )
        raise ImageRejected(ImageReason.TRANSPARENT, detail)
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


def _by_profile(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, list[Conversion]]:
    done = [Conversion.GREY_TO_RGB] if image.mode == "L" else []
    if not profile:
        return image, done
    try:
        transform = _transform_to_srgb(profile)
        if transform is None:
            return image, done
        if transform.input_mode == "RGB":
            fitting = image.convert("RGB")
        else:
            fitting = image
        return _applied(transform, fitting), [*done, Conversion.ICC_TO_SRGB]
    except UNREADABLE:
        # A profile that cannot be read, or is for printing inks, or is for grey in an RGB image.
        return image, [*done, Conversion.BROKEN_ICC_IGNORED]


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
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    probe = _probe(mode)
    before, after = (
        np.asarray(image, np.int16) for image in (probe.convert("RGB"), _applied(transform, probe))
    )
    if np.abs(after - before).max() > _IMPERCEPTIBLE:
        return transform
    return None


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    result = ImageCms.applyTransform(image, transform)
    assert result is not None  # None is for work in place
    return result


def _probe(mode: str) -> Image.Image:
    levels = np.arange(0, 256, 15).astype(np.uint8)
    if mode == "L":
        return Image.fromarray(levels[None])
    return Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3))
