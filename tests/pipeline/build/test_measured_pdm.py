"""PDM that starts from what is measured, from the recipe to a replayed sample."""

from __future__ import annotations

from pathlib import Path

from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.workspace.storage import Storage
from tests.support.make import PDM, build, tiny_recipe, write_photographs


def test_pdm_that_starts_from_what_is_measured_builds_and_replays(tmp_path: Path) -> None:
    folder = write_photographs(tmp_path / "photographs")
    recipe = tiny_recipe(
        folder,
        pdm=PDM | {"start_from": "measured"},
        degraders=[{"kind": "pdm", "accept_failed": True}],
    )
    manifest = build(recipe, tmp_path / "workspace")
    storage = Storage(str(tmp_path / "workspace"))
    assert verify(storage, manifest).findings == ()
    rows = list(read_table(storage, manifest))
    replayed = list(
        replay(storage, manifest, find_samples(storage, manifest, [row.key for row in rows]))
    )
    assert len(replayed) == len(rows) > 4
    assert all(sample.identical for sample in replayed)
    assert "pdm" in {ref.kind for ref in manifest.identity.pools}
