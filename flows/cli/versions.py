"""What `pairmill corpus diff`, `tag`, `gc`, `reproduce` and `unlock` do."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.progress import Progress

from pairmill.flows import terminal
from pairmill.pipeline.corpora.diff import diff
from pairmill.pipeline.corpora.gc import collect, find_garbage
from pairmill.pipeline.corpora.log import find_version
from pairmill.pipeline.corpora.tags import delete_tag, set_tag
from pairmill.pipeline.html.markup import counted
from pairmill.pipeline.workspace import layout
from pairmill.pipeline.workspace.lock import take_away
from pairmill.pipeline.workspace.provenance import now
from pairmill.pipeline.workspace.storage import Storage
from pairmill.schemas.corpus import CorpusManifest, PoolRef
from pairmill.schemas.diff import CorpusDiff, Outcome, Reproduction, SampleChanges
from pairmill.schemas.errors import UserError
from pairmill.schemas.gc import Garbage, KeepConfig

SHOWN = 12
"""Rows of long lists that are shown; `--json` has all."""


def diff_versions(workspace: str, old: str, new: str | None, *, as_json: bool) -> None:
    """Compare under a bar, then tables or JSON.

    Raises:
        SystemExit: with code 1 if the versions differ.
    """
    storage = Storage(workspace)
    later = find_version(storage, new or old)
    earlier = find_version(storage, old) if new else _parent(storage, later)
    total = sum(sum(manifest.identity.samples.values()) for manifest in (earlier, later))
    with Progress(console=terminal.out, transient=True, disable=as_json) as progress:
        bar = progress.add_task("compare", total=total)
        found = diff(storage, earlier, later, lambda count: progress.advance(bar, count))
    if as_json:
        terminal.out.file.write(found.model_dump_json(indent=2) + "\n")
    else:
        _show(found)
    if not found.identical:
        raise SystemExit(1)


def _parent(storage: Storage, manifest: CorpusManifest) -> CorpusManifest:
    reference = f"{manifest.identity.name}@{manifest.version}"
    if not manifest.parents:
        raise UserError(
            "this version has no parent to compare with", where=reference, todo="name two versions"
        )
    return find_version(storage, f"{manifest.identity.name}@{manifest.parents[0]}")


def _show(found: CorpusDiff) -> None:
    terminal.line(
        f"[bold]{found.old}[/] -> [bold]{found.new}[/]" + ("  identical" if found.identical else "")
    )
    if found.identical:
        return
    changed = [[change.path, _value(change.old), _value(change.new)] for change in found.recipe]
    changed += [
        [f"stage {change.path}", _value(change.old), _value(change.new)] for change in found.stages
    ]
    pools = [[c.kind, *(_pool(p) for p in (c.old, c.new))] for c in found.pools]
    images = [["added", image, found.places[image]] for image in found.images_added]
    images += [["removed", image, found.places[image]] for image in found.images_removed]
    for title, columns, rows in (
        ("recipe and stages", ["field", "old", "new"], changed),
        ("pools", ["pool", "old", "new"], pools),
        (
            f"images: {len(found.images_added)} added, {len(found.images_removed)} removed",
            ["", "pixels", "place"],
            [[what, image[:12], place] for what, image, place in images],
        ),
    ):
        if rows:
            terminal.table(title, columns, rows[:SHOWN])
            terminal.more(len(rows), SHOWN, "; --json has all")
    show_samples(found.samples)
    s = found.shards
    encoded = f", {s.encoded} with the same pixels in other bytes" if s.encoded else ""
    terminal.line(f"  shards   {s.old} -> {s.new}: {s.same} have the same bytes{encoded}")


def _pool(pool: PoolRef | None) -> str:
    if pool is None:
        return "none"
    said = f"{pool.count} items, {pool.digest[:12]}"
    if pool.groups is None:
        return said
    return f"{said}, {counted(len(pool.groups.photographs), 'group')}"


def _value(value: Any) -> str:
    return "-" if value is None else str(value)


def show_samples(s: SampleChanges) -> None:
    """How many samples are equal, were added, removed or changed, and in what."""
    terminal.line(
        f"  samples  {s.equal} equal, {s.added} added, {s.removed} removed, {s.changed} changed"
    )
    rows: list[Sequence[object]] = [[field, count] for field, count in s.fields.items()]
    rows += [[f"program: {name}", count] for name, count in s.programs.items()]
    if rows:
        terminal.table("changed samples, by field", ["field", "samples"], rows)
    for what, keys in s.examples.items():
        terminal.line(f"  {what:<8} {', '.join(keys)}")


def tag_version(workspace: str, reference: str, name: str, *, delete: bool) -> None:
    """Give or take a name."""
    storage = Storage(workspace)
    corpus = reference.partition("@")[0]
    if delete:
        tag = delete_tag(storage, reference, name)
        terminal.line(f"{corpus}@{tag.version} is no longer called {tag.name}")
        return
    tag = set_tag(storage, reference, name, now())
    terminal.line(f"{corpus}@{tag.version} is [bold]{corpus}@{tag.name}[/]")


def collect_garbage(
    workspace: str, corpus: str | None, keep: int, keep_days: float, *, yes: bool
) -> None:
    """Show what would go, or delete it."""
    storage, config, present = (
        Storage(workspace),
        KeepConfig(last=keep, days=keep_days),
        datetime.now(UTC),
    )
    if corpus is not None:
        find_version(storage, corpus)  # an unknown name is a mistake
    garbage = (
        collect(storage, config, present, corpus)
        if yes
        else find_garbage(storage, config, present, corpus)
    )
    gone = "deleted" if yes else "would go"
    rows = [[v.corpus, v.version, v.time, "" if v.kept else gone, v.kept] for v in garbage.versions]
    if rows:
        terminal.table("", ["corpus", "version", "sealed", "", "stays because"], rows)
    for reference in garbage.unfinished:
        terminal.line(f"  {reference}: never finished, {gone}")
    stages = [
        [s.stage, len(s.sealed), len(s.units), s.kept]
        for s in garbage.stages
        if s.sealed or s.units
    ]
    if stages:
        terminal.table(
            "stages that no version needs", ["stage", "sealed", "units", "units that stay"], stages
        )
    for note in garbage.notes:
        terminal.line(f"  {escape(note)}")
    terminal.line(_sum(garbage, yes=yes))


def _sum(garbage: Garbage, *, yes: bool) -> str:
    if garbage.empty:
        return "nothing to delete"
    size = f"{garbage.bytes / 1e6:,.1f} MB"
    return f"{size} are free now" if yes else f"dry run: {size} would become free; --yes deletes"


def reproduce_version(
    workspace: str,
    reference: str,
    images: Sequence[str],
    from_pools: bool | None,
    into: str | None,
    workers: int | None,
    device: str,
) -> None:
    """Make a version again under bars, and say how it came out.

    Raises:
        SystemExit: with code 1 if a sample differs.
    """
    from pairmill.models.device import resolve_device
    from pairmill.pipeline.build.reproduce import Bench, reproduce
    from pairmill.pipeline.runner.execution import ProcessExecutor, local_profile

    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    with ExitStack() as stack:
        folder = into or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="pairmill-reproduce-")
        )
        profile = local_profile(Storage(folder).url, resolve_device(device), workers)
        bars = stack.enter_context(terminal.Bars())
        found = reproduce(
            storage,
            manifest,
            Bench(profile, ProcessExecutor(profile.workers), bars),
            images,
            from_pools,
        )
    show_reproduction(found)
    if found.outcome == Outcome.DIFFERENT:
        raise SystemExit(1)


def repair_version(
    workspace: str, reference: str, images: Sequence[str], workers: int | None, device: str
) -> None:
    """Make a damaged version again under bars, take what was damaged from there, and say how it is
    now.

    Raises:
        SystemExit: with code 1 if something is still damaged.
    """
    from pairmill.models.device import resolve_device
    from pairmill.pipeline.build.repair import repair
    from pairmill.pipeline.build.reproduce import Bench
    from pairmill.pipeline.runner.execution import ProcessExecutor, local_profile

    storage = Storage(workspace)
    manifest = find_version(storage, reference)
    with tempfile.TemporaryDirectory(prefix="pairmill-repair-") as folder, terminal.Bars() as bars:
        profile = local_profile(Storage(folder).url, resolve_device(device), workers)
        done, report = repair(
            storage, manifest, Bench(profile, ProcessExecutor(profile.workers), bars), images
        )
    for name in done:
        terminal.line(f"  made again  {escape(name)}")
    terminal.verified(report, f"{manifest.identity.name}@{manifest.version}")
    if not report.ok:
        raise SystemExit(1)


def materialise_version(
    workspace: str, reference: str, to: str | None, workers: int | None
) -> None:
    """Write LR under bars, and say which version has it."""
    from pairmill.pipeline.build.materialise import materialise
    from pairmill.pipeline.report.write import retell_report
    from pairmill.pipeline.runner.execution import local_profile

    storage = Storage(workspace)
    target = Storage(to) if to else storage
    manifest = find_version(storage, reference)
    name = manifest.identity.name
    profile = local_profile(target.url, "cpu", workers)
    with terminal.Bars() as bars:
        found = materialise(storage, manifest, profile, retell_report, bars)
    folder = target.path(layout.version_folder(name, found.version))
    samples = sum(found.identity.samples.values())
    size = sum(shard.bytes for shard in found.identity.shards) / 1e6
    terminal.line(f"[bold]{name}@{found.version}[/]  {samples} pairs with LR, {size:.1f} MB")
    terminal.line(f"  of       {name}@{manifest.version}, every LR as it was sealed")
    terminal.line(f"  folder   {escape(folder)}")


def show_reproduction(found: Reproduction) -> None:
    """The outcome first, then what is different here."""
    every = f"all {found.samples.equal} samples"
    said = {
        Outcome.IDENTICAL: f"[green]identical[/]: {every} in {found.shards.new} shards, digest "
        f"{found.digest}",
        Outcome.PIXELS: f"[green]equal pixels[/]: {every} have the same pixels and programs, in "
        "other files",
        Outcome.DIFFERENT: "[bold red]differs[/]",
    }
    terminal.line(f"[bold]{found.version}[/]  {said[found.outcome]}")
    if found.outcome != Outcome.IDENTICAL:
        s = found.shards
        terminal.line(
            f"  shards   {s.same} of {s.new} have the same bytes, {s.encoded} the same pixels "
            "from another encoder"
        )
    if found.outcome == Outcome.DIFFERENT:
        show_samples(found.samples)
    for note in found.notes:
        terminal.line(f"  {escape(note)}")


def remove_lock(workspace: str, name: str) -> None:
    """Take a lock away, and say whose it was."""
    storage = Storage(workspace)
    if not storage.exists(layout.lock_file(name)):
        names = storage.names(layout.lock_folder())
        known = ", ".join(
            file.removesuffix(".json")
            for file in names
            if file.endswith(".json") and not file.startswith(".")
        )
        raise UserError(
            f"there is no lock called {name!r}",
            where=storage.path(layout.lock_folder()),
            got=known or "no lock",
        )
    holder = take_away(storage, name)
    terminal.line(f"took away the lock {name}" + (f" of {holder.words()}" if holder else ""))
