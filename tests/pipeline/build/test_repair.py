"""Repairing: whatever is damaged has the sealed bytes again, in the version and in the stage that
shares them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pairmill.pipeline.build.repair import repair
from pairmill.pipeline.build.reproduce import Bench
from pairmill.pipeline.corpora.log import read_manifest
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.runner.execution import SerialExecutor
from pairmill.pipeline.runner.stage import Profile, ProgressListener
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from tests.support.make import build, tiny_recipe, tree, with_redegnet

DEGRADERS = [{"kind": "realsr", "weight": 3}, {"kind": "bicubic"}]
NOT_SEALED = ("manifest.json", "report/")


def bench(folder: Path) -> Bench:
    return Bench(Profile(str(folder / "bench")), SerialExecutor(), ProgressListener())


@pytest.fixture(scope="module")
def built(
    photographs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Storage, CorpusManifest]:
    storage = Storage(str(tmp_path_factory.mktemp("repair") / "workspace"))
    return storage, build(tiny_recipe(photographs, degraders=DEGRADERS), storage.url)


def version_of(storage: Storage, manifest: CorpusManifest) -> Path:
    return Path(storage.path(layout.version_folder(manifest.identity.name, manifest.version)))


def flip(path: Path) -> None:
    """Flip a byte where it lies, as a bad disk does: under all names of the file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0xFF]))


def damaged(version: Path, kind: str) -> list[Path]:
    """Files of a version that are damaged now."""
    shard = min((version / "shards").glob("*.tar"))
    chosen = {
        "shard": [shard],
        "gone": [shard],
        "table": [version / "samples.parquet"],
        "card": [version / "README.md", shard],
        "pool": [
            path for path in (version / "pools/kernels.zarr/kernel/c").rglob("*") if path.is_file()
        ],
    }[kind]
    for path in chosen:
        if kind == "gone":
            path.unlink()
        else:
            flip(path)
    return chosen


@pytest.mark.parametrize("kind", ["shard", "gone", "table", "card", "pool"])
def test_all_is_as_it_was(built: tuple[Storage, CorpusManifest], tmp_path: Path, kind: str) -> None:
    storage, manifest = built
    version, workspace = version_of(storage, manifest), Path(storage.url)
    before = tree(workspace)
    assert damaged(version, kind)
    assert not verify(storage, manifest).ok
    done, report = repair(storage, manifest, bench(tmp_path))
    assert done
    assert report.ok, report.findings
    assert (
        tree(workspace) == before
    )  # the stages too, from which the next build takes what it needs
    assert repair(storage, manifest, bench(tmp_path)) == ([], report)


@pytest.mark.parametrize("name", ["manifest", "sources.json"])
def test_a_version_that_does_not_know_what_it_was_is_published_anew(
    built: tuple[Storage, CorpusManifest], photographs: Path, tmp_path: Path, name: str
) -> None:
    storage, manifest = built
    version = version_of(storage, manifest)
    before = tree(version, NOT_SEALED)
    if name == "manifest":
        forged = manifest.with_(digest="0" * 64)
    else:
        forged = manifest
        flip(version / name)
    with pytest.raises(UserError, match="delete this folder and run `pairmill build RECIPE`"):
        repair(storage, forged, bench(tmp_path))
    shutil.rmtree(version)
    build(tiny_recipe(photographs, degraders=DEGRADERS), storage.url)
    assert verify(storage, read_manifest(storage, manifest.identity.name, manifest.version)).ok
    assert tree(version, NOT_SEALED) == before


def test_a_pool_that_cannot_be_estimated_again_is_sealed_anew(
    photographs: Path, tmp_path: Path
) -> None:
    storage, recipe = (
        Storage(str(tmp_path / "workspace")),
        with_redegnet(tiny_recipe(photographs), photographs),
    )
    manifest = build(recipe, storage.url)
    version = version_of(storage, manifest)
    before = tree(version, NOT_SEALED)
    damaged(version, "pool")
    with pytest.raises(
        UserError, match=r"delete this folder, and the folders `sealed` of stages/pool_\*"
    ):
        repair(storage, manifest, bench(tmp_path))
    shutil.rmtree(version)
    for folder in (
        *Path(storage.path("stages")).glob("pool_*/sealed"),
        Path(storage.path("stages/generate_kernels/sealed")),
    ):
        shutil.rmtree(folder)
    assert build(recipe, storage.url).version == manifest.version
    assert verify(storage, manifest).ok
    assert tree(version, NOT_SEALED) == before
