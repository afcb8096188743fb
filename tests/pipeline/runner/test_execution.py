"""Carrying batches: cut evenly, resumed unit by unit, errors passed on."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairmill.pipeline.runner.execution import (
    ProcessExecutor,
    SerialExecutor,
    as_finished,
    run_batch,
    run_stage,
)
from pairmill.pipeline.runner.stage import (
    Batch,
    Profile,
    ProgressCallback,
    ProgressListener,
    Stage,
    Unit,
    batches,
    is_done,
)
from pairmill.pipeline.stages.table import STAGES
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Frozen
from pairmill.schemas.errors import UserError
from pairmill.schemas.work import Payload, stage_key, unit_key
from tests.support.make import Tiny


class Number(Payload):
    """A number to square."""

    value: int

    @property
    def label(self) -> str:
        return str(self.value)


class Square(Frozen):
    """The result."""

    value: int


class Squares(Frozen):
    """All results."""

    values: tuple[int, ...]


class Config(Frozen):
    """No settings."""

    power: int = 2


def work(units: Any, config: Config, context: Any) -> Iterator[Square]:
    for unit in units:
        if unit.payload.value == 13:
            raise UserError("thirteen", todo="leave it out")
        context.report(0.5, "half a square")
        yield Square(value=unit.payload.value**config.power)


STAGE: Stage[Any, Any, Any, Any, Any] = Stage(
    name="square",
    version=1,
    title="square",
    noun="numbers",
    record=Square,
    manifest=Squares,
    plan=lambda numbers, _config: [Number(value=value) for value in numbers],
    work=work,
    seal=lambda _units, records, _config, _context, _key: Squares(
        values=tuple(record.value for record in records)
    ),
    batch=lambda _config, _profile: 4,
)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(str(tmp_path))


def run(
    numbers: list[int],
    profile: Profile,
    executor: Any = None,
    watcher: ProgressListener | None = None,
) -> Any:
    return run_stage(
        STAGE,
        numbers,
        Config(),
        profile,
        executor or SerialExecutor(),
        watcher or ProgressListener(),
    )


def test_results_are_sealed_in_plan_order(profile: Profile) -> None:
    class Backwards:
        def run(self, batches: list[Batch], advanced: ProgressCallback) -> Iterator[int]:
            yield from SerialExecutor().run(batches[::-1], advanced)

    result = run([3, 1, 2, 9, 7, 5], profile, Backwards())
    assert result.manifest.values == (9, 1, 4, 81, 49, 25)
    assert (result.units, result.computed) == (6, 6)


def test_finished_units_serve_other_plans(profile: Profile) -> None:
    run([1, 2, 3], profile)
    result = run([3, 4, 1], profile)
    assert (result.manifest.values, result.computed) == ((9, 16, 1), 1)
    assert run([1, 2, 3], profile).computed == 0


def test_an_error_keeps_what_was_finished(profile: Profile) -> None:
    with pytest.raises(UserError, match="thirteen"):
        run([1, 2, 13, 4], profile)
    storage = Storage(profile.workspace)
    done = [
        unit.payload.value
        for unit in STAGE.units([1, 2, 13, 4], Config())
        if is_done(storage, "square", unit)
    ]
    assert done == [1, 2]
    assert not any("sealed" in name for name in storage.files("stages"))


def test_a_batch_that_is_tried_again_skips_what_is_finished(profile: Profile) -> None:
    """A batch may come back from a lost worker with some units finished."""
    units = tuple(STAGE.units([1, 2, 3], Config()))
    run([2], profile)
    marker = Path(profile.workspace) / layout.unit_marker("square", units[1].key)
    written = marker.stat().st_mtime_ns
    heard: list[tuple[float, str]] = []
    assert run_batch(Batch(STAGE, units, Config(), profile), lambda *said: heard.append(said)) == 3
    assert marker.stat().st_mtime_ns == written
    assert sum(units for units, _ in heard) == pytest.approx(2)
    assert "half a square" in {note for _, note in heard}


def test_nothing_to_do_is_sealed_too(profile: Profile) -> None:
    assert run([], profile).manifest.values == ()


def test_the_watcher_hears_every_unit_once(profile: Profile) -> None:
    heard: list[tuple[str, float]] = []

    class Listening(ProgressListener):
        def started(self, stage: Any, units: int, todo: int) -> None:  # noqa: ARG002
            heard.append(("started", units * 100 + todo))

        def advanced(self, stage: Any, units: float, note: str = "") -> None:  # noqa: ARG002
            heard.append(("advanced", units))

        def sealed(self, stage: Any, result: Any, seconds: float) -> None:  # noqa: ARG002
            heard.append(("sealed", result.computed))

    run([1], profile)
    run([1, 2, 3, 4, 5, 6], profile, watcher=Listening())
    assert heard[0] == ("started", 605)
    assert heard[-1] == ("sealed", 5)
    steps = [units for what, units in heard if what == "advanced"]
    assert sum(steps) == pytest.approx(5)
    assert min(steps) > 0


@given(st.integers(0, 60), st.integers(1, 9), st.integers(1, 5))
def test_batches_cover_the_plan_and_keep_workers_busy(count: int, most: int, workers: int) -> None:
    stage = dataclasses.replace(STAGE, batch=lambda _config, _profile: most)
    units = [Unit(str(number), Number(value=number)) for number in range(count)]
    cut = batches(stage, units, Config(), Profile("/nowhere", workers=workers))
    assert [unit for batch in cut for unit in batch.units] == units
    assert all(1 <= len(batch.units) <= most for batch in cut)
    if count >= workers:
        assert len(cut) >= workers or count % workers or most * workers > count


def test_as_finished_limits_what_is_in_flight() -> None:
    running, most = set[int](), 0

    def submit(item: int) -> Future[int]:
        nonlocal most
        running.add(item)
        most = max(most, len(running))
        return pool.submit(lambda: item)

    with ThreadPoolExecutor(2) as pool:
        results = []
        for result in as_finished(list(range(30)), submit, 4):
            running.discard(result)
            results.append(result)
    assert sorted(results) == list(range(30))
    assert most <= 4


def test_batches_travel_between_processes(tiny: Tiny, tmp_path: Path) -> None:
    """Batches of every stage survive pickling, and the copy does the same work."""
    stage = STAGES["ingest"]
    inputs, config = tiny.inputs["ingest"]
    for name, (given_inputs, given_config) in tiny.inputs.items():
        batch = batches(
            STAGES[name],
            STAGES[name].units(given_inputs, given_config),
            given_config,
            Profile(str(tmp_path)),
        )[0]
        assert pickle.loads(pickle.dumps(batch)) == batch  # noqa: S301
    batch = Batch(stage, tuple(stage.units(inputs, config)), config, Profile(str(tmp_path)))
    assert run_batch(pickle.loads(pickle.dumps(batch))) == len(batch.units)  # noqa: S301
    assert all(is_done(Storage(str(tmp_path)), "ingest", unit) for unit in batch.units)


def test_processes_last_until_a_run_is_left(tiny: Tiny, tmp_path: Path) -> None:
    """Two stages share them; an interrupt ends them, and the next run has others."""
    stage, (inputs, config) = STAGES["ingest"], tiny.inputs["ingest"]
    units = tuple(stage.units(inputs, config))
    batch = Batch(stage, units, config, Profile(str(tmp_path)))
    executor, others = ProcessExecutor(1), set(active_children())

    def run(count: int) -> Iterator[int]:
        return executor.run([batch] * count, lambda *_: None)

    assert list(run(1)) == [len(units)]
    first = set(active_children()) - others
    assert list(run(1)) == [len(units)]
    assert set(active_children()) - others == first
    assert len(first) == 1
    left = run(3)
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert not first & set(active_children())
    assert list(run(1)) == [len(units)]


def test_keys_depend_on_each_part() -> None:
    base = unit_key("a", 1, Config(), Number(value=1))
    others = [
        unit_key("b", 1, Config(), Number(value=1)),
        unit_key("a", 2, Config(), Number(value=1)),
        unit_key("a", 1, Config(power=3), Number(value=1)),
        unit_key("a", 1, Config(), Number(value=2)),
    ]
    assert len({base, *others}) == 5
    assert stage_key("a", 1, Config(), ["x", "y"]) != stage_key("a", 1, Config(), ["y", "x"])
