"""Which tiles go into which shard: borders that the content chooses."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, Protocol, Self, TypeVar

from pairmill.pipeline.rng import stream_key


class Part(Protocol):
    """Some tiles of one image, or samples of one pair."""

    @property
    def tiles(self) -> tuple[tuple[int, ...], ...]:
        """Each with its place."""

    @property
    def digest(self) -> str:
        """Of the image."""

    def with_(self, **changes: Any) -> Self:
        """The same with other tiles."""


P = TypeVar("P", bound=Part)


def pack(parts: Sequence[P], target: int) -> list[tuple[P, ...]]:
    """Tiles in order, cut into shards of about `target` tiles, at borders that the content chooses.

    A place is a border if its mark, the digest of what comes next, is the least within 0.6 of
    `target` tiles to both sides; places between two images go before those inside one. Which places
    are borders thus depends on what lies near them only (local-minimum chunking): an added image
    changes the shards around it, and all others stay as they are. What is too long between two
    borders is cut again. All shards have target // 2 to 3 * target // 2 tiles, at least 1, where
    there are so many.
    """
    parts = [part for part in parts if part.tiles]
    starts = list(accumulate((len(part.tiles) for part in parts), initial=0))
    least, most, reach = max(1, target // 2), max(1, 3 * target // 2), max(1, 3 * target // 5)
    # Marks near both ends lack neighbours on one side and would be borders too easily.
    inside = [
        place
        for place in _minima(_places(parts, starts, reach), reach)
        if reach <= place <= starts[-1] - reach
    ]
    borders = sorted({0, *inside, starts[-1]})
    return [
        _between(parts, starts, *cut)
        for span in pairwise(borders)
        for cut in _divided(parts, starts, span, least, most)
    ]


Place = tuple[int, tuple[int, int]]
"""A place where a shard may end, counted in tiles, and its mark; the first number of the mark is 0
between images."""


def _places(parts: Sequence[Part], starts: list[int], reach: int) -> list[Place]:
    """All places between images, and those inside an image that are far from its ends."""
    found: list[Place] = []
    for part, start in zip(parts, starts, strict=False):
        image = part.digest
        found.append((start, (0, _mark(image))))
        inner = range(reach, len(part.tiles) - reach + 1)
        found += [(start + number, (1, _mark(image, *part.tiles[number]))) for number in inner]
    return found


def _minima(places: Sequence[Place], reach: int) -> list[int]:
    """The places whose marks are the least of all that are nearer than `reach`; places ascend."""
    # A queue whose marks rise: its head is the least within reach, and each place enters once.
    found, near, ahead = list[int](), deque[Place](), 0
    for place, _ in places:
        while ahead < len(places) and places[ahead][0] < place + reach:
            while near and near[-1][1] > places[ahead][1]:
                near.pop()
            near.append(places[ahead])
            ahead += 1
        while near[0][0] <= place - reach:
            near.popleft()
        if near[0][0] == place:
            found.append(place)
    return found


def _divided(
    parts: Sequence[Part], starts: list[int], span: tuple[int, int], least: int, most: int
) -> list[tuple[int, int]]:
    """A span of tiles, cut where the marks are least until no piece is longer than `most`; no piece
    is shorter than `least`.
    """
    begin, end = span
    if end - begin <= most:
        return [span]
    place = _least(parts, starts, begin + least, end - least)
    return [
        cut
        for piece in ((begin, place), (place, end))
        for cut in _divided(parts, starts, piece, least, most)
    ]


def _least(parts: Sequence[Part], starts: list[int], first: int, last: int) -> int:
    """The place in [first, last] with the least mark."""
    images = range(bisect_left(starts, first), bisect_right(starts, last))
    # A border between two images is worth more than a small mark inside one.
    if images:
        return starts[min(images, key=lambda number: _mark(parts[number].digest))]
    number = bisect_right(starts, first) - 1  # all of it lies inside this image
    part, start = parts[number], starts[number]
    return min(
        range(first, last + 1),
        key=lambda place: _mark(part.digest, *part.tiles[place - start]),
    )


def _mark(*parts: str | int) -> int:
    return stream_key("border", *parts)


def _between(parts: Sequence[P], starts: list[int], begin: int, end: int) -> tuple[P, ...]:
    """Tiles begin to end, by image."""
    numbers = range(bisect_right(starts, begin) - 1, bisect_left(starts, end))
    cut = [
        (parts[n], max(begin - starts[n], 0), min(end - starts[n], len(parts[n].tiles)))
        for n in numbers
    ]
    return tuple(
        p if (a, b) == (0, len(p.tiles)) else p.with_(tiles=p.tiles[a:b]) for p, a, b in cut
    )
