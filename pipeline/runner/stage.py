"""The shape that all stages share, and the runner that plans, resumes, works and seals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, Any, Generic, Protocol, TypeVar

from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.base import Frozen
from pairmill.schemas.work import Payload, stage_key, unit_key

I = TypeVar("I")  # noqa: E741
C = TypeVar("C", bound=Frozen)
P = TypeVar("P", bound=Payload)
R = TypeVar("R", bound=Frozen)
M = TypeVar("M", bound=Frozen)
ProgressCallback = Callable[[float, str], None]
"""What hears of progress: how many more units are done, and a few words such as losses; empty if
there is nothing to say."""


@dataclass(frozen=True)
class Profile:
    """How work is carried out: never part of a key, never able to change a result."""

    workspace: str
    """URL of the workspace."""
    device: str = "cpu"
    """`cpu` or `cuda`, for the stages that can use a GPU."""
    workers: int = 1
    """How many units run at once; batches are cut so that all are busy."""
    memory: int = 1 << 30
    """Bytes that one worker may use."""


@dataclass(frozen=True)
class Unit(Generic[P]):
    """One piece of work and the key that its result is found by."""

    key: str
    payload: P


@dataclass(frozen=True)
class Context:
    """What `work` and `seal` may touch: the workspace, and one folder of it to write in."""

    profile: Profile
    stage: str
    storage: Storage
    heard: ProgressCallback = field(default=lambda _fraction, _note: None)
    """Called with the fraction of the batch that is done, and a few words."""

    def report(self, fraction: float, note: str = "") -> None:
        """Called by long units with the fraction of the batch that is done, in [0, 1], and a few
        words such as losses.
        """
        self.heard(fraction, note)

    def create(self, unit: Unit[Any], name: str) -> AbstractContextManager[IO[bytes]]:
        """A new file in the folder of a unit, atomic."""
        return self.storage.create(f"{layout.unit_folder(self.stage, unit.key)}/{name}")

    def write(self, unit: Unit[Any], name: str, data: bytes) -> None:
        """Write a file in the folder of a unit, atomically."""
        self.storage.write(f"{layout.unit_folder(self.stage, unit.key)}/{name}", data)


def one_by_one(_config: object, _profile: Profile) -> int:
    """The usual batch: one unit."""
    return 1


@dataclass(frozen=True)
class Stage(Generic[I, C, P, R, M]):
    """A stage: `plan` is pure and cheap, `work` is safe to repeat anywhere, `seal` downscales in
    plan order.
    """

    name: str
    version: int
    """Raised when the bytes of a result may change."""
    title: str
    """What people see, such as `estimate kernels`."""
    noun: str
    """What a unit is, such as `images`."""
    record: type[R]
    manifest: type[M]
    plan: Callable[[I, C], Sequence[P]]
    work: Callable[[Sequence[Unit[P]], C, Context], Iterator[R]]
    seal: Callable[[Sequence[Unit[P]], Sequence[R], C, Context, str], M]
    """Gets units, records, config, context and the stage key; writes what belongs to the stage,
    returns the manifest."""
    batch: Callable[[C, Profile], int] = one_by_one
    """How many units `work` gets at most at a time."""
    gpu: bool = False
    """Whether a GPU makes it faster: on a cluster it goes to the workers that declare one."""

    def units(self, inputs: I, config: C) -> list[Unit[P]]:
        """The plan with its keys."""
        return [
            Unit(unit_key(self.name, self.version, config, p), p) for p in self.plan(inputs, config)
        ]


@dataclass(frozen=True)
class Batch:
    """Units that one worker takes at once.

    It travels to workers by pickle, so all functions of a stage are those of a module.
    """

    stage: Stage[Any, Any, Any, Any, Any]
    units: tuple[Unit[Any], ...]
    config: Frozen
    profile: Profile


@dataclass(frozen=True)
class Sealed(Generic[M]):
    """A sealed stage: its key, its manifest, and how much had to be computed now."""

    key: str
    manifest: M
    units: int
    computed: int


class Run(Protocol):
    """Runs one stage and returns it sealed."""

    def __call__(self, stage: Stage[I, C, P, R, M], inputs: I, config: C, /) -> Sealed[M]:
        """Run or find the stage."""


class ProgressListener:
    """Follows a stage; this one reports nothing."""

    def started(self, stage: Stage[Any, Any, Any, Any, Any], units: int, todo: int) -> None:
        """A stage starts, with `todo` of its `units` left to compute."""

    def advanced(self, stage: Stage[Any, Any, Any, Any, Any], units: float, note: str = "") -> None:
        """More units are done; fractions come from long batches, with a few words such as
        losses.
        """

    def sealed(
        self, stage: Stage[Any, Any, Any, Any, Any], result: Sealed[Any], seconds: float
    ) -> None:
        """A stage is sealed."""

    def doing(self, what: str, note: str = "") -> None:
        """Something that is no stage is under way, such as a report, and what of it is next."""

    def did(self, what: str, seconds: float) -> None:
        """It is done."""


def finished(
    stage: Stage[I, C, P, R, M], inputs: I, config: C, storage: Storage
) -> Sealed[M] | None:
    """The sealed result for these inputs, if there is one; computes nothing."""
    units = stage.units(inputs, config)
    return _sealed(stage, units, config, storage)


def _sealed(
    stage: Stage[I, C, P, R, M],
    units: Sequence[Unit[P]],
    config: C,
    storage: Storage,
    computed: int = 0,
) -> Sealed[M] | None:
    key = stage_key(stage.name, stage.version, config, [unit.key for unit in units])
    name = layout.stage_manifest(stage.name, key)
    if not storage.exists(name):
        return None
    return Sealed(key, stage.manifest.model_validate_json(storage.read(name)), len(units), computed)


def is_done(storage: Storage, stage: str, unit: Unit[Any]) -> bool:
    """Whether a unit has been finished before."""
    return storage.exists(layout.unit_marker(stage, unit.key))


def read_records(
    stage: Stage[Any, Any, P, R, Any], units: Iterable[Unit[P]], storage: Storage
) -> list[R]:
    """The records of finished units, in order."""
    return storage.each(lambda unit: _record(stage, unit, storage), units)


def _record(stage: Stage[Any, Any, P, R, Any], unit: Unit[P], storage: Storage) -> R:
    return stage.record.model_validate_json(storage.read(layout.unit_marker(stage.name, unit.key)))


def seal(
    stage: Stage[I, C, P, R, M],
    units: Sequence[Unit[P]],
    config: C,
    profile: Profile,
    computed: int,
) -> Sealed[M]:
    """Reduce finished units to the sealed artifact; the manifest is written last."""
    storage = Storage(profile.workspace)
    key = stage_key(stage.name, stage.version, config, [unit.key for unit in units])
    context = Context(profile, stage.name, storage)
    manifest = stage.seal(units, read_records(stage, units, storage), config, context, key)
    storage.write(
        layout.stage_units(stage.name, key), b"".join(bytes.fromhex(unit.key) for unit in units)
    )
    storage.write(layout.stage_manifest(stage.name, key), manifest.canonical_json().encode())
    return Sealed(key, manifest, len(units), computed)


def batches(
    stage: Stage[I, C, P, R, M], units: Sequence[Unit[P]], config: C, profile: Profile
) -> list[Batch]:
    """Units cut into batches of at most `stage.batch` and even enough to keep all workers busy."""
    most = max(1, stage.batch(config, profile))
    rounds = -(-len(units) // (most * profile.workers)) or 1
    size = -(-len(units) // (rounds * profile.workers)) or 1
    return [
        Batch(stage, tuple(units[i : i + size]), config, profile)
        for i in range(0, len(units), size)
    ]
