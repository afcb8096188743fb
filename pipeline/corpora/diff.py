"""Explain how two versions differ: recipe, stages, pools, images, and every sample by field, in
flat memory.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Any

from pairmill.pipeline.corpora.image_locations import locations_of
from pairmill.pipeline.shards.table import FIELDS
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, ShardRecord, VersionSources
from pairmill.schemas.diff import Change, CorpusDiff, PoolChange, SampleChanges, ShardChanges
from pairmill.schemas.errors import IntegrityError

Row = dict[str, Any]
Order = tuple[str, int, int, int]

BATCH = 2048
"""Rows of a run in memory at a time."""
EXAMPLES = 5
"""Keys that are given as examples."""
NAMES = {"hr_sha256": "HR pixels", "lr_sha256": "LR pixels"}
"""Fields that people know by another name."""
COMPARED = (
    "split",
    "image",
    "box",
    "scale",
    "degrader",
    "program",
    "seed",
    "hr_sha256",
    "lr_sha256",
)


ProgressCallback = Callable[[int], None]


def diff(
    storage: Storage,
    old: CorpusManifest,
    new: CorpusManifest,
    advanced: ProgressCallback = lambda _: None,
) -> CorpusDiff:
    """All that differs between two versions of a workspace.

    Args:
        storage: The workspace.
        old: First version.
        new: Second version.
        advanced: Called with how many samples were compared since its last call.

    Raises:
        StoreError, IntegrityError: if a table cannot be read.
    """
    a, b = old.identity, new.identity
    places_a, places_b = images_of(storage, old), images_of(storage, new)
    added, removed = places_b.keys() - places_a.keys(), places_a.keys() - places_b.keys()
    with ExitStack() as stack:
        rows = [sorted_rows(stack, storage, manifest) for manifest in (old, new)]
        samples = compare_rows(rows[0], rows[1], advanced)
    return CorpusDiff(
        old=f"{a.name}@{old.version}",
        new=f"{b.name}@{new.version}",
        identical=old.digest == new.digest,
        recipe=tuple(changes(a.recipe, b.recipe)),
        stages=tuple(changes(a.stages, b.stages)),
        pools=tuple(_pool_changes(old, new)),
        images_added=tuple(sorted(added)),
        images_removed=tuple(sorted(removed)),
        places={image: {**places_a, **places_b}[image] for image in sorted(added | removed)},
        samples=samples,
        shards=compare_shards(a.shards, b.shards),
    )


def changes(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """The leaves in which two JSON values differ, by dotted path; a list of another length is one
    leaf.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from changes(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from changes(one, other, f"{path}[{number}]")
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(path=path, old=old, new=new)


def _pool_changes(old: CorpusManifest, new: CorpusManifest) -> Iterator[PoolChange]:
    a, b = ({pool.kind: pool for pool in manifest.identity.pools} for manifest in (old, new))
    for kind in sorted(a.keys() | b.keys()):
        if a.get(kind) != b.get(kind):
            yield PoolChange(kind=kind, old=a.get(kind), new=b.get(kind))


def read_sources(storage: Storage, manifest: CorpusManifest) -> VersionSources | None:
    """What a version was made of; none if it was sealed before that was kept.

    Raises:
        IntegrityError: if it cannot be read.
    """
    path = layout.version_sources(manifest.identity.name, manifest.version)
    if not storage.exists(path):
        return None
    try:
        return VersionSources.model_validate_json(storage.read(path))
    except ValueError as error:
        got = str(error).splitlines()[0]
        raise IntegrityError(
            "the list of a version's sources is damaged",
            where=storage.path(path),
            got=got,
            todo="restore the file from a copy of the version",
        ) from error


def images_of(storage: Storage, manifest: CorpusManifest) -> dict[str, str]:
    """Pixel digests of a version's images and their places, or else names; without a list of
    sources, those with samples.
    """
    sources = read_sources(storage, manifest)
    if sources is not None:
        places = locations_of(storage, manifest, sources)
        return {
            image.pixel_sha256: places.get(image.pixel_sha256, image.name)
            for image in sources.images
        }
    with storage.open(_table(manifest)) as file:
        return {row["image"]: "" for row in _rows(file, ["image"])}


def compare_shards(old: Sequence[ShardRecord], new: Sequence[ShardRecord]) -> ShardChanges:
    """How many shards have the same bytes, or at least the same pixels."""
    files, pixels = {shard.sha256 for shard in old}, {shard.pixel_sha256 for shard in old}
    same = sum(shard.sha256 in files for shard in new)
    encoded = sum(shard.sha256 not in files and shard.pixel_sha256 in pixels for shard in new)
    return ShardChanges(old=len(old), new=len(new), same=same, encoded=encoded)


def _table(manifest: CorpusManifest) -> str:
    return f"{layout.version_folder(manifest.identity.name, manifest.version)}/samples.parquet"


def sorted_rows(stack: ExitStack, storage: Storage, manifest: CorpusManifest) -> Iterator[Row]:
    """Rows of a version's table in the order of `order`: each split lies in that order already, and
    they are merged.
    """
    files = [stack.enter_context(storage.open(_table(manifest))) for _ in manifest.identity.samples]
    return merged(
        [
            _of_split(file, split)
            for file, split in zip(files, manifest.identity.samples, strict=True)
        ]
    )


def merged(runs: Iterable[Iterator[Row]]) -> Iterator[Row]:
    """Runs that are sorted, as one."""
    return heapq.merge(*(_checked(run) for run in runs), key=order)


def order(row: Row) -> Order:
    """Where a sample stands among those of its split: image, then row and column of the tile, then
    repeat.
    """
    return row["image"], row["box"]["top"], row["box"]["left"], int(row["key"].rpartition("-")[2])


def _checked(rows: Iterator[Row]) -> Iterator[Row]:
    last: Order = ("", 0, 0, 0)
    for row in rows:
        here = order(row)
        if here < last:
            where = f"samples.parquet: {row['key']}"
            raise IntegrityError(
                "a table of samples is not in the order that versions have",
                where=where,
                todo="check the version with `pairmill corpus verify`",
            )
        last = here
        yield row


def _of_split(file: IO[bytes], split: str) -> Iterator[Row]:
    columns = [name for name, _ in FIELDS if name not in ("hr_height", "hr_width")]
    return _rows(file, columns, split)


def _rows(file: IO[bytes], columns: list[str], split: str = "") -> Iterator[Row]:
    """Rows of a table, a few at a time; row groups that hold another split alone are passed over by
    their statistics.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(file)
        groups = [
            number
            for number in range(source.num_row_groups)
            if not split or _may_hold(source, number, split)
        ]
        for number in groups:  # one after the other: together they are held until the last is read
            for batch in source.iter_batches(
                BATCH, row_groups=[number], columns=columns, use_threads=False
            ):
                yield from (row for row in batch.to_pylist() if not split or row["split"] == split)
    except (pa.ArrowException, KeyError) as error:
        raise IntegrityError(
            "a table of samples cannot be read",
            where="samples.parquet",
            got=str(error).splitlines()[0],
            todo="check the version with `pairmill corpus verify`",
        ) from error


def _may_hold(source: Any, number: int, split: str) -> bool:
    group = source.metadata.row_group(number)
    column = next(
        group.column(i)
        for i in range(group.num_columns)
        if group.column(i).path_in_schema == "split"
    )
    found = column.statistics
    return found is None or not found.has_min_max or found.min <= split <= found.max


def compare_rows(
    old: Iterator[Row],
    new: Iterator[Row],
    advanced: Callable[[int], None] = lambda _: None,
    fields: Sequence[str] = COMPARED,
) -> SampleChanges:
    """Samples of two sorted tables, matched by their places, compared field by field."""
    count, kinds, ops = Counter[str](), Counter[str](), Counter[str]()
    examples: dict[str, list[str]] = {}
    for number, (a, b) in enumerate(_matched(old, new), 1):
        if a and b:
            differing = [field for field in fields if a[field] != b[field]]
        else:
            differing = []
        if b is None:
            what = "removed"
        elif a is None:
            what = "added"
        elif differing:
            what = "changed"
        else:
            what = "equal"
        count[what] += 1
        kinds.update(NAMES.get(field, field) for field in differing)
        if a and b and "program" in differing:
            ops.update(program_changes(a["program"], b["program"]))
        if what != "equal" and len(examples.setdefault(what, [])) < EXAMPLES:
            examples[what].append((a or b or {})["key"])
        if number % BATCH == 0:
            advanced(BATCH)
    return SampleChanges(
        equal=count["equal"],
        added=count["added"],
        removed=count["removed"],
        changed=count["changed"],
        fields=dict(kinds.most_common()),
        programs=dict(ops.most_common()),
        examples={what: tuple(keys) for what, keys in examples.items()},
    )


def _matched(old: Iterator[Row], new: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    a, b = next(old, None), next(new, None)
    while a is not None or b is not None:
        if b is None or (a is not None and order(a) < order(b)):
            yield a, None
            a = next(old, None)
        elif a is None or order(b) < order(a):
            yield None, b
            b = next(new, None)
        else:
            yield a, b
            a, b = next(old, None), next(new, None)


def program_changes(old: str, new: str) -> set[str]:
    """What two programs differ in: `ops` if their ops are others, else `op.parameter` of each that
    differs.
    """
    a, b = json.loads(old), json.loads(new)
    if [op["op"] for op in a["ops"]] != [op["op"] for op in b["ops"]]:
        return {"ops"}
    pairs = zip(a["ops"], b["ops"], strict=True)
    found = {
        f"{one['op']}.{key}"
        for one, other in pairs
        for key in one.keys() | other.keys()
        if one.get(key) != other.get(key)
    }
    return found | ({"scale"} if a["scale"] != b["scale"] else set())
