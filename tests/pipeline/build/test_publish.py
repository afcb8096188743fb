"""A sealed version: complete in itself, immutable, named by its content."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pairmill.pipeline.build.publish import publish
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode_png
from pairmill.pipeline.report.write import write_report
from pairmill.pipeline.runner.stage import Profile
from pairmill.pipeline.shards.table import SCHEMA, iterate, parquet_bytes
from pairmill.pipeline.shards.tar import read_members
from pairmill.pipeline.stages.synthesize import pixels_of
from pairmill.pipeline.workspace.provenance import circumstance, now
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError
from pairmill.schemas.sample import SampleRecord
from tests.support.make import Counting, Tiny, build, make_stages, tree


def test_manifest_and_folder_agree(tiny: Tiny) -> None:
    manifest = CorpusManifest.model_validate_json((tiny.version / "manifest.json").read_text())
    assert manifest == tiny.manifest
    assert manifest.digest == manifest.identity.content_digest()
    assert manifest.version == manifest.digest[:12] == tiny.version.name
    files = {
        path.relative_to(tiny.version).as_posix()
        for path in tiny.version.rglob("*")
        if path.is_file()
    }
    assert {f"shards/{name}" for name in manifest.shard_names} == {
        name for name in files if name.startswith("shards/")
    }
    assert {record.name for record in manifest.files} == {
        name for name in files if "/" not in name
    } - {"manifest.json"}
    assert manifest.parents == ()
    assert manifest.counts["images"] == 4


def test_identity_holds_no_places_and_no_circumstance(tiny: Tiny) -> None:
    text = tiny.manifest.identity.canonical_json()
    for word in (
        str(tiny.photographs),
        str(tiny.workspace),
        tiny.manifest.circumstance.platform,
        "/tmp",  # noqa: S108
    ):
        assert word not in text


def test_table_shards_and_manifest_tell_the_same(tiny: Tiny) -> None:
    rows = list(read_table(tiny.storage, tiny.manifest))
    by_shard: dict[str, list[str]] = {}
    for row in rows:
        by_shard.setdefault(row.shard, []).append(row.key)
    assert list(by_shard) == list(tiny.manifest.shard_names)
    table = {row.key: row for row in rows}
    assert len(table) == len(rows)
    for name, shard in zip(tiny.manifest.shard_names, tiny.manifest.identity.shards, strict=True):
        data = (tiny.version / "shards" / name).read_bytes()
        samples = list(read_members(io.BytesIO(data)))
        assert [key for key, _ in samples] == by_shard[name]
        assert len(samples) == shard.samples <= 13
        assert pixels_of([table[key] for key in by_shard[name]]) == shard.pixel_sha256
        for key, fields in samples:
            row = table[key]
            assert SampleRecord.model_validate_json(fields["json"]) == SampleRecord(
                **row.model_dump(exclude={"split", "shard"})
            )
            assert pixel_digest(decode_png(fields["hr.png"])) == row.hr_sha256
            assert pixel_digest(decode_png(fields["lr.png"])) == row.lr_sha256
            assert row.split == shard.split
            assert f"-{row.split}-" in name
    assert (
        sum(tiny.manifest.identity.samples.values()) == len(rows) == tiny.manifest.counts["tiles"]
    )


def test_no_image_is_in_two_splits(tiny: Tiny) -> None:
    splits: dict[str, set[str]] = {}
    for row in read_table(tiny.storage, tiny.manifest):
        splits.setdefault(row.image, set()).add(row.split)
    assert all(len(found) == 1 for found in splits.values())
    assert set().union(*splits.values()) == {"train", "val"}


def test_hr_is_the_box_of_its_image(tiny: Tiny) -> None:
    """Each HR tile, cut again from the clean photo, or from the downscaled real one."""
    import numpy as np
    from PIL import Image

    from pairmill.models.functional.resize import bicubic_down, to_uint8

    sources = {}
    for role in ("real", "clean"):
        for path in (tiny.photographs / role).iterdir():
            image = np.asarray(Image.open(path))
            sources[pixel_digest(image)] = (
                to_uint8(bicubic_down(image, 2)) if role == "real" else image
            )
    for row in read_table(tiny.storage, tiny.manifest):
        box = row.box
        tile = sources[row.image][box.top : box.top + box.height, box.left : box.left + box.width]
        assert pixel_digest(tile) == row.hr_sha256
        assert row.key.startswith(row.image[:16])


def test_sealing_again_changes_nothing(tiny_copy: Tiny) -> None:
    before = {
        path: path.stat().st_mtime_ns for path in tiny_copy.workspace.rglob("*") if path.is_file()
    }
    counting = Counting()
    assert build(tiny_copy.recipe, tiny_copy.workspace, watcher=counting) == tiny_copy.manifest
    assert set(counting.computed.values()) == {0}
    assert {
        path: path.stat().st_mtime_ns for path in tiny_copy.workspace.rglob("*") if path.is_file()
    } == before


def test_another_workspace_gives_the_same_version(tiny: Tiny, tmp_path: Path) -> None:
    again = build(tiny.recipe, tmp_path / "w")
    assert again.identity == tiny.manifest.identity
    other = tree(
        tmp_path / "w/corpora",
        leave_out=["manifest.json", "log.jsonl", "report/", "croissant.json"],
    )
    assert other == tree(
        tiny.workspace / "corpora",
        leave_out=["manifest.json", "log.jsonl", "report/", "croissant.json"],
    )


def test_half_a_version_is_finished(tiny_copy: Tiny) -> None:
    """Killed while sealing: no manifest, cut files, temporary files."""
    (tiny_copy.version / "manifest.json").unlink()
    (tiny_copy.workspace / "corpora/tiny/log.jsonl").unlink()
    (tiny_copy.version / "samples.parquet").write_bytes(b"PAR1")
    (tiny_copy.version / "shards" / tiny_copy.manifest.shard_names[0]).unlink()
    (tiny_copy.version / "shards" / tiny_copy.manifest.shard_names[1]).write_bytes(b"half")
    again = build(tiny_copy.recipe, tiny_copy.workspace)
    assert again.identity == tiny_copy.manifest.identity
    assert again.files[0] == tiny_copy.manifest.files[0]
    from pairmill.pipeline.corpora.verify import verify

    assert verify(tiny_copy.storage, again).ok


def test_a_finished_shard_that_changed_is_found_and_made_anew(tiny_copy: Tiny) -> None:
    import shutil

    shutil.rmtree(tiny_copy.workspace / "corpora")
    unit = tiny_copy.sealed["synthesize"].manifest.shards[0].key
    tar = tiny_copy.workspace / f"stages/synthesize/units/{unit[:2]}/{unit}/shard.tar"
    honest = tar.read_bytes()
    tar.write_bytes(honest[:-1] + b"x")
    with pytest.raises(IntegrityError, match="a finished shard has changed"):
        build(tiny_copy.recipe, tiny_copy.workspace)
    assert not (tiny_copy.version / "manifest.json").exists()
    counting = Counting()
    assert (
        build(tiny_copy.recipe, tiny_copy.workspace, watcher=counting).version
        == tiny_copy.manifest.version
    )
    assert counting.computed["synthesize"] == 1
    assert tar.read_bytes() == honest


def test_circumstance_is_not_hashed(tiny_copy: Tiny) -> None:
    made = make_stages(tiny_copy.recipe, tiny_copy.workspace)
    (tiny_copy.version / "manifest.json").unlink()
    other = circumstance("2001-01-01T00:00:00Z", "another engine", "run-7", ())
    manifest = publish(made, Profile(str(tiny_copy.workspace)), other, write_report)
    assert manifest.version == tiny_copy.manifest.version
    assert manifest.circumstance.engine == "another engine"
    assert now() >= "2024"


def test_names_differ_between_corpora_and_versions(tiny_copy: Tiny) -> None:
    renamed = build(tiny_copy.recipe.with_(name="other"), tiny_copy.workspace)
    reseeded = build(tiny_copy.recipe.with_(seed=1), tiny_copy.workspace)
    names = [*tiny_copy.manifest.shard_names, *renamed.shard_names, *reseeded.shard_names]
    assert len(set(names)) == len(names)
    assert reseeded.parents == (tiny_copy.manifest.version,)


def test_wids_index(tiny: Tiny) -> None:
    index = json.loads((tiny.version / "wids.json").read_text())
    assert index["__kind__"] == "wids-shard-index-v1"
    for entry in index["shardlist"]:
        with tarfile.open(tiny.version / entry["url"]) as tar:
            assert entry["nsamples"] == len(tar.getmembers()) / 3
        assert entry["filesize"] == (tiny.version / entry["url"]).stat().st_size


def test_rows_survive_parquet(tiny: Tiny) -> None:
    rows = list(read_table(tiny.storage, tiny.manifest))
    data = parquet_bytes(rows)
    assert parquet_bytes(rows) == data
    assert list(iterate(io.BytesIO(data))) == rows
    assert list(iterate(io.BytesIO(parquet_bytes([])))) == []
    table = pq.read_table(tiny.version / "samples.parquet")
    assert table.schema.equals(SCHEMA)
    assert sum(column.null_count for column in table.columns) == 0
    assert set(table["hr_height"].to_pylist()) == {32}
