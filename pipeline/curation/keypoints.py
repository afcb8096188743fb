"""What an image is recognised by: its keypoints as 128-bit codes, and a hash of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.rng import stream

SIDE = 1024
"""Longest side, in pixels, that an image is downscaled to before keypoints are looked for."""
MOST = 320
"""Most keypoints of an image."""
CELLS = 4
"""Keypoints are spread over CELLS x CELLS parts of the image, so that a crop has its share of
them."""
BITS = 128
HASH_SIDE, HASH_WORDS = 32, 8
LEAST_STEP = 4.0
"""Smallest standard deviation, in intensity levels, that the downscaled image of `whole_hash` must
have: flat ones have no hash."""

Grey = NDArray[np.uint8]
Codes = NDArray[np.uint64]


@dataclass(frozen=True)
class Keypoints:
    """The keypoints of one image, strongest first within each part of it."""

    places: NDArray[np.float32]
    """(N, 4): x and y in pixels of the image, size in pixels, angle in radians."""
    codes: Codes
    """(N, 2): the descriptor as 128 bits; copies of a place differ in few of them."""


def grey_of(image: NDArray[np.uint8]) -> Grey:
    """Luma of (H, W, 3) RGB, rounded."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def reduced(grey: Grey, longest: int) -> tuple[Grey, float]:
    """The image averaged down until its longest side is `longest`, and by what its sides were
    multiplied; never upscaled.
    """
    factor = min(1.0, longest / max(grey.shape))
    if factor == 1:
        return grey, factor
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8), factor


def keypoints(grey: Grey) -> Keypoints:
    """SIFT keypoints (Lowe 2004) of (H, W) uint8, spread over the image, descriptors as bits.

    Descriptors are square-rooted (RootSIFT, Arandjelovic and Zisserman 2012) and rounded, and a bit
    is the sign of a sum of half of their 128 values minus the other half: whole numbers all the
    way, so that order and threads cannot show.
    """
    small, factor = reduced(grey, SIDE)
    sift: Any = cv2.SIFT.create(nfeatures=4 * MOST, contrastThreshold=0.02)
    found, descriptors = sift.detectAndCompute(small, None)
    if descriptors is None or not len(found):
        return Keypoints(np.zeros((0, 4), np.float32), np.zeros((0, 2), np.uint64))
    places = np.array(
        [(*point.pt, point.size, np.deg2rad(point.angle)) for point in found], np.float32
    )
    kept = _spread(
        places[:, :2] / np.float32(max(small.shape)),
        np.array([point.response for point in found]),
        small.shape,
    )
    places[:, :3] /= np.float32(factor)
    return Keypoints(places[kept], _codes(descriptors[kept]))


def _spread(
    places: NDArray[np.float32], response: NDArray[np.float64], shape: tuple[int, ...]
) -> NDArray[np.intp]:
    """Numbers of at most MOST keypoints: in turn the strongest of each part of the image."""
    extent = np.array([shape[1], shape[0]]) / max(shape)
    cell = np.minimum(places / extent * CELLS, CELLS - 1).astype(int)
    part = cell[:, 1] * CELLS + cell[:, 0]
    order = np.lexsort((places[:, 1], places[:, 0], -response, part))
    rank = np.arange(len(order)) - np.searchsorted(part[order], part[order])
    return order[np.lexsort((part[order], rank))][:MOST]


@cache
def _halves() -> NDArray[np.float32]:
    """(128, BITS) of +1 and -1, as many of each in every column."""
    signs = np.repeat(np.array([1.0, -1.0], np.float32), 64)
    return np.stack(
        [stream("keypoint code", bit).permutation(signs) for bit in range(BITS)], axis=1
    )


def _codes(descriptors: NDArray[np.float32]) -> Codes:
    total = np.maximum(descriptors.sum(axis=1, keepdims=True), 1)
    root = np.rint(np.sqrt(descriptors / total) * 256).astype(np.float32)
    bits = root @ _halves() > 0  # whole numbers below 2^24: exact in any order
    return np.packbits(bits, axis=1).view(np.uint64)


def whole_hash(grey: Grey) -> int | None:
    """64 bits of the whole image (H, W) uint8: signs of its lowest DCT coefficients about their
    median (pHash, Zauner 2010).

    None for an image that is as good as flat: its signs would be those of noise.
    """
    small = cv2.resize(grey, (HASH_SIDE, HASH_SIDE), interpolation=cv2.INTER_AREA).astype(
        np.float64
    )
    if float(small.std()) < LEAST_STEP:
        return None
    low = np.rint(cv2.dct(small)[:HASH_WORDS, :HASH_WORDS].ravel() * 16)
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def distance(first: Codes, second: Codes) -> NDArray[np.uint8]:
    """Bits that differ between codes (..., 2), broadcast."""
    return np.asarray(np.bitwise_count(first ^ second).sum(axis=-1, dtype=np.uint8))
