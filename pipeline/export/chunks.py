"""Chunks of samples in one file, as MDS and litdata have them: a count, offsets, a header, then the
samples.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

CHUNK_BYTES = 1 << 26
"""Most bytes of one file; a chunk is built in memory, because its offsets come first."""


def chunked(samples: Iterable[bytes], most: int = CHUNK_BYTES) -> Iterator[list[bytes]]:
    """Runs of samples of at most `most` bytes; a larger sample stands alone."""
    run: list[bytes] = []
    size = 0
    for sample in samples:
        if run and size + len(sample) + 4 > most:
            yield run
            run, size = [], 0
        run.append(sample)
        size += len(sample) + 4
    if run:
        yield run


def with_sizes(fields: Sequence[bytes]) -> bytes:
    """One sample: the sizes of its fields as uint32, then the fields."""
    return b"".join([struct.pack(f"<{len(fields)}I", *map(len, fields)), *fields])


def with_offsets(samples: Sequence[bytes], header: bytes = b"") -> bytes:
    """One file: uint32 count, count + 1 uint32 offsets from its beginning, the header, the
    samples.
    """
    first = 4 * (len(samples) + 2) + len(header)
    offsets = accumulate(map(len, samples), initial=first)
    return b"".join(
        [struct.pack(f"<{len(samples) + 2}I", len(samples), *offsets), header, *samples]
    )
