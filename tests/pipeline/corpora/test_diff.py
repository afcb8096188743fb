"""Two versions, explained: recipe, stages, pools, images, and samples by field."""

from __future__ import annotations

import itertools
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pairmill.pipeline.corpora.diff import (
    BATCH,
    Row,
    changes,
    compare_rows,
    diff,
    merged,
    order,
    program_changes,
)
from pairmill.pipeline.corpora.replay import read_table
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError
from tests.support.make import Tiny
from tests.support.versions import Growing


@pytest.fixture
def growing(tmp_path: Path) -> Growing:
    growing = Growing(tmp_path / "photos", Storage(str(tmp_path / "workspace")))
    growing.add(1, 2, 3, 4, 5)
    return growing


def rows(storage: Storage, manifest: CorpusManifest) -> dict[str, Row]:
    return {row.key: row.model_dump(exclude={"shard"}) for row in read_table(storage, manifest)}


def test_a_version_equals_itself(tiny: Tiny) -> None:
    heard: list[int] = []
    found = diff(tiny.storage, tiny.manifest, tiny.manifest, heard.append)
    assert found.identical
    assert found.samples.same
    assert found.samples.equal == sum(tiny.manifest.identity.samples.values())
    assert (found.recipe, found.stages, found.pools, found.images_added, found.images_removed) == (
        (),
        (),
        (),
        (),
        (),
    )
    assert (
        found.shards.same == found.shards.old == found.shards.new == len(tiny.manifest.shard_names)
    )


def test_an_added_and_a_removed_image(growing: Growing) -> None:
    old = growing.build()
    growing.add(6)
    (growing.folder / "clean/2.png").unlink()
    new = growing.build()
    found = diff(growing.storage, old, new)
    assert not found.identical
    assert [Path(found.places[image]).name for image in found.images_added] == ["6.png"]
    assert [Path(found.places[image]).name for image in found.images_removed] == ["2.png"]
    a, b = rows(growing.storage, old), rows(growing.storage, new)
    both = a.keys() & b.keys()
    assert (found.samples.added, found.samples.removed) == (
        len(b.keys() - a.keys()),
        len(a.keys() - b.keys()),
    )
    assert found.samples.added > 3
    assert found.samples.equal == sum(a[key] == b[key] for key in both)
    assert found.samples.changed == len(both) - found.samples.equal
    assert set(found.samples.fields) <= {"split"}  # an image may have moved to fill a split
    assert set(found.samples.examples["added"]) <= b.keys() - a.keys()
    assert found.recipe == ()
    assert found.pools == ()


def test_recipe_changes_are_told_by_path_and_samples_by_field(growing: Growing) -> None:
    step = {"op": "shot_read_noise", "shot": 0.0}
    noise, louder = (
        {"kind": "custom", "ops": [{**step, "read": read}]} for read in ([2, 3], [4, 6])
    )
    old = growing.build(degraders=[{"kind": "bicubic"}, noise])
    new = growing.build(degraders=[{"kind": "bicubic"}, louder])
    found = diff(growing.storage, old, new)
    assert {change.path for change in found.recipe} == {
        "degraders[1].ops[0].read[0]",
        "degraders[1].ops[0].read[1]",
    }
    assert {(change.old, change.new) for change in found.recipe} == {(2, 4), (3, 6)}
    a, b = rows(growing.storage, old), rows(growing.storage, new)
    kinds = Counter(row["degrader"] for row in a.values())
    assert found.samples.equal == kinds["bicubic"] > 0
    assert found.samples.changed == found.samples.fields["program"] == kinds["custom"] > 0
    assert found.samples.programs == {"shot_read_noise.read": kinds["custom"]}
    assert found.samples.fields["LR pixels"] == sum(
        a[key]["lr_sha256"] != b[key]["lr_sha256"] for key in a
    )
    assert "HR pixels" not in found.samples.fields


def test_tiles_seed_and_stage_versions(growing: Growing) -> None:
    old = growing.build()
    bigger = growing.build(tiles={"size": 20, "stride": 16})
    found = diff(growing.storage, old, bigger)
    told = [(change.path, change.old, change.new) for change in found.recipe]
    assert told == [("tiles.size", 16, 20), ("tiles.stride", None, 16)]
    both = rows(growing.storage, old).keys() & rows(growing.storage, bigger).keys()
    assert (
        found.samples.fields["box"]
        == found.samples.fields["HR pixels"]
        == found.samples.changed
        == len(both)
        > 0
    )
    forged = old.with_(
        identity=old.identity.with_(stages=old.identity.stages | {"ingest": 9}), digest="0" * 64
    )
    stages = diff(growing.storage, old, forged).stages
    assert [(change.path, change.old, change.new) for change in stages] == [
        ("ingest", old.identity.stages["ingest"], 9)
    ]


def test_pools_are_told_with_their_counts(tiny: Tiny) -> None:
    pools = tiny.manifest.identity.pools
    other = pools[0].with_(digest="0" * 64, count=pools[0].count + 1)
    forged = tiny.manifest.with_(
        identity=tiny.manifest.identity.with_(pools=(other, *pools[2:])), digest="0" * 64
    )
    found = diff(tiny.storage, tiny.manifest, forged)
    assert {change.kind: (change.old, change.new) for change in found.pools} == {
        pools[0].kind: (pools[0], other),
        pools[1].kind: (pools[1], None),
    }


def test_another_encoder_shows_in_the_shards(tiny: Tiny) -> None:
    shards = [shard.with_(sha256="1" * 64) for shard in tiny.manifest.identity.shards]
    forged = tiny.manifest.with_(
        identity=tiny.manifest.identity.with_(shards=shards), digest="0" * 64
    )
    found = diff(tiny.storage, tiny.manifest, forged)
    assert (found.shards.same, found.shards.encoded) == (0, len(shards))
    assert found.samples.same


def test_images_without_a_list_of_sources(tiny_copy: Tiny) -> None:
    (tiny_copy.version / "sources.json").unlink()
    found = diff(tiny_copy.storage, tiny_copy.manifest, tiny_copy.manifest)
    assert found.images_added == found.images_removed == ()


@pytest.mark.parametrize("damage", [b"", b"PAR1", None])
def test_a_damaged_table_is_a_clear_error(tiny_copy: Tiny, damage: bytes | None) -> None:
    table = tiny_copy.version / "samples.parquet"
    table.write_bytes(table.read_bytes()[:-9] if damage is None else damage)
    with pytest.raises(IntegrityError, match="table of samples") as caught:
        diff(tiny_copy.storage, tiny_copy.manifest, tiny_copy.manifest)
    assert "verify" in caught.value.todo


def test_json_values_differ_by_leaf() -> None:
    old = {"a": 1, "b": {"c": [1, 2], "d": None}, "e": [1], "f": True, "g": 1.0}
    new = {"a": 1, "b": {"c": [1, 3], "d": 0}, "e": [1, 2], "f": 1, "h": "x", "g": 1}
    found = {change.path: (change.old, change.new) for change in changes(old, new)}
    assert found == {
        "b.c[1]": (2, 3),
        "b.d": (None, 0),
        "e": ([1], [1, 2]),
        "f": (True, 1),
        "h": (None, "x"),
    }


def test_programs_differ_by_op_and_parameter() -> None:
    def program(*ops: dict[str, Any], scale: int = 2) -> str:
        return json.dumps({"scale": scale, "ops": ops})

    jpeg, down = {"op": "jpeg", "quality": 50, "table": 1}, {"op": "bicubic_down", "scale": 2}
    assert program_changes(program(jpeg), program({**jpeg, "quality": 60})) == {"jpeg.quality"}
    assert program_changes(program(jpeg, down), program(down, jpeg)) == {"ops"}
    assert program_changes(program(jpeg), program(jpeg, down)) == {"ops"}
    assert program_changes(program(down), program({"op": "bicubic_down"}, scale=4)) == {
        "bicubic_down.scale",
        "scale",
    }


def row(image: int, place: int = 0, split: str = "train", **more: Any) -> Row:
    key = f"{image:016x}-{place:05d}-00000-000"
    box = {"left": place, "top": 0, "width": 8, "height": 8}
    rest = dict.fromkeys(("scale", "degrader", "program", "seed", "hr_sha256", "lr_sha256"), "")
    return {"key": key, "image": f"{image:064x}", "box": box, "split": split, **rest, **more}


def test_a_million_samples_are_never_in_memory_at_once() -> None:
    """Rows are taken one by one from both sides; here a stream that counts how far it was read
    ahead."""
    ahead = {"old": 0, "new": 0}

    def stream(name: str, count: int) -> Iterator[Row]:
        for number in range(count):
            ahead[name] = number
            assert abs(ahead["old"] - ahead["new"]) < 5
            yield row(number)

    heard: list[int] = []
    found = compare_rows(
        merged([stream("old", 3 * BATCH)]), merged([stream("new", 3 * BATCH)]), heard.append
    )
    assert found.equal == 3 * BATCH == sum(heard)


def test_matching_equals_brute_force() -> None:
    """All ways that five samples can be in two versions, in either of two splits."""
    for picks in itertools.product(range(4), repeat=5):  # none, old, new, both
        old = [
            row(n, split="train" if n % 2 else "val") for n, pick in enumerate(picks) if pick & 1
        ]
        new = [row(n, split="train", seed=str(n == 3)) for n, pick in enumerate(picks) if pick & 2]
        old_keys, new_keys = {r["key"]: r for r in old}, {r["key"]: r for r in new}
        both = old_keys.keys() & new_keys.keys()
        found = compare_rows(
            merged([iter([r for r in old if r["split"] == s]) for s in ("train", "val")]),
            merged([iter(new)]),
        )
        assert found.added == len(new_keys.keys() - both)
        assert found.removed == len(old_keys.keys() - both)
        assert found.changed == len(both)  # seed: "" is not "False"
        assert found.fields.get("split", 0) == sum(old_keys[key]["split"] == "val" for key in both)


def test_rows_out_of_order_are_refused() -> None:
    assert order(row(1, 2)) < order(row(1, 3)) < order(row(2, 0))
    with pytest.raises(IntegrityError, match="not in the order"):
        compare_rows(merged([iter([row(2), row(1)])]), iter([]))


def test_versions_of_two_corpora(growing: Growing) -> None:
    one, other = growing.build(), growing.build(name="other", seed=1)
    found = diff(growing.storage, one, other)
    assert (found.old, found.new) == (f"tiny@{one.version}", f"other@{other.version}")
    assert {change.path for change in found.recipe} == {"name", "seed"}
    shutil.rmtree(growing.folder)  # images themselves are not looked at
    assert diff(growing.storage, one, other) == found
