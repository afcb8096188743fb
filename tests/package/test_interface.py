"""The interface does what the command line does: the same versions, in the same workspaces."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import fsspec
import numpy as np
import pytest
import torch

import pairmill
from pairmill import Corpus
from pairmill.pipeline.images.decode import pixel_digest
from pairmill.pipeline.workspace.lock import making
from pairmill.pipeline.workspace.storage import Storage
from tests.support.make import Tiny, tiny_recipe, tree


@pytest.fixture(scope="session")
def corpus(tiny: Tiny) -> Corpus:
    return pairmill.open("tiny", tiny.workspace)


class TestOpen:
    def test_by_name_digits_and_tag(self, tiny_copy: Tiny) -> None:
        version = tiny_copy.manifest.version
        found = pairmill.open("tiny", tiny_copy.workspace)
        assert found.version == version
        assert pairmill.open(f"tiny@{version[:6]}", str(tiny_copy.workspace)).version == version
        assert found.tag("released").version == version
        assert pairmill.open("tiny@released", tiny_copy.workspace).reference == f"tiny@{version}"

    def test_by_folder_is_in_its_workspace(self, tiny_copy: Tiny) -> None:
        found = pairmill.open(tiny_copy.version)
        assert found.storage.url == str(tiny_copy.workspace)
        assert found.path == str(tiny_copy.version)
        found.tag("by-folder")

    def test_a_copied_folder_has_all_but_a_workspace(self, tiny: Tiny, tmp_path: Path) -> None:
        copied = pairmill.open(shutil.copytree(tiny.version, tmp_path / "elsewhere"))
        assert copied.path == str(tmp_path / "elsewhere")
        assert copied.verify().ok
        assert copied.replay(copied.samples[0].key).identical
        assert Path(copied.report).is_file()
        before = tree(tmp_path)
        with pytest.raises(pairmill.UserError, match="only the folder of a version is here"):
            copied.tag("released")
        assert tree(tmp_path) == before

    def test_a_folder_in_a_store(self, tiny: Tiny) -> None:
        store = fsspec.filesystem("memory")
        store.put(str(tiny.version), "/bucket/published", recursive=True)
        published = pairmill.open("memory://bucket/published")
        assert published.verify().ok
        assert [row.key for row in published.samples] == [
            pair.record.key for pair in published.pairs()
        ]
        store.rm("/bucket", recursive=True)

    def test_what_is_not_there(self, tiny: Tiny, tmp_path: Path) -> None:
        with pytest.raises(pairmill.UserError, match="no corpus called 'other'"):
            pairmill.open("other", tiny.workspace)
        with pytest.raises(pairmill.UserError, match="no version lies in this folder"):
            pairmill.open(tmp_path)

    def test_a_damaged_manifest(self, tiny: Tiny, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_bytes((tiny.version / "manifest.json").read_bytes()[1:])
        with pytest.raises(pairmill.IntegrityError, match="a manifest is damaged"):
            pairmill.open(tmp_path)


class TestReading:
    def test_pairs_are_what_was_sealed(self, corpus: Corpus) -> None:
        pairs = list(corpus.pairs())
        assert [pair.record for pair in pairs] == list(corpus.samples)
        for hr, lr, record in pairs:
            assert pixel_digest(hr) == record.hr_sha256
            assert pixel_digest(lr) == record.lr_sha256
            assert hr.shape == (corpus.scale * lr.shape[0], corpus.scale * lr.shape[1], 3)

    def test_pairs_of_a_split(self, corpus: Corpus) -> None:
        for split, count in corpus.splits.items():
            assert [pair.record.split for pair in corpus.pairs(split)] == [split] * count
        with pytest.raises(pairmill.UserError, match="no such split"):
            corpus.pairs("other")

    def test_a_damaged_shard_is_told(self, tiny_copy: Tiny) -> None:
        damaged = pairmill.open(tiny_copy.version)
        shard = Path(damaged.shards("train")[0])
        data = bytearray(shard.read_bytes())
        data[-1] ^= 1
        shard.write_bytes(data)
        with pytest.raises(pairmill.IntegrityError, match="not as it was sealed"):
            list(damaged.pairs("train"))
        assert not damaged.verify().ok

    def test_samples_are_a_sequence(self, corpus: Corpus) -> None:
        samples, rows = corpus.samples, list(corpus.samples)
        assert len(samples) == len(rows) == sum(corpus.splits.values())
        assert [samples[number] for number in range(len(rows))] == rows
        assert samples[-1] == rows[-1]
        assert samples[2:-1:3] == rows[2:-1:3]
        assert samples[::-1] == rows[::-1]
        assert rows[3] in samples
        with pytest.raises(IndexError):
            samples[len(rows)]

    def test_shards_are_for_the_loader(self, corpus: Corpus) -> None:
        loader = pairmill.Loader(pairmill.Pairs(corpus.shards("train"), crop=None), batch=2)
        assert sum(len(hr) for hr, _ in loader) == corpus.splits["train"]
        assert corpus.shards() == [*corpus.shards("train"), *corpus.shards("val")]


class TestPrograms:
    def test_every_lr_is_made_again(self, corpus: Corpus) -> None:
        for hr, lr, record in corpus.pairs():
            assert np.array_equal(pairmill.apply(record.program, hr, corpus), lr)

    def test_a_program_without_pools(self, corpus: Corpus) -> None:
        kinds = {record.degrader: (hr, record) for hr, _, record in corpus.pairs()}
        hr, record = kinds["bicubic"]
        program = pairmill.Program.model_validate_json(record.program)
        assert pixel_digest(pairmill.apply(program, hr)) == record.lr_sha256
        hr, record = kinds["realsr"]
        with pytest.raises(pairmill.IntegrityError, match="a pool that is not here"):
            pairmill.apply(record.program, hr)

    def test_replay(self, corpus: Corpus) -> None:
        row = corpus.samples[0]
        again = corpus.replay(row.key)
        assert again.identical
        assert again.record.key == row.key
        assert pixel_digest(again.again) == row.lr_sha256
        with pytest.raises(pairmill.UserError, match="no sample 'other'"):
            corpus.replay("other")


def test_export_and_diff(corpus: Corpus, tmp_path: Path) -> None:
    done = corpus.export(tmp_path / "out", to="folder", split="val")
    assert done.pairs == corpus.splits["val"]
    assert {path.stem for path in (tmp_path / "out/val/lr").iterdir()} == {
        record.key for record in corpus.samples if record.split == "val"
    }
    assert corpus.diff(corpus).identical
    with pytest.raises(pairmill.UserError, match="no such split"):
        corpus.export(tmp_path / "other", to="folder", split="other")


class TestBuild:
    def test_the_version_is_that_of_the_stages(self, tiny: Tiny, tmp_path: Path) -> None:
        told: list[tuple[str, float, int]] = []
        threads = torch.get_num_threads(), cv2.getNumThreads()
        torch.set_num_threads(2)
        built = pairmill.build(tiny.recipe, tmp_path, progress=lambda *about: told.append(about))
        assert torch.get_num_threads() == 2
        torch.set_num_threads(threads[0])
        assert cv2.getNumThreads() == threads[1]
        assert built.manifest.identity == tiny.manifest.identity
        assert {name for name, done, units in told if done == units > 0} >= {
            "ingest",
            "estimate kernels",
            "synthesize pairs",
        }
        timed = [row.stage for row in built.manifest.circumstance.timings]
        assert timed[0] == "ingest"
        assert timed[-1] == "synthesize"
        assert pairmill.build(tiny.recipe, tmp_path).version == built.version

    def test_processes_file_and_values_give_one_version(
        self, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recipe = tiny_recipe(Path(), degraders=[{"kind": "bsrgan"}])
        values = recipe.model_dump(mode="json") | {"images": {"real": "photos/real"}}
        (tmp_path / "photos").symlink_to(photographs)
        (tmp_path / "tiny.yaml").write_text(pairmill.Recipe.model_validate(values).canonical_json())
        first = pairmill.build(tmp_path / "tiny.yaml", tmp_path / "first", workers=2)
        monkeypatch.chdir(tmp_path)
        second = pairmill.build(values, "second")
        assert first.manifest.identity == second.manifest.identity
        few = pairmill.build(values, "second", limit=1)
        assert few.name == "tiny-limit1"

    def test_what_cannot_be_built(self, photographs: Path, tmp_path: Path) -> None:
        recipe = tiny_recipe(photographs)
        with pytest.raises(pairmill.UserError, match="recipe"):
            pairmill.build({"name": "tiny", "imges": {}}, tmp_path)
        with pytest.raises(pairmill.UserError, match="no such recipe file"):
            pairmill.build(tmp_path / "none.yaml", tmp_path)
        with pytest.raises(pairmill.UserError, match="needs a worker"):
            pairmill.build(recipe, tmp_path, workers=0)
        with pytest.raises(pairmill.UserError, match="this device cannot be used"):
            pairmill.build(recipe, tmp_path, device="tpu")
        assert list(tmp_path.iterdir()) == []

    def test_one_at_a_time(self, photographs: Path, tmp_path: Path) -> None:
        with making(Storage(str(tmp_path)), "tiny"), pytest.raises(pairmill.BusyError):
            pairmill.build(tiny_recipe(photographs), tmp_path)


def test_preview(photographs: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(photographs, degraders=[{"kind": "bicubic"}])
    seen = pairmill.preview(recipe, tmp_path / "workspace", draws=1, out=tmp_path / "page")
    assert seen.page == str(tmp_path / "page/index.html")
    assert Path(seen.page).is_file()
    assert [one.label for one in seen.data.degraders] == ["bicubic"]
    assert not (tmp_path / "workspace").exists()
