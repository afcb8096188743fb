"""What `pairmill corpus` does."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from rich.progress import Progress

from pairmill.flows import terminal
from pairmill.flows.cli.pages import open_page, refuse_to_open
from pairmill.pipeline.corpora.image_locations import read_locations
from pairmill.pipeline.corpora.log import (
    corpus_names,
    find_version,
    read_log,
    read_tags,
    unknown_corpus,
)
from pairmill.pipeline.corpora.replay import Replayed, find_samples, read_table, replay
from pairmill.pipeline.corpora.verify import verify
from pairmill.pipeline.images.encode import encode_png
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest
from pairmill.schemas.errors import IntegrityError

SOME = 8
"""Samples that are replayed when none is named."""


def list_corpora(workspace: str, name: str | None) -> None:
    """A table of versions."""
    storage = Storage(workspace)
    names = [name] if name else corpus_names(storage)
    rows = [row for n in names for row in _lines(storage, n)]
    if name and not rows:
        raise unknown_corpus(storage, name)
    if not rows:
        terminal.line(
            f"no corpus in {storage.url}; `pairmill build RECIPE` or `pairmill demo` makes one"
        )
        return
    terminal.table("", ["corpus", "version", "pairs", "sealed", "parent", "tags"], rows)


def _lines(storage: Storage, name: str) -> list[list[object]]:
    tags: dict[str, list[str]] = {}
    for tag in read_tags(storage, name):
        tags.setdefault(tag.version, []).append(tag.name)
    entries = read_log(storage, name)
    said = [
        f"deleted {e.collected}" if e.collected else ", ".join(tags.get(e.version, []))
        for e in entries
    ]
    return [
        [name, e.version, e.samples, e.time, e.parent, s]
        for e, s in zip(entries, said, strict=True)
    ]


def show_corpus(workspace: str, reference: str) -> None:
    """Counts, degraders, pools, shards, and a few keys."""
    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    identity, circumstance = manifest.identity, manifest.circumstance
    reference = f"[bold]{identity.name}@{manifest.version}[/]"
    host = read_locations(storage, manifest).host
    terminal.line(
        f"{reference}  sealed {circumstance.finished}{f' on {host}' if host else ''}, "
        f"{circumstance.engine}"
    )
    terminal.line(f"  digest {manifest.digest}\n")
    terminal.table("splits", ["split", "pairs"], list(identity.samples.items()))
    terminal.table("degraders", ["degrader", "pairs"], list(identity.degraders.items()))
    terminal.table(
        "counts", ["what", "count"], [[k.replace("_", " "), v] for k, v in manifest.counts.items()]
    )
    if manifest.credits:
        said = [
            (c.credit.licence or "unknown", c.credit.author, c.images)
            if c.credit
            else ("unknown", "", c.images)
            for c in manifest.credits[:20]
        ]
        terminal.table("source images", ["licence", "author", "images"], said)
    if identity.pools:
        terminal.table(
            "pools",
            ["pool", "items", "digest"],
            [[p.kind, p.count, p.digest[:16]] for p in identity.pools],
        )
    shards = zip(manifest.shard_names, identity.shards, strict=True)
    terminal.table(
        "shards",
        ["shard", "pairs", "MB"],
        [[n, s.samples, round(s.bytes / 1e6, 1)] for n, s in list(shards)[:20]],
    )
    keys = [row.key for row, _ in zip(read_table(storage, manifest), range(3), strict=False)]
    terminal.line(f"\n  samples  {', '.join(keys)}, ...")
    terminal.line(
        "  report   "
        f"{storage.path(layout.version_folder(identity.name, manifest.version))}/report/index.html"
    )


def verify_corpus(workspace: str, reference: str) -> None:
    """Verify under a bar.

    Raises:
        SystemExit: with code 1 if anything differs.
    """
    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    total = sum(shard.bytes for shard in manifest.identity.shards)
    with Progress(console=terminal.out, transient=True) as progress:
        bar = progress.add_task("verify", total=total)
        report = verify(storage, manifest, lambda count: progress.advance(bar, count))
    terminal.verified(report, f"{manifest.identity.name}@{manifest.version}")
    if not report.ok:
        folder = storage.path(layout.version_folder(manifest.identity.name, manifest.version))
        terminal.how_to_repair(
            report, f"{manifest.identity.name}@{manifest.version}", folder, workspace
        )
        raise SystemExit(1)


def replay_samples(
    workspace: str, reference: str, keys: list[str], *, every: bool, out: str | None
) -> None:
    """Replay, print a line per sample that was named or differs, and write images if asked to.

    Raises:
        SystemExit: with code 1 if an LR differs.
    """
    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    wanted = find_samples(storage, manifest, keys or _some_keys(storage, manifest, every=every))
    total, differing = 0, 0
    for sample in _readable(replay(storage, manifest, wanted), wanted):
        total += 1
        differing += not sample.identical
        if not every or not sample.identical:
            said = "[green]identical[/]" if sample.identical else "[bold red]differs[/]"
            terminal.line(f"{sample.record.key}  {sample.record.degrader}  {said}")
        if out:
            _write_images(Path(out), sample)
    terminal.line(
        f"{total - differing} of {total} LR images identical"
        + (f", written to {out}" if out else "")
    )
    if differing:
        raise SystemExit(1)


def _readable(samples: Iterator[Replayed], wanted: dict[str, set[str]]) -> Iterator[Replayed]:
    try:
        yield from samples
    except (ValueError, OSError, tarfile.TarError) as error:
        raise IntegrityError(
            "a sample cannot be read",
            where=", ".join(wanted),
            got=str(error).splitlines()[0],
            todo="check the version with `pairmill corpus verify`",
        ) from error


def _some_keys(storage: Storage, manifest: CorpusManifest, *, every: bool) -> list[str]:
    rows = [row.key for row in read_table(storage, manifest)]
    return rows if every else rows[:: max(1, len(rows) // SOME)][:SOME]


def _write_images(folder: Path, sample: Replayed) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in (("hr", sample.hr), ("lr", sample.lr), ("lr-replayed", sample.again)):
        (folder / f"{sample.record.key}.{name}.png").write_bytes(encode_png(image))


def report_of(workspace: str, reference: str, *, open_: bool) -> None:
    """Print the path of the report, and open it if asked to."""
    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    folder = storage.path(
        f"{layout.version_folder(manifest.identity.name, manifest.version)}/report"
    )
    refuse_to_open(storage, f"copy {folder} to this machine and open its index.html", open_=open_)
    terminal.line(f"{folder}/index.html")
    if open_:
        open_page(f"{folder}/index.html")
