"""WebP, AVIF and JPEG XL: encode and decode one image on one thread."""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from pairmill.pipeline.extras import extra
from pairmill.schemas.errors import UserError

Image8 = NDArray[np.uint8]
WEBP_METHOD = 4
"""Effort of libwebp, 0..6; 4 is its default."""
PILLOW_SUBSAMPLING = {"444": "4:4:4", "422": "4:2:2", "420": "4:2:0"}


def webp(image: Image8, quality: int) -> Image8:
    """Lossy WebP of (H, W, 3) RGB, always 4:2:0.

    Args:
        image: RGB; at most 16383 pixels a side.
        quality: 1..100 on libwebp's scale.
    """
    return _through(image, "webp", "WebP", quality=quality, method=WEBP_METHOD)


def avif(
    image: Image8, quality: int, subsampling: Literal["444", "422", "420"] = "420", speed: int = 8
) -> Image8:
    """AVIF of (H, W, 3) RGB by libaom: full range, BT.601.

    Args:
        image: RGB.
        quality: 1..100 on libavif's scale.
        subsampling: Chroma subsampling.
        speed: 0..10; larger is quicker and worse.
    """
    options = {"subsampling": PILLOW_SUBSAMPLING[subsampling], "codec": "aom", "max_threads": 1}
    return _through(image, "avif", "AVIF", quality=quality, speed=speed, **options)


def jpeg_xl(image: Image8, distance: float, effort: int = 4) -> Image8:
    """Lossy JPEG XL (VarDCT, XYB) of (H, W, 3) RGB.

    Args:
        image: RGB.
        distance: Butteraugli distance, above 0 and at most 25.
        effort: 1..9; larger is slower and better.

    Raises:
        MissingLibraryError: if imagecodecs is missing.
    """
    with extra("codecs", "JPEG XL", "a program with JPEG XL"):
        import imagecodecs as codecs
    encoded = codecs.jpegxl_encode(
        np.ascontiguousarray(image), distance=distance, effort=effort, numthreads=1
    )
    return np.asarray(codecs.jpegxl_decode(encoded, numthreads=1), np.uint8)


def _through(image: Image8, feature: str, name: str, **options: Any) -> Image8:
    if not features.check(feature):
        raise UserError(
            f"{name} needs a Pillow that was built with it.",
            where=f"a program with {name}",
            got="a Pillow without it",
            wanted="the wheel of Pillow from PyPI, in the version of constraints.txt",
            todo=f"pip install --force-reinstall -c constraints.txt pillow, or take {name} out "
            "of the recipe",
        )
    file = io.BytesIO()
    Image.fromarray(image).save(file, feature.upper(), **options)
    with Image.open(file) as decoded:
        return np.array(decoded.convert("RGB"))
