"""Where the images lie in the tars: read once per shard from the headers, for access in any
order.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import IO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pairmill.pipeline.extras import store_of
from pairmill.pipeline.images.encode import decode
from pairmill.pipeline.shards.tar import is_hr, is_lr
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.errors import IntegrityError, UserError

BLOCK = tarfile.BLOCKSIZE
END = bytes(BLOCK)
Image = NDArray[np.uint8]
"""(H, W, 3) RGB."""


class Square(NamedTuple):
    """A square part of an LR, in its pixels."""

    top: int
    left: int
    side: int


Choose = Callable[[tuple[int, int], int], Square | None]
"""Gets rows and columns of an LR, and the scale; returns the part that is wanted, none for all."""


@dataclass(frozen=True)
class Index:
    """N samples in a few arrays, which processes that were forked share."""

    shards: tuple[str, ...]
    """Paths or URLs."""
    shard: NDArray[np.int32]
    """(N,) number of the shard of each sample."""
    spans: NDArray[np.int64]
    """(N, images, 2) first byte and the byte after the last, of HR and, where it is stored, LR."""
    keys: NDArray[np.bytes_]
    """(N,) keys."""

    def __len__(self) -> int:
        return len(self.shard)

    def key(self, number: int) -> str:
        """The key of a sample."""
        return str(self.keys[number].decode())

    def read(self, number: int) -> tuple[bytes, ...]:
        """The images of one sample as files, fetched in one piece: they lie side by side."""
        spans = self.spans[number]
        first = int(spans.min())
        data = read_bytes(self.shards[self.shard[number]], first, int(spans.max()))
        return tuple(data[start - first : end - first] for start, end in spans)

    def pair(self, number: int, choose: Choose = lambda _size, _scale: None) -> tuple[Image, Image]:
        """HR and LR of one sample, or the part of both that `choose` asks for."""
        hr, lr = map(decode, self.read(number))
        scale = hr.shape[0] // lr.shape[0]
        part = choose((lr.shape[0], lr.shape[1]), scale)
        if part is None:
            return hr, lr
        return cut(hr, part, scale), cut(lr, part)

    def take(self, numbers: NDArray[np.integer]) -> Self:
        """The index of some of the samples."""
        return replace(
            self, shard=self.shard[numbers], spans=self.spans[numbers], keys=self.keys[numbers]
        )


def cut(image: Image, part: Square, scale: int = 1) -> Image:
    """A part of an image that is `scale` times as large as what the part is given in."""
    top, left, side = (scale * length for length in part)
    return image[top : top + side, left : left + side]


def read_index(shards: Sequence[str]) -> Index:
    """The index of some shards, in their order.

    Raises:
        IntegrityError: if a shard is cut, or a sample in it has no HR or no LR.
        UserError: if LR is not stored in them.
    """
    return _index(shards, (is_hr, is_lr))


def read_tiles(shards: Sequence[str]) -> Index:
    """The index of the HR tiles of shards whose LR is not stored.

    Raises:
        IntegrityError: if a shard is cut, or a tile in it has no HR.
    """
    return _index(shards, (is_hr,))


def _index(shards: Sequence[str], sides: Sequence[Callable[[str], bool]]) -> Index:
    numbers, spans, keys = [], [], []
    for number, shard in enumerate(shards):
        for key, fields in _samples(shard):
            found = [next((f for f in fields if side(f)), None) for side in sides]
            if None in found:
                raise _lacking(f"{shard}: {key}", tuple(fields))
            numbers.append(number)
            spans.append([fields[field] for field in found if field is not None])
            keys.append(key)
    return Index(
        tuple(shards),
        np.array(numbers, np.int32),
        np.array(spans, np.int64).reshape(-1, len(sides), 2),
        np.array(keys, np.bytes_),
    )


def _lacking(where: str, fields: tuple[str, ...]) -> Exception:
    if len(fields) == 1 and is_hr(fields[0]):
        return UserError(
            "the LR of this corpus is not stored",
            where=where,
            got=f"{fields[0]} alone",
            todo='read it by `pairmill.open(REFERENCE).training("train")`, which makes LR of its '
            "programs, or run `pairmill corpus materialise REFERENCE`",
        )
    return IntegrityError(
        "a sample lacks an image", where=where, got=", ".join(fields), wanted="HR and LR"
    )


def read_bytes(place: str, start: int, end: int) -> bytes:
    """Some bytes of a file; it is opened anew each time, so that forked workers share no
    position.

    Raises:
        StoreError: if it is a URL whose store fails for good; an UnreachableError if the store does
            not answer for longer than it is waited for.
    """
    if "://" in place:
        store, name = _store(place)
        return store.read(name, start, end)
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


def _open(place: str) -> AbstractContextManager[IO[bytes]]:
    if "://" in place:
        store, name = _store(place)
        return store.open(name)
    return open(place, "rb", buffering=0)  # noqa: PTH123 - we skip more than a buffer would hold


def _store(place: str) -> tuple[Storage, str]:
    """The folder of a URL, as a store that is asked again where it fails for a while, and the name
    of the file there.
    """
    folder, _, name = place.rpartition("/")
    with store_of(place):
        return Storage(folder), name


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
