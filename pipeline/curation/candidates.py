"""Which pairs of images are worth comparing, among very many, without comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.curation.keypoints import Codes, distance

PREFIX, NEIGHBOURS, NEAR = 24, 8, 12
"""Leading bits that two codes must share, how many codes further on are looked at, and in how many
bits they may differ."""
TURNS = (0, 25, 50, 75, 100)
"""Codes are sorted once for each: turned so that other bits lead."""
VOTES, MOST_PARTNERS = 4, 64
"""Keypoints that must be alike for a pair to be compared, and with how many others one image is
compared at most."""
WINDOW = 1 << 20
"""Codes that are looked at at a time, which bounds the memory."""
HASH_NEAR, HASH_PARTS, MOST_EQUAL = 6, 4, 64

Pairs = NDArray[np.int64]
"""(P, 2) numbers of images, the lower first, ascending."""


def by_keypoints(codes: Codes, picture: NDArray[np.int64]) -> Pairs:
    """Pairs of images with at least VOTES keypoints that are alike.

    Codes are sorted five times, each time with other bits in front, and compared with the next few
    in that order (Charikar 2002, section 3): like codes share leading bits in one of the orders.
    The work is that of sorting, whatever the images are.

    Args:
        codes: (N, 2), keypoint codes of all images.
        image: (N,), the number of the image that each is of.
    """
    votes = [found for turn in TURNS for found in _alike(codes, picture, turn)]
    if not votes:
        return np.zeros((0, 2), np.int64)
    # A pair of keypoints counts once, in however many orders it was seen.
    alike = np.unique(np.concatenate(votes))
    lower, higher = np.divmod(alike, len(codes))
    swapped = picture[lower] > picture[higher]
    first, second = np.where(swapped, higher, lower), np.where(swapped, lower, higher)
    pairs, number = np.unique(
        np.stack([picture[first], picture[second]], axis=1), axis=0, return_inverse=True
    )
    counts = [_distinct(number.ravel(), side, len(pairs)) for side in (first, second)]
    evidence = np.minimum(*counts)
    return _best(pairs[evidence >= VOTES], evidence[evidence >= VOTES])


def _best(pairs: Pairs, votes: NDArray[np.int64]) -> Pairs:
    """The pairs that are among the MOST_PARTNERS with the most votes of one of their images."""
    numbers = np.tile(np.arange(len(pairs)), 2)
    owner, weight = pairs.T.ravel(), np.tile(votes, 2)
    order = np.lexsort((numbers, -weight, owner))
    rank = np.arange(len(order)) - np.searchsorted(owner[order], owner[order])
    return np.asarray(pairs[np.unique(numbers[order[rank < MOST_PARTNERS]])])


def _distinct(group: NDArray[np.int64], value: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """How many different values each group has: one keypoint of a repeating pattern is like many
    and counts once.
    """
    seen = np.unique(np.stack([group, value], axis=1), axis=0)[:, 0]
    return np.bincount(seen, minlength=groups)


def _alike(codes: Codes, picture: NDArray[np.int64], turn: int) -> Iterator[Pairs]:
    """Pairs of like codes of different images as `lower * N + higher`."""
    leading = _turned(codes, turn)
    order = np.argsort(leading, kind="stable")
    count = len(order)
    for begin in range(0, count, WINDOW):
        rows = order[begin : begin + WINDOW + NEIGHBOURS]
        heads = leading[rows] >> np.uint64(64 - PREFIX)
        own = min(WINDOW, count - begin)
        for step in range(1, NEIGHBOURS + 1):
            left, right = rows[:own], rows[step : step + own]
            left = left[: len(right)]
            same = heads[: len(left)] == heads[step : step + len(left)]
            left, right = left[same], right[same]
            other = picture[left] != picture[right]
            left, right = left[other], right[other]
            near = distance(codes[left], codes[right]) <= NEAR
            yield np.minimum(left[near], right[near]) * count + np.maximum(left[near], right[near])


def _turned(codes: Codes, turn: int) -> NDArray[np.uint64]:
    """The first 64 bits of codes that are turned to the left."""
    high, low = codes[:, 0].byteswap(), codes[:, 1].byteswap()  # bytes were packed first bit first
    if turn >= 64:
        high, low, turn = low, high, turn - 64
    if turn == 0:
        return high
    return (high << np.uint64(turn)) | (low >> np.uint64(64 - turn))


def by_hash(hashes: Sequence[int | None]) -> Pairs:
    """Pairs of images whose whole hashes differ in at most HASH_NEAR of 64 bits.

    One of four quarters then differs in one bit at most, so that looking up each quarter and its
    sixteen neighbours finds all.
    """
    known = np.array([number for number, value in enumerate(hashes) if value is not None], np.int64)
    values = np.array([value for value in hashes if value is not None], np.uint64)
    masks = [np.uint64(0), *(np.uint64(1 << bit) for bit in range(16))]
    found = [
        pair
        for part in range(HASH_PARTS)
        for mask in masks
        for pair in _quarter(values, np.uint64(16 * part), mask)
    ]
    if not found:
        return np.zeros((0, 2), np.int64)
    return np.unique(known[np.concatenate(found)], axis=0)


def _quarter(values: NDArray[np.uint64], shift: np.uint64, mask: np.uint64) -> Iterator[Pairs]:
    """Pairs whose quarter at `shift` differs exactly by `mask`, and all bits by at most
    HASH_NEAR.
    """
    part = (values >> shift) & np.uint64(0xFFFF)
    order = np.argsort(part, kind="stable")
    begin = np.searchsorted(part[order], part ^ mask, "left")
    end = np.searchsorted(part[order], part ^ mask, "right")
    longest = min(int((end - begin).max(initial=0)), MOST_EQUAL)
    for step in range(longest):
        rows = np.flatnonzero(begin + step < end)
        other = order[begin[rows] + step]
        good = (rows < other) & (np.bitwise_count(values[rows] ^ values[other]) <= HASH_NEAR)
        yield np.stack([rows[good], other[good]], axis=1)
