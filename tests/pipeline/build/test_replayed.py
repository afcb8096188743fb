"""Versions that keep HR and programs alone: their LR is that of the version that stores it, to the
last bit, wherever it is made."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import torch

import pairmill
from pairmill.pipeline.corpora.replayed import ReplayedIndex, Texts, split_index
from pairmill.pipeline.corpora.samples import some_pairs
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.images.encode import decode, decode_png
from pairmill.pipeline.shards.index import read_index
from pairmill.pipeline.shards.reader import Loader, read_pair
from pairmill.pipeline.shards.tar import read_members
from pairmill.schemas.corpus import Fault
from pairmill.schemas.errors import IntegrityError, UserError
from pairmill.schemas.recipe import Recipe
from tests.support.make import tiny_recipe, tree

DRAWS = 5
DEGRADERS = [
    {"kind": "realsr", "noise": "as_mined", "weight": 3},
    {"kind": "bsrgan"},
    {"kind": "bicubic"},
]


@dataclass(frozen=True)
class Both:
    """One recipe, with LR and without."""

    replayed: pairmill.Corpus
    stored: pairmill.Corpus
    workspace: Path


def recipe(photographs: Path, **shards: object) -> Recipe:
    return tiny_recipe(
        photographs,
        degraders=DEGRADERS,
        samples_per_tile=DRAWS,
        shards={"samples": 4 * DRAWS, **shards},
    )


@pytest.fixture(scope="module")
def both(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    workspace = tmp_path_factory.mktemp("replayed") / "workspace"
    replayed = pairmill.build(recipe(photographs, lr="replayed"), workspace)
    stored = pairmill.build(recipe(photographs), workspace)
    return Both(replayed, stored, workspace)


def test_every_lr_is_sealed_though_it_is_not_there(both: Both) -> None:
    names = set()
    for place in both.replayed.shards():
        with Path(place).open("rb") as file:
            names |= {field for _, fields in read_members(file) for field in fields}
    assert names == {"hr.png"}
    assert both.replayed.splits == both.stored.splits
    for ours, theirs in zip(both.replayed.samples, both.stored.samples, strict=True):
        changed = {"shard": ours.shard}  # named after the version
        assert ours == theirs.with_(**changed)
    sealed = [shard.pixel_sha256 for shard in both.replayed.manifest.identity.shards]
    assert sealed == [shard.pixel_sha256 for shard in both.stored.manifest.identity.shards]


def test_it_takes_the_room_of_hr_and_a_few_hundred_bytes_a_pair(both: Both) -> None:
    """HR once per tile, and 600 bytes a pair; what a row group has of its own weighs in a shard of
    a few rows alone: 4 KB of the table's end."""
    hr = sum(
        len(fields["hr.png"])
        for place in both.replayed.shards()
        for _, fields in read_members(io.BytesIO(Path(place).read_bytes()))
    )
    tars = sum(shard.bytes for shard in both.replayed.manifest.identity.shards)
    pairs, shards = len(both.replayed.samples), len(both.replayed.shards())
    assert tars - hr <= shards * 10240 + pairs / DRAWS * 1024
    path = Path(both.replayed.path) / "samples.parquet"
    table = pyarrow.parquet.ParquetFile(path).metadata
    groups = [table.row_group(number) for number in range(table.num_row_groups)]
    columns = sum(
        group.column(number).total_compressed_size
        for group in groups
        for number in range(table.num_columns)
    )
    assert columns <= 600 * pairs
    assert path.stat().st_size - columns <= 4096 * len(groups)
    stored = sum(shard.bytes for shard in both.stored.manifest.identity.shards)
    assert tars < 0.4 * stored


def test_pairs_are_those_of_the_version_with_lr(both: Both) -> None:
    for split in both.stored.splits:
        for ours, theirs in zip(both.replayed.pairs(split), both.stored.pairs(split), strict=True):
            assert ours.record.key == theirs.record.key
            np.testing.assert_array_equal(ours.hr, theirs.hr)
            np.testing.assert_array_equal(ours.lr, theirs.lr)


@pytest.mark.parametrize("crop", [None, 12, 32])
def test_crops_for_training_are_those_of_the_version_with_lr(both: Both, crop: int | None) -> None:
    ours, theirs = (c.training("train", crop, seed=7) for c in (both.replayed, both.stored))
    assert len(ours) == len(theirs) == both.stored.splits["train"]
    for number in range(len(ours)):
        for a, b in zip(ours[3, number], theirs[3, number], strict=True):
            assert torch.equal(a, b)


def test_a_copied_folder_is_trained_on(both: Both, tmp_path: Path) -> None:
    for corpus in (both.replayed, both.stored):
        copy = shutil.copytree(corpus.path, tmp_path / corpus.version)
        ours, theirs = (c.training("train", 12) for c in (pairmill.open(copy), corpus))
        for a, b in zip(ours[0, 1], theirs[0, 1], strict=True):
            assert torch.equal(a, b)


def test_programs_that_were_changed_are_not_trained_on(both: Both, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(both.replayed.path, copy)
    table = copy / "samples.parquet"
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 1
    table.write_bytes(data)
    with pytest.raises(IntegrityError, match="the table of samples is not as it was sealed"):
        pairmill.open(copy).training("train", 12)


def test_the_loader_makes_lr_in_workers(both: Both) -> None:
    batches = [
        [tuple(image.clone() for image in batch) for batch in loader]
        for loader in (
            Loader(both.replayed.training("train", 16, seed=1), 4, workers=2),
            Loader(both.stored.training("train", 16, seed=1), 4),
        )
    ]
    assert len(batches[0]) == len(batches[1]) > 3
    for ours, theirs in zip(*batches, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("workers", [0, 2])
def test_the_loader_makes_lr_on_a_device(both: Both, workers: int, device: str) -> None:
    ours = Loader(both.replayed.training("train", 16, seed=1, device=device), 4, workers=workers)
    theirs = Loader(both.stored.training("train", 16, seed=1), 4)
    batches = list(zip(ours, theirs, strict=True))
    assert len(batches) > 3
    for (hr, lr), (their_hr, their_lr) in batches:
        assert hr.device.type == lr.device.type == device
        assert torch.equal(hr.cpu(), their_hr)
        assert torch.equal(lr.cpu(), their_lr)


def test_a_device_has_nothing_to_make_where_lr_is_stored(both: Both) -> None:
    with pytest.raises(UserError, match="nothing to make on a device"):
        both.stored.training("train", device="cpu")


def test_a_part_of_the_index_is_the_same_samples(both: Both) -> None:
    index = split_index(both.replayed.storage, both.replayed.manifest, "train")
    assert isinstance(index, ReplayedIndex)
    few = index.take(np.array([5, 2]))
    assert (few.key(0), len(few)) == (index.key(5), 2)
    for number, other in ((0, 5), (1, 2)):
        pairs = (read_pair(one, n, 12, 0, 0) for one, n in ((few, number), (index, other)))
        assert all(np.array_equal(a, b) for a, b in zip(*pairs, strict=True))


def test_reading_the_tars_alone_says_what_to_do(both: Both) -> None:
    with pytest.raises(UserError, match="LR of this corpus is not stored") as caught:
        read_index(both.replayed.shards())
    assert "materialise" in caught.value.todo
    assert "training" in caught.value.todo


def test_materialised_it_is_the_version_that_stores_lr(both: Both, tmp_path: Path) -> None:
    """Shards, table, pools and card to the last bit, in a workspace that has nothing else."""
    made = both.replayed.materialise(tmp_path / "elsewhere")
    assert made.version == both.stored.version
    assert made.verify().ok
    ours, theirs = (
        tree(Path(corpus.path), ("manifest.json", "sources.json", "report/", "croissant.json"))
        for corpus in (made, both.stored)
    )
    assert ours == theirs
    page = Path(made.report).read_text()
    assert made.version in page
    assert made.manifest.digest in page
    assert both.replayed.version not in page
    head = json.loads((Path(made.report).parent / "report.json").read_text())["head"]
    assert (head["version"], head["digest"]) == (made.version, made.manifest.digest)
    assert head["bytes"] == sum(shard.bytes for shard in made.manifest.identity.shards)
    assert tree(Path(made.report).parent / "img") == tree(Path(both.replayed.report).parent / "img")
    again = made.storage.path("corpora/tiny/log.jsonl")
    assert both.replayed.materialise(tmp_path / "elsewhere").version == made.version
    assert len(Path(again).read_text().splitlines()) == 1


def test_materialising_from_a_copied_folder_needs_a_workspace(both: Both, tmp_path: Path) -> None:
    folder = shutil.copytree(both.replayed.path, tmp_path / "copy")
    alone = pairmill.open(str(folder))
    with pytest.raises(UserError, match="no room for another"):
        alone.materialise()
    assert alone.materialise(tmp_path / "ws").version == both.stored.version


def test_a_damaged_list_of_images_is_said_before_any_work(both: Both, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(both.replayed.path, copy)
    (copy / "sources.json").write_text("{")
    with pytest.raises(IntegrityError, match="the list of the images of a version is damaged"):
        pairmill.open(copy).materialise(tmp_path / "there")
    assert not (tmp_path / "there/stages").exists()


def test_there_is_nothing_to_materialise_where_lr_is_stored(both: Both, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stores its LR"):
        both.stored.materialise(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_lr_that_comes_out_otherwise_is_refused(
    both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a codec is of another build."""
    from pairmill.pipeline.ops.apply import apply

    def other(*given: object) -> np.ndarray:
        lr = apply(*given).copy()  # type: ignore[arg-type]
        lr[0, 0, 0] ^= 1
        return lr

    monkeypatch.setattr("pairmill.pipeline.stages.materialise.apply", other)
    with pytest.raises(IntegrityError, match="comes out other than it was sealed"):
        both.replayed.materialise(tmp_path)
    assert not list(tmp_path.glob("corpora/*/*/manifest.json"))


def test_verify_reads_tiles_and_replay_makes_lr(both: Both) -> None:
    assert both.replayed.verify().ok
    for row in list(both.replayed.samples)[::7]:
        sample = both.replayed.replay(row.key)
        assert sample.identical
        assert pixel_digest(sample.lr) == row.lr_sha256


def test_a_changed_tile_is_found_by_its_key(both: Both, tmp_path: Path) -> None:
    copy = shutil.copytree(both.workspace, tmp_path / "workspace", copy_function=shutil.copy)
    corpus = pairmill.open(both.replayed.reference, copy)
    place = Path(corpus.shards()[0])
    data = bytearray(place.read_bytes())
    first = data.index(b"IDAT") + 40
    data[first] ^= 4
    place.write_bytes(data)

    report = verify(corpus.storage, corpus.manifest)

    faults = {finding.fault for finding in report.findings}
    assert Fault.SHARD_BYTES in faults
    assert faults & {Fault.SAMPLE_PIXELS, Fault.SAMPLE_UNREADABLE}


def test_a_tile_that_is_missing_is_said(both: Both, tmp_path: Path) -> None:
    copy = shutil.copytree(both.workspace, tmp_path / "workspace", copy_function=shutil.copy)
    corpus = pairmill.open(both.replayed.reference, copy)
    place = Path(corpus.shards("train")[0])
    with place.open("rb") as file:
        first, _ = next(read_members(file))
    end = place.read_bytes().index(b"\0" * 1024)
    place.write_bytes(place.read_bytes().replace(first.encode(), first.encode()[::-1], 1))
    assert end > 0

    with pytest.raises(IntegrityError, match="HR of a sample is not in its shard"):
        corpus.training("train")


def test_pictures_of_reports_are_of_lr_made_now(both: Both) -> None:
    pairs = {p.row.key: p for p in some_pairs(both.replayed.storage, both.replayed.manifest, 9)}
    stored = {p.row.key: p for p in some_pairs(both.stored.storage, both.stored.manifest, 9)}
    assert pairs.keys() == stored.keys()
    for key, pair in pairs.items():
        np.testing.assert_array_equal(pair.lr, stored[key].lr)


def test_exports_are_those_of_the_version_with_lr(both: Both, tmp_path: Path) -> None:
    for corpus, name in ((both.replayed, "ours"), (both.stored, "theirs")):
        corpus.export(tmp_path / name, "folder")
    ours, theirs = (tree(tmp_path / name, (".pairmill", "journal")) for name in ("ours", "theirs"))
    pictures = [name for name in ours if name.endswith(".png")]
    assert len(pictures) == 2 * len(both.stored.samples)
    assert {name: ours[name] for name in pictures} == {name: theirs[name] for name in pictures}


def test_small_shards_hold_the_same_pixels_and_are_exported_as_png(
    both: Both, photographs: Path, tmp_path: Path
) -> None:
    small = pairmill.build(recipe(photographs, encoding="small"), both.workspace)
    with Path(small.shards("train")[0]).open("rb") as file:
        _, fields = next(read_members(file))
    assert sorted(fields) == ["hr.webp", "json", "lr.webp"]
    sealed = [shard.pixel_sha256 for shard in both.stored.manifest.identity.shards]
    assert [shard.pixel_sha256 for shard in small.manifest.identity.shards] == sealed
    assert small.verify().ok
    small.export(tmp_path / "export", "folder", "train")
    row = next(row for row in small.samples if row.split == "train")
    picture = (tmp_path / "export/train/lr" / f"{row.key}.png").read_bytes()
    assert pixel_digest(decode_png(picture)) == row.lr_sha256
    assert 'to_tuple("hr.webp", "lr.webp")' in (Path(small.path) / "README.md").read_text()
    hr, _ = small.training("train", augment=False)[0]
    np.testing.assert_array_equal(hr.numpy().transpose(1, 2, 0), decode(fields["hr.webp"]))


def test_the_card_says_how_it_is_read(both: Both) -> None:
    card = (Path(both.replayed.path) / "README.md").read_text()
    assert "TILE.hr.png" in card
    assert "corpus.training" in card
    assert "KEY.lr.png" not in card


@pytest.mark.parametrize("texts", [[], ["a"], ["a" * 900, "", "a" * 899 + "é", "b"]])
def test_texts_are_kept(texts: list[str]) -> None:
    packed = Texts.of(texts)
    assert [packed[number] for number in range(len(packed))] == texts
    assert len(packed) == len(texts)


def test_verify_does_not_blame_tiles_where_the_table_is_damaged_too(
    both: Both, tmp_path: Path
) -> None:
    copy = shutil.copytree(both.workspace, tmp_path / "workspace", copy_function=shutil.copy)
    corpus = pairmill.open(both.replayed.reference, copy)
    (Path(corpus.path) / "samples.parquet").write_bytes(b"PAR1 no more")
    shard = Path(corpus.shards()[0])
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")

    findings = verify(corpus.storage, corpus.manifest).findings

    assert [(found.fault, found.where) for found in findings] == [
        (Fault.FILE, "samples.parquet"),
        (Fault.SHARD_BYTES, shard.name),
        (Fault.SAMPLE_RECORD, shard.name),
    ]
    assert "table is damaged too" in findings[-1].detail
