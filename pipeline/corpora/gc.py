"""Collect garbage: old versions that nobody named, and the stages that no version which stays was
made from.

What refers to what: a version holds hard links to its shards and pools, so that deleting stages
never harms it; stages are kept so that the next build finds them. `sources.json` of a version names
the sealed stages it was made from, and `units.bin` of a sealed stage its units. Both of all
versions that stay, and of the last build of every corpus, are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import chain, compress, islice
from typing import TypeVar

from pairmill.pipeline.corpora.diff import read_sources
from pairmill.pipeline.corpora.log import (
    corpus_names,
    find_version,
    latest,
    read_log,
    read_manifest,
    read_tags,
    rewriting,
)
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import GC, busy, holding, locks
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import LogEntry, VersionSources
from pairmill.schemas.errors import PairmillError
from pairmill.schemas.gc import Garbage, JudgedVersion, KeepConfig, StageGarbage

VERSION = re.compile(r"[0-9a-f]{12}")
DAY = 86_400.0
AT_A_TIME = 1000
"""Folders whose entries are in memory at a time."""

T = TypeVar("T")
R = TypeVar("R")


def find_garbage(
    storage: Storage, keep: KeepConfig, now: datetime, corpus: str | None = None
) -> Garbage:
    """What `collect` would delete; deletes nothing.

    Args:
        storage: The workspace.
        keep: What stays.
        now: The present.
        corpus: Take versions of this corpus only; stages are those of all.

    Raises:
        StoreError, IntegrityError: if the workspace cannot be read.
    """
    names = corpus_names(storage)
    judged = {}
    for name in names:
        if corpus in (None, name):
            judged[name] = judge(storage, name, keep, now)
        else:
            judged[name] = _all_kept(storage, name)
    versions = _with_pools_of_others(
        storage, [version for name in names for version in judged[name]]
    )
    before = now.timestamp() - keep.days * DAY
    unfinished: list[str] = []
    for name in names:
        if corpus in (None, name):
            halves = _unfinished(storage, name, versions, before)
            unfinished += [f"{name}/{version}" for version in halves]
    needed, unknown = _needed(storage, versions)
    notes = tuple(
        f"stages stay, for {reference} does not say what it was made of" for reference in unknown
    )
    stages: tuple[StageGarbage, ...] = ()
    if not unknown:
        stages = tuple(_stage_garbage(storage, needed, before))
    garbage = Garbage(
        versions=tuple(versions), unfinished=tuple(unfinished), stages=stages, bytes=0, notes=notes
    )
    return garbage.with_(bytes=_freed(storage, garbage))


def judge(storage: Storage, name: str, keep: KeepConfig, now: datetime) -> list[JudgedVersion]:
    """All versions of a corpus that are there, oldest first, each with why it stays."""
    lines = _present(storage, name)
    tags = {tag.version: tag.name for tag in read_tags(storage, name)}
    judged, youngest = [], ""
    for place, entry in enumerate(lines):
        # A clock that was set back makes no version older than the one before.
        youngest = max(youngest, entry.time)
        days = (now - _time(youngest)).total_seconds() / DAY
        left = len(lines) - place
        if entry.version in tags:
            reason = f"tagged {tags[entry.version]}"
        elif left == 1:
            reason = "the newest"
        elif left <= keep.last:
            reason = f"one of the last {keep.last}"
        elif days < keep.days:
            reason = f"{max(days, 0.0):.0f} days old"
        else:
            reason = ""
        judged.append(
            JudgedVersion(corpus=name, version=entry.version, time=entry.time, kept=reason)
        )
    return judged


def _all_kept(storage: Storage, name: str) -> list[JudgedVersion]:
    present = _present(storage, name)
    return [
        JudgedVersion(corpus=name, version=line.version, time=line.time, kept="another corpus")
        for line in present
    ]


def _present(storage: Storage, name: str) -> list[LogEntry]:
    """The last line of each version that is there, oldest first."""
    lines = latest(read_log(storage, name)).values()
    return [
        line
        for line in lines
        if not line.collected and storage.exists(layout.corpus_manifest(name, line.version))
    ]


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _with_pools_of_others(storage: Storage, versions: list[JudgedVersion]) -> list[JudgedVersion]:
    """Keep the versions whose pools a version that stays, or the last build of a corpus, draws
    from.
    """
    names = sorted({version.corpus for version in versions})
    users = [(v.corpus, _sources(storage, v)) for v in versions if v.kept] + [
        (n, _last_sources(storage, n)) for n in names
    ]
    wanted: dict[tuple[str, str], str] = {}
    for user, sources in users:
        if sources is not None and sources.pools_from:
            with suppress(PairmillError):  # it may be gone, or its tag
                found = find_version(storage, sources.pools_from)
                wanted[found.identity.name, found.version] = f"{user} draws from its pools"
    return [v if v.kept else v.with_(kept=wanted.get((v.corpus, v.version), "")) for v in versions]


def _sources(storage: Storage, version: JudgedVersion) -> VersionSources | None:
    return read_sources(storage, read_manifest(storage, version.corpus, version.version))


def _last_sources(storage: Storage, name: str) -> VersionSources | None:
    path = layout.corpus_sources(name)
    if storage.exists(path):
        return VersionSources.model_validate_json(storage.read(path))
    return None


def _unfinished(
    storage: Storage, name: str, versions: Iterable[JudgedVersion], before: float
) -> Iterator[str]:
    """Folders that no version owns: of a seal that was killed, or of a deletion."""
    known = {version.version for version in versions if version.corpus == name}
    for folder in storage.names(layout.corpus_folder(name)):
        if (
            VERSION.fullmatch(folder)
            and folder not in known
            and _older(storage, layout.version_folder(name, folder), before)
        ):
            yield folder


def _older(storage: Storage, folder: str, before: float) -> bool:
    return all(entry.modified <= before for entry in storage.entries(folder))


def _needed(
    storage: Storage, versions: Iterable[JudgedVersion]
) -> tuple[dict[str, set[str]], list[str]]:
    """Keys of the sealed stages that stay, by stage; and the versions that do not say what they
    were made of.
    """
    needed: dict[str, set[str]] = {}
    unknown, names = [], set()
    for version in versions:
        names.add(version.corpus)
        if version.kept:
            sources = _sources(storage, version)
        else:
            sources = VersionSources(images=(), stages={}, device="")
        if sources is None:
            unknown.append(f"{version.corpus}@{version.version}")
        else:
            _add(needed, sources)
    for name in sorted(names):
        last = _last_sources(storage, name)
        if last is not None:
            _add(needed, last)
    return needed, unknown


def _add(needed: dict[str, set[str]], sources: VersionSources) -> None:
    for stage, keys in sources.stages.items():
        needed.setdefault(stage, set()).update(keys)


def _stage_garbage(
    storage: Storage, needed: dict[str, set[str]], before: float
) -> Iterator[StageGarbage]:
    for stage in storage.names(layout.stages_folder()):
        keys = storage.names(layout.sealed_folder(stage))
        free = [key for key in keys if key not in needed.get(stage, ())]
        gone = _old(storage, free, partial(layout.stage_folder, stage), before)
        units = list(_units(storage, stage))
        used = _units_of(storage, stage, set(keys) - set(gone))
        if used is None:  # sealed before the list of units was kept
            yield StageGarbage(stage=stage, sealed=tuple(gone), units=(), kept=len(units))
            continue
        idle = _old(
            storage,
            [key for key in units if key not in used],
            partial(layout.unit_folder, stage),
            before,
        )
        yield StageGarbage(
            stage=stage, sealed=tuple(gone), units=tuple(idle), kept=len(units) - len(idle)
        )


def _old(
    storage: Storage, keys: list[str], folder: Callable[[str], str], before: float
) -> list[str]:
    """The keys whose folders hold nothing younger."""
    return list(
        compress(keys, _each(storage, lambda key: _older(storage, folder(key), before), keys))
    )


def _each(storage: Storage, do: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results of a function for many items, in order: some at a time where a store answers late,
    and never all in memory.
    """
    left = iter(items)
    while some := list(islice(left, AT_A_TIME)):
        yield from storage.each(do, some)


def _units(storage: Storage, stage: str) -> Iterator[str]:
    for part in storage.names(layout.units_folder(stage)):
        yield from storage.names(f"{layout.units_folder(stage)}/{part}")


def _units_of(storage: Storage, stage: str, keys: Iterable[str]) -> set[str] | None:
    """Units of some sealed stages; none if one does not say."""
    used: set[str] = set()
    for key in keys:
        name = layout.stage_units(stage, key)
        if not storage.exists(name):
            if storage.exists(layout.stage_manifest(stage, key)):
                return None
            continue
        data = storage.read(name)
        used.update(data[i : i + 32].hex() for i in range(0, len(data), 32))
    return used


Folder = tuple[str, str]
"""A folder that goes, and the file in it that makes it count, which goes first."""


def _folders(garbage: Garbage) -> Iterator[list[Folder]]:
    """What goes, in steps: versions and where their images lie, then what is sealed, then units."""
    going = [(version.corpus, version.version) for version in garbage.going]
    left = [tuple(reference.split("/")) for reference in garbage.unfinished]
    # Places go first: by the folders of versions the next call finds what a killed one has left.
    yield [
        (layout.places_folder(*version), layout.version_places(*version))
        for version in (*going, *left)
    ]
    yield [
        (layout.version_folder(*version), layout.corpus_manifest(*version))
        for version in (*going, *left)
    ]
    sealed = [(stage.stage, key) for stage in garbage.stages for key in stage.sealed]
    yield [(layout.stage_folder(*place), layout.stage_manifest(*place)) for place in sealed]
    units = [(stage.stage, key) for stage in garbage.stages for key in stage.units]
    yield [(layout.unit_folder(*place), layout.unit_marker(*place)) for place in units]


def _freed(storage: Storage, garbage: Garbage) -> int:
    total, names = 0, dict[tuple[int, int], int]()
    folders = (folder for step in _folders(garbage) for folder, _ in step)
    for entry in chain.from_iterable(
        _each(storage, lambda folder: list(storage.entries(folder)), folders)
    ):
        if entry.links == 1 or entry.inode is None:
            total += entry.bytes
        else:
            names[entry.inode] = names.get(entry.inode, 0) + 1
            total += entry.bytes if names[entry.inode] == entry.links else 0
    return total


def collect(
    storage: Storage, keep: KeepConfig, now: datetime, corpus: str | None = None
) -> Garbage:
    """Delete garbage; what was deleted.

    A kill in between leaves what the next call finds: a version goes out of the log, then its
    manifest, then its files.

    Raises:
        BusyError: if anything is built in the workspace, or garbage is collected already.
    """
    with holding(storage, GC, "gc"):
        # After taking ours: a build that starts now sees it.
        for name, holder in locks(storage).items():
            if name != GC:
                raise busy(storage, name, holder)
        garbage = find_garbage(storage, keep, now, corpus)
        for name in sorted({version.corpus for version in garbage.going}):
            _mark(storage, name, {v.version for v in garbage.going if v.corpus == name}, now)
        for step in _folders(garbage):
            for _ in _each(storage, lambda folder: _remove(storage, *folder), step):
                pass
    return garbage


def _remove(storage: Storage, folder: str, first: str) -> None:
    storage.remove(first)
    storage.remove(folder)


def _mark(storage: Storage, name: str, versions: set[str], now: datetime) -> None:
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    with rewriting(storage, name) as entries:
        for number, line in enumerate(entries):
            if line.version in versions:
                entries[number] = line.with_(collected=line.collected or stamp)
