"""Run an export: shard by shard, noting each, so that it can be killed and continued at any
moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pairmill.pipeline.export.ahead import ahead
from pairmill.pipeline.export.base import Exporter, Item, Job, Part, Source
from pairmill.pipeline.export.formats import FORMATS
from pairmill.pipeline.export.journal import Journal, target
from pairmill.pipeline.export.source import stream_items
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import UserError
from pairmill.schemas.labels import LabelConfig

ProgressCallback = Callable[[int], None]


@dataclass(frozen=True)
class Exported:
    """What an export made."""

    exporter: Exporter
    pairs: int
    """Pairs in the folder."""
    fresh: int
    """Pairs that were written now."""


def plan(
    storage: Storage,
    manifest: CorpusManifest,
    form: str,
    out: str,
    splits: tuple[str, ...] = (),
    labels: LabelConfig | None = None,
) -> Exporter:
    """The exporter of a version into a folder; all splits without any; with `labels` kernels too.

    Raises:
        UserError: if there is no such format or split, or if `out` is no local folder, or if the
            format has no place for kernels.
    """
    if form not in FORMATS:
        raise UserError("no such export format", got=form, wanted=", ".join(FORMATS))
    if labels is not None and not FORMATS[form].arrays:
        raise UserError(
            "kernels have no place in this format",
            got=form,
            wanted=", ".join(name for name, one in FORMATS.items() if one.arrays),
            todo="export without labels, or in one of these formats",
        )
    known = manifest.identity.samples
    if unknown := [split for split in splits if split not in known]:
        raise UserError(
            "the version has no such split", got=", ".join(unknown), wanted=", ".join(known)
        )
    chosen = tuple(split for split in known if split in splits or not splits)
    return FORMATS[form](Job(storage, manifest, chosen, target(out), labels))


def export(
    exporter: Exporter,
    found: ProgressCallback = lambda _: None,
    advanced: ProgressCallback = lambda _: None,
) -> Exported:
    """Write all that is not there yet.

    Args:
        exporter: From `plan`.
        found: Hears once how many pairs are in the folder from before.
        advanced: Hears how many pairs were written since its last call.

    Raises:
        UserError: if the folder holds something else, or a library that the format needs is
            missing.
        IntegrityError: if a shard is not as it was sealed.
        StoreError: if writing fails; the same call continues.
    """
    job, sources = exporter.job, exporter.job.sources()
    exporter.begin()
    _ = job.labellers  # what cannot be labelled is said before anything is written
    with Journal(job, exporter.name) as journal:
        before = sum(source.record.samples for source in sources if source.name in journal.parts)
        found(before)
        missing = [source for source in sources if source.name not in journal.parts]
        _write(exporter, missing, journal, advanced)
        if not journal.finished:
            exporter.finish([(source, journal.parts[source.name]) for source in sources])
            journal.end()
    pairs = sum(source.record.samples for source in sources)
    return Exported(exporter, pairs, pairs - before)


def _write(
    exporter: Exporter, sources: Sequence[Source], journal: Journal, advanced: ProgressCallback
) -> None:
    """Write shards; while one is written, the next is read and the one before settled."""
    settling: deque[tuple[Source, Future[Part]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="settle") as pool:
        try:
            for source, items in _by_shard(exporter.job, sources):
                counted = _counted(items, advanced)
                part = exporter.shard(source, counted)
                deque(counted, maxlen=0)  # the digest is compared after the last pair
                _note(journal, settling)
                settling.append((source, pool.submit(exporter.settle, source, part)))
        finally:
            _note(journal, settling)


def _note(journal: Journal, settling: deque[tuple[Source, Future[Part]]]) -> None:
    while settling:
        source, part = settling.popleft()
        journal.done(source.name, part.result())


def _by_shard(job: Job, sources: Sequence[Source]) -> Iterator[tuple[Source, Iterator[Item]]]:
    """Shards and their pairs, which are read ahead, also while the shard before is written."""
    stream = ahead(_entries(job, sources), lambda item: len(item.hr) + len(item.lr) if item else 0)
    for source in sources:
        yield source, iter(partial(next, stream), None)


def _entries(job: Job, sources: Sequence[Source]) -> Iterator[Item | None]:
    """Pairs of all shards, and None at the end of each."""
    for source in sources:
        yield from stream_items(job, source)
        yield None


def _counted(items: Iterator[Item], advanced: ProgressCallback) -> Iterator[Item]:
    for item in items:
        yield item
        advanced(1)
