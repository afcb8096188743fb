"""PDM that starts from what is measured, from the recipe to a replayed sample, and on from there to
joint training."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pairmill.models.pdm.checkpoint import read_checkpoint
from pairmill.pipeline.corpora.replay import corpus_assets, find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from tests.support.joint import section
from tests.support.make import PDM, build, tiny_recipe, write_photographs
from tests.support.training import run

Built = tuple[Storage, CorpusManifest]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """One of its two photographs is a JPEG file."""
    folder = tmp_path_factory.mktemp("measured")
    recipe = tiny_recipe(
        write_photographs(folder / "photographs"),
        tiles={"size": 48},
        samples_per_tile=4,
        pdm=PDM | {"start_from": "measured"},
        degraders=[{"kind": "pdm", "accept_failed": True}],
    )
    manifest = build(recipe, folder / "workspace")
    return Storage(str(folder / "workspace")), manifest


def test_it_builds_and_replays(built: Built) -> None:
    storage, manifest = built
    assert verify(storage, manifest).findings == ()
    rows = list(read_table(storage, manifest))
    replayed = list(
        replay(storage, manifest, find_samples(storage, manifest, [row.key for row in rows]))
    )
    assert len(replayed) == len(rows) > 4
    assert all(sample.identical for sample in replayed)
    assert {ref.kind: ref.codec for ref in manifest.identity.pools}["pdm"]


def test_lr_is_compressed_last_as_often_as_the_photographs(built: Built) -> None:
    found = Counter(
        tuple(op["op"] for op in json.loads(row.program)["ops"]) for row in read_table(*built)
    )
    plain, pressed = ("pdm", "quantise"), ("pdm", "quantise", "pooled_jpeg")
    assert set(found) == {plain, pressed}
    assert found[pressed] / found.total() == pytest.approx(0.5, abs=0.25)


@pytest.mark.usefixtures("one_torch_thread")
def test_joint_training_begins_where_it_ended(built: Built) -> None:
    """With the kernels and the noise that were measured, its correction, and the codec."""
    storage, manifest = built
    base = str(Path(storage.path("")).parent / "photographs")
    small: dict[str, Any] = {"corpus": manifest.identity.name, "steps": 1, "crop": 24, "batch": 2}
    settings = {key: PDM[key] for key in ("kernel", "noise", "critic")}
    begun = section("pdm", settings=settings, start_from="pool")
    done = run(storage, base=base, joint=begun, **small)
    left = read_checkpoint((Path(done.folder.path) / "degradations/last.safetensors").read_bytes())
    pool = next(ref.digest for ref in manifest.identity.pools if ref.kind == "pdm")
    assert left.start == read_checkpoint(corpus_assets(storage, manifest).checkpoint(pool)).start
    assert left.start is not None
    other = small | {"name": "other"}
    with pytest.raises(UserError, match="say the same `kernel` and `noise`"):
        run(storage, base=base, joint=section("pdm", start_from="pool"), **other)
