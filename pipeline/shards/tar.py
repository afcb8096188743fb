"""Deterministic tar bytes for one shard, and reading them back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from numpy import uint8
from numpy.typing import NDArray

from pipeline.images.encode import encode_png
from schemas.sample import SampleRecord

FIELDS = ("hr.png", "json", "lr.png")


@dataclass(frozen=True)
class Sample:
    """One pair as bytes, with its record."""

    record: SampleRecord
    hr_png: bytes
    lr_png: bytes


def make_sample(record: SampleRecord, hr: NDArray[uint8], lr: NDArray[uint8]) -> Sample:
    """Encode a pair. `hr` is (s H, s W, 3), `lr` is (H, W, 3), both RGB."""
    return Sample(record, encode_png(hr), encode_png(lr))


class ShardWriter:
    """Writes samples to an open file as an uncompressed USTAR tar: fixed times, owners, modes and member order."""

    def __init__(self, file: IO[bytes]) -> None:
        import webdataset  # takes seconds: it imports torch

        self.tar = webdataset.TarWriter(
            file, user="pairmill", group="pairmill", mode=0o444, mtime=0, encoder=False, compress=False
        )

    def write(self, sample: Sample) -> None:
        """Append one sample."""
        members = {"hr.png": sample.hr_png, "json": sample.record.canonical_json().encode(), "lr.png": sample.lr_png}
        self.tar.write({"__key__": sample.record.key, **members})

    def close(self) -> None:
        """Write the end of the tar; the file stays open."""
        self.tar.close()


def read_members(file: IO[bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Samples of a tar in order, as (key, field -> bytes).

    Raises:
        tarfile.ReadError, EOFError, OSError: where the tar is damaged.
    """
    import tarfile

    key, fields = "", dict[str, bytes]()
    with tarfile.open(fileobj=file, mode="r|") as tar:
        for member in tar:
            stem, _, name = member.name.partition(".")
            if stem != key and fields:
                yield key, fields
                fields = {}
            key = stem
            content = tar.extractfile(member)
            fields[name] = content.read() if content else b""
    if fields:
        yield key, fields


def parse_record(data: bytes) -> dict[str, Any]:
    """The JSON of a sample as a plain dictionary."""
    value = json.loads(data)
    if not isinstance(value, dict):
        raise TypeError("the sample's JSON is not an object")
    return value
