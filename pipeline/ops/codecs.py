"""Lossy codecs: clip, round to 8 bits, encode, decode; the result is 8-bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.models.functional.chroma import subsample_chroma
from pairmill.models.functional.resize import to_uint8
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.codecs.jpeg import roundtrip_quality
from pairmill.pipeline.codecs.stills import avif, jpeg_xl, webp
from pairmill.pipeline.codecs.video import video
from pairmill.pipeline.ops.base import Apply, Image
from pairmill.schemas.ops.codecs import Avif, ChromaSubsample, Jpeg, JpegXl, Video, Webp


def eight_bits(image: Image) -> NDArray[np.uint8]:
    """(H, W, 3) clipped and rounded half up; an 8-bit image as it is."""
    if image.dtype == np.uint8:
        return np.asarray(image, np.uint8)
    return to_uint8(np.asarray(image, np.float64))


def _jpeg(op: Jpeg, image: Image, _assets: Assets) -> Image:
    return roundtrip_quality(eight_bits(image), op.quality, op.subsampling, op.phase)


def _webp(op: Webp, image: Image, _assets: Assets) -> Image:
    return webp(eight_bits(image), op.quality)


def _avif(op: Avif, image: Image, _assets: Assets) -> Image:
    return avif(eight_bits(image), op.quality, op.subsampling, op.speed)


def _jpeg_xl(op: JpegXl, image: Image, _assets: Assets) -> Image:
    return jpeg_xl(eight_bits(image), op.distance, op.effort)


def _chroma_subsample(op: ChromaSubsample, image: Image, _assets: Assets) -> Image:
    rows, columns = op.subsampling == "420", op.subsampling != "444"
    return to_uint8(subsample_chroma(eight_bits(image), rows, columns, op.smooth))


def _video(op: Video, image: Image, _assets: Assets) -> Image:
    return video(eight_bits(image), op.codec, op.crf, op.frames, op.motion)


CODECS: dict[type, Apply] = {
    Jpeg: _jpeg,
    Webp: _webp,
    Avif: _avif,
    JpegXl: _jpeg_xl,
    ChromaSubsample: _chroma_subsample,
    Video: _video,
}
