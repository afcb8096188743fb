"""Chunks of samples in one file, as MDS and litdata have them: a count, offsets, a header, then the
samples.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain

CHUNK_BYTES = 1 << 26
"""Most bytes of one file; a chunk is gathered in memory, because its offsets come first."""

Pieces = list[bytes]
"""Bytes to be written one after the other; joining them would copy a whole chunk."""


def chunked(samples: Iterable[Pieces], most: int = CHUNK_BYTES) -> Iterator[list[Pieces]]:
    """Runs of samples of at most `most` bytes; a larger sample stands alone."""
    run: list[Pieces] = []
    size = 0
    for sample in samples:
        length = total(sample) + 4
        if run and size + length > most:
            yield run
            run, size = [], 0
        run.append(sample)
        size += length
    if run:
        yield run


def with_sizes(fields: Sequence[bytes]) -> Pieces:
    """One sample: the sizes of its fields as uint32, then the fields."""
    return [struct.pack(f"<{len(fields)}I", *map(len, fields)), *fields]


def with_offsets(samples: Sequence[Pieces], header: bytes = b"") -> Pieces:
    """One file: uint32 count, count + 1 uint32 offsets from its beginning, the header, the
    samples.
    """
    first = 4 * (len(samples) + 2) + len(header)
    offsets = accumulate(map(total, samples), initial=first)
    table = struct.pack(f"<{len(samples) + 2}I", len(samples), *offsets)
    return [table, header, *chain.from_iterable(samples)]


def total(pieces: Pieces) -> int:
    """Bytes of all pieces."""
    return sum(map(len, pieces))
