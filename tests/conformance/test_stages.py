"""One list, all properties: what every stage promises.

Each stage is run alone in a workspace that holds all stages of the tiny build but its own, with the
inputs and the config that it had in the build. The list is `STAGES`; a new stage is under these
properties as soon as the tiny recipe uses it.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pairmill.pipeline.build.build import make
from pairmill.pipeline.images import decode, pixel_cache
from pairmill.pipeline.runner.execution import Executor, ProcessExecutor, SerialExecutor, run_stage
from pairmill.pipeline.runner.stage import (
    Batch,
    Profile,
    ProgressCallback,
    ProgressListener,
    Sealed,
    Stage,
    finished,
)
from pairmill.pipeline.shards.table import iterate
from pairmill.pipeline.stages import trial_tiles
from pairmill.pipeline.stages.table import STAGES
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.image import ImageRecord, ImageSet
from pairmill.schemas.recipe import Recipe
from pairmill.schemas.translation import METHODS as TRANSLATORS
from tests.support.config_mutations import changed_leaves
from tests.support.make import (
    Counting,
    Tiny,
    build,
    make_aligned,
    make_cameras,
    make_stages,
    make_translator,
    make_with_flow,
    materialised,
    photograph,
    save,
    tree,
    try_chain,
)

NAMES = list(STAGES)


@dataclass(frozen=True)
class Bench:
    """One stage in a workspace of its own."""

    stage: Stage[Any, Any, Any, Any, Any]
    inputs: Any
    config: Any
    workspace: Path
    expected: dict[str, bytes]
    """The stage's files as the tiny build left them."""
    sealed: Sealed[Any]

    @property
    def folder(self) -> Path:
        return self.workspace / "stages" / self.stage.name

    def run(self, executor: Executor | None = None, workers: int = 1) -> Sealed[Any]:
        profile = Profile(str(self.workspace), workers=workers)
        return run_stage(
            self.stage,
            self.inputs,
            self.config,
            profile,
            executor or SerialExecutor(),
            ProgressListener(),
        )

    def same(self) -> None:
        """The folder is what the tiny build left, byte for byte."""
        found = tree(self.folder, leave_out=[".tmp"])
        assert sorted(found) == sorted(self.expected)
        assert [name for name in found if found[name] != self.expected[name]] == []


@pytest.fixture(scope="module")
def stages(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the stages of the tiny build, one for all tests: a copy takes longer than
    what most stages do."""
    workspace = tmp_path_factory.mktemp("stages") / "workspace"
    shutil.copytree(tiny.workspace / "stages", workspace / "stages")
    return workspace


@pytest.mark.parametrize("name", NAMES)
def test_a_stage_travels_to_workers_by_name(name: str) -> None:
    """Its functions are those of a module, so that plain pickle takes it to another process."""
    there = pickle.loads(pickle.dumps(STAGES[name]))  # noqa: S301
    assert there == STAGES[name]
    assert there.work is STAGES[name].work


@pytest.fixture(params=NAMES)
def bench(request: pytest.FixtureRequest, tiny: Tiny, stages: Path) -> Iterator[Bench]:
    """The workspace without the stage's folder, which is as it was afterwards."""
    name: str = request.param
    made, folder = (workspace / "stages" / name for workspace in (tiny.workspace, stages))
    expected = tree(made)
    assert expected
    shutil.rmtree(folder)
    yield Bench(STAGES[name], *tiny.inputs[name], stages, expected, tiny.sealed[name])
    shutil.rmtree(folder, ignore_errors=True)  # planning writes none
    shutil.copytree(made, folder)


class Reordered:
    """Units in another order, in batches of another size."""

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, batches: list[Batch], advanced: ProgressCallback) -> Iterator[int]:
        units = [unit for batch in batches for unit in batch.units][::-1]
        cut = [
            replace(batches[0], units=tuple(units[i : i + self.size]))
            for i in range(0, len(units), self.size)
        ]
        yield from SerialExecutor().run(cut, advanced)


class Killed:
    """Unit by unit, and dead after the first few."""

    def __init__(self, after: int) -> None:
        self.after = after

    def run(self, batches: list[Batch], advanced: ProgressCallback) -> Iterator[int]:
        for number, count in enumerate(Reordered(1).run(batches, advanced), 1):
            yield count
            if number >= self.after:
                raise KeyboardInterrupt


def test_the_tiny_recipe_uses_every_stage(tiny: Tiny) -> None:
    assert sorted(tiny.inputs) == sorted(NAMES)


def test_plan_twice_is_equal(bench: Bench) -> None:
    first, second = (bench.stage.units(bench.inputs, bench.config) for _ in range(2))
    assert first == second
    assert len({unit.key for unit in first}) == len(first) > 0
    assert all(unit.payload.label for unit in first)
    assert not bench.folder.exists()  # planning writes nothing


def test_work_twice_gives_identical_files(bench: Bench) -> None:
    result = bench.run()
    bench.same()
    assert (result.key, result.manifest) == (bench.sealed.key, bench.sealed.manifest)
    assert result.computed == result.units


def test_a_sealed_stage_is_found_at_once(bench: Bench) -> None:
    storage = Storage(str(bench.workspace))
    assert finished(bench.stage, bench.inputs, bench.config, storage) is None
    bench.run()
    assert finished(bench.stage, bench.inputs, bench.config, storage) is not None
    assert bench.run(Killed(0)).computed == 0


@pytest.mark.parametrize("size", [1, 2])
def test_any_order_and_any_batches(bench: Bench, size: int) -> None:
    bench.run(Reordered(size))
    bench.same()


@pytest.fixture(scope="module")
def in_processes(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole build by `ProcessExecutor`."""
    workspace, executor = tmp_path_factory.mktemp("processes"), ProcessExecutor(2)
    made = make_stages(tiny.recipe, workspace, executor=executor, workers=2)

    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        profile = Profile(str(workspace), workers=2)
        return run_stage(stage, inputs, config, profile, executor, ProgressListener())

    images, hr = made.images.manifest, made.hr.manifest
    make_cameras(tiny.recipe, images, hr, made.sealed, run)
    make_aligned(tiny.recipe, tiny.photographs, run)
    make_with_flow(tiny.recipe, images, run)
    make_translator(tiny.recipe, images, hr, run)
    try_chain(images, hr, run)
    materialised(tiny.photographs, Path(f"{workspace}-replayed"), run)
    return workspace


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_make_the_same(name: str, tiny: Tiny, in_processes: Path) -> None:
    assert tree(in_processes / "stages" / name) == tree(tiny.workspace / "stages" / name)


@pytest.mark.parametrize("after", [1, 2])
def test_killed_between_units_then_resumed(bench: Bench, after: int) -> None:
    units = bench.stage.units(bench.inputs, bench.config)
    if after > len(units):
        pytest.skip("nothing lies between the units")
    with pytest.raises(KeyboardInterrupt):
        bench.run(Killed(after))
    done = {path: path.stat().st_mtime_ns for path in bench.folder.rglob("*") if path.is_file()}
    assert len([path for path in done if path.name == "result.json"]) == after
    assert bench.run().computed == len(units) - after
    bench.same()
    assert {
        path: path.stat().st_mtime_ns for path in done
    } == done  # finished units were not touched


def test_killed_at_a_write_then_resumed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Death before the n-th file gets its name, for several n; each run starts on the rests of the
    last."""
    create = Storage.create
    for limit in (1, 2, 3, 5):
        writes = 0

        @contextlib.contextmanager
        def dying(self: Storage, name: str) -> Iterator[Any]:
            nonlocal writes
            with create(self, name) as file:
                yield file
                writes += 1
                if writes >= limit:  # noqa: B023
                    raise KeyboardInterrupt

        with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
            patch.setattr(Storage, "create", dying)
            bench.run()
    bench.run()
    bench.same()


def test_unsealed_rests_change_nothing(bench: Bench) -> None:
    """What a killed run may leave: cut files without a marker, temporary files, half a zarr
    group."""
    for name, data in bench.expected.items():
        path = bench.folder / name
        if path.name in ("result.json", "manifest.json"):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[: len(data) // 2])
        path.with_name(f".{path.name}.0123.tmp").write_bytes(b"half")
    for unit in bench.stage.units(bench.inputs, bench.config):
        folder = bench.workspace / layout.unit_folder(bench.stage.name, unit.key)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".result.json.4567.tmp").write_bytes(b"{")
    bench.run()
    bench.same()


def test_nothing_outside_its_folder_is_written(
    bench: Bench, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    def state() -> dict[str, tuple[int, int]]:
        files = [
            path
            for root in (bench.workspace.parent, tmp_path, tiny.photographs)
            for path in root.rglob("*")
            if path.is_file()
        ]
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_size)
            for path in files
            if bench.folder not in path.parents
        }

    before = state()
    bench.run()
    assert state() == before
    assert [path.name for path in bench.folder.parent.iterdir() if path.name not in NAMES] == []


def test_kept_images_change_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes with no cache, an empty one, and a full one of which every other entry is
    damaged. Stages that decode nothing without a cache need no further look."""
    decoded = 0
    real = decode._decoded_again

    def counted(record: ImageRecord) -> NDArray[np.uint8]:
        nonlocal decoded
        decoded += 1
        return real(record)

    def run() -> int:
        """Files that were decoded."""
        nonlocal decoded
        decoded = 0
        shutil.rmtree(bench.folder, ignore_errors=True)
        trial_tiles._cut.cache_clear()
        bench.run()
        bench.same()
        return decoded

    monkeypatch.setattr(decode, "_decoded_again", counted)
    monkeypatch.setenv(pixel_cache.FOLDER, str(tmp_path / "kept"))
    monkeypatch.setenv(pixel_cache.LIMIT, "0")
    without = run()
    if not without:
        return
    monkeypatch.delenv(pixel_cache.LIMIT)
    assert 0 < run() <= without
    entries = list((tmp_path / "kept").iterdir())[::2]
    for number, entry in enumerate(entries):
        data = bytearray(entry.read_bytes())
        data[-1 - number] ^= 255
        entry.write_bytes(data[: -number or None])
    assert run() == len(entries)


def test_no_clock_and_no_global_generator(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another time and other global seeds change nothing, and the global generators are where they
    were."""
    random.seed(99)
    np.random.seed(99)  # noqa: NPY002
    torch.manual_seed(99)
    states = random.getstate(), str(np.random.get_state()), torch.get_rng_state().numpy().tobytes()  # noqa: NPY002
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 1e9)
        patch.setattr(time, "time_ns", lambda: 10**18)
        bench.run()
    bench.same()
    assert (
        random.getstate(),
        str(np.random.get_state()),  # noqa: NPY002
        torch.get_rng_state().numpy().tobytes(),
    ) == states


def test_every_config_field_changes_every_unit_key(bench: Bench) -> None:
    keys = {unit.key for unit in bench.stage.units(bench.inputs, bench.config)}
    fields = changed_leaves(bench.config)
    assert fields
    for place, config in fields.items():
        changed = {unit.key for unit in bench.stage.units(bench.inputs, config)}
        assert changed, place
        assert not changed & keys, f"{place} changes no key"


def test_stage_version_changes_every_unit_key(bench: Bench) -> None:
    newer = replace(bench.stage, version=bench.stage.version + 1)
    old, new = (
        {unit.key for unit in stage.units(bench.inputs, bench.config)}
        for stage in (bench.stage, newer)
    )
    assert not old & new


SHARES = {"splits.train", "splits.val", "splits.test", "shards.samples"}
"""They move images between splits and borders of shards; with four images a small change may move
none (see test_splits)."""


DECISIONS = {
    "curation.duplicates",
    "curation.real.max_blockiness",
    "curation.real.max_blur",
    "curation.clean.max_blockiness",
    "curation.clean.max_blur",
    "curation.hr.max_defocus",
    "curation.hr.max_enlarged",
    "curation.hr.min_fine",
    "curation.hr.min_quality",
    "curation.hr.min_complexity",
}
"""They decide about what was measured, after the stages; nothing in the tiny corpus is a copy or
that bad (see test_copies)."""


def stage_keys(recipe: Recipe, tiny: Tiny) -> list[list[str]]:
    """Unit keys of all stages for a recipe, given the stages' results of the tiny build."""
    keys: list[list[str]] = []

    def run(stage: Stage[Any, Any, Any, Any, Any], inputs: Any, config: Any) -> Sealed[Any]:
        keys.append([unit.key for unit in stage.units(inputs, config)])
        return tiny.sealed[stage.name]

    make(recipe, "/", run)
    return keys


def test_every_recipe_field_reaches_a_stage(tiny: Tiny) -> None:
    """No setting is ignored; the name alone names the corpus and nothing else."""
    before = stage_keys(tiny.recipe, tiny)
    silent = set()
    places = (  # tested elsewhere
        "images",
        "redegnet.vgg_weights",
        "redegnet.from_checkpoint",
        "pools_from",
        "aligned",
        *TRANSLATORS,
        "curation.benchmarks.0",
        "groups.by",
        "groups.min_photographs",
    )
    for place, recipe in changed_leaves(
        tiny.recipe, leave_out=(*places, "realism", "train")
    ).items():  # not of the corpus
        if stage_keys(recipe, tiny) == before:
            silent.add(place)
    assert silent - SHARES - DECISIONS == {"name"}


def test_moved_photographs_recompute_nothing_but_ingest(tiny_copy: Tiny, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    for role in ("real", "clean"):
        (moved / role).mkdir(parents=True)
        for number, path in enumerate(sorted((tiny_copy.photographs / role).iterdir())):
            shutil.copy(path, moved / role / f"other name {9 - number}.png")
    images = tiny_copy.recipe.images.with_(real=(f"{moved}/real",), clean=(f"{moved}/clean",))
    recipe = tiny_copy.recipe.with_(images=images)
    counting = Counting()
    manifest = build(recipe, tiny_copy.workspace, watcher=counting)
    assert {name for name, count in counting.computed.items() if count} == {"ingest"}
    assert (manifest.version, manifest.digest) == (
        tiny_copy.manifest.version,
        tiny_copy.manifest.digest,
    )


def test_a_rejected_file_changes_no_corpus(tiny_copy: Tiny, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"not a photograph")
    images = tiny_copy.recipe.images.with_(
        real=(*tiny_copy.recipe.images.real, str(tmp_path / "broken.jpg"))
    )
    counting = Counting()
    made = make_stages(tiny_copy.recipe.with_(images=images), tiny_copy.workspace, watcher=counting)
    assert len(made.images.manifest.rejected) == 1
    assert {name: count for name, count in counting.computed.items() if count} == {"ingest": 1}


def test_more_photographs_change_no_other_sample(tiny_copy: Tiny, tmp_path: Path) -> None:
    """New clean photos fall between the old ones in order; old samples keep their programs and
    pixels.

    Fits that learn from the clean photos, too, are left out.
    """

    def samples(recipe: Recipe) -> dict[str, tuple[str, str]]:
        shards = make_stages(recipe, tiny_copy.workspace).shards.manifest.shards
        folders = [layout.unit_folder("synthesize", ref.key) for ref in shards]
        tables = [tiny_copy.storage.read(f"{folder}/samples.parquet") for folder in folders]
        rows = [row for table in tables for row in iterate(io.BytesIO(table))]
        return {row.key: (row.program, row.lr_sha256) for row in rows}

    new = [
        str(save(photograph(30 + number, 67, 71), tmp_path / f"{number}.png"))
        for number in range(3)
    ]
    images = tiny_copy.recipe.images
    recipe = tiny_copy.recipe.with_(
        degraders=[d for d in tiny_copy.recipe.degraders if d.kind not in ("pdm", "redegnet")]
    )
    before = samples(recipe)
    after = samples(recipe.with_(images=images.with_(clean=(*images.clean, *new))))
    assert len(after) > len(before) > 10
    assert {key: after[key] for key in before} == before


def test_image_set_identity_is_content(tiny: Tiny) -> None:
    images: ImageSet = tiny.sealed["ingest"].manifest
    renamed = tuple(
        image.with_(url=f"/elsewhere/{number}") for number, image in enumerate(images.accepted)
    )
    assert images.with_(accepted=renamed).identity() == images.identity()
