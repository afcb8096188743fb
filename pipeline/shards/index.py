"""Where the images lie in the tars: read once per shard from the headers, for access in any
order.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.extras import store_of
from pairmill.schemas.errors import IntegrityError

BLOCK = tarfile.BLOCKSIZE
END = bytes(BLOCK)
SIDES = ("hr.png", "lr.png")


@dataclass(frozen=True)
class Index:
    """N samples in a few arrays, which processes that were forked share."""

    shards: tuple[str, ...]
    """Paths or URLs."""
    shard: NDArray[np.int32]
    """(N,) number of the shard of each sample."""
    spans: NDArray[np.int64]
    """(N, 2, 2) first byte and the byte after the last, of HR and LR."""
    keys: NDArray[np.bytes_]
    """(N,) keys."""

    def __len__(self) -> int:
        return len(self.shard)

    def read(self, number: int) -> tuple[str, bytes, bytes]:
        """Key, HR and LR of one sample, fetched in one piece: they lie side by side."""
        spans = self.spans[number]
        first = int(spans.min())
        data = read_bytes(self.shards[self.shard[number]], first, int(spans.max()))
        hr, lr = (data[start - first : end - first] for start, end in spans)
        return self.keys[number].decode(), hr, lr


def read_index(shards: Sequence[str]) -> Index:
    """The index of some shards, in their order.

    Raises:
        IntegrityError: if a shard is cut, or a sample in it has no HR or no LR.
    """
    numbers, spans, keys = [], [], []
    for number, shard in enumerate(shards):
        for key, fields in _samples(shard):
            if any(side not in fields for side in SIDES):
                raise IntegrityError(
                    "a sample lacks an image",
                    where=f"{shard}: {key}",
                    got=", ".join(fields),
                    wanted=" and ".join(SIDES),
                )
            numbers.append(number)
            spans.append([fields[side] for side in SIDES])
            keys.append(key)
    return Index(
        tuple(shards),
        np.array(numbers, np.int32),
        np.array(spans, np.int64).reshape(-1, 2, 2),
        np.array(keys, np.bytes_),
    )


def read_bytes(place: str, start: int, end: int) -> bytes:
    """Some bytes of a file; it is opened anew each time, so that forked workers share no
    position.
    """
    if "://" in place:
        import fsspec

        with store_of(place):
            fs, path = fsspec.core.url_to_fs(place)
        return bytes(fs.cat_file(path, start, end))
    with _open(place) as file:
        file.seek(start)
        return bytes(file.read(end - start))


def _samples(shard: str) -> Iterator[tuple[str, dict[str, tuple[int, int]]]]:
    key, fields = "", dict[str, tuple[int, int]]()
    with _open(shard) as file:
        for name, start, end in _members(file, shard):
            stem, _, field = name.partition(".")
            if stem != key and fields:
                yield key, fields
                fields = {}
            key, fields[field] = stem, (start, end)
    if fields:
        yield key, fields


def _open(place: str) -> Any:
    if "://" in place:
        import fsspec

        with store_of(place):
            return fsspec.open(place, "rb").open()
    return open(place, "rb", buffering=0)  # noqa: PTH123 - we skip more than a buffer would hold


def _members(file: IO[bytes], shard: str) -> Iterator[tuple[str, int, int]]:
    """Name, first byte and the byte after the last of each member of a USTAR tar; `tarfile` takes
    ten times as long.
    """
    place = 0
    # A tar that ends without END is cut, maybe inside the last image.
    while (header := file.read(BLOCK)) != END:
        if len(header) < BLOCK or header[257:262] != b"ustar":
            raise IntegrityError(
                "a shard is truncated or not a tar file",
                where=f"{shard}, byte {place}",
                todo="`pairmill corpus verify` says what differs",
            )
        name, prefix = (
            header[at : at + size].rstrip(b"\0").decode() for at, size in ((0, 100), (345, 155))
        )
        size = int(header[124:136].rstrip(b"\0 "), 8)
        yield f"{prefix}/{name}" if prefix else name, place + BLOCK, place + BLOCK + size
        place += BLOCK + -(-size // BLOCK) * BLOCK
        file.seek(place)
