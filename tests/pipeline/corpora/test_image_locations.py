"""What may be published names no machine and no folder; what only this workspace knows lies next to
it, and is found again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr

from pairmill.pipeline.build.reproduce import reproduce
from pairmill.pipeline.corpora.diff import read_sources
from pairmill.pipeline.corpora.image_locations import read_locations
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.diff import Outcome
from pairmill.schemas.errors import UserError
from tests.support.make import Tiny, build, tiny_recipe
from tests.support.versions import PLAIN, Growing, bench

TEXT = {".json", ".jsonl", ".md", ".html", ".css", ".js"}
MACHINE = "annas-workstation"


@pytest.fixture
def growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Growing:
    """Three images on a machine that has a name."""
    monkeypatch.setattr("socket.gethostname", lambda: MACHINE)
    growing = Growing(tmp_path / "photos", Storage(str(tmp_path / "workspace")))
    growing.add(1, 2, 3)
    return growing


def everything_in(folder: Path) -> Iterator[tuple[str, str]]:
    """All that can be read below a folder, compressed tables and pools too."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".zarr":
            columns = (
                np.asarray(array[:]) for _, array in zarr.open_group(str(path), mode="r").arrays()
            )
            yield (
                str(path),
                str([column.tolist() for column in columns if column.dtype.kind not in "fiub"]),
            )
        elif path.suffix == ".parquet":
            yield str(path), str(pq.read_table(path).to_pylist())
        elif path.is_file():
            yield str(path), path.read_bytes().decode("latin-1")


def test_nothing_that_may_be_published_names_a_folder(tiny: Tiny) -> None:
    """Of a corpus with all pools, curation and pairs: manifest, sources, card, indexes, report,
    shards, table, log."""
    read = dict(everything_in(tiny.workspace / "corpora"))
    assert {Path(name).suffix for name in read} > {
        ".json",
        ".jsonl",
        ".md",
        ".html",
        ".tar",
        ".parquet",
        ".zarr",
    }
    for word in (tiny.photographs.name, str(tiny.photographs.parent), str(tiny.workspace)):
        assert [name for name, text in read.items() if word in text] == []


def test_nothing_that_may_be_published_names_the_machine(growing: Growing) -> None:
    manifest = growing.build()
    for path, text in everything_in(Path(growing.storage.path("corpora"))):
        assert MACHINE not in text, path
    assert manifest.circumstance.host == ""
    assert read_locations(growing.storage, manifest).host == MACHINE


def test_sources_name_files_and_pairs_and_places_say_where_they_lie(tiny: Tiny) -> None:
    sources, places = (
        read_sources(tiny.storage, tiny.manifest),
        read_locations(tiny.storage, tiny.manifest).images,
    )
    assert sources is not None
    assert sorted(image.name for image in sources.images) == ["0.png", "1.jpg", "10.png", "11.png"]
    assert all(
        places[image.pixel_sha256] == f"{tiny.photographs}/{image.role}/{image.name}"
        for image in sources.images
    )
    assert sorted(pair.name for pair in sources.pairs) == ["0", "1"]
    for pair in sources.pairs:
        assert places[pair.lq] == f"{tiny.photographs}/lq/{pair.name}.png"
        assert places[pair.hq] == f"{tiny.photographs}/hq/{pair.name}.png"
    assert sources.curation is not None
    assert sources.curation.benchmarks == ()


def as_before(storage: Storage, manifest: CorpusManifest) -> CorpusManifest:
    """The version as earlier builds of pairmill left it: with whole paths and the machine in it."""
    folder = Path(storage.path(f"corpora/tiny/{manifest.version}"))
    value, places = (
        json.loads((folder / "sources.json").read_text()),
        read_locations(storage, manifest).images,
    )
    for image in value["images"]:
        del image["name"]
        image["url"] = places[image["pixel_sha256"]]
    del value["pairs"]
    (folder / "sources.json").write_text(json.dumps(value))
    old = manifest.with_(circumstance=manifest.circumstance.with_(host=MACHINE))
    (folder / "manifest.json").write_text(old.canonical_json())
    storage.remove("places")
    return old


def test_versions_of_earlier_builds_are_read_and_made_again(
    growing: Growing, tmp_path: Path
) -> None:
    manifest = growing.build()
    old = as_before(growing.storage, manifest)
    assert find_version(growing.storage, "tiny") == old
    assert read_locations(growing.storage, old).host == MACHINE
    found = reproduce(growing.storage, old, bench(tmp_path))
    assert (found.outcome, found.digest) == (Outcome.IDENTICAL, manifest.digest)
    assert growing.build() == old  # found, not sealed again
    assert set(read_locations(growing.storage, old).images.values()) == {
        f"{growing.folder}/clean/{n}.png" for n in (1, 2, 3)
    }


def moved(growing: Growing) -> tuple[Storage, Path]:
    """The corpora alone, as somebody who downloads them gets them, and the photos in another
    folder."""
    elsewhere = growing.folder.with_name("elsewhere")
    shutil.copytree(growing.storage.path("corpora"), elsewhere / "corpora")
    return Storage(str(elsewhere)), growing.folder.rename(elsewhere / "photos")


def test_a_published_version_is_made_again_from_images_that_are_named(
    growing: Growing, tmp_path: Path
) -> None:
    manifest = growing.build()
    storage, photos = moved(growing)
    assert verify(storage, manifest).ok
    with pytest.raises(UserError, match="3 of 3 images") as caught:
        reproduce(storage, manifest, bench(tmp_path))
    assert "1.png (clean, pixels " in caught.value.got
    assert "this workspace never saw it" in caught.value.got
    assert (
        reproduce(storage, manifest, bench(tmp_path), images=[str(photos)]).outcome
        == Outcome.IDENTICAL
    )


@pytest.mark.parametrize("known", [True, False])
def test_a_build_that_finds_a_version_notes_where_its_images_lie_now(
    growing: Growing, tmp_path: Path, known: bool
) -> None:
    manifest = growing.build()
    _, photos = moved(growing)
    if not known:
        growing.storage.remove("places")
    recipe = tiny_recipe(photos, images={"clean": [f"{photos}/clean"]}, **PLAIN)
    assert build(recipe, growing.storage.url).version == manifest.version
    assert all(
        url.startswith(str(photos))
        for url in read_locations(growing.storage, manifest).images.values()
    )
    assert reproduce(growing.storage, manifest, bench(tmp_path)).outcome == Outcome.IDENTICAL


def test_noting_the_same_places_writes_nothing(
    growing: Growing, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing.build()
    written: list[str] = []
    before: Callable[[Storage, str, bytes], None] = Storage.write

    def noting(self: Storage, name: str, data: bytes) -> None:
        written.append(name)
        before(self, name, data)

    monkeypatch.setattr(Storage, "write", noting)
    growing.build()
    assert written == []
