"""Deterministic tar bytes for one shard, and reading them back.

A sample is HR, LR and a record under one key. A shard without LR holds HR tiles alone, each once:
the samples that are made of it are rows of the table.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import IO, Any

from numpy import uint8
from numpy.typing import NDArray

from pairmill.pipeline.images.encode import SUFFIXES, encode
from pairmill.schemas.sample import SampleRecord
from pairmill.schemas.shard import Encoding

LONGEST_NAME = 100
SIZE, CHECKSUM = slice(124, 136), slice(148, 156)
"""Where USTAR headers hold them."""
RECORD = "json"
Read = Callable[[], bytes]


@dataclass(frozen=True)
class ShardForm:
    """What the members of a shard are."""

    encoding: Encoding = "opencv"
    """How images are encoded."""
    lr_stored: bool = True
    """Whether LR is a member; else a shard is of HR tiles."""

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> ShardForm:
        """The form that the recipe of a version says; versions sealed before there was a choice say
        nothing.
        """
        said = recipe.get("shards", {})
        return cls(said.get("encoding", "opencv"), said.get("lr", "stored") == "stored")

    @property
    def hr(self) -> str:
        """Field of HR: what follows the key in the name of its member."""
        return f"hr.{SUFFIXES[self.encoding]}"

    @property
    def lr(self) -> str:
        """Field of LR."""
        return f"lr.{SUFFIXES[self.encoding]}"

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of every sample, or tile, sorted."""
        return (self.hr, RECORD, self.lr) if self.lr_stored else (self.hr,)

    def hr_key(self, key: str) -> str:
        """The key under which a shard holds the HR of a sample."""
        return key if self.lr_stored else tile_key(key)


def tile_key(key: str) -> str:
    """What the keys of all samples of an HR tile begin with: a key without the number of its
    draw.
    """
    return key.rpartition("-")[0]


def is_hr(field: str) -> bool:
    """Whether a field of any form is HR."""
    return field.startswith("hr.")


def is_lr(field: str) -> bool:
    """Whether a field of any form is LR."""
    return field.startswith("lr.")


@dataclass(frozen=True)
class Sample:
    """One sample, or tile, as bytes."""

    key: str
    members: tuple[tuple[str, bytes], ...]
    """Fields and what they hold, sorted."""


def make_sample(
    record: SampleRecord, hr: NDArray[uint8], lr: NDArray[uint8], form: ShardForm
) -> Sample:
    """Encode a pair. `hr` is (s H, s W, 3), `lr` is (H, W, 3), both RGB."""
    return Sample(
        record.key,
        (
            (form.hr, encode(hr, form.encoding)),
            (RECORD, record.canonical_json().encode()),
            (form.lr, encode(lr, form.encoding)),
        ),
    )


def make_tile(record: SampleRecord, hr: NDArray[uint8], form: ShardForm) -> Sample:
    """Encode the HR of a sample for a shard without LR."""
    return Sample(tile_key(record.key), ((form.hr, encode(hr, form.encoding)),))


class ShardWriter:
    """Writes samples to an open file as an uncompressed USTAR tar: fixed times, owners, modes and
    member order.

    The bytes are those of webdataset's TarWriter with the same settings (tested), without its
    copies.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.bytes = file, 0
        self._state = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Digest of what was written, in hexadecimal."""
        return self._state.hexdigest()

    def write(self, sample: Sample) -> None:
        """Append one sample."""
        self._write(
            b"".join(
                part
                for field, data in sample.members
                for part in (
                    _header(f"{sample.key}.{field}", len(data)),
                    data,
                    bytes(-len(data) % tarfile.BLOCKSIZE),
                )
            )
        )

    def close(self) -> None:
        """Write the end of the tar; the file stays open."""
        end = 2 * tarfile.BLOCKSIZE
        self._write(bytes(end + -(self.bytes + end) % tarfile.RECORDSIZE))

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self._state.update(data)
        self.bytes += len(data)


def _header(name: str, size: int) -> bytes:
    """The 512 bytes before a member: `_plain`'s, with name, size and checksum filled in, which is
    ten times faster.
    """
    header, place = bytearray(_plain()), name.encode("ascii")
    if len(place) > LONGEST_NAME:
        raise ValueError(f"a member's name must have at most {LONGEST_NAME} characters, got {name}")
    header[: len(place)] = place
    header[SIZE] = b"%011o\0" % size
    header[CHECKSUM] = b" " * 8
    header[CHECKSUM] = b"%06o\0 " % sum(header)
    return bytes(header)


@lru_cache(maxsize=1)
def _plain() -> bytes:
    """The header of an empty member without a name."""
    info = tarfile.TarInfo("")
    info.mode, info.uname, info.gname = 0o444, "pairmill", "pairmill"
    return info.tobuf(tarfile.USTAR_FORMAT)


def read_members(file: IO[bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Samples of a tar in order, as (key, field -> bytes).

    Raises:
        tarfile.ReadError, EOFError, OSError: where the tar is damaged.
    """
    with tarfile.open(fileobj=file, mode="r|") as tar:
        yield from _samples(_any_members(tar))


def read_own_members(file: IO[bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """What `read_members` does, for tars that are just as `ShardWriter` makes them: every member is
    read at once, while `tarfile` copies it in pieces.

    Raises:
        tarfile.ReadError, OSError: where the tar is not such a one.
    """
    yield from _samples(_own_members(file))


def _samples(members: Iterable[tuple[str, Read]]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Members that share a key, together; a sample is given away before the next one is read, which
    may be damaged.
    """
    key, fields = "", dict[str, bytes]()
    for member, read in members:
        stem, _, name = member.partition(".")
        if stem != key and fields:
            yield key, fields
            fields = {}
        key = stem
        fields[name] = read()
    if fields:
        yield key, fields


def _any_members(tar: tarfile.TarFile) -> Iterator[tuple[str, Read]]:
    for member in tar:
        content = tar.extractfile(member)
        yield member.name, content.read if content else bytes


def _own_members(file: IO[bytes]) -> Iterator[tuple[str, Read]]:
    while (header := _exactly(file, tarfile.BLOCKSIZE)).strip(b"\0"):
        name, size = _name_and_size(header)
        yield name, partial(_exactly, file, size)
        _exactly(file, -size % tarfile.BLOCKSIZE)


def _name_and_size(header: bytes) -> tuple[str, int]:
    try:
        name = header[:LONGEST_NAME].rstrip(b"\0").decode("ascii")
        size = int(header[SIZE][:-1], 8)
        if header == _header(name, size):
            return name, size
    except ValueError:
        pass
    raise tarfile.ReadError("the header of a member is not as it was written")


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise tarfile.ReadError("the tar ends early")
    return data
