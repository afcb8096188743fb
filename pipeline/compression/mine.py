"""What is known of the compression of one real image: from its file if that is a JPEG, else from
its pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.compression.estimate import Estimate, estimate
from pairmill.pipeline.compression.read import FileEncoder, read_encoder
from pairmill.pipeline.compression.tables import Encoder, nearest_quality
from pairmill.pipeline.images.header import read_header
from pairmill.schemas.compression import CompressionConfig, CompressionSource, MinedCompression
from pairmill.schemas.image import IngestConfig

JPEG = ("JPEG", "MPO")
"""Containers whose tables can be read."""
SAME_QUALITY = 4
"""By how much the quality that pixels show must stay behind that of the file to be an older
one's."""


def of_file(data: bytes, digest: str) -> MinedCompression:
    """The compression that a JPEG file tells of.

    Raises:
        ImageRejected: if the file is damaged.
    """
    found = read_encoder(data, read_header(data, IngestConfig()).orientation)
    if found is None:
        return nothing(digest)
    return _exact(digest, found)


def of_pixels(image: NDArray[np.uint8], digest: str, config: CompressionConfig) -> MinedCompression:
    """The compression that (H, W, 3) pixels tell of, if any."""
    found = estimate(image)
    if found is None:
        return nothing(digest)
    sure = found.evidence >= config.min_evidence and found.confidence >= config.min_confidence
    if sure and found.known[0] >= config.min_steps:
        return _estimated(digest, found)
    return nothing(digest, found.evidence)


def older_quality(image: NDArray[np.uint8], file: MinedCompression | None = None) -> int:
    """Quality of the JPEG that (H, W, 3) pixels were before they were saved as they are; 0 if none
    shows.

    Of JPEGs only an older one on the same grid shows: cropping hides it behind the newer one.

    Args:
        image: The pixels.
        file: What the file says, if it is a JPEG.
    """
    quality = of_pixels(image, "0" * 64, CompressionConfig()).quality
    if file is not None and quality > file.quality - SAME_QUALITY:
        return 0
    return quality


def nothing(digest: str, evidence: float = 0.0) -> MinedCompression:
    """No compression."""
    return MinedCompression(
        image=digest,
        source=CompressionSource.NONE,
        luma=(),
        chroma=(),
        subsampling="444",
        phase=(0, 0),
        quality=0,
        standard=False,
        known=(0, 0),
        confidence=0.0,
        evidence=round(evidence, 2),
    )


def encoder_of(mined: MinedCompression) -> Encoder:
    """The encoder of a compressed image."""
    luma, chroma = (np.array(steps, np.int64).reshape(8, 8) for steps in (mined.luma, mined.chroma))
    return Encoder(luma, chroma, mined.subsampling)


def _exact(digest: str, found: FileEncoder) -> MinedCompression:
    return _record(
        digest, CompressionSource.FILE, found.encoder, found.phase, found.known, 1.0, 0.0
    )


def _estimated(digest: str, found: Estimate) -> MinedCompression:
    return _record(
        digest,
        CompressionSource.PIXELS,
        found.encoder,
        found.phase,
        found.known,
        found.confidence,
        round(found.evidence, 2),
    )


def _record(
    digest: str,
    source: CompressionSource,
    encoder: Encoder,
    phase: tuple[int, int],
    known: tuple[int, int],
    confidence: float,
    evidence: float,
) -> MinedCompression:
    quality, standard = nearest_quality(encoder.luma)
    return MinedCompression(
        image=digest,
        source=source,
        luma=tuple(encoder.luma.ravel().tolist()),
        chroma=tuple(encoder.chroma.ravel().tolist()),
        subsampling=encoder.subsampling,
        phase=phase,
        quality=quality,
        standard=standard,
        known=known,
        confidence=confidence,
        evidence=evidence,
    )
