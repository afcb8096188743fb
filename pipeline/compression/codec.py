"""Encode and decode as an encoder of a pool does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.codecs.jpeg import roundtrip
from pairmill.pipeline.compression.tables import Encoder, Table

LARGEST = 255
"""Largest step of baseline JPEG; those of files with 16-bit tables are cut to it."""


def compress(
    image: NDArray[np.uint8], encoder: Encoder, phase: tuple[int, int]
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB through JPEG; 4:4:0 is 4:2:2 of the turned image.

    Args:
        image: What is encoded.
        encoder: Tables and subsampling.
        phase: Rows and columns, 0..15, by which the image starts inside its first block.
    """
    if encoder.subsampling != "440":
        return roundtrip(
            image, (_steps(encoder.luma), _steps(encoder.chroma)), encoder.subsampling, phase
        )
    turned = np.ascontiguousarray(image.transpose(1, 0, 2))
    tables = _steps(encoder.luma.T), _steps(encoder.chroma.T)
    return np.ascontiguousarray(roundtrip(turned, tables, "422", phase[::-1]).transpose(1, 0, 2))


def _steps(table: Table) -> list[int]:
    steps: list[int] = np.minimum(table, LARGEST).ravel().tolist()
    return steps
