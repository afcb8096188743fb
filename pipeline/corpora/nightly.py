"""The nightly check of a workspace: verify the newest and all tagged versions, and replay a random
share of their samples.
"""

from __future__ import annotations

import math
import tarfile
import time
from collections.abc import Iterator
from datetime import date as calendar

from pairmill.pipeline.corpora.log import corpus_names, read_log, read_manifest, read_tags
from pairmill.pipeline.corpora.replay import find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.rng import pick, stream
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import GC, refuse
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import BusyError, PairmillError, UserError
from pairmill.schemas.nightly import CheckedVersion, NightlyReport

SHARE = 0.01
"""Share of the samples of a version that a night replays."""


def check(storage: Storage, date: str, share: float = SHARE) -> NightlyReport:
    """Check a workspace and write the report to `layout.nightly_report(date)`.

    Args:
        storage: The workspace.
        date: A day, such as 2026-11-21: the same day draws the same samples, another day others.
        share: Share of the samples of each version that are replayed, 0 to 1, rounded up to whole
            samples.

    Raises:
        UserError: if the date is none or the share is out of bounds.
        BusyError: if `gc` is deleting versions.
    """
    refuse_nonsense(date, share)
    refuse(storage, GC)
    report = NightlyReport(date=date, share=share, versions=tuple(_versions(storage, date, share)))
    storage.write(layout.nightly_report(date), report.model_dump_json(indent=1).encode())
    return report


def refuse_nonsense(date: str, share: float) -> None:
    """Do nothing if both can be what they are for.

    Raises:
        UserError: as `check`.
    """
    try:
        calendar.fromisoformat(date)
    except ValueError as error:
        raise UserError(
            "invalid date", where="date", got=date, wanted="a date such as 2026-11-21"
        ) from error
    if not 0 <= share <= 1:
        raise UserError("invalid share", where="share", got=str(share), wanted="0 to 1")


def _versions(storage: Storage, date: str, share: float) -> Iterator[CheckedVersion]:
    for name in corpus_names(storage):
        try:
            wanted = _wanted(storage, name)
        except PairmillError as error:  # a damaged log or tag is news, not the end of the night
            yield CheckedVersion(corpus=name, version="", problem=_sentence(error))
            continue
        for row in wanted:
            yield _checked(storage, row, date, share)


def _wanted(storage: Storage, name: str) -> list[CheckedVersion]:
    """Rows still to be filled: the newest version and the tagged ones that are there, oldest
    first.
    """
    there = [entry.version for entry in read_log(storage, name) if not entry.collected]
    tags = read_tags(storage, name)
    # A version that was built again stands where it is newest.
    order = list(dict.fromkeys(reversed(there)))[::-1]
    rows = []
    for version in order:
        names = tuple(tag.name for tag in tags if tag.version == version)
        if names or version == order[-1]:
            rows.append(
                CheckedVersion(
                    corpus=name, version=version, tags=names, newest=version == order[-1]
                )
            )
    return rows


def _checked(storage: Storage, row: CheckedVersion, date: str, share: float) -> CheckedVersion:
    began, found = time.perf_counter(), row
    try:
        manifest = read_manifest(storage, row.corpus, row.version)
        report = verify(storage, manifest)
        found = row.with_(shards=report.shards, samples=report.samples, findings=report.findings)
        replayed, differing = _replayed(storage, manifest, date, share)
        found = found.with_(replayed=replayed, differing=differing)
    except BusyError:
        raise
    except PairmillError as error:
        found = found.with_(problem=_sentence(error))
    except (ValueError, OSError, tarfile.TarError) as error:
        found = found.with_(problem=f"a sample cannot be read: {str(error).splitlines()[0]}")
    return found.with_(seconds=round(time.perf_counter() - began, 3))


def _replayed(
    storage: Storage, manifest: CorpusManifest, date: str, share: float
) -> tuple[int, tuple[str, ...]]:
    """How many samples were made again, and the keys of those that differ."""
    wanted = find_samples(storage, manifest, drawn(storage, manifest, date, share))
    count, differing = 0, []
    for sample in replay(storage, manifest, wanted):
        count += 1
        if not sample.identical:
            differing.append(sample.record.key)
    return count, tuple(differing)


def drawn(storage: Storage, manifest: CorpusManifest, date: str, share: float) -> list[str]:
    """Keys of the samples of a day: without repetition, from a stream of the day and the version's
    digest.
    """
    total = sum(manifest.identity.samples.values())
    rng, places = stream("nightly", date, manifest.digest), set[int]()
    while len(places) < min(total, math.ceil(share * total)):
        places.add(pick(rng, total))
    return [row.key for place, row in enumerate(read_table(storage, manifest)) if place in places]


def _sentence(error: PairmillError) -> str:
    return "; ".join(
        [error.what, *(text for label, text in error.rows() if label in ("where", "got"))]
    )
