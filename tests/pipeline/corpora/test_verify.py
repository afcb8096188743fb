"""Every damage to a version is found and named."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairmill.pipeline.corpora.log import read_manifest
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.images.encode import decode_png
from pairmill.schemas.corpus import Fault, VerifyReport
from pairmill.schemas.errors import IntegrityError
from tests.support.make import Tiny

SAMPLES = {Fault.SAMPLE_PIXELS, Fault.SAMPLE_RECORD, Fault.SAMPLE_MISSING, Fault.SAMPLE_UNREADABLE}


def check(tiny: Tiny) -> VerifyReport:
    return verify(tiny.storage, tiny.manifest)


def shards(tiny: Tiny) -> list[Path]:
    return [tiny.version / "shards" / name for name in tiny.manifest.shard_names]


def members(shard: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(shard) as tar:
        return tar.getmembers()


def key_of(member: tarfile.TarInfo) -> str:
    return member.name.partition(".")[0]


def named(report: VerifyReport, shard: Path) -> set[str]:
    """Keys of the samples of a shard that were named."""
    found = [finding.where for finding in report.findings if finding.fault in SAMPLES]
    assert all(where.startswith(f"{shard.name}: ") for where in found)
    return {where.split(": ")[1] for where in found}


def faults(report: VerifyReport) -> set[Fault]:
    return {finding.fault for finding in report.findings}


def flip(path: Path, place: int, mask: int = 0xFF) -> bytes:
    """Flip bits of one byte; returns what was there."""
    before = path.read_bytes()
    path.write_bytes(before[:place] + bytes([before[place] ^ mask]) + before[place + 1 :])
    return before


def test_an_untouched_version_is_as_sealed(tiny: Tiny) -> None:
    heard: list[int] = []
    report = verify(tiny.storage, tiny.manifest, heard.append)
    assert report.ok, report.findings
    assert (report.version, report.shards) == (
        tiny.manifest.version,
        len(tiny.manifest.shard_names),
    )
    assert report.samples == sum(tiny.manifest.identity.samples.values()) > 10
    assert sum(heard) == sum(path.stat().st_size for path in shards(tiny))


@pytest.mark.slow
def test_a_flip_anywhere_in_a_shard_names_the_shard_and_its_sample(tiny_copy: Tiny) -> None:
    """Names, checksums, padding of headers, PNG headers and data, JSON, padding, the end: one byte
    each."""
    shard = shards(tiny_copy)[0]
    all_members = members(shard)
    last_end = all_members[-1].offset_data + -(-all_members[-1].size // 512) * 512
    for number in (0, 1, 5, len(all_members) - 1):
        member = all_members[number]
        places = [
            member.offset,
            member.offset + 124,
            member.offset + 150,
            member.offset + 300,
        ]  # name, size, checksum
        places += [member.offset_data + int(member.size * part) for part in (0, 0.1, 0.5, 0.999)]
        for place in places:
            before = flip(shard, place, 0x11)
            report = check(tiny_copy)
            assert report.findings[0].where == shard.name
            assert Fault.SHARD_BYTES in faults(report)
            hit = named(report, shard)
            if place >= member.offset_data:
                data = shard.read_bytes()[member.offset_data :][: member.size]
                harmless = member.name.endswith("png") and same_pixels(
                    data, before[member.offset_data :][: member.size]
                )
                assert hit == (set() if harmless else {key_of(member)})
                assert harmless == (
                    "every sample has the sealed pixels" in report.findings[0].detail
                )
            else:
                assert key_of(member) in hit  # and those after it, if the tar cannot be read on
            shard.write_bytes(before)
    for place in (last_end - 1, last_end, last_end + 700, shard.stat().st_size - 1):
        before = flip(shard, place, 0x11)
        report = check(tiny_copy)
        assert [finding.where for finding in report.findings][:1] == [shard.name]
        assert named(report, shard) == set()
        shard.write_bytes(before)
    assert check(tiny_copy).ok


def same_pixels(data: bytes, original: bytes) -> bool:
    try:
        return np.array_equal(decode_png(data), decode_png(original))
    except ValueError:
        return False


@pytest.mark.parametrize("part", [0.0, 0.2, 0.6, 0.95, 0.9999])
def test_truncation_names_every_lost_sample(tiny_copy: Tiny, part: float) -> None:
    shard = shards(tiny_copy)[0]
    everything, size = members(shard), int(shard.stat().st_size * part)
    shard.write_bytes(shard.read_bytes()[:size])
    report = check(tiny_copy)
    assert (report.findings[0].fault, report.findings[0].where) == (
        Fault.SHARD_TRUNCATED,
        shard.name,
    )
    lost = {key_of(member) for member in everything if member.offset_data + member.size > size}
    assert named(report, shard) == lost


def test_a_missing_shard(tiny_copy: Tiny) -> None:
    shards(tiny_copy)[1].unlink()
    report = check(tiny_copy)
    assert [(finding.fault, finding.where) for finding in report.findings] == [
        (Fault.SHARD_MISSING, shards(tiny_copy)[1].name)
    ]
    assert str(tiny_copy.manifest.identity.shards[1].samples) in report.findings[0].detail


def test_swapped_shards(tiny_copy: Tiny) -> None:
    first, second = shards(tiny_copy)[:2]
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    report = check(tiny_copy)
    for shard in (first, second):
        hit = [finding for finding in report.findings if finding.where.startswith(shard.name)]
        assert {finding.fault for finding in hit} & {Fault.SHARD_BYTES, Fault.SHARD_TRUNCATED}
        assert {Fault.SAMPLE_RECORD, Fault.SAMPLE_MISSING} <= {finding.fault for finding in hit}


def test_two_samples_that_changed_places_are_named(tiny_copy: Tiny) -> None:
    """A whole tar, rewritten with two LR images exchanged."""
    shard = shards(tiny_copy)[0]
    rewrite(shard, swap)
    keys = sorted({key_of(member) for member in members(shard)})
    report = check(tiny_copy)
    assert named(report, shard) == {keys[0], keys[-1]}
    assert faults(report) - {Fault.SHARD_BYTES} == {Fault.SAMPLE_PIXELS}


def swap(data: dict[str, bytes]) -> dict[str, bytes]:
    names = sorted(name for name in data if name.endswith(".lr.png"))
    return data | {names[0]: data[names[-1]], names[-1]: data[names[0]]}


def rewrite(shard: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    with tarfile.open(shard) as tar:
        data = {
            member.name: (tar.extractfile(member) or io.BytesIO()).read()
            for member in tar.getmembers()
        }
    with tarfile.open(shard, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in change(data).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_a_sample_without_a_member_is_named(tiny_copy: Tiny) -> None:
    shard = shards(tiny_copy)[0]
    lost = members(shard)[1].name
    rewrite(shard, lambda data: {name: content for name, content in data.items() if name != lost})
    assert named(check(tiny_copy), shard) == {lost.partition(".")[0]}


def test_an_added_sample_is_named(tiny_copy: Tiny) -> None:
    shard = shards(tiny_copy)[0]
    rewrite(
        shard,
        lambda data: (
            data | {f"more.{name.partition('.')[2]}": data[name] for name in list(data)[:3]}
        ),
    )
    assert named(check(tiny_copy), shard) == {"more"}


def test_other_encoder_same_pixels_is_said(tiny_copy: Tiny) -> None:
    """Another tar writer and another PNG encoder: bytes differ, samples do not."""
    from PIL import Image

    def encode_anew(data: dict[str, bytes]) -> dict[str, bytes]:
        return {
            name: encoded(content) if name.endswith("png") else content
            for name, content in data.items()
        }

    def encoded(content: bytes) -> bytes:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(content)).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    shard = shards(tiny_copy)[0]
    rewrite(shard, encode_anew)
    report = check(tiny_copy)
    assert len(report.findings) == 1
    assert "every sample has the sealed pixels and record" in report.findings[0].detail


@pytest.mark.parametrize(
    "name", ["samples.parquet", "README.md", "wids.json", "croissant.json", "recipe.json"]
)
def test_damaged_files_are_named(tiny_copy: Tiny, name: str) -> None:
    path = tiny_copy.version / name
    for place in (0, path.stat().st_size // 2, path.stat().st_size - 1):
        before = flip(path, place)
        report = check(tiny_copy)
        assert [(finding.fault, finding.where) for finding in report.findings] == [
            (Fault.FILE, name)
        ]
        path.write_bytes(before)
    path.unlink()
    assert [(finding.fault, finding.where) for finding in check(tiny_copy).findings] == [
        (Fault.FILE, name)
    ]


def test_a_damaged_shard_beside_a_damaged_table(tiny_copy: Tiny) -> None:
    shard = shards(tiny_copy)[0]
    flip(shard, 700)
    for damage in (b"", b"PAR1", (tiny_copy.version / "samples.parquet").read_bytes()[:-9]):
        (tiny_copy.version / "samples.parquet").write_bytes(damage)
        assert {Fault.FILE, Fault.SHARD_BYTES} <= faults(check(tiny_copy))


@pytest.mark.parametrize("kind", ["kernels", "noise"])
def test_damaged_pools_are_named(tiny_copy: Tiny, kind: str) -> None:
    """Also in the process that built the corpus, which has its pools in memory."""
    assert check(tiny_copy).ok
    group = tiny_copy.version / "pools" / f"{kind}.zarr"
    array = group / {"kernels": "kernel", "noise": "patch"}[kind]
    files = [group / "zarr.json", *(path for path in array.rglob("*") if path.is_file())]
    assert len(files) >= 3
    for path in files:
        content = path.read_bytes()
        for damaged in (
            b"",
            content[: len(content) // 2],
            bytes([content[0] ^ 0xFF]) + content[1:],
            None,
        ):
            if damaged is None:
                path.unlink()
            else:
                path.write_bytes(damaged)
            report = check(tiny_copy)
            assert {finding.fault for finding in report.findings} == {Fault.POOL}, (path, damaged)
            assert kind in report.findings[0].where
            path.write_bytes(content)
    shutil.rmtree(group)
    assert faults(check(tiny_copy)) == {Fault.POOL}


def test_a_manifest_with_another_identity_is_named(tiny_copy: Tiny) -> None:
    identity = tiny_copy.manifest.identity
    for changed in (
        identity.with_(samples={"train": 1}),
        identity.with_(recipe=identity.recipe | {"seed": 5}),
        identity.with_(pools=()),
        identity.with_(images="0" * 64),
    ):
        forged = replace(tiny_copy, manifest=tiny_copy.manifest.with_(identity=changed))
        assert Fault.MANIFEST in faults(check(forged))
    forged = replace(tiny_copy, manifest=tiny_copy.manifest.with_(digest="0" * 64))
    assert Fault.MANIFEST in faults(check(forged))


def test_a_manifest_with_other_shard_names_is_named(tiny_copy: Tiny) -> None:
    names = tiny_copy.manifest.shard_names
    for changed in (names[1:], names[::-1], ()):
        forged = replace(tiny_copy, manifest=tiny_copy.manifest.with_(shard_names=changed))
        assert Fault.MANIFEST in faults(check(forged))


def test_every_flip_in_the_identity_of_manifest_json_is_found(tiny_copy: Tiny) -> None:
    path, name = tiny_copy.version / "manifest.json", tiny_copy.manifest.identity.name
    text = path.read_text()
    start = text.index('"identity":')
    end = start + len(
        json.dumps(json.loads(text)["identity"], separators=(",", ":"), sort_keys=True)
    )
    for place in range(start + 12, end, 131):
        before = flip(path, place, 0x02)
        try:
            manifest = read_manifest(tiny_copy.storage, name, tiny_copy.manifest.version)
        except IntegrityError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert Fault.MANIFEST in faults(check(replace(tiny_copy, manifest=manifest))), text[
                place - 20 : place + 20
            ]
        path.write_bytes(before)
