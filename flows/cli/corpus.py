"""`pairmill corpus`: list, look at, verify, replay, compare, tag, reproduce and clear away
corpora.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pairmill.flows.cli.options import Corpus, Device, Workers, Workspace

app = typer.Typer(no_args_is_help=True, help="List, inspect, verify and replay sealed corpora.")


@app.command("list")
def list_(
    name: Annotated[str | None, typer.Argument(help="One corpus; by default all.")] = None,
    workspace: Workspace = "data",
) -> None:
    """List corpora and their versions."""
    from pairmill.flows.cli.corpora import list_corpora

    list_corpora(workspace, name)


@app.command()
def show(corpus: Corpus, workspace: Workspace = "data") -> None:
    """Show what a version holds and where it came from."""
    from pairmill.flows.cli.corpora import show_corpus

    show_corpus(workspace, corpus)


@app.command()
def verify(corpus: Corpus, workspace: Workspace = "data") -> None:
    """Verify all checksums of a version; exit 1 and name shard and sample if one differs."""
    from pairmill.flows.cli.corpora import verify_corpus

    verify_corpus(workspace, corpus)


@app.command()
def replay(
    corpus: Corpus,
    keys: Annotated[
        list[str] | None, typer.Argument(help="Keys of samples; by default a few of them.")
    ] = None,
    workspace: Workspace = "data",
    every: Annotated[bool, typer.Option("--all", help="Replay all samples.")] = False,
    out: Annotated[
        str | None, typer.Option(help="Folder to write HR, LR and replayed LR images to.")
    ] = None,
) -> None:
    """Make LR images again from HR, program and pools; exit 1 if one differs."""
    from pairmill.flows.cli.corpora import replay_samples

    replay_samples(workspace, corpus, keys or [], every=every, out=out)


@app.command()
def report(
    corpus: Corpus,
    workspace: Workspace = "data",
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Print where the report of a version is, or open it."""
    from pairmill.flows.cli.corpora import report_of

    report_of(workspace, corpus, open_=open_)


@app.command()
def realism(
    corpus: Corpus,
    workspace: Workspace = "data",
    real: Annotated[
        list[str] | None,
        typer.Option(help="Real photos to compare with; by default those of the recipe."),
    ] = None,
    patches: Annotated[
        int,
        typer.Option(
            min=100,
            help="Maximum number of patches per side; more take longer and tell more surely.",
        ),
    ] = 500,
    patch: Annotated[int, typer.Option(help="Side of a patch in LR pixels, a multiple of 8.")] = 32,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all choices.")] = 0,
    network: Annotated[
        bool, typer.Option(help="Train a small network as a classifier as well.")
    ] = True,
    card: Annotated[
        bool, typer.Option(help="Measure what papers do as well, and cameras against one another.")
    ] = True,
    inception: Annotated[
        str,
        typer.Option(help="Inception weights for FID: a pt_inception-2015-12-05 file; slow."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")] = False,
) -> None:
    """Measure per degrader how well synthetic LR can be distinguished from real LR, and what papers
    measure: noise, spectrum, KID, FID, and cameras against one another.
    """
    from pairmill.flows.cli.realism import show_realism

    options = {
        "patches": patches,
        "patch": patch,
        "folds": folds,
        "seed": seed,
        "network": network,
        "card": card,
    }
    show_realism(workspace, corpus, real or [], options, inception, as_json=as_json)


@app.command()
def export(
    corpus: Corpus,
    out: Annotated[
        str,
        typer.Argument(help="New or empty folder, or one with the same export unfinished."),
    ],
    to: Annotated[
        str,
        typer.Option(
            help="Format: folder, basicsr-lmdb, realesrgan-meta, kair, huggingface, parquet, "
            "mds, litdata or croissant."
        ),
    ],
    split: Annotated[
        list[str] | None, typer.Option(help="Split to export; may be repeated; by default all.")
    ] = None,
    kernel: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            help="Write each LR's kernel too, K x K on the HR grid (docs/how-to/training.md); 21 "
            "is usual. Not-a-number where none is known.",
        ),
    ] = None,
    workspace: Workspace = "data",
) -> None:
    """Export a version in the format of a trainer or a tool, with the same PNG files."""
    from pairmill.flows.cli.export import export_corpus

    labels = None if kernel is None else {"kernel": kernel, "missing": "nan"}
    export_corpus(workspace, corpus, to, out, split or [], labels)


@app.command()
def materialise(
    corpus: Corpus,
    workspace: Workspace = "data",
    to: Annotated[
        str | None, typer.Option(help="Workspace that gets the new version; by default the same.")
    ] = None,
    workers: Workers = None,
) -> None:
    """Write the LR of a version that keeps programs alone, and compare it with what was sealed."""
    from pairmill.flows.cli.versions import materialise_version

    materialise_version(workspace, corpus, to, workers)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="NAME, NAME@VERSION or NAME@TAG.")],
    new: Annotated[
        str | None,
        typer.Argument(help="The same; by default the parent of the first is compared with it."),
    ] = None,
    workspace: Workspace = "data",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what two versions differ in; exit 1 if they do."""
    from pairmill.flows.cli.versions import diff_versions

    diff_versions(workspace, old, new, as_json=json)


@app.command()
def tag(
    corpus: Corpus,
    name: Annotated[str, typer.Argument(help="Tag: a-z, 0-9, dots, dashes, underscores.")],
    workspace: Workspace = "data",
    delete: Annotated[bool, typer.Option("--delete", help="Delete the tag instead.")] = False,
) -> None:
    """Tag a version: the name works wherever a version does, and `gc` keeps it."""
    from pairmill.flows.cli.versions import tag_version

    tag_version(workspace, corpus, name, delete=delete)


@app.command()
def gc(
    corpus: Annotated[str | None, typer.Argument(help="One corpus; by default all.")] = None,
    workspace: Workspace = "data",
    keep: Annotated[
        int, typer.Option(min=1, help="Number of newest versions of each corpus to keep.")
    ] = 5,
    keep_days: Annotated[
        float,
        typer.Option(
            min=0, help="Keep what is younger, in days: versions, stages, unfinished work."
        ),
    ] = 30.0,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it, a dry run.")] = False,
) -> None:
    """Delete old versions and unused stages; the newest and tagged versions stay."""
    from pairmill.flows.cli.versions import collect_garbage

    collect_garbage(workspace, corpus, keep, keep_days, yes=yes)


@app.command()
def reproduce(
    corpus: Corpus,
    workspace: Workspace = "data",
    images: Annotated[
        list[str] | None, typer.Option(help="Folder or glob with images that were moved.")
    ] = None,
    from_pools: Annotated[
        bool | None,
        typer.Option(
            help="Use the pools inside the version; by default if its fits cannot be repeated "
            "exactly here."
        ),
    ] = None,
    into: Annotated[
        str | None, typer.Option(help="Folder to build in and keep; by default a temporary one.")
    ] = None,
    workers: Workers = None,
    device: Device = "cpu",
) -> None:
    """Build a version again from its manifest and images; exit 1 if a sample differs."""
    from pairmill.flows.cli.versions import reproduce_version

    reproduce_version(workspace, corpus, images or [], from_pools, into, workers, device)


@app.command()
def repair(
    corpus: Corpus,
    workspace: Workspace = "data",
    images: Annotated[
        list[str] | None, typer.Option(help="Folder or glob with images that were moved.")
    ] = None,
    workers: Workers = None,
    device: Device = "cpu",
) -> None:
    """Make the damaged files of a version again, byte for byte; exit 1 if some cannot be."""
    from pairmill.flows.cli.versions import repair_version

    repair_version(workspace, corpus, images or [], workers, device)


@app.command()
def unlock(
    lock: Annotated[
        str, typer.Argument(help="Name of the lock, as the message that refused you says.")
    ],
    workspace: Workspace = "data",
) -> None:
    """Remove the lock of a process that is certainly dead, such as on a machine that is gone."""
    from pairmill.flows.cli.versions import remove_lock

    remove_lock(workspace, lock)
