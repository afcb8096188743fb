"""How well the last codec of a program kept the image, on one scale of 0 to 100."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pairmill.pipeline.assets import Assets
from pairmill.pipeline.compression.tables import Encoder, nearest_quality
from pairmill.schemas.ops.codecs import Avif, Jpeg, JpegXl, Video, Webp
from pairmill.schemas.ops.pooled import PooledJpeg
from pairmill.schemas.program import Program

LARGEST_CRF = {"h264": 51, "hevc": 51, "vp9": 63, "av1": 63}


def quality_of(program: Program, assets: Assets) -> float | None:
    """Quality of the last codec, 0 to 100; none if no codec was used.

    JPEG, WebP and AVIF on their libraries' own scales; a photograph's JPEG tables as the nearest
    of libjpeg; JPEG XL as `cjxl -q` maps its distance; video as 100 less its rate factor's share of
    the largest.
    """
    found = (
        QUALITIES[type(op)](op, assets) for op in reversed(program.ops) if type(op) in QUALITIES
    )
    return next(found, None)


def _of_tables(op: PooledJpeg, assets: Assets) -> float:
    quality, _ = nearest_quality(Encoder.of_row(assets.encoder(op.pool, op.index)).luma)
    return float(quality)


def of_distance(distance: float) -> float:
    """Quality, for libjxl, of a Butteraugli distance: d = 0.1 + 0.09 (100 - q) from q = 30
    on, below it d = 53 / 3000 q^2 - 23 / 20 q + 25 (`JxlEncoderDistanceFromQuality`).
    """
    if distance <= 6.4:
        return min(100 - (distance - 0.1) / 0.09, 100.0)
    a, b, c = 53 / 3000, 23 / 20, 25 - distance
    return float((b - (b * b - 4 * a * c) ** 0.5) / (2 * a))


QUALITIES: dict[type, Callable[[Any, Assets], float]] = {
    Jpeg: lambda op, _assets: float(op.quality),
    Webp: lambda op, _assets: float(op.quality),
    Avif: lambda op, _assets: float(op.quality),
    JpegXl: lambda op, _assets: of_distance(op.distance),
    Video: lambda op, _assets: 100 * (1 - op.crf / LARGEST_CRF[op.codec]),
    PooledJpeg: _of_tables,
}
