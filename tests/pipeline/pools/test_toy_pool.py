"""A new kind of pool, as CONTRIBUTING.md adds one: all pieces of its examples are applied to a copy
of the repository, which then builds a corpus that draws from it, and runs the others."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.worked_examples import applied, carried_out, changes, modules, section

SECTION = section("Add a pool")

USED = """
import json
import sys
from pathlib import Path

import torch

from pairmill.flows.cli.pool_tables import show_pools
from pairmill.models import archs as networks
from pairmill.models import losses
from pairmill.pipeline import degraders
from pairmill.pipeline.assets import Assets
from pairmill.pipeline.degraders.base import Pools
from pairmill.pipeline.export.run import export, plan
from pairmill.pipeline.ops.apply import apply
from pairmill.pipeline.rng import stream
from pairmill.schemas.degraders import CONFIGS
from pairmill.schemas.losses import LOSS_CONFIGS
from pairmill.schemas.network import NETWORK_CONFIGS
from pairmill.schemas.ops.resize import Invert
from pairmill.schemas.program import Program
from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.explain.explain import explain
from pairmill.pipeline.preview.preview import Request, preview
from pairmill.pipeline.workspace.storage import Storage
from tests.support.make import build, photograph, save, tiny_recipe

folder = Path(sys.argv[1])
for seed in (1, 2, 3):
    save(photograph(seed, 97, 83), folder / f"real/{seed}.png")
    save(photograph(10 + seed, 73, 67, noise=0), folder / f"clean/{seed}.png")
recipe = tiny_recipe(folder, degraders=[{"kind": "defocus"}])
storage, request = Storage(str(folder / "w")), Request(recipe, "/", "tiny.yaml")
before = preview(request, storage, storage, "before")
manifest = build(recipe, folder / "w")
after = preview(request, storage, storage, "after")
keys = [row.key for row in read_table(storage, manifest)]
replayed = list(replay(storage, manifest, find_samples(storage, manifest, keys[:3])))
told = explain(storage, manifest, keys[0], storage, "explained")
(folder / "tiny.yaml").write_text(recipe.model_dump_json())
show_pools(str(folder / "tiny.yaml"), str(folder / "w"))
pinned = build(recipe.with_(name="pinned", pools_from=f"tiny@{manifest.version}"), folder / "w")
try:
    tiny_recipe(folder, degraders=[{"kind": "defocus"}], images={"clean": ["x"]})
except ValueError as error:
    refusal = str(error)
hr = photograph(5, 74, 62)
invert = Program(scale=1, ops=(Invert(),))
dim = degraders.build(CONFIGS["dim"](), 2, Pools()).draw(stream(1), (74, 62))
vdsr = networks.build(NETWORK_CONFIGS["vdsr"](depth=3), 2)
slopes = losses.build(LOSS_CONFIGS["gradient"]())
sr = torch.tensor([[[[0.0, 0.2], [0.1, 0.4]]]])
(folder / "seen.json").write_text(json.dumps({
    "inverted": bool((apply(invert, hr, Assets()) == 255 - hr).all()),
    "dim": [op.op for op in dim.ops],
    "vdsr": list(vdsr(torch.zeros(1, 3, 11, 7)).shape),
    "gradient": float(slopes(sr, 0 * sr)),
    "exported": export(plan(storage, manifest, "zips", str(folder / "out"))).pairs,
    "samples": len(keys),
    "before": [(pool.kind, pool.sealed, pool.note, len(pool.pictures)) for pool in before.supplies],
    "after": [(pool.kind, pool.sealed, pool.note, len(pool.pictures)) for pool in after.supplies],
    "pools": [(ref.kind, ref.count) for ref in manifest.identity.pools],
    "stages of pinned": list(pinned.identity.stages),
    "same pools": pinned.identity.pools == manifest.identity.pools,
    "stages": list(manifest.identity.stages),
    "counts": manifest.counts,
    "ok": verify(storage, manifest).ok,
    "identical": [sample.identical for sample in replayed],
    "ops": [step.op for step in told.strip.steps],
    "rows": [(row.kind, bool(row.picture)) for row in told.rows],
    "refusal": refusal,
}))
"""
"""What people do with a pool, told in `seen.json`."""


def test_a_kind_takes_few_files() -> None:
    """Ten at most, the degrader that draws from it among them; without it five. Tests and pages of
    the degrader come to it."""
    all_ = [name for name, _ in (*modules(SECTION), *changes(SECTION))]
    names = [name for name in all_ if not name.startswith(("tests/", "docs/"))]
    assert len(set(names)) == len(names) <= 10
    assert len([name for name in names if "degraders/" not in name]) == 5


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was seen of the new kind in the copy, and what the terminal said."""
    folder = tmp_path_factory.mktemp("toy")
    applied(folder / "copy")
    said = carried_out(folder / "copy", "-P", "-c", USED, str(folder))
    seen: dict[str, Any] = json.loads((folder / "seen.json").read_text())
    return seen | {"terminal": said}


def test_it_is_made_sealed_and_counted(told: dict[str, Any]) -> None:
    assert told["pools"] == [["discs", 3]]
    assert told["counts"]["discs"] == 3
    assert set(told["stages"]) == {"ingest", "clean_up", "make_discs", "synthesize"}
    assert "learns from images.real, which is empty" in told["refusal"]


def test_programs_are_verified_replayed_and_explained(told: dict[str, Any]) -> None:
    assert told["ok"]
    assert told["identical"] == [True, True, True]
    assert told["ops"] == ["pooled_blur", "subsample", "quantise"]
    assert told["rows"] == [["discs", True]]


def test_it_is_previewed_before_and_after(told: dict[str, Any]) -> None:
    [(kind, sealed, note, images)] = told["before"]
    assert (kind, sealed, images) == ("discs", False, 3)
    assert note.startswith("Placeholder: discs of 1 to 3 pixels")
    note = "Measured on the real images: the sealed pool of this recipe."
    assert told["after"] == [["discs", True, note, 3]]


def test_it_is_shown_and_pinned(told: dict[str, Any]) -> None:
    assert re.search(r"discs\s+pool\s+discs\s+[0-9a-f]{12}\s+3", told["terminal"])
    assert told["same pools"]
    assert "make_discs" not in told["stages of pinned"]


def test_the_other_examples_run_in_the_same_copy(told: dict[str, Any]) -> None:
    """An op, a degrader, an export format, a network and a loss."""
    assert told["inverted"]
    assert told["dim"] == ["bicubic_down", "shot_read_noise", "quantise"]
    assert told["vdsr"] == [1, 3, 22, 14]
    assert told["gradient"] == pytest.approx(0.15 + 0.25)
    assert told["exported"] == told["samples"] > 0
