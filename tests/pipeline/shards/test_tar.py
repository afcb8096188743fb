"""Shards: deterministic USTAR bytes that plain tools read."""

from __future__ import annotations

import io
import tarfile
import time
from typing import Any, get_args

import numpy as np
import pytest

from pairmill.pipeline.images.encode import decode, decode_png, encode_png
from pairmill.pipeline.shards.tar import (
    Sample,
    ShardForm,
    ShardWriter,
    make_sample,
    make_tile,
    read_members,
    read_own_members,
)
from pairmill.schemas.sample import Box, SampleRecord
from pairmill.schemas.shard import Encoding
from tests.support.make import photograph


def record(key: str = "0123456789abcdef-00000-00000-000", **changes: Any) -> SampleRecord:
    value = {
        "key": key,
        "image": "1" * 64,
        "box": Box(left=0, top=0, width=34, height=30),
        "scale": 2,
        "degrader": "bicubic",
        "program": "{}",
        "seed": 0,
        "hr_sha256": "2" * 64,
        "lr_sha256": "3" * 64,
    }
    return SampleRecord.model_validate(value | changes)


def shard(*samples: Sample) -> bytes:
    buffer = io.BytesIO()
    writer = ShardWriter(buffer)
    for sample in samples:
        writer.write(sample)
    writer.close()
    assert not buffer.closed
    return buffer.getvalue()


def stored(key: str, hr: bytes, lr: bytes) -> Sample:
    json = record(key).canonical_json().encode()
    return Sample(key, (("hr.png", hr), ("json", json), ("lr.png", lr)))


SAMPLES = [stored(f"key-{n}", b"hr" * (300 + n), b"lr" * n) for n in range(3)]
FORM = ShardForm("fast")


def test_equal_samples_give_equal_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = shard(*SAMPLES)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert shard(*SAMPLES) == first
    assert len(first) % 512 == 0


def test_bytes_are_those_of_webdatasets_own_writer() -> None:
    import webdataset

    buffer = io.BytesIO()
    theirs = webdataset.TarWriter(
        buffer,
        user="pairmill",
        group="pairmill",
        mode=0o444,
        mtime=0,
        encoder=False,
        compress=False,
    )
    for sample in SAMPLES:
        theirs.write({"__key__": sample.key, **dict(sample.members)})
    theirs.close()
    assert shard(*SAMPLES) == buffer.getvalue()


def test_members_have_fixed_order_times_owners_and_modes() -> None:
    data = shard(*SAMPLES)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = tar.getmembers()
    assert [member.name for member in found] == [
        f"key-{n}.{field}" for n in range(3) for field in FORM.fields
    ]
    for member in found:
        assert (member.mtime, member.mode, member.type) == (0, 0o444, tarfile.REGTYPE)
        assert (member.uname, member.gname, member.uid, member.gid) == (
            "pairmill",
            "pairmill",
            found[0].uid,
            found[0].gid,
        )
        assert (
            data[member.offset + 257 : member.offset + 263] == b"ustar\0"
        )  # POSIX, no GNU or PAX extension
    assert found[0].uid == found[0].gid == 0


def test_what_is_written_is_read() -> None:
    read = list(read_members(io.BytesIO(shard(*SAMPLES))))
    assert [key for key, _ in read] == ["key-0", "key-1", "key-2"]
    for (_, fields), sample in zip(read, SAMPLES, strict=True):
        assert fields == dict(sample.members)
        assert SampleRecord.model_validate_json(fields["json"]) == record(sample.key)


def test_an_empty_shard_is_a_tar() -> None:
    assert list(read_members(io.BytesIO(shard()))) == []


@pytest.mark.parametrize("encoding", get_args(Encoding))
def test_pairs_are_encoded_as_they_are(encoding: Encoding) -> None:
    hr, lr = photograph(1, 30, 34), photograph(2, 15, 17)
    form = ShardForm(encoding)
    members = dict(make_sample(record(), hr, lr, form).members)
    np.testing.assert_array_equal(decode(members[form.hr]), hr)
    np.testing.assert_array_equal(decode(members[form.lr]), lr)


def test_a_tile_without_lr_is_hr_under_the_key_that_its_samples_share() -> None:
    hr, form = photograph(1, 30, 34), ShardForm("fast", lr_stored=False)

    tile = make_tile(record("cat-00012-00034-007"), hr, form)

    assert tile.key == "cat-00012-00034" == form.hr_key("cat-00012-00034-123")
    [(field, data)] = tile.members
    assert (field, form.fields) == ("hr.png", ("hr.png",))
    np.testing.assert_array_equal(decode(data), hr)


def test_versions_of_before_there_was_a_choice_are_what_they_were() -> None:
    assert ShardForm.of({"shards": {"samples": 512}}) == ShardForm("opencv", lr_stored=True)
    said = {"samples": 512, "encoding": "small", "lr": "replayed"}
    assert ShardForm.of({"shards": said}) == ShardForm("small", lr_stored=False)


def test_encoding_refuses_what_is_no_rgb_image() -> None:
    bad: Any
    for bad in (photograph(1)[:, :, :1], photograph(1).astype(np.float64), photograph(1)[:, :, 0]):
        with pytest.raises(ValueError, match="uint8 image, got"):
            encode_png(bad)


def test_pngs_are_plain_rgb() -> None:
    """No alpha, no ICC, no EXIF, no time, no text: header, data and end only, 8 bits, colour type
    2."""
    data = encode_png(photograph(1))
    chunks, place = [], 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        chunks.append(data[place + 4 : place + 8])
        place += 12 + length
    assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}
    assert data[24:26] == bytes([8, 2])
    red = np.zeros((3, 2, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_array_equal(decode_png(encode_png(red)), red)  # RGB, not BGR


@pytest.mark.parametrize(
    "data", [b"", b"no png", encode_png(photograph(1))[:100], encode_png(photograph(1))[:-20]]
)
def test_unreadable_pngs_are_errors(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a readable PNG"):
        decode_png(data)


def test_own_members_are_those_that_tarfile_reads_and_nothing_else_passes() -> None:
    data = shard(*SAMPLES)
    assert list(read_own_members(io.BytesIO(data))) == list(read_members(io.BytesIO(data)))
    for place in (3, 107, 300):  # name, mode, an owner
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises(tarfile.ReadError, match="not as it was written"):
            list(read_own_members(io.BytesIO(bytes(damaged))))
    with pytest.raises(tarfile.ReadError, match="ends early"):
        list(read_own_members(io.BytesIO(data[:700])))
